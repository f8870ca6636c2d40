//! The messages of `tests/vectors`, read and written byte for byte.

use std::slice::from_ref;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use messages::Explain;
use pki::{Certificate, Hash, Name, PrivateKey};
use proptest::prelude::*;

use crate::algorithm::{Cipher, Digest, Floor};
use crate::authority::{Authority, AuthorityFault, Pin};
use crate::ber::{self, Element};
use crate::cms::{bag, enveloped, signed};
use crate::issued;
use crate::message::{self, MessageType, Nonce, TransactionId};
use crate::proxy::Proxy;
use crate::reply::{Expected, FailInfo, Reply, ReplyFault, SignatureFault};
use crate::request::{self, Challenge, Purpose, Request};

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../tests/vectors/", $name, ".der")).as_slice()
    };
}

const TRANSACTION: &str = "5CC6B2EBE6DDDEAD0A62DB5029292B2D2BA9FED5C23B07B98F6770594DD072E8";

fn certificate(der: &[u8]) -> Certificate {
    Certificate::parse(der).unwrap()
}

fn key(der: &[u8]) -> PrivateKey {
    PrivateKey::from_pkcs8(der).unwrap()
}

fn proxy() -> Proxy {
    Proxy::new(certificate(vector!("proxy")), key(vector!("proxy-key"))).unwrap()
}

fn now() -> SystemTime {
    // 2025-01-01
    UNIX_EPOCH + Duration::from_secs(1_735_689_600)
}

fn authority() -> Authority {
    let certificates = Authority::certificates(vector!("getcacert")).unwrap();
    let pin = Pin::Certificate(Box::new(certificate(vector!("ca"))));
    Authority::select(&certificates, Some(&pin), now()).unwrap()
}

fn phone() -> Request {
    Request {
        subject: Name::common("SEP001122334455"),
        public_key: certificate(vector!("lsc")).public_key().clone(),
        purpose: Purpose::Phone,
        validity: None,
    }
}

/// The sender's nonce of a message.
fn nonce(message: &[u8]) -> Nonce {
    let oid = [0x06, 0x0a, 0x60, 0x86, 0x48, 0x01, 0x86, 0xf8, 0x45, 0x01, 0x09, 0x05];
    let at = message.windows(oid.len()).position(|window| window == oid).unwrap();
    Nonce(message[at + oid.len() + 4..][..16].try_into().unwrap())
}

fn read(answer: &[u8], request: &[u8]) -> Result<Reply, ReplyFault> {
    read_above(answer, nonce(request), Floor::Transitional)
}

fn read_above(answer: &[u8], nonce: Nonce, floor: Floor) -> Result<Reply, ReplyFault> {
    static SIDES: LazyLock<(Proxy, Authority)> = LazyLock::new(|| (proxy(), authority()));
    let transaction = TransactionId::stored(TRANSACTION.into());
    let (proxy, authority) = &*SIDES;
    let expected =
        Expected { transaction: &transaction, nonce, proxy, authority, floor, now: now() };
    Reply::read(answer, &expected)
}

/// The envelope inside a message.
fn envelope(message: &[u8]) -> Vec<u8> {
    let mut parts = crate::cms::unwrap(message, crate::cms::SIGNED_DATA).unwrap();
    parts.expect(ber::INTEGER, "").unwrap();
    parts.expect(ber::SET, "").unwrap();
    let mut content = parts.expect(ber::SEQUENCE, "").unwrap().parts();
    content.expect(ber::OID, "").unwrap();
    let mut wrapped = content.expect(ber::context(0), "").unwrap().parts();
    wrapped.any().unwrap().unwrap().octets().unwrap().into_owned()
}

#[test]
fn requests_are_written_byte_for_byte() {
    let request = phone();
    let info = request.info(Some(&Challenge::new("0123456789ABCDEF".to_owned())));
    let with_possession = request::signed(&info, &key(vector!("phone-key")), Hash::Sha256);
    assert_eq!(**with_possession.unwrap(), *vector!("pkcs10-pop"));
    let without = request::signed(&info, &proxy(), Hash::Sha256).unwrap();
    assert_eq!(**without, *vector!("pkcs10-nopop"));

    let written = |kind, digest, vector: &[u8]| {
        let transaction = TransactionId::of(&request.public_key, digest);
        message::sign(kind, &transaction, nonce(vector), &envelope(vector), &proxy(), digest)
    };
    let (sha256, sha1) = (Digest::Sha256, Digest::Sha1);
    let pkcsreq = written(MessageType::PkcsReq, sha256, vector!("pkcsreq")).unwrap();
    assert_eq!(pkcsreq, vector!("pkcsreq"));
    let poll = written(MessageType::CertPoll, sha256, vector!("certpoll")).unwrap();
    assert_eq!(poll, vector!("certpoll"));
    let legacy = written(MessageType::PkcsReq, sha1, vector!("legacy")).unwrap();
    assert_eq!(legacy, vector!("legacy"));
}

