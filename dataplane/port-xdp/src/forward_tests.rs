//! The fast tier on frames in a table: what leaves is what the rest of the product would have sent,
//! and what is not exactly right is left as it is.

use std::net::SocketAddr;

use abi::{FlowCounters, Limits, Rate, Rewrite};
use aya::programs::{TestRun, TestRunOptions};
use rustix::net::sockopt::set_xdp_umem_fill_ring_size;
use wire::datagram::{ChecksumRule, Datagram};
use wire::ethernet::{self, MacAddr, VlanTag};

use super::*;

const OUR_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const HOP_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);
const NUMBER: u32 = 3;
const HOP: u32 = 2;

const XDP_TX: u32 = 3;
const XDP_REDIRECT: u32 = 4;

/// A program with one flow, attached to nothing.
struct Bench {
    ebpf: Ebpf,
    counters: PerCpuArray<MapData, u64>,
    flows: Flows,
    flow: Rewrite,
    open: HashMap<MapData, [u8; 20], [u8; Route::LEN]>,
    _sockets: (XskMap<MapData>, rustix::fd::OwnedFd),
}

impl Bench {
    fn new(flow: Rewrite) -> Self {
        let mut ebpf = load(16, 16, None).expect("the object is built and we are root");
        program(&mut ebpf).unwrap();
        let mut flows = Flows::take(&mut ebpf, 16, 0).unwrap();
        let mut open: HashMap<_, [u8; 20], [u8; Route::LEN]> =
            take(&mut ebpf, maps::OPEN_MEDIA).unwrap();
        let route = flows.prepare(&flow).unwrap();
        open.insert(key(flow.arrived_at), route.to_bytes(), 0).unwrap();
        flows.set_hop(HOP, Some(HOP_MAC.0)).unwrap();
        let counters = take(&mut ebpf, maps::COUNTERS).unwrap();
        // The map takes a socket as soon as it has a ring.
        let socket = socket(AddressFamily::XDP, SocketType::RAW, None).unwrap();
        set_xdp_umem_fill_ring_size(&socket, 64).unwrap();
        let mut sockets: XskMap<MapData> = take(&mut ebpf, maps::SOCKETS).unwrap();
        sockets.set(0, socket.as_raw_fd(), 0).unwrap();
        Self { ebpf, counters, flows, flow, open, _sockets: (sockets, socket) }
    }

    /// Runs the program and gives its verdict, the reason it counted, and the frame afterwards.
    fn run(&self, frame: &[u8]) -> (u32, XdpReason, Vec<u8>) {
        let before = self.reasons();
        let program: &Xdp = self.ebpf.program(abi::PROGRAM).unwrap().try_into().unwrap();
        let mut out = vec![0; frame.len() + 64];
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ..TestRunOptions::new()
        };
        let result = program.test_run(options).unwrap();
        out.truncate(result.data_size_out as usize);
        let after = self.reasons();
        let counted = XdpReason::ALL
            .into_iter()
            .filter(|&reason| after[reason as usize] > before[reason as usize]);
        let counted: Vec<_> = counted.collect();
        assert_eq!(counted.len(), 1, "{counted:?}");
        (result.return_value, counted[0], out)
    }

    fn reasons(&self) -> Vec<u64> {
        self.counters.iter().map(|per_cpu| per_cpu.unwrap().iter().sum()).collect()
    }

    /// What a packet of the flow must leave as.
    fn expected(&self, arrived: &Datagram, payload: &[u8]) -> Vec<u8> {
        let flow = &self.flow;
        let traffic_class = match flow.dscp {
            Some(dscp) => dscp << 2 | arrived.traffic_class & 3,
            None => arrived.traffic_class,
        };
        let leaving = Datagram {
            source: flow.local,
            destination: flow.to,
            traffic_class,
            hops: arrived.hops - 1,
            ..*arrived
        };
        let tag = |[a, b, c, d]: [u8; 4]| VlanTag {
            protocol: u16::from_be_bytes([a, b]),
            control: u16::from_be_bytes([c, d]),
        };
        let tags = flow.vlans.map(|slot| slot.map(tag));
        frame([HOP_MAC, OUR_MAC], tags, &leaving, payload, ChecksumRule::Update(*arrived))
    }
}

