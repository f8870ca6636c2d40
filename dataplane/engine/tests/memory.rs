//! Packets cost no allocation.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::{Relay, Side, frame, rtcp, rtp};
use port::{Frame, Medium, PortId};
use ringfence_engine::Channel;
use srtp::Suite;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test in this file: the counters are the process's.
#[test]
fn packets_cost_no_allocation() {
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
