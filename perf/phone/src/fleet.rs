//! Thousands of phones from one thread.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tftp::{Failure, Options, Progress, Receiving, Tuning};

use crate::Boot;
use crate::phone::MOST;

/// Somebody who wants files, one after the other.
pub trait Member {
    /// The next file; `None` when there is nothing more to fetch.
    fn wants(&self) -> Option<String>;
    /// What became of it.
    fn handle(&mut self, answer: Result<Vec<u8>, Failure>);
}

impl Member for Boot {
    fn wants(&self) -> Option<String> {
        Boot::wants(self)
    }

    fn handle(&mut self, answer: Result<Vec<u8>, Failure>) {
        Boot::handle(self, answer);
    }
}

/// One who has finished.
#[derive(Debug)]
pub struct Finished<M> {
    /// The phone.
    pub member: M,
    /// From its first question to its last answer.
    pub took: Duration,
    /// Files that came.
    pub files: usize,
    /// Bytes that came.
    pub bytes: usize,
}

struct Running<M> {
    member: M,
    socket: UdpSocket,
    receiving: Receiving,
    started: Instant,
    files: usize,
    bytes: usize,
}

/// How a fleet asks.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Whom.
    pub server: SocketAddr,
    /// With which options.
    pub options: Options,
    /// How patiently.
    pub tuning: Tuning,
    /// How many at once.
    pub at_once: usize,
}

/// Lets all members fetch what they want. They come back in the order in which they finished.
pub fn run<M: Member>(
    members: impl IntoIterator<Item = M>,
    manner: &Manner,
) -> io::Result<Vec<Finished<M>>> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let mut waiting = members.into_iter();
    let mut running: Vec<Option<Running<M>>> = Vec::new();
    let mut finished = Vec::new();
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    for member in waiting.by_ref().take(manner.at_once) {
        running.push(None);
        let token = Token(running.len() - 1);
        start(member, token, manner, &poll, &mut running, &mut finished)?;
    }
    let mut buffer = vec![0; 65_536];
    while running.iter().any(Option::is_some) {
        let deadlines = running.iter().flatten().map(|it| it.receiving.poll_timeout());
        let wait = deadlines.min().map(|at| at.saturating_duration_since(Instant::now()));
        poll.poll(&mut events, wait.map(|wait| wait + Duration::from_millis(1)))?;
        let mut done = Vec::new();
        for event in &events {
            let Token(index) = event.token();
            if let Some(Some(one)) = running.get_mut(index)
                && one.read(manner, &mut buffer)?
            {
                done.push(index);
            }
        }
        let now = Instant::now();
        for (index, one) in running.iter_mut().enumerate() {
            if let Some(one) = one
                && one.receiving.poll_timeout() <= now
            {
                let progress = one.receiving.handle_timeout(now);
                if one.step(progress, manner)? {
                    done.push(index);
                }
            }
        }
        for index in done {
            if let Some(one) = running[index].take() {
                finished.push(one.finish());
            }
            if let Some(member) = waiting.next() {
                start(member, Token(index), manner, &poll, &mut running, &mut finished)?;
            }
        }
    }
    Ok(finished)
}

fn start<M: Member>(
    member: M,
    token: Token,
    manner: &Manner,
    poll: &Poll,
    running: &mut [Option<Running<M>>],
    finished: &mut Vec<Finished<M>>,
) -> io::Result<()> {
    let Some(name) = member.wants() else {
        finished.push(Finished { member, took: Duration::ZERO, files: 0, bytes: 0 });
        return Ok(());
    };
    let any: IpAddr = match manner.server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let mut socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    poll.registry().register(&mut socket, token, Interest::READABLE)?;
    let receiving = ask(&name, manner);
    let started = Instant::now();
    let mut one = Running { member, socket, receiving, started, files: 0, bytes: 0 };
    one.flush()?;
    running[token.0] = Some(one);
    Ok(())
}

fn ask(name: &str, manner: &Manner) -> Receiving {
    let (options, tuning) = (manner.options, manner.tuning.clone());
    Receiving::start(Instant::now(), manner.server, name, options, MOST, tuning)
}

impl<M: Member> Running<M> {
    /// Takes what arrived; true if the member has finished.
    fn read(&mut self, manner: &Manner, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            match self.socket.recv_from(buffer) {
                Ok((len, from)) => {
                    let now = Instant::now();
                    let progress = self.receiving.handle_datagram(now, from, &buffer[..len]);
                    if self.step(progress, manner)? {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    fn step(&mut self, progress: Progress, manner: &Manner) -> io::Result<bool> {
        self.flush()?;
        match progress {
            Progress::Going => return Ok(false),
            Progress::Done(file) => {
                self.files += 1;
                self.bytes += file.len();
                self.member.handle(Ok(file));
            }
            Progress::Failed(failure) => self.member.handle(Err(failure)),
        }
        let Some(name) = self.member.wants() else { return Ok(true) };
        self.receiving = ask(&name, manner);
        self.flush()?;
        Ok(false)
    }

    fn flush(&mut self) -> io::Result<()> {
        while let Some((to, datagram)) = self.receiving.poll_output() {
            match self.socket.send_to(&datagram, to) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {} // what the kernel does not take now is repeated
            }
        }
        Ok(())
    }

    fn finish(self) -> Finished<M> {
        let took = self.started.elapsed();
        Finished { member: self.member, took, files: self.files, bytes: self.bytes }
    }
}
