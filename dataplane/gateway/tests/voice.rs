//! Voice endpoints: ladders of calls, requests and signals, against a call agent on a virtual clock.

mod common;

use std::time::Duration;

use common::*;
use engine::command::{Mode, Refusal};
use line::command::{Event, Mixing, Order, Slot};
use mgcp::sdp::{Profile, SessionDescription};
use mgcp::{Command, Response, Verb};
use ringfence_gateway::{Config, KeyPolicy};

const LINE: &str = "aaln/S2/SU0/0@Router2821.example.com";
const TRUNK: &str = "S0/SU0/DS1-0/1@Router2821.example.com";
const SUITE: &str = "AES_CM_128_HMAC_SHA1_32";

fn lab() -> Lab {
    Lab::new(voice_config())
}

fn observed(commands: &[Command]) -> Vec<String> {
    let told = |command: &Command| {
        assert_eq!(command.verb, Verb::Ntfy);
        let events = command.params.observed.iter().flatten().map(ToString::to_string);
        let id = command.params.request_id.unwrap();
        format!("{id}: {}", events.collect::<Vec<_>>().join(","))
    };
    commands.iter().map(told).collect()
}

impl Told for Lab {
    fn told(&mut self) -> Vec<String> {
        self.pass(Duration::from_millis(20));
        observed(&self.commands())
    }

    fn ok(&mut self, text: &str) -> Response {
        let response = self.ask(text);
        assert!(response.code.is_success(), "{text}: {response:?}");
        response
    }

    fn code(&mut self, text: &str) -> u16 {
        self.ask(text).code.value()
    }
}

trait Told {
    /// What the call agent was notified of.
    fn told(&mut self) -> Vec<String>;
    fn ok(&mut self, text: &str) -> Response;
    fn code(&mut self, text: &str) -> u16;
}

fn started(orders: &[(u32, Order)]) -> Vec<String> {
    let name = |order: &Order| match order {
        Order::Start { signal, .. } => Some(format!("+{signal}")),
        Order::Stop { signal, .. } => Some(format!("-{signal}")),
        _ => None,
    };
    orders.iter().filter_map(|(_, order)| name(order)).collect()
}

fn local(response: &Response) -> SessionDescription {
    SessionDescription::parse(response.bodies[0].expose()).unwrap()
}

fn id_of(response: &Response) -> String {
    response.params.connections[0].to_string()
}

#[test]
fn messages_of_the_field_are_answered_as_in_the_field() {
    let mut lab = lab();
    let raw = |lab: &mut Lab, text: &str| lab.raw(text.replace('\n', "\r\n").as_bytes());
    let rqnt = "RQNT 3 aaln/S2/SU0/0@Router2821.example.com MGCP 0.1\nR: L/hd(N)\nX:1\n";
    assert_eq!(raw(&mut lab, rqnt), ["200 3 OK\r\n"]);
    let crcx = "CRCX 945 S0/SU0/DS1-0/1@gw1.example MGCP 0.1\n\
                C: D000000002924996000000F500000001\nX: 1\nL: p:20, a:PCMU, s:off, t:00\n\
                M: recvonly\nR: D/[0-9ABCD*#]\nQ: process,loop\n";
    let answer = &raw(&mut lab, crcx)[0];
    assert!(answer.starts_with("200 945 OK\r\nI: "), "{answer}");
    assert!(answer.contains("\r\n\r\nv=0\r\n") && answer.contains(" RTP/AVP 0\r\n"), "{answer}");

    lab.gateway.handle_line_event(lab.now, line::command::LineId(0), Event::OffHook);
    let (to, notify) = lab.gateway.poll_datagram().unwrap();
    let notify = String::from_utf8(notify.to_vec()).unwrap();
    assert_eq!(to, AGENT.parse().unwrap());
    assert!(notify.starts_with("NTFY ") && notify.contains(" MGCP 0.1\r\n"), "{notify}");
    assert!(notify.contains("X: 1\r\n") && notify.contains("O: L/hd\r\n"), "{notify}");
}

