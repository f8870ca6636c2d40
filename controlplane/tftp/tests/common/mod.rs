//! An engine and receivers on a link that loses, repeats and reorders, in virtual time.
#![allow(dead_code)] // each test binary uses its part

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ringfence_tftp::{
    Config, Engine, FileName, FileRequest, FileSource, Output, Progress, RateLimit, Receiving,
    Record, Refusal, Served, TransferId, Via,
};

pub const SERVER_PORT: u16 = 69;

pub fn server() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 10], SERVER_PORT))
}

pub fn phone(number: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 100], 50_000 + number))
}

/// The port of a transfer on the server.
pub fn transfer_port(id: TransferId) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 10], 40_000 + id.0 as u16))
}

/// No limit on requests, since all phones of a test share an address.
pub fn config() -> Config {
    Config { rate: RateLimit { per_second: 1e9, burst: 1e9 }, ..Config::default() }
}

/// Files by name.
#[derive(Default, Clone)]
pub struct Files(pub BTreeMap<String, Arc<[u8]>>);

impl Files {
    pub fn with(name: &str, bytes: &[u8]) -> Self {
        Self(BTreeMap::from([(name.to_owned(), bytes.into())]))
    }
}

impl FileSource for Files {
    fn open(&self, request: &FileRequest) -> Result<Served, Refusal> {
        let bytes = self.0.get(request.name.as_str()).ok_or(Refusal::NotFound)?;
        Ok(Served::plain(bytes.clone(), "test file"))
    }
}

pub fn file_name(name: &str) -> FileName {
    FileName::parse(name.as_bytes()).unwrap()
}

/// Bytes that differ from block to block.
pub fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 ^ (at / 512) as u8).collect()
}

/// A link: what share of datagrams it loses and repeats, in 256ths.
#[derive(Debug, Clone, Copy, Default)]
pub struct Link {
    pub loss: u8,
    pub repeat: u8,
    pub seed: u64,
}

impl Link {
    fn random(&mut self) -> u8 {
        // xorshift64*
        self.seed = self.seed.max(1);
        self.seed ^= self.seed >> 12;
        self.seed ^= self.seed << 25;
        self.seed ^= self.seed >> 27;
        (self.seed.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8
    }

    /// When the copies of a datagram arrive.
    fn arrivals(&mut self, now: Instant) -> Vec<Instant> {
        let copies = if self.random() < self.repeat { 2 } else { 1 };
        let mut arrivals = vec![];
        for _ in 0..copies {
            if self.random() >= self.loss {
                arrivals.push(now + Duration::from_micros(500 + 8 * u64::from(self.random())));
            }
        }
        arrivals
    }
}

/// The server and some phones.
pub struct World {
    pub now: Instant,
    pub engine: Engine,
    pub files: Files,
    pub link: Link,
    pub records: Vec<Record>,
    /// Datagrams the server sent.
    pub sent: usize,
    in_flight: BTreeMap<(Instant, usize), (SocketAddr, SocketAddr, Vec<u8>)>,
    count: usize,
}

impl World {
    pub fn new(files: Files, link: Link) -> Self {
        Self {
            now: Instant::now(),
            engine: Engine::new(config()),
            files,
            link,
            records: vec![],
            sent: 0,
            in_flight: BTreeMap::new(),
            count: 0,
        }
    }

    /// Runs until every phone has its file or gave up.
    pub fn run(&mut self, phones: &mut [(SocketAddr, Receiving)]) -> Vec<Progress> {
        let mut progress = vec![Progress::Going; phones.len()];
        loop {
            self.serve();
            for (address, phone) in phones.iter_mut() {
                while let Some((to, datagram)) = phone.poll_output() {
                    self.send(*address, to, datagram);
                }
            }
            let open = |at: &usize| progress[*at] == Progress::Going;
            let waiting: Vec<usize> = (0..phones.len()).filter(open).collect();
            let idle = self.in_flight.is_empty() && self.engine.poll_timeout().is_none();
            if waiting.is_empty() && idle {
                return progress;
            }

            let arrival = self.in_flight.keys().next().map(|&(at, _)| at);
            let timeouts = waiting.iter().map(|&at| phones[at].1.poll_timeout());
            let next = timeouts.chain(arrival).chain(self.engine.poll_timeout()).min().unwrap();
            self.now = self.now.max(next);

            while let Some(entry) = self.in_flight.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let (from, to, datagram) = entry.remove();
                match phones.iter().position(|(address, _)| *address == to) {
                    None => self.deliver(from, to, &datagram),
                    Some(at) if progress[at] == Progress::Going => {
                        progress[at] = phones[at].1.handle_datagram(self.now, from, &datagram);
                    }
                    Some(_) => {}
                }
            }
            for at in waiting {
                if progress[at] == Progress::Going {
                    progress[at] = phones[at].1.handle_timeout(self.now);
                }
            }
            self.engine.handle_timeout(self.now);
        }
    }

    /// Lets the server see a datagram.
    pub fn deliver(&mut self, from: SocketAddr, to: SocketAddr, datagram: &[u8]) {
        if to == server() {
            self.engine.handle_request(self.now, SystemTime::UNIX_EPOCH, from, datagram);
        } else {
            let id = TransferId(u64::from(to.port() - 40_000));
            self.engine.handle_datagram(self.now, id, from, datagram);
        }
    }

    /// Lets the server look files up and say what it has to say.
    pub fn serve(&mut self) {
        for (via, to, datagram) in self.step() {
            let from = match via {
                Via::Requests => server(),
                Via::Transfer(id) => transfer_port(id),
            };
            self.send(from, to, datagram);
        }
    }

    /// What the server sends now, off the link.
    pub fn step(&mut self) -> Vec<(Via, SocketAddr, Vec<u8>)> {
        while let Some((id, request)) = self.engine.poll_request() {
            let answer = self.files.open(&request);
            self.engine.answer(self.now, id, answer);
        }
        let mut sent = vec![];
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Send { via, to, datagram } => sent.push((via, to, datagram)),
                Output::Closed { record, .. } => self.records.push(*record),
            }
        }
        self.sent += sent.len();
        sent
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, datagram: Vec<u8>) {
        for arrival in self.link.arrivals(self.now) {
            self.count += 1;
            self.in_flight.insert((arrival, self.count), (from, to, datagram.clone()));
        }
    }
}