fn flow(peer: &str, arrived_at: &str, local: &str, to: &str) -> Rewrite {
    let address = |text: &str| -> SocketAddr { text.parse().unwrap() };
    Rewrite {
        number: NUMBER,
        budget: Route::NO_PEER,
        hop: HOP,
        device: Route::BACK,
        from: address(peer),
        arrived_at: address(arrived_at),
        local: address(local),
        to: address(to),
        mac: OUR_MAC.0,
        vlans: [None; 2],
        dscp: None,
        mtu: 1500,
        clock_hz: 8000,
    }
}

fn v4() -> Rewrite {
    flow("10.1.0.2:5004", "10.1.0.1:16384", "192.0.2.1:20000", "198.51.100.7:40000")
}

fn v6() -> Rewrite {
    flow("[fd01::2]:5004", "[fd01::1]:16384", "[2001:db8::1]:20000", "[2001:db8:7::7]:40000")
}

/// A packet of the flow's peer.
fn arriving(flow: &Rewrite, payload: &[u8]) -> Datagram {
    Datagram {
        source: flow.from,
        destination: flow.arrived_at,
        traffic_class: 0xba,
        hops: 64,
        checksum: 0,
        payload_at: 0,
        payload_len: payload.len(),
    }
}

fn rtp(len: usize, seq_no: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(seq_no.to_be_bytes());
    packet.extend((u32::from(seq_no) * 160).to_be_bytes());
    packet.extend([0xca, 0xfe, 0xba, 0xbe]);
    packet.extend((0..len).map(|at| at as u8 ^ seq_no as u8));
    packet
}

fn frame(
    [destination, source]: [MacAddr; 2],
    tags: [Option<VlanTag>; 2],
    datagram: &Datagram,
    payload: &[u8],
    rule: ChecksumRule,
) -> Vec<u8> {
    let ether_type = if datagram.destination.is_ipv4() { ethernet::IPV4 } else { ethernet::IPV6 };
    let link = ethernet::Header { destination, source, tags, ether_type };
    let mut frame = vec![0; link.len()];
    link.emit(&mut frame);
    let mut packet = vec![0; datagram.headers_len()];
    packet.extend(payload);
    datagram.emit_ip(&mut packet, rule);
    frame.extend(packet);
    frame
}

fn arriving_frame(flow: &Rewrite, tags: usize, rule: ChecksumRule, payload: &[u8]) -> Vec<u8> {
    let tag = Some(VlanTag { protocol: ethernet::VLAN, control: 7 });
    let tags = [tag.filter(|_| tags > 0), tag.filter(|_| tags > 1)];
    let macs = [OUR_MAC, MacAddr([2, 0, 0, 0, 0, 7])];
    frame(macs, tags, &arriving(flow, payload), payload, rule)
}

fn parsed(frame: &[u8]) -> Datagram {
    Datagram::parse_ethernet(frame).unwrap()
}

#[test]
#[ignore = "loads a BPF program, which needs root: cargo xtask test"]
fn what_leaves_is_what_the_engine_would_send() {
    let tagged = |flow: Rewrite, tags: usize| {
        let tag = |at: usize| (at < tags).then_some([0x81, 0, 0, 100 + at as u8]);
        Rewrite { vlans: [tag(0), tag(1)], ..flow }
    };
    for flow in [v4(), v6(), Rewrite { dscp: Some(46), ..v4() }, Rewrite { dscp: Some(0), ..v6() }]
    {
        for (tags_in, tags_out) in (0..3).flat_map(|a| (0..3).map(move |b| (a, b))) {
            let bench = Bench::new(tagged(flow, tags_out));
            for (number, len) in [0, 1, 160, 161, 1400].into_iter().enumerate() {
                let payload = rtp(len, number as u16);
                for rule in [ChecksumRule::Compute, ChecksumRule::None] {
                    let arrived = arriving_frame(&flow, tags_in, rule, &payload);
                    let (verdict, reason, left) = bench.run(&arrived);
                    assert_eq!((verdict, reason), (XDP_TX, XdpReason::Forward), "{len} octets");
                    assert_eq!(left, bench.expected(&parsed(&arrived), &payload));
                }
            }
        }
    }
}

