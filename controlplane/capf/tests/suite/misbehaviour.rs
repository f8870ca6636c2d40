//! What strangers say, and those who say nothing.

use std::time::Duration;

use ringfence_capf::codec::{
    AuthRes, Body, Command, DecodeError, Element, KeyAnswer, Message, Reason, SessionId, Tag, Text,
};
use ringfence_capf::server::{
    Admission, AdmissionLimits, AuthMode, NotAdmitted, Operation, Phase, Profile, Refusal, Session,
    SessionIds,
};

use crate::steps::{asked_for_key, auth_res, key, null_string, refusal, send};
use crate::support::{Office, Status, assignment, here, install, now, settings};

#[test]
fn bad_messages_end_the_session_with_a_reason() {
    let refused = |bytes: &dyn Fn(&Session) -> Vec<u8>| {
        let mut office = null_string(install());
        let mut session = office.session(now());
        office.serve(now(), &mut session);
        let bytes = bytes(&session);
        session.handle_bytes(now(), &bytes);
        let (sent, ended) = office.serve(now(), &mut session);
        assert_eq!(sent[0][8..], [1, 0, 1, 7]);
        assert_eq!((office.issued, session.poll_timeout()), (0, None));
        refusal(ended)
    };
    let as_bytes =
        |session: SessionId, body| Message::new(session, body).to_bytes().unwrap().to_vec();
    let malformed = Refusal::Malformed;
    let found = refused(&|_| b"\x16\x03\x01".to_vec());
    assert_eq!(found, malformed(DecodeError::ProtocolId(0x16)));
    let found = refused(&|session| {
        let mut bytes = as_bytes(session.id(), auth_res());
        bytes[6..8].copy_from_slice(&0xffff_u16.to_be_bytes());
        bytes
    });
    assert_eq!(found, malformed(DecodeError::BodyTooLong(0xffff)));
    let found = refused(&|session| {
        let mut bytes = as_bytes(session.id(), auth_res());
        let length = bytes.len();
        bytes[length - 18..length - 16].copy_from_slice(&17_u16.to_be_bytes());
        bytes
    });
    assert_eq!(found, malformed(DecodeError::Overrun(Tag::DEVICE_NAME)));
    let found = refused(&|_| as_bytes(SessionId(99), auth_res()));
    assert_eq!(found, Refusal::WrongSession(SessionId(99)));
    let answer = |change: fn(&mut AuthRes)| {
        refused(&|session| {
            let Body::AuthRes(mut answer) = auth_res() else { unreachable!() };
            change(&mut answer);
            as_bytes(session.id(), Body::AuthRes(answer))
        })
    };
    assert_eq!(answer(|it| it.version = Some(4)), Refusal::Version(Some(4)));
    assert_eq!(answer(|it| it.version = None), Refusal::Version(None));
    assert_eq!(answer(|it| it.device_name = None), Refusal::DeviceName);
    for name in [
        "",
        "SEP",
        "SEP00112233445",
        "SEP00112233445g",
        "sep001122334455",
        "../SEP001122334455",
        "ATA001122334455",
    ] {
        let found = refused(&|session| {
            let Body::AuthRes(mut answer) = auth_res() else { unreachable!() };
            answer.device_name = Text::new(name);
            as_bytes(session.id(), Body::AuthRes(answer))
        });
        assert_eq!(found, Refusal::DeviceName, "{name}");
    }
    for body in [
        Body::KeyGenRes(KeyAnswer::Failed(None)),
        Body::StoreCertRes(Reason::SUCCESS),
        Body::EndSession { reason: Reason::SUCCESS, info: None },
        Body::RequestInProgress(None),
        Body::Opaque(Command::SIGN_CERT_RES, vec![]),
        Body::Opaque(Command::STATUS_RES, vec![]),
        Body::Opaque(Command(200), vec![]),
    ] {
        let command = body.command();
        let found = refused(&|session| as_bytes(session.id(), body.clone()));
        assert_eq!(found, Refusal::Unexpected { command, phase: Phase::Authentication });
    }
}

