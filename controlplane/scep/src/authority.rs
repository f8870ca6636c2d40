//! The certificates of an authority: who signs certificates, who answers, whom requests are
//! encrypted to (GetCACert, RFC 8894 §4.2).

use std::time::{Duration, SystemTime};

use messages::{Explain, Message, scep};
use pki::certificate::hex;
use pki::purpose::{CLIENT_AUTHENTICATION, KeyUsage, SERVER_AUTHENTICATION};
use pki::{Certificate, CertificateFault, Hash, check, legacy_md5};

use crate::cms::bag::{self, BagFault};
use crate::reply::Malformed;

/// Longest way from a certificate up to the confirmed one.
const MAX_PATH: usize = 8;
/// Registration certificates are asked for again this long before they expire.
const RENEWAL: Duration = Duration::from_secs(14 * 24 * 3600);

/// The certificate authority that an administrator confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// Its certificate, imported.
    Certificate(Box<Certificate>),
    /// The fingerprint of its certificate, MD5, SHA-1 or SHA-256, lower-case hex.
    Fingerprint(String),
}

impl Pin {
    /// The fingerprint as typed: case, blanks and colons do not matter. `None` if it is none.
    pub fn fingerprint(typed: &str) -> Option<Self> {
        let plain: String =
            typed.chars().filter(|c| !c.is_whitespace() && !matches!(c, ':' | '-')).collect();
        let right =
            matches!(plain.len(), 32 | 40 | 64) && plain.bytes().all(|b| b.is_ascii_hexdigit());
        right.then(|| Self::Fingerprint(plain.to_lowercase()))
    }

    /// Whether this is the confirmed certificate.
    pub fn holds(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Certificate(pinned) => **pinned == *certificate,
            Self::Fingerprint(pinned) => Fingerprints::of(certificate).any(pinned),
        }
    }

    /// It, for people.
    fn shown(&self) -> String {
        match self {
            Self::Certificate(certificate) => certificate.fingerprint(),
            Self::Fingerprint(pinned) => pinned.clone(),
        }
    }
}

/// What an administrator compares before confirming an authority. Lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprints {
    /// SHA-256.
    pub sha256: String,
    /// SHA-1: what Windows shows.
    pub sha1: String,
    /// MD5: what authorities of the first generation show.
    pub md5: String,
}

impl Fingerprints {
    /// Of a certificate.
    pub fn of(certificate: &Certificate) -> Self {
        Self {
            sha256: hex(&Hash::Sha256.of(certificate.der())),
            sha1: hex(&Hash::LegacySha1.of(certificate.der())),
            md5: hex(&legacy_md5::md5(certificate.der())),
        }
    }

    fn any(&self, wanted: &str) -> bool {
        [&self.sha256, &self.sha1, &self.md5].into_iter().any(|known| known == wanted)
    }
}

/// Why an answer to GetCACert cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorityFault {
    /// Neither a certificate nor a bag of them.
    Malformed(Malformed),
    /// None of its certificates can be read.
    Certificate(CertificateFault),
    /// There is no certificate authority among them.
    NoAuthority,
    /// The authority's certificate is not valid now.
    Dates(CertificateFault),
    /// Requests cannot be encrypted to it: what its key is.
    Recipient(String),
    /// Nobody confirmed the authority yet.
    NotConfirmed(Box<Certificate>),
    /// Another authority than the confirmed one.
    Changed {
        /// SHA-256 fingerprint of the one that answered.
        found: String,
        /// The confirmed one.
        expected: String,
    },
}

/// A confirmed certificate authority and those who act for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    ca: Certificate,
    recipient: Certificate,
    /// All certificates of the answer that the confirmed one vouches for.
    known: Vec<Certificate>,
}

