//! One long run of a generator program, ended by a signal.
//!
//! Each `BPF_PROG_TEST_RUN` costs a grace period of the kernel, so there is one for the whole time;
//! the pace is kept inside the program.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use aya::programs::{ProgramError, TestRun, TestRunAttrs, TestRunOptions, Xdp};
use signal_hook::consts::SIGUSR2;

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// RTP, made on the way.
    Rtp,
    /// The prepared payloads, each once.
    Prepared,
}

/// How to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The interface frames leave through, in the calling thread's namespace.
    pub interface: String,
    /// What to send.
    pub content: Content,
    /// Number of the first packet: those before it have been sent.
    pub first: u64,
    /// Packets per second; `None` means as many as possible.
    pub rate: Option<f64>,
    /// How long to send.
    pub duration: Duration,
}

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sent {
    /// Frames given to the interface. It may have dropped some.
    pub frames: u64,
    /// Frames whose time had passed when the processor was free again.
    pub missed: u64,
    /// How long that took.
    pub elapsed: Duration,
}

/// Frames the kernel handles together.
const BATCH: u32 = 64;

/// The most the kernel takes; dropping a frame to keep the pace counts too.
const REPEAT: u32 = i32::MAX as u32;

impl Order {
    /// Packets per nanosecond, times 2³², as the program wants it.
    pub(crate) fn rate_q32(&self) -> u64 {
        self.rate.map_or(0, |rate| (rate / 1e9 * (1u64 << 32) as f64) as u64)
    }
}

/// Runs `program` over `frame` for `duration` and returns how long it really was.
pub(crate) fn run(
    program: &Xdp,
    frame: &[u8],
    ifindex: u32,
    duration: Duration,
) -> Result<Duration> {
    catch_signal()?;
    let over = AtomicBool::new(false);
    // SAFETY: always succeeds.
    let this_thread = unsafe { libc::pthread_self() };
    let (running, ended) = channel::<()>();
    thread::scope(|scope| {
        let over = &over;
        scope.spawn(move || {
            let timed_out = |limit| ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            if timed_out(duration) {
                over.store(true, Ordering::Relaxed);
            }
            // Again and again: one could come between two runs.
            while timed_out(Duration::from_millis(1)) {
                // SAFETY: the thread lives: it waits for this one at the end of the scope.
                unsafe { libc::pthread_kill(this_thread, SIGUSR2) };
            }
        });
        let running = running;
        let start = Instant::now();
        while !over.load(Ordering::Relaxed) {
            run_once(program, frame, ifindex).context("the generator does not run")?;
        }
        drop(running);
        Ok(start.elapsed())
    })
}

fn run_once(program: &Xdp, frame: &[u8], ifindex: u32) -> Result<(), ProgramError> {
    let options = TestRunOptions {
        data_in: Some(frame),
        ctx_in: Some(&context(frame, ifindex)),
        repeat: REPEAT,
        attrs: TestRunAttrs::new().xdp_live_frames(BATCH),
        ..TestRunOptions::new()
    };
    match program.test_run(options) {
        Err(ProgramError::SyscallError(error))
            if error.io_error.raw_os_error() == Some(libc::EINTR) =>
        {
            Ok(())
        }
        done => done.map(drop),
    }
}

/// `struct xdp_md`: the frame came in through queue 0 of the interface.
fn context(frame: &[u8], ifindex: u32) -> [u8; 24] {
    let (data, data_end, data_meta) = (0, frame.len() as u32, 0);
    let (rx_queue_index, egress_ifindex) = (0, 0);
    let mut bytes = [0; 24];
    let fields = [data, data_end, data_meta, ifindex, rx_queue_index, egress_ifindex];
    for (to, field) in bytes.chunks_exact_mut(4).zip(fields) {
        to.copy_from_slice(&field.to_ne_bytes());
    }
    bytes
}

/// Without a handler the signal would end the process.
fn catch_signal() -> Result<()> {
    static CAUGHT: OnceLock<()> = OnceLock::new();
    if CAUGHT.get().is_none() {
        signal_hook::flag::register(SIGUSR2, Arc::new(AtomicBool::new(false)))
            .context("cannot catch a signal")?;
        CAUGHT.get_or_init(|| ());
    }
    Ok(())
}
