//! What must hold whatever comes in whatever order, and whenever it breaks.

use std::sync::LazyLock;
use std::time::Duration;

use pki::{PrivateKey, Signer};
use proptest::prelude::*;
use ringfence_capf::codec::{
    AuthRes, Body, CertificateType, KeyAnswer, Message, Password, Reason, SessionId, Text,
};
use ringfence_capf::phone::{self, Credential, Manner};
use ringfence_capf::server::{AuthMode, AuthenticationString, Ended, Operation, Phase};
use ringfence_capf::{DeviceName, Now};

use crate::codec::body;
use crate::support::{
    DEVICE, Office, Status, Telephone, Wire, assignment, device, install, lsc, mic, now, talk,
};

/// Keys that were made before: making them takes longer than all the rest.
static KEYS: LazyLock<Vec<PrivateKey>> =
    LazyLock::new(|| (0..6).map(|_| PrivateKey::generate_legacy_rsa(512).unwrap()).collect());

const MODES: [AuthMode; 4] =
    [AuthMode::String, AuthMode::NullString, AuthMode::ExistingLsc, AuthMode::ExistingMic];

/// A device in this mode, and its phone with what it needs for that.
fn couple(mode: AuthMode) -> (Office, Telephone) {
    let mut office = Office::of(assignment(install(), mode));
    let mut phone = Telephone::new(match mode {
        AuthMode::String => {
            office.row().string = Some(AuthenticationString::parse("1234567").unwrap());
            Credential::String(Password::new("1234567").unwrap())
        }
        AuthMode::NullString => Credential::NullString,
        AuthMode::ExistingLsc => Credential::Existing(CertificateType::LSC),
        AuthMode::ExistingMic => Credential::Existing(CertificateType::MIC),
    });
    phone.mic = Some(mic());
    phone.lsc = (mode == AuthMode::ExistingLsc).then(lsc);
    phone.keys = KEYS.iter().cloned().collect();
    (office, phone)
}

fn wire() -> impl Strategy<Value = Wire> {
    (1usize..400, 0usize..120).prop_map(|(piece, most)| Wire { piece, breaks_after: Some(most) })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_connection_may_break_anywhere_and_the_next_try_succeeds(
        mode in prop::sample::select(&MODES[..]),
        breaks in prop::collection::vec(wire(), 0..4),
        piece in 1usize..200,
    ) {
        let (mut office, mut phone) = couple(mode);
        for wire in breaks {
            let talked = talk(&mut office, &mut phone, now(), wire);
            if matches!(talked.server, Ended::Lost { .. }) {
                // It is as if nothing had been, unless it was all over before.
                let done = office.row().assignment.operation == Operation::None;
                let expected = if done { Status::Success } else { Status::Pending };
                prop_assert_eq!((office.status(), office.row().lsc.is_some()), (expected, done));
            } else {
                let over = matches!(talked.server, Ended::Done | Ended::NothingScheduled);
                prop_assert!(over, "{}", talked.server);
                prop_assert_eq!(office.status(), Status::Success);
            }
        }
        let talked = talk(&mut office, &mut phone, now(), Wire { piece, breaks_after: None });
        prop_assert!(matches!(talked.server, Ended::Done | Ended::NothingScheduled), "{talked:?}");
        prop_assert_eq!(office.status(), Status::Success);
        prop_assert_eq!(&office.row().lsc, &phone.lsc.map(|lsc| lsc.certificate));
    }
}

