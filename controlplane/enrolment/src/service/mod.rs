//! Sockets, TLS and threads around the sessions of `capf`.
//!
//! ```text
//!  accept ─▶ seats: admitted? ─▶ crew, a thread each: handshake, session ─┬─ questions ─▶ desk
//!                                                                         └─ turnstile ─▶ issuer
//! ```
//!
//! TLS of old phones is ended in a process of its own, the cell; what comes from there is plain.
//!
//! A connection whose handshake is not over holds a seat only until somebody else wants it, so half
//! open connections keep nobody out.

mod crew;
mod seats;
mod session;
mod tls;
mod turnstile;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use capf::server::{AdmissionLimits, Settings};

use crew::Crew;
use legacytls::client::{self as cell, Serving};
pub use seats::Counts;
use seats::{Seat, Seats};
pub use tls::{Connection, ModernTls, Plaintext, Terminator, TlsFault};
use tls::{Cut, FromCell};
use turnstile::Turnstile;

use crate::desk::Desk;

/// How often it is asked whether to stop, while the cell is waited for.
const GLANCE: Duration = Duration::from_millis(250);
/// How often deadlines of operations are looked at.
const DEADLINES: Duration = Duration::from_secs(10);

/// What a service is made of.
pub struct Setup {
    /// Where phones come in.
    pub entrance: Entrance,
    /// Who answers sessions' questions.
    pub desk: Desk,
    /// What holds for all sessions.
    pub settings: Settings,
    /// How many sessions there may be.
    pub limits: AdmissionLimits,
}

/// Where phones come in, and TLS is taken off.
pub enum Entrance {
    /// In this process.
    Here {
        /// Where it listens.
        listener: TcpListener,
        /// What takes TLS off.
        terminator: Box<dyn Terminator>,
    },
    /// In the cell, for phones that know nothing better than TLS 1.0.
    Cell {
        /// What comes from there.
        serving: Serving,
        /// Where the cell listens for us.
        address: SocketAddr,
    },
}

/// A running service. Dropping it ends every session; operations stay pending.
pub struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    desk: Desk,
    settings: Arc<Settings>,
    seats: Arc<Seats>,
    crew: Arc<Crew>,
    turnstile: Turnstile,
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
    let address = match &setup.entrance {
        Entrance::Here { listener, .. } => listener.local_addr()?,
        Entrance::Cell { address, .. } => *address,
    };
    let shared = Arc::new(Shared {
        desk: setup.desk,
        settings: Arc::new(setup.settings),
        seats: Seats::new(setup.limits, rand::random()),
        crew: Arc::default(),
        turnstile: Turnstile::new(),
    });
    let stop = Arc::new(Stop::default());
    let mut running = Running {
        address,
        shared: Arc::clone(&shared),
        stop: Arc::clone(&stop),
        threads: Vec::new(),
    };
    let entrance = setup.entrance;
    let (accepting, clocking) = (Arc::clone(&shared), shared);
    let (told, heard) = (Arc::clone(&stop), stop);
    running.threads.push(spawn("capf", move || match entrance {
        Entrance::Here { listener, terminator } => {
            accept(&accepting, &listener, &terminator.into(), &told);
        }
        Entrance::Cell { serving, .. } => take(&accepting, &serving, &told),
    })?);
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
        self.shared.crew.dismiss();
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

fn accept(
    shared: &Arc<Shared>,
    listener: &TcpListener,
    terminator: &Arc<dyn Terminator>,
    stop: &Stop,
) {
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
        let connection = Connection::new(stream);
        let Some(seat) = shared.seats.admit(from.ip(), connection.cut()) else { continue };
        let terminator = Arc::clone(terminator);
        serve(shared, seat, move |until| terminator.accept(connection, until));
    }
}

/// Takes what comes from the cell, which has checked what there is to be checked.
fn take(shared: &Arc<Shared>, serving: &Serving, stop: &Stop) {
    while !stop.is_now() {
        let Some(event) = serving.accept_within(GLANCE) else { continue };
        let connection = match event {
            cell::Event::Connected(connection) => connection,
            cell::Event::Refused(refused) => {
                shared.desk.trace().note(&format!("not let in: {refused:?}"));
                continue;
            }
        };
        let phone = FromCell::new(connection.stream);
        let from = connection.tls.peer.ip();
        let Some(seat) = shared.seats.admit(from, phone.cut()) else { continue };
        serve(shared, seat, move |_| Ok(Box::new(phone)));
    }
}

/// Gives a connection a thread to itself.
fn serve(
    shared: &Arc<Shared>,
    seat: Seat,
    open: impl FnOnce(Instant) -> io::Result<Box<dyn Plaintext>> + Send + 'static,
) {
    let this = Arc::clone(shared);
    // Without a thread the seat is given back, and the connection closed with it.
    let _ = shared.crew.take_on(Box::new(move || session::serve(&this, &seat, open)));
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
