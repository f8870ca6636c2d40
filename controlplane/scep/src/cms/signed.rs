//! SignedData with one signer and signed attributes (RFC 5652 §5).

use std::borrow::Cow;

use der::Tag;
use der::asn1::ObjectIdentifier;
use pki::Certificate;
use pki::asn1;

use super::{DATA, Identifier, RSA, SIGNED_DATA, bag};
use crate::algorithm::{Digest, Floor, identifier};
use crate::ber::{self, Element, Malformed, Reader, context};

/// contentType
pub(crate) const CONTENT_TYPE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
/// messageDigest
pub(crate) const MESSAGE_DIGEST: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

/// Most attributes that are looked at.
const MAX_ATTRIBUTES: usize = 64;

/// Why a signature is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureFault {
    /// Not signed data, or not as SCEP has it.
    Malformed(Malformed),
    /// An algorithm that nobody here knows: its object identifier.
    Algorithm(String),
    /// A digest below the floor.
    BelowFloor(Digest),
    /// Nobody we know signed it.
    Signer,
    /// The content is not what was signed.
    Content,
    /// The signature does not verify.
    Signature,
}

impl From<Malformed> for SignatureFault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// An attribute with its single value.
pub(crate) struct Attribute<'a> {
    pub(crate) kind: ObjectIdentifier,
    pub(crate) value: Element<'a>,
}

/// Encodes an attribute of a value that is encoded already.
pub(crate) fn attribute(kind: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    asn1::sequence(&[&asn1::oid(kind), &asn1::constructed(Tag::Set, &[value])])
}

/// The content of a DER SET OF: its members in the order of their encodings.
pub(crate) fn set_of(mut members: Vec<Vec<u8>>) -> Vec<u8> {
    members.sort();
    members.concat()
}

/// What is to be signed of attributes: the content of their SET under the tag of a SET.
pub(crate) fn signed_bytes(attributes: &[u8]) -> Vec<u8> {
    ber::encode(ber::SET, attributes)
}

/// The message of parts that are signed already. `attributes` is the content of their SET.
pub(crate) fn encode(
    digest: Digest,
    content: Option<&[u8]>,
    signer: &Certificate,
    attributes: &[u8],
    signature: &[u8],
) -> Vec<u8> {
    let content = content.map(|content| {
        let octets = asn1::element(Tag::OctetString, content);
        asn1::constructed(asn1::context(0, true), &[&octets])
    });
    let digest = identifier(digest.oid());
    let signer_info = asn1::sequence(&[
        &asn1::unsigned(&[1]),
        &Identifier::der(signer),
        &digest,
        &asn1::constructed(asn1::context(0, true), &[attributes]),
        &identifier(RSA),
        &asn1::element(Tag::OctetString, signature),
    ]);
    let signed = asn1::sequence(&[
        &asn1::unsigned(&[1]),
        &asn1::constructed(Tag::Set, &[&digest]),
        &asn1::sequence(&[&asn1::oid(DATA), content.as_deref().unwrap_or_default()]),
        &asn1::constructed(asn1::context(0, true), &[signer.der()]),
        &asn1::constructed(Tag::Set, &[&signer_info]),
    ]);
    super::wrap(SIGNED_DATA, &signed)
}

/// Signed data that was taken apart and not verified.
pub(crate) struct Signed<'a> {
    content: Cow<'a, [u8]>,
    certificates: Vec<Certificate>,
    signer: Identifier<'a>,
    digest: Digest,
    attributes: Element<'a>,
    signature: Cow<'a, [u8]>,
}

/// Signed data whose signature, content and signer were verified.
pub(crate) struct Verified<'a> {
    /// What was signed; empty if there is no content.
    pub(crate) content: Cow<'a, [u8]>,
    /// The signed attributes, each at most once.
    pub(crate) attributes: Vec<Attribute<'a>>,
}

impl<'a> Signed<'a> {
    /// Takes a message apart.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, SignatureFault> {
        let mut parts = super::unwrap(bytes, SIGNED_DATA)?;
        parts.expect(ber::INTEGER, "the version of signed data")?;
        parts.expect(ber::SET, "the digests of signed data")?;
        let content = content(parts.expect(ber::SEQUENCE, "the content of signed data")?)?;
        let (certificates, _) = match parts.optional(context(0))? {
            Some(certificates) => bag::read(certificates.parts())?,
            None => Default::default(),
        };
        parts.optional(context(1))?;
        let mut signers = parts.expect(ber::SET, "the signers of signed data")?.parts();
        parts.end("something follows the signers")?;
        let signer = signers.expect(ber::SEQUENCE, "there is no signer")?;
        signers.end("there is more than one signer")?;

