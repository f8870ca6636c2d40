//! What packets and calls cost in memory, counted by the allocator.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::{Relay, Side, frame, rtcp, rtp};
use port::{Frame, Medium, Pool, PortId};
use ringfence_engine::command::{Command, LegId, RelayId, Reply};
use ringfence_engine::{Channel, Config, Engine, Output, PortConfig};
use srtp::Suite;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        IN_USE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test in this file: the counters are the process's.
#[test]
fn packets_cost_nothing_and_calls_little() {
    no_allocation_per_packet();
    ten_thousand_calls_come_and_go();
}

fn no_allocation_per_packet() {
    let suite = Suite::AesCm128HmacSha1_80;
    let (a, b) = (Side::new(0).secured(suite, 10), Side::new(1).secured(suite, 20));
    let mut relay = Relay::call([&a, &b]);
    let (mut rtp_sender, mut rtcp_sender) = (a.crypto().unwrap(), a.crypto().unwrap());
    let mut next_burst = |seq_no: u16| -> Vec<Vec<u8>> {
        let mut payloads: Vec<_> = (0..48)
            .map(|i| (Channel::Rtp, rtp_sender.protect(Channel::Rtp, &rtp(seq_no + i))))
            .collect();
        payloads.push((Channel::Rtcp, rtcp_sender.protect(Channel::Rtcp, &rtcp())));
        payloads.push((Channel::Rtp, rtp(seq_no)));
        let framed = |(channel, payload): (Channel, Vec<u8>)| {
            frame(Medium::Ethernet, a.datagram(channel, 0), &payload)
        };
        payloads.into_iter().map(framed).collect()
    };
    let bursts: Vec<_> = (0..40).map(|i| next_burst(i * 48)).collect();

    let mut frames: Vec<Frame> = Vec::with_capacity(64);
    let mut run = |burst: &[Vec<u8>]| {
        for bytes in burst {
            let mut frame = relay.pool.take().unwrap();
            frame.fill(bytes);
            frames.push(frame);
        }
        relay.engine.handle_burst(relay.now, PortId(0), &mut frames, &mut relay.out);
        for frames in &mut relay.out.to {
            relay.pool.give_all(frames);
        }
        relay.pool.give_all(&mut relay.out.done);
        while relay.engine.poll_event().is_some() {}
    };
    run(&bursts[0]);
    let before = ALLOCATIONS.load(Relaxed);
    bursts[1..].iter().for_each(|burst| run(burst));
    assert_eq!(ALLOCATIONS.load(Relaxed) - before, 0, "for {} packets", 39 * 50);
    assert_eq!(relay.engine.counters().forwarded, 40 * 49);
}

/// Octets of memory the process really has. Tables are reserved for the most there may be, and
/// become memory with their first use.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

fn ten_thousand_calls_come_and_go() {
    const CALLS: u64 = 10_000;
    let port =
        PortConfig { medium: Medium::Ip, mtu: 1500, mac: common::OUR_MAC, tags: [None, None] };
    let config = Config {
        ports: vec![port.clone(), port],
        max_legs: 2 * CALLS as usize,
        srtp: srtp::Config { max_sessions: 4 * CALLS as usize, ..srtp::Config::default() },
    };
    let now = std::time::Instant::now();
    let before = resident();
    let mut engine = Engine::new(now, config);
    let mut pool = Pool::new(64, 2048).unwrap();
    let mut out = Output::new(2);

    let mut set_up = |engine: &mut Engine| {
        for call in 0..CALLS {
            for index in 0..2u8 {
                let mut side = Side::new(index).secured(Suite::AesCm128HmacSha1_80, 10);
                side.spec.local.set_port(2000 + 4 * call as u16);
                let leg = LegId(2 * call + u64::from(index));
                let relay = RelayId(call);
                let spec = Box::new(side.spec.clone());
                let reply = engine.execute(now, Command::Open { leg, relay, spec });
                assert!(matches!(reply, Reply::Done), "{reply:?}");
                // A packet, so that contexts exist.
                let sent = side.crypto().unwrap().protect(Channel::Rtp, &rtp(1));
                let mut frame_ = pool.take().unwrap();
                frame_.fill(&frame(Medium::Ip, side.datagram(Channel::Rtp, 0), &sent));
                engine.handle_burst(now, PortId(index), &mut vec![frame_], &mut out);
                for frames in &mut out.to {
                    pool.give_all(frames);
                }
                pool.give_all(&mut out.done);
            }
            while engine.poll_event().is_some() {}
        }
    };
    let tear_down = |engine: &mut Engine| {
        for leg in 0..2 * CALLS {
            let reply = engine.execute(now, Command::Close { leg: LegId(leg) });
            assert!(matches!(reply, Reply::Stats(_)), "{reply:?}");
        }
    };

    set_up(&mut engine);
    let per_call = (resident() - before) / CALLS as usize;
    assert!(per_call < 4096, "{per_call} octets per call");
    println!("{per_call} octets per call");
    tear_down(&mut engine);
    let after_first = IN_USE.load(Relaxed);
    for _ in 0..2 {
        set_up(&mut engine);
        tear_down(&mut engine);
    }
    assert_eq!(engine.leg_count(), 0);
    assert!(IN_USE.load(Relaxed) <= after_first, "memory grows with calls that have ended");
}
