//! An HTTP worker: a listener and its connections.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use mio::net::{TcpListener as Listener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use super::{HttpConfig, Service, WAKE};
use crate::http::{Connection, Status};
use crate::{FileRequest, Outcome, Protocol, Record, SourceLimiter};

const LISTENER: Token = Token(0);
/// Connection `n` has the token `n + FIRST_CONNECTION`.
const FIRST_CONNECTION: usize = 1;
/// How often silent connections are looked for.
const SWEEP: Duration = Duration::from_secs(1);

pub(super) struct Worker {
    poll: Poll,
    waker: Arc<Waker>,
    listener: Listener,
    config: HttpConfig,
    limiter: SourceLimiter,
    connections: Slab<Client>,
    service: Service,
}

struct Client {
    stream: TcpStream,
    peer: SocketAddr,
    connection: Connection,
    /// The request being answered, and when it came.
    record: Option<(Record, Instant)>,
    /// When it was accepted, or when an answer last moved on. Bytes of a request do not count: who
    /// drips them has no more time than who is silent.
    last_moved: Instant,
    /// Bytes still thrown away after the last answer. To close with unread bytes would reset the
    /// connection, and the client might never see that answer.
    to_discard: usize,
}

const MOST_DISCARDED: usize = 64 << 10;

/// Whether a connection goes on.
#[derive(PartialEq)]
enum State {
    Open,
    Closed,
}

impl Worker {
    pub fn new(config: HttpConfig, listener: TcpListener, service: Service) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let mut listener = Listener::from_std(listener);
        let poll = Poll::new()?;
        let waker = super::waker(&poll)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let limiter = SourceLimiter::new(config.rate, config.max_sources);
        let connections = Slab::with_capacity(config.max_connections);
        Ok(Self { poll, waker, listener, config, limiter, connections, service })
    }

    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Works until told to stop.
    pub fn run(mut self, stop: &AtomicBool) {
        let mut events = Events::with_capacity(1024);
        let mut sweep_at = Instant::now() + SWEEP;
        while !stop.load(Ordering::Relaxed) {
            if let Err(error) = self.poll.poll(&mut events, Some(SWEEP))
                && error.kind() != io::ErrorKind::Interrupted
            {
                return;
            }
            for event in &events {
                match event.token() {
                    WAKE => {}
                    LISTENER => self.accept(),
                    Token(token) => self.drive(token - FIRST_CONNECTION),
                }
            }
            let now = Instant::now();
            if now >= sweep_at {
                sweep_at = now + SWEEP;
                self.close_idle(now);
            }
        }
    }

    fn accept(&mut self) {
        // On any other error than "no more" the connection is gone or we have no file left for it.
        while let Ok((mut stream, peer)) = self.listener.accept() {
            let now = Instant::now();
            let full = self.connections.len() >= self.config.max_connections;
            if full || !self.limiter.allow(now, peer.ip()) {
                continue;
            }
            let entry = self.connections.vacant_entry();
            let token = Token(entry.key() + FIRST_CONNECTION);
            let interest = Interest::READABLE | Interest::WRITABLE;
            if self.poll.registry().register(&mut stream, token, interest).is_ok() {
                let connection = Connection::default();
                let (record, to_discard) = (None, MOST_DISCARDED);
                let last_moved = now;
                entry.insert(Client { stream, peer, connection, record, last_moved, to_discard });
            }
        }
    }

    fn drive(&mut self, index: usize) {
        let Some(client) = self.connections.get_mut(index) else { return };
        if client.drive(&self.service, &mut self.limiter) == State::Closed {
            self.close(index);
        }
    }

    fn close_idle(&mut self, now: Instant) {
        let idle = |client: &Client| now.duration_since(client.last_moved) > self.config.idle;
        let indices: Vec<usize> = self
            .connections
            .iter()
            .filter_map(|(index, client)| idle(client).then_some(index))
            .collect();
        indices.into_iter().for_each(|index| self.close(index));
    }

    fn close(&mut self, index: usize) {
        if let Some((record, started)) = self.connections.remove(index).record {
            self.service.observer.observe(ended(record, started, Outcome::Abandoned));
        }
    }
}

impl Client {
    /// Reads, answers and writes until the socket has nothing more to give or to take.
    fn drive(&mut self, service: &Service, limiter: &mut SourceLimiter) -> State {
        let mut buffer = [0; 4096];
        loop {
            if self.write(service) == State::Closed {
                return State::Closed;
            }
            if self.connection.is_finished() {
                return self.linger();
            }
            if !self.connection.output().is_empty() {
                return State::Open;
            }
            if self.answer_next(service, limiter) {
                continue;
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return State::Closed,
                Ok(len) => self.connection.handle_bytes(&buffer[..len]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return State::Open,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return State::Closed,
            }
        }
    }

    /// Says that no more will come, and waits until the client says so too.
    fn linger(&mut self) -> State {
        let mut buffer = [0; 4096];
        if self.stream.shutdown(Shutdown::Write).is_err() {
            return State::Closed;
        }
        loop {
            match self.stream.read(&mut buffer) {
                Ok(len) if len > 0 && len <= self.to_discard => self.to_discard -= len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return State::Open,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return State::Closed,
            }
        }
    }

    /// Answers a request that is complete; false if there is none.
    fn answer_next(&mut self, service: &Service, limiter: &mut SourceLimiter) -> bool {
        let Some(request) = self.connection.poll_request() else { return false };
        let now = Instant::now();
        let name = match request.target {
            Ok(_) if !limiter.allow(now, self.peer.ip()) => Err(Status::Unavailable),
            target => target,
        };
        let answer = name.and_then(|name| {
            let request = FileRequest { name, from: self.peer, protocol: Protocol::Http };
            let answer = service.source.open(&request);
            let mut record = Record::new(SystemTime::now(), &request);
            record.answer(&answer);
            self.record = Some((record, now));
            answer.map_err(|refusal| Status::from(&refusal))
        });
        self.connection.answer(answer);
        true
    }

    fn write(&mut self, service: &Service) -> State {
        while !self.connection.output().is_empty() {
            match self.stream.write(self.connection.output()) {
                Ok(len) => {
                    self.last_moved = Instant::now();
                    if self.connection.handle_sent(len)
                        && let Some((record, started)) = self.record.take()
                    {
                        let outcome = match &record.outcome {
                            Outcome::Refused(refusal) => Outcome::Refused(refusal.clone()),
                            _ => Outcome::Completed,
                        };
                        service.observer.observe(ended(record, started, outcome));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return State::Open,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return State::Closed,
            }
        }
        State::Open
    }
}

fn ended(record: Record, started: Instant, outcome: Outcome) -> Record {
    Record { took: started.elapsed(), outcome, ..record }
}