        const WHAT: &str = "the signer's part of signed data";
        let mut parts = signer.parts();
        parts.expect(ber::INTEGER, WHAT)?;
        let signer = Identifier::read(&parts.any()?.ok_or(Malformed(WHAT))?)?;
        let (digest, _) = super::algorithm(&parts.expect(ber::SEQUENCE, WHAT)?)?;
        let digest = Digest::from_oid(digest)
            .ok_or_else(|| SignatureFault::Algorithm(digest.to_string()))?;
        let attributes = parts.expect(context(0), "there are no signed attributes")?;
        let (algorithm, _) = super::algorithm(&parts.expect(ber::SEQUENCE, WHAT)?)?;
        if ![RSA, digest.with_rsa()].contains(&algorithm) {
            return Err(SignatureFault::Algorithm(algorithm.to_string()));
        }
        let signature = parts.any()?.filter(|e| e.tag & !ber::CONSTRUCTED == ber::OCTETS);
        let signature = signature.ok_or(Malformed(WHAT))?.octets()?;
        Ok(Self { content, certificates, signer, digest, attributes, signature })
    }

    /// Verifies it under a signer who is `known` already, or came with the message and `vouched`
    /// for.
    pub(crate) fn verify(
        self,
        known: &[Certificate],
        vouched: impl Fn(&Certificate) -> bool,
        floor: Floor,
    ) -> Result<Verified<'a>, SignatureFault> {
        let meant = |certificate: &&Certificate| self.signer.means(certificate);
        let came = || self.certificates.iter().filter(meant).find(|came| vouched(came));
        let signer = known.iter().find(meant).or_else(came).ok_or(SignatureFault::Signer)?;
        if self.digest < floor.digest() {
            return Err(SignatureFault::BelowFloor(self.digest));
        }
        let attributes = read_attributes(self.attributes.parts())?;
        let value = |kind| attributes.iter().find(|a| a.kind == kind).map(|a| a.value);
        let kind = value(CONTENT_TYPE).ok_or(Malformed("there is no contentType"))?;
        if super::oid(&kind)? != DATA {
            return Err(Malformed("the contentType is not data").into());
        }
        let digest = value(MESSAGE_DIGEST).ok_or(Malformed("there is no messageDigest"))?;
        if *digest.octets()? != *self.digest.of(&self.content) {
            return Err(SignatureFault::Content);
        }
        self.check_signature(signer)?;
        Ok(Verified { content: self.content, attributes })
    }

    /// What is signed is the DER SET OF the attributes; some sign them in the order they send.
    fn check_signature(&self, signer: &Certificate) -> Result<(), SignatureFault> {
        let holds = |attributes: &[u8]| {
            let signed = signed_bytes(attributes);
            self.digest.verify(signer.public_key(), &signed, &self.signature)
        };
        if !signer.public_key().is_rsa() {
            return Err(SignatureFault::Signature);
        }
        if holds(self.attributes.content) {
            return Ok(());
        }
        let mut members = Vec::new();
        let mut parts = self.attributes.parts();
        while let Some(member) = parts.any()? {
            members.push(member.der()?);
        }
        match holds(&members.concat()) || holds(&set_of(members)) {
            true => Ok(()),
            false => Err(SignatureFault::Signature),
        }
    }
}

/// The content: empty if there is none. Some servers send no content where others send an empty
/// one.
fn content(encapsulated: Element<'_>) -> Result<Cow<'_, [u8]>, Malformed> {
    const WHAT: &str = "the content of signed data";
    let mut parts = encapsulated.parts();
    if super::oid(&parts.expect(ber::OID, WHAT)?)? != DATA {
        return Err(Malformed("the content of signed data is of another kind"));
    }
    let Some(wrapped) = parts.optional(context(0))? else { return Ok(Cow::default()) };
    let mut content = wrapped.parts();
    match content.any()? {
        None => Ok(Cow::default()),
        Some(octets) if octets.tag & !ber::CONSTRUCTED == ber::OCTETS => {
            content.end(WHAT)?;
            octets.octets()
        }
        Some(_) => Err(Malformed(WHAT)),
    }
}

fn read_attributes(mut set: Reader<'_>) -> Result<Vec<Attribute<'_>>, Malformed> {
    const WHAT: &str = "a signed attribute";
    let mut attributes: Vec<Attribute<'_>> = Vec::new();
    while let Some(element) = set.any()? {
        let mut parts = element.parts();
        let kind = super::oid(&parts.expect(ber::OID, WHAT)?)?;
        let mut values = parts.expect(ber::SET, WHAT)?.parts();
        let value = values.any()?.ok_or(Malformed("a signed attribute without value"))?;
        values.end("a signed attribute has several values")?;
        if attributes.iter().any(|known| known.kind == kind) {
            return Err(Malformed("a signed attribute comes twice"));
        }
        if attributes.len() == MAX_ATTRIBUTES {
            return Err(Malformed("there are more than 64 signed attributes"));
        }
        attributes.push(Attribute { kind, value });
    }
    Ok(attributes)
}