// R: MGCP-01, MGCP-03
#[test]
fn a_secure_call_from_the_trunk_has_the_call_agents_keys_and_falls_back_and_returns() {
    let mut lab = lab();
    let k2 = key(2);
    let created = lab.ok(&format!(
        "CRCX # {TRUNK} MGCP 0.1\nC: A1\nL: p:20, a:PCMU, s:off, t:B8, \
         x+srtptx:\"{SUITE} inline:{k2}\"\nM: recvonly"
    ));
    let id = id_of(&created);
    let description = local(&created);
    assert_eq!(description.media[0].profile, Profile::Savp);
    assert!(created.bodies[0].expose().contains(&k2), "our key is the one we were given");
    let Some((2, Order::Connect { connection, .. })) = lab.orders().pop() else { panic!() };
    assert!(!connection.sends && connection.fresh);

    let phone = savp("10.1.0.5", 20000, &[&crypto(1, SUITE, 1)]);
    lab.ok(&format!("MDCX # {TRUNK} MGCP 0.1\nC: A1\nI: {id}\nM: sendrecv\n\n{phone}"));
    let spec = lab.spec(&id);
    assert!(is_srtp(&spec.receive) && is_srtp(&spec.send));
    assert_eq!(spec.mode, Mode::SendRecv);
    let inner: Vec<_> = lab.engine.legs.values().filter(|(_, s)| s.port.0 == 2).collect();
    assert_eq!(inner.len(), 1, "one leg leads to the telephone");
    assert!(!is_srtp(&inner[0].1.send) && inner[0].1.local.ip().is_loopback());
    lab.orders();

    // R: MGCP-02
    let music = avp("10.1.0.7", 30000);
    let hold = format!("MDCX # {TRUNK} MGCP 0.1\nC: A1\nI: {id}\nM: recvonly");
    lab.ok(&hold);
    assert!(is_srtp(&lab.spec(&id).send), "held, the contexts stay");
    let Some((2, Order::Connect { connection, .. })) = lab.orders().pop() else { panic!() };
    assert!(!connection.fresh);
    let plain =
        format!("MDCX # {TRUNK} MGCP 0.1\nC: A1\nI: {id}\nL: x-srtp:off\nM: sendrecv\n\n{music}");
    let answer = lab.ok(&plain);
    assert_eq!(local(&answer).media[0].profile, Profile::Avp);
    assert!(!is_srtp(&lab.spec(&id).send));
    let Some((2, Order::Connect { connection, .. })) = lab.orders().pop() else { panic!() };
    assert!(connection.fresh, "in clear nothing looks like before");

    let used = format!("MDCX # {TRUNK} MGCP 0.1\nC: A1\nI: {id}\nM: sendrecv\n\n{phone}");
    assert_eq!(lab.code(&used), 509, "a key is not used again");
    assert!(!is_srtp(&lab.spec(&id).send), "a refused command changes nothing");
    let fresh = savp("10.1.0.5", 20002, &[&crypto(1, SUITE, 3)]);
    let back = format!(
        "MDCX # {TRUNK} MGCP 0.1\nC: A1\nI: {id}\nL: x+srtptx:\"{SUITE} inline:{}\"\nM: sendrecv\n\n{fresh}",
        key(4)
    );
    assert_eq!(local(&lab.ok(&back)).media[0].profile, Profile::Savp);
    let Some((2, Order::Connect { connection, .. })) = lab.orders().pop() else { panic!() };
    assert!(connection.fresh && connection.sends);

    let deleted = lab.ok(&format!("DLCX # {TRUNK} MGCP 0.1\nC: A1\nI: {id}"));
    assert_eq!((code(&deleted), deleted.params.statistics.is_some()), (250, true));
    assert_eq!(lab.orders(), [(2, Order::Disconnect { slot: Slot(0) })]);
    assert!(lab.engine.legs.is_empty());
    assert_eq!((lab.gateway.snapshot().port_pairs, lab.gateway.snapshot().keys), (0, 0));
}

