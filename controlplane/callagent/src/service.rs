//! An agent with a socket, in a thread of its own.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use callmanager::switchboard::RelayOrder;
use crossbeam_channel::{Receiver, Sender, unbounded};
use mio::Waker;
use thiserror::Error;

use crate::agent::Agent;
use crate::config::{Config, ConfigError};
use crate::report::{Counters, RelayView, Report};
use crate::wire::Wire;

/// A running call agent. Dropped, it ends and leaves the relays as they are, so that calls go on
/// without it.
#[derive(Debug)]
pub struct CallAgent {
    /// Dropped first: that ends the thread.
    orders: Option<Sender<RelayOrder>>,
    waker: Arc<Waker>,
    seen: Arc<Mutex<Seen>>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

/// What others may see of it.
#[derive(Debug, Default)]
struct Seen {
    relays: Vec<RelayView>,
    counters: Counters,
}

/// Why a call agent does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Its configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The operating system refuses something.
    #[error("the call agent cannot start: {0}")]
    Io(#[from] io::Error),
}

impl CallAgent {
    /// Starts an agent on a socket, mostly one that is bound to port 2727. What comes of its
    /// orders is told in its thread: `tell` must not wait.
    pub fn start(
        config: Config,
        socket: UdpSocket,
        tell: impl FnMut(Report) + Send + 'static,
    ) -> Result<Self, StartError> {
        let tap = Arc::clone(&config.tap);
        let agent = Agent::new(Instant::now(), config, rand::random())?;
        let address = socket.local_addr()?;
        let (wire, waker) = Wire::new(socket, tap)?;
        let (orders, ordered) = unbounded();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let desk = Desk { agent, wire, ordered, seen: seen.clone(), tell };
        desk.show();
        let thread = std::thread::Builder::new().name("call-agent".into());
        let thread = thread.spawn(move || desk.run())?;
        Ok(Self { orders: Some(orders), waker, seen, address, thread: Some(thread) })
    }

    /// Takes an order. What comes of it is told as a [`Report`].
    pub fn order(&self, order: RelayOrder) {
        if let Some(orders) = &self.orders
            && orders.send(order).is_ok()
        {
            // The thread looks after its orders whenever it wakes, if not now then soon.
            let _ = self.waker.wake();
        }
    }

    /// The relays and how they are.
    pub fn relays(&self) -> Vec<RelayView> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).relays.clone()
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).counters
    }

    /// Where relays find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for CallAgent {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's own.
struct Desk<T> {
    agent: Agent,
    wire: Wire,
    ordered: Receiver<RelayOrder>,
    seen: Arc<Mutex<Seen>>,
    tell: T,
}

impl<T: FnMut(Report)> Desk<T> {
    /// Runs until nobody can give orders any more.
    fn run(mut self) {
        loop {
            self.send();
            if self.wire.wait(self.agent.poll_timeout()).is_err() {
                return;
            }
            let agent = &mut self.agent;
            self.wire.receive(|from, datagram| {
                agent.handle_datagram(Instant::now(), from, datagram);
            });
            if self.take_orders().is_none() {
                return self.send();
            }
            self.agent.handle_timeout(Instant::now());
            while let Some(report) = self.agent.poll_report() {
                (self.tell)(report);
            }
            self.show();
        }
    }

    /// `None` if there will be none any more.
    fn take_orders(&mut self) -> Option<()> {
        loop {
            match self.ordered.try_recv() {
                Ok(order) => self.agent.order(Instant::now(), order),
                Err(crossbeam_channel::TryRecvError::Empty) => return Some(()),
                Err(crossbeam_channel::TryRecvError::Disconnected) => return None,
            }
        }
    }

    fn send(&mut self) {
        self.wire.send(|| self.agent.poll_datagram());
    }

    fn show(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.relays = self.agent.relays();
        seen.counters = self.agent.counters();
    }
}
