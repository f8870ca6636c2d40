//! Who signs phones' certificates.

mod scep;

use std::time::{Duration, SystemTime};

use pki::{Certificate, Identity, PublicKey, capf};
use store::{CapfRequest, DeviceName};

pub use self::scep::{ScepIssuer, Terms, TermsFault};

/// Somebody who issues certificates. Called in a thread that may wait.
pub trait Issuer: Send + Sync {
    /// Issues a certificate for a phone whose key was checked.
    fn issue(&self, device: &DeviceName, key: &PublicKey, now: SystemTime) -> Verdict;

    /// Asks again for one that was pending.
    fn resume(&self, request: &CapfRequest, now: SystemTime) -> Verdict;

    /// How often pending ones are asked for.
    fn polling(&self) -> Duration;
}

/// What an issuer says.
#[derive(Debug)]
pub enum Verdict {
    /// Here it is.
    Issued {
        /// The certificate.
        certificate: Box<Certificate>,
        /// Where the issuer's policy prevailed over what was asked, in English.
        notes: Vec<String>,
    },
    /// Not yet: somebody has to approve. Keep this and ask again.
    Pending(Box<CapfRequest>),
    /// Never, and why; in English, for the trace and the report.
    Refused(String),
}

/// CAPF itself: it always issues, and at once.
pub struct OwnIssuer {
    identity: Identity,
    validity: Duration,
}

impl OwnIssuer {
    /// Signs with CAPF's identity certificates that are valid for so long.
    pub fn new(identity: Identity, validity: Duration) -> Self {
        Self { identity, validity }
    }
}

impl Issuer for OwnIssuer {
    fn issue(&self, device: &DeviceName, key: &PublicKey, now: SystemTime) -> Verdict {
        match capf::issue_to_phone(device.as_str(), key, now, self.validity, &self.identity) {
            Ok(certificate) => {
                Verdict::Issued { certificate: Box::new(certificate), notes: Vec::new() }
            }
            Err(error) => Verdict::Refused(error.to_string()),
        }
    }

    fn resume(&self, request: &CapfRequest, now: SystemTime) -> Verdict {
        // Left over from the time when somebody else issued.
        match PublicKey::from_spki(&request.public_key) {
            Some(key) => self.issue(&request.device, &key, now),
            None => Verdict::Refused("the key of the request cannot be read".into()),
        }
    }

    fn polling(&self) -> Duration {
        Duration::from_secs(60)
    }
}