// R: MGCP-03, MED-02
#[test]
fn two_endpoints_that_call_each_other_share_their_keys_crosswise() {
    let mut lab = lab();
    let create = |lab: &mut Lab, endpoint, octet| {
        let txkey = format!("x+srtptx:\"{SUITE} inline:{}\"", key(octet));
        let created = format!("CRCX # {endpoint} MGCP 0.1\nC: A{octet}\nL: {txkey}\nM: recvonly");
        id_of(&lab.ok(&created))
    };
    let (a, b) = (create(&mut lab, LINE, 1), create(&mut lab, TRUNK, 2));
    let start = |endpoint: &str, call, id: &str, octet| {
        let peer = savp("10.1.0.1", 20000, &[&crypto(1, SUITE, octet)]);
        format!("MDCX # {endpoint} MGCP 0.1\nC: A{call}\nI: {id}\nM: sendrecv\n\n{peer}")
    };
    // Never what it sends itself.
    assert_eq!(lab.code(&start(LINE, 1, &a, 1)), 509);
    lab.ok(&start(LINE, 1, &a, 2));
    lab.ok(&start(TRUNK, 2, &b, 1));
    assert_eq!(lab.gateway.snapshot().keys, 4);
    // A key has one sender and one receiver, also when one of them is done with it.
    let third = LINE.replace("/0@", "/1@");
    let other = create(&mut lab, &third, 3);
    assert_eq!(lab.code(&start(&third, 3, &other, 1)), 509);
    lab.ok(&start(LINE, 1, &a, 4));
    assert_eq!(lab.code(&start(&third, 3, &other, 2)), 509);
    lab.ok(&format!("DLCX # {LINE} MGCP 0.1"));
    assert_eq!(lab.gateway.snapshot().keys, 3, "of two connections; one receives nothing yet");
    lab.ok(&format!("DLCX # {TRUNK} MGCP 0.1"));
    lab.ok(&format!("DLCX # {third} MGCP 0.1"));
    assert_eq!(lab.gateway.snapshot().keys, 0);
}

#[test]
fn a_subscriber_dials_and_talks_and_hangs_up() {
    let mut lab = lab();
    lab.ok(&format!("RQNT # {LINE} MGCP 0.1\nX: 1\nR: L/hd(N)"));
    lab.at_line(0, Event::OffHook);
    assert_eq!(lab.told(), ["1: L/hd"]);
    lab.ok(&format!(
        "RQNT # {LINE} MGCP 0.1\nX: 2\nR: L/hu(N), L/hf(N), D/[0-9ABCD*#](N)\nS: L/dl\n\
         Q: process,loop"
    ));
    assert_eq!(started(&lab.orders()), ["+L/dl"]);
    lab.at_line(0, Event::Digit('5'));
    assert_eq!(started(&lab.orders()), ["-L/dl"], "what is asked for ends signals");
    assert_eq!(lab.told(), ["2: D/5"]);
    lab.at_line(0, Event::Digit('#'));
    lab.at_line(0, Event::Flash);
    assert_eq!(lab.told(), ["2: D/#", "2: L/hf"], "in a loop");

    let created =
        lab.ok(&format!("CRCX # {LINE} MGCP 0.1\nC: A1\nM: recvonly\nX: 3\nR: L/hu\nS: G/rt"));
    assert_eq!(started(&lab.orders()), ["+G/rt"]);
    let id = id_of(&created);
    let answered = format!(
        "MDCX # {LINE} MGCP 0.1\nC: A1\nI: {id}\nM: sendrecv\nX: 4\nR: L/hu\n\n{}",
        avp("10.1.0.5", 20000)
    );
    lab.ok(&answered);
    assert_eq!(started(&lab.orders()), ["-G/rt"]);
    lab.at_line(0, Event::OnHook);
    assert_eq!(lab.told(), ["4: L/hu"]);
    lab.ok(&format!("DLCX # {LINE} MGCP 0.1\nC: A1\nI: {id}\nX: 5\nR: L/hd(N)"));
    assert!(lab.engine.legs.is_empty());
}

