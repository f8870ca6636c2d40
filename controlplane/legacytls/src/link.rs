//! What controld and the cell say to each other.
//!
//! One Unix socket of type SEQPACKET, on which the cell listens and controld calls. A packet is one
//! JSON value, with the descriptors that belong to it:
//!
//! ```text
//! cell     → controld   Hello { api }
//! controld → cell       Serve { service, certificate, clients, … }   + file of the key, listener
//! cell     → controld   Serving { service }  or  Failed { service, why }
//! controld → cell       Take { service, ticket }                      + connection
//! cell     → controld   Connected { service, peer, suite, client, … } + socket with the plaintext
//! cell     → controld   Refused { service, peer, reason, … }
//! controld → cell       Stop { service }
//! ```
//!
//! The cell knows nothing but what was said on the present link: when controld goes, it stops
//! listening; when the cell goes, controld calls again and says everything anew. Sockets with
//! plaintext are the business of the two ends alone: what ends one is that the other end is closed.

use std::net::SocketAddr;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Number of this language; it changes whenever the language does.
pub const API: u32 = 2;

/// What controld says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case")]
pub enum ToCell {
    /// Serve a service, or serve it otherwise than before. With it comes the file of the private
    /// key (PEM), and the listening socket if the cell is to accept connections itself.
    Serve(Service),
    /// Take a connection, which comes with it, that somebody else accepted.
    Take {
        /// Name of the service.
        service: String,
        /// Repeated in the answer, which then never is left out.
        ticket: Option<u64>,
    },
    /// Do not serve it any more. Connections that there are stay.
    Stop {
        /// Name of the service.
        service: String,
    },
}

/// What the cell says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case")]
pub enum FromCell {
    /// The first thing of all.
    Hello {
        /// Its [`API`].
        api: u32,
    },
    /// The service is served.
    Serving {
        /// Name of the service.
        service: String,
    },
    /// The service cannot be served.
    Failed {
        /// Name of the service.
        service: String,
        /// Why, for the log.
        why: String,
    },
    /// Somebody shook hands. With it comes the socket with the plaintext.
    Connected {
        /// Of a connection that was handed in.
        ticket: Option<u64>,
        /// Who, and how.
        connected: Connected,
    },
    /// Somebody did not.
    Refused {
        /// Of a connection that was handed in.
        ticket: Option<u64>,
        /// Who, and why not.
        refused: Refused,
    },
}

/// What the cell serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name, by which both sides call it.
    pub name: String,
    /// The certificate that it shows.
    pub certificate: Der,
    /// Whose connections it takes.
    pub clients: Clients,
    /// What a connection must be at least.
    pub protection: Protection,
    /// The newest version that it speaks.
    pub newest: TlsVersion,
    /// How much of it one may have.
    pub limits: Limits,
}

/// A certificate in DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Der(pub Vec<u8>);

impl Serialize for Der {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Base64::encode_string(&self.0))
    }
}

impl<'de> Deserialize<'de> for Der {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Base64::decode_vec(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Whose connections a service takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clients {
    /// Anybody's; no certificate is asked for.
    Anybody,
    /// Those of telephones with a certificate.
    Certified {
        /// CAPF's certificates, present and past: who holds one of theirs holds an LSC.
        lsc_issuers: Vec<Der>,
        /// Manufacturers' certificates: who holds one of theirs holds a MIC.
        mic_issuers: Vec<Der>,
        /// Voicemail servers' roots: who holds one of theirs is a port.
        voicemail_roots: Vec<Der>,
        /// Until when a MIC may be used after its own end, in seconds since 1970. Manufacturers'
        /// certificates cannot be renewed, and many have ended.
        expired_mics_until: Option<u64>,
    },
}

/// What a connection must be at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// Authenticated: others may read it (`TLS_RSA_WITH_NULL_SHA`), but not change it.
    Authenticated,
    /// Encrypted.
    Encrypted,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsVersion {
    /// TLS 1.0
    Tls10,
    /// TLS 1.1
    Tls11,
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

/// How much of a service one may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Connections of an address. Telephones behind one translator share it.
    pub per_address: u32,
    /// Connections of an address that have not shaken hands yet.
    pub half_open_per_address: u32,
    /// Connections in all that have not shaken hands yet; beyond it the oldest of them has to go.
    pub half_open: u32,
    /// How long shaking hands may take.
    pub handshake: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_address: 256,
            half_open_per_address: 32,
            half_open: 2048,
            handshake: Duration::from_secs(10),
        }
    }
}

/// A connection, as far as TLS knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// Name of the service.
    pub service: String,
    /// From where.
    pub peer: SocketAddr,
    /// Where it arrived.
    pub local: SocketAddr,
    /// The version agreed on.
    pub version: TlsVersion,
    /// The suite agreed on, by its name in the registry.
    pub suite: String,
    /// Whether nobody else can read it.
    pub encrypted: bool,
    /// Whether an earlier session was taken up again.
    pub resumed: bool,
    /// The client's certificate, checked; always there if the service demands one.
    pub client: Option<Client>,
}

/// A telephone's certificate, after every check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Who issued it.
    pub kind: CertificateKind,
    /// The device named in it: the common name, or of a MIC (`CP-7970G-SEP001122334455`) what
    /// follows the last hyphen.
    pub device: String,
    /// Whether it has ended; only a MIC can have, and only while policy allows it.
    pub expired: bool,
    /// The certificate.
    pub certificate: Der,
}

/// Who issued a telephone's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateKind {
    /// Locally significant: CAPF.
    Lsc,
    /// Manufacturing installed: the manufacturer.
    Mic,
    /// The voicemail server that the device is a port of.
    Voicemail,
}

/// A connection that did not come to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Name of the service.
    pub service: String,
    /// From where.
    pub peer: SocketAddr,
    /// Why.
    pub reason: Reason,
    /// What OpenSSL says of it, or whose certificate it was; may be empty.
    pub detail: String,
    /// Refusals before this one of which nothing was said, because there were too many.
    pub unsaid: u64,
}

/// Why a connection did not come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// There is no certificate.
    NoCertificate,
    /// Nobody whom we trust issued the certificate.
    UnknownIssuer,
    /// The certificate has ended.
    Expired,
    /// The certificate has not begun.
    NotYetValid,
    /// The certificate names no device.
    NoDevice,
    /// No version or suite that both sides know.
    NothingInCommon,
    /// The client says that it could do better: somebody made it try again with less.
    Downgrade,
    /// It is not TLS, or it broke off.
    Handshake,
    /// It took too long.
    Timeout,
    /// The address has too many connections.
    TooMany,
    /// It had to make room for newer ones.
    Crowded,
    /// controld does not take connections as fast as they come.
    Busy,
}
