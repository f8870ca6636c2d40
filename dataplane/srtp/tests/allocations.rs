//! Packets cost no allocation.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{backends, keying, rtcp, rtp};
use ringfence_srtp::{Config, Direction, Job, MAX_TRAILER, Srtp, Suite};

/// Counts what the thread under test asks for.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter any more, and is not under test.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn packets_cost_no_allocation() {
    for backend in backends() {
        let mut srtp = Srtp::new(Config { backend, ..Config::default() });
        let sessions: Vec<_> = Suite::ALL
            .into_iter()
            .map(|suite| {
                let keying = keying(suite, 1).with_window(1024).unwrap();
                let outbound = srtp.insert(Direction::Outbound, &keying).unwrap();
                (outbound, srtp.insert(Direction::Inbound, &keying).unwrap())
            })
            .collect();
        let mut packets = vec![vec![0; 300]; 64];
        let mut reports = packets.clone();

        for seq in 0..20u16 {
            // Everything from the first packet of an SSRC on, forged packets included.
            let fill = |buffers: &mut Vec<Vec<u8>>, make: &dyn Fn(u32) -> Vec<u8>| {
                for (n, buffer) in buffers.iter_mut().enumerate() {
                    let packet = make((n % 5) as u32);
                    buffer[..packet.len()].copy_from_slice(&packet);
                }
            };
            fill(&mut packets, &|ssrc| rtp(ssrc, seq, 160 - MAX_TRAILER));
            fill(&mut reports, &rtcp);
            let (rtp_len, rtcp_len) = (172 - MAX_TRAILER, rtcp(0).len());
            let mut jobs = arrayvec::ArrayVec::<_, 128>::new();
            for (n, buffer) in packets.iter_mut().enumerate() {
                jobs.push(Job::new(sessions[n % sessions.len()].0, buffer, rtp_len));
            }
            let mut report_jobs = arrayvec::ArrayVec::<_, 128>::new();
            for (n, buffer) in reports.iter_mut().enumerate() {
                report_jobs.push(Job::new(sessions[n % sessions.len()].0, buffer, rtcp_len));
            }

            let before = COUNT.get();
            srtp.protect_rtp(&mut jobs);
            srtp.protect_rtcp(&mut report_jobs);
            for (n, job) in jobs.iter_mut().chain(&mut report_jobs).enumerate() {
                job.session = sessions[n % 64 % sessions.len()].1;
                if n % 7 == 0 {
                    job.packet[job.len - 1] ^= 1;
                }
            }
            srtp.unprotect_rtp(&mut jobs);
            srtp.unprotect_rtcp(&mut report_jobs);
            while srtp.poll_event().is_some() {}
            let allocations = COUNT.get() - before;
            assert_eq!(allocations, 0, "{} round {seq}", srtp.backend_name());
            let good = jobs.iter().filter(|job| job.result.is_ok()).count();
            assert!(good >= 5, "{good} packets came through");
        }
    }
}