#[test]
fn digits_are_collected_by_a_map_and_its_timers() {
    let mut lab = lab();
    lab.at_line(0, Event::OffHook);
    assert_eq!(lab.told(), ["0: L/hd"], "persistent");
    let request = |x, map| {
        format!("RQNT # {LINE} MGCP 1.0\nX: {x}\nR: L/hu(N), D/[0-9*#T](D)\nS: L/dl\n{map}")
    };
    assert_eq!(lab.code(&request(1, "")), 519);
    lab.ok(&request(2, "D: (0T|5xx|9011x.T)"));
    for digit in "52".chars() {
        lab.at_line(0, Event::Digit(digit));
    }
    assert_eq!(lab.told(), Vec::<String>::new());
    lab.at_line(0, Event::Digit('3'));
    assert_eq!(lab.told(), ["2: D/5,D/2,D/3"]);

    lab.ok(&request(3, ""));
    lab.at_line(0, Event::Digit('0'));
    lab.pass(Duration::from_millis(3900));
    assert_eq!(lab.told(), Vec::<String>::new());
    lab.pass(Duration::from_millis(200));
    assert_eq!(lab.told(), ["3: D/0,D/T"], "T-critical");

    lab.ok(&request(4, ""));
    lab.at_line(0, Event::Digit('5'));
    lab.pass(Duration::from_secs(15));
    assert_eq!(lab.told(), Vec::<String>::new());
    lab.pass(Duration::from_secs(2));
    assert_eq!(lab.told(), ["4: D/5,D/T"], "T-partial");

    lab.ok(&request(5, ""));
    lab.at_line(0, Event::Digit('7'));
    assert_eq!(lab.told(), ["5: D/7"], "no alternative is left");
}

#[test]
fn a_request_inside_a_request_needs_no_call_agent() {
    let mut lab = lab();
    lab.ok(&format!(
        "RQNT # {LINE} MGCP 1.0\nX: 1\n\
         R: L/hd(A,E(R(L/hu(N),D/[0-9*#T](D)),S(L/dl),D((0T|5xx))))\nS: L/rg"
    ));
    assert_eq!(started(&lab.orders()), ["+L/rg"]);
    lab.at_line(0, Event::OffHook);
    assert_eq!(started(&lab.orders()), ["-L/rg", "+L/dl"]);
    for digit in "555".chars() {
        lab.at_line(0, Event::Digit(digit));
    }
    assert_eq!(lab.told(), ["1: L/hd,D/5,D/5,D/5"]);
}

