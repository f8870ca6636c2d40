//! CertRep: what an answer says, after everything about it was checked (RFC 8894 §3.3.2).

use std::time::SystemTime;

use pki::Certificate;

use crate::algorithm::Floor;
use crate::authority::Authority;
use crate::ber::Element;
use crate::cms::signed::{Signed, Verified};
use crate::cms::{bag, enveloped};
use crate::message::{
    CERT_REP, FAIL_INFO, FAIL_INFO_TEXT, MESSAGE_TYPE, Nonce, PKI_STATUS, RECIPIENT_NONCE,
    TRANSACTION_ID, TransactionId,
};
use crate::proxy::Proxy;

pub use crate::ber::Malformed;
pub use crate::cms::bag::BagFault;
pub use crate::cms::enveloped::{EnvelopeFault, open as open_envelope};
pub use crate::cms::signed::SignatureFault;

/// Longest text of a refusal that is kept, in characters.
const MAX_TEXT: usize = 200;

/// What an answer is measured by.
pub(crate) struct Expected<'a> {
    pub(crate) transaction: &'a TransactionId,
    pub(crate) nonce: Nonce,
    pub(crate) proxy: &'a Proxy,
    pub(crate) authority: &'a Authority,
    pub(crate) floor: Floor,
    pub(crate) now: SystemTime,
}

/// What the authority says.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Here are certificates; which of them is the right one is still open.
    Success(Vec<Certificate>),
    /// Ask later.
    Pending,
    /// No.
    Failure(Refusal),
}

/// Why an authority refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its code.
    pub info: FailInfo,
    /// In its own words, cut and without control characters.
    pub text: Option<String>,
}

/// failInfo: reasons that RFC 8894 §3.2.1.4 has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailInfo {
    /// 0: an algorithm is not supported.
    BadAlg,
    /// 1: an integrity check failed.
    BadMessageCheck,
    /// 2: not permitted or not supported.
    BadRequest,
    /// 3: clocks differ.
    BadTime,
    /// 4: there is no such request or certificate.
    BadCertId,
    /// Another code, or none.
    Unspecified(Option<String>),
}

/// Why an answer is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyFault {
    /// It is not what a CertRep is: what is wrong.
    Malformed(Malformed),
    /// Its signature, content or signer is wrong.
    Signature(SignatureFault),
    /// It belongs to another request: which field says so.
    Replay(&'static str),
    /// Its envelope cannot be opened.
    Envelope(EnvelopeFault),
    /// Its certificates cannot be read.
    Bag(BagFault),
}

impl From<Malformed> for ReplyFault {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl Reply {
    /// Checks an answer in this order: signer, floor, content, signature, kind, transaction, nonce;
    /// only then is its status believed and its envelope opened.
    pub(crate) fn read(answer: &[u8], expected: &Expected<'_>) -> Result<Self, ReplyFault> {
        let Expected { transaction, nonce, proxy, authority, floor, now } = *expected;
        let verified = Signed::read(answer)
            .and_then(|signed| {
                let vouched = |signer: &Certificate| authority.vouches_for(signer, now);
                signed.verify(authority.known(), vouched, floor)
            })
            .map_err(ReplyFault::Signature)?;

        let text = |kind, missing| text(&verified, kind)?.ok_or(Malformed(missing));
        if text(MESSAGE_TYPE, "there is no messageType")? != CERT_REP {
            return Err(Malformed("its messageType is not CertRep").into());
        }
        if text(TRANSACTION_ID, "there is no transactionID")? != transaction.as_str() {
            return Err(ReplyFault::Replay("transactionID"));
        }
        let answered = value(&verified, RECIPIENT_NONCE).map(|value| value.octets()).transpose()?;
        if answered.as_deref() != Some(&nonce.0) {
            return Err(ReplyFault::Replay("recipientNonce"));
        }
        match text(PKI_STATUS, "there is no pkiStatus")? {
            "0" => {
                let bag =
                    enveloped::open(&verified.content, proxy.certificate(), proxy.key(), floor)
                        .map_err(ReplyFault::Envelope)?;
                Ok(Self::Success(bag::certificates(&bag).map_err(ReplyFault::Bag)?))
            }
            "2" => Ok(Self::Failure(Refusal::read(&verified)?)),
            "3" => Ok(Self::Pending),
            _ => Err(Malformed("its pkiStatus is unknown").into()),
        }
    }
}

impl Refusal {
    fn read(verified: &Verified<'_>) -> Result<Self, Malformed> {
        let info = match text(verified, FAIL_INFO)? {
            Some("0") => FailInfo::BadAlg,
            Some("1") => FailInfo::BadMessageCheck,
            Some("2") => FailInfo::BadRequest,
            Some("3") => FailInfo::BadTime,
            Some("4") => FailInfo::BadCertId,
            other => FailInfo::Unspecified(other.map(printable)),
        };
        let text = text(verified, FAIL_INFO_TEXT)?.map(printable);
        Ok(Self { info, text })
    }
}

/// Text of a stranger, fit for a log.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

fn value<'a>(verified: &Verified<'a>, kind: der::asn1::ObjectIdentifier) -> Option<Element<'a>> {
    verified.attributes.iter().find(|attribute| attribute.kind == kind).map(|a| a.value)
}

/// The text of an attribute: PrintableString or UTF8String, or another string that is ASCII.
fn text<'a>(
    verified: &Verified<'a>,
    kind: der::asn1::ObjectIdentifier,
) -> Result<Option<&'a str>, Malformed> {
    const STRINGS: [u8; 5] = [0x0c, 0x12, 0x13, 0x14, 0x16];
    let Some(value) = value(verified, kind) else { return Ok(None) };
    if !STRINGS.contains(&value.tag) {
        return Err(Malformed("a signed attribute is no text"));
    }
    let text = std::str::from_utf8(value.content);
    text.map(Some).map_err(|_| Malformed("a signed attribute is no text"))
}
