//! One phone or thousands at CAPF, over TLS, from one thread.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use openssl::ssl::{HandshakeError, MidHandshakeSslStream, Ssl, SslContext, SslStream};
use pki::PrivateKey;
use tlv::{Role, VerifiedCtl};
use zeroize::Zeroizing;

use super::{Attempt, Enrolment, Job, Memory, Notice, Output, TlsManner, Verdict, Workshop};
use crate::dial::dial;

/// A phone, and where it calls.
pub struct Caller<M> {
    /// The phone.
    pub enrolment: Enrolment<M>,
    /// The servers of its configuration, in order.
    pub servers: Vec<SocketAddr>,
    /// Whom it takes for its server.
    pub trust: Trust,
    /// How it speaks TLS.
    pub tls: TlsManner,
    /// The address it calls from; `None`: the kernel chooses.
    pub source: Option<IpAddr>,
}

/// Whom a phone takes for its CAPF server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It has no CTL, and believes everybody.
    Anybody,
    /// The server must show one of these certificates (DER), to the last byte.
    OneOf(Vec<Vec<u8>>),
}

impl Trust {
    /// As a phone with this CTL has it.
    pub fn by(ctl: Option<&VerifiedCtl>) -> Self {
        let Some(ctl) = ctl else { return Self::Anybody };
        let capf = ctl.records().iter().filter(|record| record.role == Role::Capf);
        Self::OneOf(capf.filter_map(|record| record.certificate.clone()).collect())
    }

    fn accepts(&self, shown: Option<Vec<u8>>) -> bool {
        match (self, shown) {
            (Self::Anybody, _) => true,
            (Self::OneOf(_), None) => false,
            (Self::OneOf(known), Some(shown)) => known.contains(&shown),
        }
    }
}

/// One who has finished.
pub struct Finished<M> {
    /// The phone.
    pub enrolment: Enrolment<M>,
    /// How it ended.
    pub verdict: Verdict,
    /// From its first connection to the end.
    pub took: Duration,
}

/// The Stop key of all phones. Cloned handles are the same key.
#[derive(Clone, Debug, Default)]
pub struct Stopper {
    pressed: Arc<AtomicBool>,
    waker: Arc<Mutex<Option<Arc<Waker>>>>,
}

impl Stopper {
    /// Presses it.
    pub fn stop(&self) {
        self.pressed.store(true, Ordering::Relaxed);
        if let Some(waker) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            // A run that cannot be woken looks at the flag at its next event.
            let _ = waker.wake();
        }
    }

    /// The flag behind it, for a signal handler: a run that a signal interrupts looks at it.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.pressed.clone()
    }

    fn wake_by(&self, waker: Arc<Waker>) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker);
    }

    fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::Relaxed)
    }
}

/// How long connecting and the handshake may take; phones compute for seconds in between.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// Token of what is no connection: a key is ready, or Stop was pressed.
const ELSEWHERE: Token = Token(usize::MAX);

/// Lets all callers go through with it, so many at once. They come back in the order in which they
/// finished.
pub fn run<M: Memory>(
    callers: impl IntoIterator<Item = Caller<M>>,
    at_once: usize,
    workshop: &Workshop,
) -> io::Result<Vec<Finished<M>>> {
    run_until(callers, at_once, workshop, &Stopper::default(), |_, _| ())
}

/// The same with a Stop key, and somebody who watches.
pub fn run_until<M: Memory>(
    callers: impl IntoIterator<Item = Caller<M>>,
    at_once: usize,
    workshop: &Workshop,
    stopper: &Stopper,
    watch: impl FnMut(&capf::DeviceName, &Notice),
) -> io::Result<Vec<Finished<M>>> {
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), ELSEWHERE)?);
    stopper.wake_by(waker.clone());
    let (ready, keys) = unbounded();
    let house = House { poll, workshop: workshop.clone(), ready, waker };
    let mut hall = Hall { house, seats: Vec::new(), finished: Vec::new(), watch };
    let mut waiting = callers.into_iter();
    for caller in waiting.by_ref().take(at_once.max(1)) {
        hall.seats.push(None);
        hall.take_seat(hall.seats.len() - 1, caller)?;
    }
    hall.refill(&mut waiting)?;
    while hall.seats.iter().any(Option::is_some) {
        hall.wait(&keys)?;
        hall.refill(&mut waiting)?;
        if stopper.is_pressed() {
            hall.stop_all()?;
        }
    }
    Ok(hall.finished)
}