#[test]
fn signals_end_when_their_time_is_over_and_say_so_if_asked() {
    let mut lab = lab();
    lab.ok(&format!("RQNT # {LINE} MGCP 1.0\nX: 1\nR: L/hd(N), G/oc(N)\nS: L/rg(to=5000)"));
    lab.pass(Duration::from_secs(4));
    assert_eq!(started(&lab.orders()), ["+L/rg"]);
    lab.pass(Duration::from_secs(2));
    assert_eq!(started(&lab.orders()), ["-L/rg"]);
    assert_eq!(lab.told(), ["1: G/oc(L/rg(to=5000))"]);

    lab.ok(&format!("RQNT # {LINE} MGCP 1.0\nX: 2\nR: L/hd\nS: L/rg, L/vmwi(+)"));
    lab.ok(&format!("RQNT # {LINE} MGCP 1.0\nX: 3\nR: L/hd\nS: L/rg"));
    assert_eq!(started(&lab.orders()), ["+L/rg", "+L/vmwi"], "what goes on is not begun again");
    lab.pass(Duration::from_secs(179));
    assert_eq!(started(&lab.orders()), Vec::<String>::new(), "180 seconds");
    lab.ok(&format!("RQNT # {LINE} MGCP 1.0\nX: 4\nR: L/hd"));
    assert_eq!(started(&lab.orders()), ["-L/rg"], "lamps stay");
    let audit = lab.ok(&format!("AUEP # {LINE} MGCP 1.0\nF: S,ES,R,X"));
    assert_eq!(audit.params.signals.unwrap()[0].to_string(), "L/vmwi(+)");
    assert_eq!(audit.params.event_states.unwrap()[0].to_string(), "L/hu");
    lab.ok(&format!("RQNT # {LINE} MGCP 1.0\nX: 5\nS: L/vmwi(-)"));
    assert_eq!(started(&lab.orders()), ["-L/vmwi"]);

    lab.at_line(0, Event::OffHook);
    lab.told();
    lab.ok(&format!("RQNT # {LINE} MGCP 1.0\nX: 6\nR: L/hu, D/[0-9](K)\nS: L/dl"));
    lab.orders();
    lab.at_line(0, Event::Digit('1'));
    assert_eq!(started(&lab.orders()), Vec::<String>::new(), "kept");
}

#[test]
fn in_lockstep_events_wait_for_the_next_request() {
    let mut lab = lab();
    lab.ok(&format!("RQNT # {LINE} MGCP 1.0\nX: 1\nR: L/hd(N)"));
    lab.at_line(0, Event::OffHook);
    lab.at_line(0, Event::Digit('1'));
    lab.at_line(0, Event::OnHook);
    assert_eq!(lab.told(), ["1: L/hd"]);
    lab.ok(&format!("RQNT # {LINE} MGCP 1.0\nX: 2\nR: L/hu(N), D/[0-9](A)"));
    assert_eq!(lab.told(), ["2: D/1,L/hu"], "out of quarantine, with what was accumulated");
    lab.at_line(0, Event::OffHook);
    lab.ok(&format!("RQNT # {LINE} MGCP 1.0\nX: 3\nR: L/hu(N)\nQ: discard,loop"));
    lab.at_line(0, Event::OnHook);
    assert_eq!(lab.told(), ["3: L/hu"]);
}

#[test]
fn a_list_of_what_to_detect_keeps_the_rest_out_of_quarantine() {
    let mut lab = lab();
    lab.ok(&format!("RQNT # {LINE} MGCP 1.0\nX: 1\nR: L/hd(N)\nT: L/hu"));
    lab.at_line(0, Event::OffHook);
    lab.at_line(0, Event::Digit('1'));
    lab.at_line(0, Event::OnHook);
    assert_eq!(lab.told(), ["1: L/hd"]);
    lab.ok(&format!("RQNT # {LINE} MGCP 1.0\nX: 2\nR: L/hu(N), D/[0-9](A)"));
    assert_eq!(lab.told(), ["2: L/hu"], "the digit was not to be detected");
}

/// RFC 4733: an event is told of to the line only when both descriptions have it.
#[test]
fn telephone_events_are_for_those_who_have_them() {
    let mut lab = lab();
    let answer = lab.ok(&format!("CRCX # {LINE} MGCP 1.0\nC: 1\nM: recvonly"));
    let id = id_of(&answer);
    let offered = local(&answer).media[0].payloads.clone();
    assert!(offered.iter().any(|codec| codec.is("telephone-event")), "{offered:?}");
    let events = |lab: &mut Lab| {
        let connect = |order| match order {
            Order::Connect { connection, .. } => Some(connection.events),
            _ => None,
        };
        lab.orders().into_iter().filter_map(|(_, order)| connect(order)).next_back()
    };
    assert_eq!(events(&mut lab), Some(None), "nobody is there yet");
    let mut to = |formats: &str, map: &str| {
        let sdp = format!("v=0\nc=IN IP4 10.1.0.9\nm=audio 4000 RTP/AVP {formats}\n{map}");
        lab.ok(&format!("MDCX # {LINE} MGCP 1.0\nC: 1\nI: {id}\nM: sendrecv\n\n{sdp}"));
        events(&mut lab)
    };
    assert_eq!(to("0 97", "a=rtpmap:97 telephone-event/8000\n"), Some(Some(97)));
    assert_eq!(to("0", ""), Some(None));
    assert_eq!(to("0 98", "a=rtpmap:98 telephone-event/16000\n"), Some(None), "another clock");
}

