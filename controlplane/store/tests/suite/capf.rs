//! What CAPF shall do with phones, and what came of it.

use std::time::{Duration, SystemTime};

use lang::{Language, Say};
use ringfence_store::{
    Action, AuthString, AuthStringFault, Capf, CapfAuthMode, CapfOperation, CapfReason,
    CapfRequest, CapfResult, CapfStatus, Device, DeviceName, Error, Invalid, KeySize, Model, Node,
    NodeRole, PhoneCertificate, PhoneCertificateKind, PhoneOrder, PhoneOrderKind, Roster, Service,
    State,
};

use crate::database::{Database, NOW};

crate::over_both! {
    a_phone_has_defaults_until_somebody_sets_more,
    settings_are_kept_as_they_were_ordered,
    a_string_is_told_to_nobody_but_its_reader,
    an_operation_ends_and_uses_its_string_up,
    operations_whose_time_is_over_are_found,
    wrong_strings_are_counted_over_restarts,
    certificates_of_phones_are_inventoried,
    what_was_replaced_deleted_or_revoked_proves_nothing,
    orders_for_phones_are_found_by_those_who_look_later,
    requests_to_an_authority_outlive_the_process,
    a_removed_phone_leaves_nothing_that_counts,
    parameters_have_the_ranges_of_the_guide,
    capf_runs_on_the_publisher_only,
}

const DAY: Duration = Duration::from_secs(24 * 3600);

fn name() -> DeviceName {
    "SEP001122334455".parse().unwrap()
}

fn with_phone(db: &Database) {
    db.change(|c| c.put_device(&Device::new(name(), Model::M7970))).unwrap();
}

/// The settings without the number that the store gave the operation.
fn capf(db: &Database) -> Capf {
    Capf { ticket: 0, ..db.store.read(|v| v.capf(&name())).unwrap() }
}

fn ticket(db: &Database) -> u64 {
    db.store.read(|v| v.capf(&name())).unwrap().ticket
}

fn install() -> Capf {
    Capf {
        operation: CapfOperation::Install,
        auth_string: Some(AuthString::parse("73500912").unwrap()),
        complete_by: Some(NOW + DAY),
        status: CapfStatus::Pending,
        ..Capf::new(name(), KeySize::Rsa2048)
    }
}

fn result(reason: CapfReason) -> CapfResult {
    CapfResult { at: NOW + DAY, reason, detail: "session 7".into() }
}

// R: CAPF-07, CAPF-08, CAPF-10
fn a_phone_has_defaults_until_somebody_sets_more(db: &Database) {
    with_phone(db);
    assert_eq!(capf(db), Capf::new(name(), KeySize::Rsa1024));
    assert_eq!(capf(db).operation, CapfOperation::None);
    db.change(|c| c.set_parameter(None, "capf.key-size", "2048")).unwrap();
    assert_eq!(capf(db).key_size, KeySize::Rsa2048);
    assert!(db.store.read(|v| v.capfs()).unwrap().is_empty());
    let stranger = Capf::new("SEP00112233FFFF".parse().unwrap(), KeySize::Rsa1024);
    let refused = db.change(|c| c.order_capf(&stranger)).unwrap_err();
    assert!(matches!(refused, Error::Unknown { object: "device", .. }));
}

