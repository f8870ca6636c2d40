//! What is refused, with which code, and that a refusal changes nothing.

mod common;

use common::*;
use engine::command::Refusal;
use ringfence_gateway::Config;

const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";

/// The state a refusal must leave alone.
fn state(lab: &Lab) -> (String, usize, usize, usize, String) {
    let snapshot = lab.gateway.snapshot();
    let connections = format!("{:?}", snapshot.connections);
    let mut specs: Vec<_> = lab.engine.legs.iter().map(|(l, s)| format!("{l:?}{s:?}")).collect();
    specs.sort();
    let open = snapshot.commands_open;
    (connections, snapshot.port_pairs, snapshot.keys, open, specs.join("\n"))
}

/// A lab with a half-made call: connection `a` on `pr/1`.
fn lab_with_connection(config: Config) -> (Lab, String) {
    let mut lab = Lab::new(config);
    let text =
        format!("CRCX # pr/1@relay1 MGCP 1.0\nC: A\nM: sendrecv\n\n{}", avp("10.1.0.5", 4000));
    let response = lab.ask(&text);
    assert_eq!(code(&response), 200);
    let id = response.params.connections[0].to_string();
    (lab, id)
}

#[test]
fn crcx() {
    let (mut lab, _) = lab_with_connection(config());
    let before = state(&lab);
    let sdp = |text: &str| format!("C: A\nM: recvonly\n\n{text}");
    let media = |m: &str| sdp(&format!("v=0\nc=IN IP4 10.1.0.5\n{m}"));
    for (endpoint, body, expected) in [
        ("pr/0@relay1", "C: A\nM: recvonly".into(), 500),
        ("pr/01@relay1", "C: A\nM: recvonly".into(), 500),
        ("pr/10001@relay1", "C: A\nM: recvonly".into(), 500),
        ("aaln/1@relay1", "C: A\nM: recvonly".into(), 500),
        ("pr/2/3@relay1", "C: A\nM: recvonly".into(), 500),
        ("aaln/$@relay1", "C: A\nM: recvonly".into(), 500),
        ("pr/*@relay1", "C: A\nM: recvonly".into(), 503),
        ("pr/[1-4]@relay1", "C: A\nM: recvonly".into(), 503),
        ("mg@relay1", "C: A\nM: recvonly".into(), 507),
        ("pr/2@relay1", "C: A\nM: recvonly\nZ2: pr/3@relay1".into(), 507),
        ("pr/2@relay1", "C: A\nM: confrnce".into(), 517),
        ("pr/2@relay1", "C: A\nM: loopback".into(), 517),
        ("pr/2@relay1", "C: A\nM: conttest".into(), 517),
        ("pr/2@relay1", "C: A\nM: data".into(), 517),
        ("pr/2@relay1", "C: A\nM: sendonly".into(), 527),
        ("pr/2@relay1", "C: A\nM: sendrecv".into(), 527),
        ("pr/2@relay1", "C: A\nM: netwloop".into(), 527),
        ("pr/2@relay1", "C: A\nM: netwtest".into(), 527),
        ("pr/2@relay1", "C: A\nM: recvonly\nX+NEW: 1".into(), 511),
        ("pr/2@relay1", "C: A\nM: recvonly\nFOO/BAR: 1".into(), 518),
        ("pr/2@relay1", "C: A\nM: recvonly\nR/BAR: 1".into(), 511),
        ("pr/2@relay1", "C: A\nM: recvonly\nN: ca@elsewhere".into(), 510),
        // Options.
        ("pr/2@relay1", "C: A\nM: recvonly\nL: a:opus".into(), 534),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: a:telephone-event".into(), 534),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: p:500".into(), 535),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: p:5".into(), 535),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: gc:3".into(), 532),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: r:g".into(), 532),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: nt:ATM".into(), 532),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: k:clear:x".into(), 532),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: x-net:moon".into(), 532),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: x-srtp:maybe".into(), 532),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: x+new:1".into(), 525),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: fxr/fx:t38".into(), 518),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: R/x:1".into(), 541),
        ("pr/2@relay1", "C: A\nM: recvonly\nL: b:10, a:PCMU".into(), 526),
        (
            "pr/2@relay1",
            format!("C: A\nM: recvonly\nL: b:10, a:PCMU\n\n{}", avp("10.1.0.5", 4000)),
            506,
        ),
        // Session descriptions.
        ("pr/2@relay1", sdp("no description"), 509),
        ("pr/2@relay1", sdp("v=0\nc=IN IP4 10.1.0.5"), 509),
        ("pr/2@relay1", media("m=audio 0 RTP/AVP 0"), 509),
        ("pr/2@relay1", media("m=audio x RTP/AVP 0"), 509),
        ("pr/2@relay1", media("m=audio 4000 RTP/AVP 200"), 509),
        ("pr/2@relay1", media("m=audio 4000 RTP/AVP"), 509),
        ("pr/2@relay1", media("m=audio 4000 RTP/AVP 0\na=rtpmap:0 /"), 509),
        ("pr/2@relay1", sdp("v=0\nm=audio 4000 RTP/AVP 0"), 509),
        ("pr/2@relay1", media("m=audio 4000 RTP/AVP 0\nm=audio 4002 RTP/AVP 0"), 505),
        ("pr/2@relay1", media("m=video 4000 RTP/AVP 31"), 505),
        ("pr/2@relay1", media("m=image 4000 udptl t38"), 505),
        ("pr/2@relay1", media("m=audio 4000/2 RTP/AVP 0"), 505),
        ("pr/2@relay1", sdp("v=0\nc=IN IP4 host.example\nm=audio 4000 RTP/AVP 0"), 505),
        ("pr/2@relay1", sdp("v=0\nc=IN IP4 239.1.1.1\nm=audio 4000 RTP/AVP 0"), 505),
        ("pr/2@relay1", sdp("v=0\nc=ATM X 1\nm=audio 4000 RTP/AVP 0"), 505),
        ("pr/2@relay1", format!("C: A\nM: recvonly\nL: a:G729\n\n{}", avp("10.1.0.5", 4000)), 534),
        // Requests on board.
        ("pr/2@relay1", "C: A\nM: recvonly\nX: 1\nR: L/hd(N)".into(), 518),
        ("pr/2@relay1", "C: A\nM: recvonly\nX: 1\nR: R/uc(N)".into(), 512),
        ("pr/2@relay1", "C: A\nM: recvonly\nX: 1\nR: R/zz(N)".into(), 522),
        ("pr/2@relay1", "C: A\nM: recvonly\nX: 1\nR: R/ma(S)".into(), 523),
        ("pr/2@relay1", "C: A\nM: recvonly\nX: 1\nR: R/rto(N)(soon)".into(), 538),
        ("pr/2@relay1", "C: A\nM: recvonly\nX: 1\nR: R/ma(N)(30)".into(), 538),
        ("pr/2@relay1", "C: A\nM: recvonly\nX: 1\nS: L/dl".into(), 518),
        ("pr/2@relay1", "C: A\nM: recvonly\nX: 1\nS: R/co1".into(), 513),
        ("pr/2@relay1", "C: A\nM: recvonly\nX: 1\nS: R/zz".into(), 522),
        ("pr/2@relay1", "C: A\nM: recvonly\nX: 1\nT: L/hd".into(), 518),
    ] {
        let response = lab.ask(&format!("CRCX # {endpoint} MGCP 1.0\n{body}"));
        assert_eq!(code(&response), expected, "{endpoint} {body}: {response:?}");
        assert_eq!(response.params.packages.is_some(), expected == 518, "518 lists packages");
        assert_eq!(state(&lab), before, "{endpoint} {body}");
    }
    let second = lab.ask("CRCX # pr/1@relay1 MGCP 1.0\nC: A\nM: inactive");
    assert_eq!(code(&second), 200);
    let third = lab.ask("CRCX # pr/1@relay1 MGCP 1.0\nC: A\nM: inactive");
    assert_eq!(code(&third), 540);
}