#[test]
#[ignore = "loads a BPF program, which needs root: cargo xtask test"]
fn checksums_are_carried_over_whatever_they_are() {
    for flow in [v4(), v6()] {
        let bench = Bench::new(flow);
        // Payloads that give every kind of sum, among them those that need special care.
        for number in 0..=u16::MAX {
            if number % 61 != 0 && number < 65_500 {
                continue;
            }
            let mut payload = rtp(2, 1);
            payload[12..].copy_from_slice(&number.to_be_bytes());
            let arrived = arriving_frame(&flow, 0, ChecksumRule::Compute, &payload);
            let (_, reason, left) = bench.run(&arrived);
            if reason == XdpReason::RedirectChecksum {
                // It looks like one that a sender has left unfinished.
                continue;
            }
            assert_eq!(left, bench.expected(&parsed(&arrived), &payload), "{number}");
        }
    }
}

#[test]
#[ignore = "loads a BPF program, which needs root: cargo xtask test"]
fn what_is_not_exactly_right_is_left_to_the_engine() {
    use XdpReason::*;
    for (flow, ip_len) in [(v4(), 20), (v6(), 40)] {
        let bench = Bench::new(flow);
        let good = arriving_frame(&flow, 0, ChecksumRule::Compute, &rtp(160, 1));
        let udp = 14 + ip_len;
        let mut rows: Vec<(&str, XdpReason, Vec<u8>)> = Vec::new();
        let mut changed = |name, reason, at: usize, to: u8| {
            let mut frame = good.clone();
            assert_ne!(frame[at], to, "{name}");
            frame[at] = to;
            rows.push((name, reason, frame));
        };
        changed("another port", RedirectOtherSource, udp + 1, 0);
        changed("version 1", RedirectNotRtp, udp + 8, 0x40);
        changed("RTCP", RedirectNotRtp, udp + 9, 200);
        changed("UDP longer than IP", RedirectNotRtp, udp + 4, 2);
        changed("UDP shorter than IP", RedirectNotRtp, udp + 5, 30);
        changed("extension longer than the packet", RedirectNotRtp, udp + 8, 0x90);
        if ip_len == 20 {
            changed("another address", RedirectOtherSource, 14 + 15, 77);
            changed("a broken header", RedirectChecksum, 14 + 10, good[14 + 10] ^ 1);
        } else {
            changed("another address", RedirectOtherSource, 14 + 23, 77);
        }
        let with = |change: fn(&mut Datagram), rule, payload: &[u8]| {
            let mut datagram = arriving(&flow, payload);
            change(&mut datagram);
            frame([OUR_MAC, HOP_MAC], [None; 2], &datagram, payload, rule)
        };
        let compute = ChecksumRule::Compute;
        let last = with(|datagram| datagram.hops = 1, compute, &rtp(160, 1));
        rows.push(("time to live", RedirectTtl, last));
        rows.push(("padding of Ethernet", RedirectNotRtp, [&good[..], &[0; 4]].concat()));
        let contributors = with(|_| {}, compute, &[&[0x8f][..], &rtp(20, 1)[1..]].concat());
        rows.push(("more contributors than octets", RedirectNotRtp, contributors));
        let mut unfinished = good.clone();
        let sum = wire::ip::Header {
            source: flow.from.ip(),
            destination: flow.arrived_at.ip(),
            protocol: wire::ip::UDP,
            traffic_class: 0,
            hops: 0,
            payload_len: 180,
        };
        unfinished[udp + 6..udp + 8].copy_from_slice(&sum.pseudo_sum(180).folded().to_be_bytes());
        rows.push(("unfinished checksum", RedirectChecksum, unfinished));
        for (name, expected, frame) in rows {
            let (verdict, reason, left) = bench.run(&frame);
            assert_eq!((verdict, reason), (XDP_REDIRECT, expected), "{name}");
            assert_eq!(left, frame, "{name}: it was not touched");
        }
        assert_eq!(bench.flows.counters(NUMBER).unwrap(), FlowCounters::default());
    }
}

