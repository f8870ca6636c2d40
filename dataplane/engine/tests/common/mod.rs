//! A relay with two peers around it: frames are made as a peer would make them, put through the
//! engine, and taken apart as the other peer would.
#![allow(dead_code, reason = "every test file uses its own part of this")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use port::{Frame, Medium, Pool, PortId};
use ringfence_engine::command::{
    Command, Event, LegId, LegSpec, LegStats, Mode, Protection, RelayId, Reply, RtcpPolicy,
    SourceRule,
};
use ringfence_engine::{Channel, Config, Counters, Engine, Output, PortConfig, Verdict};
use srtp::{Direction, Job, Keying, MasterKey, SessionId, Srtp, Suite};
use wire::datagram::{ChecksumRule, Datagram};
use wire::ethernet::{self, MacAddr};

pub const OUR_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
pub const PEER_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
pub const CALL: RelayId = RelayId(1);

pub struct Relay {
    pub engine: Engine,
    pub pool: Pool,
    pub out: Output,
    pub now: Instant,
    mediums: Vec<Medium>,
    burst: Vec<Frame>,
}

/// One side of a call, both as the engine is told of it and as the peer that uses it.
#[derive(Clone)]
pub struct Side {
    pub leg: LegId,
    pub spec: LegSpec,
    pub peer: SocketAddr,
}

/// The SRTP of a peer.
pub struct Crypto {
    srtp: Srtp,
    out: SessionId,
    back: SessionId,
}

impl Relay {
    pub fn new(mediums: &[Medium]) -> Self {
        let now = Instant::now();
        let ports = mediums.iter().map(|&medium| PortConfig {
            medium,
            mtu: 1500,
            mac: OUR_MAC,
            tags: [None, None],
        });
        let config = Config { ports: ports.collect(), max_legs: 64, srtp: srtp::Config::default() };
        Self {
            engine: Engine::new(now, config),
            pool: Pool::new(256, 2048).unwrap(),
            out: Output::new(mediums.len()),
            now,
            mediums: mediums.to_vec(),
            burst: Vec::new(),
        }
    }

    /// A call between two sides, with next hops known.
    pub fn call(sides: [&Side; 2]) -> Self {
        let mut relay = Self::new(&[Medium::Ethernet, Medium::Ethernet]);
        relay.open(CALL, sides[0]);
        relay.open(CALL, sides[1]);
        relay
    }

    pub fn open(&mut self, relay: RelayId, side: &Side) {
        let spec = Box::new(side.spec.clone());
        let reply = self.engine.execute(self.now, Command::Open { leg: side.leg, relay, spec });
        assert!(matches!(reply, Reply::Done), "{reply:?}");
        self.resolve();
    }

    pub fn modify(&mut self, side: &Side) {
        let spec = Box::new(side.spec.clone());
        let reply = self.engine.execute(self.now, Command::Modify { leg: side.leg, spec });
        assert!(matches!(reply, Reply::Done), "{reply:?}");
        self.resolve();
    }

    /// Tells the engine all next hops it asks for; returns the other events.
    pub fn resolve(&mut self) -> Vec<Event> {
        let mut others = Vec::new();
        while let Some(event) = self.engine.poll_event() {
            match event {
                Event::NextHopWanted(port, address) => {
                    self.engine.set_next_hop(port, address, Some(PEER_MAC));
                }
                other => others.push(other),
            }
        }
        others
    }

    pub fn stats(&mut self, leg: LegId) -> LegStats {
        match self.engine.execute(self.now, Command::Query { leg }) {
            Reply::Stats(stats) => stats,
            reply => panic!("{reply:?}"),
        }
    }

    pub fn later(&mut self, by: Duration) {
        self.now += by;
    }

    /// Puts raw frames in at a port, and gives the verdicts and what left, port by port. Frames
    /// are all accounted for.
    pub fn put_raw(&mut self, port: u8, frames: &[Vec<u8>]) -> (Vec<Verdict>, Vec<(u8, Vec<u8>)>) {
        for bytes in frames {
            let mut frame = self.pool.take().expect("frames come back after each burst");
            frame.fill(bytes);
            self.burst.push(frame);
        }
        self.engine.handle_burst(self.now, PortId(port), &mut self.burst, &mut self.out);
        let mut left = Vec::new();
        for (port, frames) in self.out.to.iter_mut().enumerate() {
            left.extend(frames.iter().map(|frame| (port as u8, frame.bytes().to_vec())));
            self.pool.give_all(frames);
        }
        self.pool.give_all(&mut self.out.done);
        assert_eq!(self.pool.free(), self.pool.chunks(), "a frame was lost");
        assert_eq!(self.out.verdicts.len(), frames.len());
        (self.out.verdicts.clone(), left)
    }