#[test]
fn mdcx_dlcx_aucx() {
    let (mut lab, id) = lab_with_connection(config());
    let before = state(&lab);
    for (text, expected) in [
        (format!("MDCX # pr/1@relay1 MGCP 1.0\nC: B\nI: {id}"), 516),
        ("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: FFFFFF".into(), 515),
        (format!("MDCX # pr/2@relay1 MGCP 1.0\nC: A\nI: {id}"), 515),
        (format!("MDCX # pr/*@relay1 MGCP 1.0\nC: A\nI: {id}"), 503),
        (format!("MDCX # pr/$@relay1 MGCP 1.0\nC: A\nI: {id}"), 503),
        (format!("MDCX # mg@relay1 MGCP 1.0\nC: A\nI: {id}"), 507),
        (format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\nM: confrnce"), 517),
        (format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\nL: x-net:outside"), 532),
        (format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\nL: a:G729"), 534),
        (
            format!(
                "MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\n\nv=0\nc=IN IP6 2001:db8:1::5\nm=audio 4000 RTP/AVP 0"
            ),
            505,
        ),
        (format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\n\nv=1"), 509),
        (format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\nL: x-srtp:on"), 506),
        (format!("DLCX # pr/1@relay1 MGCP 1.0\nC: B\nI: {id}"), 516),
        ("DLCX # pr/1@relay1 MGCP 1.0\nC: B".into(), 516),
        ("DLCX # pr/1@relay1 MGCP 1.0\nC: A\nI: FFFFFF".into(), 515),
        (format!("DLCX # *@relay1 MGCP 1.0\nC: A\nI: {id}"), 503),
        ("DLCX # pr/$@relay1 MGCP 1.0\nC: A".into(), 503),
        ("DLCX # mg@relay1 MGCP 1.0".into(), 507),
        ("DLCX # aaln/*@relay1 MGCP 1.0".into(), 500),
        ("DLCX # pr/*@relay1 MGCP 1.0\nX: 1\nR: R/ma".into(), 503),
        ("AUCX # pr/1@relay1 MGCP 1.0\nI: FFFFFF\nF: C".into(), 515),
        (format!("AUCX # *@relay1 MGCP 1.0\nI: {id}\nF: C"), 503),
        ("AUEP # pr/99999@relay1 MGCP 1.0".into(), 500),
        ("AUEP # pr/$@relay1 MGCP 1.0".into(), 503),
        ("AUEP # *@relay1 MGCP 1.0".into(), 533),
        ("RQNT # mg@relay1 MGCP 1.0\nX: 1\nR: R/ma".into(), 512),
        ("RQNT # pr/$@relay1 MGCP 1.0\nX: 1".into(), 503),
        ("NTFY # pr/1@relay1 MGCP 1.0\nX: 1\nO: R/ma".into(), 504),
        ("RSIP # pr/1@relay1 MGCP 1.0\nRM: restart".into(), 504),
    ] {
        let response = lab.ask(&text);
        assert_eq!(code(&response), expected, "{text}: {response:?}");
        assert_eq!(state(&lab), before, "{text}");
    }
}

#[test]
fn what_is_harmless_is_accepted() {
    let (mut lab, id) = lab_with_connection(config());
    for (text, expected) in [
        ("EPCF # *@relay1 MGCP 1.0\nB: e:mu".into(), 200),
        ("EPCF # pr/1@other MGCP 0.1".into(), 200),
        ("AUEP # pr/7@relay1 MGCP 1.0".into(), 200),
        ("AUEP # mg@relay1 MGCP 1.0\nF: PL".into(), 200),
        ("RQNT # pr/7@relay1 MGCP 1.0\nX: 1".into(), 200),
        ("RQNT # mg@relay1 MGCP 1.0\nX: 1".into(), 200),
        ("RQNT # pr/7@relay1 MGCP 1.0\nX: 1\nD: (xx.T)\nR: all".into(), 200),
        ("DLCX # pr/7@relay1 MGCP 1.0".into(), 250),
        ("CRCX # PR/8@RELAY1 MGCP 1.0\nc: a\nm: INACTIVE\nX-Y: z\nSRTP/Q: 1\nL: x-new:1, SRTP/q:1, t:00, e:on, s:off, gc:auto, nt:IN, r:be, b:64-128".into(), 200),
        (format!("MDCX # pr/1@relay1 MGCP 1.0\nC: a\nI: {}\nM: inactive", id.to_lowercase()), 200),
        (format!("DLCX # pr/1@relay1 MGCP 1.0\nI: {id}"), 250),
    ] {
        let response = lab.ask(&text);
        assert_eq!(code(&response), expected, "{text}: {response:?}");
    }
    assert_eq!(lab.gateway.counters().extensions_ignored, 2);
}

#[test]
fn domains_are_checked_when_that_is_wanted() {
    let others = vec!["[10.9.0.2]".to_owned()];
    let mut lab = Lab::new(Config { validate_domain: true, other_domains: others, ..config() });
    assert_eq!(code(&lab.ask("AUEP # pr/1@RELAY1 MGCP 1.0")), 200);
    assert_eq!(code(&lab.ask("AUEP # pr/1@[10.9.0.2] MGCP 1.0")), 200);
    let response = lab.ask("AUEP # pr/1@relay2 MGCP 1.0");
    assert_eq!(code(&response), 500);
    let text = response.text.unwrap();
    assert_eq!(&*text, "Endpoint name contains an invalid host or domain");
}

#[test]
fn dialects_can_be_left_out() {
    let mut lab = Lab::new(Config { versions: vec![mgcp::Version::V1_0], ..config() });
    assert_eq!(code(&lab.ask("AUEP # pr/1@relay1 MGCP 1.0")), 200);
    assert_eq!(code(&lab.ask("AUEP # pr/1@relay1 MGCP 0.1")), 528);
}

#[test]
fn without_srtp_nothing_of_it_is_known() {
    let mut plain = config();
    plain.srtp.enabled = false;
    let (mut lab, _) = lab_with_connection(plain);
    let secure = savp("10.1.0.5", 4000, &[&crypto(1, SUITE, 1)]);
    for (rest, expected) in [
        (format!("M: recvonly\n\n{secure}"), 505),
        ("M: recvonly\nL: x-srtp:on".into(), 532),
        (format!("M: recvonly\nL: x+srtptx:\"{SUITE} inline:{}\"", key(1)), 525),
        ("M: recvonly\nL: SRTP/x:1".into(), 518),
        ("M: recvonly\nSRTP/X: 1".into(), 518),
        ("M: recvonly\nL: x-srtp:optional".into(), 200),
    ] {
        let response = lab.ask(&format!("CRCX # pr/$@relay1 MGCP 1.0\nC: A\n{rest}"));
        assert_eq!(code(&response), expected, "{rest}: {response:?}");
    }
    let audit = lab.ask("AUEP # pr/1@relay1 MGCP 1.0\nF: A, PL");
    assert!(audit.params.packages.unwrap().iter().all(|package| &*package.name != "SRTP"));
    assert!(audit.params.capabilities[0].values("v").all(|package| package != "SRTP"));
}

#[test]
fn refusals_of_the_engine_are_passed_on_and_undone() {
    let (mut lab, id) = lab_with_connection(config());
    let secure = savp("10.1.0.6", 4000, &[&crypto(1, SUITE, 1)]);
    for (refusal, expected) in [
        (Refusal::Full, 403),
        (Refusal::PortFailed, 502),
        (Refusal::BadAddress, 505),
        (Refusal::AddressInUse, 400),
    ] {
        for text in [
            format!("CRCX # pr/$@relay1 MGCP 1.0\nC: A\nM: recvonly\n\n{secure}"),
            format!("CRCX # pr/1@relay1 MGCP 1.0\nC: A\nM: recvonly\n\n{secure}"),
            format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\n\n{secure}"),
        ] {
            let before = state(&lab);
            lab.engine.refuse = Some(refusal);
            assert_eq!(code(&lab.ask(&text)), expected, "{refusal} {text}");
            assert_eq!(state(&lab), before, "{refusal} {text}");
        }
    }
    // The key of the refused commands is as good as new.
    let text = format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\n\n{secure}");
    assert_eq!(code(&lab.ask(&text)), 200);
    assert_eq!(lab.gateway.counters().engine_refusals, 12);
}

#[test]
fn ports_and_endpoints_run_out() {
    let mut small = config();
    small.networks[0].ports = 16384..=16387;
    small.endpoints = 3;
    let mut lab = Lab::new(small);
    let v6 = "v=0\nc=IN IP6 2001:db8:1::5\nm=audio 4000 RTP/AVP 0";
    let text = |rest: &str| format!("CRCX # pr/$@relay1 MGCP 1.0\nC: A\nM: recvonly\n{rest}");
    assert_eq!(code(&lab.ask(&text(""))), 200);
    assert_eq!(code(&lab.ask(&text(&format!("\n{}", avp("10.1.0.5", 4000))))), 200);
    // IPv4 is used up; without a peer's address IPv6 is as good.
    assert_eq!(code(&lab.ask(&text(&format!("\n{}", avp("10.1.0.5", 4000))))), 403);
    let third = lab.ask(&text(&format!("\n{v6}")));
    assert_eq!(code(&third), 200);
    assert_eq!(code(&lab.ask(&text(""))), 410, "three endpoints are taken");
    let endpoint = &third.params.endpoints[0];
    assert_eq!(code(&lab.ask(&format!("CRCX # {endpoint} MGCP 1.0\nC: A\nM: inactive"))), 200);
    assert_eq!(code(&lab.ask(&format!("DLCX # {endpoint} MGCP 1.0\nC: A"))), 250);
    assert_eq!(code(&lab.ask(&text(""))), 410, "its name rests");
    lab.pass(std::time::Duration::from_secs(31));
    assert_eq!(code(&lab.ask(&text(""))), 200);
}
