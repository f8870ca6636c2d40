//! Packets cost no allocation, whatever comes of them.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{Agreement, Pair};
use ringfence_esp::{HEADROOM, Packet, TAILROOM, Verdict};

/// Counts what the thread under test asks for.
struct Counting;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it is; what is not written here is
// made of these two.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter any more, and is not under test.
        let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn packets_cost_no_allocation() {
    for agreement in Agreement::all() {
        let mut pair = Pair::new(agreement);
        let clear = pair.agreement.datagram(0, b"AUEP 1200 *@gw1 MGCP 0.1\r\n");
        let other = common::udp((pair.agreement.ends[0], 9), (pair.agreement.ends[1], 9), b"x");
        let mut buffer = vec![0; HEADROOM + clear.len() + TAILROOM];
        for round in 0..8 {
            let range = HEADROOM..HEADROOM + clear.len();
            buffer[range.clone()].copy_from_slice(&clear);
            let before = ASKED.get();
            let mut burst = [Packet::new(&mut buffer, range)];
            pair.ends[0].outbound(pair.now, &mut burst);
            let [packet] = burst;
            let (sealed, protected) = (packet.range(), packet.verdict);
            assert_eq!(protected, Verdict::Protected(pair.out[0]));
            if round % 3 == 1 {
                buffer[sealed.end - 1] ^= 1;
            }
            for _ in 0..2 {
                let mut burst = [Packet::new(&mut buffer, sealed.clone())];
                pair.ends[1].inbound(pair.now, &mut burst);
            }
            buffer[HEADROOM..HEADROOM + other.len()].copy_from_slice(&other);
            let range = HEADROOM..HEADROOM + other.len();
            let mut burst = [Packet::new(&mut buffer, range)];
            pair.ends[1].inbound(pair.now, &mut burst);
            pair.ends[0].handle_timeout(pair.now);
            while pair.ends[1].poll_event().is_some() {}
            assert_eq!(ASKED.get() - before, 0, "round {round}");
        }
        let opened = pair.ends[1].sa(pair.back[1]).unwrap().stats.packets;
        assert_eq!(opened, 5, "those that were not changed");
    }
}
