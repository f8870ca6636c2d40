//! The key and certificate of a node's database: for ways between databases only, apart from the
//! key that telephones know.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use pki::export;
use pki::issue::{self, AlternativeName, Template, Usage};
use pki::{Certificate, Hash, KeyKind, Name, PrivateKey};

use crate::Fault;

/// How long a certificate is valid: as long as that of the node.
const VALIDITY: Duration = Duration::from_secs(20 * 365 * 24 * 3600);
/// How much earlier than its making it is valid: the clocks of nodes differ.
const EARLIER: Duration = Duration::from_secs(24 * 3600);

/// The certificate, which is made with its key if there is none in `file`.
pub(crate) fn open_or_create(
    file: &Path,
    node: &str,
    address: IpAddr,
    now: SystemTime,
) -> Result<Certificate, Fault> {
    if let Some(certificate) = read(file)? {
        return Ok(certificate);
    }
    let key = PrivateKey::generate(KeyKind::EcP256);
    let template = Template {
        subject: Name::common(node),
        not_before: now - EARLIER,
        validity: VALIDITY,
        usage: Usage::Server,
        alternative_names: vec![
            AlternativeName::Host(node.to_owned()),
            AlternativeName::Address(address),
        ],
    };
    let certificate =
        issue::self_signed(&template, Hash::Sha256, &key).expect("a key in memory signs");
    key.save(file, [&certificate]).map_err(|error| Fault::file(file, error))?;
    Ok(certificate)
}

fn read(file: &Path) -> Result<Option<Certificate>, Fault> {
    let Some(pem) = durable::read(file, 64 * 1024).map_err(|error| Fault::file(file, error))?
    else {
        return Ok(None);
    };
    let ders = String::from_utf8(pem).ok().and_then(|pem| export::read_pem(&pem));
    let certificate = ders.as_deref().and_then(|ders| Certificate::parse(ders.first()?).ok());
    certificate.map(Some).ok_or_else(|| Fault::file(file, "there is no certificate in it"))
}
