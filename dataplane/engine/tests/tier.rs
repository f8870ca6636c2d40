//! Flows enter the fast tier when they may, leave it when what they depend on changes, and are
//! counted as if they had never been there.

mod common;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use abi::{Arrival, Rewrite};
use common::{CALL, Relay, Side, rtcp, rtp};
use port::{FastTier, Medium, PortId, TierCounts};
use ringfence_engine::command::{Command, Event, Mode, Reply, SourceRule};
use ringfence_engine::{Channel, ReportCursor, Stay, Tier, Verdict};
use srtp::Suite;

/// A tier that only remembers.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    flows: HashMap<SocketAddr, Rewrite>,
    counts: HashMap<u32, TierCounts>,
    hops: HashMap<u32, Option<[u8; 6]>>,
    shut: HashMap<PortId, Cow<'static, str>>,
    opened: usize,
    peers: HashMap<SocketAddr, (Option<SocketAddr>, u32)>,
}

impl FastTier for Memory {
    fn reaches(&self, _: PortId, to: PortId) -> Result<(), Cow<'static, str>> {
        self.0.lock().unwrap().shut.get(&to).cloned().map_or(Ok(()), Err)
    }

    fn set_exit(&mut self, port: PortId, exit: Result<(), Cow<'static, str>>) {
        let shut = &mut self.0.lock().unwrap().shut;
        match exit {
            Ok(()) => shut.remove(&port),
            Err(why) => shut.insert(port, why),
        };
    }

    fn open(&mut self, _: PortId, flow: &Rewrite) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.flows.insert(flow.arrived_at, *flow);
        state.counts.insert(flow.number, TierCounts::default());
        state.opened += 1;
        Ok(())
    }

    fn expect(
        &mut self,
        _: PortId,
        arrived_at: SocketAddr,
        peer: Option<SocketAddr>,
        budget: u32,
    ) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.flows.remove(&arrived_at);
        state.peers.insert(arrived_at, (peer, budget));
        Ok(())
    }

    fn counts(&self, _: PortId, number: u32) -> TierCounts {
        self.0.lock().unwrap().counts[&number]
    }

    fn set_hop(&mut self, hop: u32, address: Option<[u8; 6]>) {
        self.0.lock().unwrap().hops.insert(hop, address);
    }
}

impl Memory {
    fn call(sides: [&Side; 2]) -> (Self, Relay) {
        let memory = Self::default();
        let mut relay = Relay::new(&[Medium::Ethernet, Medium::Ethernet]);
        relay.engine.set_fast_tier(Box::new(memory.clone()));
        for side in sides {
            relay.open(CALL, side);
        }
        (memory, relay)
    }

    fn flow(&self, side: &Side) -> Option<Rewrite> {
        self.0.lock().unwrap().flows.get(&side.spec.local).copied()
    }

    /// Packets with these sequence numbers pass in the tier.
    fn pass(&self, side: &Side, sequence: impl Iterator<Item = u16>) {
        let mut state = self.0.lock().unwrap();
        let number = state.flows[&side.spec.local].number;
        let counts = state.counts.get_mut(&number).unwrap();
        for seq_no in sequence {
            counts.packets += 1;
            counts.octets += 160;
            counts.silent = Some(Duration::ZERO);
            let timestamp = u32::from(seq_no) * 160;
            counts.reception.count(Arrival { ssrc: 1, seq_no, timestamp, at: timestamp });
        }
    }

    fn silence(&self, by: Duration) {
        for counts in self.0.lock().unwrap().counts.values_mut() {
            counts.silent = counts.silent.map(|silent| silent + by);
        }
    }
}

fn tier_of(relay: &mut Relay, side: &Side) -> Tier {
    let mut legs = Vec::new();
    relay.engine.report(relay.now, ReportCursor::default(), 64, &mut legs);
    legs.into_iter().find(|leg| leg.leg == side.leg).unwrap().tier
}

