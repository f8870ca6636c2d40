//! Gateways register, restart, fall silent and come back.

use std::time::Duration;

use callmanager::security::Security::Encrypted;
use callmanager::switchboard::Key;
use mgcp::Verb;
use ringfence_callagent::voice::{GatewayAlarm, GatewayState, KeyPolicy, Plan};

use crate::office::*;

fn state(office: &Office) -> GatewayState {
    office.agent.gateways()[0].state
}

// R: MGCP-06
#[test]
fn a_gateway_that_is_there_is_audited_and_its_ports_can_be_called() {
    let mut office = Office::new();
    let view = &office.agent.gateways()[0];
    assert_eq!((view.state, view.ports.len()), (GatewayState::Registered, 2));
    assert!(view.ports.iter().all(|port| port.in_service && port.srtp && port.secure));
    let audits = office.gateway.told.iter().filter(|command| command.verb == Verb::Auep);
    assert_eq!(audits.count(), 2, "each port once");
    assert_eq!(office.alarms, [GatewayAlarm::Registered { gateway: GATEWAY.into() }]);
    office.press(DAVE, Key::Number("1006".into()));
    assert!(office.gateway.signals(FAX).contains(&"L/rg".to_owned()));
    office.end();
}

// R: MGCP-06
#[test]
fn capture_settings_hold_from_the_registration_on() {
    let mut plan = plan(NEAR, KeyPolicy::Require);
    plan.gateways[0].ports[0].capture = true;
    let mut office = Office::with(plan);
    assert!(office.agent.gateways()[0].ports.iter().any(|port| port.capture));
    office.observe(FAX, "L/hd");
    office.observe(FAX, "D/1, D/0, D/0, D/1");
    office.press(ALICE, Key::Answer);
    let all = office.captured.join("\n");
    for said in ["<- NTFY L/hd", "S: L/dl", "-> CRCX", "M: recvonly", "RTP/SAVP", "<- 200"] {
        assert!(all.contains(said), "{said} in {all}");
    }
    let key = office.gateway.only().transmit.clone().unwrap();
    assert!(!all.contains(&key), "no key is in a trace");
    office.end();
}

#[test]
fn a_restart_ends_the_calls_of_a_gateway() {
    let mut office = Office::new();
    office.press(ALICE, Key::Number("95551".into()));
    office.observe(TRUNK, "L/hd");
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    office.gateway.connections.clear();
    office.gateway.told.clear();
    let rsip = format!("RSIP # *@{GATEWAY} MGCP 0.1\r\nRM: restart\r\n");
    assert_eq!(office.command(&rsip), 200);
    assert!(office.phones[ALICE].legs.is_empty() && office.phones[ALICE].sends.is_none());
    assert!(office.alarms.iter().any(|a| matches!(a, GatewayAlarm::Restarted { calls: 1, .. })));
    let verbs: Vec<_> = office.gateway.told.iter().map(|command| command.verb).collect();
    assert_eq!(verbs, [Verb::Auep, Verb::Auep, Verb::Rqnt, Verb::Rqnt]);
    office.end();
}

#[test]
fn who_was_disconnected_keeps_his_calls_and_loses_what_nobody_knows() {
    let mut office = Office::new();
    office.press(ALICE, Key::Number("95551".into()));
    office.observe(TRUNK, "L/hd");
    let forgotten = Connection { endpoint: TRUNK.into(), ..Connection::default() };
    office.gateway.connections.insert("77".into(), forgotten);
    let rsip = format!("RSIP # *@{GATEWAY} MGCP 0.1\r\nRM: disconnected\r\n");
    assert_eq!(office.command(&rsip), 200);
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    assert_eq!(office.gateway.mode(), "sendrecv");
    // And one that the gateway has lost ends its call.
    office.gateway.connections.clear();
    assert_eq!(office.command(&rsip), 200);
    assert!(office.phones[ALICE].legs.is_empty());
    office.end();
}

#[test]
fn what_happened_while_a_gateway_could_not_tell_is_asked_for() {
    let mut office = Office::new();
    office.observe(FAX, "L/hd");
    office.observe(FAX, "D/1, D/0, D/0, D/1");
    office.press(ALICE, Key::Answer);
    let rsip = format!("RSIP # *@{GATEWAY} MGCP 0.1\r\nRM: disconnected\r\n");
    office.gateway.hooks.insert(FAX, "L/hd");
    assert_eq!(office.command(&rsip), 200);
    let id = office.gateway.connections.keys().next().unwrap().clone();
    assert_eq!(office.gateway.last_of(Verb::Aucx).params.connection().unwrap().to_string(), id);
    assert_eq!(office.icon(ALICE), Some(Encrypted));
    // The receiver was put down, and nobody was told.
    office.gateway.hooks.insert(FAX, "L/hu");
    assert_eq!(office.command(&rsip), 200);
    assert!(office.phones[ALICE].legs.is_empty());
    // And lifted.
    office.gateway.hooks.insert(FAX, "L/hd");
    assert_eq!(office.command(&rsip), 200);
    assert_eq!(office.gateway.signals(FAX), ["L/dl"]);
    office.end();
}