/// A key that was made: for which seat, under which number.
type Key = (usize, u64, Option<PrivateKey>);

/// What all phones share.
struct House {
    poll: Poll,
    workshop: Workshop,
    ready: Sender<Key>,
    waker: Arc<Waker>,
}

/// The phones that are at it.
struct Hall<M, W> {
    house: House,
    seats: Vec<Option<Seat<M>>>,
    finished: Vec<Finished<M>>,
    watch: W,
}

struct Seat<M> {
    number: usize,
    caller: Caller<M>,
    context: SslContext,
    started: Instant,
    line: Line,
    connect_by: Option<Instant>,
    unsent: VecDeque<Zeroizing<Vec<u8>>>,
}

enum Line {
    None,
    Connecting(TcpStream),
    Shaking(MidHandshakeSslStream<TcpStream>),
    Open(SslStream<TcpStream>),
}

impl<M: Memory, W: FnMut(&capf::DeviceName, &Notice)> Hall<M, W> {
    fn take_seat(&mut self, number: usize, caller: Caller<M>) -> io::Result<()> {
        let (context, started) = (caller.tls.context()?, Instant::now());
        let (line, unsent) = (Line::None, VecDeque::new());
        let seat = Seat { number, caller, context, started, line, connect_by: None, unsent };
        self.seats[number] = Some(seat);
        self.drive(number)
    }

    /// Gives free seats to those who wait.
    fn refill(&mut self, waiting: &mut impl Iterator<Item = Caller<M>>) -> io::Result<()> {
        for number in 0..self.seats.len() {
            while self.seats[number].is_none() {
                let Some(caller) = waiting.next() else { return Ok(()) };
                self.take_seat(number, caller)?;
            }
        }
        Ok(())
    }

    /// Waits for the next event, and handles what has come until then.
    fn wait(&mut self, keys: &Receiver<Key>) -> io::Result<()> {
        let now = Instant::now();
        let due = self.seats.iter().flatten().filter_map(Seat::due).min();
        let wait = due.map(|due| due.saturating_duration_since(now) + Duration::from_millis(1));
        let mut events = Events::with_capacity(1024);
        match self.house.poll.poll(&mut events, wait) {
            // A signal: perhaps the Stop key.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            polled => polled?,
        }
        for event in &events {
            let Token(number) = event.token();
            if event.token() != ELSEWHERE {
                self.with(number, |seat, now| seat.handle_ready(now))?;
            }
        }
        while let Ok((number, asked, key)) = keys.try_recv() {
            self.with(number, |seat, now| {
                seat.caller.enrolment.handle_key(now, asked, key);
            })?;
        }
        let now = Instant::now();
        for number in 0..self.seats.len() {
            let due = self.seats[number].as_ref().and_then(Seat::due);
            if due.is_some_and(|due| due <= now) {
                self.with(number, |seat, now| seat.handle_timeout(now))?;
            }
        }
        Ok(())
    }

    fn stop_all(&mut self) -> io::Result<()> {
        for number in 0..self.seats.len() {
            self.with(number, |seat, now| seat.caller.enrolment.stop(now))?;
        }
        Ok(())
    }

    fn with(
        &mut self,
        number: usize,
        action: impl FnOnce(&mut Seat<M>, Instant),
    ) -> io::Result<()> {
        if let Some(Some(seat)) = self.seats.get_mut(number) {
            action(seat, Instant::now());
            self.drive(number)?;
        }
        Ok(())
    }

