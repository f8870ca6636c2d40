use console::{Failure, InventoryView, ListCertificates};
use pki::Certificate;
use pki::certificate::hex;
use pki::export::pem;

use super::capf::rfc3339;
use super::{Caller, Handle, Office};

impl Handle<ListCertificates> for Office {
    fn handle(&self, caller: &Caller, _: ListCertificates) -> Result<Vec<InventoryView>, Failure> {
        let inventory = self.read(caller, |view| view.certificates())?;
        // What cannot be decoded was never entered.
        let shown = |entry: store::Certificate| {
            let certificate = Certificate::parse(&entry.der).ok()?;
            Some(InventoryView {
                fingerprint: entry.fingerprint(),
                role: entry.role,
                owner: entry.owner,
                subject: certificate.subject().to_string(),
                issuer: certificate.issuer().to_string(),
                serial: hex(certificate.serial()),
                not_before: rfc3339(certificate.not_before()),
                not_after: rfc3339(certificate.not_after()),
                pem: pem(&certificate),
            })
        };
        Ok(inventory.into_iter().filter_map(shown).collect())
    }
}