#[test]
fn envelopes_are_opened_and_written_again() {
    let (ra, ra_key) = (certificate(vector!("ra-enc")), key(vector!("ra-enc-key")));
    let poll =
        message::issuer_and_subject(&Name::common("Test CA"), &Name::common("SEP001122334455"));
    let info = phone().info(Some(&Challenge::new("0123456789ABCDEF".to_owned())));
    let legacy = request::signed(&info, &key(vector!("phone-key")), Hash::LegacySha1).unwrap();
    for (message, plain, floor) in [
        (vector!("pkcsreq"), vector!("pkcs10-pop"), Floor::Modern),
        (vector!("certpoll"), &poll, Floor::Modern),
        (vector!("legacy"), &legacy, Floor::Legacy),
    ] {
        let opened = enveloped::open(&envelope(message), &ra, &ra_key, floor).unwrap();
        assert_eq!(**opened, *plain);
    }
    // Offsets as in the annotated listing of the first one.
    let sealed = envelope(vector!("pkcsreq"));
    let (wrapped, iv, encrypted) = (&sealed[78..206], &sealed[236..252], &sealed[256..]);
    assert_eq!(enveloped::encode(&ra, wrapped, Cipher::Aes128, iv, encrypted), sealed);
    // A triple-DES envelope is below the modern floor.
    let refused = enveloped::open(&envelope(vector!("legacy")), &ra, &ra_key, Floor::Modern);
    assert_eq!(refused.unwrap_err(), enveloped::EnvelopeFault::BelowFloor(Cipher::TripleDes));
}

#[test]
fn answers_are_read_and_written_again() {
    assert!(matches!(read(vector!("pending"), vector!("pkcsreq")).unwrap(), Reply::Pending));
    let Reply::Success(came) = read(vector!("success"), vector!("certpoll")).unwrap() else {
        panic!("it is a success");
    };
    let lsc = certificate(vector!("lsc"));
    assert_eq!(came, from_ref(&lsc));
    let checked = issued::check(&came, &phone(), &authority(), |_| true, now()).unwrap();
    assert_eq!((checked.certificate, checked.issuer), (lsc, certificate(vector!("ca"))));
    assert_eq!(checked.differences, []);
    let Reply::Failure(refusal) = read(vector!("failure"), vector!("pkcsreq")).unwrap() else {
        panic!("it is a failure");
    };
    assert_eq!(refusal.info, FailInfo::BadRequest);
    assert_eq!(refusal.text.as_deref(), Some("challenge rejected"));

    // PENDING again from its parts: offsets as in its annotated listing.
    let pending = vector!("pending");
    let (attributes, signature) = (&pending[566..829], &pending[847..]);
    let ra = certificate(vector!("ra-sign"));
    assert_eq!(signed::encode(Digest::Sha256, None, &ra, attributes, signature), pending);
    let success = vector!("success");
    let attributes = &success[success.len() - 131 - 15 - 263..success.len() - 131 - 15];
    let sealed = envelope(success);
    let again = signed::encode(
        Digest::Sha256,
        Some(&sealed),
        &ra,
        attributes,
        &success[success.len() - 128..],
    );
    assert_eq!(again, success);
}

#[test]
fn answers_to_others_are_refused() {
    let replay = |answer, request| matches!(read(answer, request), Err(ReplyFault::Replay(_)));
    assert!(replay(vector!("success"), vector!("pkcsreq")));
    assert!(replay(vector!("pending"), vector!("certpoll")));
    // A request is no answer, and the proxy no authority.
    let own = read(vector!("pkcsreq"), vector!("pkcsreq"));
    assert_eq!(own.unwrap_err(), ReplyFault::Signature(SignatureFault::Signer));
    // One bit of the nonce.
    let mut changed = vector!("success").to_vec();
    let nonce = nonce(vector!("certpoll"));
    let at = changed.windows(16).position(|window| window == nonce.0).unwrap();
    changed[at] ^= 1;
    let fault = read(&changed, vector!("certpoll")).unwrap_err();
    assert_eq!(fault, ReplyFault::Signature(SignatureFault::Signature));
    // One bit of the envelope.
    let mut changed = vector!("success").to_vec();
    changed[400] ^= 1;
    let fault = read(&changed, vector!("certpoll")).unwrap_err();
    assert_eq!(fault, ReplyFault::Signature(SignatureFault::Content));
}

