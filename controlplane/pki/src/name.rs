//! Distinguished names.

use std::fmt;

use der::Tag;
use der::asn1::{AnyRef, ObjectIdentifier};

use crate::asn1::{self, Elements};

/// A distinguished name: attributes in the order of the certificate.
///
/// Two names are equal if their encodings are; matching issuer and subject needs no more, because
/// every issuer copies its own name byte by byte.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name {
    attributes: Vec<(Attribute, String)>,
    der: Vec<u8>,
}

/// Kinds of attributes with a short name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// commonName
    CommonName,
    /// organizationalUnitName
    OrganizationalUnit,
    /// organizationName
    Organization,
    /// localityName
    Locality,
    /// stateOrProvinceName
    State,
    /// countryName
    Country,
    /// Anything else.
    Other(ObjectIdentifier),
}

impl Attribute {
    const NAMED: [(Self, &'static str, &'static str); 6] = [
        (Self::CommonName, "CN", "2.5.4.3"),
        (Self::OrganizationalUnit, "OU", "2.5.4.11"),
        (Self::Organization, "O", "2.5.4.10"),
        (Self::Locality, "L", "2.5.4.7"),
        (Self::State, "ST", "2.5.4.8"),
        (Self::Country, "C", "2.5.4.6"),
    ];

    fn of(oid: ObjectIdentifier) -> Self {
        Self::NAMED
            .iter()
            .find(|(_, _, dotted)| ObjectIdentifier::new_unwrap(dotted) == oid)
            .map_or(Self::Other(oid), |(attribute, ..)| *attribute)
    }

    fn oid(self) -> ObjectIdentifier {
        match (self, Self::NAMED.iter().find(|(attribute, ..)| *attribute == self)) {
            (Self::Other(oid), _) => oid,
            (_, named) => {
                ObjectIdentifier::new_unwrap(named.expect("all but Other are in the table").2)
            }
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMED.iter().find(|(attribute, ..)| attribute == self) {
            Some((_, short, _)) => f.write_str(short),
            None => write!(f, "{}", self.oid()),
        }
    }
}

impl Name {
    /// A name of attributes in order, most specific first as telephones write it.
    pub fn new<'a>(attributes: impl IntoIterator<Item = (Attribute, &'a str)>) -> Self {
        let attributes: Vec<_> =
            attributes.into_iter().map(|(kind, value)| (kind, value.to_owned())).collect();
        let rdns: Vec<_> = attributes.iter().map(|(kind, value)| rdn(*kind, value)).collect();
        let rdns: Vec<_> = rdns.iter().map(Vec::as_slice).collect();
        Self { attributes, der: asn1::sequence(&rdns) }
    }

    /// A name that is a common name only.
    pub fn common(name: &str) -> Self {
        Self::new([(Attribute::CommonName, name)])
    }

    /// Decodes a name; `None` if it is none.
    pub fn decode(der: &[u8]) -> Option<Self> {
        let name = Elements::of(der)?.expect(Tag::Sequence)?;
        let mut rdns = Elements::of(name.value())?;
        let mut attributes = Vec::new();
        while !rdns.at_end() {
            let mut set = Elements::of(rdns.expect(Tag::Set)?.value())?;
            while !set.at_end() {
                let mut pair = Elements::of(set.expect(Tag::Sequence)?.value())?;
                let oid = pair.expect(Tag::ObjectIdentifier)?.decode_as().ok()?;
                attributes.push((Attribute::of(oid), text(pair.any()?)?));
            }
        }
        Some(Self { attributes, der: der.to_vec() })
    }

    /// Whether there is no attribute at all.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// The attributes in the order of the certificate.
    pub fn attributes(&self) -> impl Iterator<Item = (Attribute, &str)> {
        self.attributes.iter().map(|(kind, value)| (*kind, value.as_str()))
    }

    /// The first common name.
    pub fn common_name(&self) -> Option<&str> {
        self.attributes().find(|(kind, _)| *kind == Attribute::CommonName).map(|(_, value)| value)
    }

    /// The DER encoding.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The string that stands in trust lists and signed files: `CN=…;OU=…;O=…;L=…;ST=…;C=…`, the
    /// six known attributes in this order, others behind them.
    pub fn trust_list_form(&self) -> String {
        let rank = |kind: Attribute| {
            Attribute::NAMED
                .iter()
                .position(|(named, ..)| *named == kind)
                .unwrap_or(Attribute::NAMED.len())
        };
        let mut sorted: Vec<_> = self.attributes().collect();
        sorted.sort_by_key(|(kind, _)| rank(*kind));
        let parts: Vec<_> = sorted.iter().map(|(kind, value)| format!("{kind}={value}")).collect();
        parts.join(";")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.trust_list_form())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

fn rdn(kind: Attribute, value: &str) -> Vec<u8> {
    // RFC 5280 appendix A: a country is a PrintableString.
    let tag = match kind {
        Attribute::Country => Tag::PrintableString,
        _ => Tag::Utf8String,
    };
    let value = asn1::element(tag, value.as_bytes());
    let pair = asn1::sequence(&[&asn1::oid(kind.oid()), &value]);
    asn1::constructed(Tag::Set, &[&pair])
}

fn text(any: AnyRef<'_>) -> Option<String> {
    let bytes = any.value();
    match any.header().tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString => {
            String::from_utf8(bytes.to_vec()).ok()
        }
        // In practice Latin-1.
        Tag::TeletexString => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Tag::BmpString if bytes.len() % 2 == 0 => {
            let units: Vec<_> =
                bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trust_list_form_has_one_order() {
        let name = Name::new([
            (Attribute::Country, "DE"),
            (Attribute::Organization, "Example"),
            (Attribute::CommonName, "cm1"),
            (Attribute::OrganizationalUnit, "Lab"),
        ]);
        assert_eq!(name.trust_list_form(), "CN=cm1;OU=Lab;O=Example;C=DE");
        assert_eq!(Name::decode(name.der()), Some(name));
    }

    #[test]
    fn names_that_are_none_are_refused() {
        let good = Name::common("a").der().to_vec();
        for cut in 1..good.len() {
            assert!(Name::decode(&good[..cut]).is_none());
        }
        assert!(Name::decode(&asn1::element(Tag::Set, *b"")).is_none());
    }
}
