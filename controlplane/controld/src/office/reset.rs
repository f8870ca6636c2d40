use std::collections::{BTreeSet, HashSet};

use console::{Done, Failure, PhoneFilter, PhonesReset, ResetDevices, ResetKind, ResetPhones};
use lang::{Say, Text};
use store::{Action, Change, DeviceName, PhoneOrder, PhoneOrderKind, RESET_ENDS_CALLS};

use super::{Caller, Handle, Office};

impl Handle<ResetDevices> for Office {
    fn handle(&self, caller: &Caller, request: ResetDevices) -> Result<Done, Failure> {
        let names = match request.name {
            Some(name) => {
                self.read(caller, |view| view.device(&name))?;
                vec![name]
            }
            None => self.matching(caller, &PhoneFilter::default())?,
        };
        Ok(self.reset(caller, names, PhoneOrderKind::Reset)?.done)
    }
}

impl Handle<ResetPhones> for Office {
    fn handle(&self, caller: &Caller, request: ResetPhones) -> Result<PhonesReset, Failure> {
        let ResetPhones { mut names, filter, kind, dry_run } = request;
        for name in &names {
            self.read(caller, |view| view.device(name))?;
        }
        if let Some(filter) = &filter {
            names.extend(self.matching(caller, filter)?);
        }
        match dry_run {
            true => Ok(self.would_reset(caller, names)),
            false => {
                let kind = match kind {
                    ResetKind::Reset => PhoneOrderKind::Reset,
                    ResetKind::Restart => PhoneOrderKind::Restart,
                };
                self.reset(caller, names, kind)
            }
        }
    }
}

impl Office {
    /// Tells phones to start anew. What changes asked for is done with that: those that are not
    /// here fetch their files when they come back.
    pub(super) fn reset(
        &self,
        caller: &Caller,
        names: Vec<DeviceName>,
        kind: PhoneOrderKind,
    ) -> Result<PhonesReset, Failure> {
        let names: BTreeSet<_> = names.into_iter().collect();
        let all: Vec<_> = names.iter().map(ToString::to_string).collect();
        let in_calls = self.in_calls(&all);
        let mut others = false;
        let changed = self.change(caller, |change| {
            let mut left: HashSet<_> =
                change.devices()?.into_iter().map(|device| (device.name, device.pool)).collect();
            left.retain(|(name, _)| !names.contains(name));
            let pools = change.pools()?;
            let depends = |pool: &str, on: &str| {
                pools.iter().any(|it| it.name == pool && it.srst.as_deref() == Some(on))
            };
            for due in change.due()? {
                let covered = match &due.action {
                    Action::ResetDevice(name) => names.contains(name),
                    Action::ResetPool(pool) => left.iter().all(|(_, other)| other != pool),
                    Action::ResetDependents(on) => left.iter().all(|(_, it)| !depends(it, on)),
                    Action::ResetAllDevices => left.is_empty(),
                    _ => false,
                };
                if covered {
                    change.done(&due.action)?;
                }
            }
            others = self.order_elsewhere(change, kind, &all)?;
            Ok(())
        })?;
        let told = self.order_here(&all, kind);
        let mut done = caller.done(changed);
        if told.len() < names.len() {
            let note = if others { TOLD_BY_OTHERS } else { RESET_BY_HAND };
            done.notes.push(note.say(caller.language));
        }
        Ok(PhonesReset { done, matched: names.len(), told, in_calls })
    }

    /// Orders phones and ports that are registered at this node to do something.
    pub(super) fn order_here(&self, names: &[String], kind: PhoneOrderKind) -> Vec<String> {
        let telephony = self.services.telephony();
        telephony.map(|telephony| telephony.order(names, kind)).unwrap_or_default()
    }

    /// Has the other nodes order theirs to do it. Whether there are any.
    pub(super) fn order_elsewhere(
        &self,
        change: &mut Change<'_>,
        kind: PhoneOrderKind,
        names: &[String],
    ) -> store::Result<bool> {
        let others = change.call_servers()?.iter().any(|server| server.name != self.node);
        if others && !names.is_empty() {
            let (node, devices) = (self.node.clone(), names.to_vec());
            change.order_phones(&PhoneOrder { kind, node, devices })?;
        }
        Ok(others)
    }

    pub(super) fn would_reset(&self, caller: &Caller, names: Vec<DeviceName>) -> PhonesReset {
        let names: BTreeSet<_> = names.into_iter().map(|name| name.to_string()).collect();
        let names: Vec<_> = names.into_iter().collect();
        let registered = self.registered().unwrap_or_default().into_iter();
        let told = registered.map(|phone| phone.device);
        let told = told.filter(|device| names.contains(device)).collect();
        let notes = vec![RESET_ENDS_CALLS.say(caller.language)];
        let done = Done { revision: None, actions: Vec::new(), notes };
        PhonesReset { done, matched: names.len(), told, in_calls: self.in_calls(&names) }
    }

    /// How many of them are in a call.
    pub(super) fn in_calls(&self, names: &[String]) -> usize {
        let calls = self.services.telephony().map(|telephony| telephony.calls());
        let busy: HashSet<_> = calls
            .unwrap_or_default()
            .into_iter()
            .flat_map(|call| call.parties.into_iter().map(|party| party.device))
            .collect();
        names.iter().filter(|name| busy.contains(*name)).count()
    }
}

const TOLD_BY_OTHERS: Text = Text::new(
    "The other nodes tell theirs within a second. Phones that are registered nowhere are not reached: reset them with **#** or switch them off and on.",
    "他のノードに登録されている電話機には、1 秒以内にそのノードから通知されます。どこにも登録されていない電話機には届きません。**#** を押すか、電源を入れ直してください。",
);
const RESET_BY_HAND: Text = Text::new(
    "Phones that are not registered here are not reached: reset them with **#** or switch them off and on.",
    "このクラスタに登録されていない電話機には届きません。**#** を押すか、電源を入れ直してください。",
);
