use std::sync::{Arc, PoisonError};

use console::{
    AddPhoneLine, AddSpeedDial, Done, Failure, FindPhones, ListModels, ListPhones, ModelView,
    PhoneFilter, PhoneRefused, PhoneRow, PhoneView, PhonesChanged, PhonesFound, RegistrationView,
    RemovePhoneLine, RemoveSpeedDial, SetPhones, ShowPhone,
};
use lang::{Language, Say, Text};
use store::{
    Capability, Change, Device, DeviceName, Error, Hardening, Latest, Model, SpeedDial, Support,
};

use super::line::line_view;
use super::phonebook::{Facts, Phonebook, Search, directory_number};
use super::{Caller, Handle, Office};

impl Handle<ListPhones> for Office {
    fn handle(&self, caller: &Caller, request: ListPhones) -> Result<Vec<PhoneRow>, Failure> {
        let registered = self.registered();
        let book = self.phonebook(caller)?;
        let search = Search::new(&book.facts, registered.as_deref(), &request.filter);
        let found = book.phones().filter(|device| search.matches(device));
        Ok(found.map(|device| search.row(device, caller.language)).collect())
    }
}

impl Handle<FindPhones> for Office {
    fn handle(&self, caller: &Caller, request: FindPhones) -> Result<PhonesFound, Failure> {
        let FindPhones { filter, after, skip, limit } = request;
        let registered = self.registered();
        let book = self.phonebook(caller)?;
        let search = Search::new(&book.facts, registered.as_deref(), &filter);
        let found: Vec<_> = book.phones().filter(|device| search.matches(device)).collect();
        let first =
            after.map_or(0, |after| found.partition_point(|it| *it.name.as_str() <= *after));
        let rest = &found[first.saturating_add(skip).min(found.len())..];
        let rows = rest.iter().take(limit).map(|device| search.row(device, caller.language));
        Ok(PhonesFound { phones: rows.collect(), total: found.len(), more: rest.len() > limit })
    }
}

impl Handle<ShowPhone> for Office {
    fn handle(&self, caller: &Caller, request: ShowPhone) -> Result<PhoneView, Failure> {
        let registered = self.registered();
        self.read(caller, |view| {
            let device = view.device(&request.name)?;
            let facts = Facts::read(view)?;
            let status = facts.lsc_status(&device.name);
            let pool = view.pool(&device.pool)?;
            let servers = pool.servers(&view.call_servers()?);
            let mut line_details = Vec::with_capacity(device.lines.len());
            for number in &device.lines {
                let line = view.line(number)?;
                line_details.push(line_view(view, line)?);
            }
            let of = |registration: &&RegistrationView| registration.device == device.name.as_str();
            Ok(PhoneView {
                directory_number: directory_number(&device),
                effective_mode: device.effective_mode(facts.mode, facts.default),
                lsc_status: status,
                lsc_status_text: status.say(caller.language),
                line_details,
                call_managers: servers.into_iter().map(|server| server.name).collect(),
                registration: registered.iter().flatten().find(of).cloned(),
                notes: without_effect(&facts, &device, caller.language),
                device,
            })
        })
    }
}

impl Handle<SetPhones> for Office {
    fn handle(&self, caller: &Caller, request: SetPhones) -> Result<PhonesChanged, Failure> {
        let registered = self.registered();
        let mut matched = 0;
        let mut refused = Vec::new();
        let set = |change: &mut Change<'_>| {
            let facts = Facts::read(change)?;
            let search = Search::new(&facts, registered.as_deref(), &request.filter);
            let mut devices = change.devices()?;
            devices.retain(|device| search.matches(device));
            matched = devices.len();
            for mut device in devices {
                // What is wrong with the values is wrong for all of them; what a model cannot do
                // is its own fault, and nothing of it was changed.
                request.changes.clone().apply(&mut device)?;
                match change.put_device(&device) {
                    Err(Error::Refused(refusal)) => refused.push(PhoneRefused {
                        name: device.name,
                        text: refusal.say(caller.language),
                    }),
                    done => done?,
                }
            }
            Ok(())
        };
        let changed = match request.dry_run {
            false => self.change(caller, set),
            true => self.try_out(caller, set),
        }?;
        Ok(PhonesChanged { done: caller.done(changed), matched, refused })
    }
}

impl Handle<AddPhoneLine> for Office {
    fn handle(&self, caller: &Caller, request: AddPhoneLine) -> Result<Done, Failure> {
        let AddPhoneLine { name, number, button } = request;
        self.change_phone(caller, &name, |device| {
            let last = device.lines.len();
            let place = button.map_or(last, |button| usize::from(button).saturating_sub(1));
            device.lines.insert(place.min(last), number);
            Ok(())
        })
    }
}

impl Handle<RemovePhoneLine> for Office {
    fn handle(&self, caller: &Caller, request: RemovePhoneLine) -> Result<Done, Failure> {
        let RemovePhoneLine { name, number } = request;
        self.change_phone(caller, &name, |device| {
            let place = device.lines.iter().position(|line| *line == number);
            let unknown = || Error::Unknown { object: "line", name: number.to_string() };
            device.lines.remove(place.ok_or_else(unknown)?);
            Ok(())
        })
    }
}

