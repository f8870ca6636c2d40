//! What an archive says of itself in clear, so that a shelf can be looked at without keys.

use std::time::SystemTime;

use base64ct::{Base64, Encoding};
use jiff::Timestamp;
use pki::Certificate;
use serde::{Deserialize, Serialize};

/// The form of archives that this program writes, the newest it reads.
pub const FORMAT: u32 = 1;

/// The header. It is signed with the rest, and stands in the encrypted part once more, so that
/// who opens the archive knows that it is what was encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The archive's form.
    pub format: u32,
    /// The release that made it.
    pub release: String,
    /// The schema of the database in it.
    pub schema: u64,
    /// GUID of the cluster.
    pub cluster: String,
    /// What people call the cluster.
    pub cluster_name: String,
    /// The node that made it.
    pub node: String,
    /// When, by the clock there.
    pub created: Timestamp,
    /// How many backups of this cluster the shelf had seen before; clocks may go back, this does not.
    pub sequence: u64,
    /// The newest revision in it.
    pub revision: u64,
    /// Whether private keys are in it.
    pub keys: bool,
    /// The certificate whose key signed it, DER in base 64.
    pub signer: String,
}

impl Header {
    /// The certificate whose key signed it, if it is one.
    pub fn certificate(&self) -> Option<Certificate> {
        Certificate::parse(&Base64::decode_vec(&self.signer).ok()?).ok()
    }

    /// The name of its file: sorted by name, the archives of a cluster are in their order.
    pub fn file_name(&self) -> String {
        let at = self.created.strftime("%Y%m%dT%H%M%SZ");
        let cluster = cluster_in_names(&self.cluster_name, &self.cluster);
        format!("{cluster}-{:06}-{at}{EXTENSION}", self.sequence)
    }
}

/// A cluster in the names of its archives: its name, and the beginning of its GUID.
pub fn cluster_in_names(name: &str, guid: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = name.chars().map(plain).take(40).collect();
    let guid = guid.split('-').next().unwrap_or_default();
    format!("{name}-{guid}")
}

/// How the names of archives end.
pub const EXTENSION: &str = ".rfbackup";

/// A time as headers have it, to the second.
pub fn timestamp(at: SystemTime) -> Timestamp {
    let at = Timestamp::try_from(at).unwrap_or_default();
    Timestamp::from_second(at.as_second()).unwrap_or_default()
}

pub(crate) fn encode(certificate: &Certificate) -> String {
    Base64::encode_string(certificate.der())
}