/// One thing that happens to a session.
#[derive(Clone, Debug)]
enum Step {
    Says(Body),
    /// A good answer to the first question, but for the string.
    Answers(String),
    MakesKey(usize),
    /// A message of another session.
    Confuses(u32, Body),
    Garbage(Vec<u8>),
    Waits(u64),
    Leaves,
    IsAborted,
    IsAsked,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => body().prop_map(Step::Says),
        3 => "[0-9]{0,8}".prop_map(Step::Answers),
        2 => Just(Step::Answers("1234567".into())),
        4 => (0usize..6).prop_map(Step::MakesKey),
        2 => Just(Step::Says(Body::StoreCertRes(Reason::SUCCESS))),
        2 => Just(Step::Says(Body::RequestInProgress(None))),
        1 => (any::<u32>(), body()).prop_map(|(session, body)| Step::Confuses(session, body)),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Garbage),
        1 => (0u64..5000).prop_map(Step::Waits),
        1 => Just(Step::Leaves),
        1 => Just(Step::IsAborted),
        1 => Just(Step::IsAsked),
    ]
}

fn answer(typed: &str) -> Body {
    Body::AuthRes(Box::new(AuthRes {
        reason: Some(Reason::SUCCESS),
        version: Some(3),
        password: Password::new(typed),
        device_name: Text::new(DEVICE),
        ..AuthRes::default()
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_phone_says_there_is_no_certificate_without_authentication(
        steps in prop::collection::vec(step(), 1..40),
        mode in prop::sample::select(&MODES[..]),
        operation in prop::sample::select(vec![install(), Operation::Delete, Operation::Troubleshoot]),
    ) {
        let (mut office, _) = couple(mode);
        office.row().assignment.operation = operation;
        let mut at = now();
        let mut session = office.session(at);
        office.serve(at, &mut session);
        let (mut authenticated, mut over) = (mode == AuthMode::NullString, false);
        for step in steps {
            let said = match step {
                Step::Says(body) => {
                    if let Body::AuthRes(answer) = &body {
                        let right = |it: &Password| it.is("1234567");
                        authenticated |= answer.password.as_ref().is_some_and(right);
                    }
                    Message::new(session.id(), body).to_bytes().unwrap().to_vec()
                }
                Step::Answers(typed) => {
                    authenticated |= mode == AuthMode::String && typed == "1234567";
                    Message::new(session.id(), answer(&typed)).to_bytes().unwrap().to_vec()
                }
                Step::MakesKey(which) => {
                    let key = KEYS[which].public_key().spki().to_vec();
                    let body = Body::KeyGenRes(KeyAnswer::PublicKey(key));
                    Message::new(session.id(), body).to_bytes().unwrap().to_vec()
                }
                Step::Confuses(other, body) => {
                    Message::new(SessionId(other), body).to_bytes().unwrap().to_vec()
                }
                Step::Garbage(bytes) => bytes,
                Step::Waits(seconds) => {
                    at = at.after(Duration::from_secs(seconds));
                    session.handle_timeout(at);
                    vec![]
                }
                Step::Leaves => {
                    session.handle_closed();
                    vec![]
                }
                Step::IsAborted => {
                    session.abort(at);
                    vec![]
                }
                Step::IsAsked => {
                    session.ask_status();
                    vec![]
                }
            };
            session.handle_bytes(at, &said);
            let before = office.trace.len();
            let (sent, ended) = office.serve(at, &mut session);
            prop_assert!(!over || (sent.is_empty() && ended.is_none()), "over is over");
            over |= ended.is_some();
            prop_assert!(office.trace.len() - before < 20, "lines are bounded");
            prop_assert_eq!(session.phase() == Phase::Ended, over);
            prop_assert_eq!(session.poll_timeout().is_none(), over);
        }
        if !authenticated {
            prop_assert_eq!(office.issued, 0);
            prop_assert!(office.row().lsc.is_none() && office.records.is_empty());
        }
        prop_assert!(office.issued <= 1 && office.records.len() <= 3);
        let lines = office.trace.join("\n");
        prop_assert!(!lines.contains("1234567"), "{}", lines);
    }

    #[test]
    fn whatever_a_server_says_a_phone_does_not_mind(
        steps in prop::collection::vec((any::<bool>(), body()), 1..30),
        waits in prop::collection::vec(0u64..100, 30),
        legacy: bool,
    ) {
        let mut phone = Telephone::new(Credential::Existing(CertificateType::MIC));
        (phone.lsc, phone.mic) = (Some(lsc()), Some(mic()));
        phone.manner = Manner { legacy, sudi: !legacy, ..Manner::default() };
        phone.keys = KEYS.iter().cloned().collect();
        let mut at = now();
        let mut session = phone.session(at);
        let mut over = false;
        for ((right, body), wait) in steps.into_iter().zip(waits) {
            let id = SessionId(if right { 1 } else { 2 });
            let bytes = Message::new(id, body).to_bytes().unwrap();
            session.handle_bytes(at.instant, &bytes);
            at = at.after(Duration::from_secs(wait));
            session.handle_timeout(at.instant);
            let (sent, ended) = phone.serve(at, &mut session);
            prop_assert!(!over || (sent.is_empty() && ended.is_none()), "over is over");
            prop_assert!(sent.len() <= 3);
            over |= ended.is_some();
        }
        prop_assert!(phone.mic.is_some(), "nobody deletes a MIC");
    }
}

/// Answers to questions that nobody asked, or asked before.
#[test]
fn answers_that_nobody_waits_for_are_dropped() {
    use ringfence_capf::server::{Answer, Issuance, LookedUp};
    let (mut office, _) = couple(AuthMode::String);
    let at: Now = now();
    let mut session = office.session(at);
    let row = office.row().assignment.clone();
    for answer in [
        Answer::Device(LookedUp::Known(Box::new(row))),
        Answer::Certificate(Issuance::Ready(Box::new(lsc().certificate))),
        Answer::Recorded(Ok(())),
    ] {
        session.handle_answer(at, answer);
    }
    let (sent, ended) = office.serve(at, &mut session);
    assert_eq!((sent.len(), ended, session.phase()), (1, None, Phase::Authentication));
    let mut telephone = phone::Session::start(
        at.instant,
        phone::Holder { device: device(), lsc: None, mic: None },
        Credential::NullString,
        Manner::default(),
    );
    telephone.handle_answer(at.instant, phone::Answer::Stored(true));
    assert!(telephone.poll_output().is_none());
}

// R: CAPF-05
/// A string that matched is good for its own device only.
#[test]
fn a_matched_string_of_another_device_is_refused() {
    use ringfence_capf::server::{
        Answer, Lockout, LockoutRule, LookedUp, Output, Place, Refusal, StringRefusal,
    };
    let (mut office, _) = couple(AuthMode::String);
    let at = now();
    let row = office.row().assignment.clone();
    let string = AuthenticationString::parse("1234567").unwrap();
    // The claim of one session, matched, is given to the session of another device.
    let mut claims = vec![];
    let mut sessions = vec![];
    for name in [DEVICE, "SEP00112233FFFF"] {
        let mut session = office.session(at);
        let Body::AuthRes(mut said) = answer("1234567") else { unreachable!() };
        said.device_name = Text::new(name);
        let bytes = Message::new(session.id(), Body::AuthRes(said)).to_bytes().unwrap();
        session.handle_bytes(at, &bytes);
        while let Some(output) = session.poll_output() {
            match output {
                Output::LookUp(asked) => {
                    assert_eq!(Some(asked), DeviceName::parse(name));
                    let known = LookedUp::Known(Box::new(row.clone()));
                    session.handle_answer(at, Answer::Device(known));
                }
                Output::CheckString(claim) => claims.push(claim),
                _ => {}
            }
        }
        sessions.push(session);
    }
    let rule = LockoutRule::default();
    let check =
        Lockout::default().check(at.wall, rule, &claims[0], Place::Home, Some(&string)).unwrap();
    sessions[1].handle_answer(at, Answer::String(Ok(check)));
    let (_, ended) = office.serve(at, &mut sessions[1]);
    let none = Refusal::String(StringRefusal::NoneValid);
    assert_eq!(ended, Some(Ended::Refused(none)));
}
