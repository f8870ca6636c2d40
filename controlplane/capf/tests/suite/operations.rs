//! What is done with a phone, and what goes wrong with it.

use std::time::Duration;

use pki::{PrivateKey, Signer};
use ringfence_capf::codec::{
    AuthRes, Body, CertificateEntry, CertificateType, Command, Curve, KeyAnswer, KeySpec, Password,
    Reason, Text,
};
use ringfence_capf::phone::Conclusion;
use ringfence_capf::server::{
    AuthMode, Ended, Failure, KeyRefusal, Operation, Phase, Profile, Refusal, WhenNotNow,
};

use crate::steps::{asked_for_key, auth_res, key, meet, null_string, phone, refusal, send};
use crate::support::{
    DEVICE, Mood, Office, Status, Telephone, WIRE, Wire, assignment, device, install, lsc, mic,
    now, settings, talk,
};

// R: CAPF-02, CAPF-03, CAPF-08
#[test]
fn every_size_of_key_that_a_phone_makes_gets_its_certificate() {
    let sizes = KeySpec::RSA_SIZES.map(KeySpec::Rsa);
    let curves = [Curve::P256, Curve::P384, Curve::P521].map(KeySpec::Ec);
    for spec in sizes.into_iter().chain(curves) {
        let mut office = null_string(Operation::Install(spec));
        let mut phone = phone();
        (phone.manner.longest_rsa, phone.manner.makes_ec) = (4096, true);
        let talked = meet(&mut office, &mut phone);
        assert_eq!(talked.server, Ended::Done, "{spec}");
        assert_eq!(talked.commands(), "1 2 3 17 4 9 10 15", "{spec}");
        let kept = phone.lsc.unwrap();
        assert_eq!(kept.certificate.public_key().describe(), spec.to_string());
        assert_eq!(office.row().lsc, Some(kept.certificate));
        assert_eq!(office.status(), Status::Success);
    }
}

#[test]
fn an_upgrade_replaces_and_a_deletion_leaves_the_mic() {
    let mut office = null_string(install());
    let mut phone = phone();
    (phone.lsc, phone.mic) = (Some(lsc()), Some(mic()));
    meet(&mut office, &mut phone);
    assert_ne!(phone.lsc.as_ref().unwrap().certificate, lsc().certificate);
    office.row().assignment.operation = Operation::Delete;
    let talked = meet(&mut office, &mut phone);
    assert_eq!((talked.server, talked.phone), (Ended::Done, Conclusion::Ended(Reason::SUCCESS)));
    assert!(phone.lsc.is_none() && phone.mic.is_some() && office.row().lsc.is_none());
    // There is none left to delete.
    office.row().assignment.operation = Operation::Delete;
    let talked = meet(&mut office, &mut phone);
    let failure = Failure::Phone(Reason::INVALID);
    assert_eq!((talked.server, office.status()), (Ended::Failed(failure), Status::Failed));
    assert_eq!(talked.phone, Conclusion::Ended(Reason::SUCCESS));
}

