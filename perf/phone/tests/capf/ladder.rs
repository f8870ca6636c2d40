//! How often a phone tries, and when it stops, on a virtual clock.

use std::time::{Duration, Instant};

use capf::codec::{CertificateType, KeySpec, Password, Reason};
use capf::phone::{Conclusion, Credential, Manner};
use capf::server::{AuthMode, Ended, Operation, Session};
use pki::PrivateKey;
use ringfence_phone::capf::{
    Attempt, Enrolment, Manufacturer, Memory, Notice, Output, Patience, Ram, Verdict, Wallet,
};
use ringfence_phone::{Flash, Model};

use crate::office::{Office, device};

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weather {
    /// It works.
    Fair,
    /// There is none.
    NoConnection,
    /// It breaks when the server has sent so many messages.
    BreaksAfter(usize),
    /// The server says nothing more after so many messages.
    SilentAfter(usize),
}

/// How an enrolment went.
pub struct Journey {
    pub verdict: Verdict,
    /// When, from the start on, which server was called.
    pub calls: Vec<(u64, usize)>,
    pub notices: Vec<String>,
}

pub fn make(spec: KeySpec) -> Option<PrivateKey> {
    let KeySpec::Rsa(bits) = spec else { return None };
    PrivateKey::generate_legacy_rsa(bits.into())
}

pub fn string(typed: &str) -> Credential {
    Credential::String(Password::new(typed).unwrap())
}

pub fn begin<M: Memory>(credential: Credential, wallet: Wallet, memory: M) -> Enrolment<M> {
    begin_with(Manner::default(), 1, credential, wallet, memory)
}

pub fn begin_with<M: Memory>(
    manner: Manner,
    servers: usize,
    credential: Credential,
    wallet: Wallet,
    memory: M,
) -> Enrolment<M> {
    let patience = Patience::default();
    Enrolment::start(device(), manner, patience, servers, credential, wallet, memory)
}

/// Lets the phone go its way: connection after connection has the next weather, the last one's
/// stays. `stop` is when Stop is pressed.
pub fn travel<M: Memory>(
    office: &mut Office,
    enrolment: &mut Enrolment<M>,
    weather: &[Weather],
    stop: Option<Duration>,
) -> Journey {
    let start = Instant::now();
    let mut now = start;
    let mut weather = weather.iter().copied().chain(std::iter::repeat(*weather.last().unwrap()));
    let (mut calls, mut notices) = (vec![], vec![]);
    let mut line: Option<(Session, Weather, usize)> = None;
    loop {
        while let Some(output) = enrolment.poll_output(now) {
            match output {
                Output::Connect(server) => {
                    calls.push(((now - start).as_secs(), server));
                    match weather.next().unwrap() {
                        Weather::NoConnection => {
                            enrolment.handle_unconnected(now, Attempt::NoConnection);
                        }
                        weather => {
                            line = Some((office.session(now), weather, 0));
                            enrolment.handle_connected(now);
                        }
                    }
                }
                Output::Send(bytes) => {
                    if let Some((session, ..)) = &mut line {
                        session.handle_bytes(crate::office::at(now), &bytes);
                    }
                }
                Output::MakeKey(number, spec) => enrolment.handle_key(now, number, make(spec)),
                Output::Disconnect => {
                    if let Some((mut session, ..)) = line.take() {
                        session.handle_closed();
                        office.serve(now, &mut session);
                    }
                }
                Output::Notice(notice) => notices.push(notice.to_string()),
                Output::Finished(verdict) => return Journey { verdict, calls, notices },
            }
        }
        let mut moved = false;
        if let Some((session, weather, sent)) = &mut line {
            let (messages, ended): (Vec<Vec<u8>>, Option<Ended>) = office.serve(now, session);
            for message in messages {
                *sent += 1;
                let gone = |most: usize| *sent > most;
                match weather {
                    Weather::SilentAfter(most) if gone(*most) => {}
                    Weather::BreaksAfter(most) if gone(*most) => {}
                    _ => {
                        enrolment.handle_bytes(now, &message);
                        moved = true;
                    }
                }
            }
            let broken = matches!(weather, Weather::BreaksAfter(most) if *sent > *most);
            let closed = ended.is_some() && !matches!(weather, Weather::SilentAfter(_));
            if broken || closed {
                enrolment.handle_closed();
                moved = true;
            }
        }
        if moved {
            continue;
        }
        let due = enrolment.poll_timeout().expect("it waits for something");
        match stop.map(|stop| start + stop) {
            Some(stop) if stop <= due => {
                now = stop;
                enrolment.stop(now);
                // Pressed once.
                return finish(office, enrolment, now, calls, notices);
            }
            _ => {
                now = due;
                enrolment.handle_timeout(now);
            }
        }
    }
}