// R: CAPF-04, GEN-20
fn settings_are_kept_as_they_were_ordered(db: &Database) {
    with_phone(db);
    let done = db.change(|c| c.order_capf(&install())).unwrap();
    assert_eq!(done.actions, [Action::ResetDevice(name())]);
    assert_eq!(capf(db), install());
    let first = ticket(db);
    assert_eq!(first, done.revision.unwrap().0);
    assert_eq!(db.change(|c| c.order_capf(&install())).unwrap().revision, None);
    assert_eq!(ticket(db), first);
    let pending = || db.store.read(|v| v.capf_pending()).unwrap();
    assert_eq!(pending(), [(name(), CapfAuthMode::AuthenticationString)]);

    // The phone need not know the size beforehand, but the mode it must read in its file.
    let smaller = Capf { key_size: KeySize::Rsa512, ..install() };
    assert_eq!(db.change(|c| c.order_capf(&smaller)).unwrap().actions, []);
    // A session that is under way works on the old order, and can tell.
    assert!(ticket(db) > first);
    for mode in CapfAuthMode::ALL.iter().rev() {
        let other = Capf { auth_mode: *mode, ..install() };
        let done = db.change(|c| c.order_capf(&other)).unwrap();
        assert_eq!(done.actions, [Action::ResetDevice(name())], "{mode}");
        assert_eq!(pending(), [(name(), *mode)]);
    }
    let numbers: Vec<_> = CapfAuthMode::ALL.iter().map(|mode| mode.number()).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    let none = Capf::new(name(), KeySize::Rsa1024);
    db.change(|c| c.order_capf(&none)).unwrap();
    assert_eq!(pending(), []);
}

// R: CAPF-05, CAPF-16, LOG-01
fn a_string_is_told_to_nobody_but_its_reader(db: &Database) {
    with_phone(db);
    db.change(|c| c.order_capf(&install())).unwrap();
    let second = Capf { auth_string: Some(AuthString::parse("0441").unwrap()), ..install() };
    // A change of nothing but the string is a change.
    assert!(db.change(|c| c.order_capf(&second)).unwrap().revision.is_some());
    assert_eq!(capf(db).auth_string.unwrap().expose(), "0441");
    let told = db
        .store
        .read(|v| {
            Ok(format!(
                "{:?} {:?} {:?}",
                v.revisions(None, 9)?,
                v.audit(None, 9)?,
                v.capf(&name())?
            ))
        })
        .unwrap();
    assert!(told.contains("authentication-string") && told.contains("changed"), "{told}");
    assert!(!told.contains("73500912") && !told.contains("0441"), "{told}");

    for (text, fault) in [
        ("", AuthStringFault::Length),
        ("123", AuthStringFault::Length),
        ("12345678901", AuthStringFault::Length),
        ("12a4", AuthStringFault::NotDigits),
        ("１２３４", AuthStringFault::NotDigits),
    ] {
        assert_eq!(AuthString::parse(text).unwrap_err(), fault, "{text}");
    }
    for text in ["0000", "1234567890"] {
        assert_eq!(AuthString::parse(text).unwrap().expose(), text);
    }
    let (one, two) = (AuthString::random(), AuthString::random());
    assert!(AuthString::parse(one.expose()).is_ok() && one != two);
}

// R: CAPF-05, CAPF-10
fn an_operation_ends_and_uses_its_string_up(db: &Database) {
    use CapfOperation as Do;
    use CapfStatus as Is;
    with_phone(db);
    let cases = [
        (Do::Install, true, Is::UpgradeSuccess, "Success"),
        (Do::Install, false, Is::UpgradeFailed, "Upgrade Failed"),
        (Do::Delete, true, Is::DeleteSuccess, "Delete Success"),
        (Do::Delete, false, Is::DeleteFailed, "Delete Failed"),
        (Do::Troubleshoot, true, Is::TroubleshootSuccess, "Troubleshoot Success"),
        (Do::Troubleshoot, false, Is::TroubleshootFailed, "Troubleshoot Failed"),
    ];
    for (operation, well, status, title) in cases {
        let mut capf = Capf { operation, ..install() };
        db.change(|c| c.order_capf(&capf)).unwrap();
        capf.end(well, result(CapfReason::Phone));
        // The phone resets itself: nobody has to do it.
        assert_eq!(db.change(|c| c.note_capf(&capf)).unwrap().actions, []);
        let kept = self::capf(db);
        assert_eq!((kept.operation, kept.status), (Do::None, status));
        assert_eq!((kept.auth_string, kept.complete_by), (None, None));
        assert_eq!(kept.result, Some(result(CapfReason::Phone)));
        assert_eq!(status.say(Language::English), title);
    }
    assert_eq!(CapfStatus::Pending.say(Language::English), "Operation Pending");
    for reason in CapfReason::ALL {
        assert!(!reason.say(Language::Japanese).is_ascii(), "{reason}");
    }
}

