//! The certificate that was issued: whether it is the one that was asked for, and what about it is
//! different.

use std::time::{Duration, SystemTime};

use messages::{Explain, Message, scep};
use pki::purpose::{ANY, CLIENT_AUTHENTICATION, KeyUsage, SERVER_AUTHENTICATION};
use pki::{Certificate, Name, check};

use crate::authority::Authority;
use crate::request::{Purpose, Request};

/// Certificates of phones are shorter than this: older ones have small buffers.
pub const MAX_SIZE: usize = 4096;

/// How far ahead the clock of the authority may be. A phone restarts before it uses a certificate.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// A certificate that may be given to its phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate.
    pub certificate: Certificate,
    /// The one above it: what every server must trust that phones register with.
    pub issuer: Certificate,
    /// Where the authority's policy prevailed over what was asked.
    pub differences: Vec<Difference>,
}

/// Something that is not as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What: `keyUsage`, `extendedKeyUsage`, `subject`, `validity`.
    pub field: &'static str,
    /// What was asked for.
    pub asked: String,
    /// What was issued.
    pub issued: String,
}

/// Why a certificate is not given to its phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuedFault {
    /// None of this many certificates is for the key of the request.
    OtherKey(usize),
    /// Another common name.
    OtherName {
        /// The one in the certificate.
        found: String,
        /// The one of the request.
        expected: String,
    },
    /// No path leads to the confirmed authority: who issued it.
    OtherIssuer(String),
    /// Not valid now.
    Dates {
        /// notBefore, as RFC 3339 day.
        from: String,
        /// notAfter, as RFC 3339 day.
        until: String,
    },
    /// Not for what it is needed for.
    NotUsable {
        /// What it is for.
        issued: String,
        /// What it must be for.
        needed: &'static str,
    },
    /// More bytes than [`MAX_SIZE`].
    TooLarge(usize),
    /// The servers of this cluster do not trust its issuer.
    IssuerNotTrusted(String),
}

/// Finds the certificate of the request among those that came, and checks it.
pub(crate) fn check(
    came: &[Certificate],
    request: &Request,
    authority: &Authority,
    trusted: impl Fn(&Certificate) -> bool,
    now: SystemTime,
) -> Result<Issued, IssuedFault> {
    let mine = |certificate: &&Certificate| *certificate.public_key() == request.public_key;
    let certificate = came.iter().find(mine).ok_or(IssuedFault::OtherKey(came.len()))?;
    let issuer = authority.issuer_of(certificate, came);
    let issuer =
        issuer.ok_or_else(|| IssuedFault::OtherIssuer(certificate.issuer().to_string()))?;
    let valid = [now, now + CLOCK_SKEW].map(|at| check::valid_at(certificate, at));
    if valid.iter().all(Result::is_err) {
        let (from, until) = (certificate.not_before(), certificate.not_after());
        return Err(IssuedFault::Dates { from: check::day(from), until: check::day(until) });
    }
    let [found, expected] = [certificate.subject(), &request.subject]
        .map(|name| name.common_name().unwrap_or_default().to_owned());
    if found != expected {
        return Err(IssuedFault::OtherName { found, expected });
    }
    usable(certificate, request.purpose)?;
    // A subordinate authority stays here; a phone has to hold the other.
    if request.purpose == Purpose::Phone {
        if !trusted(&issuer) {
            return Err(IssuedFault::IssuerNotTrusted(issuer.subject().to_string()));
        }
        if certificate.der().len() >= MAX_SIZE {
            return Err(IssuedFault::TooLarge(certificate.der().len()));
        }
    }
    let differences = differences(certificate, request);
    Ok(Issued { certificate: certificate.clone(), issuer, differences })
}

fn usable(certificate: &Certificate, purpose: Purpose) -> Result<(), IssuedFault> {
    let usage = |needed| certificate.key_usage().is_none_or(|usage| usage.contains(needed));
    let (usable, needed) = match purpose {
        Purpose::Phone => {
            let extended = certificate.extended_key_usage();
            let tls = extended.is_none_or(|purposes| {
                let both = [SERVER_AUTHENTICATION, CLIENT_AUTHENTICATION];
                purposes.contains(&ANY) || both.iter().all(|purpose| purposes.contains(purpose))
            });
            let signs = usage(KeyUsage::DIGITAL_SIGNATURE);
            (tls && signs && !certificate.is_authority(), "TLS server and client authentication")
        }
        Purpose::SubordinateAuthority => {
            let signs = usage(KeyUsage::KEY_CERT_SIGN);
            (signs && certificate.is_authority(), "signing certificates")
        }
    };
    match usable {
        true => Ok(()),
        false => Err(IssuedFault::NotUsable { issued: purposes(certificate), needed }),
    }
}

