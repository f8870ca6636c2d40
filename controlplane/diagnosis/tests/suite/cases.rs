//! What was recorded, and what is wrong.

use std::time::Duration;

use cluster::preflight::{Held, PhoneList};
use pki::issue::Usage;
use store::{
    Capf, CapfAuthMode, CapfOperation, CapfReason, CapfResult, CapfStatus, EffectiveMode, KeySize,
    Model, SecurityMode, Service,
};
use tftp::{ErrorCode, Outcome, Record, Refusal};
use tlv::VerifiedCtl;

use crate::support::{List, PHONE, address, asked, found, healthy, identity, lsc, now, world};
use ringfence_diagnosis::Records;

fn holding(list: VerifiedCtl) -> Records {
    let held = Some(PhoneList { held: Held::List(list), asked: now() });
    Records { held, ..healthy() }
}

/// A cluster whose present list is the one the phone holds, too.
fn served(list: VerifiedCtl) -> Records {
    Records { list: Some(list.clone()), ..holding(list) }
}

fn with_last(outcome: Outcome, name: &str) -> Records {
    let mut records = healthy();
    records.requests.push(Record { outcome, ..asked(9, name) });
    records
}

#[test]
fn nothing_is_wrong_with_a_healthy_phone() {
    assert_eq!(found(&healthy()), [""; 0]);
}

// R: LOG-02
#[test]
fn the_ctl_file_cannot_be_authenticated() {
    let [a, b, c] = &world().tokens;
    let foreign = List { tokens: [a, b], ..List::right() }.sign();
    let present = List { tokens: [b, c], ..List::right() }.sign();
    // Signed by a token that the phone does not know.
    let records = Records { list: Some(present), ..holding(foreign) };
    assert_eq!(found(&records), ["PHONE_CANNOT_AUTHENTICATE_CTL"]);
    let lost = PhoneList { held: Held::Lost("00".into()), asked: now() };
    assert_eq!(found(&Records { held: Some(lost), ..healthy() }), ["PHONE_CTL_UNKNOWN"]);
}

// R: LOG-02
#[test]
fn other_files_cannot_be_authenticated() {
    let other = identity("cm1", Usage::Server);
    let list = List { node: ("cm1", address(), other.certificate()), ..List::right() }.sign();
    let expected = ["PHONE_CANNOT_AUTHENTICATE_FILES", "PHONE_CALLMANAGER_DIFFERS"];
    assert_eq!(found(&served(list)), expected);
}

// R: LOG-02
#[test]
fn the_tftp_server_is_not_authorized() {
    let elsewhere = ("cm2", [192, 0, 2, 12].into(), world().node.certificate());
    let list = List { node: elsewhere, ..List::right() }.sign();
    let expected = ["PHONE_TFTP_NOT_AUTHORIZED", "PHONE_CALLMANAGER_DIFFERS", "PHONE_WRONG_CAPF"];
    assert_eq!(found(&served(list)), expected);
}

// R: LOG-02
#[test]
fn it_cannot_register() {
    // The server moved: its entry has the old address.
    let mut moved = healthy();
    moved.nodes[0].address = [192, 0, 2, 77].into();
    for server in &mut moved.inventory.servers {
        server.address = [192, 0, 2, 77].into();
    }
    assert_eq!(found(&moved), ["PHONE_CALLMANAGER_DIFFERS", "PHONE_WRONG_CAPF"]);
}

// R: LOG-02
#[test]
fn capf_is_another_one() {
    let renewed = identity("CAPF-2", Usage::Server);
    for capf in [None, Some(renewed.certificate())] {
        let list = List { capf, ..List::right() }.sign();
        assert_eq!(found(&served(list)), ["PHONE_WRONG_CAPF"]);
    }
}

