//! As much CMS (RFC 5652) as SCEP needs: signed data, enveloped data, bags of certificates.

pub(crate) mod bag;
pub(crate) mod enveloped;
pub(crate) mod signed;

use der::Tag;
use der::asn1::ObjectIdentifier;
use pki::asn1;

use crate::ber::{self, Element, Malformed, Reader, context};

pub(crate) const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
pub(crate) const SIGNED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
pub(crate) const ENVELOPED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
/// RSA: a key's transport in an envelope, a signature whose digest is told elsewhere.
pub(crate) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// ContentInfo around a content.
pub(crate) fn wrap(kind: ObjectIdentifier, content: &[u8]) -> Vec<u8> {
    let content = asn1::constructed(asn1::context(0, true), &[content]);
    asn1::sequence(&[&asn1::oid(kind), &content])
}

/// The content of a ContentInfo of this kind: what is inside its SEQUENCE.
pub(crate) fn unwrap(bytes: &[u8], kind: ObjectIdentifier) -> Result<Reader<'_>, Malformed> {
    const WHAT: &str = "it is no CMS message";
    let outer = Element::only(bytes)?;
    if outer.tag != ber::SEQUENCE {
        return Err(Malformed(WHAT));
    }
    let mut parts = outer.parts();
    if oid(&parts.expect(ber::OID, WHAT)?)? != kind {
        return Err(Malformed("it is another kind of CMS message"));
    }
    let mut content = parts.expect(context(0), WHAT)?.parts();
    parts.end("something follows the content of a CMS message")?;
    let body = content.expect(ber::SEQUENCE, "the content of a CMS message")?;
    content.end("something follows the content of a CMS message")?;
    Ok(body.parts())
}

/// An object identifier.
pub(crate) fn oid(element: &Element<'_>) -> Result<ObjectIdentifier, Malformed> {
    if element.tag != ber::OID {
        return Err(Malformed("an object identifier"));
    }
    ObjectIdentifier::from_bytes(element.content).map_err(|_| Malformed("an object identifier"))
}

/// The object identifier of an AlgorithmIdentifier, and its parameter.
pub(crate) fn algorithm<'a>(
    element: &Element<'a>,
) -> Result<(ObjectIdentifier, Option<Element<'a>>), Malformed> {
    let mut parts = element.parts();
    let algorithm = oid(&parts.expect(ber::OID, "an algorithm identifier")?)?;
    Ok((algorithm, parts.any()?))
}

/// Who is meant by a signature or an envelope.
pub(crate) enum Identifier<'a> {
    /// issuerAndSerialNumber: the encoded issuer, the magnitude of the serial number.
    Serial { issuer: &'a [u8], serial: &'a [u8] },
    /// subjectKeyIdentifier
    KeyId(&'a [u8]),
}

impl<'a> Identifier<'a> {
    pub(crate) fn read(element: &Element<'a>) -> Result<Self, Malformed> {
        const WHAT: &str = "issuer and serial number";
        match element.tag {
            ber::SEQUENCE => {
                let mut parts = element.parts();
                let issuer = parts.expect(ber::SEQUENCE, WHAT)?.encoded;
                let serial = parts.expect(ber::INTEGER, WHAT)?.content;
                let zeros = serial.iter().take_while(|byte| **byte == 0).count();
                Ok(Self::Serial { issuer, serial: &serial[zeros..] })
            }
            0x80 => Ok(Self::KeyId(element.content)),
            _ => Err(Malformed(WHAT)),
        }
    }

    /// issuerAndSerialNumber of a certificate.
    pub(crate) fn der(certificate: &pki::Certificate) -> Vec<u8> {
        let serial = asn1::unsigned(certificate.serial());
        asn1::sequence(&[certificate.issuer().der(), &serial])
    }

    pub(crate) fn means(&self, certificate: &pki::Certificate) -> bool {
        match self {
            Self::Serial { issuer, serial } => {
                certificate.serial() == *serial && certificate.issuer().der() == *issuer
            }
            Self::KeyId(id) => {
                const KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
                let own = certificate.extensions().iter().find(|e| e.oid == KEY_ID);
                own.is_some_and(|own| own.value == asn1::element(Tag::OctetString, *id))
            }
        }
    }
}