    /// Carries out what a phone wants; takes it from its seat when it has finished.
    fn drive(&mut self, number: usize) -> io::Result<()> {
        let Some(Some(seat)) = self.seats.get_mut(number) else { return Ok(()) };
        while let Some(output) = seat.caller.enrolment.poll_output(Instant::now()) {
            match output {
                Output::Connect(server) => seat.connect(&self.house, server)?,
                Output::Send(bytes) => {
                    seat.unsent.push_back(bytes);
                    seat.flush();
                }
                Output::MakeKey(asked, spec) => seat.order(&self.house, asked, spec),
                Output::Disconnect => seat.hang_up(),
                Output::Notice(notice) => (self.watch)(seat.caller.enrolment.device(), &notice),
                Output::Finished(verdict) => {
                    if let Some(seat) = self.seats[number].take() {
                        let (enrolment, took) = (seat.caller.enrolment, seat.started.elapsed());
                        self.finished.push(Finished { enrolment, verdict, took });
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl<M: Memory> Seat<M> {
    fn due(&self) -> Option<Instant> {
        let own = self.caller.enrolment.poll_timeout();
        own.into_iter().chain(self.connect_by).min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.connect_by.is_some_and(|by| by <= now) {
            self.fail(now, Attempt::NoConnection);
        }
        self.caller.enrolment.handle_timeout(now);
    }

    fn connect(&mut self, house: &House, server: usize) -> io::Result<()> {
        let now = Instant::now();
        let Some(&server) = self.caller.servers.get(server) else {
            self.fail(now, Attempt::NoConnection);
            return Ok(());
        };
        match dial(server, self.caller.source) {
            Err(_) => self.fail(now, Attempt::NoConnection),
            Ok(mut stream) => {
                let interest = Interest::READABLE | Interest::WRITABLE;
                house.poll.registry().register(&mut stream, Token(self.number), interest)?;
                self.line = Line::Connecting(stream);
                self.connect_by = Some(now + HANDSHAKE);
            }
        }
        Ok(())
    }

    fn order(&self, house: &House, asked: u64, spec: capf::codec::KeySpec) {
        let (ready, waker, number) = (house.ready.clone(), house.waker.clone(), self.number);
        let done = Box::new(move |key| {
            // Whoever asked may have left.
            let _ = ready.send((number, asked, key));
            let _ = waker.wake();
        });
        house.workshop.order(number as u64, Job { spec, done });
    }

    /// The socket can do something.
    fn handle_ready(&mut self, now: Instant) {
        match std::mem::replace(&mut self.line, Line::None) {
            Line::None => {}
            Line::Connecting(stream) => self.connected(now, stream),
            Line::Shaking(middle) => self.shaken(now, middle.handshake()),
            Line::Open(stream) => {
                self.line = Line::Open(stream);
                self.flush();
                self.read(now);
            }
        }
    }

    fn connected(&mut self, now: Instant, stream: TcpStream) {
        match (stream.take_error(), stream.peer_addr()) {
            (Ok(None), Ok(_)) => match Ssl::new(&self.context) {
                Ok(ssl) => self.shaken(now, ssl.connect(stream)),
                Err(_) => self.fail(now, Attempt::NoConnection),
            },
            (Ok(None), Err(error)) if error.kind() == io::ErrorKind::NotConnected => {
                self.line = Line::Connecting(stream);
            }
            _ => self.fail(now, Attempt::NoConnection),
        }
    }

    fn shaken(
        &mut self,
        now: Instant,
        shaken: Result<SslStream<TcpStream>, HandshakeError<TcpStream>>,
    ) {
        match shaken {
            Err(HandshakeError::WouldBlock(middle)) => self.line = Line::Shaking(middle),
            Err(_) => self.fail(now, Attempt::NoConnection),
            Ok(stream) => {
                let shown = stream.ssl().peer_certificate().and_then(|it| it.to_der().ok());
                if !self.caller.trust.accepts(shown) {
                    return self.fail(now, Attempt::Untrusted);
                }
                self.connect_by = None;
                self.line = Line::Open(stream);
                self.caller.enrolment.handle_connected(now);
                self.read(now);
            }
        }
    }

    fn read(&mut self, now: Instant) {
        let mut buffer = [0; 4096];
        while let Line::Open(stream) = &mut self.line {
            match stream.read(&mut buffer) {
                Ok(0) => return self.lose(),
                Ok(length) => self.caller.enrolment.handle_bytes(now, &buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.lose(),
            }
        }
    }

    /// One write per message.
    fn flush(&mut self) {
        let Line::Open(stream) = &mut self.line else { return };
        while let Some(message) = self.unsent.front() {
            match stream.write(message) {
                Ok(_) => drop(self.unsent.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.lose(),
            }
        }
    }

    fn lose(&mut self) {
        self.hang_up();
        self.caller.enrolment.handle_closed();
    }

    fn fail(&mut self, now: Instant, why: Attempt) {
        self.hang_up();
        self.caller.enrolment.handle_unconnected(now, why);
    }

    fn hang_up(&mut self) {
        if let Line::Open(stream) = &mut self.line {
            // Whether the server still hears it does not matter.
            let _ = stream.shutdown();
        }
        self.line = Line::None;
        self.connect_by = None;
        self.unsent.clear();
    }
}
