//! Keys, and the paths that they come and go over.

mod common;

use common::*;
use engine::command::Protection;
use mgcp::Response;
use ringfence_gateway::{Config, KeyPolicy};

const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";
const CONFLICT: u16 = 506;

fn lab(policy: KeyPolicy) -> Lab {
    Lab::new(Config { key_policy: policy, ..config() })
}

fn crcx(lab: &mut Lab, endpoint: u8, rest: &str) -> Response {
    lab.ask(&format!("CRCX # pr/{endpoint}@relay1 MGCP 1.0\nC: A\nM: recvonly\n{rest}"))
}

fn id(response: &Response) -> String {
    assert_eq!(code(response), 200, "{response:?}");
    response.params.connections[0].to_string()
}

fn keys(octet: u8) -> String {
    format!("\n{}", savp("10.1.0.5", 4000, &[&crypto(1, SUITE, octet)]))
}

fn has_keys(response: &Response) -> bool {
    response.bodies.iter().any(|body| body.expose().contains("inline:"))
}

fn is_secure(lab: &Lab, id: &str) -> bool {
    let spec = lab.spec(id);
    [&spec.receive, &spec.send].iter().all(|p| matches!(p, Protection::Srtp(_)))
}

fn packages(lab: &mut Lab) -> String {
    let answer = lab.ask("AUEP # pr/1@relay1 MGCP 1.0\nF: A\n");
    format!("{:?}", answer.params.capabilities)
}

// R: MGCP-04
#[test]
fn required_cover_lets_no_key_in_or_out_in_clear() {
    let mut lab = lab(KeyPolicy::Require);
    assert!(!packages(&mut lab).contains("SRTP"));
    // Brought by the agent, asked of us, or given for us to send with.
    for rest in [
        keys(1),
        "L: x-srtp:on\n".to_owned(),
        format!("L: x+srtptx:\"{SUITE} inline:{}\"\n", key(2)),
    ] {
        let answer = crcx(&mut lab, 1, &rest);
        assert_eq!(code(&answer), CONFLICT, "{rest}");
        assert!(!has_keys(&answer));
    }
    assert_eq!(lab.gateway.counters().keys_refused, 3);
    assert_eq!(lab.engine.legs.len(), 0, "a refused command changes nothing");
    // Plain calls need no cover.
    let plain = crcx(&mut lab, 1, "");
    assert!(!has_keys(&plain) && !is_secure(&lab, &id(&plain)));

    lab.covered = true;
    assert!(packages(&mut lab).contains("SRTP"));
    let secure = crcx(&mut lab, 2, &keys(1));
    assert!(has_keys(&secure) && is_secure(&lab, &id(&secure)));
    assert_eq!(lab.gateway.counters().keys_refused, 3);
}

/// The keys of a call are out already: it goes on when the cover is gone, and gets no others.
// R: MGCP-04
#[test]
fn a_call_outlives_its_cover_without_new_keys() {
    let mut lab = lab(KeyPolicy::Require);
    lab.covered = true;
    let connection = id(&crcx(&mut lab, 1, &keys(1)));
    lab.covered = false;
    let mut mdcx = |rest: &str| {
        let answer =
            lab.ask(&format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {connection}\n{rest}"));
        (code(&answer), has_keys(&answer), is_secure(&lab, &connection))
    };
    assert_eq!(mdcx("M: sendrecv\n"), (200, false, true));
    assert_eq!(mdcx(&keys(1)), (200, false, true), "nothing new");
    assert_eq!(mdcx(&keys(3)), (CONFLICT, false, true));
    let plain = "\nv=0\nc=IN IP4 10.1.0.5\nm=audio 4000 RTP/AVP 0\n";
    let (code, keys, secure) = mdcx(plain);
    assert_eq!((code, keys, secure), (200, false, false), "it may become RTP");
    assert_eq!(lab.gateway.counters().keys_refused, 1);
}

/// Whatever comes while it waits, and over whichever path.
#[test]
fn a_command_that_waits_is_judged_by_its_own_path() {
    for covered in [true, false] {
        let mut lab = lab(KeyPolicy::Require);
        let connection = id(&crcx(&mut lab, 1, ""));
        let mdcx = format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {connection}\n");
        lab.engine.held = true;
        lab.send(&format!("{mdcx}M: inactive\n"));
        lab.pass(2 * LATENCY);
        lab.covered = covered;
        let waits = lab.send(&format!("{mdcx}{}", keys(1)));
        lab.pass(2 * LATENCY);
        lab.covered = !covered;
        lab.send("AUEP # pr/2@relay1 MGCP 1.0\n");
        lab.pass(2 * LATENCY);
        lab.engine.held = false;
        lab.exchange();
        let answer = lab.answer_to(waits);
        assert_eq!(code(&answer), if covered { 200 } else { CONFLICT });
        assert_eq!(is_secure(&lab, &connection), covered);
    }
}

#[test]
fn other_policies_let_keys_pass_and_one_counts_them() {
    for (policy, counted) in [(KeyPolicy::Prefer, 1), (KeyPolicy::TrustedPath, 0)] {
        let mut lab = lab(policy);
        assert!(packages(&mut lab).contains("SRTP"));
        let clear = crcx(&mut lab, 1, &keys(1));
        assert!(has_keys(&clear));
        lab.covered = true;
        assert!(has_keys(&crcx(&mut lab, 2, &keys(2))));
        let counters = lab.gateway.counters();
        assert_eq!((counters.keys_in_clear, counters.keys_refused), (counted, 0));
    }
}
