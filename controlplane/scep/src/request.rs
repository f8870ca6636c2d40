//! What is asked for, and the PKCS#10 request (RFC 2986) that says so.

use std::fmt;
use std::time::Duration;

use der::Tag;
use der::asn1::ObjectIdentifier;
use pki::asn1;
use pki::certificate::SignatureAlgorithm;
use pki::purpose::{CLIENT_AUTHENTICATION, IPSEC_END_SYSTEM, KeyUsage, SERVER_AUTHENTICATION};
use pki::{Hash, Name, PublicKey, SignError, Signer};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::cms::signed::{attribute, set_of};

const CHALLENGE_PASSWORD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.7");
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");

/// A certificate that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whom it is about. Its common name is the device's name, and the certificate must have it.
    pub subject: Name,
    /// The key it certifies.
    pub public_key: PublicKey,
    /// What it is for.
    pub purpose: Purpose,
    /// How long it should be valid. A request cannot say so; what the authority does else is
    /// reported.
    pub validity: Option<Duration>,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A phone's locally significant certificate.
    Phone,
    /// CAPF's own certificate under the company's authority: with it CAPF issues by itself, and
    /// no authority has to do without proof of possession.
    SubordinateAuthority,
}

impl Purpose {
    /// The key usage that is asked for.
    pub fn key_usage(self) -> KeyUsage {
        match self {
            Self::Phone => KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT),
            Self::SubordinateAuthority => KeyUsage::KEY_CERT_SIGN.and(KeyUsage::CRL_SIGN),
        }
    }

    /// The extended key usages that are asked for.
    pub fn extended_key_usage(self) -> &'static [ObjectIdentifier] {
        match self {
            Self::Phone => &[SERVER_AUTHENTICATION, CLIENT_AUTHENTICATION, IPSEC_END_SYSTEM],
            Self::SubordinateAuthority => &[],
        }
    }
}

/// A challenge password. It is wiped on drop and never printed.
#[derive(Clone)]
pub struct Challenge(Zeroizing<String>);

impl Challenge {
    /// A password as the authority gave it.
    pub fn new(password: impl Into<Zeroizing<String>>) -> Self {
        Self(password.into())
    }

    fn der(&self) -> Vec<u8> {
        let printable = |b: u8| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b);
        let tag =
            if self.0.bytes().all(printable) { Tag::PrintableString } else { Tag::Utf8String };
        asn1::element(tag, self.0.as_bytes())
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge")
    }
}

impl Request {
    /// CertificationRequestInfo: what is signed.
    pub(crate) fn info(&self, challenge: Option<&Challenge>) -> Zeroizing<Vec<u8>> {
        let challenge = challenge.map(|challenge| attribute(CHALLENGE_PASSWORD, &challenge.der()));
        let extensions = attribute(EXTENSION_REQUEST, &extensions(self.purpose));
        let attributes = challenge.into_iter().chain([extensions]).collect();
        Zeroizing::new(asn1::sequence(&[
            &asn1::unsigned(&[0]),
            self.subject.der(),
            self.public_key.spki(),
            &asn1::constructed(asn1::context(0, true), &[&set_of(attributes)]),
        ]))
    }
}

/// The request, signed. The signer should be the key of the request; a proxy signs for phones,
/// whose keys it does not have.
pub(crate) fn signed(
    info: &[u8],
    signer: &dyn Signer,
    hash: Hash,
) -> Result<Zeroizing<Vec<u8>>, SignError> {
    let algorithm = SignatureAlgorithm::of(signer.public_key(), hash);
    let signature = signer.sign(hash, info)?;
    let request = asn1::sequence(&[info, &algorithm.der(), &asn1::bits(&signature)]);
    Ok(Zeroizing::new(request))
}

fn extensions(purpose: Purpose) -> Vec<u8> {
    let usage = asn1::element(Tag::BitString, purpose.key_usage().bit_string());
    let mut list = vec![extension(KEY_USAGE, true, &usage)];
    match purpose {
        Purpose::Phone => {
            let purposes: Vec<_> =
                purpose.extended_key_usage().iter().map(|oid| asn1::oid(*oid)).collect();
            let value = asn1::sequence(&[&purposes.concat()]);
            list.push(extension(EXTENDED_KEY_USAGE, false, &value));
        }
        Purpose::SubordinateAuthority => {
            let authority = asn1::element(Tag::Boolean, [0xff]);
            // A path length of 0: below it are phones only.
            let value = asn1::sequence(&[&authority, &asn1::unsigned(&[0])]);
            list.push(extension(BASIC_CONSTRAINTS, true, &value));
        }
    }
    asn1::sequence(&[&list.concat()])
}

fn extension(oid: ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { asn1::element(Tag::Boolean, [0xff]) } else { Vec::new() };
    let value = asn1::element(Tag::OctetString, value);
    asn1::sequence(&[&asn1::oid(oid), &critical, &value])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_printable_where_it_can_be() {
        assert_eq!(Challenge::new("AB12".to_owned()).der()[0], 0x13);
        assert_eq!(Challenge::new("a@b".to_owned()).der()[0], 0x0c);
        assert_eq!(format!("{:?}", Challenge::new("secret".to_owned())), "Challenge");
    }
}