#[test]
fn a_connection_that_is_of_another_call_by_now_is_deleted() {
    let mut office = Office::new();
    office.press(ALICE, Key::Number("95551".into()));
    office.observe(TRUNK, "L/hd");
    office.gateway.connections.values_mut().next().unwrap().call = "ABC".into();
    let rsip = format!("RSIP # *@{GATEWAY} MGCP 0.1\r\nRM: disconnected\r\n");
    assert_eq!(office.command(&rsip), 200);
    assert!(office.phones[ALICE].legs.is_empty());
    assert!(office.gateway.connections.is_empty());
    office.end();
}

#[test]
fn a_gateway_that_falls_silent_is_missed_and_taken_back() {
    let mut office = Office::new();
    office.silent = true;
    office.pass(Duration::from_secs(90));
    assert_eq!(state(&office), GatewayState::Lost);
    assert!(office.alarms.contains(&GatewayAlarm::Lost { gateway: GATEWAY.into() }));
    let lost = office.alarms.iter().filter(|a| matches!(a, GatewayAlarm::Lost { .. }));
    assert_eq!(lost.count(), 1, "told once");
    office.press(ALICE, Key::Number("1006".into()));
    assert!(office.gateway.signals(FAX).is_empty());
    office.press(ALICE, Key::OnHook);
    office.silent = false;
    office.pass(Duration::from_secs(90));
    assert_eq!(state(&office), GatewayState::Registered);
    office.press(ALICE, Key::Number("1006".into()));
    assert!(office.gateway.signals(FAX).contains(&"L/rg".to_owned()));
    office.end();
}

#[test]
fn signs_of_life_are_answered_and_no_other_endpoint_of_all() {
    let mut office = Office::new();
    let life = format!("NTFY # *@{GATEWAY} MGCP 0.1\r\nX: 0\r\nO: \r\n");
    assert_eq!(office.command(&life), 200);
}

#[test]
fn the_second_agent_of_a_gateway_waits_until_it_comes() {
    let mut plan = plan(NEAR, KeyPolicy::Require);
    plan.gateways[0].rank = Some(1);
    let mut office = Office::with(plan);
    office.pass(Duration::from_secs(120));
    assert!(office.gateway.told.is_empty() && state(&office) == GatewayState::Unknown);
    // The first one has failed.
    let rsip = format!("RSIP # *@{GATEWAY} MGCP 0.1\r\nRM: disconnected\r\n");
    assert_eq!(office.command(&rsip), 200);
    assert_eq!(state(&office), GatewayState::Registered);
    office.observe(FAX, "L/hd");
    assert_eq!(office.gateway.signals(FAX), ["L/dl"]);
    // And is back: nothing is heard of the gateway, and it does not answer.
    office.observe(FAX, "L/hu");
    office.silent = true;
    office.pass(Duration::from_secs(90));
    assert_eq!(state(&office), GatewayState::Lost);
    office.gateway.told.clear();
    office.silent = false;
    office.pass(Duration::from_secs(300));
    assert!(office.gateway.told.is_empty());
}

#[test]
fn a_port_that_the_gateway_does_not_know_is_told_once() {
    let mut office = Office::before(NEAR.parse().unwrap());
    office.gateway.refuses.insert("AUEP", 500);
    office.agent.configure(office.now, plan(NEAR, KeyPolicy::Require)).unwrap();
    office.pass(Duration::from_secs(120));
    let told = office.alarms.iter().filter(|a| matches!(a, GatewayAlarm::Port { code: 500, .. }));
    assert_eq!(told.count(), 2, "each port once: {:?}", office.alarms);
    // It is entered there.
    office.gateway.refuses.clear();
    office.pass(Duration::from_secs(60));
    assert!(office.agent.gateways()[0].ports.iter().all(|port| port.in_service));
}

#[test]
fn another_plan_ends_the_calls_of_a_gateway_that_is_no_more() {
    let mut office = Office::new();
    office.press(ALICE, Key::Number("95551".into()));
    office.observe(TRUNK, "L/hd");
    office.agent.configure(office.now, Plan::default()).unwrap();
    office.run();
    assert!(office.phones[ALICE].legs.is_empty());
    assert!(office.agent.gateways().is_empty() && office.gateway.connections.is_empty());
    assert!(office.switchboard.is_idle());
}
