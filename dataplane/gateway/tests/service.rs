//! Restart, loss of the call agent, stop, notifications, order of commands.

mod common;

use std::time::Duration;

use common::*;
use engine::command::Event;
use mgcp::value::RestartMethod;
use mgcp::{Command, Response, ReturnCode, Verb, Version};
use ringfence_gateway::{Config, OnKeyExhausted};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn announcing() -> Config {
    Config { announce: true, ..config() }
}

fn restarts(commands: &[Command]) -> Vec<RestartMethod> {
    commands.iter().filter_map(|command| command.params.restart_method).collect()
}

fn connect(lab: &mut Lab, rest: &str) -> String {
    let response = lab.ask(&format!("CRCX # pr/1@relay1 MGCP 1.0\nC: A\nM: recvonly\n{rest}"));
    assert_eq!(code(&response), 200, "{response:?}");
    response.params.connections[0].to_string()
}

#[test]
fn a_restart_is_announced_within_its_delay() {
    let mut lab = Lab::new(announcing());
    assert_eq!(lab.gateway.snapshot().service, "restarting");
    lab.pass(20 * SECOND + 2 * LATENCY);
    let commands = lab.commands();
    assert_eq!(restarts(&commands), [RestartMethod::Restart]);
    assert_eq!(commands[0].endpoint.as_str(), "*@relay1");
    assert_eq!(lab.gateway.snapshot().service, "in service");
    assert_eq!(code(&lab.ask("RQNT # pr/1@relay1 MGCP 1.0\nX: 1")), 200);
}

#[test]
fn a_command_before_the_restart_is_announced_hears_of_it_first() {
    let mut lab = Lab::new(announcing());
    assert_eq!(code(&lab.ask("AUEP # pr/1@relay1 MGCP 1.0")), 200, "audits are answered");
    let id = lab.send("RQNT # pr/1@relay1 MGCP 1.0\nX: 1");
    assert_eq!(code(&lab.answer_to(id)), 405);
    let order: Vec<_> = lab.heard.iter().collect();
    assert!(matches!(order[0], mgcp::transaction::Indication::Command { .. }), "{order:?}");
    lab.pass(SECOND);
    assert_eq!(code(&lab.ask("RQNT # pr/1@relay1 MGCP 1.0\nX: 1")), 200);
    assert_eq!(restarts(&lab.commands()), [RestartMethod::Restart]);
}

#[test]
fn a_call_agent_may_send_the_restart_elsewhere_or_ask_for_another() {
    let mut lab = Lab::new(announcing());
    lab.answer = |_| {
        let mut response = Response::new(ReturnCode::REDIRECTED);
        response.params.notified = Some(Some("ca@cm1:2428".parse().unwrap()));
        response
    };
    lab.pass(20 * SECOND + 2 * LATENCY);
    let id = lab.gateway.counters().restarts;
    assert_eq!(id, 2, "told again, at the other port, where nobody answers for us");

    let mut lab = Lab::new(announcing());
    lab.answer = |_| Response::new(ReturnCode::TRANSIENT);
    lab.pass(60 * SECOND);
    let tries = lab.gateway.counters().restarts;
    assert!(tries >= 3, "{tries}");
    assert_eq!(lab.gateway.snapshot().service, "restarting");

    let mut lab = Lab::new(announcing());
    lab.answer = |_| Response::new(ReturnCode::UNKNOWN_ENDPOINT);
    lab.pass(60 * SECOND);
    assert_eq!(lab.gateway.counters().restarts, 1);
    assert_eq!(code(&lab.ask("RQNT # pr/1@relay1 MGCP 1.0\nX: 1")), 200, "who commands is served");
}

#[test]
fn a_silent_call_agent_is_told_when_it_is_back() {
    let mut lab = Lab::new(announcing());
    lab.pass(21 * SECOND);
    lab.commands();
    let id = connect(&mut lab, "X: 7\nR: R/ma(N)");
    lab.deaf = true;
    let leg = lab.leg(&id);
    lab.event(Event::MediaStart(leg));
    lab.pass(25 * SECOND);
    assert_eq!(lab.gateway.snapshot().service, "disconnected");
    assert_eq!(lab.gateway.snapshot().connections.len(), 1, "calls go on");
    lab.pass(60 * SECOND);
    lab.deaf = false;
    lab.pass(300 * SECOND);
    let commands = lab.commands();
    assert!(restarts(&commands).contains(&RestartMethod::Disconnected), "{commands:?}");
    assert!(!restarts(&commands).contains(&RestartMethod::Restart));
    assert_eq!(lab.gateway.snapshot().service, "in service");
}

