//! SRTP: who chooses which key, and what is refused.

mod common;

use common::*;
use engine::command::{Protection, RtcpPolicy};
use mgcp::Response;
use mgcp::sdp::{CryptoAttribute, CryptoForm, Profile, SessionDescription};
use ringfence_gateway::{AttributeForm, Config, TransmitKey};

const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";
const SHORT: &str = "AES_CM_128_HMAC_SHA1_32";

fn local(response: &Response) -> SessionDescription {
    assert_eq!(code(response), 200, "{response:?}");
    SessionDescription::parse(response.bodies[0].expose()).unwrap()
}

/// The crypto line of our description.
fn ours(response: &Response) -> CryptoAttribute {
    let description = local(response);
    assert_eq!(description.media[0].profile, Profile::Savp);
    let [line] = description.media[0].crypto.as_slice() else { panic!("one line, always") };
    line.clone()
}

fn profile(response: &Response) -> Profile {
    local(response).media[0].profile.clone()
}

fn id(response: &Response) -> String {
    assert_eq!(code(response), 200, "{response:?}");
    response.params.connections[0].to_string()
}

fn crcx(lab: &mut Lab, rest: &str) -> Response {
    lab.ask(&format!("CRCX # pr/1@relay1 MGCP 1.0\nC: A\nM: recvonly\n{rest}"))
}

