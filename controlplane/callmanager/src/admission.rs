//! Who may register.

use std::fmt;
use std::net::IpAddr;

use messages::{Explain, Message, registration};

use crate::security::Security;

/// Longest name of a device: 16 bytes in the message, the last one NUL.
const MAX_NAME: usize = 15;

/// A device that asks to register.
#[derive(Clone, Copy, Debug)]
pub struct Applicant<'a> {
    /// The name it gives.
    pub name: &'a str,
    /// The type it says it is, as SCCP numbers them.
    pub device_type: u32,
    /// The address it says it has.
    pub told: IpAddr,
    /// The address it comes from.
    pub peer: IpAddr,
    /// How it comes.
    pub transport: Transport<'a>,
}

/// A device's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport<'a> {
    /// TCP.
    Plain,
    /// TLS, with a certificate whose chain was verified.
    Tls {
        /// What its suite gives.
        suite: Suite,
        /// Common name of the certificate's subject.
        title: &'a str,
        /// What the certificate is worth.
        standing: Standing,
    },
}

/// What a certificate is worth whose chain was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It proves who the device is.
    Good,
    /// It was replaced, deleted or revoked.
    Withdrawn,
    /// Its issuer is trusted, but not for this device: a voicemail server's for its own ports, CAPF
    /// and manufacturers for telephones.
    OfAnotherIssuer,
    /// The certificate of its issuer has ended.
    IssuerEnded,
}

/// What a TLS suite gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// NULL with SHA: authentication.
    Null,
    /// AES-128 with SHA, of TLS 1.0: encryption.
    Aes128Sha,
    /// SHA-256 without encryption, of TLS 1.3 (RFC 9150): authentication with the handshake of
    /// today.
    Integrity,
    /// Any other suite of today. All of them encrypt, so that authenticated devices use them too.
    Modern,
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Null => "NULL-SHA",
            Self::Aes128Sha => "AES128-SHA",
            Self::Integrity => "TLS_SHA256_SHA256",
            Self::Modern => "a modern suite",
        })
    }
}

/// What is configured for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configured {
    /// Its type, as SCCP numbers them.
    pub device_type: u32,
    /// The mode in force: the device's own, if the cluster is in mixed mode.
    pub mode: Security,
}

/// A device that may register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// How well its signalling is protected.
    pub security: Security,
    /// What its administrator should know all the same.
    pub warning: Option<BehindNat>,
}

/// It says that it has another address than the one it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BehindNat {
    device: String,
    told: IpAddr,
    peer: IpAddr,
}

/// A device that may not register: the alarm says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    device: String,
    peer: IpAddr,
    why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    InvalidName,
    Unknown,
    OtherType { given: u32, configured: u32 },
    NotOverTls { mode: Security },
    NotAuthenticatedOverTls,
    Incompatible { mode: Security, suite: Suite },
    OtherTitle(String),
    Withdrawn,
    OtherIssuer,
    IssuerEnded,
}

