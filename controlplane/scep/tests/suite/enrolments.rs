//! Certificates that come: at once, after polls, from authorities of every generation.

use std::sync::Arc;

use pki::purpose::{CLIENT_AUTHENTICATION, SERVER_AUTHENTICATION};
use pki::{KeyKind, Name, PrivateKey, Signer};
use ringfence_authority::{Answer, Authority, Message, PHONE};
use ringfence_scep::enrolment::Enrolment;
use ringfence_scep::transport::{Answer as HttpAnswer, TransportFault};
use ringfence_scep::{Difference, Floor, Issued, Purpose, Request};

use crate::support::{Event, Run, authority, certificate, id, link, link_with, ok, phone};

// R: CAPF-03, CAPF-14
#[test]
fn a_phone_gets_a_certificate_and_signs_nothing() {
    let (ca, request) = (authority(), phone());
    let mut run = Run::new();
    let mut asked = None;
    let issued = run.enrol(request.clone(), link(), |message| {
        let message = ca.open(message, "ra-enc").expect("it is for the registration authority");
        let answer = ca.sign(&ca.success(&message));
        asked = Some(message);
        ok(answer)
    });
    let Issued { certificate: found, issuer, differences } = issued.unwrap();
    assert_eq!(*found.public_key(), request.public_key);
    assert_eq!(found.subject(), &request.subject);
    assert_eq!((issuer, differences), (certificate("ca"), vec![]));

    let Message { kind, signer, digest, cipher, plain, .. } = asked.unwrap();
    assert_eq!((&*kind, &*digest, &*cipher), ("19", "sha256", "aes-128-cbc"));
    assert_eq!(signer, pki::export::pem(&certificate("proxy")));
    assert!(!ca.proves_possession(&plain), "the phone's key is not here");
    let text = ca.text(&plain);
    for said in [
        "CN = SEP001122334455",
        "challengePassword        :0123ABCD",
        "X509v3 Key Usage: critical",
        "Digital Signature, Key Encipherment",
        "TLS Web Server Authentication, TLS Web Client Authentication, IPSec End System",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn capf_itself_gets_a_certificate_as_subordinate_authority() {
    let mut ca = authority();
    ca.extensions =
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n";
    let own = PrivateKey::generate(KeyKind::Rsa2048);
    let request = Request {
        subject: Name::common("CAPF-cm1"),
        public_key: own.public_key().clone(),
        purpose: Purpose::SubordinateAuthority,
        validity: None,
    };
    let start = |extensions| {
        let mut run = Run::new();
        let enrolment = Enrolment::start(request.clone(), None, &own, link(), run.now).unwrap();
        let mut ca = authority();
        ca.extensions = extensions;
        let finished = run.finish(enrolment, |message| {
            let message = ca.open(message, "ra-enc").unwrap();
            assert!(ca.proves_possession(&message.plain), "CAPF has its key");
            ok(ca.sign(&ca.success(&message)))
        });
        finished.unwrap()
    };
    let issued = start(ca.extensions).unwrap();
    assert!(issued.certificate.is_authority());
    assert_eq!(issued.differences, []);
    assert_eq!(id(start(PHONE)), "SCEP_NOT_USABLE");
}

#[test]
fn authorities_of_every_generation_are_spoken_to() {
    let modern = "SHA-256\nAES\nPOSTPKIOperation";
    for (capabilities, floor, digest, cipher) in [
        (modern, Floor::Modern, "sha256", "aes-128-cbc"),
        // Microsoft's later service, and its add-on of 2003, which has no GetCACaps.
        ("Renewal\nSHA-256\nSHA-1\nDES3", Floor::Transitional, "sha256", "des-ede3-cbc"),
        ("", Floor::Legacy, "sha1", "des-ede3-cbc"),
        ("", Floor::Ancient, "md5", "des-cbc"),
    ] {
        let ca = authority();
        let issued = Run::new().enrol(phone(), link_with(capabilities, floor), |message| {
            let message = ca.open(message, "ra-enc").unwrap();
            assert_eq!((&*message.digest, &*message.cipher), (digest, cipher));
            let long = if floor >= Floor::Transitional { 64 } else { 32 };
            assert_eq!(message.transaction.len(), long);
            ok(ca.sign(&ca.success(&message)))
        });
        issued.unwrap();
    }
}

#[test]
fn an_envelope_in_pieces_is_opened() {
    let ca = authority();
    let issued = Run::new().enrol(phone(), link(), |message| {
        let message = ca.open(message, "ra-enc").unwrap();
        let issued = ca.issue(&message.plain);
        let content = ca.seal(&[issued.der()], &message, "-aes256 -stream");
        // Indefinite lengths, as OpenSSL streams them.
        assert_eq!(content[..2], [0x30, 0x80]);
        ok(ca.sign(&Answer { content: Some(content), ..Answer::of(&message, "0") }))
    });
    issued.unwrap();
}

#[test]
fn the_certificate_is_found_among_others() {
    let ca = authority();
    let issued = Run::new().enrol(phone(), link(), |message| {
        let message = ca.open(message, "ra-enc").unwrap();
        let issued = ca.issue(&message.plain);
        let (authority, other) = (certificate("ca"), certificate("lsc"));
        let all = [authority.der(), other.der(), issued.der()];
        ok(ca.sign(&ca.success_with(&message, &all)))
    });
    issued.unwrap();
}

#[test]
fn an_authority_that_signs_itself_may_answer() {
    let ca = authority();
    Run::new()
        .enrol(phone(), link(), |message| {
            let message = ca.open(message, "ra-enc").unwrap();
            ok(ca.sign(&Answer { signer: "ca", ..ca.success(&message) }))
        })
        .unwrap();
}

// R: CAPF-14
#[test]
fn what_the_policy_overrides_is_reported() {
    let mut ca = authority();
    ca.extensions = "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n";
    ca.subject = Some("/O=Example/CN=SEP001122334455");
    ca.days = 30;
    let issued = Run::new().enrol(phone(), link(), |message| {
        ok(ca.sign(&ca.success(&ca.open(message, "ra-enc").unwrap())))
    });
    let issued = issued.unwrap();
    let purposes = issued.certificate.extended_key_usage().unwrap();
    assert_eq!(purposes, [SERVER_AUTHENTICATION, CLIENT_AUTHENTICATION]);
    let difference = |field, asked: &str, issued: &str| Difference {
        field,
        asked: asked.into(),
        issued: issued.into(),
    };
    let three = "1.3.6.1.5.5.7.3.1, 1.3.6.1.5.5.7.3.2, 1.3.6.1.5.5.7.3.5";
    let two = "1.3.6.1.5.5.7.3.1, 1.3.6.1.5.5.7.3.2";
    let (name, named) = ("CN=SEP001122334455", "CN=SEP001122334455, O=Example");
    let expected = [
        difference("keyUsage", "digitalSignature, keyEncipherment", "digitalSignature"),
        difference("extendedKeyUsage", three, two),
        difference("subject", name, named),
        difference("validity", "365 d", "30 d"),
    ];
    assert_eq!(issued.differences, expected);
}

#[test]
fn certificates_that_phones_cannot_use_are_refused() {
    let ike_only = "keyUsage=digitalSignature\nextendedKeyUsage=1.3.6.1.5.5.8.2.2\n";
    let huge: &str = format!("{PHONE}nsComment={}\n", "x".repeat(4000)).leak();
    for (extensions, subject, expected) in [
        (ike_only, None, "SCEP_NOT_USABLE"),
        ("keyUsage=keyEncipherment\n", None, "SCEP_NOT_USABLE"),
        ("basicConstraints=CA:TRUE\n", None, "SCEP_NOT_USABLE"),
        (huge, None, "SCEP_CERTIFICATE_TOO_LARGE"),
        (PHONE, Some("/CN=SEP665544332211"), "SCEP_OTHER_NAME"),
    ] {
        let mut ca = authority();
        (ca.extensions, ca.subject) = (extensions, subject);
        let refused = Run::new().enrol(phone(), link(), |message| {
            ok(ca.sign(&ca.success(&ca.open(message, "ra-enc").unwrap())))
        });
        assert_eq!(id(refused), expected, "{extensions}");
    }
}

#[test]
fn renewed_registration_certificates_are_fetched_and_used() {
    for first in ["page", "badMessageCheck", "signer"] {
        let ca = Arc::new(authority());
        ca.renew_registration("new-enc", "keyEncipherment");
        ca.renew_registration("new-sign", "digitalSignature");
        let mut run = Run::new();
        run.refresh = Box::new({
            let ca = Arc::clone(&ca);
            move || {
                let answer = ca.certificates(&["new-enc", "ca", "new-sign"]);
                let certificates = ringfence_scep::Authority::certificates(&answer)?;
                let now = std::time::SystemTime::now();
                let pin = crate::support::pin();
                Ok(Arc::new(ringfence_scep::Authority::select(&certificates, Some(&pin), now)?))
            }
        });
        let issued = run.enrol(phone(), link(), |message| {
            let Some(message) = ca.open(message, "new-enc") else {
                return first_answer(&ca, first, message);
            };
            ok(ca.sign(&Answer { signer: "new-sign", ..ca.success(&message) }))
        });
        issued.unwrap();
        assert_eq!(run.events, [Event::Asked, Event::Refreshed, Event::Asked], "{first}");
    }
}

/// What an authority does that cannot decrypt any more.
fn first_answer(ca: &Authority, kind: &str, message: &[u8]) -> Result<HttpAnswer, TransportFault> {
    let message = ca.open(message, "ra-enc").unwrap();
    match kind {
        "page" => ok(b"<html><body>0x80090005</body></html>".to_vec()),
        "badMessageCheck" => ok(ca.sign(&Answer::failure(&message, "1"))),
        // Nobody the client knows yet: an LSC might sign too.
        _ => ok(ca.sign(&Answer { signer: "proxy", ..Answer::pending(&message) })),
    }
}