#[test]
fn a_command_ends_the_silence_and_its_answer_brings_the_news() {
    for version in [Version::V1_0, Version::V0_1] {
        let mut lab = Lab::new(Config { own_version: version, ..announcing() });
        lab.pass(21 * SECOND);
        let id = connect(&mut lab, "X: 7\nR: R/ma(N)");
        lab.commands();
        lab.deaf = true;
        let leg = lab.leg(&id);
        lab.event(Event::MediaStart(leg));
        lab.pass(20 * SECOND + LATENCY);
        assert_eq!(lab.gateway.snapshot().service, "disconnected");
        lab.deaf = false;
        let answers = lab.raw(b"RQNT 900 pr/1@relay1 MGCP 1.0\r\nX: 8\r\n");
        // The news goes out reliably by itself, and before the answer where datagrams may hold both.
        let [news, answer] = answers.as_slice() else { panic!("{answers:?}") };
        assert!(news.starts_with("RSIP ") && news.contains("RM: disconnected"), "{news}");
        let expected = match version {
            Version::V1_0 => format!("{news}.\r\n200 900 OK\r\n"),
            Version::V0_1 => "200 900 OK\r\n".to_owned(),
        };
        assert_eq!(*answer, expected);
    }
}

#[test]
fn leaving_lets_calls_end_and_takes_no_new_ones() {
    for ends_by_itself in [true, false] {
        let mut lab = Lab::new(announcing());
        lab.pass(21 * SECOND);
        lab.commands();
        connect(&mut lab, "");
        lab.gateway.leave(lab.now, 10 * SECOND);
        lab.pass(SECOND);
        let told = lab.commands();
        assert_eq!(restarts(&told), [RestartMethod::Graceful]);
        assert_eq!(told[0].params.restart_delay, Some(10));
        assert_eq!(lab.gateway.snapshot().service, "going out of service");

        let create = |endpoint| format!("CRCX # {endpoint}@relay1 MGCP 1.0\nC: A\nM: recvonly");
        for new in ["pr/3", "pr/$"] {
            assert_eq!(code(&lab.ask(&create(new))), 501, "{new}");
        }
        assert_eq!(code(&lab.ask(&create("pr/1"))), 200, "the call's other side");
        if ends_by_itself {
            assert_eq!(code(&lab.ask("DLCX # pr/1@relay1 MGCP 1.0")), 250);
        } else {
            lab.pass(8 * SECOND);
            assert!(lab.gateway.is_leaving() && lab.engine.legs.len() == 2);
            lab.pass(SECOND);
        }
        assert!(!lab.gateway.is_leaving());
        lab.pass(SECOND);
        assert!(lab.gateway.is_stopped() && lab.engine.legs.is_empty());
        assert_eq!(restarts(&lab.commands()), [RestartMethod::Forced]);
    }
}

#[test]
fn without_calls_there_is_nothing_to_wait_for() {
    let mut lab = Lab::new(announcing());
    lab.pass(21 * SECOND);
    lab.commands();
    lab.gateway.leave(lab.now, 10 * SECOND);
    lab.pass(SECOND);
    assert!(lab.gateway.is_stopped());
    assert_eq!(restarts(&lab.commands()), [RestartMethod::Forced]);
}

#[test]
fn stopping_closes_everything_and_says_so() {
    let mut lab = Lab::new(announcing());
    lab.pass(21 * SECOND);
    lab.commands();
    connect(&mut lab, "");
    connect(&mut lab, "");
    lab.engine.held = true;
    let being_made = lab.send("CRCX # pr/2@relay1 MGCP 1.0\nC: A\nM: recvonly");
    lab.pass(10 * MS);
    let queued = lab.send("RQNT # pr/2@relay1 MGCP 1.0\nX: 1");
    lab.pass(10 * MS);
    lab.gateway.stop(lab.now);
    lab.exchange();
    assert!(!lab.gateway.is_stopped());
    assert_eq!(code(&lab.answer_to(queued)), 501);
    assert_eq!(code(&lab.ask("CRCX # pr/3@relay1 MGCP 1.0\nC: A\nM: recvonly")), 501);
    assert_eq!(code(&lab.ask("AUEP # pr/3@relay1 MGCP 1.0")), 200);
    lab.engine.held = false;
    lab.exchange();
    lab.pass(SECOND);
    assert!(lab.gateway.is_stopped());
    assert_eq!(restarts(&lab.commands()), [RestartMethod::Forced]);
    assert!(lab.engine.legs.is_empty());
    let snapshot = lab.gateway.snapshot();
    assert_eq!((snapshot.port_pairs, snapshot.keys, snapshot.service), (0, 0, "out of service"));
    let _ = being_made;
}

