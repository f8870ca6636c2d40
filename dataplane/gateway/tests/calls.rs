//! Calls from beginning to end.

mod common;

use std::time::Duration;

use common::*;
use engine::command::{LegStats, Mode, RtcpPolicy};
use mgcp::sdp::{Profile, SessionDescription};
use ringfence_gateway::Config;

const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";

fn local(response: &mgcp::Response) -> SessionDescription {
    SessionDescription::parse(response.bodies[0].expose()).unwrap()
}

fn connection_id(response: &mgcp::Response) -> String {
    response.params.connections[0].to_string()
}

// R: MED-04
#[test]
fn an_srtp_call_is_bridged_to_rtp_and_back_down() {
    let mut lab = Lab::new(config());
    let offer = savp("10.1.0.5", 20000, &[&crypto(1, SUITE, 1)]);
    let a =
        lab.ask(&format!("CRCX # pr/$@relay1 MGCP 1.0\nC: A1\nM: recvonly\nL: p:20\n\n{offer}"));
    assert_eq!(code(&a), 200);
    let endpoint = a.params.endpoints[0].to_string();
    let description = local(&a);
    assert_eq!(description.media[0].profile, Profile::Savp);
    assert_eq!(description.connection.unwrap().to_string(), "10.1.0.1", "by the peer's prefix");

    let b = lab.ask(&format!(
        "CRCX # {endpoint} MGCP 1.0\nC: A1\nM: sendrecv\nL: t:B8\n\n{}",
        avp("192.0.2.9", 30000)
    ));
    assert_eq!(code(&b), 200);
    assert!(b.params.endpoints.is_empty(), "Z only answers a wildcard");
    assert_eq!(local(&b).connection.unwrap().to_string(), "192.0.2.1");
    let (ia, ib) = (connection_id(&a), connection_id(&b));
    let m = lab.ask(&format!("MDCX # {endpoint} MGCP 1.0\nC: A1\nI: {ia}\nM: sendrecv"));
    assert_eq!((code(&m), m.bodies.len()), (200, 0), "nothing in our description changed");

    let (sa, sb) = (lab.spec(&ia), lab.spec(&ib));
    assert!(is_srtp(&sa.receive) && is_srtp(&sa.send));
    assert!(!is_srtp(&sb.receive) && !is_srtp(&sb.send));
    assert_eq!((sa.mode, sb.mode, sb.dscp), (Mode::SendRecv, Mode::SendRecv, Some(46)));
    assert_eq!((sa.rtcp, sb.rtcp), (RtcpPolicy::Off, RtcpPolicy::Clear));
    assert_eq!(sa.remote, Some("10.1.0.5:20000".parse().unwrap()));
    let relays: Vec<_> = lab.engine.legs.values().map(|(relay, _)| *relay).collect();
    assert_eq!(relays[0], relays[1]);

    let third = lab.ask(&format!("CRCX # {endpoint} MGCP 1.0\nC: A1\nM: inactive"));
    assert_eq!(code(&third), 540);

    lab.engine.stats = LegStats {
        packets_sent: 10,
        octets_sent: 1600,
        packets_received: 2_000_000_000,
        jitter_us: 27_500,
        ..LegStats::default()
    };
    let d = lab.ask(&format!("DLCX # {endpoint} MGCP 1.0\nC: A1\nI: {ia}"));
    assert_eq!(code(&d), 250);
    let p = d.params.statistics.unwrap();
    assert_eq!((p.packets_sent, p.octets_sent), (Some(10), Some(1600)));
    assert_eq!((p.packets_received, p.jitter_ms), (Some(999_999_999), Some(27)));
    let d = lab.ask(&format!("DLCX # {endpoint} MGCP 1.0\nC: A1"));
    assert_eq!((code(&d), d.params.statistics), (250, None));
    assert!(lab.engine.legs.is_empty());
    let gone = lab.ask(&format!("AUEP # {endpoint} MGCP 1.0"));
    assert_eq!(code(&gone), 500, "the endpoint went with its last connection");
}

#[test]
fn ten_thousand_calls_leave_nothing_behind() {
    let mut networks = config().networks;
    networks.truncate(1);
    let mut lab = Lab::new(Config { networks, endpoints: 2000, ..config() });
    for round in 0..10 {
        let mut calls = Vec::new();
        for call in 0..1000u16 {
            let mut key = [9; 30];
            key[..2].copy_from_slice(&call.to_be_bytes());
            key[2] = round;
            let sdp = savp("10.1.0.5", 20000, &[&crypto_of(&key)]);
            let c =
                lab.ask(&format!("CRCX # pr/$@relay1 MGCP 1.0\nC: {call:X}\nM: recvonly\n\n{sdp}"));
            assert_eq!(code(&c), 200);
            let endpoint = c.params.endpoints[0].to_string();
            let sdp = avp("10.1.0.6", 20000);
            let text = format!("CRCX # {endpoint} MGCP 1.0\nC: {call:X}\nM: sendrecv\n\n{sdp}");
            assert_eq!(code(&lab.ask(&text)), 200);
            calls.push((endpoint, call));
        }
        assert_eq!(lab.gateway.snapshot().port_pairs, 2000);
        for (endpoint, call) in calls {
            let text = format!("DLCX # {endpoint} MGCP 1.0\nC: {call:X}");
            assert_eq!(code(&lab.ask(&text)), 250);
        }
        // Names made by `$` rest before they come again.
        lab.pass(Duration::from_secs(31));
    }
    let snapshot = lab.gateway.snapshot();
    assert!(snapshot.connections.is_empty() && lab.engine.legs.is_empty());
    assert_eq!((snapshot.port_pairs, snapshot.keys, snapshot.commands_open), (0, 0, 0));
    let counters = lab.gateway.counters();
    assert_eq!(counters.connections_created, 20_000);
    assert_eq!(counters.connections_deleted, 20_000);
}

#[test]
fn endpoints_in_use_are_listed_page_by_page() {
    let mut lab = Lab::new(Config { endpoints: 10_000, ..config() });
    for number in (3..=300).step_by(3) {
        let made = lab.ask(&format!("CRCX # pr/{number}@relay1 MGCP 1.0\nC: A\nM: inactive"));
        assert_eq!(code(&made), 200);
    }
    let mut list = |first: &str, of: &str| {
        let answer = lab.ask(&format!("AUEP # {of}@relay1 MGCP 1.0\nX-InUse: {first}"));
        let names = answer.params.endpoints.iter().map(|name| name.local().to_owned());
        let next = answer.params.extensions.first().map(|it| it.value.expose().to_owned());
        (code(&answer), names.collect::<Vec<_>>(), next)
    };
    let (_, names, next) = list("1", "pr/*");
    assert_eq!((names.len(), &*names[0], next.as_deref()), (90, "pr/3", Some("273")));
    let (_, names, next) = list("273", "pr/*");
    assert_eq!((names.len(), &*names[9], next.as_deref()), (10, "pr/300", Some("0")));
    assert_eq!(list("1", "pr/[1-5]"), (200, vec!["pr/3".to_owned()], Some("0".to_owned())));
    assert_eq!(list("301", "pr/*"), (200, vec![], Some("0".to_owned())));
    // What is no number asks for nothing: all of them are too many.
    assert_eq!(list("all", "pr/*").0, 533);
}
