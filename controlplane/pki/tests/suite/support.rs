//! Certificates of every kind, and ones that are broken in one field.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ringfence_pki::issue::{self, AlternativeName, Template, Usage};
use ringfence_pki::{Certificate, CertificateFault, Field, Hash, KeyKind, Name, PrivateKey};

pub const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

pub fn today() -> SystemTime {
    UNIX_EPOCH + 35 * YEAR
}

pub fn template(subject: Name) -> Template {
    Template {
        subject,
        not_before: today(),
        validity: 20 * YEAR,
        usage: Usage::Server,
        alternative_names: vec![
            AlternativeName::Host("cm1".into()),
            AlternativeName::Address("192.0.2.10".parse().unwrap()),
            AlternativeName::Address("2001:db8::10".parse().unwrap()),
        ],
    }
}

pub fn self_signed(kind: KeyKind, hash: Hash) -> (PrivateKey, Certificate) {
    let key = PrivateKey::generate(kind);
    let certificate = issue::self_signed(&template(Name::common("cm1")), hash, &key).unwrap();
    (key, certificate)
}

/// Rebuilds a certificate with one part of its tbsCertificate replaced; the signature is then
/// wrong, which is looked at last.
pub fn with_part(part: usize, replacement: &[u8]) -> Vec<u8> {
    let (_, certificate) = self_signed(KeyKind::Rsa1024, Hash::Sha256);
    let outer = children(certificate.der());
    let mut tbs = children(&outer[0]);
    tbs[part] = replacement.to_vec();
    wrap(0x30, &[wrap(0x30, &tbs), outer[1].clone(), outer[2].clone()])
}

pub fn with_signature(replacement: Option<Vec<u8>>) -> Vec<u8> {
    let (_, certificate) = self_signed(KeyKind::Rsa1024, Hash::Sha256);
    let mut outer = children(certificate.der());
    outer.truncate(2);
    outer.extend(replacement);
    wrap(0x30, &outer)
}

/// The elements inside a DER element, headers included.
pub fn children(element: &[u8]) -> Vec<Vec<u8>> {
    let (header, _) = lengths(element);
    let mut rest = &element[header..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (header, content) = lengths(rest);
        let (one, more) = rest.split_at(header + content);
        found.push(one.to_vec());
        rest = more;
    }
    found
}

pub fn lengths(element: &[u8]) -> (usize, usize) {
    match element[1] {
        short @ 0..0x80 => (2, short.into()),
        long => {
            let count = usize::from(long & 0x7f);
            let content = element[2..2 + count].iter().fold(0, |sum, b| sum << 8 | usize::from(*b));
            (2 + count, content)
        }
    }
}

pub fn wrap(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    let content = parts.concat();
    let length = match content.len() {
        short @ 0..0x80 => vec![short as u8],
        middle @ 0x80..0x100 => vec![0x81, middle as u8],
        long => [vec![0x82], (long as u16).to_be_bytes().to_vec()].concat(),
    };
    [vec![tag], length, content].concat()
}

pub fn validity(from: &str, until: &str) -> Vec<u8> {
    let time = |text: &str| wrap(0x17, &[text.as_bytes().to_vec()]);
    wrap(0x30, &[time(from), time(until)])
}

pub fn spki(key: Vec<u8>) -> Vec<u8> {
    let rsa = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0].to_vec();
    wrap(0x30, &[wrap(0x30, &[rsa]), wrap(0x03, &[vec![0], key])])
}

pub fn rsa_key(modulus_bytes: usize) -> Vec<u8> {
    let modulus = [vec![0, 0xff], vec![0xaf; modulus_bytes - 1]].concat();
    wrap(0x30, &[wrap(2, &[modulus]), wrap(2, &[vec![1, 0, 1]])])
}

// Parts of a tbsCertificate, version included.
pub const SERIAL: usize = 1;
pub const INNER_ALGORITHM: usize = 2;
pub const ISSUER: usize = 3;
pub const VALIDITY: usize = 4;
pub const SUBJECT: usize = 5;
pub const PUBLIC_KEY: usize = 6;

/// Certificates with one broken field each, and what is wrong with them.
pub fn broken_certificates() -> Vec<(Vec<u8>, CertificateFault)> {
    use CertificateFault::{Invalid, Missing, TooLong};
    let empty_name = wrap(0x30, &[]);
    let long_name = Name::common(&"x".repeat(254));
    let broken_name = wrap(0x31, &[]);
    let md5 = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4, 5, 0].to_vec();
    let mut unknown = children(&with_part(INNER_ALGORITHM, &md5));
    unknown[1] = md5;
    vec![
        (with_part(ISSUER, &empty_name), Missing(Field::IssuerName)),
        (with_part(ISSUER, &broken_name), Invalid(Field::IssuerName)),
        (with_part(ISSUER, long_name.der()), TooLong(Field::IssuerName)),
        (with_part(SUBJECT, &empty_name), Missing(Field::SubjectName)),
        (with_part(SUBJECT, &broken_name), Invalid(Field::SubjectName)),
        (with_part(SUBJECT, long_name.der()), TooLong(Field::SubjectName)),
        (with_part(SERIAL, &[2, 0]), Missing(Field::SerialNumber)),
        (with_part(SERIAL, &[2, 1, 0x80]), Invalid(Field::SerialNumber)),
        (with_part(SERIAL, &wrap(2, &[vec![1; 257]])), TooLong(Field::SerialNumber)),
        (with_part(PUBLIC_KEY, &spki(Vec::new())), Missing(Field::PublicKey)),
        (with_part(PUBLIC_KEY, &spki(vec![1, 2, 3])), Invalid(Field::PublicKey)),
        (with_part(PUBLIC_KEY, &spki(rsa_key(512))), TooLong(Field::PublicKey)),
        (with_signature(None), Missing(Field::Signature)),
        (with_signature(Some(wrap(3, &[vec![0]]))), Missing(Field::Signature)),
        (with_signature(Some(wrap(4, &[vec![0; 128]]))), Invalid(Field::Signature)),
        (with_signature(Some(wrap(3, &[vec![0; 1026]]))), TooLong(Field::Signature)),
        (with_signature(Some(wrap(3, &[vec![0; 129]]))), Invalid(Field::Signature)),
        (
            with_part(VALIDITY, &validity("200101000000Z", "199901000000Z")),
            CertificateFault::Date { from: "?".into(), until: "?".into() },
        ),
        (
            with_part(VALIDITY, &validity("040101000000Z", "030101000000Z")),
            CertificateFault::Date { from: "2004-01-01".into(), until: "2003-01-01".into() },
        ),
        (
            with_part(VALIDITY, &validity("440101000000Z", "450101000000Z")),
            CertificateFault::Date { from: "2044-01-01".into(), until: "2045-01-01".into() },
        ),
        (
            with_part(VALIDITY, &validity("990101000000Z", "001231000000Z")),
            CertificateFault::Expired { until: "2000-12-31".into() },
        ),
        (wrap(0x30, &unknown), CertificateFault::SignatureAlgorithm("1.2.840.113549.1.1.4".into())),
    ]
}
