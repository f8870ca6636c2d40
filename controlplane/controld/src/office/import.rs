//! Many phones at once.

use console::{Failure, ImportPhones, PhoneImport, PhoneImported, PhonesImported};
use lang::Say;
use store::{Change, Device, Error};

use super::{Caller, Handle, Office};

impl Handle<ImportPhones> for Office {
    fn handle(&self, caller: &Caller, request: ImportPhones) -> Result<PhonesImported, Failure> {
        let ImportPhones { phones, dry_run } = request;
        let import = |change: &mut Change<'_>| {
            let mut imported = Vec::with_capacity(phones.len());
            for phone in phones {
                imported.push(match import(change, phone) {
                    Ok(imported) => imported,
                    // These are the phone's own faults, found before anything of it was changed.
                    Err(
                        fault @ (Error::Invalid(_)
                        | Error::Refused(_)
                        | Error::Unknown { .. }
                        | Error::Exists { .. }),
                    ) => PhoneImported::Failed(fault.say(caller.language)),
                    Err(error) => return Err(error),
                });
            }
            Ok(imported)
        };
        let changed = match dry_run {
            false => self.change(caller, import),
            true => self.try_out(caller, import),
        }?;
        let (phones, changed) = changed.split();
        Ok(PhonesImported { done: caller.done(changed), phones })
    }
}

fn import(change: &mut Change<'_>, phone: PhoneImport) -> store::Result<PhoneImported> {
    let PhoneImport { name, model, changes } = phone;
    let known = change.find_device(&name)?;
    let is_new = known.is_none();
    let unknown = || Error::Unknown { object: "device", name: name.to_string() };
    let mut device = match known.clone() {
        Some(device) => device,
        None => Device::new(name.clone(), model.ok_or_else(unknown)?),
    };
    if let Some(model) = model {
        device.model = model;
    }
    changes.apply(&mut device)?;
    if known.as_ref() == Some(&device) {
        return Ok(PhoneImported::Unchanged);
    }
    change.put_device(&device)?;
    Ok(if is_new { PhoneImported::Added } else { PhoneImported::Changed })
}