#[test]
#[ignore = "loads a BPF program, which needs root: cargo xtask test"]
fn a_flow_is_counted_and_its_next_hop_can_go_and_come() {
    let mut bench = Bench::new(v4());
    let send = |bench: &Bench, seq_no| {
        let payload = rtp(160, seq_no);
        bench.run(&arriving_frame(&bench.flow, 0, ChecksumRule::Compute, &payload)).1
    };
    for seq_no in [1, 2, 3, 5, 8] {
        assert_eq!(send(&bench, seq_no), XdpReason::Forward);
    }
    let counters = bench.flows.counters(NUMBER).unwrap();
    assert_eq!((counters.packets, counters.octets), (5, 800));
    assert_eq!(counters.reception.lost(), 3);
    assert!(counters.last_seen > 0);

    bench.flows.set_hop(HOP, None).unwrap();
    assert_eq!(send(&bench, 9), XdpReason::RedirectNoNextHop);
    bench.flows.set_hop(HOP, Some(HOP_MAC.0)).unwrap();
    assert_eq!(send(&bench, 9), XdpReason::Forward);

    bench.flows.prepare(&bench.flow).unwrap();
    assert_eq!(bench.flows.counters(NUMBER).unwrap(), FlowCounters::default());
    let too_many = Rewrite { number: 16, ..bench.flow };
    assert!(bench.flows.prepare(&too_many).is_err());
}

#[test]
#[ignore = "loads a BPF program, which needs root: cargo xtask test"]
fn a_flow_may_leave_through_another_interface_and_not_be_too_long_for_it() {
    let mut bench = Bench::new(Rewrite { device: 5, mtu: 200, ..v4() });
    bench.flows.set_devices(&[(5, 1)]).unwrap();
    let send = |len| {
        let payload = rtp(len, 1);
        let (verdict, reason, _) =
            bench.run(&arriving_frame(&bench.flow, 0, ChecksumRule::Compute, &payload));
        (verdict, reason)
    };
    assert_eq!(send(160), (XDP_REDIRECT, XdpReason::Forward));
    assert_eq!(send(161), (XDP_REDIRECT, XdpReason::RedirectTooBig));
}

#[test]
#[ignore = "loads a BPF program, which needs root: cargo xtask test"]
fn the_peer_has_a_budget_and_strangers_have_one_each_and_all_together() {
    use XdpReason::*;
    // So long apart that no further packet becomes due while this runs.
    let at_once = |count: u64| Rate { interval: 1 << 40, tolerance: (count - 1) << 40 };
    for flow in [v4(), v6()] {
        let mut bench = Bench::new(flow);
        let limits = Limits { flow: at_once(5), stranger: at_once(2), strangers: at_once(3) };
        set_limits(&mut bench.ebpf, limits).unwrap();
        let budget = 7;
        let route = Route::to_socket_from(flow.from, budget);
        bench.open.insert(key(flow.arrived_at), route.to_bytes(), 0).unwrap();
        let payload = rtp(20, 1);
        let send = |source: SocketAddr| {
            let datagram = Datagram { source, ..arriving(&flow, &payload) };
            let macs = [OUR_MAC, HOP_MAC];
            bench.run(&frame(macs, [None; 2], &datagram, &payload, ChecksumRule::Compute)).1
        };
        let stranger = |host: u8| -> SocketAddr {
            let address = if flow.from.is_ipv4() {
                format!("10.6.6.{host}")
            } else {
                format!("fd06::{host}")
            };
            SocketAddr::new(address.parse().unwrap(), 5004)
        };
        let limited = |source, count| (0..count).map(|_| send(source)).collect::<Vec<_>>();
        assert_eq!(limited(stranger(1), 3), [Redirect, Redirect, DropStrangerLimit]);
        assert_eq!(limited(stranger(2), 2), [Redirect, DropStrangersLimit]);
        // Whatever strangers do, the peer has his own; from another port he is a stranger.
        let beside = SocketAddr::new(flow.from.ip(), flow.from.port() + 2);
        assert_eq!(limited(beside, 1), [DropStrangersLimit]);
        let [passed, dropped] = [[Redirect; 5].as_slice(), &[DropPeerLimit; 2]];
        assert_eq!(limited(flow.from, 7), [passed, dropped].concat());

        // What the fast tier forwards is not limited, and what it leaves to the engine is.
        let entered = bench.flows.prepare(&Rewrite { budget, ..flow }).unwrap();
        bench.open.insert(key(flow.arrived_at), entered.to_bytes(), 0).unwrap();
        let send = |source: SocketAddr| {
            let datagram = Datagram { source, ..arriving(&flow, &payload) };
            let macs = [OUR_MAC, HOP_MAC];
            bench.run(&frame(macs, [None; 2], &datagram, &payload, ChecksumRule::Compute)).1
        };
        assert!((0..20).all(|_| send(flow.from) == Forward));
        assert_eq!(send(stranger(3)), DropStrangersLimit);
    }
}