// R: CAPF-09
fn operations_whose_time_is_over_are_found(db: &Database) {
    with_phone(db);
    db.change(|c| c.order_capf(&install())).unwrap();
    let expired = |now: SystemTime| db.store.read(|v| v.capf_expired(now)).unwrap().len();
    assert_eq!((expired(NOW), expired(NOW + DAY)), (0, 1));
    assert!(!install().is_expired(NOW) && install().is_expired(NOW + DAY));
    let mut over = install();
    over.end(false, result(CapfReason::Expired));
    assert!(!over.is_expired(NOW + DAY));
    db.change(|c| c.note_capf(&over)).unwrap();
    assert_eq!(expired(NOW + DAY), 0);
}

// R: CAPF-06
fn wrong_strings_are_counted_over_restarts(db: &Database) {
    with_phone(db);
    let read = |store: &ringfence_store::Store| store.read(|v| v.capf_lockout(&name())).unwrap();
    assert_eq!(read(&db.store), None);
    // Counting is no administration: an attacker fills no history.
    let put = |lockout| db.change(|c| c.put_capf_lockout(&name(), lockout)).unwrap().revision;
    assert_eq!(put(Some("{\"failures\":9}")), None);
    assert_eq!(put(Some("{\"failures\":10}")), None);
    assert_eq!(read(&db.open_again()).as_deref(), Some("{\"failures\":10}"));
    put(None);
    assert_eq!(read(&db.open_again()), None);
    let stranger = "SEP00112233FFFF".parse().unwrap();
    assert!(db.change(|c| c.put_capf_lockout(&stranger, Some("{}"))).is_err());
}

// R: AUTH-05, CAPF-16
fn what_was_replaced_deleted_or_revoked_proves_nothing(db: &Database) {
    with_phone(db);
    let read = || Roster::clone(&db.store.read(|v| Roster::read(v, "cm1")).unwrap());
    let mut roster = read();
    let follow = |roster: &mut Roster| {
        assert!(db.store.read(|v| roster.follow(v)).unwrap());
        let anew = read();
        [1, 2, 3].map(|n| {
            let told = roster.is_withdrawn(name().as_str(), &lsc(n).der);
            assert_eq!(anew.is_withdrawn(name().as_str(), &lsc(n).der), told);
            told
        })
    };
    db.change(|c| c.put_phone_certificate(&lsc(1))).unwrap();
    assert_eq!(follow(&mut roster), [false; 3]);
    db.change(|c| c.put_phone_certificate(&lsc(2))).unwrap();
    assert_eq!(follow(&mut roster), [true, false, false]);
    assert!(db.change(|c| c.revoke_lsc(&name())).unwrap().revision.is_some());
    assert_eq!(db.change(|c| c.revoke_lsc(&name())).unwrap().revision, None);
    assert_eq!(follow(&mut roster), [true, true, false]);
    let kept = db.store.read(|v| v.present_lsc(&name())).unwrap().unwrap();
    assert!(kept.is_withdrawn() && kept.present && kept.revoked_at.is_some());
    // CAPF meets it again: that does not make it better.
    db.change(|c| c.put_phone_certificate(&lsc(2))).unwrap();
    assert_eq!(follow(&mut roster), [true, true, false]);
    db.change(|c| c.put_phone_certificate(&lsc(3))).unwrap();
    assert_eq!(follow(&mut roster), [true, true, false]);
    db.change(|c| c.phone_certificate_gone(&name(), PhoneCertificateKind::Lsc)).unwrap();
    assert_eq!(follow(&mut roster), [true; 3]);
    // Nor does it prove anything for a phone that takes the name.
    db.change(|c| c.remove_device(&name())).unwrap();
    with_phone(db);
    assert_eq!(follow(&mut roster), [true; 3]);
    assert!(!roster.is_withdrawn("SEP00112233FFFF", &lsc(1).der));
}

