//! Requests and answers of SCEP; the shell of signed attributes around an answer.

use der::Tag;
use der::asn1::ObjectIdentifier;
use pki::asn1::{constructed, context, element, oid, sequence, unsigned};

use crate::Authority;
use crate::authority::parsed;

/// A request as the authority understood it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `messageType`, in digits.
    pub kind: String,
    /// `transactionID`.
    pub transaction: String,
    /// `senderNonce`.
    pub nonce: Vec<u8>,
    /// Who signed it, PEM.
    pub signer: String,
    /// Names of the algorithms: `sha256`, `aes-128-cbc`.
    pub digest: String,
    /// See `digest`.
    pub cipher: String,
    /// What was in the envelope.
    pub plain: Vec<u8>,
}

/// An answer before it is signed: a right one, to be spoiled by tests.
#[derive(Clone, Debug)]
pub struct Answer {
    /// `messageType`, in digits.
    pub message_type: &'static str,
    /// `pkiStatus`, in digits.
    pub status: &'static str,
    /// `failInfo`, in digits.
    pub fail_info: Option<&'static str>,
    /// `failInfoText`.
    pub fail_text: Option<&'static str>,
    /// `transactionID`.
    pub transaction: String,
    /// `recipientNonce`.
    pub recipient_nonce: Option<Vec<u8>>,
    /// The envelope.
    pub content: Option<Vec<u8>>,
    /// Whose certificate and key: `ca`, `ra-sign`, `ra-enc`, `proxy`, or who was made later.
    pub signer: &'static str,
    /// `md5`, `sha1` or `sha256`.
    pub digest: &'static str,
}

impl Answer {
    /// An answer without content.
    pub fn of(message: &Message, status: &'static str) -> Self {
        Self {
            message_type: "3",
            status,
            fail_info: None,
            fail_text: None,
            transaction: message.transaction.clone(),
            recipient_nonce: Some(message.nonce.clone()),
            content: None,
            signer: "ra-sign",
            digest: match &*message.digest {
                "md5" => "md5",
                "sha1" => "sha1",
                _ => "sha256",
            },
        }
    }

    /// It waits for somebody's approval.
    pub fn pending(message: &Message) -> Self {
        Self::of(message, "3")
    }

    /// No, and why: `failInfo`.
    pub fn failure(message: &Message, info: &'static str) -> Self {
        Self { fail_info: Some(info), ..Self::of(message, "2") }
    }
}

impl Authority {
    /// Signs an answer.
    pub fn sign(&self, answer: &Answer) -> Vec<u8> {
        let Answer { digest, signer, .. } = answer;
        self.write("content", answer.content.as_deref().unwrap_or_default());
        let hash = self.openssl(&format!("dgst -{digest} -binary content")).stdout;
        let printable = |text: &str| element(Tag::PrintableString, text.as_bytes());
        let octets = |bytes: &[u8]| element(Tag::OctetString, bytes);
        let scep = |last: u32| ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9").push_arc(last);
        let scep = |last| scep(last).expect("one arc more is not too long");
        let known = ObjectIdentifier::new_unwrap;
        let mut attributes = vec![
            attribute(known("1.2.840.113549.1.9.3"), &oid(known("1.2.840.113549.1.7.1"))),
            attribute(known("1.2.840.113549.1.9.4"), &octets(&hash)),
            attribute(scep(2), &printable(answer.message_type)),
            attribute(scep(3), &printable(answer.status)),
            attribute(scep(5), &octets(&[0x5e; 16])),
            attribute(scep(7), &printable(&answer.transaction)),
        ];
        if let Some(nonce) = &answer.recipient_nonce {
            attributes.push(attribute(scep(6), &octets(nonce)));
        }
        if let Some(info) = answer.fail_info {
            attributes.push(attribute(scep(4), &printable(info)));
        }
        if let Some(text) = answer.fail_text {
            let text = element(Tag::Utf8String, text.as_bytes());
            attributes.push(attribute(known("1.3.6.1.5.5.7.24.1"), &text));
        }
        attributes.sort();
        let attributes = attributes.concat();
        self.write("attributes.der", &constructed(Tag::Set, &[&attributes]));
        let signature = self
            .openssl(&format!("dgst -{digest} -sign {signer}.key -binary attributes.der"))
            .stdout;

        let certificate = self.openssl(&format!("x509 -in {signer}.pem -outform DER")).stdout;
        let parsed = parsed(&certificate);
        let algorithm = |dotted: &str| {
            sequence(&[&oid(ObjectIdentifier::new_unwrap(dotted)), &element(Tag::Null, [])])
        };
        let digest = algorithm(match *digest {
            "md5" => "1.2.840.113549.2.5",
            "sha1" => "1.3.14.3.2.26",
            "sha256" => "2.16.840.1.101.3.4.2.1",
            other => panic!("{other}"),
        });
        let content = match &answer.content {
            Some(content) => constructed(context(0, true), &[&octets(content)]),
            None => Vec::new(),
        };
        let signer_info = sequence(&[
            &unsigned(&[1]),
            &sequence(&[parsed.issuer().der(), &unsigned(parsed.serial())]),
            &digest,
            &constructed(context(0, true), &[&attributes]),
            &algorithm("1.2.840.113549.1.1.1"),
            &octets(&signature),
        ]);
        let signed = sequence(&[
            &unsigned(&[1]),
            &constructed(Tag::Set, &[&digest]),
            &sequence(&[&oid(known("1.2.840.113549.1.7.1")), &content]),
            &constructed(context(0, true), &[&certificate]),
            &constructed(Tag::Set, &[&signer_info]),
        ]);
        let signed_data = oid(known("1.2.840.113549.1.7.2"));
        let message = sequence(&[&signed_data, &constructed(context(0, true), &[&signed])]);

        self.write("answer.der", &message);
        let content = if answer.content.is_none() { "-content content" } else { "" };
        self.openssl(&format!(
            "cms -verify -binary -inform DER -in answer.der {content} -noverify -out verified"
        ));
        message
    }
}

fn attribute(kind: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(kind), &constructed(Tag::Set, &[value])])
}
