//! The server's machine against sessions that were recorded between others.

use pki::Certificate;
use ringfence_capf::Now;
use ringfence_capf::codec::{Curve, KeySpec, SessionId};
use ringfence_capf::server::{
    Anchors, Answer, Assignment, AuthMode, AuthenticationString, Ended, Failure, Issuance, Lockout,
    LockoutRule, LookedUp, Operation, Outcome, Output, Place, Profile, Refusal, Session, Settings,
    StringRefusal,
};

use crate::codec::{recorded, unhex};
use crate::support::{assignment, device, here, now, settings};

/// The recorded messages of one session: from the server, from the phone. Where the recording
/// leaves the first two out, they are those of another session with this number.
fn session(number: u32) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let of = |number: u32, from: &str| -> Vec<Vec<u8>> {
        let belongs = |bytes: &[u8]| bytes[2..6] == number.to_be_bytes();
        recorded()
            .into_iter()
            .filter(|(who, _, bytes)| who == from && belongs(bytes))
            .map(|(_, _, bytes)| bytes)
            .collect()
    };
    let (mut server, mut phone) = (of(number, "S>P"), of(number, "P>S"));
    let renumbered = |mut bytes: Vec<u8>| {
        bytes[2..6].copy_from_slice(&number.to_be_bytes());
        bytes
    };
    let complete = |messages: &mut Vec<Vec<u8>>, from, command, at_end: bool| {
        if !messages.iter().any(|bytes| bytes[1] == command) {
            let donor = of(if at_end { 1 } else { 8 }, from);
            let bytes = donor.into_iter().find(|bytes| bytes[1] == command).unwrap();
            let at = if at_end { messages.len() } else { 0 };
            messages.insert(at, renumbered(bytes));
        }
    };
    complete(&mut server, "S>P", 1, false);
    complete(&mut phone, "P>S", 2, false);
    if number == 5 {
        complete(&mut phone, "P>S", 10, true);
        complete(&mut server, "S>P", 15, true);
    }
    (server, phone)
}

/// Feeds the machine with what the phone said, and compares what it says with what the server
/// said. The issuer gives the recorded certificate.
fn replay(
    number: u32,
    assignment: Option<Assignment>,
    settings: Settings,
    at: Now,
) -> (Ended, Vec<Outcome>) {
    let (server, phone) = session(number);
    let issued =
        server.iter().find(|bytes| bytes[1] == 9).map(|bytes| bytes[8 + 4 + 3 + 5..].to_vec());
    let id = SessionId(number);
    let mut session = Session::start(at, settings.into(), id, here(), Profile::Current);
    let (mut said, mut ended, mut outcomes) = (vec![], None, vec![]);
    let mut lockout = Lockout::default();
    let string = AuthenticationString::parse("1234567").unwrap();
    let mut phone = phone.into_iter();
    loop {
        while let Some(output) = session.poll_output() {
            let answer = match output {
                Output::Send(bytes) => {
                    said.push(bytes.to_vec());
                    continue;
                }
                Output::Close(how) => {
                    ended = Some(how);
                    continue;
                }
                Output::Event(_) => continue,
                Output::LookUp(_) => Answer::Device(match &assignment {
                    Some(assignment) => LookedUp::Known(Box::new(assignment.clone())),
                    None => LookedUp::Unknown,
                }),
                Output::CheckString(claim) => {
                    let rule = LockoutRule::default();
                    let place = Place::Elsewhere;
                    Answer::String(lockout.check(at.wall, rule, &claim, place, Some(&string)))
                }
                Output::Issue(issue) => {
                    assert_eq!(*issue.device(), device());
                    let issued = Certificate::parse(issued.as_ref().unwrap()).unwrap();
                    Answer::Certificate(Issuance::Ready(Box::new(issued)))
                }
                Output::Record(record) => {
                    outcomes.push(record.outcome);
                    Answer::Recorded(Ok(()))
                }
            };
            session.handle_answer(at, answer);
        }
        match phone.next() {
            Some(bytes) => session.handle_bytes(at, &bytes),
            None => break,
        }
    }
    assert_eq!(said, server, "session {number}");
    (ended.unwrap(), outcomes)
}