fn orders_for_phones_are_found_by_those_who_look_later(db: &Database) {
    with_phone(db);
    let order = |kind| PhoneOrder { kind, node: "cm1".into(), devices: vec![name().to_string()] };
    let before = db.store.read(|v| v.revision()).unwrap();
    let first = db.change(|c| c.order_phones(&order(PhoneOrderKind::Reset))).unwrap();
    db.change(|c| c.order_phones(&order(PhoneOrderKind::Cut))).unwrap();
    let since = |seen| db.store.read(|v| v.phone_orders_since(seen)).unwrap();
    let kinds: Vec<_> = since(before).iter().map(|order| order.kind).collect();
    assert_eq!(kinds, [PhoneOrderKind::Reset, PhoneOrderKind::Cut]);
    assert_eq!(since(first.revision.unwrap()), [order(PhoneOrderKind::Cut)]);
}

fn lsc(number: u8) -> PhoneCertificate {
    PhoneCertificate {
        device: name(),
        kind: PhoneCertificateKind::Lsc,
        subject: "CN=SEP001122334455".into(),
        issuer: "CN=CAPF-1".into(),
        serial: format!("{number:02x}"),
        not_before: NOW,
        not_after: NOW + DAY,
        issued_by: Some("ca".into()),
        noted_at: NOW + Duration::from_secs(number.into()),
        present: true,
        revoked_at: None,
        der: vec![0x30, number],
    }
}

// R: CAPF-16
fn certificates_of_phones_are_inventoried(db: &Database) {
    with_phone(db);
    db.change(|c| c.put_phone_certificate(&lsc(1))).unwrap();
    db.change(|c| c.put_phone_certificate(&lsc(2))).unwrap();
    let mic = PhoneCertificate { kind: PhoneCertificateKind::Mic, issued_by: None, ..lsc(3) };
    db.change(|c| c.put_phone_certificate(&mic)).unwrap();
    db.store
        .read(|v| {
            assert_eq!(v.present_lsc(&name())?, Some(lsc(2)));
            assert_eq!(v.present_lscs()?, [lsc(2)]);
            let replaced = PhoneCertificate { present: false, ..lsc(1) };
            assert_eq!(v.phone_certificates(&name())?, [replaced, lsc(2), mic.clone()]);
            Ok(())
        })
        .unwrap();
    let gone = |c: &mut ringfence_store::Change<'_>| {
        c.phone_certificate_gone(&name(), PhoneCertificateKind::Lsc)
    };
    assert!(db.change(gone).unwrap().revision.is_some());
    assert_eq!(db.change(gone).unwrap().revision, None);
    assert_eq!(db.store.read(|v| v.present_lsc(&name())).unwrap(), None);
    assert_eq!(db.store.read(|v| v.phone_certificates(&name())).unwrap().len(), 3);
    assert_eq!(lsc(1).fingerprint().len(), 64);
}

// R: CAPF-03
fn requests_to_an_authority_outlive_the_process(db: &Database) {
    with_phone(db);
    let request = CapfRequest {
        device: name(),
        public_key: vec![1, 2],
        transaction_id: "a1".into(),
        asked_at: NOW,
        request: vec![3],
        certificate: None,
    };
    let open = |db: &Database| db.store.read(|v| v.capf_requests_open()).unwrap();
    assert_eq!(db.change(|c| c.put_capf_request(&request)).unwrap().revision, None);
    assert_eq!(open(db), [name()]);
    let again = CapfRequest { transaction_id: "a2".into(), certificate: Some(vec![4]), ..request };
    db.change(|c| c.put_capf_request(&again)).unwrap();
    assert_eq!(db.open_again().read(|v| v.capf_request(&name())).unwrap(), Some(again));
    assert_eq!(open(db), []);
    db.change(|c| c.remove_capf_request(&name())).unwrap();
    assert_eq!(db.store.read(|v| v.capf_request(&name())).unwrap(), None);
}

