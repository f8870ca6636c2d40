//! A server of sockets around the server's own call processing: clear, by TLS of old, by TLS of
//! today.
#![allow(dead_code)] // each test binary uses its part

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use callmanager::exchange::{ConnectionId, Effect, Exchange};
use callmanager::security::{Bridge, Security};
use callmanager::station::{Application, Equipment, Now};
use callmanager::switchboard::{LineProfile, Party, RelayPolicy, Settings, Switchboard};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use openssl::ssl::{
    HandshakeError, MidHandshakeSslStream, Ssl, SslContext, SslContextBuilder, SslFiletype,
    SslMethod, SslStream, SslVersion,
};
use rustls::ServerConnection;
use sccp::codes::ResetKind;

/// How phones come in.
#[derive(Clone)]
pub enum Door {
    Plain,
    Legacy(SslContext),
    Modern(Arc<rustls::ServerConfig>),
}

/// Decides who may register.
pub type Roster = dyn Fn(&Application) -> Option<Equipment> + Send;

/// A server on a thread of its own.
pub struct House {
    pub address: SocketAddr,
    /// Suites of the handshakes that succeeded.
    pub suites: Arc<Mutex<Vec<String>>>,
    /// Subjects of the certificates that were shown, if any were asked for.
    pub guests: Arc<Mutex<Vec<String>>>,
    pub alarms: Arc<Mutex<Vec<String>>>,
    resets: Arc<Mutex<Vec<(String, ResetKind)>>>,
    stop: Arc<AtomicBool>,
    breaks: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

const LISTENER: Token = Token(usize::MAX);
const ELSEWHERE: Token = Token(usize::MAX - 1);

/// A phone with one line, whose number is the last four digits of its name.
pub fn equipment(security: Security, number: &str) -> Equipment {
    let party = Party { number: number.to_owned(), name: format!("User {number}") };
    Equipment {
        security,
        encrypts_wideband: true,
        bridge: Some(Bridge::Encrypted),
        private: false,
        region: 0,
        relay: RelayPolicy::Never,
        media_elsewhere: true,
        lines: vec![(LineProfile { party, busy_trigger: 2 }, None)],
        speed_dials: Vec::new(),
        voicemail: false,
        messages: None,
        load: String::new(),
        user: String::new(),
        server_name: "house".to_owned(),
        servers: Vec::new(),
        date_template: "M/D/Y".to_owned(),
        utc_offset: 0,
        keep_alive: Duration::from_secs(30),
    }
}

/// TLS 1.0 with the key and certificate of a PEM file, for telephones with any certificate or none.
pub fn legacy(file: &Path, suites: &str) -> SslContextBuilder {
    let mut context = SslContext::builder(SslMethod::tls_server()).unwrap();
    context.set_security_level(0);
    context.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
    context.set_max_proto_version(Some(SslVersion::TLS1)).unwrap();
    context.set_cipher_list(suites).unwrap();
    context.set_private_key_file(file, SslFiletype::PEM).unwrap();
    context.set_certificate_file(file, SslFiletype::PEM).unwrap();
    context
}

impl House {
    /// Opens a door, at this address or at a free port.
    pub fn open(door: Door, roster: Box<Roster>, at: Option<SocketAddr>) -> Self {
        let at = at.unwrap_or((Ipv4Addr::LOCALHOST, 0).into());
        let mut listener = TcpListener::bind(at).unwrap();
        let address = listener.local_addr().unwrap();
        let poll = Poll::new().unwrap();
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE).unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), ELSEWHERE).unwrap());
        let suites = Arc::<Mutex<Vec<String>>>::default();
        let guests = Arc::<Mutex<Vec<String>>>::default();
        let alarms = Arc::<Mutex<Vec<String>>>::default();
        let [stop, breaks] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let resets = Arc::new(Mutex::new(Vec::new()));
        let mut hall = Hall {
            poll,
            listener,
            door,
            roster,
            exchange: Exchange::new(Switchboard::new(Instant::now(), Settings::default())),
            lines: HashMap::new(),
            effects: VecDeque::new(),
            next: 0,
            suites: Arc::clone(&suites),
            guests: Arc::clone(&guests),
            alarms: Arc::clone(&alarms),
            resets: Arc::clone(&resets),
            breaks: Arc::clone(&breaks),
        };
        let thread = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                while !stop.load(Ordering::Relaxed) {
                    hall.turn();
                }
            }
        });
        Self { address, suites, guests, alarms, resets, stop, breaks, waker, thread: Some(thread) }
    }

    /// All connections break.
    pub fn stop_calls(&self) {
        self.breaks.store(true, Ordering::Relaxed);
        self.waker.wake().unwrap();
    }

    pub fn reset(&self, device: &str, kind: ResetKind) {
        self.resets.lock().unwrap().push((device.to_owned(), kind));
        self.waker.wake().unwrap();
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.waker.wake();
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

struct Hall {
    poll: Poll,
    listener: TcpListener,
    door: Door,
    roster: Box<Roster>,
    exchange: Exchange,
    lines: HashMap<usize, Line>,
    effects: VecDeque<Effect>,
    next: usize,
    suites: Arc<Mutex<Vec<String>>>,
    guests: Arc<Mutex<Vec<String>>>,
    alarms: Arc<Mutex<Vec<String>>>,
    resets: Arc<Mutex<Vec<(String, ResetKind)>>>,
    breaks: Arc<AtomicBool>,
}

struct Line {
    stage: Stage,
    unsent: Vec<u8>,
}

enum Stage {
    Plain(TcpStream),
    Shaking(MidHandshakeSslStream<TcpStream>),
    Legacy(SslStream<TcpStream>),
    Modern(TcpStream, Box<ServerConnection>, bool),
    Over,
}

fn now() -> Now {
    Now { instant: Instant::now(), wall: SystemTime::now() }
}

fn blocks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

impl Hall {
    fn turn(&mut self) {
        let due = self.exchange.next_timeout();
        let wait = due.map(|due| due.saturating_duration_since(Instant::now()));
        let mut events = Events::with_capacity(1024);
        match self.poll.poll(&mut events, wait.map(|wait| wait + Duration::from_millis(1))) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            polled => polled.unwrap(),
        }
        for event in &events {
            match event.token() {
                LISTENER => self.accept(),
                ELSEWHERE => {}
                Token(line) => self.ready(line),
            }
        }
        let mut effects = Vec::new();
        for (device, kind) in std::mem::take(&mut *self.resets.lock().unwrap()) {
            let connection = self.exchange.connection(&device).unwrap();
            self.exchange.reset(now(), connection, kind, &mut effects);
        }
        if self.breaks.swap(false, Ordering::Relaxed) {
            for (line, _) in self.lines.drain() {
                self.exchange.lost(now(), ConnectionId(line as u64), &mut effects);
            }
        }
        self.exchange.tick(now(), &mut effects);
        self.effects.extend(effects);
        self.carry_out();
    }

    fn accept(&mut self) {
        while let Ok((mut stream, peer)) = self.listener.accept() {
            stream.set_nodelay(true).unwrap();
            let line = self.next;
            self.next += 1;
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(line), interest).unwrap();
            let stage = match &self.door {
                Door::Plain => Stage::Plain(stream),
                Door::Legacy(context) => self.shaken(Ssl::new(context).unwrap().accept(stream)),
                Door::Modern(config) => {
                    let tls = ServerConnection::new(Arc::clone(config)).unwrap();
                    Stage::Modern(stream, Box::new(tls), false)
                }
            };
            self.lines.insert(line, Line { stage, unsent: Vec::new() });
            self.exchange.connected(now(), ConnectionId(line as u64), peer.ip());
            self.ready(line);
        }
    }

    fn shaken(&self, shaken: Result<SslStream<TcpStream>, HandshakeError<TcpStream>>) -> Stage {
        match shaken {
            Ok(stream) => {
                let suite = stream.ssl().current_cipher().unwrap().name().to_owned();
                self.suites.lock().unwrap().push(suite);
                let guest = stream.ssl().peer_certificate();
                let name = guest.map(|guest| format!("{:?}", guest.subject_name()));
                self.guests.lock().unwrap().extend(name);
                Stage::Legacy(stream)
            }
            Err(HandshakeError::WouldBlock(middle)) => Stage::Shaking(middle),
            Err(_) => Stage::Over,
        }
    }

    fn ready(&mut self, line: usize) {
        let Some(mut found) = self.lines.remove(&line) else { return };
        if let Stage::Shaking(middle) = found.stage {
            found.stage = self.shaken(middle.handshake());
        }
        let mut heard = Vec::new();
        let open = found.read(&mut heard, &self.suites) && found.flush();
        let connection = ConnectionId(line as u64);
        let mut effects = Vec::new();
        if open {
            self.lines.insert(line, found);
        }
        if !heard.is_empty() {
            self.exchange.received(now(), connection, &heard, &mut effects);
        }
        if !open {
            self.exchange.lost(now(), connection, &mut effects);
        }
        self.effects.extend(effects);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.effects.pop_front() {
            let mut effects = Vec::new();
            match effect {
                Effect::Send { connection, pdu } => {
                    if let Some(line) = self.lines.get_mut(&(connection.0 as usize)) {
                        line.unsent.extend_from_slice(&pdu);
                        line.flush();
                    }
                }
                Effect::Close { connection, .. } => {
                    self.lines.remove(&(connection.0 as usize));
                }
                Effect::Register { connection, application } => match (self.roster)(&application) {
                    Some(equipment) => {
                        self.exchange.admit(now(), connection, equipment, &mut effects);
                    }
                    None => self.exchange.refuse(now(), connection, "not known", &mut effects),
                },
                Effect::PhoneAlarm { text, .. } => self.alarms.lock().unwrap().push(text),
                _ => {}
            }
            self.effects.extend(effects);
        }
    }
}