/// After Stop only what ends it is left.
fn finish<M: Memory>(
    office: &mut Office,
    enrolment: &mut Enrolment<M>,
    mut now: Instant,
    calls: Vec<(u64, usize)>,
    mut notices: Vec<String>,
) -> Journey {
    let _ = office;
    loop {
        match enrolment.poll_output(now) {
            Some(Output::Finished(verdict)) => return Journey { verdict, calls, notices },
            Some(Output::Notice(notice)) => notices.push(notice.to_string()),
            Some(Output::Connect(_)) => panic!("it was stopped"),
            Some(_) => {}
            None => {
                now = enrolment.poll_timeout().expect("it waits for something");
                enrolment.handle_timeout(now);
            }
        }
    }
}

fn go(office: &mut Office, credential: Credential, weather: &[Weather]) -> (Journey, Wallet) {
    let mut enrolment = begin(credential, Wallet::default(), Ram);
    let journey = travel(office, &mut enrolment, weather, None);
    (journey, enrolment.wallet().clone())
}

// R: CAPF-12
#[test]
fn a_connection_that_breaks_is_tried_three_more_times_thirty_seconds_apart() {
    let mut office = Office::install(AuthMode::NullString);
    let broken = [Weather::BreaksAfter(2)];
    let (journey, wallet) = go(&mut office, Credential::NullString, &broken);
    assert_eq!(journey.calls, [(0, 0), (30, 0), (60, 0), (90, 0)]);
    assert_eq!(journey.verdict, Verdict::Failed(Attempt::Concluded(Conclusion::Lost)));
    assert!(wallet.lsc.is_none() && wallet.pending.is_none() && office.lsc.is_none());
    // The fourth may succeed.
    let weather =
        [Weather::BreaksAfter(0), Weather::BreaksAfter(1), Weather::BreaksAfter(2), Weather::Fair];
    let (journey, wallet) = go(&mut office, Credential::NullString, &weather);
    assert_eq!((journey.verdict, journey.calls.len()), (Verdict::Updated, 4));
    assert_eq!(wallet.lsc.map(|lsc| lsc.certificate), office.lsc);
}

// R: CAPF-12
#[test]
fn a_silent_server_is_one_that_is_lost() {
    let mut office = Office::install(AuthMode::NullString);
    let (journey, _) = go(&mut office, Credential::NullString, &[Weather::SilentAfter(1)]);
    // A minute of silence, and half of one between two tries.
    assert_eq!(journey.calls, [(0, 0), (90, 0), (180, 0), (270, 0)]);
    assert_eq!(journey.verdict, Verdict::Failed(Attempt::Concluded(Conclusion::Lost)));
}

#[test]
fn a_server_that_cannot_be_reached_gives_way_to_the_next() {
    let mut office = Office::install(AuthMode::NullString);
    let wallet = Wallet::default();
    let mut enrolment = begin_with(Manner::default(), 3, Credential::NullString, wallet, Ram);
    let weather = [Weather::NoConnection, Weather::NoConnection, Weather::Fair];
    let journey = travel(&mut office, &mut enrolment, &weather, None);
    assert_eq!(journey.calls, [(0, 0), (0, 1), (0, 2)]);
    assert_eq!(journey.verdict, Verdict::Updated);
    let wallet = Wallet::default();
    let mut enrolment = begin_with(Manner::default(), 2, Credential::NullString, wallet, Ram);
    let journey = travel(&mut office, &mut enrolment, &[Weather::NoConnection], None);
    assert_eq!(journey.verdict, Verdict::Failed(Attempt::NoConnection));
    let rounds: Vec<_> = [0, 30, 60, 90].into_iter().flat_map(|at| [(at, 0), (at, 1)]).collect();
    assert_eq!(journey.calls, rounds);
}

