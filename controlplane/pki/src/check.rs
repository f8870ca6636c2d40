//! What a server certificate must be before it enters a trust list.

use std::ops::Deref;
use std::path::Path;
use std::time::SystemTime;

use crate::asn1;
use crate::certificate::Certificate;
use crate::fault::{CertificateFault, Field};

/// Longest issuer and subject, in bytes of the trust list form.
pub const MAX_NAME: usize = 256;
/// Longest public key, in bytes of its trust list form: RSA of 4096 bits is just too long.
pub const MAX_PUBLIC_KEY: usize = 512;
/// Longest signature, in bytes.
pub const MAX_SIGNATURE: usize = 1024;
/// Longest serial number, in bytes.
pub const MAX_SERIAL: usize = 256;

/// A certificate that passed [`server_certificate`] and may enter a trust list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCertificate(Certificate);

impl Deref for ServerCertificate {
    type Target = Certificate;

    fn deref(&self) -> &Certificate {
        &self.0
    }
}

impl From<ServerCertificate> for Certificate {
    fn from(checked: ServerCertificate) -> Self {
        checked.0
    }
}

/// Which keys telephones can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// RSA: every telephone.
    RsaOnly,
    /// RSA and the NIST curves: later telephones.
    RsaAndEc,
}

/// Decodes and checks a certificate: all of [`sound`], and a key that telephones can use.
pub fn server_certificate(
    der: &[u8],
    now: SystemTime,
    keys: Keys,
) -> Result<ServerCertificate, CertificateFault> {
    let certificate = Certificate::parse(der)?;
    fields(&certificate)?;
    let key = certificate.public_key();
    within(key.trust_list_form().len(), MAX_PUBLIC_KEY, Field::PublicKey)?;
    if keys == Keys::RsaOnly && !key.is_rsa() {
        return Err(CertificateFault::NotRsa(key.describe()));
    }
    valid_at(&certificate, now)?;
    own_signature(&certificate)?;
    Ok(ServerCertificate(certificate))
}

/// Decodes and checks a certificate: fields there and within limits, dates, and the signature of a
/// self-signed one.
pub fn sound(der: &[u8], now: SystemTime) -> Result<Certificate, CertificateFault> {
    let certificate = Certificate::parse(der)?;
    fields(&certificate)?;
    valid_at(&certificate, now)?;
    own_signature(&certificate)?;
    Ok(certificate)
}

/// Reads a DER certificate file, to be checked.
pub fn read(file: &Path) -> Result<Vec<u8>, CertificateFault> {
    durable::read(file, Certificate::MAX_SIZE as u64)
        .map_err(|_| CertificateFault::NotACertificate("the file cannot be read"))?
        .ok_or_else(|| CertificateFault::NoFile(file.into()))
}

/// Whether the dates make sense and `now` is between them.
pub fn valid_at(certificate: &Certificate, now: SystemTime) -> Result<(), CertificateFault> {
    let (from, until) = (certificate.not_before(), certificate.not_after());
    if until < from || now < from {
        return Err(CertificateFault::Date { from: day(from), until: day(until) });
    }
    if until < now {
        return Err(CertificateFault::Expired { until: day(until) });
    }
    Ok(())
}

/// Whether this is the certificate with the SHA-1 thumbprint `expected` (hex; case, blanks and
/// colons do not matter).
pub fn thumbprint(certificate: &Certificate, expected: &str) -> Result<(), CertificateFault> {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
    };
    let found = certificate.thumbprint();
    if found == plain(expected) {
        return Ok(());
    }
    Err(CertificateFault::Thumbprint { found, expected: expected.into() })
}

/// A day as `2004-11-09`.
pub fn day(at: SystemTime) -> String {
    let since = std::time::Duration::from_secs(asn1::unix_seconds(at));
    match der::DateTime::from_unix_duration(since) {
        Ok(date) => format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()),
        Err(_) => "?".into(),
    }
}

fn fields(certificate: &Certificate) -> Result<(), CertificateFault> {
    let names =
        [(certificate.issuer(), Field::IssuerName), (certificate.subject(), Field::SubjectName)];
    for (name, field) in names {
        if name.is_empty() {
            return Err(CertificateFault::Missing(field));
        }
        within(name.trust_list_form().len(), MAX_NAME, field)?;
    }
    within(certificate.serial().len(), MAX_SERIAL, Field::SerialNumber)?;
    if certificate.signature().is_empty() {
        return Err(CertificateFault::Missing(Field::Signature));
    }
    within(certificate.signature().len(), MAX_SIGNATURE, Field::Signature)
}

fn own_signature(certificate: &Certificate) -> Result<(), CertificateFault> {
    let holds = !certificate.is_self_issued() || certificate.is_issued_by(certificate);
    holds.then_some(()).ok_or(CertificateFault::Invalid(Field::Signature))
}

fn within(length: usize, limit: usize, field: Field) -> Result<(), CertificateFault> {
    if length > limit { Err(CertificateFault::TooLong(field)) } else { Ok(()) }
}
