//! Ours: two ends, whole packets, bursts of 32.

use std::net::IpAddr;
use std::ops::Range;
use std::time::Instant;

use anyhow::Result;
use arrayvec::ArrayVec;
use esp::{
    Action, Config, Direction, HEADROOM, Ipsec, Keys, Lifetime, Packet, Policy, RequestId, SaSpec,
    Selector, Suite, TAILROOM, Verdict,
};
use wire::datagram::{ChecksumRule, Datagram};

use super::{Contender, LAP, Work};

const BURST: usize = 32;

pub(super) struct Ours {
    now: Instant,
    sender: Ipsec,
    receiver: Ipsec,
    clear: Vec<u8>,
    buffers: Vec<(Vec<u8>, Range<usize>)>,
}

impl Ours {
    /// With packets of `len` octets.
    pub(super) fn new(suite: Suite, len: usize) -> Result<Self> {
        let now = Instant::now();
        let hosts: [IpAddr; 2] = ["10.1.0.1".parse()?, "10.2.0.1".parse()?];
        let datagram = Datagram {
            source: (hosts[0], 2427).into(),
            destination: (hosts[1], 2427).into(),
            traffic_class: 0,
            hops: 64,
            checksum: 0,
            payload_at: 0,
            payload_len: len - 28,
        };
        let mut clear = vec![0x5a; len];
        datagram.emit_ip(&mut clear, ChecksumRule::Compute);
        let [sender, receiver] = [Direction::Outbound, Direction::Inbound]
            .map(|direction| end(now, suite, direction, hosts));
        let buffer = vec![0; HEADROOM + len + TAILROOM];
        Ok(Self {
            now,
            sender: sender?,
            receiver: receiver?,
            clear,
            buffers: vec![(buffer, 0..0); LAP],
        })
    }
}

fn end(now: Instant, suite: Suite, direction: Direction, hosts: [IpAddr; 2]) -> Result<Ipsec> {
    let (ours, theirs) = match direction {
        Direction::Outbound => (hosts[0], hosts[1]),
        Direction::Inbound => (hosts[1], hosts[0]),
    };
    let between = Selector::between(ours, theirs);
    let keys = Keys::new(
        suite,
        &vec![1; suite.encryption_key_len()],
        &vec![2; suite.integrity_key_len()],
    )?;
    let (source, destination) = ("192.0.2.1".parse()?, "192.0.2.2".parse()?);
    let mut spec = SaSpec::new(direction, 0x1000, source, destination, keys, [3; 16]);
    spec.selectors = vec![between.clone()];
    spec.lifetime = Lifetime::UNLIMITED;
    spec.window = 1024;
    let mut ipsec = Ipsec::new(Config::default());
    ipsec.set_policies(vec![Policy::new(between, Action::Protect(RequestId(0)))]);
    ipsec.add_sa(now, spec)?;
    Ok(ipsec)
}

impl Contender for Ours {
    fn prepare(&mut self, work: Work) {
        for (buffer, range) in &mut self.buffers {
            *range = HEADROOM..HEADROOM + self.clear.len();
            buffer[range.clone()].copy_from_slice(&self.clear);
        }
        if work == Work::Open {
            self.process(Work::Seal);
        }
    }

    fn process(&mut self, work: Work) -> usize {
        let mut done = 0;
        for chunk in self.buffers.chunks_mut(BURST) {
            let packets =
                chunk.iter_mut().map(|(buffer, range)| Packet::new(buffer, range.clone()));
            let mut burst: ArrayVec<Packet<'_>, BURST> = packets.collect();
            match work {
                Work::Seal => self.sender.outbound(self.now, &mut burst),
                Work::Open => self.receiver.inbound(self.now, &mut burst),
            }
            let results: ArrayVec<_, BURST> =
                burst.iter().map(|packet| (packet.range(), packet.verdict)).collect();
            drop(burst);
            for ((_, range), (new, verdict)) in chunk.iter_mut().zip(results) {
                *range = new;
                done += usize::from(matches!(verdict, Verdict::Protected(_)));
            }
        }
        done
    }
}