impl Authority {
    /// The certificates of an answer to GetCACert, whatever it calls itself.
    pub fn certificates(answer: &[u8]) -> Result<Vec<Certificate>, AuthorityFault> {
        // A certificate begins with a SEQUENCE inside a SEQUENCE, a bag with an object identifier.
        match bag::certificates(answer) {
            Ok(certificates) => Ok(certificates),
            Err(BagFault::Certificate(fault)) => Err(AuthorityFault::Certificate(fault)),
            Err(BagFault::Empty) => Err(AuthorityFault::NoAuthority),
            Err(BagFault::Malformed(malformed)) => match Certificate::parse(answer) {
                Ok(certificate) => Ok(vec![certificate]),
                Err(CertificateFault::NotACertificate(_)) => {
                    Err(AuthorityFault::Malformed(malformed))
                }
                Err(fault) => Err(AuthorityFault::Certificate(fault)),
            },
        }
    }

    /// The certificate authority among the certificates of an answer, for an administrator to
    /// confirm.
    pub fn offered(certificates: &[Certificate]) -> Result<&Certificate, AuthorityFault> {
        let issues = |ca: &&Certificate| {
            certificates.iter().any(|other| !other.is_authority() && other.is_issued_by(ca))
        };
        let above = |ca: &Certificate| {
            certificates.iter().any(|other| {
                other.is_authority() && !other.is_self_issued() && other.is_issued_by(ca)
            })
        };
        let authorities = || certificates.iter().filter(|c| c.is_authority());
        let lowest = || authorities().find(|ca| !above(ca));
        // Authorities of the first generation do not say that they are.
        let old = || certificates.iter().find(|c| c.is_self_issued() && c.key_usage().is_none());
        let found = authorities().find(issues).or_else(lowest).or_else(old);
        found.ok_or(AuthorityFault::NoAuthority)
    }

    /// Chooses from the certificates of an answer, in whatever order they are.
    pub fn select(
        certificates: &[Certificate],
        pin: Option<&Pin>,
        now: SystemTime,
    ) -> Result<Self, AuthorityFault> {
        let ca = Self::offered(certificates)?;
        let pin = pin.ok_or_else(|| AuthorityFault::NotConfirmed(Box::new(ca.clone())))?;
        if path(ca, certificates, |top| pin.holds(top)).is_none() {
            let (found, expected) = (ca.fingerprint(), pin.shown());
            return Err(AuthorityFault::Changed { found, expected });
        }
        check::valid_at(ca, now).map_err(AuthorityFault::Dates)?;
        let valid = |certificate: &&Certificate| check::valid_at(certificate, now).is_ok();
        let registration: Vec<_> = certificates
            .iter()
            .filter(|c| *c != ca && !c.is_authority() && c.is_issued_by(ca))
            .filter(valid)
            .collect();
        let recipient = recipient(&registration).unwrap_or(ca);
        if !recipient.public_key().is_rsa() {
            return Err(AuthorityFault::Recipient(recipient.public_key().describe()));
        }
        let chain = certificates
            .iter()
            .filter(|c| c.is_authority() && path(c, certificates, |top| pin.holds(top)).is_some());
        let mut known = vec![ca.clone()];
        for certificate in registration.iter().copied().chain(chain.filter(valid)) {
            if !known.contains(certificate) {
                known.push(certificate.clone());
            }
        }
        Ok(Self { recipient: recipient.clone(), ca: ca.clone(), known })
    }

    /// Who signs certificates.
    pub fn ca(&self) -> &Certificate {
        &self.ca
    }

    /// Whom requests are encrypted to.
    pub fn recipient(&self) -> &Certificate {
        &self.recipient
    }

    /// Everybody whose signature under an answer is believed.
    pub(crate) fn known(&self) -> &[Certificate] {
        &self.known
    }

    /// Whether somebody who came with an answer may sign it: issued by the authority for
    /// signatures, and not for TLS, since every phone has such a certificate.
    pub(crate) fn vouches_for(&self, signer: &Certificate, now: SystemTime) -> bool {
        let signs = signer.key_usage().is_some_and(|u| u.contains(KeyUsage::DIGITAL_SIGNATURE));
        let tls = signer.extended_key_usage().is_some_and(|purposes| {
            [SERVER_AUTHENTICATION, CLIENT_AUTHENTICATION].iter().any(|p| purposes.contains(p))
        });
        signs && !tls && signer.is_issued_by(&self.ca) && check::valid_at(signer, now).is_ok()
    }

