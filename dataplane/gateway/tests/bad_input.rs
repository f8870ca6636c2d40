//! Datagrams nobody should send.

mod common;

use common::*;
use proptest::prelude::*;

#[test]
fn bad_datagrams_get_the_code_of_the_rfc_or_nothing() {
    let mut lab = Lab::new(config());
    let long = [&b"AUEP 1 pr/1@relay1 MGCP 1.0\r\nX-A: "[..], &[b'x'; 100_000]].concat();
    let lines = format!("AUEP 6 pr/1@relay1 MGCP 1.0\r\n{}", "X-A: 1\r\n".repeat(200));
    for (datagram, answer) in [
        (&b"CRCX 1 pr/1@rel"[..], Some("510 1 ")),
        (b"CRCX 2 pr/1@relay1 MGCP 1.0\r\nC: A\r\nM: rec", Some("517 2 ")),
        (b"CRCX 3", Some("510 3 ")),
        (b"CRC", None),
        (b"FROB 4 pr/1@relay1 MGCP 1.0\r\n", Some("504 4 ")),
        (b"CRCX 5 nobody/1@relay1 MGCP 1.0\r\nC: A\r\nM: inactive\r\n", Some("500 5 ")),
        (&long, None),
        (lines.as_bytes(), Some("510 6 ")),
        (b"CRCX 7 pr/1\0@relay1 MGCP 1.0\r\nC: A\r\nM: inactive\r\n", None),
        (b"CRCX 8 pr/1@relay1 MGCP 1.0\r\nC: A\0\r\nM: inactive\r\n", Some("510 8 ")),
        (b"\0\0\0\0\0\0\0\0", None),
        (b"\r\n\r\n", None),
        (b"", None),
        (b"CRCX 9 pr/1@relay1 MGCP 9.9\r\nC: A\r\nM: inactive\r\n", Some("528 9 ")),
        (b"CRCX 10 pr/1@relay1 MGCP 1.0\r\nC: A\r\nC: A\r\nM: inactive\r\n", Some("510 10 ")),
    ] {
        let bad = |lab: &Lab| {
            let counters = lab.gateway.counters();
            let transactions = counters.transactions;
            transactions.datagrams_dropped + transactions.malformed + counters.refused_permanent
        };
        let before = bad(&lab);
        let answers = lab.raw(datagram);
        let start = String::from_utf8_lossy(&datagram[..datagram.len().min(40)]);
        match answer {
            None => assert!(answers.is_empty(), "{start}: {answers:?}"),
            Some(code) => {
                assert_eq!(answers.len(), 1, "{start}");
                assert!(answers[0].starts_with(code), "{start}: {answers:?}");
            }
        }
        assert_eq!(bad(&lab), before + 1, "{start} is counted");
        lab.pass(std::time::Duration::from_secs(2));
    }
    assert!(lab.engine.legs.is_empty());
}

#[test]
fn a_duplicate_transaction_is_executed_once() {
    let mut lab = Lab::new(config());
    let crcx = b"CRCX 77 pr/$@relay1 MGCP 1.0\r\nC: A\r\nM: recvonly\r\nL: x-srtp:on\r\n";
    let first = lab.raw(crcx);
    assert!(first[0].starts_with("200 77 ") && first[0].contains("inline:"));
    for _ in 0..10 {
        assert_eq!(lab.raw(crcx), first);
    }
    assert_eq!(lab.engine.legs.len(), 1);
}

#[test]
fn strangers_are_not_heard() {
    let mut lab = Lab::new(config());
    let audit = b"AUEP 1 pr/1@relay1 MGCP 1.0\r\n";
    assert!(lab.raw_from("10.66.6.6:2427".parse().unwrap(), audit).is_empty());
    assert_eq!(lab.gateway.counters().strangers, 1);
    assert_eq!(lab.gateway.counters().transactions.datagrams_received, 0);
    // Any port of a call agent will do, and is answered where it is.
    assert_eq!(lab.raw_from("10.9.0.1:49152".parse().unwrap(), audit).len(), 1);
}

