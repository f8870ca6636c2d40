//! One line of time from DHCP to SCCP.

use std::time::Duration;

use cluster::preflight::{Held, PhoneList};
use ringfence_diagnosis::{Records, Stage, State, diagnose};
use store::{CapfOperation, CapfReason, CapfResult, CapfStatus};

use crate::support::{PHONE, asked, healthy, now, told};

// R: LOG-02
#[test]
fn the_way_is_told_in_its_order() {
    let mut records = healthy();
    let mut capf = store::Capf::new(PHONE.parse().unwrap(), store::KeySize::Rsa1024);
    capf.operation = CapfOperation::Troubleshoot;
    capf.status = CapfStatus::Pending;
    capf.result = Some(CapfResult {
        at: now() - Duration::from_secs(30),
        reason: CapfReason::Connection,
        detail: "reset by peer".into(),
    });
    records.capf = Some(capf);
    let told = told(&records);
    let stages: Vec<_> = told.iter().map(|(stage, ..)| *stage).collect();
    use Stage::*;
    // The LSC is half an hour old, the session half a minute.
    assert_eq!(stages, [Dhcp, Capf, Ctl, Tftp, Tftp, Capf, Ctl, Capf, Sccp]);
    let says = |index: usize, words: &str| {
        assert!(told[index].2.contains(words), "{index}: {}", told[index].2);
    };
    says(0, "192.0.2.99 came to cm1");
    says(1, "LSC by CN=CAPF-1");
    says(2, &format!("CTL{PHONE}.tlv: 1234 bytes, MD5"));
    says(3, "ITLSEP001122334455.tlv: there is none");
    says(4, "SEP001122334455.cnf.xml.sgn: 1234 bytes, static file, signed by CN=cm1");
    says(5, "session ended, status operation-pending: connection reset by peer");
    says(6, "holds the present CTL file");
    says(7, "waits: troubleshoot, authenticated by authentication-string");
    says(8, "registrations are not recorded yet");
    assert_eq!(told[8].1, State::Open);
}

#[test]
fn what_is_not_recorded_is_said_to_be_so() {
    let records = Records { requests: Vec::new(), held: None, ..healthy() };
    let told = told(&records);
    assert_eq!((told[0].0, told[0].1), (Stage::Dhcp, State::Open));
    assert!(told[0].2.contains("leases are not seen here"), "{}", told[0].2);
    let held = |held| {
        let known = PhoneList { held, asked: now() };
        let told = crate::support::told(&Records { held: Some(known), ..healthy() });
        told.into_iter().rev().find(|(stage, ..)| *stage == Stage::Ctl).unwrap()
    };
    assert!(held(Held::Nothing).2.starts_with("holds no CTL file"));
    assert!(held(Held::Lost("00".into())).2.starts_with("holds a CTL file that nobody knows"));
}

#[test]
fn only_the_latest_requests_are_told() {
    let mut records = healthy();
    records.requests = (0..1000).map(|_| asked(1, "Ringlist.xml")).collect();
    let timeline = diagnose(&records).timeline;
    let told = told(&records);
    assert!(timeline.len() < 120, "{}", timeline.len());
    assert!(told.iter().any(|(.., words)| words == "900 earlier requests"), "{told:?}");
}