// R: CAPF-05
#[test]
fn a_wrong_string_is_not_tried_again() {
    let mut office = Office::install(AuthMode::String);
    let (journey, wallet) = go(&mut office, string("7654321"), &[Weather::Fair]);
    let refused = Attempt::Concluded(Conclusion::Refused(Reason::INVALID));
    assert_eq!((journey.verdict, journey.calls.len()), (Verdict::Failed(refused), 1));
    assert!(wallet.lsc.is_none() && wallet.pending.is_none());
    assert!(!journey.notices.join("\n").contains("7654321"));
    let (journey, _) = go(&mut office, string("1234567"), &[Weather::Fair]);
    assert_eq!(journey.verdict, Verdict::Updated);
    // Nothing is pending any more.
    let (journey, _) = go(&mut office, string("1234567"), &[Weather::Fair]);
    assert_eq!(journey.verdict, Verdict::Unchanged);
}

#[test]
fn who_is_told_to_come_back_comes_back() {
    let mut office = Office::install(AuthMode::NullString);
    office.busy = Some(Duration::from_secs(300));
    let (journey, _) = go(&mut office, Credential::NullString, &[Weather::Fair]);
    assert_eq!(journey.calls, [(0, 0), (300, 0)]);
    assert_eq!(journey.verdict, Verdict::Updated);
}

// R: CAPF-12
#[test]
fn stop_ends_it_at_any_time() {
    let cases = [
        // Between two tries.
        (Weather::NoConnection, 10),
        // In a session.
        (Weather::SilentAfter(2), 10),
        // Before the server's first word.
        (Weather::SilentAfter(0), 10),
    ];
    for (weather, seconds) in cases {
        let mut office = Office::install(AuthMode::NullString);
        let mut enrolment = begin(Credential::NullString, Wallet::default(), Ram);
        let stop = Some(Duration::from_secs(seconds));
        let journey = travel(&mut office, &mut enrolment, &[weather], stop);
        assert_eq!(journey.verdict, Verdict::Stopped, "{weather:?}");
        assert!(enrolment.wallet().pending.is_none() && office.lsc.is_none());
    }
}

/// A phone as it leaves the factory, and what its maker's authority is.
fn new_phone(office: &mut Office, model: Model) -> (Wallet, Manner) {
    let now = std::time::SystemTime::now();
    let maker = Manufacturer::new("Test Manufacturing CA", now).unwrap();
    office.settings.anchors.mic = vec![maker.certificate().clone()];
    let mic = maker.equip(model, device(), now).unwrap();
    assert_eq!(mic.is_some(), model == Model::M7970);
    let manner = Manner { legacy: model.speaks_early_capf(), ..Manner::default() };
    (Wallet { mic, ..Wallet::default() }, manner)
}

fn visit(office: &mut Office, wallet: &mut Wallet, manner: Manner, how: Credential) -> Verdict {
    let mut enrolment = begin_with(manner, 1, how, wallet.clone(), Ram);
    let journey = travel(office, &mut enrolment, &[Weather::Fair], None);
    *wallet = enrolment.wallet().clone();
    journey.verdict
}

// R: CAPF-02, CAPF-04
#[test]
fn a_7970_starts_with_its_mic_and_falls_back_to_it() {
    let mut office = Office::install(AuthMode::ExistingLsc);
    let (mut wallet, manner) = new_phone(&mut office, Model::M7970);
    let existing = Credential::Existing(CertificateType::LSC);
    assert_eq!(visit(&mut office, &mut wallet, manner, existing.clone()), Verdict::Updated);
    let first = office.lsc.clone().unwrap();
    // Now the LSC speaks for it.
    office.operation = Operation::Install(KeySpec::Rsa(1024));
    office.settings.anchors.mic.clear();
    assert_eq!(visit(&mut office, &mut wallet, manner, existing.clone()), Verdict::Updated);
    assert_ne!(office.lsc.as_ref(), Some(&first));
    office.operation = Operation::Troubleshoot;
    assert_eq!(visit(&mut office, &mut wallet, manner, existing.clone()), Verdict::Shown);
    assert_eq!(office.shown, 2);
    office.operation = Operation::Delete;
    assert_eq!(visit(&mut office, &mut wallet, manner, existing), Verdict::Updated);
    assert!(wallet.lsc.is_none() && wallet.mic.is_some() && office.lsc.is_none());
}

