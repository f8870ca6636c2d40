use std::collections::{HashMap, HashSet};

use console::{
    AddPhoneLine, AddSpeedDial, Done, Failure, ListModels, ListPhones, ModelView, PhoneFilter,
    PhoneRefused, PhoneRow, PhoneView, PhonesChanged, RegistrationView, RemovePhoneLine,
    RemoveSpeedDial, SetPhones, ShowPhone,
};
use lang::{Language, Say, Text};
use store::{
    Capability, CapfStatus, Change, Device, DeviceName, DeviceSecurityMode, EffectiveMode, Error,
    Hardening, Model, SecurityMode, SpeedDial, Support, View,
};

use super::line::line_view;
use super::{Caller, Handle, Office};

impl Handle<ListPhones> for Office {
    fn handle(&self, caller: &Caller, request: ListPhones) -> Result<Vec<PhoneRow>, Failure> {
        let registered = self.registered();
        self.read(caller, |view| {
            let found = Found::read(view, registered.as_deref())?;
            let devices = view.devices()?.into_iter();
            let devices = devices.filter(|device| found.matches(device, &request.filter));
            Ok(devices.map(|device| found.row(device, caller.language)).collect())
        })
    }
}

impl Handle<ShowPhone> for Office {
    fn handle(&self, caller: &Caller, request: ShowPhone) -> Result<PhoneView, Failure> {
        let registered = self.registered();
        self.read(caller, |view| {
            let device = view.device(&request.name)?;
            let found = Found::read(view, registered.as_deref())?;
            let status = found.lsc_status(&device.name);
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
                effective_mode: device.effective_mode(found.mode, found.default),
                lsc_status: status,
                lsc_status_text: status.say(caller.language),
                line_details,
                call_managers: servers.into_iter().map(|server| server.name).collect(),
                registration: registered.iter().flatten().find(of).cloned(),
                notes: found.without_effect(&device, caller.language),
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
            let found = Found::read(change, registered.as_deref())?;
            let mut devices = change.devices()?;
            devices.retain(|device| found.matches(device, &request.filter));
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

    /// The names of those of all phones that match.
    pub(super) fn matching(
        &self,
        caller: &Caller,
        filter: &PhoneFilter,
    ) -> Result<Vec<DeviceName>, Failure> {
        let registered = self.registered();
        self.read(caller, |view| {
            let found = Found::read(view, registered.as_deref())?;
            let devices = view.devices()?.into_iter();
            let devices = devices.filter(|device| found.matches(device, filter));
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

/// The SRST references of pools that name one.
fn references(view: &mut View<'_>) -> store::Result<HashMap<String, String>> {
    let pools = view.pools()?.into_iter();
    Ok(pools.filter_map(|pool| Some((pool.name, pool.srst?))).collect())
}

/// The number on the first button, for a list.
pub(super) fn directory_number(device: &Device) -> String {
    device.directory_number().map(ToString::to_string).unwrap_or_default()
}

/// What is looked at beside the phones themselves.
struct Found<'a> {
    mode: SecurityMode,
    default: EffectiveMode,
    lsc: HashMap<DeviceName, CapfStatus>,
    registered: Option<HashSet<&'a str>>,
    /// The SRST references of pools.
    srst: HashMap<String, String>,
}

impl<'a> Found<'a> {
    fn read(
        view: &mut View<'_>,
        registered: Option<&'a [RegistrationView]>,
    ) -> store::Result<Self> {
        let names = |phones: &'a [RegistrationView]| {
            phones.iter().map(|phone| phone.device.as_str()).collect()
        };
        Ok(Self {
            mode: view.security_mode()?,
            default: view.default_device_mode()?,
            lsc: view.capfs()?.into_iter().map(|capf| (capf.device, capf.status)).collect(),
            registered: registered.map(names),
            srst: references(view)?,
        })
    }

    fn lsc_status(&self, name: &DeviceName) -> CapfStatus {
        self.lsc.get(name).copied().unwrap_or(CapfStatus::None)
    }

    fn is_registered(&self, name: &DeviceName) -> Option<bool> {
        Some(self.registered.as_ref()?.contains(name.as_str()))
    }

    fn matches(&self, device: &Device, filter: &PhoneFilter) -> bool {
        let PhoneFilter { security_mode, lsc_status, registered, model, pool, srst, find } = filter;
        let in_mode = |mode: &DeviceSecurityMode| {
            let configured = device.configured_mode(self.default);
            device.security_mode == *mode || configured.as_str() == mode.as_str()
        };
        let is_found = |text: &String| {
            let text = text.to_lowercase();
            let texts = [device.name.as_str(), &device.description, &device.owner];
            let numbers = device.lines.iter().map(|number| number.as_str());
            texts.into_iter().chain(numbers).any(|it| it.to_lowercase().contains(&text))
        };
        let is_registered = self.is_registered(&device.name).unwrap_or_default();
        security_mode.as_ref().is_none_or(in_mode)
            && lsc_status.is_none_or(|status| self.lsc_status(&device.name) == status)
            && registered.is_none_or(|wanted| is_registered == wanted)
            && model.is_none_or(|model| device.model == model)
            && pool.as_ref().is_none_or(|pool| device.pool == *pool)
            && srst.as_ref().is_none_or(|srst| self.srst.get(&device.pool) == Some(srst))
            && find.as_ref().is_none_or(is_found)
    }

    fn row(&self, device: Device, language: Language) -> PhoneRow {
        let lsc_status = self.lsc_status(&device.name);
        PhoneRow {
            registered: self.is_registered(&device.name),
            effective_mode: device.effective_mode(self.mode, self.default),
            directory_number: directory_number(&device),
            lsc_status_text: lsc_status.say(language),
            lsc_status,
            name: device.name,
            model: device.model,
            security_mode: device.security_mode,
            owner: device.owner,
            description: device.description,
            pool: device.pool,
        }
    }

    /// What is set, kept, and of no effect.
    fn without_effect(&self, device: &Device, language: Language) -> Vec<String> {
        let mut notes = Vec::new();
        let wanted = device.configured_mode(self.default);
        if wanted != device.effective_mode(self.mode, self.default) {
            notes.push(IN_NON_SECURE_MODE.fill(language, &[("mode", &wanted)]));
        }
        let Hardening {
            gratuitous_arp,
            web_access,
            pc_voice_vlan_access,
            settings_access,
            pc_port,
        } = device.hardening;
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
}

const IN_NON_SECURE_MODE: Text = Text::new(
    "It is set to {mode}; while the cluster is in non-secure mode that is kept and ignored.",
    "{mode} に設定されていますが、クラスタがノンセキュアモードの間は無視されます (設定は保持されます)。",
);
const NOT_OF_THIS_MODEL: Text = Text::new(
    "A {model} knows no {what}: the setting is kept and ignored.",
    "{model} は {what} に対応していません。設定は保持されますが無視されます。",
);
