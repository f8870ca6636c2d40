//! A maker of phones, for tests and laboratories only: nobody else trusts it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use capf::phone::Holding;
use pki::issue::{Template, Usage, issued, self_signed};
use pki::{Certificate, Hash, Identity, KeyKind, Name, PrivateKey, SignError, Signer, export};
use tftp::DeviceName;
use zeroize::Zeroizing;

use crate::Model;

/// Phones leave the factory with certificates for twenty years.
const VALIDITY: Duration = Duration::from_secs(20 * 365 * 86_400);

/// The authority of an imaginary maker.
pub struct Manufacturer {
    key: PrivateKey,
    identity: Identity,
}

impl Manufacturer {
    /// Founds one.
    pub fn new(name: &str, now: SystemTime) -> Result<Self, SignError> {
        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let template = template(name, now, Usage::Authority);
        let certificate = self_signed(&template, Hash::LegacySha1, &key)?;
        Ok(Self::of(certificate, key).expect("the certificate was made for the key"))
    }

    /// Opens the one in this file, or founds it there: its key, and its certificate.
    pub fn open(file: &Path, now: SystemTime) -> Result<Self, String> {
        if !file.exists() {
            let founded = Self::new("Test Manufacturing CA", now).map_err(|it| it.to_string())?;
            founded.key.save(file, Some(founded.certificate())).map_err(|it| it.to_string())?;
            return Ok(founded);
        }
        let key = PrivateKey::read(file).map_err(|fault| fault.to_string())?;
        let text = Zeroizing::new(std::fs::read_to_string(file).map_err(|it| it.to_string())?);
        let der = export::read_pem(&text).and_then(|list| list.into_iter().next());
        let certificate = der.and_then(|der| Certificate::parse(&der).ok());
        let certificate = certificate.ok_or("there is no certificate behind its key")?;
        Self::of(certificate, key).ok_or_else(|| "its key is another certificate's".to_owned())
    }

    /// The authority's certificate: what has to be trusted.
    pub fn certificate(&self) -> &Certificate {
        self.identity.certificate()
    }

    /// Makes the manufactured certificate of a phone; `None` for models that leave the factory
    /// without one.
    pub fn equip(
        &self,
        model: Model,
        device: DeviceName,
        now: SystemTime,
    ) -> Result<Option<Holding>, SignError> {
        if !model.has_manufactured_certificate() {
            return Ok(None);
        }
        let key = PrivateKey::generate(KeyKind::Rsa1024);
        let template = template(&format!("CP-{model}G-{device}"), now, Usage::Phone);
        let certificate = issued(&template, key.public_key(), Hash::LegacySha1, &self.identity)?;
        Ok(Some(Holding { certificate, key }))
    }

    fn of(certificate: Certificate, key: PrivateKey) -> Option<Self> {
        let identity = Identity::new(certificate, key.clone())?;
        Some(Self { key, identity })
    }
}

fn template(subject: &str, now: SystemTime, usage: Usage) -> Template {
    Template {
        subject: Name::common(subject),
        not_before: now,
        validity: VALIDITY,
        usage,
        alternative_names: Vec::new(),
    }
}
