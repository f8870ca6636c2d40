//! One connection: handshake, session, goodbye.

use std::io;
use std::time::{Duration, Instant, SystemTime};

use capf::Now;
use capf::server::{Answer, Ended, Output, Profile, Session};

use super::seats::Seat;
use super::{Plaintext, Shared};

/// How long the handshake may take: old phones compute for seconds between two messages.
const HANDSHAKE: Duration = Duration::from_secs(20);
/// Read at once; messages are longer, and are put together by the session.
const BUFFER: usize = 4096;

pub(super) fn serve(
    shared: &Shared,
    seat: &Seat,
    open: impl FnOnce(Instant) -> io::Result<Box<dyn Plaintext>>,
) {
    let until = Instant::now() + HANDSHAKE;
    let Ok(mut phone) = open(until) else { return };
    seat.settle();
    let profile = seat.profile();
    let settings = shared.settings.clone();
    let mut session = Session::start(now(), settings, seat.session, seat.from, profile);
    let ended = converse(shared, seat, &mut session, &mut *phone);
    match ended {
        Ended::Lost { try_legacy: true, .. } => seat.remember(Profile::Legacy),
        // The early dialect did not help either: the phone may have been somebody else.
        Ended::Lost { .. } if profile == Profile::Legacy => seat.remember(Profile::Current),
        _ => {}
    }
    if let Some(device) = session.device() {
        shared.desk.ended(device, &ended, seat.from, SystemTime::now());
    }
}

fn converse(
    shared: &Shared,
    seat: &Seat,
    session: &mut Session,
    phone: &mut dyn Plaintext,
) -> Ended {
    let mut buffer = [0; BUFFER];
    loop {
        while let Some(output) = session.poll_output() {
            match output {
                Output::Send(message) => {
                    if phone.write(&message).is_err() {
                        session.handle_closed();
                    }
                }
                Output::LookUp(device) => {
                    let answer = shared.desk.look_up(&device);
                    session.handle_answer(now(), Answer::Device(answer));
                }
                Output::CheckString(claim) => {
                    let verdict = shared.desk.check_string(&claim, SystemTime::now());
                    session.handle_answer(now(), Answer::String(verdict));
                }
                Output::Issue(issue) => {
                    let patience = shared.settings.timers.issue;
                    let issuance = shared.turnstile.issue(&shared.desk, &issue, patience);
                    session.handle_answer(now(), Answer::Certificate(issuance));
                }
                Output::Record(record) => {
                    let kept = shared.desk.record(&record, seat.from, SystemTime::now());
                    session.handle_answer(now(), Answer::Recorded(kept));
                }
                Output::Event(trace) => shared.desk.trace().event(&trace),
                Output::Close(ended) => {
                    phone.close();
                    return ended;
                }
            }
        }
        let due = session.poll_timeout().map(|due| due.saturating_duration_since(Instant::now()));
        match due {
            Some(patience) if !patience.is_zero() => match phone.read(&mut buffer, patience) {
                Ok(0) => session.handle_closed(),
                Ok(length) => session.handle_bytes(now(), &buffer[..length]),
                Err(error) if is_patience(&error) => session.handle_timeout(now()),
                Err(_) => session.handle_closed(),
            },
            _ => session.handle_timeout(now()),
        }
    }
}

fn is_patience(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

fn now() -> Now {
    Now { instant: Instant::now(), wall: SystemTime::now() }
}