// R: CAPF-02
#[test]
fn troubleshooting_shows_each_certificate_once() {
    for (has_lsc, has_mic, shown) in [
        (true, true, vec![CertificateType::LSC, CertificateType::MIC]),
        (true, false, vec![CertificateType::LSC]),
        (false, true, vec![CertificateType::MIC]),
    ] {
        let mut office = null_string(Operation::Troubleshoot);
        let mut phone = phone();
        (phone.lsc, phone.mic) = (has_lsc.then(lsc), has_mic.then(mic));
        let talked = meet(&mut office, &mut phone);
        assert_eq!(talked.server, Ended::Done);
        assert_eq!(talked.phone, Conclusion::Ended(Reason::NO_ACTION));
        assert_eq!(office.row().shown, shown);
        let lines =
            office.trace.iter().filter(|line| line.contains(" its ") && line.contains("serial"));
        assert_eq!(lines.count(), shown.len());
    }
    let mut office = null_string(Operation::Troubleshoot);
    let talked = meet(&mut office, &mut phone());
    assert_eq!(talked.server, Ended::Failed(Failure::Phone(Reason::INVALID)));
    assert_eq!(
        (talked.phone, office.status()),
        (Conclusion::Ended(Reason::NO_ACTION), Status::Failed)
    );
    // Success without a certificate is none.
    let mut office = null_string(Operation::Troubleshoot);
    let mut session = office.session(now());
    send(&mut session, now(), auth_res());
    office.serve(now(), &mut session);
    let body = Body::FetchCertRes { reason: Reason::SUCCESS, certificates: vec![] };
    send(&mut session, now(), body);
    let (_, ended) = office.serve(now(), &mut session);
    assert_eq!(ended, Some(Ended::Failed(Failure::NothingShown)));
    // What cannot be decoded is shown as what it is.
    let mut office = null_string(Operation::Troubleshoot);
    let mut session = office.session(now());
    send(&mut session, now(), auth_res());
    office.serve(now(), &mut session);
    let certificates = vec![CertificateEntry { kind: CertificateType(9), der: vec![1, 2, 3] }];
    send(&mut session, now(), Body::FetchCertRes { reason: Reason::SUCCESS, certificates });
    office.serve(now(), &mut session);
    assert!(office.trace.iter().any(|line| line.contains("cannot be decoded")));
}

#[test]
fn a_phone_may_say_any_number_of_times_that_it_is_at_work() {
    for times in [0, 1, 5, 255] {
        let mut office = null_string(install());
        let mut phone = phone();
        phone.manner.signs_of_life = times;
        assert_eq!(meet(&mut office, &mut phone).server, Ended::Done);
        assert!(office.trace.len() < 100, "a flood of messages is no flood of lines");
    }
}

#[test]
fn a_key_that_is_not_what_was_asked_for_is_refused() {
    let asked = KeySpec::Rsa(1024);
    let makes = |made: Option<KeySpec>| {
        let mut office = null_string(Operation::Install(asked));
        let mut phone = phone();
        phone.makes = Some(made);
        let talked = meet(&mut office, &mut phone);
        assert_eq!(*talked.last(), Body::EndSession { reason: Reason::INVALID, info: None });
        assert_eq!((office.issued, office.row().assignment.failed_attempts), (0, 1));
        refusal(Some(talked.server))
    };
    assert_eq!(makes(None), Refusal::KeyGeneration(Some(Reason::INVALID)));
    let other = |made: &str| Refusal::Key(KeyRefusal::Other { asked, made: made.to_owned() });
    assert_eq!(makes(Some(KeySpec::Rsa(512))), other("RSA 512"));
    assert_eq!(makes(Some(KeySpec::Rsa(2048))), other("RSA 2048"));
    assert_eq!(makes(Some(KeySpec::Ec(Curve::P256))), other("EC 256"));
    // Bytes that are no key, and numbers that cannot be a key's.
    let mut spki = PrivateKey::generate_legacy_rsa(1024).unwrap().public_key().spki().to_vec();
    for (spoil, expected) in [(false, KeyRefusal::NoKey), (true, KeyRefusal::Unsound)] {
        let mut office = null_string(Operation::Install(asked));
        let (mut session, now) = asked_for_key(&mut office);
        let last = spki.len() - 1;
        if spoil {
            spki[last] = 0x10; // the exponent 65537 becomes 65552
        }
        let bytes = if spoil { spki.clone() } else { spki[..last].to_vec() };
        send(&mut session, now, Body::KeyGenRes(KeyAnswer::PublicKey(bytes)));
        assert_eq!(refusal(office.serve(now, &mut session).1), Refusal::Key(expected));
    }
    // A point that is not on its curve.
    let mut office = null_string(Operation::Install(KeySpec::Ec(Curve::P256)));
    let point = PrivateKey::generate(pki::KeyKind::EcP256);
    let mut point = point.public_key().spki().to_vec();
    *point.last_mut().unwrap() ^= 1;
    let (mut session, now) = asked_for_key(&mut office);
    send(&mut session, now, Body::KeyGenRes(KeyAnswer::PublicKey(point)));
    assert_eq!(refusal(office.serve(now, &mut session).1), Refusal::Key(KeyRefusal::NoKey));
}

