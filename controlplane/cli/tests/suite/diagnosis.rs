//! `ringfence diagnose phone` against a running office.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use tftp::{DeviceName, Observer, Outcome, Protocol, Record, Refusal};

use crate::daemon::{Daemon, stdout};

const PHONE: &str = "SEP001122334455";

fn asks(daemon: &Daemon, file: &str, outcome: Outcome) {
    daemon.services.phones().observe(Record {
        at: SystemTime::now(),
        took: Duration::ZERO,
        device: DeviceName::parse(PHONE),
        from: ([192, 0, 2, 99], 50_000).into(),
        protocol: Protocol::Tftp,
        name: file.into(),
        rule: Some("built from the database".into()),
        size: Some(900),
        signer: None,
        ctl_version: None,
        outcome,
    });
}

fn ids(diagnosis: &Value) -> Vec<&str> {
    let findings = diagnosis["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

// R: LOG-02
#[test]
fn a_phone_is_diagnosed_in_both_languages_and_for_machines() {
    let daemon = Daemon::with_cluster();
    let command = format!("diagnose phone {PHONE}");
    let unknown = daemon.json(&command);
    assert_eq!(ids(&unknown), ["PHONE_NOT_CONFIGURED", "PHONE_NEVER_ASKED"]);
    assert_eq!(unknown["timeline"][0]["stage"], "dhcp");
    assert_eq!(unknown["timeline"][0]["at"], Value::Null);
    let action = unknown["findings"][1]["action"].as_str().unwrap();
    assert!(action.contains("127.0.0.1 (bytes 96 04 7f 00 00 01)"), "{action}");

    daemon.json(&format!("device add {PHONE} 7970"));
    asks(&daemon, &format!("CTL{PHONE}.tlv"), Outcome::Refused(Refusal::NotFound));
    asks(&daemon, &format!("{PHONE}.cnf.xml"), Outcome::Completed);
    let healthy = daemon.json(&command);
    assert_eq!(ids(&healthy), [""; 0]);
    let stages: Vec<_> =
        healthy["timeline"].as_array().unwrap().iter().map(|e| &e["stage"]).collect();
    assert_eq!(stages[..3], ["dhcp", "ctl", "tftp"]);
    assert_eq!(stages.last().unwrap(), &"sccp");
    let text = stdout(&daemon.run(&command));
    assert!(text.contains("Nothing wrong was found."), "{text}");

    asks(&daemon, "SCCP70.8-5-2S.loads", Outcome::Refused(Refusal::NotFound));
    let text = stdout(&daemon.run(&command));
    assert!(text.contains("1. Its firmware SCCP70.8-5-2S.loads is missing\n"), "{text}");
    assert!(text.contains("SEP001122334455.cnf.xml: 900 bytes, built from the database"), "{text}");
    let japanese = stdout(&daemon.run(&format!("--language ja {command}")));
    assert!(japanese.contains("ファームウェア SCCP70.8-5-2S.loads がありません"), "{japanese}");
    daemon.fails(2, "diagnose phone SEP12");
}
