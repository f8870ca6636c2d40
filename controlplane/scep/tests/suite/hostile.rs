//! Answers of somebody in between, or of an authority that is not well.

use std::sync::Arc;

use messages::Explain;
use ringfence_authority::{Answer, Authority, Message};
use ringfence_scep::algorithm::Profile;
use ringfence_scep::capability::Capabilities;
use ringfence_scep::{Fault, Floor};

use crate::support::{Event, Run, authority, certificate, id, link, link_with, ok, phone};

/// The failure that an answer makes; whoever asks for certificates again gets the same ones.
fn refused(spoil: impl Fn(&Authority, &Message) -> Vec<u8>) -> Fault {
    let (ca, mut run) = (authority(), Run::new());
    run.refresh = Box::new(|| Ok(Arc::clone(&link().authority)));
    let result =
        run.enrol(phone(), link(), |message| ok(spoil(&ca, &ca.open(message, "ra-enc").unwrap())));
    let asked = run.events.iter().filter(|event| **event == Event::Asked).count();
    assert!(asked <= 2, "{:?}", run.events);
    result.unwrap_err()
}

/// The same with an answer that is signed after it was spoiled.
fn refused_signed(spoil: impl Fn(&Authority, &Message) -> Answer) -> &'static str {
    refused(|ca, message| ca.sign(&spoil(ca, message))).message().id
}

#[test]
fn answers_to_other_requests_are_refused() {
    let replay = "SCEP_REPLAY";
    let nonce = |nonce: Option<Vec<u8>>| {
        let answer = move |ca: &Authority, message: &Message| Answer {
            recipient_nonce: nonce.clone(),
            ..ca.success(message)
        };
        refused_signed(answer)
    };
    assert_eq!(nonce(Some(vec![7; 16])), replay);
    assert_eq!(nonce(Some(vec![])), replay);
    assert_eq!(nonce(None), replay);
    assert_eq!(
        refused_signed(|ca, message| Answer {
            transaction: "0123456789ABCDEF".into(),
            ..ca.success(message)
        }),
        replay
    );
    // A refusal that was recorded is one of another request, too.
    let recorded = |_: &Authority, message: &Message| Answer {
        recipient_nonce: Some(vec![1; 16]),
        ..Answer::failure(message, "2")
    };
    assert_eq!(refused_signed(recorded), replay);
}

#[test]
fn answers_of_others_are_refused() {
    let by_proxy =
        |ca: &Authority, message: &Message| Answer { signer: "proxy", ..ca.success(message) };
    assert_eq!(refused_signed(by_proxy), "SCEP_SIGNER");
    let other_kind =
        |ca: &Authority, message: &Message| Answer { message_type: "19", ..ca.success(message) };
    assert_eq!(refused_signed(other_kind), "SCEP_ANSWER_MALFORMED");
    let other_status =
        |ca: &Authority, message: &Message| Answer { status: "1", ..ca.success(message) };
    assert_eq!(refused_signed(other_status), "SCEP_ANSWER_MALFORMED");
    let other_key =
        |ca: &Authority, message: &Message| ca.success_with(message, &[certificate("lsc").der()]);
    assert_eq!(refused_signed(other_key), "SCEP_OTHER_KEY");
    let to_other = |ca: &Authority, message: &Message| {
        let signer = pki::export::pem(&certificate("ra-sign"));
        ca.success(&Message { signer, ..message.clone() })
    };
    assert_eq!(refused_signed(to_other), "SCEP_CANNOT_DECRYPT");
}

#[test]
fn a_phone_cannot_answer_for_the_authority() {
    let ca = authority();
    // Issued by the authority, for TLS: every phone has such a certificate and its key.
    ca.renew_registration("rogue", "digitalSignature\nextendedKeyUsage=clientAuth");
    let mut run = Run::new();
    run.refresh = Box::new(|| Ok(Arc::clone(&link().authority)));
    let result = run.enrol(phone(), link(), |message| {
        let message = ca.open(message, "ra-enc").unwrap();
        ok(ca.sign(&Answer { signer: "rogue", ..Answer::failure(&message, "2") }))
    });
    assert_eq!(id(result), "SCEP_SIGNER");
}

#[test]
fn tampered_answers_give_no_other_certificate() {
    let ca = authority();
    for at in (0..).step_by(127) {
        let (request, mut end) = (phone(), false);
        let mut run = Run::new();
        run.refresh = Box::new(|| Ok(Arc::clone(&link().authority)));
        let result = run.enrol(request.clone(), link(), |message| {
            let mut answer = ca.sign(&ca.success(&ca.open(message, "ra-enc").unwrap()));
            match answer.get_mut(at) {
                Some(byte) => *byte ^= 0x10,
                None => end = true,
            }
            ok(answer)
        });
        // What is not signed may change: the version, certificates that are known anyway.
        match result {
            Ok(issued) => assert_eq!(*issued.certificate.public_key(), request.public_key),
            Err(fault) => assert!(fault.message().id.starts_with("SCEP_"), "{at}: {fault}"),
        }
        if end {
            return;
        }
    }
}

#[test]
fn weak_answers_are_below_the_floor() {
    let answer = |floor, digest, cipher: &'static str| {
        let ca = authority();
        Run::new().enrol(phone(), link_with("SCEPStandard", floor), |message| {
            let message = ca.open(message, "ra-enc").unwrap();
            let issued = ca.issue(&message.plain);
            let content = Some(ca.seal(&[issued.der()], &message, cipher));
            ok(ca.sign(&Answer { content, digest, ..Answer::of(&message, "0") }))
        })
    };
    let weak = "SCEP_ANSWER_TOO_WEAK";
    assert_eq!(id(answer(Floor::Modern, "sha256", "-des3")), weak);
    assert_eq!(id(answer(Floor::Transitional, "sha1", "-des3")), weak);
    assert_eq!(id(answer(Floor::Legacy, "sha1", "-des")), weak);
    assert_eq!(id(answer(Floor::Legacy, "md5", "-des3")), weak);
    answer(Floor::Transitional, "sha256", "-des3").unwrap();
    answer(Floor::Ancient, "md5", "-des").unwrap();
    assert_eq!(id(answer(Floor::Ancient, "sha256", "-rc2-40")), "SCEP_ALGORITHM");
}

#[test]
fn stripped_abilities_are_below_the_floor() {
    for stripped in ["", "SHA-1\nDES3", "SHA-256\nDES3", "<html>AES SHA-256</html>"] {
        let offered = Capabilities::parse(stripped.as_bytes());
        assert!(Profile::choose(&offered, Floor::Modern).is_err(), "{stripped}");
    }
}

#[test]
fn what_is_no_answer_is_refused() {
    let page = refused(|_, _| b"<html><title>Error</title>\x07\n</html>".to_vec());
    assert_eq!(page.message().id, "SCEP_NOT_SCEP");
    assert!(page.values().contains(&("start", "<html><title>Error</title></html>".into())));
    assert_eq!(refused(|_, _| vec![]).message().id, "SCEP_NOT_SCEP");
    assert_eq!(refused(|_, _| vec![0x30; 5000]).message().id, "SCEP_ANSWER_MALFORMED");
    // Deeper than anybody nests, without an end.
    let deep = refused(|_, _| [0x30, 0x80].repeat(500_000));
    assert_eq!(deep.message().id, "SCEP_ANSWER_MALFORMED");
    let bag = refused(|ca, _| ca.certificates(&["ca", "ra-sign"]));
    assert_eq!(bag.message().id, "SCEP_ANSWER_MALFORMED");
}
