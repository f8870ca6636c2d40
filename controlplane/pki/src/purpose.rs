//! What a certificate says its key is for: basic constraints and key usages (RFC 5280 §4.2.1).

use std::fmt;
use std::net::IpAddr;

use der::Tag;
use der::asn1::ObjectIdentifier;

use crate::asn1::{Elements, context};
use crate::certificate::Certificate;

/// Extended key usage: TLS server.
pub const SERVER_AUTHENTICATION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
/// Extended key usage: TLS client.
pub const CLIENT_AUTHENTICATION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
/// Extended key usage: IPsec end system.
pub const IPSEC_END_SYSTEM: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.5");
/// Extended key usage: anything.
pub const ANY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const ALTERNATIVE_NAMES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");

/// Bits of the key usage extension, bit 0 highest as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// Signs data, and proves in TLS that it is there.
    pub const DIGITAL_SIGNATURE: Self = Self(0x8000);
    /// Encrypts keys: TLS with RSA key transport, CMS.
    pub const KEY_ENCIPHERMENT: Self = Self(0x2000);
    /// Encrypts data.
    pub const DATA_ENCIPHERMENT: Self = Self(0x1000);
    /// Signs certificates.
    pub const KEY_CERT_SIGN: Self = Self(0x0400);
    /// Signs revocation lists.
    pub const CRL_SIGN: Self = Self(0x0200);

    const NAMES: [(u16, &'static str); 9] = [
        (0x8000, "digitalSignature"),
        (0x4000, "nonRepudiation"),
        (0x2000, "keyEncipherment"),
        (0x1000, "dataEncipherment"),
        (0x0800, "keyAgreement"),
        (0x0400, "keyCertSign"),
        (0x0200, "cRLSign"),
        (0x0100, "encipherOnly"),
        (0x0080, "decipherOnly"),
    ];

    /// Both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The content of its BIT STRING: unused bits, bits.
    pub fn bit_string(self) -> Vec<u8> {
        let bytes = self.0.to_be_bytes();
        let used = if bytes[1] == 0 { &bytes[..1] } else { &bytes[..] };
        let unused = used.last().map_or(0, |last| last.trailing_zeros().min(7) as u8);
        [&[unused], used].concat()
    }
}

impl fmt::Display for KeyUsage {
    /// The names of RFC 5280, with commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().filter(|(bit, _)| self.0 & bit != 0).map(|(_, name)| *name);
        f.write_str(&names.collect::<Vec<_>>().join(", "))
    }
}

impl Certificate {
    /// Whether its basic constraints say that it is a certificate authority.
    pub fn is_authority(&self) -> bool {
        let constraints = self.extension(BASIC_CONSTRAINTS).and_then(|value| {
            let mut parts = Elements::of(Elements::of(value)?.expect(Tag::Sequence)?.value())?;
            parts.optional(Tag::Boolean)?.decode_as::<bool>().ok()
        });
        constraints == Some(true)
    }

    /// The names and addresses its subject can be reached at, as text; what has another form is
    /// passed over.
    pub fn alternative_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let list = self.extension(ALTERNATIVE_NAMES).and_then(Elements::of);
        let list = list.and_then(|mut value| value.expect(Tag::Sequence));
        let Some(mut list) = list.and_then(|list| Elements::of(list.value())) else { return names };
        while let Some(name) = list.any() {
            let text = || String::from_utf8(name.value().to_vec()).ok();
            let tag = name.header().tag();
            let readable = if tag == context(2, false) || tag == context(6, false) {
                text()
            } else if tag == context(7, false) {
                address(name.value()).map(|address| address.to_string())
            } else {
                None
            };
            names.extend(readable);
        }
        names
    }

    /// What its key is for; `None` if it does not say, or not readably.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        let bits = Elements::of(self.extension(KEY_USAGE)?)?.expect(Tag::BitString)?;
        let [_unused, bits @ ..] = bits.value() else { return None };
        let byte = |index| bits.get(index).copied().unwrap_or_default();
        Some(KeyUsage(u16::from_be_bytes([byte(0), byte(1)])))
    }

    /// What its key is for in detail; `None` if it does not say, or not readably.
    pub fn extended_key_usage(&self) -> Option<Vec<ObjectIdentifier>> {
        let value = self.extension(EXTENDED_KEY_USAGE)?;
        let mut list = Elements::of(Elements::of(value)?.expect(Tag::Sequence)?.value())?;
        let mut purposes = Vec::new();
        while !list.at_end() {
            purposes.push(list.expect(Tag::ObjectIdentifier)?.decode_as().ok()?);
        }
        Some(purposes)
    }

    fn extension(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        let found = self.extensions().iter().find(|extension| extension.oid == oid)?;
        Some(&found.value)
    }
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_usage_has_its_shortest_form() {
        let both = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT);
        assert_eq!(both.bit_string(), [5, 0xa0]);
        assert_eq!(both.to_string(), "digitalSignature, keyEncipherment");
        assert_eq!(KeyUsage(0x0080).bit_string(), [7, 0, 0x80]);
        assert!(both.contains(KeyUsage::KEY_ENCIPHERMENT));
        assert!(!KeyUsage::KEY_ENCIPHERMENT.contains(both));
    }
}