#[test]
fn states_that_are_true_already_and_other_faults_have_their_codes() {
    let mut lab = lab();
    let rqnt = |what: &str| format!("RQNT # {LINE} MGCP 1.0\nX: 1\n{what}");
    assert_eq!(lab.code(&rqnt("R: L/hu(N)")), 402);
    assert_eq!(lab.code(&rqnt("R: L/hu(N), L/hd(N)")), 200, "either way something will come");
    lab.at_line(0, Event::OffHook);
    lab.told();
    assert_eq!(lab.code(&rqnt("R: L/hd(N)")), 401);
    for (what, code) in [
        ("R: T/as(N)", 518),
        ("R: L/xx(N)", 522),
        ("R: D/L(N)", 512),
        ("S: L/adsi(x)", 513),
        ("S: L/dl, L/bz", 513),
        ("S: L/zz", 522),
        ("S: L/dl(to=x)", 538),
        ("S: L/vmwi(maybe)", 538),
        ("R: L/hu(D)\nD: 1", 523),
        ("R: L/hu(N)(30)", 538),
        ("S: G/rt@77", 515),
        ("S: G/rt@$", 515),
        ("R: L/hu(E(R(T/as)))", 518),
        ("T: L/xx", 522),
    ] {
        assert_eq!(lab.code(&rqnt(what)), code, "{what}");
    }
    let unknown = lab.ask(&rqnt("R: XY/z(N)"));
    let packages: Vec<_> =
        unknown.params.packages.unwrap().iter().map(|p| p.name.to_string()).collect();
    assert_eq!(packages, ["L", "D", "G", "R", "A", "X-RF", "SRTP"]);
    let crcx = |mode: &str| format!("CRCX # {LINE} MGCP 1.0\nC: A1\nM: {mode}");
    assert_eq!(lab.code(&crcx("data")), 517);
    assert_eq!(lab.code(&crcx("sendrecv")), 527);
    assert_eq!(lab.code(&format!("{}\nL: a:G729", crcx("inactive"))), 534, "a line codes G.711");
    assert_eq!(lab.code(&format!("{}\nL: l/x:1", crcx("inactive"))), 541);
    assert_eq!(lab.code(&crcx("loopback")), 200, "towards the telephone side");
    assert_eq!(lab.code(&crcx("conttest")), 200);
    assert_eq!(lab.code(&crcx("inactive")), 540);
    let nowhere = "aaln/S2/SU0/9@Router2821.example.com";
    assert_eq!(lab.code(&format!("RQNT # {nowhere} MGCP 1.0\nX: 1")), 500);
}