    /// The certificate above this one, if a path leads from it to the authority. Certificates in
    /// between may come with the answer.
    pub(crate) fn issuer_of(
        &self,
        certificate: &Certificate,
        others: &[Certificate],
    ) -> Option<Certificate> {
        let candidates = self.known.iter().chain(others);
        let authorities: Vec<_> =
            candidates.filter(|c| c.is_authority() || **c == self.ca).cloned().collect();
        let leads_up = |issuer: &Certificate| {
            path(issuer, &authorities, |top| self.known.contains(top)).is_some()
        };
        let found = authorities.iter().find(|c| certificate.is_issued_by(c) && leads_up(c));
        found.cloned()
    }

    /// When its certificates should be asked for again, at the latest.
    pub(crate) fn renew_by(&self) -> SystemTime {
        let first = self.known.iter().map(Certificate::not_after).min();
        first.unwrap_or(self.ca.not_after()) - RENEWAL
    }
}

/// Goes up from a certificate until `is_top`; the last one.
fn path<'a>(
    from: &'a Certificate,
    certificates: &'a [Certificate],
    is_top: impl Fn(&Certificate) -> bool,
) -> Option<&'a Certificate> {
    let mut at = from;
    for _ in 0..MAX_PATH {
        if is_top(at) {
            return Some(at);
        }
        let above = |c: &&Certificate| c.is_authority() && *c != at && at.is_issued_by(c);
        at = certificates.iter().find(above)?;
    }
    None
}

/// The registration authority's certificate for encryption. Encrypting to the authority itself
/// where there is one is the most frequent mistake in the field.
fn recipient<'a>(registration: &[&'a Certificate]) -> Option<&'a Certificate> {
    let with = |test: fn(KeyUsage) -> bool| {
        let found = registration.iter().find(|c| c.key_usage().is_some_and(test));
        found.copied()
    };
    let encrypts = |usage: KeyUsage| usage.contains(KeyUsage::KEY_ENCIPHERMENT);
    let encrypts_only = |usage: KeyUsage| {
        usage.contains(KeyUsage::KEY_ENCIPHERMENT) && !usage.contains(KeyUsage::DIGITAL_SIGNATURE)
    };
    let data = |usage: KeyUsage| usage.contains(KeyUsage::DATA_ENCIPHERMENT);
    let silent = || registration.iter().find(|c| c.key_usage().is_none()).copied();
    with(encrypts_only).or_else(|| with(encrypts)).or_else(|| with(data)).or_else(silent)
}

impl Explain for AuthorityFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::Malformed(_)
            | Self::Certificate(_)
            | Self::NoAuthority
            | Self::Dates(_)
            | Self::Recipient(_) => &scep::SCEP_NO_CA_CERTIFICATE,
            Self::NotConfirmed(_) => &scep::SCEP_CA_NOT_CONFIRMED,
            Self::Changed { .. } => &scep::SCEP_CA_CHANGED,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let detail = |detail: String| vec![("detail", detail)];
        match self {
            Self::Malformed(Malformed(what)) => {
                detail(format!("the answer holds no certificates: {what}"))
            }
            Self::Certificate(fault) | Self::Dates(fault) => detail(fault.to_string()),
            Self::NoAuthority => detail("there is no certificate authority in the answer".into()),
            Self::Recipient(kind) => {
                detail(format!("requests cannot be encrypted to its key, which is {kind}"))
            }
            Self::NotConfirmed(ca) => {
                vec![("subject", ca.subject().to_string()), ("fingerprint", ca.fingerprint())]
            }
            Self::Changed { found, expected } => {
                vec![("found", found.clone()), ("expected", expected.clone())]
            }
        }
    }
}

crate::error_by_message!(AuthorityFault);
