//! The phone's end of a session, for emulated phones and for tests of the service.
//!
//! [`Session`] is one connection. Keys are made, and certificates kept, outside: it says what is to
//! be done and is told what came of it. How often a phone tries, and what it remembers when its
//! power fails, is the business of whoever owns the flash.

mod output;
mod session;

pub use output::{Answer, Conclusion, Event, Fault, Output};
pub use session::Session;

use std::time::Duration;

use pki::{Certificate, PrivateKey};

use crate::DeviceName;
use crate::codec::{CertificateType, Password};

/// Who the phone is, and what it can show.
#[derive(Debug)]
pub struct Holder {
    /// Its name.
    pub device: DeviceName,
    /// Its locally significant certificate.
    pub lsc: Option<Holding>,
    /// Its manufactured certificate.
    pub mic: Option<Holding>,
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: PrivateKey,
}

impl Holder {
    /// The certificate to authenticate with: the preferred one if it is there, else the other.
    pub fn shown_first(&self, preferred: CertificateType) -> Option<(CertificateType, &Holding)> {
        let lsc = self.lsc.as_ref().map(|holding| (CertificateType::LSC, holding));
        let mic = self.mic.as_ref().map(|holding| (CertificateType::MIC, holding));
        if preferred == CertificateType::MIC { mic.or(lsc) } else { lsc.or(mic) }
    }
}

/// How the phone authenticates: `capfAuthMode` of its configuration, with what its user typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// By authentication string.
    String(Password),
    /// By null string.
    NullString,
    /// By existing certificate, this one first.
    Existing(CertificateType),
}

/// How the phone's firmware talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// It speaks as early loads do: no VERSION, no SHA2_SIGNED_DATA, no SUDI_DATA.
    pub legacy: bool,
    /// It proves with its manufactured certificate that it takes part in this session.
    pub sudi: bool,
    /// The longest RSA key that it makes.
    pub longest_rsa: u16,
    /// Whether it makes EC keys.
    pub makes_ec: bool,
    /// How often it says that it is at work when it is asked for a key.
    pub signs_of_life: u8,
    /// How long it waits for the server.
    pub patience: Duration,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            legacy: false,
            sudi: false,
            longest_rsa: 2048,
            makes_ec: false,
            signs_of_life: 1,
            patience: Duration::from_secs(60),
        }
    }
}