    /// Sends one datagram from a side's peer and gives the verdict and the datagram that left.
    pub fn send(
        &mut self,
        from: &Side,
        channel: Channel,
        payload: &[u8],
    ) -> (Verdict, Option<(Datagram, Vec<u8>)>) {
        let datagram = from.datagram(channel, payload.len());
        self.send_as(from.spec.port.0, datagram, payload)
    }

    pub fn send_as(
        &mut self,
        port: u8,
        datagram: Datagram,
        payload: &[u8],
    ) -> (Verdict, Option<(Datagram, Vec<u8>)>) {
        let frame = self.frame(port, datagram, payload);
        let (verdicts, left) = self.put_raw(port, &[frame]);
        let left = left.first().map(|(port, frame)| self.open_frame(*port, frame));
        (verdicts[0], left)
    }

    pub fn frame(&self, port: u8, datagram: Datagram, payload: &[u8]) -> Vec<u8> {
        frame(self.mediums[usize::from(port)], datagram, payload)
    }

    fn open_frame(&self, port: u8, frame: &[u8]) -> (Datagram, Vec<u8>) {
        let datagram = match self.mediums[usize::from(port)] {
            Medium::Ethernet => Datagram::parse_ethernet(frame),
            Medium::Ip => Datagram::parse_ip(frame),
        }
        .expect("what the engine sends is well-formed");
        (datagram, frame[datagram.payload_at..][..datagram.payload_len].to_vec())
    }

    /// The counters must have changed by exactly this much since `before`.
    pub fn expect_counters(&self, before: Counters, change: impl FnOnce(&mut Expected)) {
        let mut expected = Expected::from(&before);
        change(&mut expected);
        assert_eq!(Expected::from(self.engine.counters()), expected);
    }
}

/// All counters, by name.
#[derive(Debug, PartialEq)]
pub struct Expected {
    pub received: u64,
    pub forwarded: u64,
    pub consumed: u64,
    pub drops: Vec<(ringfence_engine::DropReason, u64)>,
}

impl Expected {
    fn from(counters: &Counters) -> Self {
        Self {
            received: counters.received,
            forwarded: counters.forwarded,
            consumed: counters.consumed,
            drops: counters.drops().collect(),
        }
    }

    pub fn dropped(&mut self, reason: ringfence_engine::DropReason) {
        self.received += 1;
        self.drops[reason as usize].1 += 1;
    }
}

impl Side {
    /// Side `index` (0 or 1) of a call, in clear, over IPv4.
    pub fn new(index: u8) -> Self {
        Self::at(index, &format!("10.{index}.0.1:16384"), &format!("10.{index}.0.2:5004"))
    }

    pub fn new_v6(index: u8) -> Self {
        Self::at(index, &format!("[fd0{index}::1]:16384"), &format!("[fd0{index}::2]:5004"))
    }

    fn at(index: u8, local: &str, peer: &str) -> Self {
        let peer = peer.parse().unwrap();
        Self {
            leg: LegId(u64::from(index) + 1),
            peer,
            spec: LegSpec {
                port: PortId(index),
                local: local.parse().unwrap(),
                remote: Some(peer),
                remote_rtcp: None,
                mode: Mode::SendRecv,
                receive: Protection::Plain,
                send: Protection::Plain,
                rtcp: RtcpPolicy::LikeRtp,
                source: SourceRule::Exact,
                dscp: None,
                idle_after: Duration::ZERO,
                clock_hz: 8000,
            },
        }
    }

    /// The same side with SRTP: `seed` makes its two keys.
    pub fn secured(mut self, suite: Suite, seed: u8) -> Self {
        self.spec.receive = Protection::Srtp(keying(suite, seed));
        self.spec.send = Protection::Srtp(keying(suite, seed + 1));
        self
    }

