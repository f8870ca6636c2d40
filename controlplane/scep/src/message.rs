//! pkiMessage: what a request looks like (RFC 8894 §3.2).

use std::fmt;

use der::Tag;
use der::asn1::ObjectIdentifier;
use pki::asn1;
use pki::{Name, PublicKey, SignError};

use crate::algorithm::{Digest, Profile};
use crate::cms::signed::{self, attribute, set_of};
use crate::cms::{self, enveloped};
use crate::proxy::Proxy;

pub(crate) const MESSAGE_TYPE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.2");
pub(crate) const PKI_STATUS: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.3");
pub(crate) const FAIL_INFO: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.4");
pub(crate) const SENDER_NONCE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.5");
pub(crate) const RECIPIENT_NONCE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.6");
pub(crate) const TRANSACTION_ID: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9.7");
pub(crate) const FAIL_INFO_TEXT: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.24.1");

/// Kinds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageType {
    /// Asks for a certificate.
    PkcsReq = 19,
    /// Asks what became of it; GetCertInitial before RFC 8894.
    CertPoll = 20,
}

/// The messageType of every answer.
pub(crate) const CERT_REP: &str = "3";

/// Names an enrolment: the same in the request and all its polls, another for another key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TransactionId(String);

impl TransactionId {
    /// Of the key that is to be certified. Servers that know no SHA-2 store short ids only.
    pub(crate) fn of(key: &PublicKey, digest: Digest) -> Self {
        let digest = if digest >= Digest::Sha256 { Digest::Sha256 } else { Digest::Md5 };
        let hex = |byte: &u8| format!("{byte:02X}");
        Self(digest.of(key.spki()).iter().map(hex).collect())
    }

    /// One that was stored.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransactionId({})", self.0)
    }
}

/// Ties an answer to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nonce(pub(crate) [u8; 16]);

impl Nonce {
    pub(crate) fn random() -> Self {
        let mut nonce = [0; 16];
        openssl::rand::rand_bytes(&mut nonce).expect("the system has random numbers");
        Self(nonce)
    }
}

/// Why there is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BuildFault {
    /// The recipient's key cannot encrypt.
    Recipient,
    /// The proxy's key does not sign.
    Sign(SignError),
}

/// A whole message: the plaintext in an envelope to the recipient, signed by the proxy.
pub(crate) fn build(
    kind: MessageType,
    transaction: &TransactionId,
    nonce: Nonce,
    plain: &[u8],
    recipient: &pki::Certificate,
    proxy: &Proxy,
    profile: Profile,
) -> Result<Vec<u8>, BuildFault> {
    let envelope = enveloped::seal(plain, recipient, profile.cipher);
    let envelope = envelope.ok_or(BuildFault::Recipient)?;
    sign(kind, transaction, nonce, &envelope, proxy, profile.digest).map_err(BuildFault::Sign)
}

/// The message around an envelope.
pub(crate) fn sign(
    kind: MessageType,
    transaction: &TransactionId,
    nonce: Nonce,
    envelope: &[u8],
    proxy: &Proxy,
    digest: Digest,
) -> Result<Vec<u8>, SignError> {
    let printable = |text: &str| asn1::element(Tag::PrintableString, text.as_bytes());
    let octets = |bytes: &[u8]| asn1::element(Tag::OctetString, bytes);
    let attributes = set_of(vec![
        attribute(signed::CONTENT_TYPE, &asn1::oid(cms::DATA)),
        attribute(signed::MESSAGE_DIGEST, &octets(&digest.of(envelope))),
        attribute(MESSAGE_TYPE, &printable(&(kind as u8).to_string())),
        attribute(SENDER_NONCE, &octets(&nonce.0)),
        attribute(TRANSACTION_ID, &printable(transaction.as_str())),
    ]);
    let signature = proxy.sign(digest, &signed::signed_bytes(&attributes))?;
    Ok(signed::encode(digest, Some(envelope), proxy.certificate(), &attributes, &signature))
}

/// IssuerAndSubject: the plaintext of a CertPoll.
pub(crate) fn issuer_and_subject(issuer: &Name, subject: &Name) -> Vec<u8> {
    asn1::sequence(&[issuer.der(), subject.der()])
}
