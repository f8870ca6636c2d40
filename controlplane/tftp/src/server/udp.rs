//! A TFTP worker: the request socket, one socket for each transfer, and the engine between them.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use mio::net::UdpSocket as Socket;
use mio::{Events, Interest, Poll, Token, Waker};

use super::lookup::Lookups;
use super::{Service, WAKE};
use crate::{Config, Counters, Engine, Observer, Output, Refusal, TransferId, Via};

/// A transfer's token is its number, which is never 0.
const REQUESTS: Token = Token(0);
/// Requests, packets and answers taken in one go before others have their turn.
const TURN: usize = 256;
/// Longer than any request or acknowledgement.
const BUFFER: usize = 2048;

pub(super) struct Worker {
    poll: Poll,
    waker: Arc<Waker>,
    requests: Socket,
    address: IpAddr,
    /// There may be more to read from the request socket.
    requests_ready: bool,
    /// There may be more files that were found.
    answers_ready: bool,
    transfers: HashMap<TransferId, Socket>,
    engine: Engine,
    lookups: Lookups,
    observer: Arc<dyn Observer>,
    counters: Arc<Mutex<Counters>>,
    buffer: Vec<u8>,
}

impl Worker {
    pub fn new(
        config: Config,
        requests: UdpSocket,
        lookups: usize,
        service: Service,
        counters: Arc<Mutex<Counters>>,
    ) -> io::Result<Self> {
        requests.set_nonblocking(true)?;
        let address = requests.local_addr()?.ip();
        let mut requests = Socket::from_std(requests);
        let poll = Poll::new()?;
        poll.registry().register(&mut requests, REQUESTS, Interest::READABLE)?;
        let waker = super::waker(&poll)?;
        let lookups = Lookups::start(lookups, &service.source, &waker)?;
        Ok(Self {
            poll,
            waker,
            requests,
            address,
            requests_ready: true,
            answers_ready: false,
            transfers: HashMap::new(),
            engine: Engine::new(config),
            lookups,
            observer: service.observer,
            counters,
            buffer: vec![0; BUFFER],
        })
    }

    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Works until told to stop.
    pub fn run(mut self, stop: &AtomicBool) {
        let mut events = Events::with_capacity(1024);
        while !stop.load(Ordering::Relaxed) {
            if let Err(error) = self.poll.poll(&mut events, self.timeout())
                && error.kind() != io::ErrorKind::Interrupted
            {
                // The kernel refuses to wait: stopping is better than spinning.
                return;
            }
            for event in &events {
                match event.token() {
                    WAKE => self.answers_ready = true,
                    REQUESTS => self.requests_ready = true,
                    Token(id) => self.read_transfer(TransferId(id as u64)),
                }
            }
            self.read_requests();
            self.take_answers();
            self.engine.handle_timeout(Instant::now());
            self.flush();
            *self.counters.lock().unwrap_or_else(PoisonError::into_inner) = self.engine.counters();
        }
    }

    fn timeout(&self) -> Option<Duration> {
        if self.requests_ready || self.answers_ready {
            return Some(Duration::ZERO);
        }
        let deadline = self.engine.poll_timeout()?;
        // Rounded up, or the last fraction of a millisecond would be spent spinning.
        Some(deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1))
    }

    /// Takes requests out of the kernel's small buffer, and has their files looked up.
    fn read_requests(&mut self) {
        if !self.requests_ready {
            return;
        }
        let (now, at) = (Instant::now(), SystemTime::now());
        for _ in 0..TURN {
            match self.requests.recv_from(&mut self.buffer) {
                Ok((len, from)) => {
                    self.engine.handle_request(now, at, from, &self.buffer[..len]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.requests_ready = false;
                    break;
                }
                Err(_) => {} // an ICMP error for an earlier answer
            }
        }
        while let Some((id, request)) = self.engine.poll_request() {
            self.lookups.ask(id, request);
        }
    }

    fn read_transfer(&mut self, id: TransferId) {
        let Some(socket) = self.transfers.get_mut(&id) else { return };
        let now = Instant::now();
        for _ in 0..TURN {
            match socket.recv_from(&mut self.buffer) {
                Ok((len, from)) => {
                    self.engine.handle_datagram(now, id, from, &self.buffer[..len]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {}
            }
        }
        // Somebody floods this port. Others have their turn; the event comes again.
        let _ = self.poll.registry().reregister(socket, token(id), Interest::READABLE);
    }

    /// Starts the transfers of files that were found.
    fn take_answers(&mut self) {
        for _ in 0..TURN {
            let Some((id, answer)) = self.lookups.poll() else {
                self.answers_ready = false;
                return;
            };
            // A phone may have asked for something else meanwhile.
            let socket = if self.engine.is_open(id) { self.open_socket(id) } else { Ok(()) };
            let answer = match socket {
                Ok(()) => answer,
                Err(error) => Err(Refusal::Failed(format!("no socket for the transfer: {error}"))),
            };
            self.engine.answer(Instant::now(), id, answer);
            self.flush();
        }
    }

    fn open_socket(&mut self, id: TransferId) -> io::Result<()> {
        let mut socket = Socket::bind(SocketAddr::new(self.address, 0))?;
        self.poll.registry().register(&mut socket, token(id), Interest::READABLE)?;
        self.transfers.insert(id, socket);
        Ok(())
    }

    fn flush(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Send { via, to, datagram } => {
                    // What the kernel does not take now is repeated like what the network loses.
                    let _ = self.socket(via).send_to(&datagram, to);
                }
                Output::Closed { id, record } => {
                    self.transfers.remove(&id);
                    self.observer.observe(*record);
                }
            }
        }
    }

    /// The request socket stands in for a transfer that could get none of its own.
    fn socket(&self, via: Via) -> &Socket {
        match via {
            Via::Requests => &self.requests,
            Via::Transfer(id) => self.transfers.get(&id).unwrap_or(&self.requests),
        }
    }
}

fn token(id: TransferId) -> Token {
    Token(usize::try_from(id.0).expect("transfers are counted, and machines have 64 bits"))
}