#[test]
fn connections_of_a_line_meet_at_the_telephone() {
    let mut lab = lab();
    let connect = |call: &str, port| {
        let sdp = avp("10.1.0.5", port);
        format!("CRCX # {LINE} MGCP 1.0\nC: {call}\nM: sendrecv\n\n{sdp}")
    };
    let (one, two) = (lab.ok(&connect("A1", 20000)), lab.ok(&connect("A2", 20010)));
    assert_eq!(code(&lab.ask(&connect("A3", 20020))), 540);
    let relays: std::collections::HashSet<_> =
        lab.engine.legs.values().map(|(relay, _)| *relay).collect();
    assert_eq!((lab.engine.legs.len(), relays.len()), (4, 2));
    lab.orders();
    for (call, response) in [("A1", &one), ("A2", &two)] {
        let id = id_of(response);
        lab.ok(&format!("MDCX # {LINE} MGCP 1.0\nC: {call}\nI: {id}\nM: confrnce"));
    }
    let mixings = lab.orders().into_iter().map(|(_, order)| match order {
        Order::Connect { slot, connection } => (slot.0, connection.mixing),
        other => panic!("{other:?}"),
    });
    assert_eq!(mixings.collect::<Vec<_>>(), [(0, Mixing::Conference), (1, Mixing::Conference)]);

    // Flash swaps the active and the held one.
    let held = format!("MDCX # {LINE} MGCP 1.0\nC: A1\nI: {}\nM: inactive", id_of(&one));
    lab.ok(&held);
    lab.ok(&format!("MDCX # {LINE} MGCP 1.0\nC: A2\nI: {}\nM: sendrecv", id_of(&two)));
    lab.at_line(0, Event::OffHook);
    lab.told();
    lab.ok(&format!("RQNT # {LINE} MGCP 1.0\nX: 1\nR: L/hf(S), L/hu(N)"));
    lab.at_line(0, Event::Flash);
    assert_eq!(lab.told(), Vec::<String>::new());
    assert_eq!(lab.spec(&id_of(&one)).mode, Mode::SendRecv);
    assert_eq!(lab.spec(&id_of(&two)).mode, Mode::Inactive);
    let audit = format!("AUCX # {LINE} MGCP 1.0\nI: {}\nF: M", id_of(&two));
    assert_eq!(lab.ok(&audit).params.mode.unwrap().as_str(), "inactive");
    lab.ok(&format!("DLCX # {LINE} MGCP 1.0"));
    assert!(lab.engine.legs.is_empty());
}

#[test]
fn what_the_engine_refuses_leaves_nothing_behind() {
    let mut lab = lab();
    let connect = format!("CRCX # {LINE} MGCP 1.0\nC: A1\nM: inactive");
    lab.engine.refuse = Some(Refusal::Full);
    assert_eq!(lab.code(&connect), 403);
    assert!(lab.engine.legs.is_empty(), "the leg that was there is gone");
    assert_eq!(lab.gateway.snapshot().port_pairs, 0);
    lab.ok(&connect);
    assert_eq!(lab.engine.legs.len(), 2);
}

#[test]
fn wildcards_mean_lines_and_trunks() {
    let mut lab = lab();
    let all = lab.ok("AUEP # aaln/*@gw MGCP 0.1");
    assert_eq!(all.params.endpoints.len(), 2);
    lab.ok("RQNT # aaln/*@gw MGCP 0.1\nX: 1\nR: L/hd(N)");
    lab.at_line(1, Event::OffHook);
    assert_eq!(lab.told(), ["1: L/hd"]);
    let any = lab.ok("CRCX # S0/$@gw MGCP 0.1\nC: A1\nM: inactive");
    assert_eq!(any.params.endpoints[0].local(), "S0/SU0/DS1-0/1");
    assert_eq!(lab.code("CRCX # S0/$@gw MGCP 0.1\nC: A2\nM: inactive"), 410);
    lab.ok("DLCX # S0/*@gw MGCP 0.1");
    assert!(lab.engine.legs.is_empty());
    lab.ok("CRCX # S0/$@gw MGCP 0.1\nC: A2\nM: inactive");
    let relay = lab.ok("CRCX # pr/$@gw MGCP 0.1\nC: A3\nM: inactive");
    assert!(relay.params.endpoints[0].local().starts_with("pr/"));
}