#[test]
fn the_first_packet_of_a_plain_flow_opens_its_way() {
    let (a, b) = (Side::new(0), Side::new(1));
    let (memory, mut relay) = Memory::call([&a, &b]);
    assert_eq!(tier_of(&mut relay, &a), Tier::Engine(Stay::NoPacket));
    assert_eq!(relay.send(&a, Channel::Rtp, &rtp(1)).0, Verdict::Forward(PortId(1)));

    let flow = memory.flow(&a).expect("A's direction is in the tier");
    assert_eq!((flow.from, flow.arrived_at), (a.peer, a.spec.local));
    assert_eq!((flow.local, flow.to, flow.device), (b.spec.local, b.peer, 1));
    assert_eq!(memory.0.lock().unwrap().hops[&flow.hop], Some(common::PEER_MAC.0));
    assert_eq!(memory.flow(&b).map(|flow| flow.to), None, "nothing has come from B");
    assert_eq!(tier_of(&mut relay, &a), Tier::Fast);

    relay.send(&b, Channel::Rtp, &rtp(1));
    assert!(memory.flow(&b).is_some());
    // What reaches the engine nevertheless is relayed, and opens nothing again.
    assert_eq!(relay.send(&a, Channel::Rtp, &rtp(2)).0, Verdict::Forward(PortId(1)));
    assert_eq!(relay.send(&a, Channel::Rtcp, &rtcp()).0, Verdict::Forward(PortId(1)));
    assert_eq!(memory.0.lock().unwrap().opened, 2);
}

#[test]
fn what_may_not_leave_early_stays_and_says_why() {
    let suite = Suite::AesCm128HmacSha1_80;
    let plain = || (Side::new(0), Side::new(1));
    let mut looped = plain();
    looped.0.spec.mode = Mode::Loop;
    let cases = [
        ((Side::new(0), Side::new(1).secured(suite, 3)), Stay::Cipher),
        ((Side::new(0), Side::new_v6(1)), Stay::Families),
        (looped, Stay::Loop),
    ];
    for ((a, b), why) in cases {
        let (memory, mut relay) = Memory::call([&a, &b]);
        assert!(matches!(relay.send(&a, Channel::Rtp, &rtp(1)).0, Verdict::Forward(_)));
        assert!(memory.flow(&a).is_none());
        assert_eq!(tier_of(&mut relay, &a), Tier::Engine(why));
    }
    // What nobody may hear, or what is from elsewhere, does not open anything either.
    let (mut a, b) = plain();
    a.spec.mode = Mode::SendOnly;
    let (memory, mut relay) = Memory::call([&a, &b]);
    assert_eq!(relay.send(&a, Channel::Rtp, &rtp(1)).0, Verdict::Consume);
    a.spec.mode = Mode::SendRecv;
    relay.modify(&a);
    let stranger = Side { peer: "10.0.0.66:5004".parse().unwrap(), ..a.clone() };
    assert!(matches!(relay.send(&stranger, Channel::Rtp, &rtp(1)).0, Verdict::Drop(_)));
    assert!(memory.flow(&a).is_none());
}

#[test]
fn statistics_are_those_of_both_places() {
    let (a, b) = (Side::new(0), Side::new(1));
    let (memory, mut relay) = Memory::call([&a, &b]);
    relay.send(&a, Channel::Rtp, &rtp(1));
    memory.pass(&a, (2..100).filter(|n| n % 10 != 5));
    let stats = relay.stats(b.leg);
    assert_eq!((stats.packets_sent, stats.octets_sent), (1 + 88, 89 * 160));
    let stats = relay.stats(a.leg);
    assert_eq!((stats.packets_received, stats.packets_lost), (89, 10));
    assert_eq!(relay.engine.counters().forwarded, 89);

    memory.pass(&a, 100..110);
    // B puts the call on hold and takes it back.
    for mode in [Mode::RecvOnly, Mode::SendRecv] {
        let mut changed = b.clone();
        changed.spec.mode = mode;
        relay.modify(&changed);
        assert!(memory.flow(&a).is_none(), "a change ends the early way");
    }
    let stats = relay.stats(a.leg);
    assert_eq!((stats.packets_received, stats.packets_lost), (99, 10));
    relay.send(&a, Channel::Rtp, &rtp(500));
    memory.pass(&a, 501..510);
    let reply = relay.engine.execute(relay.now, Command::Close { leg: a.leg });
    let Reply::Stats(stats) = reply else { panic!("{reply:?}") };
    assert_eq!((stats.packets_received, stats.packets_lost), (109, 10));
    assert!(memory.flow(&a).is_none());
    assert_eq!(relay.stats(b.leg).packets_sent, 109);
}