impl Handle<AddSpeedDial> for Office {
    fn handle(&self, caller: &Caller, request: AddSpeedDial) -> Result<Done, Failure> {
        let AddSpeedDial { name, number, label } = request;
        self.change_phone(caller, &name, |device| {
            device.speed_dials.push(SpeedDial { number, label });
            Ok(())
        })
    }
}

impl Handle<RemoveSpeedDial> for Office {
    fn handle(&self, caller: &Caller, request: RemoveSpeedDial) -> Result<Done, Failure> {
        let RemoveSpeedDial { name, position } = request;
        self.change_phone(caller, &name, |device| {
            let place = usize::from(position).checked_sub(1);
            let place = place.filter(|place| *place < device.speed_dials.len());
            let unknown = || Error::Unknown { object: "speed dial", name: position.to_string() };
            device.speed_dials.remove(place.ok_or_else(unknown)?);
            Ok(())
        })
    }
}

impl Handle<ListModels> for Office {
    fn handle(&self, _: &Caller, _: ListModels) -> Result<Vec<ModelView>, Failure> {
        let capabilities = |model: Model| {
            let all = Capability::ALL.iter();
            all.map(|capability| (*capability, model.support(*capability))).collect()
        };
        let view = |model: Model| ModelView {
            model,
            modes: model.modes().to_vec(),
            capabilities: capabilities(model),
        };
        Ok(Model::ALL.into_iter().map(view).collect())
    }
}

impl Office {
    /// The phones that are registered here; `None` where CallManager does not run. Asked outside
    /// of transactions: it takes its time.
    pub(super) fn registered(&self) -> Option<Vec<RegistrationView>> {
        self.services.telephony().map(|telephony| telephony.registered())
    }

    /// All phones as they are now; read from the database with the first list.
    fn phonebook(&self, caller: &Caller) -> Result<Arc<Phonebook>, Failure> {
        let mut kept = self.phonebook.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = match &*kept {
            Some(latest) => Arc::clone(latest),
            None => {
                let latest = Latest::new(Arc::clone(&self.store), &self.node);
                let latest = Arc::new(latest.map_err(|error| caller.failure(&error))?);
                Arc::clone(kept.insert(latest))
            }
        };
        drop(kept);
        Ok(latest.newest())
    }

    /// The names of those of all phones that match.
    pub(super) fn matching(
        &self,
        caller: &Caller,
        filter: &PhoneFilter,
    ) -> Result<Vec<DeviceName>, Failure> {
        let registered = self.registered();
        self.read(caller, |view| {
            let facts = Facts::read(view)?;
            let search = Search::new(&facts, registered.as_deref(), filter);
            let devices = view.devices()?.into_iter();
            let devices = devices.filter(|device| search.matches(device));
            Ok(devices.map(|device| device.name).collect())
        })
    }

    fn change_phone(
        &self,
        caller: &Caller,
        name: &DeviceName,
        make: impl FnOnce(&mut Device) -> store::Result<()>,
    ) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| {
            let mut device = change.device(name)?;
            make(&mut device)?;
            change.put_device(&device)
        })?;
        Ok(caller.done(changed))
    }
}

/// What is set, kept, and of no effect.
fn without_effect(facts: &Facts, device: &Device, language: Language) -> Vec<String> {
    let mut notes = Vec::new();
    let wanted = device.configured_mode(facts.default);
    if wanted != device.effective_mode(facts.mode, facts.default) {
        notes.push(IN_NON_SECURE_MODE.fill(language, &[("mode", &wanted)]));
    }
    let Hardening { gratuitous_arp, web_access, pc_voice_vlan_access, settings_access, pc_port } =
        device.hardening;
    let shut = [
        (gratuitous_arp, Capability::GratuitousArp),
        (web_access, Capability::WebAccess),
        (pc_voice_vlan_access, Capability::PcVoiceVlanAccess),
        (settings_access, Capability::SettingsAccess),
        (pc_port, Capability::PcPort),
    ];
    for (open, capability) in shut {
        if !open && device.model.support(capability) == Support::No {
            let what = capability.say(language);
            let values: [(&str, &dyn std::fmt::Display); 2] =
                [("model", &device.model), ("what", &what)];
            notes.push(NOT_OF_THIS_MODEL.fill(language, &values));
        }
    }
    notes
}

const IN_NON_SECURE_MODE: Text = Text::new(
    "It is set to {mode}; while the cluster is in non-secure mode that is kept and ignored.",
    "{mode} に設定されていますが、クラスタがノンセキュアモードの間は無視されます (設定は保持されます)。",
);
const NOT_OF_THIS_MODEL: Text = Text::new(
    "A {model} knows no {what}: the setting is kept and ignored.",
    "{model} は {what} に対応していません。設定は保持されますが無視されます。",
);