// R: LOG-02
#[test]
fn signed_files_are_not_asked_for() {
    let list = List { mode: SecurityMode::NonSecure, ..List::right() }.sign();
    let records = Records { list: List::right().sign().into(), ..holding(list.clone()) };
    let found_there = found(&records);
    assert!(found_there.starts_with(&["PHONE_CTL_OLD", "PHONE_ASKS_UNSIGNED"]), "{found_there:?}");
    let nothing = PhoneList { held: Held::Nothing, asked: now() };
    let records = Records { held: Some(nothing.clone()), ..healthy() };
    assert_eq!(found(&records), ["PHONE_CTL_OLD", "PHONE_ASKS_UNSIGNED"]);
    // In a non-secure cluster that is as it should be.
    let records =
        Records { mode: SecurityMode::NonSecure, held: Some(nothing), list: None, ..healthy() };
    assert_eq!(found(&records), [""; 0]);
}

#[test]
fn it_never_came() {
    let mut records = Records { requests: Vec::new(), held: None, ..healthy() };
    assert_eq!(found(&records), ["PHONE_NEVER_ASKED"]);
    let said = ringfence_diagnosis::diagnose(&records).findings.remove(0);
    let said = messages::Explain::explain(&said, lang::Language::English);
    assert!(said.action.contains("192.0.2.11 (bytes 96 04 c0 00 02 0b)"), "{}", said.action);
    records.nodes[0].services.retain(|service| *service != Service::Tftp);
    assert_eq!(found(&records), ["PHONE_NO_TFTP_HERE"]);
}

#[test]
fn files_did_not_reach_it() {
    let configuration = format!("{PHONE}.cnf.xml.sgn");
    let refused = Outcome::Refused;
    for (outcome, name, expected) in [
        (Outcome::TimedOut, &*configuration, "PHONE_FELL_SILENT"),
        (
            Outcome::PeerError { code: ErrorCode::AccessViolation, text: "flash full".into() },
            "SCCP70.8-5-2S.loads",
            "PHONE_REFUSED_FILE",
        ),
        (refused(Refusal::Failed("no key".into())), &configuration, "PHONE_FILE_NOT_SERVED"),
        (refused(Refusal::Denied("of another".into())), &configuration, "PHONE_FILE_NOT_SERVED"),
        (refused(Refusal::NotFound), &configuration, "PHONE_NO_CONFIGURATION"),
        (refused(Refusal::NotFound), "SCCP70.8-5-2S.loads", "PHONE_LOAD_MISSING"),
    ] {
        assert_eq!(found(&with_last(outcome, name)), [expected], "{name}");
    }
    // Names that phones only try.
    for name in ["ITLFile.tlv", "German/mk-sccp.jar", "XMLDefault.cnf.xml"] {
        assert_eq!(found(&with_last(refused(Refusal::NotFound), name)), [""; 0]);
    }
}

#[test]
fn only_the_last_word_of_the_last_start_counts() {
    let mut records = healthy();
    let earlier = records.requests.clone();
    let silent = Record { outcome: Outcome::TimedOut, ..asked(0, "x.cnf.xml") };
    records.requests.insert(0, silent.clone());
    assert_eq!(found(&records), [""; 0]);
    // It asked again, and got it.
    records.requests = [earlier, vec![silent, asked(9, "x.cnf.xml")]].concat();
    assert_eq!(found(&records), [""; 0]);
}

#[test]
fn a_phone_that_wants_signatures_comes_to_a_cluster_without() {
    let refused = Outcome::Refused(Refusal::NotFound);
    let mut records = with_last(refused, &format!("{PHONE}.cnf.xml.sgn"));
    records.mode = SecurityMode::NonSecure;
    assert_eq!(found(&records), ["PHONE_ASKS_SIGNED"]);
}

#[test]
fn nobody_knows_it() {
    let records = Records { device: None, certificates: Vec::new(), ..healthy() };
    assert_eq!(found(&records), ["PHONE_NOT_CONFIGURED"]);
}

#[test]
fn it_has_no_certificate() {
    let mut records = healthy();
    records.certificates.clear();
    // A 7970 has one of its manufacturer.
    assert_eq!(found(&records), [""; 0]);
    let (device, mode) = records.device.as_mut().unwrap();
    device.model = Model::M7960;
    assert_eq!(*mode, EffectiveMode::Encrypted);
    assert_eq!(found(&records), ["PHONE_NO_CERTIFICATE"]);
    records.device.as_mut().unwrap().1 = EffectiveMode::NonSecure;
    assert_eq!(found(&records), [""; 0]);
}