// R: CAPF-02, CAPF-04
#[test]
fn a_7960_has_no_certificate_before_its_first_lsc() {
    let mut office = Office::install(AuthMode::ExistingMic);
    let (mut wallet, manner) = new_phone(&mut office, Model::M7960);
    assert!(manner.legacy);
    let existing = Credential::Existing(CertificateType::MIC);
    let refused = Attempt::Concluded(Conclusion::Refused(Reason::INVALID));
    let verdict = visit(&mut office, &mut wallet, manner, existing.clone());
    assert_eq!(verdict, Verdict::Failed(refused));
    office.mode = AuthMode::String;
    assert_eq!(visit(&mut office, &mut wallet, manner, string("1234567")), Verdict::Updated);
    // From now on it can show that.
    (office.mode, office.operation) = (AuthMode::ExistingMic, Operation::Troubleshoot);
    assert_eq!(visit(&mut office, &mut wallet, manner, existing), Verdict::Shown);
    assert_eq!(office.shown, 1);
}

#[test]
fn a_key_that_comes_too_late_is_nobodys() {
    let mut office = Office::install(AuthMode::NullString);
    let mut enrolment = begin(Credential::NullString, Wallet::default(), Ram);
    let now = Instant::now();
    let mut session = office.session(now);
    let number = loop {
        match enrolment.poll_output(now) {
            Some(Output::Connect(_)) => enrolment.handle_connected(now),
            Some(Output::Send(bytes)) => session.handle_bytes(crate::office::at(now), &bytes),
            Some(Output::MakeKey(number, _)) => break number,
            Some(_) => {}
            None => {
                let (sent, _) = office.serve(now, &mut session);
                sent.iter().for_each(|bytes| enrolment.handle_bytes(now, bytes));
            }
        }
    };
    enrolment.handle_closed();
    let later = now + Duration::from_secs(30);
    while let Some(output) = enrolment.poll_output(later) {
        if let Output::Connect(_) = output {
            enrolment.handle_connected(later);
        }
    }
    enrolment.handle_key(later, number, PrivateKey::generate_legacy_rsa(512));
    assert!(enrolment.wallet().pending.as_ref().unwrap().key.is_none());
}

#[test]
fn a_broken_flash_is_said_and_nothing_is_begun() {
    let home = tempfile::tempdir().unwrap();
    let flash = Flash::open(&home.path().join("flash")).unwrap();
    std::fs::remove_dir(home.path().join("flash")).unwrap();
    let mut enrolment = begin(Credential::NullString, Wallet::default(), flash);
    let outputs: Vec<_> = std::iter::from_fn(|| enrolment.poll_output(Instant::now())).collect();
    assert!(matches!(&outputs[0], Output::Notice(Notice::Flash(_))), "{outputs:?}");
    assert!(matches!(outputs.last(), Some(Output::Finished(Verdict::BrokenFlash))), "{outputs:?}");
}

// R: CAPF-22
#[test]
fn keys_are_made_by_threads_that_yield_to_everybody() {
    let workshop = ringfence_phone::capf::Workshop::new(1).unwrap();
    let (told, tells) = std::sync::mpsc::channel();
    let done = Box::new(move |key: Option<PrivateKey>| {
        let priority = rustix::process::getpriority_process(None).unwrap();
        told.send((key.is_some(), priority)).unwrap();
    });
    workshop.order(0, ringfence_phone::capf::Job { spec: KeySpec::Rsa(512), done });
    assert_eq!(tells.recv().unwrap(), (true, 19));
}