// R: CAPF-11
#[test]
fn after_three_failed_key_generations_the_operation_has_failed() {
    let mut office = null_string(install());
    let mut phone = phone();
    phone.makes = Some(None);
    for attempt in 1..3 {
        meet(&mut office, &mut phone);
        assert_eq!(office.row().assignment.failed_attempts, attempt);
        assert_eq!(office.status(), Status::Pending);
    }
    let talked = meet(&mut office, &mut phone);
    assert_eq!(talked.server, Ended::Failed(Failure::KeyGeneration(3)));
    assert_eq!(
        (office.status(), office.row().assignment.operation),
        (Status::Failed, Operation::None)
    );
}

// R: CAPF-11
#[test]
fn a_phone_that_is_too_slow_is_asked_again_and_then_given_up() {
    let mut office = null_string(install());
    let (mut session, mut now) = asked_for_key(&mut office);
    let limit = Duration::from_secs(30 * 60);
    for _ in 0..2 {
        assert_eq!(session.poll_timeout(), Some(now.instant + limit));
        // Signs of life do not make the time longer.
        send(&mut session, now, Body::RequestInProgress(None));
        now = now.after(limit);
        session.handle_timeout(now);
        let (sent, ended) = office.serve(now, &mut session);
        assert!(ended.is_none() && sent[0][1] == 3, "asked again");
    }
    now = now.after(limit);
    session.handle_timeout(now);
    let (sent, ended) = office.serve(now, &mut session);
    assert_eq!(ended, Some(Ended::Failed(Failure::KeyGeneration(3))));
    assert_eq!(sent[0][8..], [1, 0, 1, 7]);
    assert_eq!(office.records, ["AttemptFailed", "AttemptFailed", "Failed"]);
}

// R: CAPF-09
#[test]
fn an_operation_whose_time_is_over_fails_cleanly() {
    let mut office = null_string(install());
    let now = now();
    office.row().assignment.complete_by = Some(now.wall);
    let talked = talk(&mut office, &mut phone(), now, WIRE);
    assert_eq!(talked.server, Ended::Failed(Failure::Expired));
    assert_eq!(talked.phone, Conclusion::Ended(Reason::NO_ACTION));
    assert_eq!(
        (office.status(), office.row().assignment.operation),
        (Status::Failed, Operation::None)
    );
    // Also when that happens while the phone makes its key.
    let mut office = null_string(install());
    let (mut session, now) = asked_for_key(&mut office);
    office.row().assignment.complete_by = None;
    let mut late = null_string(install());
    late.row().assignment.complete_by = Some(now.wall + Duration::from_secs(60));
    let (mut slow, _) = asked_for_key(&mut late);
    let after = now.after(Duration::from_secs(61));
    for (office, session) in [(&mut office, &mut session), (&mut late, &mut slow)] {
        send(session, after, key(512));
        let _ = office.serve(after, session);
    }
    assert_eq!((office.issued, late.issued), (1, 0));
    assert_eq!((session.phase(), slow.phase()), (Phase::Storing, Phase::Ended));
    assert_eq!(late.status(), Status::Failed);
}

#[test]
fn a_broken_flash_is_a_failure_and_nothing_is_recorded_as_installed() {
    let mut office = null_string(install());
    let mut phone = phone();
    phone.flash_fails = true;
    let talked = meet(&mut office, &mut phone);
    let failure = Failure::Phone(Reason::INVALID);
    assert_eq!((talked.server, office.status()), (Ended::Failed(failure), Status::Failed));
    assert_eq!((office.row().lsc.is_none(), office.row().assignment.operation), (true, install()));
}

#[test]
fn a_session_that_breaks_leaves_the_operation_pending() {
    // 1 AUTH_REQ, 2 AUTH_RES, 3 KEY_GEN_REQ, 4 REQUEST_IN_PROGRESS, 5 KEY_GEN_RES, 6 STORE_CERT_REQ
    for pieces in 0..=6 {
        let mut office = null_string(install());
        let mut phone = phone();
        let wire = Wire { breaks_after: Some(pieces), ..WIRE };
        let talked = talk(&mut office, &mut phone, now(), wire);
        assert!(matches!(talked.server, Ended::Lost { .. }), "{pieces}: {talked:?}");
        assert_eq!(talked.phone, Conclusion::Lost);
        assert_eq!((office.status(), office.row().lsc.is_none()), (Status::Pending, true));
        assert_eq!(phone.lsc.is_some(), pieces == 6, "what is in its flash stays there");
        assert_eq!(meet(&mut office, &mut phone).server, Ended::Done);
        assert_eq!(office.row().lsc, phone.lsc.map(|lsc| lsc.certificate));
    }
}