    pub fn crypto(&self) -> Option<Crypto> {
        let (Protection::Srtp(out), Protection::Srtp(back)) = (&self.spec.receive, &self.spec.send)
        else {
            return None;
        };
        Some(Crypto::new(out, back))
    }

    pub fn datagram(&self, channel: Channel, payload_len: usize) -> Datagram {
        let up = u16::from(channel == Channel::Rtcp);
        let above = |address: SocketAddr| SocketAddr::new(address.ip(), address.port() + up);
        Datagram {
            source: above(self.peer),
            destination: above(self.spec.local),
            traffic_class: 0xb8,
            hops: 64,
            checksum: 0,
            payload_at: 0,
            payload_len,
        }
    }
}

impl Crypto {
    pub fn new(out: &Keying, back: &Keying) -> Self {
        let mut srtp = Srtp::new(srtp::Config::default());
        let out = srtp.insert(Direction::Outbound, out).unwrap();
        let back = srtp.insert(Direction::Inbound, back).unwrap();
        Self { srtp, out, back }
    }

    pub fn protect(&mut self, channel: Channel, packet: &[u8]) -> Vec<u8> {
        let session = self.out;
        self.transform(session, packet, |srtp, jobs| match channel {
            Channel::Rtp => srtp.protect_rtp(jobs),
            Channel::Rtcp => srtp.protect_rtcp(jobs),
        })
    }

    pub fn unprotect(&mut self, channel: Channel, packet: &[u8]) -> Vec<u8> {
        let session = self.back;
        self.transform(session, packet, |srtp, jobs| match channel {
            Channel::Rtp => srtp.unprotect_rtp(jobs),
            Channel::Rtcp => srtp.unprotect_rtcp(jobs),
        })
    }

    fn transform(
        &mut self,
        session: SessionId,
        packet: &[u8],
        run: impl FnOnce(&mut Srtp, &mut [Job<'_>]),
    ) -> Vec<u8> {
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + srtp::MAX_TRAILER, 0);
        let mut jobs = [Job::new(session, &mut buffer, packet.len())];
        run(&mut self.srtp, &mut jobs);
        jobs[0].result.unwrap();
        let len = jobs[0].len;
        buffer.truncate(len);
        buffer
    }
}

pub fn keying(suite: Suite, seed: u8) -> Keying {
    let key: Vec<u8> = (0..suite.master_key_len() as u8).map(|i| i ^ seed).collect();
    let salt: Vec<u8> = (0..suite.master_salt_len() as u8).map(|i| i.wrapping_mul(seed)).collect();
    Keying::new(suite, MasterKey::new(suite, &key, &salt).unwrap())
}

/// An RTP packet with 160 octets of payload.
pub fn rtp(seq_no: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(seq_no.to_be_bytes());
    packet.extend((u32::from(seq_no) * 160).to_be_bytes());
    packet.extend([0xca, 0xfe, 0xba, 0xbe]);
    packet.extend((0..160).map(|i| (i as u8).wrapping_mul(7) ^ seq_no as u8));
    packet
}

/// An RTCP compound: an empty receiver report and a goodbye.
pub fn rtcp() -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1, 0xca, 0xfe, 0xba, 0xbe];
    packet.extend([0x81, 203, 0, 1, 0xca, 0xfe, 0xba, 0xbe]);
    packet
}

pub fn frame(medium: Medium, mut datagram: Datagram, payload: &[u8]) -> Vec<u8> {
    datagram.payload_len = payload.len();
    let headers = datagram.headers_len();
    let mut packet = vec![0; headers];
    packet.extend(payload);
    datagram.emit_ip(&mut packet, ChecksumRule::Compute);
    if medium == Medium::Ip {
        return packet;
    }
    let is_v4 = datagram.destination.is_ipv4();
    let header = ethernet::Header {
        destination: OUR_MAC,
        source: PEER_MAC,
        tags: [None, None],
        ether_type: if is_v4 { ethernet::IPV4 } else { ethernet::IPV6 },
    };
    let mut frame = vec![0; header.len()];
    header.emit(&mut frame);
    frame.extend(packet);
    frame
}

/// The headers of an RTP datagram of a side's peer.
pub fn frame_datagram(side: &Side, traffic_class: u8, hops: u8) -> Datagram {
    Datagram { traffic_class, hops, ..side.datagram(Channel::Rtp, 0) }
}