#[test]
fn events_are_notified_as_requested() {
    let mut lab = Lab::new(config());
    let id =
        connect(&mut lab, "X: 51\nN: ca@cm1:2427\nR: R/ma@$(N), R/rto(N)(30), X-RF/kn(A), X-RF/kx");
    let leg = lab.leg(&id);
    assert_eq!(lab.spec(&id).idle_after, 30 * SECOND);
    lab.event(Event::KeyNearlyExhausted(leg));
    lab.event(Event::MediaStart(leg));
    lab.pass(SECOND);
    let [ntfy] = lab.commands().try_into().unwrap();
    assert_eq!((ntfy.verb, ntfy.endpoint.as_str()), (Verb::Ntfy, "pr/1@relay1"));
    assert_eq!(ntfy.params.request_id.unwrap().as_str(), "51");
    let observed: Vec<_> = ntfy.params.observed.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        observed,
        [format!("X-RF/kn@{id}"), format!("R/ma@{id}")],
        "with what was accumulated"
    );
    assert_eq!(ntfy.params.notified.unwrap().unwrap().to_string(), "ca@cm1:2427");

    // In step: nothing more until the next request, which finds it in quarantine.
    lab.event(Event::Idle(leg));
    lab.pass(SECOND);
    assert!(lab.commands().is_empty());
    let audit = lab.ask("AUEP # pr/1@relay1 MGCP 1.0\nF: O, X, R, N, I");
    assert_eq!(audit.params.observed.unwrap()[0].to_string(), format!("R/rto@{id}"));
    assert_eq!(audit.params.connections[0].to_string(), id);
    assert_eq!(code(&lab.ask("RQNT # pr/1@relay1 MGCP 1.0\nX: 52\nR: R/rto(N)(60)")), 200);
    assert_eq!(lab.spec(&id).idle_after, 60 * SECOND);
    lab.pass(SECOND);
    let [ntfy] = lab.commands().try_into().unwrap();
    assert_eq!(ntfy.params.request_id.unwrap().as_str(), "52");

    // In a loop: as often as it happens. Discarding forgets what was in quarantine.
    lab.event(Event::Idle(leg));
    let text = "RQNT # pr/1@relay1 MGCP 1.0\nX: 53\nQ: discard,loop\nR: R/all";
    assert_eq!(code(&lab.ask(text)), 200);
    lab.pass(SECOND);
    assert!(lab.commands().is_empty());
    for _ in 0..3 {
        lab.event(Event::KeyNearlyExhausted(leg));
        lab.event(Event::Idle(leg));
    }
    lab.pass(5 * SECOND);
    assert_eq!(lab.commands().len(), 3, "package X-RF was not asked for");
    // An empty list ends it.
    assert_eq!(code(&lab.ask("RQNT # pr/1@relay1 MGCP 1.0\nX: 54")), 200);
    assert_eq!(lab.spec(&id).idle_after, Duration::ZERO);
    lab.event(Event::Idle(leg));
    lab.pass(SECOND);
    assert!(lab.commands().is_empty());
}