#[test]
fn a_phone_that_leaves_at_the_first_question_may_be_an_early_one() {
    for (pieces, legacy) in [(0, true), (1, true), (2, true), (3, true), (4, false), (5, false)] {
        let mut office = null_string(install());
        let wire = Wire { breaks_after: Some(pieces), ..WIRE };
        let talked = talk(&mut office, &mut phone(), now(), wire);
        let Ended::Lost { try_legacy, .. } = talked.server else { panic!() };
        assert_eq!(try_legacy, legacy, "{pieces}");
    }
}

#[test]
fn early_phones_are_spoken_to_as_they_are_used_to() {
    let mut office = null_string(Operation::Install(KeySpec::Rsa(1024)));
    office.row().assignment.profile = Profile::Legacy;
    let now = now();
    let mut session = office.session_as(now, Profile::Legacy);
    let (sent, _) = office.serve(now, &mut session);
    assert_eq!(sent[0].len(), 12);
    let answer = AuthRes {
        reason: Some(Reason::SUCCESS),
        password: Some(Password::null()),
        device_name: Text::new(DEVICE),
        ..AuthRes::default()
    };
    send(&mut session, now, Body::AuthRes(Box::new(answer)));
    let (sent, _) = office.serve(now, &mut session);
    assert_eq!(sent[0].len(), 13);
    send(&mut session, now, key(1024));
    office.serve(now, &mut session);
    assert_eq!(session.phase(), Phase::Storing);
}

#[test]
fn a_phone_that_comes_at_a_bad_time_comes_back() {
    let mut office = null_string(install());
    office.busy = Some(Duration::from_secs(20));
    let talked = meet(&mut office, &mut phone());
    let delay = Duration::from_secs(20);
    assert_eq!(talked.server, Ended::RetryLater(delay));
    assert_eq!(talked.phone, Conclusion::RetryLater(Some(delay)));
    assert_eq!(talked.commands(), "1 2 16");

    // The authority takes its time; the certificate waits for the phone.
    office.busy = None;
    for mood in [Mood::Pending(Duration::from_secs(300)), Mood::Silent] {
        let mut office = null_string(install());
        office.issuer = mood;
        let mut phone = phone();
        let talked = meet(&mut office, &mut phone);
        assert!(matches!(talked.phone, Conclusion::RetryLater(Some(_))));
        assert_eq!(office.status(), Status::Pending);
        let pending = phone.pending_key.as_ref().unwrap();
        let template = crate::support::template(DEVICE, pki::issue::Usage::Server);
        let certificate = pki::issue::issued(
            &template,
            pending.public_key(),
            pki::Hash::Sha256,
            &crate::support::CAPF,
        );
        office.row().assignment.ready = Some(certificate.unwrap());
        let talked = meet(&mut office, &mut phone);
        assert_eq!((talked.server, office.status()), (Ended::Done, Status::Success));
        assert_eq!(phone.lsc.unwrap().certificate, office.row().lsc.clone().unwrap());
    }

    let mut settings = settings();
    settings.when_not_now = WhenNotNow::EndSession;
    let mut office = Office::with(assignment(install(), AuthMode::NullString), settings);
    office.issuer = Mood::Pending(delay);
    let talked = meet(&mut office, &mut phone());
    assert_eq!(talked.phone, Conclusion::Ended(Reason::NO_ACTION));
    assert_eq!((talked.server, office.status()), (Ended::RetryLater(delay), Status::Pending));
}