#[test]
fn unknown_elements_are_ignored_and_pieces_put_together() {
    let mut office = null_string(install());
    let now = now();
    let mut session = office.session(now);
    office.serve(now, &mut session);
    let mut message = Message::new(session.id(), auth_res());
    message.others.push(Element { tag: Tag(0x7f), value: vec![1, 2, 3] });
    for byte in message.to_bytes().unwrap().iter() {
        session.handle_bytes(now, &[*byte]);
    }
    let (sent, _) = office.serve(now, &mut session);
    assert_eq!(sent[0][1], 3);
    let both = [Body::RequestInProgress(None), key(512)];
    let both = both.map(|body| Message::new(session.id(), body).to_bytes().unwrap().to_vec());
    session.handle_bytes(now, &both.concat());
    let (sent, _) = office.serve(now, &mut session);
    assert_eq!(sent[0][1], 9);
}

#[test]
fn a_second_message_before_an_answer_is_out_of_place() {
    let mut office = null_string(install());
    let now = now();
    let mut session = office.session(now);
    office.serve(now, &mut session);
    send(&mut session, now, auth_res());
    send(&mut session, now, auth_res());
    let (_, ended) = office.serve(now, &mut session);
    let unexpected =
        Refusal::Unexpected { command: Command::AUTH_RES, phase: Phase::Authentication };
    assert_eq!(refusal(ended), unexpected);
    assert_eq!(office.issued, 0);
}

#[test]
fn nobody_waits_for_ever() {
    let idle = Duration::from_secs(30);
    for operation in [Operation::Delete, Operation::Troubleshoot] {
        let mut office = null_string(operation);
        let now = now();
        let mut session = office.session(now);
        send(&mut session, now, auth_res());
        office.serve(now, &mut session);
        let phase = session.phase();
        session.handle_timeout(now.after(idle - Duration::from_millis(1)));
        assert_eq!(session.phase(), phase);
        session.handle_timeout(now.after(idle));
        let ended = office.serve(now, &mut session).1;
        assert_eq!(refusal(ended), Refusal::TimedOut(phase));
        assert_eq!(office.status(), Status::Pending);
    }
    // Opened, and left open.
    let mut office = null_string(install());
    let start = now();
    let mut session = office.session(start);
    session.handle_timeout(start.after(idle));
    let ended = office.serve(start, &mut session).1;
    assert_eq!(refusal(ended), Refusal::TimedOut(Phase::Authentication));
    // Always at work, never done: the session as a whole has an end.
    let mut settings = settings();
    settings.key_attempts = u32::MAX;
    let mut office = Office::with(assignment(install(), AuthMode::NullString), settings);
    let (mut session, mut at) = asked_for_key(&mut office);
    let start = at;
    let ended = loop {
        at = at.after(session.poll_timeout().unwrap() - at.instant);
        session.handle_timeout(at);
        if let (_, Some(ended)) = office.serve(at, &mut session) {
            break ended;
        }
    };
    assert_eq!(refusal(Some(ended)), Refusal::TimedOut(Phase::KeyGeneration));
    assert_eq!(at.instant - start.instant, office.settings.timers.session);
    // Nobody answers the session.
    let mut silent =
        Session::start(start, office.settings.clone(), SessionId(5), here(), Profile::Current);
    send(&mut silent, start, auth_res());
    silent.handle_timeout(start.after(Duration::from_secs(30)));
    let mut outputs = vec![];
    while let Some(output) = silent.poll_output() {
        outputs.push(format!("{output:?}"));
    }
    assert!(outputs.last().unwrap().contains("NoAnswer(Authentication)"), "{outputs:#?}");
}

#[test]
fn connections_are_bounded_in_all_and_per_address() {
    let mut admission = Admission::new(AdmissionLimits { total: 3, per_address: 2 });
    let (one, other) = (here(), std::net::IpAddr::from([192, 0, 2, 56]));
    let first = admission.admit(one).unwrap();
    let _second = admission.admit("::ffff:192.0.2.55".parse().unwrap()).unwrap();
    assert_eq!(admission.admit(one), Err(NotAdmitted::Address(one, 2)));
    let _third = admission.admit(other).unwrap();
    assert_eq!(admission.admit(other), Err(NotAdmitted::Total(3)));
    admission.release(first);
    assert!(admission.admit(one).is_ok());
    assert_eq!(admission.total(), 3);
}

#[test]
fn session_numbers_are_never_zero() {
    let mut ids = SessionIds::after(u32::MAX - 1);
    assert_eq!([ids.next_id(), ids.next_id()], [SessionId(u32::MAX), SessionId(1)]);
    assert_eq!(SessionIds::after(0).next_id(), SessionId(1));
}
