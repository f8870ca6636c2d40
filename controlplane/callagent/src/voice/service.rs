//! An agent with a socket, in a thread of its own.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use callmanager::exchange::PortOrder;
use crossbeam_channel::{Receiver, Sender, TryRecvError, unbounded};
use mio::Waker;

use super::agent::Agent;
use super::config::{Config, Plan};
use super::path::Paths;
use super::report::{Counters, GatewayView, Report};
use crate::wire::Wire;

/// A running call agent for voice gateways. Dropped, it ends and leaves connections as they are:
/// the next run deletes them.
#[derive(Debug)]
pub struct VoiceAgent {
    desk: Mail,
    seen: Arc<Mutex<Seen>>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Mail {
    /// Dropped first: that ends the thread.
    letters: Option<Sender<Letter>>,
    waker: Arc<Waker>,
}

/// What others want of it.
#[derive(Debug)]
enum Letter {
    Order(PortOrder),
    Plan(Plan),
    PathsChanged,
    Reset(String),
}

/// What others may see of it.
#[derive(Debug, Default)]
struct Seen {
    gateways: Vec<GatewayView>,
    counters: Counters,
}

impl VoiceAgent {
    /// Starts an agent on a socket, mostly one that is bound to port 2427. What comes of its orders
    /// is told in its thread: `tell` must not wait.
    pub fn start(
        config: Config,
        paths: Box<dyn Paths>,
        socket: UdpSocket,
        tell: impl FnMut(Report) + Send + 'static,
    ) -> io::Result<Self> {
        let address = socket.local_addr()?;
        let tap = Arc::clone(&config.tap);
        let agent = Agent::new(config, paths, rand::random());
        let (wire, waker) = Wire::new(socket, tap)?;
        let (letters, mail) = unbounded();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let desk = Desk { agent, wire, mail, seen: seen.clone(), tell };
        let thread = std::thread::Builder::new().name("voice-agent".into());
        let thread = thread.spawn(move || desk.run())?;
        let desk = Mail { letters: Some(letters), waker };
        Ok(Self { desk, seen, address, thread: Some(thread) })
    }

    /// Takes an order. What comes of it is told as a [`Report`].
    pub fn order(&self, order: PortOrder) {
        self.desk.post(Letter::Order(order));
    }

    /// The gateways that there are from now on. A plan that cannot be followed changes nothing:
    /// [`Plan::check`] says so before.
    pub fn configure(&self, plan: Plan) {
        self.desk.post(Letter::Plan(plan));
    }

    /// What protects ways may have changed.
    pub fn paths_changed(&self) {
        self.desk.post(Letter::PathsChanged);
    }

    /// Asks a gateway anew what its ports are like.
    pub fn reset(&self, gateway: &str) {
        self.desk.post(Letter::Reset(gateway.to_owned()));
    }

    /// The gateways and how they are.
    pub fn gateways(&self) -> Vec<GatewayView> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).gateways.clone()
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).counters
    }

    /// Where gateways find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Mail {
    fn post(&self, letter: Letter) {
        if let Some(letters) = &self.letters
            && letters.send(letter).is_ok()
        {
            // The thread looks after its mail whenever it wakes, if not now then soon.
            let _ = self.waker.wake();
        }
    }
}

impl Drop for VoiceAgent {
    fn drop(&mut self) {
        self.desk.letters = None;
        let _ = self.desk.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's own.
struct Desk<T> {
    agent: Agent,
    wire: Wire,
    mail: Receiver<Letter>,
    seen: Arc<Mutex<Seen>>,
    tell: T,
}

impl<T: FnMut(Report)> Desk<T> {
    /// Runs until nobody can want anything any more.
    fn run(mut self) {
        loop {
            self.wire.send(|| self.agent.poll_datagram());
            if self.wire.wait(self.agent.poll_timeout()).is_err() {
                return;
            }
            let agent = &mut self.agent;
            self.wire.receive(|from, datagram| {
                agent.handle_datagram(Instant::now(), from, datagram);
            });
            let ended = self.read_mail().is_none();
            self.agent.handle_timeout(Instant::now());
            while let Some(report) = self.agent.poll_report() {
                (self.tell)(report);
            }
            self.show();
            if ended {
                return self.wire.send(|| self.agent.poll_datagram());
            }
        }
    }

    /// `None` if there will be no more. Orders that are there together are taken together.
    fn read_mail(&mut self) -> Option<()> {
        let mut orders = Vec::new();
        let end = loop {
            match self.mail.try_recv() {
                Ok(Letter::Order(order)) => orders.push(order),
                Ok(other) => {
                    self.agent.order(Instant::now(), std::mem::take(&mut orders));
                    self.take(other);
                }
                Err(TryRecvError::Empty) => break Some(()),
                Err(TryRecvError::Disconnected) => break None,
            }
        };
        self.agent.order(Instant::now(), orders);
        end
    }

    fn take(&mut self, letter: Letter) {
        let now = Instant::now();
        match letter {
            Letter::Order(order) => self.agent.order(now, [order]),
            Letter::Plan(plan) => {
                // Whoever sent it has checked it; what is there stays if it is unsound.
                let _ = self.agent.configure(now, plan);
            }
            Letter::PathsChanged => self.agent.paths_changed(now),
            Letter::Reset(gateway) => {
                self.agent.reset(now, &gateway);
            }
        }
    }

    fn show(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.gateways = self.agent.gateways();
        seen.counters = self.agent.counters();
    }
}
