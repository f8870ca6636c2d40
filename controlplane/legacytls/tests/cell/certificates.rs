//! Certificates of all kinds.

use std::time::{SystemTime, UNIX_EPOCH};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use openssl::x509::{X509, X509Name};
use ringfence_legacytls::link::Der;

const DAY: i64 = 24 * 3600;

/// A certificate and its key.
#[derive(Clone)]
pub struct Identity {
    pub certificate: X509,
    pub key: PKey<Private>,
}

/// When it is valid, in days from now.
#[derive(Clone, Copy)]
pub struct Days(pub i64, pub i64);

pub const VALID: Days = Days(-10, 10);
pub const ENDED: Days = Days(-10, -1);
pub const TO_COME: Days = Days(1, 10);

impl Identity {
    /// An issuer, signed by itself.
    pub fn issuer(name: &str, days: Days) -> Self {
        make(name, days, None, true)
    }

    /// A certificate that it issued to a telephone.
    pub fn issue(&self, name: &str, days: Days) -> Self {
        make(name, days, Some(self), false)
    }

    /// An issuer that it issued.
    pub fn issue_issuer(&self, name: &str) -> Self {
        make(name, VALID, Some(self), true)
    }

    pub fn der(&self) -> Der {
        Der(self.certificate.to_der().unwrap())
    }

    /// Certificate and key in one file.
    pub fn pem(&self) -> Vec<u8> {
        let key = self.key.private_key_to_pem_pkcs8().unwrap();
        [key, self.certificate.to_pem().unwrap()].concat()
    }
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Weak where old ones are: RSA with 1024 bits, SHA-1.
fn make(name: &str, days: Days, issuer: Option<&Identity>, issues: bool) -> Identity {
    let key = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let subject = common_name(name);
    let time = |day: i64| Asn1Time::from_unix(now() as i64 + day * DAY).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(64, MsbOption::MAYBE_ZERO, false).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    let issuer_name = issuer.map_or(&*subject, |issuer| issuer.certificate.subject_name());
    builder.set_issuer_name(issuer_name).unwrap();
    builder.set_not_before(&time(days.0)).unwrap();
    builder.set_not_after(&time(days.1)).unwrap();
    builder.set_pubkey(&key).unwrap();
    if issues {
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.append_extension(KeyUsage::new().key_cert_sign().build().unwrap()).unwrap();
    } else {
        let usage = ExtendedKeyUsage::new().server_auth().client_auth().build().unwrap();
        builder.append_extension(usage).unwrap();
    }
    builder.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha1()).unwrap();
    Identity { certificate: builder.build(), key }
}

fn common_name(name: &str) -> X509Name {
    let mut builder = X509Name::builder().unwrap();
    builder.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
    builder.build()
}
