//! What contenders are given to do.

use std::fmt;

use anyhow::Result;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use srtp::{BackendChoice, Config, Direction, Job, Keying, MasterKey, SessionId, Srtp, Suite};

/// Packets between two looks at the clock. Few enough for their buffers to stay in the cache, as
/// those of a network card's ring do.
pub(super) const LAP: usize = 512;

pub(super) const HEADER: usize = 12;
/// Room for a packet's trailer.
const TRAILER: usize = 32;

/// Sessions and packets to measure with.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) suite: Suite,
    /// Octets.
    pub(super) payload: usize,
    pub(super) flows: usize,
}

/// What is done to packets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Protect,
    Unprotect,
    /// Unprotect under one key, protect under another.
    Relay,
}

impl Operation {
    pub(super) const ALL: [Self; 3] = [Self::Relay, Self::Protect, Self::Unprotect];
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { suite, payload, flows } = self;
        let s = if *flows == 1 { "" } else { "s" };
        write!(f, "{suite}, {payload} B, {flows} flow{s}")
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Protect => "protect",
            Self::Unprotect => "unprotect",
            Self::Relay => "relay",
        })
    }
}

/// A packet and which flow it belongs to.
pub(super) struct Packet {
    pub(super) flow: usize,
    /// The packet index: sequence number and rollover counter.
    pub(super) index: u64,
    pub(super) octets: Vec<u8>,
    pub(super) len: usize,
}

impl Packet {
    /// What every octet of its payload is before protection.
    fn filling(&self) -> u8 {
        self.flow as u8 ^ self.index as u8
    }
}

/// Makes packets lap by lap: each flow in order, the flows in a random one.
pub(super) struct Source {
    load: Load,
    sender: Srtp,
    sessions: Vec<SessionId>,
    /// The next packet index of each flow.
    indices: Vec<u64>,
    /// Flows in the order in which they take turns.
    order: Vec<usize>,
    next: usize,
    pub(super) packets: Vec<Packet>,
}

impl Source {
    pub(super) fn new(load: Load) -> Result<Self> {
        let mut sender = Srtp::new(Config::default());
        let sessions = (0..load.flows)
            .map(|flow| Ok(sender.insert(Direction::Outbound, &inbound_keying(load, flow))?))
            .collect::<Result<_>>()?;
        let mut order: Vec<_> = (0..load.flows).collect();
        order.shuffle(&mut SmallRng::seed_from_u64(1));
        // An odd number of cache lines, so that packets do not compete for the same places.
        let room = (HEADER + load.payload + TRAILER).next_multiple_of(128) + 64;
        let packets =
            (0..LAP).map(|_| Packet { flow: 0, index: 0, octets: vec![0; room], len: 0 }).collect();
        let indices = vec![0; load.flows];
        Ok(Self { load, sender, sessions, indices, order, next: 0, packets })
    }

    /// Fills all packets anew, for an operation.
    pub(super) fn fill(&mut self, operation: Operation) {
        for packet in &mut self.packets {
            let flow = self.order[self.next];
            self.next = (self.next + 1) % self.order.len();
            packet.flow = flow;
            packet.index = self.indices[flow];
            self.indices[flow] += 1;
            packet.len = HEADER + self.load.payload;
            let filling = packet.filling();
            packet.octets[HEADER..packet.len].fill(filling);
            let [s0, s1] = (packet.index as u16).to_be_bytes();
            let [a, b, c, d] = ssrc(flow).to_be_bytes();
            packet.octets[..HEADER].copy_from_slice(&[0x80, 0, s0, s1, 0, 0, s0, s1, a, b, c, d]);
        }
        if operation != Operation::Protect {
            let Self { sender, sessions, packets, .. } = self;
            let mut jobs: Vec<_> = packets
                .iter_mut()
                .map(|packet| Job::new(sessions[packet.flow], &mut packet.octets, packet.len))
                .collect();
            sender.protect_rtp(&mut jobs);
            let lens: Vec<_> = jobs.iter().map(|job| job.len).collect();
            for (packet, len) in packets.iter_mut().zip(lens) {
                packet.len = len;
            }
        }
    }

    /// Whether the packets are what they should be after an operation. Only while rollover
    /// counters are zero: the receiver here sees packets of these flows for the first time.
    pub(super) fn are_right(&mut self, operation: Operation) -> Result<bool> {
        let Self { load, packets, .. } = self;
        let len = HEADER + load.payload;
        let mut receiver = Srtp::new(Config {
            backend: BackendChoice::Portable,
            max_sessions: packets.len(),
            ..Config::default()
        });
        for packet in packets {
            if operation != Operation::Unprotect {
                let keying = outbound_keying(*load, packet.flow);
                let session = receiver.insert(Direction::Inbound, &keying)?;
                let protected = len + load.suite.rtp_tag_len();
                let mut jobs = [Job::new(session, &mut packet.octets, protected)];
                receiver.unprotect_rtp(&mut jobs);
                if jobs[0].result.is_err() || jobs[0].len != len {
                    return Ok(false);
                }
            }
            if packet.octets[HEADER..len].iter().any(|&octet| octet != packet.filling()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn ssrc(flow: usize) -> u32 {
    0x1000_0000 + flow as u32 * 77
}

/// The keys packets come under.
pub(super) fn inbound_keying(load: Load, flow: usize) -> Keying {
    keying(load.suite, &inbound_key_salt(load, flow))
}

/// The keys packets leave under.
pub(super) fn outbound_keying(load: Load, flow: usize) -> Keying {
    keying(load.suite, &outbound_key_salt(load, flow))
}

fn keying(suite: Suite, key_salt: &[u8]) -> Keying {
    Keying::new(suite, MasterKey::from_key_salt(suite, key_salt).expect("made for the suite"))
}

pub(super) fn inbound_key_salt(load: Load, flow: usize) -> Vec<u8> {
    key_salt(load.suite, flow as u32)
}

pub(super) fn outbound_key_salt(load: Load, flow: usize) -> Vec<u8> {
    key_salt(load.suite, flow as u32 | 1 << 31)
}

fn key_salt(suite: Suite, seed: u32) -> Vec<u8> {
    let len = suite.master_key_len() + suite.master_salt_len();
    let octet = |n: usize| (seed ^ (n as u32).wrapping_mul(0x9e37_79b9)).to_le_bytes()[n % 4];
    (0..len).map(octet).collect()
}