/// What a certificate is for, in the words of RFC 5280 and dotted numbers.
fn purposes(certificate: &Certificate) -> String {
    let authority = certificate.is_authority().then(|| "CA".to_owned());
    let parts = authority.into_iter().chain([key_usage(certificate)]).chain(extended(certificate));
    parts.collect::<Vec<_>>().join(", ")
}

fn key_usage(certificate: &Certificate) -> String {
    certificate.key_usage().map_or_else(|| "any keyUsage".into(), |usage| usage.to_string())
}

fn extended(certificate: &Certificate) -> Vec<String> {
    let purposes = certificate.extended_key_usage().unwrap_or_default();
    purposes.iter().map(ToString::to_string).collect()
}

fn differences(certificate: &Certificate, request: &Request) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |field, asked: String, issued: String| {
        if asked != issued {
            let issued = if issued.is_empty() { "-".into() } else { issued };
            found.push(Difference { field, asked, issued });
        }
    };
    let purpose = request.purpose;
    compare("keyUsage", purpose.key_usage().to_string(), key_usage(certificate));
    let mut asked: Vec<_> = purpose.extended_key_usage().iter().map(ToString::to_string).collect();
    let mut issued = extended(certificate);
    asked.sort();
    issued.sort();
    compare("extendedKeyUsage", asked.join(", "), issued.join(", "));
    compare("subject", sorted(&request.subject), sorted(certificate.subject()));
    if let Some(validity) = request.validity {
        let from = certificate.not_before();
        let issued = certificate.not_after().duration_since(from).unwrap_or_default();
        // A day or so of overlap is how authorities allow for clocks.
        if issued.abs_diff(validity) > Duration::from_secs(2 * DAY) {
            compare("validity", days(validity), days(issued));
        }
    }
    found
}

/// A name whose parts are in one order: authorities reorder them.
fn sorted(name: &Name) -> String {
    let mut parts: Vec<_> =
        name.attributes().map(|(kind, value)| format!("{kind}={value}")).collect();
    parts.sort();
    parts.join(", ")
}

const DAY: u64 = 24 * 3600;

fn days(span: Duration) -> String {
    format!("{} d", (span.as_secs() + DAY / 2) / DAY)
}

impl Explain for Difference {
    fn message(&self) -> &'static Message {
        &scep::SCEP_ISSUED_DIFFERENTLY
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![
            ("field", self.field.into()),
            ("asked", self.asked.clone()),
            ("issued", self.issued.clone()),
        ]
    }
}

impl Explain for IssuedFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::OtherKey(_) => &scep::SCEP_OTHER_KEY,
            Self::OtherName { .. } => &scep::SCEP_OTHER_NAME,
            Self::OtherIssuer(_) => &scep::SCEP_OTHER_ISSUER,
            Self::Dates { .. } => &scep::SCEP_NOT_VALID_NOW,
            Self::NotUsable { .. } => &scep::SCEP_NOT_USABLE,
            Self::TooLarge(_) => &scep::SCEP_CERTIFICATE_TOO_LARGE,
            Self::IssuerNotTrusted(_) => &scep::SCEP_ISSUER_NOT_TRUSTED,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::OtherKey(count) => vec![("count", count.to_string())],
            Self::OtherName { found, expected } => {
                vec![("found", found.clone()), ("expected", expected.clone())]
            }
            Self::OtherIssuer(issuer) | Self::IssuerNotTrusted(issuer) => {
                vec![("issuer", issuer.clone())]
            }
            Self::Dates { from, until } => vec![("from", from.clone()), ("until", until.clone())],
            Self::NotUsable { issued, needed } => {
                vec![("issued", issued.clone()), ("needed", (*needed).into())]
            }
            Self::TooLarge(bytes) => {
                vec![("bytes", bytes.to_string()), ("limit", MAX_SIZE.to_string())]
            }
        }
    }
}

crate::error_by_message!(IssuedFault);
