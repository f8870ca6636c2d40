use console::{
    AddDevice, DeviceErased, DeviceLog, DeviceView, Done, Failure, FileRequestView, ListDevices,
    RemoveDevice, SetDevice, ShowDevice,
};
use store::{Change, Device, EffectiveMode, SecurityMode, View};
use tftp::Outcome;

use super::phonebook::directory_number;
use super::{Caller, Handle, Office};

impl Handle<ListDevices> for Office {
    fn handle(&self, caller: &Caller, _: ListDevices) -> Result<Vec<DeviceView>, Failure> {
        self.read(caller, |view| {
            let modes = modes(view)?;
            Ok(view.devices()?.into_iter().map(|device| shown(device, modes)).collect())
        })
    }
}

impl Handle<ShowDevice> for Office {
    fn handle(&self, caller: &Caller, request: ShowDevice) -> Result<DeviceView, Failure> {
        self.read(caller, |view| {
            let modes = modes(view)?;
            Ok(shown(view.device(&request.name)?, modes))
        })
    }
}

type Modes = (SecurityMode, EffectiveMode);

fn modes(view: &mut View<'_>) -> store::Result<Modes> {
    Ok((view.security_mode()?, view.default_device_mode()?))
}

fn shown(device: Device, (cluster, default): Modes) -> DeviceView {
    DeviceView {
        effective_mode: device.effective_mode(cluster, default),
        directory_number: directory_number(&device),
        device,
    }
}

impl Handle<AddDevice> for Office {
    fn handle(&self, caller: &Caller, request: AddDevice) -> Result<Done, Failure> {
        let mut device = Device::new(request.name, request.model);
        let changed = self.change(caller, |change| {
            request.changes.apply(&mut device)?;
            if change.find_device(&device.name)?.is_some() {
                let name = device.name.to_string();
                return Err(store::Error::Exists { object: "device", name });
            }
            change.put_device(&device)
        })?;
        Ok(caller.done(changed))
    }
}

impl Handle<SetDevice> for Office {
    fn handle(&self, caller: &Caller, request: SetDevice) -> Result<Done, Failure> {
        let SetDevice { name, changes, dry_run } = request;
        let set = |change: &mut Change<'_>| {
            let mut device = change.device(&name)?;
            changes.apply(&mut device)?;
            change.put_device(&device)
        };
        let changed = match dry_run {
            false => self.change(caller, set),
            true => self.try_out(caller, set),
        }?;
        Ok(caller.done(changed))
    }
}

impl Handle<RemoveDevice> for Office {
    fn handle(&self, caller: &Caller, request: RemoveDevice) -> Result<Done, Failure> {
        let changed = self.change(caller, |change| change.remove_device(&request.name))?;
        Ok(caller.done(changed))
    }
}

impl Handle<DeviceLog> for Office {
    fn handle(&self, _: &Caller, request: DeviceLog) -> Result<Vec<FileRequestView>, Failure> {
        let phone = tftp::DeviceName::parse(request.name.as_str())
            .expect("names of devices in the store are names of phones");
        Ok(self.services.phones().requests(phone).into_iter().map(asked).collect())
    }
}

fn asked(record: tftp::Record) -> FileRequestView {
    FileRequestView {
        at: humantime::format_rfc3339_millis(record.at).to_string(),
        from: record.from.to_string(),
        protocol: record.protocol.to_string(),
        file: record.name,
        rule: record.rule,
        result: match record.outcome {
            Outcome::Completed => "completed".to_owned(),
            Outcome::Refused(refusal) => refusal.to_string(),
            Outcome::PeerError { code, text } => format!("the phone said {code:?}: {text}"),
            Outcome::TimedOut => "the phone fell silent".to_owned(),
            Outcome::Abandoned => "the phone gave up".to_owned(),
        },
        size: record.size,
        signer: record.signer,
        ctl_md5: record.ctl_version,
    }
}

impl Handle<DeviceErased> for Office {
    fn handle(&self, caller: &Caller, request: DeviceErased) -> Result<Done, Failure> {
        self.services.phones().erased(request.name.as_str());
        self.store
            .audit(&caller.author, caller.now, "ctl-erased-on-phone", request.name.as_str())
            .or_else(|error| if error.is_of_a_copy() { Ok(()) } else { Err(error) })
            .map_err(|error| caller.failure(&error))?;
        Ok(Done { revision: None, actions: Vec::new(), notes: Vec::new() })
    }
}