#[test]
fn an_issuer_that_refuses_or_errs_harms_nobody() {
    let cases = [
        (Mood::Refuses("no such template"), "no such template"),
        (Mood::Errs, "the certificate is for another key"),
    ];
    for (mood, cause) in cases {
        let mut office = null_string(install());
        office.issuer = mood;
        let mut phone = phone();
        let talked = meet(&mut office, &mut phone);
        let failure = Failure::NotIssued(cause.to_owned());
        assert_eq!((talked.server, office.status()), (Ended::Failed(failure), Status::Failed));
        assert_eq!(talked.phone, Conclusion::Refused(Reason::INVALID));
        assert!(phone.lsc.is_none());
    }
}

#[test]
fn what_was_not_recorded_was_not_done() {
    let mut office = null_string(install());
    office.full = true;
    let talked = meet(&mut office, &mut phone());
    let refusal = Refusal::NotRecorded("the disk is full".to_owned());
    assert_eq!(talked.server, Ended::Refused(refusal));
    assert_eq!(talked.phone, Conclusion::Refused(Reason::INVALID));
    // The operation was changed while the phone made its key.
    let mut office = null_string(install());
    let (mut session, now) = asked_for_key(&mut office);
    office.row().assignment.ticket.0 += 1;
    send(&mut session, now, key(512));
    office.serve(now, &mut session);
    send(&mut session, now, Body::StoreCertRes(Reason::SUCCESS));
    let (_, ended) = office.serve(now, &mut session);
    assert!(matches!(ended, Some(Ended::Refused(Refusal::NotRecorded(_)))));
    assert!(office.row().lsc.is_none());
}

#[test]
fn either_side_may_give_up() {
    // The phone, while it makes its key.
    let mut office = null_string(install());
    let (mut session, at) = asked_for_key(&mut office);
    send(&mut session, at, Body::Opaque(Command::ABORT_REQ, vec![]));
    let (sent, ended) = office.serve(at, &mut session);
    assert_eq!((sent[0][1], ended), (21, Some(Ended::AbortedByPhone)));
    // The administrator; a late message does not matter.
    let (mut session, at) = asked_for_key(&mut office);
    session.abort(at);
    send(&mut session, at, key(512));
    let (sent, ended) = office.serve(at, &mut session);
    assert_eq!((sent[0][1], ended), (20, None));
    assert_eq!(session.phase(), Phase::Aborting);
    send(&mut session, at, Body::Opaque(Command::ABORT_RES, vec![]));
    assert_eq!(office.serve(at, &mut session).1, Some(Ended::AbortedHere));
    // A phone that does not know the command.
    let (mut session, at) = asked_for_key(&mut office);
    session.abort(at);
    session.handle_timeout(at.after(Duration::from_secs(30)));
    assert_eq!(office.serve(at, &mut session).1, Some(Ended::AbortedHere));
    assert_eq!((office.issued, office.status()), (0, Status::Pending));
}

#[test]
fn a_phone_at_work_can_be_asked_how_far_it_is() {
    let mut office = null_string(install());
    let (mut session, at) = asked_for_key(&mut office);
    session.ask_status();
    let (sent, _) = office.serve(at, &mut session);
    assert_eq!(sent[0][1], 18);
    send(&mut session, at, Body::Opaque(Command::STATUS_RES, vec![1, 2]));
    assert_eq!(session.phase(), Phase::KeyGeneration);
    // Once asked, once answered.
    send(&mut session, at, Body::Opaque(Command::STATUS_RES, vec![1, 2]));
    let ended = office.serve(at, &mut session).1;
    assert!(matches!(refusal(ended), Refusal::Unexpected { .. }));
}

// R: LOG-01
#[test]
fn no_trace_holds_a_string() {
    let mut office = Office::with_string(install());
    talk(&mut office, &mut Telephone::typed("7654321"), now(), WIRE);
    talk(&mut office, &mut Telephone::typed("1234567"), now(), WIRE);
    let all = office.trace.join("\n");
    assert!(!all.contains("7654321") && !all.contains("1234567"), "{all}");
    assert!(all.contains("PASSWORD hidden") && all.contains("wrong authentication string"));
    assert!(all.contains(&format!(
        "session 00000002 {} authenticated by authentication string",
        device()
    )));
}
