//! CAPF: its messages, and both machines.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use capf::codec::{CertificateType, Command, Decoder, KeySpec, Message, SessionId};
use capf::phone::{self, Credential, Holder, Manner};
use capf::server::{
    Answer, Assignment, AuthMode, Ended, Issuance, LookedUp, Operation, Output, Profile, Session,
    Settings, StringRefusal, Ticket,
};
use capf::{DeviceName, Now};
use pki::Certificate;

/// Messages, however they are cut, are the same, and read as they are written.
pub fn message(bytes: &[u8]) {
    let whole = read(bytes, bytes.len().max(1));
    assert_eq!(read(bytes, 3), whole);
    for message in whole {
        let _ = message.to_string();
        let written = message.to_bytes().expect("what fitted once fits again");
        assert_eq!(read(&written, written.len()), [message]);
    }
}

/// The messages before the first error.
fn read(bytes: &[u8], piece: usize) -> Vec<Message> {
    let (mut decoder, mut messages) = (Decoder::default(), Vec::new());
    for mut piece in bytes.chunks(piece) {
        while !piece.is_empty() {
            match decoder.read(&mut piece) {
                Err(_) => return messages,
                Ok(None) => {}
                Ok(Some(frame)) => match Message::read(&frame) {
                    Ok(message) => messages.push(message),
                    Err(_) => return messages,
                },
            }
        }
    }
    messages
}

/// A certificate to be delivered.
static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
    Certificate::parse(include_bytes!("../corpus/certificate/token")).expect("it is one")
});

const MODES: [AuthMode; 4] =
    [AuthMode::NullString, AuthMode::String, AuthMode::ExistingLsc, AuthMode::ExistingMic];
const OPERATIONS: [Operation; 4] = [
    Operation::Install(KeySpec::Rsa(1024)),
    Operation::Delete,
    Operation::Troubleshoot,
    Operation::None,
];

/// The service's session 1. The first byte is what is to be done with the device, the second how
/// long the pieces are in which the rest comes. Nothing is issued or asked of a phone that could
/// not authenticate; every session ends.
pub fn server(bytes: &[u8]) {
    let Some((&[what, piece], stream)) = bytes.split_first_chunk::<2>() else { return };
    let mode = MODES[usize::from(what % 4)];
    let assignment = Assignment {
        ticket: Ticket(1),
        operation: OPERATIONS[usize::from(what / 4 % 4)],
        mode,
        complete_by: None,
        failed_attempts: 0,
        profile: if what & 0x10 == 0 { Profile::Current } else { Profile::Legacy },
        ready: (what & 0x20 != 0).then(|| CERTIFICATE.clone()),
        withdrawn: Vec::new(),
    };
    let mut now = Now { instant: Instant::now(), wall: SystemTime::UNIX_EPOCH };
    let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let settings = Arc::new(Settings::default());
    let mut session = Session::start(now, settings, SessionId(1), from, assignment.profile);
    let mut sent = Vec::new();
    let mut ended = serve(now, &mut session, &assignment, &mut sent);
    for piece in stream.chunks(usize::from(piece).max(1)) {
        session.handle_bytes(now, piece);
        ended = ended.or(serve(now, &mut session, &assignment, &mut sent));
    }
    while let Some(due) = session.poll_timeout() {
        now = now.after(due.saturating_duration_since(now.instant).max(Duration::from_nanos(1)));
        session.handle_timeout(now);
        ended = ended.or(serve(now, &mut session, &assignment, &mut sent));
    }
    assert!(ended.is_some());
    let asks = [Command::KEY_GEN_REQ, Command::STORE_CERT_REQ, Command::DELETE_CERT_REQ];
    let asked = sent.iter().any(|command| asks.contains(command));
    assert!(!asked || mode == AuthMode::NullString, "nobody else can authenticate here");
}

fn serve(
    now: Now,
    session: &mut Session,
    assignment: &Assignment,
    sent: &mut Vec<Command>,
) -> Option<Ended> {
    let mut ended = None;
    while let Some(output) = session.poll_output() {
        assert!(ended.is_none(), "Close is the last output");
        let answer = match output {
            Output::Send(bytes) => {
                sent.push(Command(bytes[1]));
                continue;
            }
            Output::Event(trace) => {
                let _ = trace.to_string();
                continue;
            }
            Output::Close(how) => {
                ended = Some(how);
                continue;
            }
            Output::LookUp(_) => Answer::Device(LookedUp::Known(Box::new(assignment.clone()))),
            Output::CheckString(_) => Answer::String(Err(StringRefusal::NoneValid)),
            Output::Issue(issue) => {
                assert_eq!(issue.key().public_key().bits(), 1024);
                Answer::Certificate(Issuance::Pending(Duration::from_secs(1)))
            }
            Output::Record(_) => Answer::Recorded(Ok(())),
        };
        session.handle_answer(now, answer);
    }
    ended
}

/// A phone without certificates. The first byte is how it authenticates, the second how long the
/// pieces are in which the rest comes.
pub fn phone(bytes: &[u8]) {
    let Some((&[how, piece], stream)) = bytes.split_first_chunk::<2>() else { return };
    let device = DeviceName::parse("SEP001122334455").expect("it is a name");
    let holder = Holder { device, lsc: None, mic: None };
    let credential = match how % 2 {
        0 => Credential::NullString,
        _ => Credential::Existing(CertificateType::LSC),
    };
    let manner = Manner { legacy: how & 2 != 0, ..Manner::default() };
    let mut now = Instant::now();
    let mut session = phone::Session::start(now, holder, credential, manner);
    let mut over = false;
    for piece in stream.chunks(usize::from(piece).max(1)) {
        session.handle_bytes(now, piece);
        while let Some(output) = session.poll_output() {
            assert!(!over, "Close is the last output");
            let answer = match output {
                phone::Output::MakeKey(_) => phone::Answer::Key(Some(vec![0x5A; 100])),
                phone::Output::Store(_) => phone::Answer::Stored(how & 4 != 0),
                phone::Output::Delete => phone::Answer::Deleted(how & 8 != 0),
                phone::Output::Event(event) => {
                    let _ = event.to_string();
                    continue;
                }
                phone::Output::Send(_) => continue,
                phone::Output::Close(_) => {
                    over = true;
                    continue;
                }
            };
            session.handle_answer(now, answer);
        }
    }
    while let Some(due) = session.poll_timeout() {
        now = due;
        session.handle_timeout(now);
    }
}