#[derive(Clone, Debug)]
enum Step {
    Create(u8, u8, bool),
    Modify(u8, u8),
    Delete(u8),
    DeleteAll(u8),
    Hold(bool),
    Refuse,
    Wait(u16),
    Event(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4u8, any::<u8>(), any::<bool>()).prop_map(|(n, k, s)| Step::Create(n, k, s)),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(c, k)| Step::Modify(c, k)),
        2 => any::<u8>().prop_map(Step::Delete),
        1 => (0..4u8).prop_map(Step::DeleteAll),
        1 => any::<bool>().prop_map(Step::Hold),
        1 => Just(Step::Refuse),
        1 => (0..25_000u16).prop_map(Step::Wait),
        1 => any::<u8>().prop_map(Step::Event),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a call agent does, the books of gateway and engine agree, and all of it can be
    /// taken down again.
    #[test]
    fn books_agree_after_any_commands(steps in proptest::collection::vec(step(), 1..60)) {
        let on_key_exhausted = ringfence_gateway::OnKeyExhausted::Delete;
        let mut lab = Lab::new(ringfence_gateway::Config { on_key_exhausted, ..config() });
        let suite = "AES_CM_128_HMAC_SHA1_80";
        for step in steps {
            let connections = lab.gateway.snapshot().connections;
            let pick = |n: u8| connections.get(usize::from(n) % connections.len().max(1)).cloned();
            match step {
                Step::Create(n, octet, secure) => {
                    let endpoint = if n == 0 { "pr/$".into() } else { format!("pr/{n}") };
                    let sdp = match secure {
                        true => savp("10.1.0.5", 4000, &[&crypto(1, suite, octet)]),
                        false => avp("10.1.0.5", 4000),
                    };
                    lab.send(&format!("CRCX # {endpoint}@relay1 MGCP 1.0\nC: {n}\nM: sendrecv\n\n{sdp}"));
                }
                Step::Modify(n, octet) => if let Some(c) = pick(n) {
                    let sdp = savp("10.1.0.6", 4000, &[&crypto(1, suite, octet)]);
                    let text = format!("MDCX # {}@relay1 MGCP 1.0\nC: {}\nI: {}\n\n{sdp}", c.endpoint, c.call, c.connection);
                    lab.send(&text);
                },
                Step::Delete(n) => if let Some(c) = pick(n) {
                    lab.send(&format!("DLCX # {}@relay1 MGCP 1.0\nI: {}", c.endpoint, c.connection));
                },
                Step::DeleteAll(n) => {
                    let endpoint = if n == 0 { "*".into() } else { format!("pr/{n}") };
                    lab.send(&format!("DLCX # {endpoint}@relay1 MGCP 1.0"));
                }
                Step::Hold(held) => {
                    lab.engine.held = held;
                    lab.exchange();
                }
                Step::Refuse => lab.engine.refuse = Some(engine::command::Refusal::Full),
                Step::Wait(ms) => lab.pass(std::time::Duration::from_millis(ms.into())),
                Step::Event(n) => if let Some(c) = pick(n) {
                    lab.event(engine::command::Event::KeyExhausted(c.leg));
                },
            }
            lab.pass(std::time::Duration::from_millis(20));
            if !lab.engine.held {
                check_books(&lab);
            }
        }
        lab.engine.held = false;
        lab.engine.refuse = None;
        lab.exchange();
        lab.pass(std::time::Duration::from_secs(100));
        prop_assert_eq!(code(&lab.ask("DLCX # *@relay1 MGCP 1.0")), 250);
        lab.pass(std::time::Duration::from_secs(100));
        check_books(&lab);
        let snapshot = lab.gateway.snapshot();
        prop_assert!(lab.engine.legs.is_empty());
        prop_assert_eq!((snapshot.port_pairs, snapshot.keys, snapshot.commands_open), (0, 0, 0));
        prop_assert_eq!(lab.gateway.poll_timeout(), None, "nothing is remembered for ever");
    }
}

fn check_books(lab: &Lab) {
    let snapshot = lab.gateway.snapshot();
    assert_eq!(snapshot.commands_open, 0);
    assert_eq!(snapshot.port_pairs, snapshot.connections.len());
    assert_eq!(lab.engine.legs.len(), snapshot.connections.len());
    for connection in &snapshot.connections {
        let (_, spec) = &lab.engine.legs[&connection.leg];
        assert_eq!((spec.local, spec.remote), (connection.local, connection.remote));
        assert_eq!(is_srtp(&spec.receive), connection.receive.is_some());
    }
}