#[test]
fn an_answer_in_ber_is_read() {
    let ber = indefinite(Element::only(vector!("success")).unwrap());
    assert_ne!(ber, vector!("success"));
    let Reply::Success(came) = read(&ber, vector!("certpoll")).unwrap() else {
        panic!("it is a success");
    };
    assert_eq!(came, [certificate(vector!("lsc"))]);
}

/// The element with indefinite lengths, and OCTET STRINGs in two pieces.
fn indefinite(element: Element<'_>) -> Vec<u8> {
    // Names and numbers that are compared by their encoding stay, and so do certificates.
    let content = match element.tag {
        ber::OCTETS if element.content.len() > 16 => {
            let (front, back) = element.content.split_at(element.content.len() / 2);
            [ber::encode(ber::OCTETS, front), ber::encode(ber::OCTETS, back)].concat()
        }
        _ if !element.is_constructed() => return element.encoded.to_vec(),
        _ => {
            let mut parts = element.parts();
            let parts = std::iter::from_fn(|| parts.any().unwrap());
            parts
                .map(|part| {
                    let is_name = Name::decode(part.encoded).is_some();
                    let is_certificate = Certificate::parse(part.encoded).is_ok();
                    match is_name || is_certificate {
                        true => part.encoded.to_vec(),
                        false => indefinite(part),
                    }
                })
                .collect::<Vec<_>>()
                .concat()
        }
    };
    [&[element.tag | ber::CONSTRUCTED, 0x80], &content[..], &[0, 0]].concat()
}

#[test]
fn attributes_may_come_unsorted_and_content_empty() {
    let (ra, ra_key) = (certificate(vector!("ra-sign")), key(vector!("ra-sign-key")));
    let pending = vector!("pending");
    let mut members = Vec::new();
    let sorted = &pending[566..829];
    let mut parts = ber::Reader::new(sorted);
    while let Some(member) = parts.any().unwrap() {
        members.push(member.encoded.to_vec());
    }
    members.reverse();
    let unsorted = members.concat();
    assert_ne!(unsorted, sorted);
    let signature = |attributes: &[u8]| {
        pki::Signer::sign(&ra_key, Hash::Sha256, &signed::signed_bytes(attributes)).unwrap()
    };
    let message = |content, attributes: &[u8], signed: &[u8]| {
        signed::encode(Digest::Sha256, content, &ra, attributes, &signature(signed))
    };
    // Signed as sent, and signed as DER has it.
    for signed in [&unsorted[..], sorted] {
        let answer = message(None, &unsorted, signed);
        assert!(matches!(read(&answer, vector!("pkcsreq")), Ok(Reply::Pending)));
    }
    let empty = message(Some(&[]), sorted, sorted);
    assert!(matches!(read(&empty, vector!("pkcsreq")), Ok(Reply::Pending)));
    // A byte that nobody signed, and one that is signed.
    let byte = message(Some(b" "), sorted, sorted);
    let fault = read(&byte, vector!("pkcsreq")).unwrap_err();
    assert_eq!(fault, ReplyFault::Signature(SignatureFault::Content));
    let digest = |content: &[u8]| ber::encode(ber::OCTETS, &Digest::Sha256.of(content));
    let (nothing, blank) = (digest(b""), digest(b" "));
    let at = sorted.windows(nothing.len()).position(|window| window == nothing).unwrap();
    let mut other = sorted.to_vec();
    other[at..at + blank.len()].copy_from_slice(&blank);
    let byte = message(Some(b" "), &other, &other);
    assert!(matches!(read(&byte, vector!("pkcsreq")), Ok(Reply::Pending)));
    // SHA-256 is below no floor but one with a better digest would be.
    assert!(read_above(&byte, nonce(vector!("pkcsreq")), Floor::Modern).is_ok());
}

#[test]
fn transaction_ids_are_the_customary_ones() {
    let key = phone().public_key;
    assert_eq!(TransactionId::of(&key, Digest::Sha256).as_str(), TRANSACTION);
    let legacy = TransactionId::of(&key, Digest::Sha1);
    assert_eq!(legacy.as_str(), "A5D42838167D882463F1986AE23861B0");
}