fn rsa1024(mode: AuthMode) -> Option<Assignment> {
    Some(assignment(Operation::Install(KeySpec::Rsa(1024)), mode))
}

fn of(operation: Operation) -> Option<Assignment> {
    Some(assignment(operation, AuthMode::NullString))
}

fn recorded_issuer() -> Certificate {
    Certificate::parse(&unhex(include_str!("../data/issuer.hex"))).unwrap()
}

/// The issuer that the recording's server trusted.
fn trusting() -> Settings {
    let issuer = vec![recorded_issuer()];
    Settings { anchors: Anchors { lsc: issuer.clone(), mic: vec![], sudi: issuer }, ..settings() }
}

// R: CAPF-02, CAPF-03
#[test]
fn install_by_null_string() {
    let (ended, outcomes) = replay(1, rsa1024(AuthMode::NullString), settings(), now());
    assert_eq!(ended, Ended::Done);
    assert!(matches!(&outcomes[..], [Outcome::Installed(it)] if it.public_key().bits() == 1024));
}

// R: CAPF-05
#[test]
fn a_wrong_string() {
    let (ended, outcomes) = replay(3, rsa1024(AuthMode::String), settings(), now());
    let wrong = StringRefusal::Wrong { failures: 1 };
    assert_eq!(ended, Ended::Refused(Refusal::String(wrong)));
    assert!(outcomes.is_empty());
}

// R: CAPF-04
#[test]
fn upgrade_by_existing_certificate() {
    let (ended, _) = replay(4, rsa1024(AuthMode::ExistingLsc), trusting(), now());
    assert_eq!(ended, Ended::Done);
}

#[test]
fn install_of_an_ec_key() {
    let operation = Operation::Install(KeySpec::Ec(Curve::P256));
    let (ended, outcomes) = replay(5, of(operation), settings(), now());
    assert_eq!(ended, Ended::Done);
    assert!(matches!(&outcomes[..], [Outcome::Installed(it)] if !it.public_key().is_rsa()));
}

// R: CAPF-02
#[test]
fn troubleshoot() {
    let (ended, outcomes) = replay(6, of(Operation::Troubleshoot), settings(), now());
    assert_eq!(ended, Ended::Done);
    let [Outcome::Shown(shown)] = &outcomes[..] else { panic!("{outcomes:?}") };
    let certificate = shown[0].certificate.as_ref().unwrap();
    assert!(shown.len() == 1 && certificate.is_issued_by(&recorded_issuer()));
    let (ended, _) = replay(7, of(Operation::Troubleshoot), settings(), now());
    assert!(matches!(ended, Ended::Failed(Failure::Phone(_))), "{ended}");
}

// R: CAPF-02
#[test]
fn delete() {
    let (ended, outcomes) = replay(8, of(Operation::Delete), settings(), now());
    assert_eq!(ended, Ended::Done);
    assert!(matches!(outcomes[..], [Outcome::Deleted]));
    let (ended, outcomes) = replay(9, of(Operation::Delete), settings(), now());
    assert!(matches!(ended, Ended::Failed(Failure::Phone(_))), "{ended}");
    assert!(matches!(outcomes[..], [Outcome::Failed(_)]));
}

// R: CAPF-07
#[test]
fn nothing_scheduled_unknown_device_and_no_certificate() {
    let (ended, outcomes) = replay(10, of(Operation::None), settings(), now());
    assert_eq!((ended, outcomes.len()), (Ended::NothingScheduled, 0));
    let (ended, _) = replay(11, None, settings(), now());
    assert_eq!(ended, Ended::Refused(Refusal::UnknownDevice));
    let (ended, _) = replay(12, rsa1024(AuthMode::ExistingLsc), settings(), now());
    assert_eq!(ended.to_string(), "refused: existing certificate: the phone shows none");
}
