//! Certificates, decoded field by field.

use std::fmt;
use std::time::SystemTime;

use der::Tag;
use der::asn1::{AnyRef, ObjectIdentifier};

use crate::asn1::{self, Elements};
use crate::fault::{CertificateFault, Field};
use crate::key::{Hash, PublicKey};
use crate::name::Name;

/// An X.509 certificate whose fields were all decoded. Nothing is said yet about who made it and
/// whether it is valid today: see [`crate::check`].
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: std::ops::Range<usize>,
    version: u8,
    serial: Vec<u8>,
    issuer: Name,
    subject: Name,
    not_before: SystemTime,
    not_after: SystemTime,
    public_key: PublicKey,
    extensions: Vec<Extension>,
    signature_algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
}

/// How a certificate is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5
    Rsa(Hash),
    /// ECDSA
    Ecdsa(Hash),
}

impl SignatureAlgorithm {
    const KNOWN: [(Self, &'static str); 8] = [
        (Self::Rsa(Hash::LegacySha1), "1.2.840.113549.1.1.5"),
        (Self::Rsa(Hash::Sha256), "1.2.840.113549.1.1.11"),
        (Self::Rsa(Hash::Sha384), "1.2.840.113549.1.1.12"),
        (Self::Rsa(Hash::Sha512), "1.2.840.113549.1.1.13"),
        (Self::Ecdsa(Hash::LegacySha1), "1.2.840.10045.4.1"),
        (Self::Ecdsa(Hash::Sha256), "1.2.840.10045.4.3.2"),
        (Self::Ecdsa(Hash::Sha384), "1.2.840.10045.4.3.3"),
        (Self::Ecdsa(Hash::Sha512), "1.2.840.10045.4.3.4"),
    ];

    /// The algorithm a key uses with a hash.
    pub fn of(key: &PublicKey, hash: Hash) -> Self {
        if key.is_rsa() { Self::Rsa(hash) } else { Self::Ecdsa(hash) }
    }

    /// The hash in it.
    pub fn hash(self) -> Hash {
        match self {
            Self::Rsa(hash) | Self::Ecdsa(hash) => hash,
        }
    }

    /// The DER AlgorithmIdentifier.
    pub fn der(self) -> Vec<u8> {
        let known = Self::KNOWN.iter().find(|(algorithm, _)| *algorithm == self);
        let (_, dotted) = known.expect("every algorithm is in the table");
        let oid = asn1::oid(ObjectIdentifier::new_unwrap(dotted));
        match self {
            Self::Rsa(_) => asn1::sequence(&[&oid, &asn1::element(Tag::Null, [])]),
            Self::Ecdsa(_) => asn1::sequence(&[&oid]),
        }
    }

    fn decode(der: AnyRef<'_>) -> Result<Self, CertificateFault> {
        let oid: ObjectIdentifier = Elements::of(der.value())
            .and_then(|mut parts| parts.expect(Tag::ObjectIdentifier)?.decode_as().ok())
            .ok_or(CertificateFault::NotACertificate(
                "its signature algorithm cannot be decoded",
            ))?;
        Self::KNOWN
            .iter()
            .find(|(_, dotted)| ObjectIdentifier::new_unwrap(dotted) == oid)
            .map(|(algorithm, _)| *algorithm)
            .ok_or_else(|| CertificateFault::SignatureAlgorithm(oid.to_string()))
    }
}

/// An extension of a certificate, undecoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// What it is.
    pub oid: ObjectIdentifier,
    /// Whether who does not know it must refuse the certificate.
    pub critical: bool,
    /// Its DER value.
    pub value: Vec<u8>,
}

impl Certificate {
    /// Most bytes of a certificate that are looked at: far more than any real one has.
    pub const MAX_SIZE: usize = 64 * 1024;

    /// Decodes a DER certificate. The first broken field decides the fault.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateFault> {
        let broken = CertificateFault::NotACertificate;
        if der.len() > Self::MAX_SIZE {
            return Err(broken("it is longer than 64 KB"));
        }
        let mut file = Elements::of(der).ok_or(broken("the file is empty"))?;
        let outer = file.expect(Tag::Sequence).ok_or(broken("the outer SEQUENCE"))?;
        if !file.at_end() {
            return Err(broken("something follows it"));
        }
        let mut outer_parts = Elements::of(outer.value()).ok_or(broken("it is empty"))?;
        let tbs_encoded = outer_parts.encoded().ok_or(broken("tbsCertificate"))?;
        let tbs_start = der.len() - outer.value().len();
        let outer_algorithm =
            outer_parts.expect(Tag::Sequence).ok_or(broken("signatureAlgorithm"))?;
        if outer_parts.at_end() {
            return Err(CertificateFault::Missing(Field::Signature));
        }
        let signature = outer_parts
            .any()
            .and_then(asn1::read_bits)
            .ok_or(CertificateFault::Invalid(Field::Signature))?;

