//! Sockets, TLS and threads around the sessions of `capf`.
//!
//! ```text
//!  accept ─▶ seats: admitted? ─▶ a thread each: handshake, session ─┬─ questions ─▶ desk
//!                                                                   └─ certificates ─▶ workers
//! ```
//!
//! A connection whose handshake is not over holds a seat only until somebody else wants it, so half
//! open connections keep nobody out.

mod seats;
mod session;
mod tls;
mod workers;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use capf::server::{AdmissionLimits, Settings};

pub use seats::Counts;
use seats::Seats;
pub use tls::{Connection, ModernTls, Plaintext, Terminator, TlsFault};
use workers::Workers;

use crate::desk::Desk;

/// Stack of a connection's thread: much less than the default, for there may be thousands.
const STACK: usize = 512 << 10;
/// How often deadlines of operations are looked at.
const DEADLINES: Duration = Duration::from_secs(10);

/// What a service is made of.
pub struct Setup {
    /// Where it listens.
    pub listener: TcpListener,
    /// What takes TLS off.
    pub terminator: Box<dyn Terminator>,
    /// Who answers sessions' questions.
    pub desk: Desk,
    /// What holds for all sessions.
    pub settings: Settings,
    /// How many sessions there may be.
    pub limits: AdmissionLimits,
}

/// A running service. Dropping it ends every session; operations stay pending.
pub struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    terminator: Box<dyn Terminator>,
    desk: Arc<Desk>,
    settings: Arc<Settings>,
    seats: Arc<Seats>,
    workers: Workers,
}

/// Told to threads that wait for something else.
#[derive(Default)]
struct Stop {
    flag: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

/// Serves phones until the result is dropped.
pub fn start(setup: Setup) -> io::Result<Running> {
    let address = setup.listener.local_addr()?;
    let desk = Arc::new(setup.desk);
    let shared = Arc::new(Shared {
        terminator: setup.terminator,
        workers: Workers::start(&desk)?,
        desk,
        settings: Arc::new(setup.settings),
        seats: Seats::new(setup.limits, rand::random()),
    });
    let stop = Arc::new(Stop::default());
    let mut running = Running {
        address,
        shared: Arc::clone(&shared),
        stop: Arc::clone(&stop),
        threads: Vec::new(),
    };
    let listener = setup.listener;
    let (accepting, clocking) = (Arc::clone(&shared), shared);
    let (told, heard) = (Arc::clone(&stop), stop);
    running.threads.push(spawn("capf", move || accept(&accepting, &listener, &told))?);
    running.threads.push(spawn("capf-clock", move || keep_time(&clocking, &heard))?);
    Ok(running)
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(body)
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections there are, and were.
    pub fn counts(&self) -> Counts {
        self.shared.seats.counts()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.now();
        // Wakes the acceptor; if nobody can connect any more it has ended already.
        let _ = TcpStream::connect(self.address);
        self.shared.seats.close_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        // What came in between the two.
        self.shared.seats.close_all();
        self.shared.seats.wait_until_empty();
    }
}

impl Stop {
    fn now(&self) {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.flag.store(true, Ordering::Release);
        self.changed.notify_all();
    }

    fn is_now(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// Waits for so long, or until it is now.
    fn wait(&self, span: Duration) {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.changed.wait_timeout_while(lock, span, |()| !self.is_now());
    }
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener, stop: &Stop) {
    for stream in listener.incoming() {
        if stop.is_now() {
            return;
        }
        let Ok(stream) = stream else {
            // Out of descriptors: half-open connections give theirs back first.
            if !shared.seats.evict_one() {
                stop.wait(Duration::from_millis(50));
            }
            continue;
        };
        let Ok(from) = stream.peer_addr() else { continue };
        let Some(seat) = shared.seats.admit(from.ip(), Connection::new(stream)) else { continue };
        let serving = Arc::clone(shared);
        // Without a thread the seat is given back, and the connection closed with it.
        let _ = thread::Builder::new()
            .name("capf-phone".into())
            .stack_size(STACK)
            .spawn(move || session::serve(&serving, seat));
    }
}

fn keep_time(shared: &Shared, stop: &Stop) {
    let mut polled = Instant::now();
    while !stop.is_now() {
        let now = SystemTime::now();
        shared.desk.follow_trace_level();
        if let Err(error) = shared.desk.expire(now) {
            shared.desk.trace().note(&format!("deadlines: {error}"));
        }
        if polled.elapsed() >= shared.desk.polling() {
            polled = Instant::now();
            if let Err(error) = shared.desk.poll_authority(now) {
                shared.desk.trace().note(&format!("certification authority: {error}"));
            }
        }
        stop.wait(DEADLINES.min(shared.desk.polling()));
    }
}

/// What runs in this thread yields to everything else on the machine from now on.
fn yield_to_others(steps: i32) {
    // Being nicer needs no privilege; if it fails all the same, nothing but speed changes.
    let _ = rustix::process::nice(steps);
}