fn mdcx(lab: &mut Lab, id: &str, rest: &str) -> Response {
    lab.ask(&format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\n{rest}"))
}

fn txkey(suite: &str, octet: u8) -> String {
    format!("L: x+srtptx:\"{suite} inline:{}\"\n", key(octet))
}

fn remote(attributes: &[&str]) -> String {
    format!("\n{}", savp("10.1.0.5", 4000, attributes))
}

fn suites(lab: &Lab, id: &str) -> [Option<&'static str>; 2] {
    let spec = lab.spec(id);
    [&spec.receive, &spec.send].map(|protection| match protection {
        Protection::Srtp(keying) => Some(keying.suite().name()),
        Protection::Plain => None,
    })
}

// R: MED-02, MGCP-03
#[test]
fn the_call_agent_gives_both_keys() {
    let mut lab = Lab::new(config());
    let a = crcx(&mut lab, &txkey(SHORT, 2).replace("L: ", "L: a:PCMU, "));
    let line = ours(&a);
    assert_eq!(line.key.expose(), [2; 30], "exactly the key that was given");
    assert_eq!((line.suite.name(), line.form), (SHORT, CryptoForm::Crypto { tag: 1 }));
    let ia = id(&a);
    assert_eq!(suites(&lab, &ia), [Some(SHORT); 2]);
    let m = mdcx(&mut lab, &ia, &remote(&[&crypto(1, SHORT, 1)]));
    assert_eq!((code(&m), m.bodies.len()), (200, 0), "our description stays as it was");
    assert_eq!(lab.spec(&ia).rtcp, RtcpPolicy::Off, "no key was agreed for RTCP");
    // A new key to send with shows in our description.
    let m = mdcx(&mut lab, &ia, &txkey(SHORT, 3));
    assert_eq!(ours(&m).key.expose(), [3; 30]);
}

#[test]
fn the_gateway_makes_its_key_and_keeps_it_while_the_peers_stays() {
    let mut lab = Lab::new(config());
    let a = crcx(&mut lab, "L: x-srtp:on, a:PCMU\n");
    let offered = ours(&a);
    assert_eq!(offered.suite.name(), SUITE, "the first configured");
    let ia = id(&a);
    let m = mdcx(&mut lab, &ia, &remote(&[&crypto(1, SUITE, 1)]));
    assert_eq!(m.bodies.len(), 0);
    // The same description again, and a hold, change nothing.
    for rest in [remote(&[&crypto(1, SUITE, 1)]), "M: inactive\n".into(), "M: sendrecv\n".into()] {
        let m = mdcx(&mut lab, &ia, &rest);
        assert_eq!((code(&m), m.bodies.len()), (200, 0));
    }
    // A new key of the peer brings a new one of ours.
    let m = mdcx(&mut lab, &ia, &remote(&[&crypto(7, SUITE, 4)]));
    let renewed = ours(&m);
    assert_ne!(renewed.key, offered.key);
    assert_eq!(renewed.form, CryptoForm::Crypto { tag: 7 }, "the tag of the offer");
    assert_eq!(local(&m).origin.unwrap().version, 2);
}

#[test]
fn the_first_usable_line_is_taken() {
    let mut lab = Lab::new(config());
    let lines = [
        "crypto:1 F8_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd",
        "crypto:2 NEW_SUITE inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd",
        &format!("{} KDR=1", crypto(3, SUITE, 5)),
        &format!("{} UNENCRYPTED_SRTP", crypto(4, SUITE, 6)),
        &format!("{}|2^20|7:2 WSH=256 -NEW", crypto(5, SHORT, 7)),
        &crypto(6, SUITE, 8),
    ];
    let a = crcx(&mut lab, &remote(&lines));
    assert_eq!(ours(&a).form, CryptoForm::Crypto { tag: 5 });
    let ia = id(&a);
    assert_eq!(suites(&lab, &ia), [Some(SHORT); 2]);
    let Protection::Srtp(receive) = &lab.spec(&ia).receive else { panic!("SRTP") };
    assert_eq!(receive.mki_len(), 2);
}

#[test]
fn without_a_usable_line_there_is_no_connection() {
    let unsupported =
        "crypto:1 F8_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";
    let malformed = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:short";
    let null = "crypto:1 NULL_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";
    for (rest, expected) in [
        (remote(&[]), 509),
        (remote(&[malformed]), 509),
        (remote(&[malformed, unsupported]), 509),
        (remote(&[unsupported]), 505),
        (remote(&[null]), 505),
        (remote(&[&format!("{} KDR=3", crypto(1, SUITE, 1))]), 505),
        (remote(&[&format!("{} UNAUTHENTICATED_SRTP", crypto(1, SUITE, 1))]), 505),
        (remote(&[&format!("{} NEW", crypto(1, SUITE, 1))]), 509),
        (remote(&[&format!("{};inline:{}", crypto(1, SUITE, 1), key(2))]), 509),
        (format!("L: x-srtp:off\n{}", remote(&[&crypto(1, SUITE, 1)])), 506),
        (format!("{}\n{}", txkey(SUITE, 2).trim_end(), remote(&[&crypto(1, SHORT, 1)])), 506),
        (format!("{}{}", txkey(SUITE, 1), remote(&[&crypto(1, SUITE, 1)])), 509),
        (format!("{}\n{}", txkey(SUITE, 1), avp("10.1.0.5", 4000)), 506),
        (format!("L: x-srtp:on\n\n{}", avp("10.1.0.5", 4000)), 506),
        (format!("L: x-srtp:off, {}", &txkey(SUITE, 1)[3..]), 506),
        (txkey("F8_128_HMAC_SHA1_80", 1), 532),
        ("L: x+srtptx:\"nonsense\"\n".into(), 532),
        ("L: x+srtptx:\"AES_CM_128_HMAC_SHA1_80 inline:short\"\n".into(), 532),
    ] {
        let mut lab = Lab::new(config());
        let response = crcx(&mut lab, &rest);
        assert_eq!(code(&response), expected, "{rest}: {response:?}");
        assert!(lab.engine.legs.is_empty());
        assert_eq!(lab.gateway.snapshot().keys, 0);
    }
}

// R: MED-03
#[test]
fn no_key_is_used_twice() {
    let mut lab = Lab::new(config());
    let ia = id(&crcx(&mut lab, &remote(&[&crypto(1, SUITE, 1)])));
    let given = txkey(SUITE, 2);
    assert_eq!(code(&mdcx(&mut lab, &ia, &given)), 200);
    // Another connection, either direction.
    for (rest, expected) in [
        (remote(&[&crypto(1, SUITE, 1)]), 509),
        (remote(&[&crypto(1, SUITE, 2)]), 509),
        (txkey(SUITE, 1), 532),
        (txkey(SUITE, 2), 532),
        (txkey(SHORT, 2), 532),
    ] {
        assert_eq!(code(&crcx(&mut lab, &rest)), expected, "{rest}");
    }
    // A line with a used key is passed over if there is a better one.
    let lines = [&*crypto(1, SUITE, 1), &*crypto(2, SUITE, 9)];
    let b = crcx(&mut lab, &remote(&lines));
    assert_eq!(ours(&b).form, CryptoForm::Crypto { tag: 2 });
    // The same connection, the other direction, and again after a change.
    assert_eq!(code(&mdcx(&mut lab, &ia, &remote(&[&crypto(1, SUITE, 2)]))), 509);
    assert_eq!(code(&mdcx(&mut lab, &ia, &txkey(SUITE, 1))), 532);
    assert_eq!(code(&mdcx(&mut lab, &ia, &remote(&[&crypto(1, SUITE, 3)]))), 200);
    assert_eq!(code(&mdcx(&mut lab, &ia, &remote(&[&crypto(1, SUITE, 1)]))), 509);
    assert_eq!(code(&mdcx(&mut lab, &ia, &txkey(SUITE, 2))), 532);
    // When the calls are gone the keys are forgotten.
    assert_eq!(code(&lab.ask("DLCX # pr/1@relay1 MGCP 1.0")), 250);
    assert_eq!(lab.gateway.snapshot().keys, 0);
}

// R: MGCP-02
#[test]
fn srtp_falls_back_to_rtp_and_returns_with_new_keys() {
    let mut lab = Lab::new(config());
    let a = crcx(&mut lab, &format!("{}{}", txkey(SUITE, 2), remote(&[&crypto(1, SUITE, 1)])));
    let ia = id(&a);
    let m = mdcx(&mut lab, &ia, &format!("L: x-srtp:off\n\n{}", avp("10.1.0.7", 4000)));
    assert_eq!(profile(&m), Profile::Avp);
    assert_eq!(suites(&lab, &ia), [None, None]);
    // Not without new keys, and never quietly in clear.
    for rest in [remote(&[]), remote(&[&crypto(1, SUITE, 1)])] {
        assert_eq!(code(&mdcx(&mut lab, &ia, &rest)), 509);
        assert_eq!(suites(&lab, &ia), [None, None], "the refused change changed nothing");
    }
    let m = mdcx(&mut lab, &ia, &format!("{}{}", txkey(SUITE, 4), remote(&[&crypto(1, SUITE, 3)])));
    assert_eq!(ours(&m).key.expose(), [4; 30]);
    assert_eq!(suites(&lab, &ia), [Some(SUITE); 2]);
    // Without a description the old one is in force: x-srtp cannot contradict it.
    assert_eq!(code(&mdcx(&mut lab, &ia, "L: x-srtp:off\n")), 506);
    assert_eq!(code(&mdcx(&mut lab, &ia, &txkey(SHORT, 5))), 506);
}

#[test]
fn an_answer_must_be_one_to_our_offer() {
    let mut lab = Lab::new(config());
    let ia = id(&crcx(&mut lab, "L: x-srtp:on\n"));
    assert_eq!(code(&mdcx(&mut lab, &ia, &remote(&[&crypto(2, SUITE, 1)]))), 509, "no such tag");
    assert_eq!(code(&mdcx(&mut lab, &ia, &remote(&[&crypto(1, SHORT, 1)]))), 509, "no such suite");
    // A peer without SRTP: the call agent decides for RTP, and we follow openly.
    let m = mdcx(&mut lab, &ia, &format!("\n{}", avp("10.1.0.7", 4000)));
    assert_eq!(profile(&m), Profile::Avp);
}

#[test]
fn until_the_peers_key_is_known_nothing_is_believed() {
    let mut lab = Lab::new(config());
    let ia = id(&crcx(&mut lab, "L: x-srtp:on\n"));
    assert!(is_srtp(&lab.spec(&ia).receive), "plain packets are no answer to an offer of SRTP");
    let off = mdcx(&mut lab, &ia, "L: x-srtp:off\n");
    assert_eq!(profile(&off), Profile::Avp);
    let optional = mdcx(&mut lab, &ia, "L: x-srtp:optional\n");
    assert_eq!(profile(&optional), Profile::Savp);
}

#[test]
fn the_early_form_is_understood_and_written_when_wanted() {
    let mut early = config();
    early.srtp.form = AttributeForm::XCrypto;
    let mut lab = Lab::new(early);
    let x_crypto = format!("X-crypto:{SHORT} inline:{}||", key(1));
    let a = crcx(&mut lab, &remote(&[&x_crypto]));
    assert_eq!(ours(&a).form, CryptoForm::XCrypto);
    assert!(a.bodies[0].expose().contains("||\r\n"));
    // With both forms in one description the RFC's counts.
    let mut lab = Lab::new(config());
    let a = crcx(&mut lab, &remote(&[&x_crypto, &crypto(4, SUITE, 2)]));
    assert_eq!(ours(&a).form, CryptoForm::Crypto { tag: 4 });
    let mut lab = Lab::new(config());
    let a = crcx(&mut lab, &remote(&[&x_crypto]));
    assert_eq!(ours(&a).form, CryptoForm::Crypto { tag: 1 });
}

#[test]
fn keys_beside_rtp_are_passed_over_and_counted() {
    let mut lab = Lab::new(config());
    let text = format!("\n{}a={}\r\n", avp("10.1.0.5", 4000), crypto(1, SUITE, 1));
    assert_eq!(profile(&crcx(&mut lab, &text)), Profile::Avp);
    assert_eq!(lab.gateway.counters().crypto_skipped, 1);
}

#[test]
fn a_gateway_that_makes_its_own_keys_takes_none() {
    let mut own = config();
    own.srtp.transmit_key = TransmitKey::Gateway;
    let mut lab = Lab::new(own);
    assert_eq!(code(&crcx(&mut lab, &txkey(SUITE, 1))), 525);
    ours(&crcx(&mut lab, &remote(&[&crypto(1, SUITE, 1)])));
}

#[test]
fn long_keys_and_gcm_pass_too() {
    for suite in srtp::Suite::ALL.into_iter().filter(|suite| !suite.is_null()) {
        let mut lab = Lab::new(Config { rtcp: RtcpPolicy::LikeRtp, ..config() });
        let octets = vec![7; suite.master_key_len() + suite.master_salt_len()];
        let key = mgcp::sdp::KeySalt::new(&octets).unwrap();
        let line = CryptoAttribute::new(mgcp::sdp::CryptoSuite::from_name(suite.name()), key);
        let mut text = String::new();
        line.write(&mut text).unwrap();
        let a = crcx(&mut lab, &remote(&[&text]));
        assert_eq!(ours(&a).suite.name(), suite.name());
        assert_eq!(suites(&lab, &id(&a)), [Some(suite.name()); 2]);
        assert_eq!(lab.spec(&id(&a)).rtcp, RtcpPolicy::LikeRtp);
    }
}

#[test]
fn audits_and_reports_hold_no_keys() {
    let mut lab = Lab::new(config());
    let ia =
        id(&crcx(&mut lab, &format!("{}{}", txkey(SUITE, 2), remote(&[&crypto(1, SUITE, 1)]))));
    let text = format!("AUCX # pr/1@relay1 MGCP 1.0\nI: {ia}\nF: C, M, L, N, RC, LC, P");
    let audit = lab.ask(&text);
    assert_eq!(code(&audit), 200);
    let [local, remote] = audit.bodies.as_slice() else { panic!("two descriptions") };
    assert!(local.expose().contains("RTP/SAVP") && remote.expose().contains("10.1.0.5"));
    assert!(!local.expose().contains("crypto") && !remote.expose().contains("crypto"));
    let keyed = audit.params.extensions.iter().find(|e| &*e.name == "X-KEYED").unwrap();
    assert_eq!(keyed.value.expose(), "tx,rx");
    assert_eq!(audit.params.call.unwrap().as_str(), "A");
    assert!(audit.params.statistics.is_some());
    let shown = format!("{:?}{:?}", lab.gateway.snapshot(), lab.gateway.counters());
    assert!(shown.contains(SUITE) && !shown.contains("inline") && !shown.contains("[2, 2"));
    // Only the remote one: the local one is an empty description.
    let audit = lab.ask(&format!("AUCX # pr/1@relay1 MGCP 1.0\nI: {ia}\nF: RC"));
    assert_eq!(audit.bodies[0].expose(), "v=0\r\n");
    assert_eq!(audit.bodies.len(), 2);
}