// R: MGCP-04
#[test]
fn srtp_is_among_the_capabilities_over_covered_paths_only() {
    let mut lab = Lab::new(Config { key_policy: KeyPolicy::Require, ..voice_config() });
    let capabilities = format!("AUEP # {LINE} MGCP 0.1\nF: X, A, I, PL");
    for (covered, expected) in [(false, false), (true, true)] {
        lab.covered = covered;
        let response = lab.ok(&capabilities);
        let offered = |mut values: Box<dyn Iterator<Item = &str> + '_>| values.any(|v| v == "SRTP");
        assert_eq!(offered(Box::new(response.params.capabilities[0].values("v"))), expected);
        let modes: Vec<_> = response.params.capabilities[0].values("m").collect();
        assert!(modes.contains(&"confrnce") && modes.contains(&"loopback"), "{modes:?}");
        let codecs: Vec<_> = response.params.capabilities[0].values("a").collect();
        assert_eq!(codecs, ["PCMU", "PCMA"]);
    }
    lab.covered = false;
    let secure = format!(
        "CRCX # {LINE} MGCP 0.1\nC: A1\nL: x+srtptx:\"{SUITE} inline:{}\"\nM: recvonly",
        key(2)
    );
    assert_eq!(lab.code(&secure), 506, "no key in clear");
}

// R: MGCP-06
#[test]
fn a_lifted_receiver_hastens_the_restart_and_is_told_after_it() {
    let mut lab = Lab::new(Config { announce: true, ..voice_config() });
    lab.at_line(0, Event::OffHook);
    lab.pass(Duration::from_millis(100));
    let commands = lab.commands();
    assert_eq!(commands[0].verb, Verb::Rsip);
    assert_eq!(commands[0].endpoint.as_str(), "*@Router2821.example.com");
    assert_eq!(observed(&commands[1..]), ["0: L/hd"]);

    // The call agent is lost, and comes back.
    lab.ok(&format!("RQNT # {LINE} MGCP 0.1\nX: 1\nR: L/hu(N)"));
    lab.deaf = true;
    lab.at_line(0, Event::OnHook);
    lab.pass(Duration::from_secs(60));
    lab.deaf = false;
    lab.commands();
    lab.at_line(0, Event::OffHook);
    lab.pass(Duration::from_secs(10));
    let commands = lab.commands();
    assert_eq!(commands[0].verb, Verb::Rsip);
    let method = commands[0].params.restart_method.unwrap();
    assert_eq!(method.as_str(), "disconnected");
}

// R: MGCP-06
#[test]
fn a_call_agent_that_answers_keep_alives_no_more_is_lost() {
    let config = Config { keep_alive: Duration::from_secs(15), ..voice_config() };
    let mut lab = Lab::new(Config { announce: true, ..config });
    lab.at_line(0, Event::OffHook);
    lab.pass(Duration::from_secs(1));
    lab.commands();
    lab.pass(Duration::from_secs(31));
    let commands = lab.commands();
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert_eq!(commands[0].endpoint.as_str(), "*@Router2821.example.com");
    assert_eq!(commands[0].params.observed.as_deref(), Some(&[][..]));
    assert_eq!(commands[0].params.request_id.unwrap().as_str(), "0");
    lab.deaf = true;
    lab.pass(Duration::from_secs(60));
    lab.deaf = false;
    lab.pass(Duration::from_secs(60));
    let commands = lab.commands();
    assert_eq!(commands[0].verb, Verb::Rsip);
    assert_eq!(commands[0].params.restart_method.unwrap().as_str(), "disconnected");
}

#[test]
fn a_call_agent_in_a_hurry_is_slowed_down_but_may_always_delete() {
    let mut lab = Lab::new(Config { commands_per_second: 10, ..voice_config() });
    let created: Vec<u16> =
        (0..15).map(|_| lab.code("CRCX # pr/$@gw MGCP 1.0\nC: A1\nM: inactive")).collect();
    assert!(created[..10].iter().all(|code| *code == 200), "{created:?}");
    assert!(created[14] == 409, "{created:?}");
    assert_eq!(lab.code("DLCX # pr/*@gw MGCP 1.0"), 250);
    lab.pass(Duration::from_secs(1));
    assert_eq!(lab.code("CRCX # pr/$@gw MGCP 1.0\nC: A2\nM: inactive"), 200);
}
