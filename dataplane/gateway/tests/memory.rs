//! What a call costs, and that it costs nothing afterwards.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use common::*;
use ringfence_gateway::Config;

/// Counts the octets in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the pointer came from `alloc` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CALLS: usize = 1000;

/// The gateway's own memory: datagrams go in and out without a call agent that remembers them.
fn command(lab: &mut Lab, transaction: usize, text: &str) -> String {
    let octets = text.replacen('#', &transaction.to_string(), 1);
    let answer = lab.raw(octets.as_bytes()).pop().expect("an answer");
    assert!(answer.starts_with('2'), "{answer}");
    answer
}

#[test]
fn a_call_takes_less_than_3_kib_and_gives_it_back() {
    let mut lab = Lab::new(Config { endpoints: CALLS as u32, ..config() });
    let mut transaction = 0;
    let mut used = Vec::new();
    for round in 0..3u8 {
        let before = IN_USE.load(Relaxed);
        for call in 0..CALLS {
            for (side, address) in [(0u8, "10.1.0.5"), (1, "192.0.2.5")] {
                let mut octets = [round; 30];
                octets[1..3].copy_from_slice(&(call as u16).to_be_bytes());
                octets[3] = side;
                let sdp = savp(address, 4000, &[&crypto_of(&octets)]);
                let text = format!(
                    "CRCX # pr/{}@relay1 MGCP 1.0\r\nC: {call:032X}\r\nM: sendrecv\r\n\
                     L: p:20, a:PCMU, s:off, t:B8\r\n\r\n{sdp}",
                    call + 1
                );
                transaction += 1;
                command(&mut lab, transaction, &text);
            }
        }
        // Answers are forgotten after T-HIST.
        lab.pass(Duration::from_secs(31));
        assert_eq!(lab.engine.legs.len(), 2 * CALLS);
        // Not the books of this test; what is not in them is as good as closed.
        lab.engine = Books::default();
        used.push((IN_USE.load(Relaxed) - before) / CALLS);
        transaction += 1;
        command(&mut lab, transaction, "DLCX # *@relay1 MGCP 1.0\r\n");
        lab.pass(Duration::from_secs(31));
    }
    // The first round also grew the tables.
    assert!(used[1..].iter().all(|octets| *octets < 3 * 1024), "octets per call: {used:?}");
    let settled = IN_USE.load(Relaxed);
    for _ in 0..3 {
        for call in 0..CALLS {
            transaction += 1;
            let text = format!("CRCX # pr/{}@relay1 MGCP 1.0\r\nC: A\r\nM: inactive\r\n", call + 1);
            command(&mut lab, transaction, &text);
        }
        transaction += 1;
        command(&mut lab, transaction, "DLCX # *@relay1 MGCP 1.0\r\n");
        lab.pass(Duration::from_secs(31));
    }
    lab.engine = Books::default();
    let grown = IN_USE.load(Relaxed).saturating_sub(settled);
    assert!(grown < 64 * 1024, "{grown} octets more after the same work again");
}