// R: CAPF-19
#[test]
fn its_lsc_cannot_be_verified() {
    let year = Duration::from_secs(365 * 24 * 3600);
    let other = identity("CAPF-9", Usage::Server);
    let mut records = healthy();
    records.certificates = vec![lsc(&other, now() + year)];
    assert_eq!(found(&records), ["PHONE_LSC_OTHER_ISSUER"]);
    let records = Records { has_capf_certificate: false, ..healthy() };
    assert_eq!(found(&records), ["PHONE_CAPF_CERTIFICATE_MISSING"]);
    let mut records = healthy();
    records.certificates = vec![lsc(&world().capf, now() - year)];
    assert_eq!(found(&records), ["PHONE_LSC_EXPIRED"]);
    // One that was replaced does not matter any more.
    let mut replaced = lsc(&other, now() + year);
    replaced.present = false;
    let mut records = healthy();
    records.certificates.push(replaced);
    assert_eq!(found(&records), [""; 0]);
}

fn operation(auth_mode: CapfAuthMode) -> Capf {
    let mut capf = Capf::new(PHONE.parse().unwrap(), KeySize::Rsa1024);
    capf.operation = CapfOperation::Install;
    capf.status = CapfStatus::Pending;
    capf.auth_mode = auth_mode;
    capf.complete_by = Some(now() + Duration::from_secs(3600));
    capf
}

#[test]
fn an_operation_waits() {
    let waiting = |auth_mode| Records { capf: Some(operation(auth_mode)), ..healthy() };
    let by_string = waiting(CapfAuthMode::AuthenticationString);
    assert_eq!(found(&by_string), ["PHONE_CAPF_WAITS_FOR_USER"]);
    let mut by_itself = waiting(CapfAuthMode::NullString);
    assert_eq!(found(&by_itself), ["PHONE_CAPF_WAITS_FOR_PHONE"]);
    by_itself.capf.as_mut().unwrap().complete_by = Some(now() - Duration::from_secs(1));
    assert_eq!(found(&by_itself), ["PHONE_CAPF_EXPIRED"]);
    let mut inactive = by_string;
    inactive.nodes[0].services.retain(|service| *service != Service::Capf);
    assert_eq!(found(&inactive), ["PHONE_CAPF_NOT_ACTIVE"]);
}

#[test]
fn an_operation_failed() {
    for (reason, expected) in [
        (CapfReason::Expired, "PHONE_CAPF_EXPIRED"),
        (CapfReason::WrongString, "PHONE_CAPF_WRONG_STRING"),
        (CapfReason::Locked, "PHONE_CAPF_LOCKED"),
        (CapfReason::Certificate, "PHONE_CAPF_NO_PROOF"),
        (CapfReason::Key, "PHONE_CAPF_KEY"),
        (CapfReason::Phone, "PHONE_CAPF_PHONE"),
        (CapfReason::AuthorityPending, "PHONE_CAPF_AUTHORITY_PENDING"),
        (CapfReason::Authority, "PHONE_CAPF_AUTHORITY"),
        (CapfReason::Connection, "PHONE_CAPF_CONNECTION"),
        (CapfReason::Protocol, "PHONE_CAPF_PROTOCOL"),
    ] {
        let result = || CapfResult { at: now(), reason, detail: "more of it".into() };
        let mut ended = operation(CapfAuthMode::NullString);
        ended.end(false, result());
        assert_eq!(found(&Records { capf: Some(ended), ..healthy() }), [expected]);
        // The same while the operation still waits for another attempt.
        if reason != CapfReason::Expired {
            let mut trying = operation(CapfAuthMode::NullString);
            trying.result = Some(result());
            assert_eq!(found(&Records { capf: Some(trying), ..healthy() }), [expected]);
        }
        let mut done = operation(CapfAuthMode::NullString);
        done.end(true, result());
        assert_eq!(found(&Records { capf: Some(done), ..healthy() }), [""; 0]);
    }
}