#[test]
fn a_spent_key_is_reported_or_ends_the_connection() {
    let mut lab = Lab::new(config());
    let id = connect(&mut lab, "X: 1\nR: X-RF/kx(N)");
    let leg = lab.leg(&id);
    lab.event(Event::KeyExhausted(leg));
    lab.pass(SECOND);
    let [ntfy] = lab.commands().try_into().unwrap();
    assert_eq!(ntfy.params.observed.unwrap()[0].to_string(), format!("X-RF/kx@{id}"));
    assert_eq!(lab.engine.legs.len(), 1);

    let on_key_exhausted = OnKeyExhausted::Delete;
    let mut lab = Lab::new(Config { on_key_exhausted, ..config() });
    let id = connect(&mut lab, "");
    let leg = lab.leg(&id);
    lab.engine.stats.packets_received = 77;
    lab.event(Event::KeyExhausted(leg));
    lab.pass(SECOND);
    let [dlcx] = lab.commands().try_into().unwrap();
    assert_eq!((dlcx.verb, dlcx.params.connection().unwrap().to_string()), (Verb::Dlcx, id));
    assert_eq!(dlcx.params.reason.unwrap().code, 905);
    assert_eq!(dlcx.params.statistics.unwrap().packets_received, Some(77));
    assert!(lab.engine.legs.is_empty() && lab.gateway.snapshot().connections.is_empty());

    // While a command works on the endpoint, it waits.
    let id = connect(&mut lab, "");
    let leg = lab.leg(&id);
    lab.engine.held = true;
    lab.send(&format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\nM: inactive"));
    lab.pass(10 * MS);
    lab.event(Event::KeyExhausted(leg));
    assert_eq!(lab.engine.queue.len(), 1);
    lab.engine.held = false;
    lab.exchange();
    lab.pass(SECOND);
    assert_eq!(lab.commands().len(), 1);
    assert!(lab.engine.legs.is_empty());
}

#[test]
fn commands_on_one_endpoint_keep_their_order() {
    let mut lab = Lab::new(config());
    let id = connect(&mut lab, "");
    lab.engine.held = true;
    let first = lab.send(&format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\nM: inactive"));
    lab.pass(10 * MS);
    let second = lab.send(&format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\nM: recvonly"));
    let audit = lab.send("AUEP # pr/1@relay1 MGCP 1.0\nF: I");
    let all = lab.send("RQNT # pr/[1-3]@relay1 MGCP 1.0\nX: 1");
    let elsewhere = lab.send("AUEP # pr/2@relay1 MGCP 1.0");
    let other = lab.send("AUEP # pr/9@relay1 MGCP 1.0");
    lab.pass(10 * MS);
    assert_eq!(lab.engine.queue.len(), 1);
    assert_eq!(code(&lab.answer_to(other)), 200, "others do not wait");
    let answered = |lab: &Lab| {
        let done = |i: &&_| matches!(i, mgcp::transaction::Indication::Response { .. });
        lab.heard.iter().filter(done).count()
    };
    assert_eq!(answered(&lab), 0, "but what follows a wildcard does");
    lab.pass(SECOND);
    let provisional = lab.heard.iter().filter_map(|i| match i {
        mgcp::transaction::Indication::Provisional { id, response } => Some((*id, code(response))),
        _ => None,
    });
    let provisional: Vec<_> = provisional.collect();
    assert!(provisional.contains(&(first, 100)) && provisional.contains(&(second, 101)));
    lab.engine.held = false;
    lab.exchange();
    for id in [first, second, audit, all, elsewhere] {
        assert_eq!(code(&lab.answer_to(id)), 200);
    }
    assert_eq!(lab.spec(&id).mode, engine::command::Mode::RecvOnly);
}

#[test]
fn a_deletion_wins_over_what_is_under_way() {
    let mut lab = Lab::new(config());
    lab.engine.held = true;
    let made = lab.send("CRCX # pr/1@relay1 MGCP 1.0\nC: A\nM: recvonly");
    lab.pass(10 * MS);
    let waits = lab.send("CRCX # pr/1@relay1 MGCP 1.0\nC: A\nM: recvonly");
    let other = lab.send("CRCX # pr/1@relay1 MGCP 1.0\nC: B\nM: recvonly");
    lab.pass(10 * MS);
    let deletion = lab.send("DLCX # pr/1@relay1 MGCP 1.0\nC: A");
    lab.pass(10 * MS);
    assert_eq!(code(&lab.answer_to(made)), 407);
    assert_eq!(code(&lab.answer_to(waits)), 407);
    lab.engine.held = false;
    lab.exchange();
    assert_eq!(code(&lab.answer_to(other)), 200, "another call is not meant");
    assert_eq!(code(&lab.answer_to(deletion)), 250);
    assert_eq!(lab.engine.legs.len(), 1);
}

#[test]
fn a_stuck_engine_is_answered_for_and_nothing_stays() {
    let mut lab = Lab::new(config());
    lab.engine.held = true;
    let id = lab.send("CRCX # pr/$@relay1 MGCP 1.0\nC: A\nM: recvonly");
    lab.pass(25 * SECOND);
    assert_eq!(code(&lab.answer_to(id)), 406);
    lab.engine.held = false;
    lab.exchange();
    assert!(lab.engine.legs.is_empty(), "what came too late is closed again");
    assert_eq!(lab.gateway.snapshot().port_pairs, 0);
}

#[test]
fn load_is_refused_when_too_much_waits() {
    let mut lab = Lab::new(Config { waiting_limit: 3, ..config() });
    let id = connect(&mut lab, "");
    lab.engine.held = true;
    lab.send(&format!("MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\nM: inactive"));
    lab.pass(10 * MS);
    for _ in 0..3 {
        lab.send("RQNT # pr/1@relay1 MGCP 1.0\nX: 1");
    }
    lab.pass(10 * MS);
    assert_eq!(code(&lab.ask("RQNT # pr/1@relay1 MGCP 1.0\nX: 1")), 409);
    let deletion = lab.send("DLCX # pr/1@relay1 MGCP 1.0");
    lab.pass(10 * MS);
    lab.engine.held = false;
    lab.exchange();
    assert_eq!(code(&lab.answer_to(deletion)), 250, "a deletion is never refused for load");
}

#[test]
fn wildcards_delete_what_they_cover() {
    let mut lab = Lab::new(config());
    for number in 1..=6 {
        for call in ["A", "B"] {
            let text = format!("CRCX # pr/{number}@relay1 MGCP 1.0\nC: {call}\nM: inactive");
            assert_eq!(code(&lab.ask(&text)), 200);
        }
    }
    let deletion = lab.ask("DLCX # pr/[1-2,6]@relay1 MGCP 1.0\nC: A");
    assert_eq!((code(&deletion), deletion.params.statistics), (250, None));
    assert_eq!(lab.engine.legs.len(), 9);
    assert_eq!(code(&lab.ask("DLCX # pr/6@relay1 MGCP 1.0")), 250);
    assert_eq!(lab.engine.legs.len(), 8);
    assert_eq!(code(&lab.ask("DLCX # *@relay1 MGCP 1.0")), 250);
    assert!(lab.engine.legs.is_empty());
    let audit = lab.ask("AUEP # pr/[1-3]@relay1 MGCP 1.0");
    let names: Vec<_> = audit.params.endpoints.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["pr/1@relay1", "pr/2@relay1", "pr/3@relay1"]);
}

#[test]
fn capabilities_are_told_in_the_dialect_of_who_asks() {
    let mut lab = Lab::new(config());
    for (version, as_options) in [("1.0", false), ("0.1", true)] {
        let audit =
            lab.ask(&format!("AUEP # pr/1@relay1 MGCP {version}\nF: A, RM, RD, MD, ES, S, T, Q"));
        let capabilities = &audit.params.capabilities[0];
        assert_eq!(capabilities.as_options, as_options);
        assert_eq!(capabilities.values("v").collect::<Vec<_>>(), ["R", "X-RF", "SRTP"]);
        let modes: Vec<_> = capabilities.values("m").collect();
        assert!(modes.contains(&"netwloop") && !modes.contains(&"confrnce"));
        assert_eq!(audit.params.restart_method, Some(RestartMethod::Restart));
    }
}

#[test]
fn media_networks_are_chosen_by_option_by_peer_or_by_default() {
    let mut lab = Lab::new(config());
    for (rest, expected) in [
        ("".to_owned(), "10.1.0.1"),
        (format!("\n{}", avp("192.0.2.77", 4000)), "192.0.2.1"),
        (format!("\n{}", avp("198.51.100.1", 4000)), "10.1.0.1"),
        (format!("L: x-net:outside\n\n{}", avp("10.1.0.5", 4000)), "192.0.2.1"),
        ("L: x-net:OUTSIDE\n".into(), "192.0.2.1"),
        ("\nv=0\nc=IN IP6 2001:db8:9::1\nm=audio 4000 RTP/AVP 0".into(), "2001:db8:1::1"),
    ] {
        let response = lab.ask(&format!("CRCX # pr/$@relay1 MGCP 1.0\nC: A\nM: recvonly\n{rest}"));
        let id = response.params.connections[0].to_string();
        let spec = lab.spec(&id);
        assert_eq!(spec.local.ip().to_string(), expected, "{rest}");
        assert!((16384..=32767).contains(&spec.local.port()));
    }
}

#[test]
fn ports_are_not_used_again_at_once() {
    let mut lab = Lab::new(config());
    let mut seen = std::collections::HashSet::new();
    for _ in 0..500 {
        let id = connect(&mut lab, "");
        assert!(seen.insert(lab.spec(&id).local), "a late packet would meet another call");
        assert_eq!(code(&lab.ask("DLCX # pr/1@relay1 MGCP 1.0")), 250);
    }
}

#[test]
fn an_old_style_hold_keeps_the_connection_and_sends_nothing() {
    let mut lab = Lab::new(config());
    let id = connect(&mut lab, &format!("\n{}", avp("10.1.0.5", 4000)));
    let hold = format!(
        "MDCX # pr/1@relay1 MGCP 1.0\nC: A\nI: {id}\nM: sendrecv\n\n{}",
        avp("0.0.0.0", 4000)
    );
    assert_eq!(code(&lab.ask(&hold)), 200);
    assert_eq!(lab.spec(&id).remote, None);
}