#[test]
fn certificates_are_told_apart_in_every_order() {
    let all = Authority::certificates(vector!("getcacert")).unwrap();
    let [ca, sign, encrypt] =
        [vector!("ca"), vector!("ra-sign"), vector!("ra-enc")].map(certificate);
    assert_eq!(all, [ca.clone(), sign.clone(), encrypt.clone()]);
    let pin = Pin::fingerprint(&ca.thumbprint()).unwrap();
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let shuffled = order.map(|index| all[index].clone());
        let authority = Authority::select(&shuffled, Some(&pin), now()).unwrap();
        assert_eq!((authority.ca(), authority.recipient()), (&ca, &encrypt));
        assert!(authority.known().contains(&sign));
    }
    // A single certificate signs and decrypts itself.
    let alone = Authority::certificates(vector!("ca")).unwrap();
    let authority = Authority::select(&alone, Some(&pin), now()).unwrap();
    assert_eq!((authority.ca(), authority.recipient()), (&ca, &ca));
    // Without a confirmation there is only an offer.
    let fault = Authority::select(&all, None, now()).unwrap_err();
    assert_eq!(fault, AuthorityFault::NotConfirmed(Box::new(ca.clone())));
    let other = Pin::Certificate(Box::new(sign));
    let fault = Authority::select(&alone, Some(&other), now()).unwrap_err();
    assert_eq!(fault.message().id, "SCEP_CA_CHANGED");
    assert!(matches!(Authority::certificates(b"<html>"), Err(AuthorityFault::Malformed(_))));
    assert_eq!(Authority::certificates(vector!("pending")).unwrap().len(), 1);
}

// R: CAPF-14
#[test]
fn certificates_of_others_are_refused() {
    let lsc = certificate(vector!("lsc"));
    let (ca, authority) = (certificate(vector!("ca")), authority());
    let check = |came: &[Certificate], request: &Request| {
        issued::check(came, request, &authority, |_| true, now()).map_err(|f| f.message().id)
    };
    let right = check(&[ca.clone(), lsc.clone()], &phone()).unwrap();
    assert_eq!(right.certificate, lsc);
    let named = Request { subject: Name::common("SEP001122334456"), ..phone() };
    assert_eq!(check(from_ref(&lsc), &named), Err("SCEP_OTHER_NAME"));
    let keyed = Request { public_key: ca.public_key().clone(), ..phone() };
    assert_eq!(check(from_ref(&lsc), &keyed), Err("SCEP_OTHER_KEY"));
    let authority_wanted = Request { purpose: Purpose::SubordinateAuthority, ..phone() };
    assert_eq!(check(from_ref(&lsc), &authority_wanted), Err("SCEP_NOT_USABLE"));
    let untrusted = issued::check(from_ref(&lsc), &phone(), &authority, |_| false, now());
    assert_eq!(untrusted.unwrap_err().message().id, "SCEP_ISSUER_NOT_TRUSTED");
    let later = UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    let expired = issued::check(from_ref(&lsc), &phone(), &authority, |_| true, later);
    assert_eq!(expired.unwrap_err().message().id, "SCEP_NOT_VALID_NOW");
    let foreign = certificate(vector!("proxy"));
    let request = Request { public_key: foreign.public_key().clone(), ..phone() };
    assert_eq!(check(&[foreign], &request), Err("SCEP_OTHER_ISSUER"));
    // The authority had its own idea of the validity.
    let asked = Request { validity: Some(Duration::from_secs(365 * 24 * 3600)), ..phone() };
    let differences = check(&[lsc], &asked).unwrap().differences;
    let [validity] = &differences[..] else { panic!("{differences:?}") };
    assert_eq!(
        (validity.field, &*validity.asked, &*validity.issued),
        ("validity", "365 d", "1827 d")
    );
}

#[test]
fn broken_answers_are_errors() {
    for vector in [vector!("success"), vector!("pending"), vector!("failure")] {
        for cut in 0..vector.len() {
            assert!(read(&vector[..cut], vector!("pkcsreq")).is_err(), "{cut}");
        }
        for at in 0..vector.len() {
            let mut changed = vector.to_vec();
            changed[at] ^= 0x55;
            let _ = read(&changed, vector!("pkcsreq"));
        }
    }
    let bag = vector!("getcacert");
    for cut in 0..bag.len() {
        assert!(bag::certificates(&bag[..cut]).is_err(), "{cut}");
    }
}

proptest! {
    /// Past the signature: what is signed by the authority may still be anything.
    #[test]
    fn signed_nonsense_never_panics(
        content in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0usize..1400,
        changes in proptest::collection::vec(any::<u8>(), 1..8),
    ) {
        let mut envelope = envelope(vector!("success"));
        let at = at % (envelope.len() - changes.len());
        envelope[at..at + changes.len()].copy_from_slice(&changes);
        let (proxy, key) = (certificate(vector!("proxy")), key(vector!("proxy-key")));
        let _ = enveloped::open(&envelope, &proxy, &key, Floor::Ancient);
        let _ = enveloped::open(&content, &proxy, &key, Floor::Ancient);

        let mut bag = vector!("getcacert").to_vec();
        let at = at % (bag.len() - changes.len());
        bag[at..at + changes.len()].copy_from_slice(&changes);
        if let Ok(certificates) = Authority::certificates(&bag) {
            let pin = Pin::Certificate(Box::new(certificate(vector!("ca"))));
            let _ = Authority::select(&certificates, Some(&pin), now());
        }
        let _ = Authority::certificates(&content);
    }
}