#[test]
fn silence_is_that_of_the_tier() {
    let (mut a, b) = (Side::new(0), Side::new(1));
    a.spec.idle_after = Duration::from_secs(10);
    let (memory, mut relay) = Memory::call([&a, &b]);
    relay.send(&a, Channel::Rtp, &rtp(1));
    relay.resolve();
    let idle = |relay: &mut Relay| {
        memory.silence(Duration::from_secs(6));
        relay.later(Duration::from_secs(6));
        relay.engine.handle_timeout(relay.now);
        relay.resolve().contains(&Event::Idle(a.leg))
    };
    for round in 0..5 {
        memory.pass(&a, 10 * round..10 * round + 10);
        assert!(!idle(&mut relay), "packets pass in the tier");
    }
    assert!(idle(&mut relay));
    assert!(!idle(&mut relay), "once is enough");
}

#[test]
fn a_next_hop_that_changes_is_told_once_for_all_flows() {
    let (a, b) = (Side::new(0), Side::new(1));
    let (memory, mut relay) = Memory::call([&a, &b]);
    relay.send(&a, Channel::Rtp, &rtp(1));
    let hop = memory.flow(&a).unwrap().hop;
    for mac in [None, Some(wire::ethernet::MacAddr([9; 6]))] {
        relay.engine.set_next_hop(PortId(1), b.peer.ip(), mac);
        assert_eq!(memory.0.lock().unwrap().hops[&hop], mac.map(|mac| mac.0));
    }
    assert_eq!(memory.0.lock().unwrap().opened, 1);
}

#[test]
fn a_port_that_comes_out_of_reach_takes_its_flows_back() {
    let (a, b) = (Side::new(0), Side::new(1));
    let (memory, mut relay) = Memory::call([&a, &b]);
    relay.send(&a, Channel::Rtp, &rtp(1));
    relay.send(&b, Channel::Rtp, &rtp(1));
    relay.engine.set_exit(relay.now, PortId(1), Err("no way".into()));
    assert!(memory.flow(&a).is_none() && memory.flow(&b).is_some());
    relay.send(&a, Channel::Rtp, &rtp(2));
    let why = Stay::OutOfReach("no way".into());
    assert_eq!(tier_of(&mut relay, &a), Tier::Engine(why));

    relay.engine.set_exit(relay.now, PortId(1), Ok(()));
    relay.send(&a, Channel::Rtp, &rtp(3));
    assert_eq!(tier_of(&mut relay, &a), Tier::Fast);
    assert_eq!(relay.stats(a.leg).packets_received, 3);
}

#[test]
fn the_tier_knows_the_peers_of_both_channels() {
    let suite = Suite::AesCm128HmacSha1_80;
    let mut a = Side::new(0).secured(suite, 1);
    a.spec.source = SourceRule::LearnAuthenticated;
    let b = Side::new(1).secured(suite, 3);
    let (memory, mut relay) = Memory::call([&a, &b]);
    let above = |address: SocketAddr| SocketAddr::new(address.ip(), address.port() + 1);
    let peer = |local| memory.0.lock().unwrap().peers[&local];
    let (rtp_peer, first) = peer(a.spec.local);
    let (rtcp_peer, second) = peer(above(a.spec.local));
    assert_eq!((rtp_peer, rtcp_peer), (Some(a.peer), Some(above(a.peer))));
    assert_ne!(first, second, "each has its budget");

    // A moves, as behind a NAT, and proves that it is A.
    let moved = Side { peer: "10.0.0.77:6000".parse().unwrap(), ..a.clone() };
    let packet = a.crypto().unwrap().protect(Channel::Rtp, &rtp(1));
    assert!(matches!(relay.send(&moved, Channel::Rtp, &packet).0, Verdict::Forward(_)));
    assert_eq!(peer(a.spec.local), (Some(moved.peer), first));
}
