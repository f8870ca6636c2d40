use console::{Done, Failure, RevokeLsc};
use enrolment::order::Warning;
use messages::Explain;
use store::{Error, PhoneOrderKind};

use crate::office::{Caller, Handle, Office};

impl Handle<RevokeLsc> for Office {
    fn handle(&self, caller: &Caller, RevokeLsc { name }: RevokeLsc) -> Result<Done, Failure> {
        let mut elsewhere = false;
        let changed = self.change(caller, |change| {
            change.device(&name)?;
            if change.present_lsc(&name)?.is_none() {
                return Err(Error::Unknown { object: "LSC of", name: name.to_string() });
            }
            change.revoke_lsc(&name)?;
            elsewhere = change.capf_parameter("capf.certificate-issuer")?.value != "capf";
            // Whoever is registered by it must prove himself anew, wherever that is.
            self.order_elsewhere(change, PhoneOrderKind::Cut, &[name.to_string()])?;
            Ok(())
        })?;
        self.order_here(&[name.to_string()], PhoneOrderKind::Cut);
        let mut done = caller.done(changed);
        if elsewhere {
            done.notes.push(Warning::RevokeAtAuthority.explain(caller.language).to_string());
        }
        Ok(done)
    }
}