fn a_removed_phone_leaves_nothing_that_counts(db: &Database) {
    with_phone(db);
    // Changing the device itself leaves CAPF's settings alone.
    db.change(|c| c.order_capf(&install())).unwrap();
    db.change(|c| c.put_phone_certificate(&lsc(1))).unwrap();
    let described = Device { owner: "bob".into(), ..Device::new(name(), Model::M7970) };
    db.change(|c| c.put_device(&described)).unwrap();
    assert_eq!(capf(db), install());
    db.change(|c| c.remove_device(&name())).unwrap();
    with_phone(db);
    assert_eq!(capf(db), Capf::new(name(), KeySize::Rsa1024));
    assert!(db.store.read(|v| v.phone_certificates(&name())).unwrap().is_empty());
    db.store.read(|v| v.verify_audit()).unwrap();
}

// R: CAPF-11
fn parameters_have_the_ranges_of_the_guide(db: &Database) {
    let set = |name: &str, value: &str| db.change(|c| c.set_parameter(None, name, value));
    for (parameter, default, right, wrong) in [
        ("capf.certificate-issuer", "capf", "keon", "verisign"),
        ("capf.certificate-validity-years", "5", "20", "0"),
        ("capf.key-size", "1024", "512", "4096"),
        ("capf.key-generation-minutes", "30", "240", "0"),
        ("capf.key-generation-attempts", "3", "10", "11"),
        ("capf.keon-jurisdiction-id", "", "a1b2 c3", "日本"),
        ("capf.scep-port", "80", "8080", "65536"),
        ("capf.certificate-authority-address", "", "ca.example.com", "http://ca/"),
        ("capf.certificate-authority-fingerprint", "", "a1:b2", "日本"),
        ("capf.scep-algorithms", "transitional", "legacy", "none"),
        ("enterprise.capf-phone-port", "3804", "3805", "1"),
        ("enterprise.capf-operation-expires-days", "10", "365", "366"),
    ] {
        let value = || db.store.read(|v| v.parameter(None, parameter)).unwrap().value;
        assert_eq!(value(), default, "{parameter}");
        assert_eq!(set(parameter, right).unwrap().actions, [Action::RestartCapf], "{parameter}");
        assert!(matches!(set(parameter, wrong), Err(Error::Invalid(_))), "{parameter}");
        assert_eq!(value(), right, "{parameter}");
    }
    let long = "x".repeat(129);
    let refused = set("capf.keon-jurisdiction-id", &long).unwrap_err();
    assert_eq!(refused, Invalid::Text { given: long, max: 128 }.into());
    // What is set for the publisher holds where CAPF runs.
    db.change(|c| c.put_node(&Node::new("cm1", [192, 0, 2, 10].into(), NodeRole::Publisher)))
        .unwrap();
    db.change(|c| c.set_parameter(Some("cm1"), "capf.key-size", "2048")).unwrap();
    assert_eq!(db.store.read(|v| v.default_key_size()).unwrap(), KeySize::Rsa2048);
}

// R: CAPF-01
fn capf_runs_on_the_publisher_only(db: &Database) {
    let publisher = Node::new("cm1", [192, 0, 2, 10].into(), NodeRole::Publisher);
    assert!(!publisher.services.contains(&Service::Capf), "it is active by itself");
    let mut subscriber = Node::new("cm2", [192, 0, 2, 11].into(), NodeRole::Subscriber);
    db.change(|c| c.put_node(&publisher)).unwrap();
    subscriber.services.push(Service::Capf);
    let refused = db.change(|c| c.put_node(&subscriber)).unwrap_err();
    assert!(refused.to_string().contains("publisher only"), "{refused}");
}