impl Line {
    /// Reads what there is; `false`: the connection is over.
    fn read(&mut self, heard: &mut Vec<u8>, suites: &Mutex<Vec<String>>) -> bool {
        let mut buffer = [0; 4096];
        loop {
            let read = match &mut self.stage {
                Stage::Plain(stream) => stream.read(&mut buffer),
                Stage::Legacy(stream) => stream.read(&mut buffer),
                Stage::Shaking(_) => return true,
                Stage::Over => return false,
                Stage::Modern(stream, tls, told) => match tls.complete_io(stream) {
                    Err(error) if !blocks(&error) => return false,
                    _ => {
                        if !tls.is_handshaking() && !std::mem::replace(told, true) {
                            let suite = tls.negotiated_cipher_suite().unwrap().suite();
                            let kind = tls.handshake_kind().unwrap();
                            suites.lock().unwrap().push(format!("{suite:?} {kind:?}"));
                        }
                        tls.reader().read(&mut buffer)
                    }
                },
            };
            match read {
                Ok(0) => return false,
                Ok(count) => heard.extend_from_slice(&buffer[..count]),
                Err(error) => return blocks(&error),
            }
        }
    }

    fn flush(&mut self) -> bool {
        while !self.unsent.is_empty() {
            let wrote = match &mut self.stage {
                Stage::Plain(stream) => stream.write(&self.unsent),
                Stage::Legacy(stream) => stream.write(&self.unsent),
                Stage::Modern(_, tls, _) => tls.writer().write(&self.unsent),
                Stage::Shaking(_) => return true,
                Stage::Over => return false,
            };
            match wrote {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) => return blocks(&error),
            }
        }
        if let Stage::Modern(stream, tls, _) = &mut self.stage {
            while tls.wants_write() {
                if let Err(error) = tls.write_tls(stream) {
                    return blocks(&error);
                }
            }
        }
        true
    }
}
