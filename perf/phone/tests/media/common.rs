use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_phone::media::{
    Channel, Format, Habits, Origin, Reception, Session, Track, Transmission,
};
use speech::g711::Law;
use srtp::{Keying, MasterKey, Suite};

pub const SUITES: [Suite; 2] = [Suite::AesCm128HmacSha1_32, Suite::AesCm128HmacSha1_80];

pub fn key_salt(seed: u8) -> Vec<u8> {
    (0..30).map(|n: u8| n.wrapping_mul(7).wrapping_add(seed)).collect()
}

pub fn keying(suite: Suite, seed: u8) -> Keying {
    Keying::new(suite, MasterKey::from_key_salt(suite, &key_salt(seed)).unwrap())
}

pub fn reception(format: Format, key: Option<Keying>) -> Reception {
    Reception { format, key }
}

pub fn transmission(format: Format, key: Option<Keying>, to: SocketAddr) -> Transmission {
    Transmission { format, key, to, service: 0xb8 }
}

pub fn mu() -> Format {
    Format::g711(Law::Mu)
}

/// A telephone with an address.
pub struct End {
    pub session: Session,
    pub at: SocketAddr,
}

/// A datagram on its way.
struct Flight {
    lands: Instant,
    order: u64,
    from: usize,
    channel: Channel,
    packet: Vec<u8>,
}

/// What the network does to a datagram.
pub enum Fate {
    Arrives(Duration),
    Twice(Duration),
    Lost,
}

/// Two telephones, a network between them, and a clock that is ours.
pub struct Pair {
    pub ends: [End; 2],
    pub now: Instant,
    flights: Vec<Flight>,
    sent: u64,
    /// RTP packets as they were on the wire, by sender.
    pub wire: [Vec<Vec<u8>>; 2],
}

impl Pair {
    pub fn new(says: [Track; 2]) -> Self {
        let now = Instant::now();
        let mut number = 0;
        let ends = says.map(|says| {
            number += 1;
            let habits = Habits {
                name: format!("SEP00000000000{number}"),
                says,
                records: Duration::from_secs(60),
                reports: true,
            };
            let wall = Duration::from_secs(1_700_000_000);
            let session = Session::new(now, Origin { seed: number, wall }, habits);
            End { session, at: SocketAddr::from(([10, 0, 0, number as u8], 20_000)) }
        });
        Self { ends, now, flights: Vec::new(), sent: 0, wire: [Vec::new(), Vec::new()] }
    }

    /// A call: both open, and send with these keys.
    pub fn connect(&mut self, format: Format, keys: [Option<Keying>; 2]) {
        for (end, other) in [(0, 1), (1, 0)] {
            let to = self.ends[other].at;
            let session = &mut self.ends[end].session;
            session.open(&reception(format, keys[other].clone()));
            session.transmit(self.now, &transmission(format, keys[end].clone(), to));
        }
    }

    /// Lets time pass. The network does to each RTP packet what `fate` says; reports arrive.
    pub fn run(&mut self, time: Duration, mut fate: impl FnMut(usize) -> Fate) {
        let end = self.now + time;
        loop {
            self.send(&mut fate);
            let timeouts = self.ends.iter().filter_map(|end| end.session.poll_timeout());
            let landings = self.flights.iter().map(|flight| flight.lands);
            match timeouts.chain(landings).min() {
                Some(next) if next <= end => self.now = self.now.max(next),
                _ => break,
            }
            self.land();
        }
        self.now = end;
    }

    fn send(&mut self, fate: &mut impl FnMut(usize) -> Fate) {
        for from in [0, 1] {
            let mut packet = Vec::new();
            while let Some((channel, _)) =
                self.ends[from].session.poll_output(self.now, &mut packet)
            {
                let fate = match channel {
                    Channel::Rtp => {
                        self.wire[from].push(packet.clone());
                        fate(from)
                    }
                    Channel::Rtcp => Fate::Arrives(Duration::from_millis(10)),
                };
                let (delay, copies) = match fate {
                    Fate::Arrives(delay) => (delay, 1),
                    Fate::Twice(delay) => (delay, 2),
                    Fate::Lost => continue,
                };
                for _ in 0..copies {
                    self.sent += 1;
                    let (lands, order) = (self.now + delay, self.sent);
                    let packet = packet.clone();
                    self.flights.push(Flight { lands, order, from, channel, packet });
                }
            }
        }
    }

    fn land(&mut self) {
        let now = self.now;
        let mut landed: Vec<_> =
            self.flights.extract_if(.., |flight| flight.lands <= now).collect();
        landed.sort_by_key(|flight| (flight.lands, flight.order));
        for mut flight in landed {
            let source = self.ends[flight.from].at;
            let to = &mut self.ends[1 - flight.from].session;
            to.handle(now, flight.channel, source, &mut flight.packet);
        }
    }
}

/// The network at its best.
pub fn good(_: usize) -> Fate {
    Fate::Arrives(Duration::from_millis(10))
}
