//! Certificates in the forms others want.

use std::fmt;

use der::Tag;
use der::asn1::ObjectIdentifier;

use crate::asn1;
use crate::certificate::Certificate;

/// Forms of a certificate file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// DER: `.cer`.
    Der,
    /// Base 64 between lines of dashes: `.pem`, `.0`.
    Pem,
    /// A PKCS#7 bag with all certificates on the path: `.p7b`.
    Pkcs7,
}

impl Form {
    /// The usual ending of a file in this form.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Der => "cer",
            Self::Pem => "pem",
            Self::Pkcs7 => "p7b",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Der => "DER",
            Self::Pem => "PEM",
            Self::Pkcs7 => "PKCS#7",
        })
    }
}

/// A certificate, with the certificates above it for the forms that take them.
pub fn export(certificate: &Certificate, path: &[Certificate], form: Form) -> Vec<u8> {
    let all = || std::iter::once(certificate).chain(path);
    match form {
        Form::Der => certificate.der().to_vec(),
        Form::Pem => all().map(pem).collect::<String>().into_bytes(),
        Form::Pkcs7 => pkcs7(all()),
    }
}

/// One certificate in PEM.
pub fn pem(certificate: &Certificate) -> String {
    pem_of("CERTIFICATE", certificate.der())
}

/// Anything in PEM, by its label of RFC 7468.
pub fn pem_of(label: &str, der: &[u8]) -> String {
    let body = openssl::base64::encode_block(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem + "-----END " + label + "-----\n"
}

/// The certificates of a PEM file, in DER. Text between them is passed over.
pub fn read_pem(text: &str) -> Option<Vec<Vec<u8>>> {
    text.split("-----BEGIN CERTIFICATE-----")
        .skip(1)
        .map(|rest| {
            let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
            let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
            openssl::base64::decode_block(&body).ok()
        })
        .collect()
}

/// The name of a certificate's PEM copy on a subscriber: its common name with the ending `.0`.
/// What does not belong into a file name becomes `_`.
pub fn dot_zero_name(certificate: &Certificate) -> Option<String> {
    let name = certificate.subject().common_name()?;
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let stem: String = name.chars().map(|c| if safe(c) { c } else { '_' }).collect();
    (!stem.trim_matches('.').is_empty()).then(|| format!("{stem}.0"))
}

/// SignedData without a signature, RFC 2315 §9.1: a bag of certificates.
fn pkcs7<'a>(certificates: impl Iterator<Item = &'a Certificate>) -> Vec<u8> {
    let data = asn1::oid(ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1"));
    let signed_data = asn1::oid(ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2"));
    let certificates: Vec<_> = certificates.map(Certificate::der).collect();
    let content = asn1::sequence(&[
        &asn1::unsigned(&[1]),
        &asn1::constructed(Tag::Set, &[]),
        &asn1::sequence(&[&data]),
        &asn1::constructed(asn1::context(0, true), &certificates),
        &asn1::constructed(Tag::Set, &[]),
    ]);
    asn1::sequence(&[&signed_data, &asn1::constructed(asn1::context(0, true), &[&content])])
}
