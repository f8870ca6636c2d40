//! EnvelopedData: encrypted to the key of one certificate (RFC 5652 §6).

use der::Tag;
use pki::asn1;
use pki::{Certificate, PrivateKey};
use zeroize::Zeroizing;

use super::{DATA, ENVELOPED_DATA, Identifier, RSA};
use crate::algorithm::{Cipher, Floor, identifier};
use crate::ber::{self, Element, Malformed, Reader, context};

/// Most recipients that are looked at.
const MAX_RECIPIENTS: usize = 16;

/// Why an envelope stays closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvelopeFault {
    /// Not an envelope.
    Malformed(Malformed),
    /// An algorithm that nobody here knows: its object identifier.
    Algorithm(String),
    /// A cipher below the floor.
    BelowFloor(Cipher),
    /// It is for somebody else.
    Recipient,
    /// The key does not decrypt it.
    Key,
}

impl From<Malformed> for EnvelopeFault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Encrypts to the recipient, with a fresh key and vector. `None` if the recipient's key is not
/// RSA.
pub(crate) fn seal(plain: &[u8], recipient: &Certificate, cipher: Cipher) -> Option<Vec<u8>> {
    let key = Zeroizing::new(random(cipher.key_size()));
    let iv = random(cipher.block_size());
    let wrapped = recipient.public_key().wrap_key(&key)?;
    Some(encode(recipient, &wrapped, cipher, &iv, &cipher.encrypt(&key, &iv, plain)))
}

/// The envelope of parts that are encrypted already.
pub(crate) fn encode(
    recipient: &Certificate,
    wrapped: &[u8],
    cipher: Cipher,
    iv: &[u8],
    encrypted: &[u8],
) -> Vec<u8> {
    let recipient = asn1::sequence(&[
        &asn1::unsigned(&[0]),
        &Identifier::der(recipient),
        &identifier(RSA),
        &asn1::element(Tag::OctetString, wrapped),
    ]);
    let vector = asn1::element(Tag::OctetString, iv);
    let content = asn1::sequence(&[
        &asn1::oid(DATA),
        &asn1::sequence(&[&asn1::oid(cipher.oid()), &vector]),
        &asn1::element(asn1::context(0, false), encrypted),
    ]);
    let enveloped = asn1::sequence(&[
        &asn1::unsigned(&[0]),
        &asn1::constructed(Tag::Set, &[&recipient]),
        &content,
    ]);
    super::wrap(ENVELOPED_DATA, &enveloped)
}

/// Decrypts what was sent to this certificate.
pub fn open(
    bytes: &[u8],
    recipient: &Certificate,
    key: &PrivateKey,
    floor: Floor,
) -> Result<Zeroizing<Vec<u8>>, EnvelopeFault> {
    let mut parts = super::unwrap(bytes, ENVELOPED_DATA)?;
    parts.expect(ber::INTEGER, "the version of an envelope")?;
    parts.optional(context(0))?;
    let recipients = parts.expect(ber::SET, "the recipients of an envelope")?;
    let content = parts.expect(ber::SEQUENCE, "the content of an envelope")?;

    let mut content = content.parts();
    content.expect(ber::OID, "the kind of an envelope's content")?;
    let algorithm = content.expect(ber::SEQUENCE, "the cipher of an envelope")?;
    let (cipher, iv) = cipher(&algorithm)?;
    if cipher < floor.cipher() {
        return Err(EnvelopeFault::BelowFloor(cipher));
    }
    let encrypted = content.any()?.ok_or(Malformed("an envelope without content"))?;
    if !matches!(encrypted.tag, 0x80 | 0xa0) {
        return Err(Malformed("the content of an envelope").into());
    }

    let wrapped = wrapped_key(recipients.parts(), recipient)?;
    let wrapped = wrapped.octets()?;
    let secret = key.unwrap_key(&wrapped, cipher.key_size()).ok_or(EnvelopeFault::Key)?;
    cipher.decrypt(&secret, iv, &encrypted.octets()?).ok_or(EnvelopeFault::Key)
}

fn cipher<'a>(algorithm: &Element<'a>) -> Result<(Cipher, &'a [u8]), EnvelopeFault> {
    let (oid, parameter) = super::algorithm(algorithm)?;
    let cipher = Cipher::from_oid(oid).ok_or_else(|| EnvelopeFault::Algorithm(oid.to_string()))?;
    match parameter {
        Some(iv) if iv.tag == ber::OCTETS && iv.content.len() == cipher.block_size() => {
            Ok((cipher, iv.content))
        }
        _ => Err(Malformed("the initialisation vector of an envelope").into()),
    }
}

/// The encrypted key for this recipient. A single one is taken for ours: some servers encode the
/// issuer's name anew, and a foreign key does not decrypt anyway.
fn wrapped_key<'a>(
    mut recipients: Reader<'a>,
    recipient: &Certificate,
) -> Result<Element<'a>, EnvelopeFault> {
    const WHAT: &str = "a recipient of an envelope";
    let mut others = Vec::new();
    for _ in 0..=MAX_RECIPIENTS {
        let Some(element) = recipients.any()? else {
            let [only] = others[..] else { return Err(EnvelopeFault::Recipient) };
            return Ok(only);
        };
        // Other kinds than key transport have context tags.
        if element.tag != ber::SEQUENCE {
            continue;
        }
        let mut parts = element.parts();
        parts.expect(ber::INTEGER, WHAT)?;
        let identifier = parts.any()?.ok_or(Malformed(WHAT))?;
        let (algorithm, _) = super::algorithm(&parts.expect(ber::SEQUENCE, WHAT)?)?;
        let wrapped = parts.any()?.filter(|e| e.tag & !ber::CONSTRUCTED == ber::OCTETS);
        let wrapped = wrapped.ok_or(Malformed(WHAT))?;
        if algorithm != RSA {
            return Err(EnvelopeFault::Algorithm(algorithm.to_string()));
        }
        if Identifier::read(&identifier)?.means(recipient) {
            return Ok(wrapped);
        }
        others.push(wrapped);
    }
    Err(Malformed("an envelope has more than 16 recipients").into())
}

fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    openssl::rand::rand_bytes(&mut bytes).expect("the system has random numbers");
    bytes
}