        let tbs = Elements::of(tbs_encoded)
            .and_then(|mut parts| parts.expect(Tag::Sequence))
            .ok_or(broken("tbsCertificate"))?;
        let mut parts = Elements::of(tbs.value()).ok_or(broken("tbsCertificate is empty"))?;
        let version = parts.optional(asn1::context(0, true));
        let version = version.map_or(Some(1), decode_version).ok_or(broken("its version"))?;
        let serial = decode_serial(parts.any())?;
        let inner_algorithm = parts.expect(Tag::Sequence).ok_or(broken("signature"))?;
        let signature_algorithm = SignatureAlgorithm::decode(outer_algorithm)?;
        if inner_algorithm != outer_algorithm {
            return Err(broken("it names two signature algorithms"));
        }
        let issuer = decode_name(parts.encoded(), Field::IssuerName)?;
        let [not_before, not_after] = parts
            .expect(Tag::Sequence)
            .and_then(decode_validity)
            .ok_or_else(|| CertificateFault::Date { from: "?".into(), until: "?".into() })?;
        let subject = decode_name(parts.encoded(), Field::SubjectName)?;
        let public_key = decode_public_key(parts.encoded())?;
        parts.optional(asn1::context(1, false));
        parts.optional(asn1::context(2, false));
        let extensions = match parts.optional(asn1::context(3, true)) {
            None => Vec::new(),
            Some(wrapped) => decode_extensions(wrapped).ok_or(broken("its extensions"))?,
        };
        if !parts.at_end() {
            return Err(broken("something follows its extensions"));
        }
        Ok(Self {
            der: der.to_vec(),
            tbs: tbs_start..tbs_start + tbs_encoded.len(),
            version,
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            public_key,
            extensions,
            signature_algorithm,
            signature: signature.to_vec(),
        })
    }

    /// The whole certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Its version, from 1: 3 has extensions.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// Magnitude of the serial number, big-endian without sign byte: as trust lists hold it.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Who signed it.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// Whom it is about.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The first moment it is valid.
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// The last moment it is valid.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// The key it certifies.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// How it is signed.
    pub fn signature_algorithm(&self) -> SignatureAlgorithm {
        self.signature_algorithm
    }

    /// The bytes of its signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Its extensions.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Whether issuer and subject are the same.
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether `issuer` issued it: the name fits and the signature verifies.
    pub fn is_issued_by(&self, issuer: &Self) -> bool {
        let key = issuer.public_key();
        let fits = SignatureAlgorithm::of(key, self.signature_algorithm.hash());
        self.issuer == issuer.subject
            && fits == self.signature_algorithm
            && key.verify(fits.hash(), &self.der[self.tbs.clone()], &self.signature)
    }

    /// SHA-1 of the whole, in lower-case hex: what Windows calls the thumbprint.
    pub fn thumbprint(&self) -> String {
        hex(&Hash::LegacySha1.of(&self.der))
    }

    /// SHA-256 of the whole, in lower-case hex.
    pub fn fingerprint(&self) -> String {
        hex(&Hash::Sha256.of(&self.der))
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {})", self.subject, hex(&self.serial))
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode_version(wrapped: AnyRef<'_>) -> Option<u8> {
    let number = Elements::of(wrapped.value())?.expect(Tag::Integer)?;
    match asn1::read_unsigned(number)?[..] {
        [] => Some(1),
        [number @ 1..=2] => Some(number + 1),
        _ => None,
    }
}

fn decode_serial(any: Option<AnyRef<'_>>) -> Result<Vec<u8>, CertificateFault> {
    match any {
        Some(any) if any.header().tag() == Tag::Integer && any.value().is_empty() => {
            Err(CertificateFault::Missing(Field::SerialNumber))
        }
        Some(any) => asn1::read_unsigned(any).ok_or(CertificateFault::Invalid(Field::SerialNumber)),
        None => Err(CertificateFault::Invalid(Field::SerialNumber)),
    }
}

fn decode_name(encoded: Option<&[u8]>, field: Field) -> Result<Name, CertificateFault> {
    encoded.and_then(Name::decode).ok_or(CertificateFault::Invalid(field))
}

fn decode_validity(any: AnyRef<'_>) -> Option<[SystemTime; 2]> {
    let mut parts = Elements::of(any.value())?;
    Some([asn1::read_time(parts.any()?)?, asn1::read_time(parts.any()?)?])
}

fn decode_public_key(encoded: Option<&[u8]>) -> Result<PublicKey, CertificateFault> {
    let invalid = CertificateFault::Invalid(Field::PublicKey);
    let encoded = encoded.ok_or(invalid.clone())?;
    let empty =
        Elements::of(encoded).and_then(|mut parts| parts.expect(Tag::Sequence)).and_then(|spki| {
            let mut parts = Elements::of(spki.value())?;
            parts.expect(Tag::Sequence)?;
            Some(asn1::read_bits(parts.any()?)?.is_empty())
        });
    if empty == Some(true) {
        return Err(CertificateFault::Missing(Field::PublicKey));
    }
    PublicKey::from_spki(encoded).ok_or(invalid)
}

fn decode_extensions(wrapped: AnyRef<'_>) -> Option<Vec<Extension>> {
    let list = Elements::of(wrapped.value())?.expect(Tag::Sequence)?;
    let mut list = Elements::of(list.value())?;
    let mut extensions = Vec::new();
    while !list.at_end() {
        let mut parts = Elements::of(list.expect(Tag::Sequence)?.value())?;
        let oid = parts.expect(Tag::ObjectIdentifier)?.decode_as().ok()?;
        let critical = match parts.optional(Tag::Boolean) {
            Some(flag) => flag.decode_as().ok()?,
            None => false,
        };
        let value = parts.expect(Tag::OctetString)?.value().to_vec();
        extensions.push(Extension { oid, critical, value });
    }
    Some(extensions)
}