/// Decides on an applicant. `configured` is what the database has under its name; for a device
/// that auto-registration admits, what it is to be entered with.
pub fn admit(
    applicant: &Applicant<'_>,
    configured: Option<&Configured>,
) -> Result<Admitted, Refused> {
    let Applicant { name, device_type, told, peer, transport } = *applicant;
    let refuse = |why| {
        // A name that is none is not repeated into alarms.
        let device = if why == Why::InvalidName { "?" } else { name };
        Err(Refused { device: device.to_owned(), peer, why })
    };
    if !is_device_name(name) {
        return refuse(Why::InvalidName);
    }
    if let Transport::Tls { title, .. } = transport
        && !is_title_of(title, name)
    {
        return refuse(Why::OtherTitle(title.to_owned()));
    }
    if let Transport::Tls { standing: Standing::Withdrawn, .. } = transport {
        return refuse(Why::Withdrawn);
    }
    let Some(&Configured { device_type: expected, mode }) = configured else {
        return refuse(Why::Unknown);
    };
    match transport {
        Transport::Tls { standing: Standing::OfAnotherIssuer, .. } => {
            return refuse(Why::OtherIssuer);
        }
        Transport::Tls { standing: Standing::IssuerEnded, .. } => return refuse(Why::IssuerEnded),
        _ => {}
    }
    if device_type != expected {
        return refuse(Why::OtherType { given: device_type, configured: expected });
    }
    match (mode, transport) {
        (Security::NonSecure, Transport::Plain) => {}
        (Security::NonSecure, Transport::Tls { .. }) => {
            return refuse(Why::NotAuthenticatedOverTls);
        }
        (_, Transport::Plain) => return refuse(Why::NotOverTls { mode }),
        (
            Security::Authenticated,
            Transport::Tls { suite: Suite::Null | Suite::Integrity | Suite::Modern, .. },
        ) => {}
        (Security::Encrypted, Transport::Tls { suite: Suite::Aes128Sha | Suite::Modern, .. }) => {}
        (_, Transport::Tls { suite, .. }) => return refuse(Why::Incompatible { mode, suite }),
    }
    let warning = (told.to_canonical() != peer.to_canonical()).then(|| BehindNat {
        device: name.to_owned(),
        told,
        peer,
    });
    Ok(Admitted { security: mode, warning })
}

fn is_device_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(allowed)
}

/// Whether a certificate is that of the device: an LSC is titled with its name, a MIC with its
/// model and, after the last dash, its name.
fn is_title_of(title: &str, device: &str) -> bool {
    let last = title.rsplit('-').next().unwrap_or(title);
    [title, last].iter().any(|name| name.eq_ignore_ascii_case(device))
}

impl Explain for Refused {
    fn message(&self) -> &'static Message {
        match self.why {
            Why::InvalidName => &registration::DEVICE_NAME_INVALID,
            Why::Unknown => &registration::DEVICE_UNKNOWN,
            Why::OtherType { .. } => &registration::DEVICE_TYPE_DIFFERS,
            Why::NotOverTls { .. } => &registration::NOT_OVER_TLS,
            Why::NotAuthenticatedOverTls => &registration::NOT_AUTHENTICATED_OVER_TLS,
            Why::Incompatible { .. } => &registration::TLS_INCOMPATIBLE,
            Why::OtherTitle(_) => &registration::CERTIFICATE_OF_ANOTHER,
            Why::Withdrawn => &registration::CERTIFICATE_WITHDRAWN,
            Why::OtherIssuer => &registration::CERTIFICATE_OF_ANOTHER_ISSUER,
            Why::IssuerEnded => &registration::CERTIFICATE_ISSUER_ENDED,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let mut values = vec![("device", self.device.clone()), ("peer", self.peer.to_string())];
        match &self.why {
            Why::InvalidName
            | Why::Unknown
            | Why::NotAuthenticatedOverTls
            | Why::Withdrawn
            | Why::OtherIssuer
            | Why::IssuerEnded => {}
            Why::OtherType { given, configured } => {
                values.push(("type", given.to_string()));
                values.push(("configured", configured.to_string()));
            }
            Why::NotOverTls { mode } => values.push(("mode", mode.to_string())),
            Why::Incompatible { mode, suite } => {
                values.push(("mode", mode.to_string()));
                values.push(("suite", suite.to_string()));
            }
            // It passed a verified chain, but its text is still a stranger's.
            Why::OtherTitle(title) => {
                values.push(("title", title.escape_default().take(64).collect()));
            }
        }
        values
    }
}

impl Explain for BehindNat {
    fn message(&self) -> &'static Message {
        &registration::BEHIND_NAT
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let Self { device, told, peer } = self;
        vec![("device", device.clone()), ("told", told.to_string()), ("peer", peer.to_string())]
    }
}
