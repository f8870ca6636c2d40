//! Thousands of phones from one thread.

use std::collections::VecDeque;
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
    fetching: Fetching,
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

/// Lets this process, and those that it starts, have many sockets: 65,536 if it may raise its own
/// limit, else as many as its administrator allows.
pub fn allow_many_sockets() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = limit.maximum.map(|maximum| maximum.max(MANY));
    let all = |most| Rlimit { current: most, maximum: most };
    match setrlimit(Resource::Nofile, all(raised)) {
        Ok(()) => Ok(()),
        Err(_) => Ok(setrlimit(Resource::Nofile, all(limit.maximum))?),
    }
}

/// Two sockets for each of thirty thousand phones.
const MANY: u64 = 65_536;

/// Lets all members fetch what they want. They come back in the order in which they finished.
pub fn run<M: Member>(
    members: impl IntoIterator<Item = M>,
    manner: &Manner,
) -> io::Result<Vec<Finished<M>>> {
    allow_many_sockets()?;
    let mut waiting = members.into_iter();
    let mut running: Vec<Option<Running<M>>> = Vec::new();
    let mut finished = Vec::new();
    let mut events = Events::with_capacity(1024);
    let mut ports = Ports { manner, poll: Poll::new()?, left: VecDeque::new() };
    for member in waiting.by_ref().take(manner.at_once) {
        running.push(None);
        let token = Token(running.len() - 1);
        start(member, token, &mut ports, &mut running, &mut finished)?;
    }
    let mut buffer = vec![0; 65_536];
    while running.iter().any(Option::is_some) {
        let deadlines = running.iter().flatten().map(|it| it.fetching.receiving.poll_timeout());
        let wait = deadlines.min().map(|at| at.saturating_duration_since(Instant::now()));
        ports.poll.poll(&mut events, wait.map(|wait| wait + Duration::from_millis(1)))?;
        let mut done = Vec::new();
        for event in &events {
            let Token(index) = event.token();
            if let Some(Some(one)) = running.get_mut(index)
                && one.read(event.token(), &mut ports, &mut buffer)?
            {
                done.push(index);
            }
        }
        let now = Instant::now();
        for (index, one) in running.iter_mut().enumerate() {
            if let Some(one) = one
                && one.fetching.receiving.poll_timeout() <= now
            {
                let progress = one.fetching.receiving.handle_timeout(now);
                if one.step(progress, Token(index), &mut ports)? {
                    done.push(index);
                }
            }
        }
        for index in done {
            if let Some(one) = running[index].take() {
                finished.push(one.finish(&mut ports)?);
            }
            if let Some(member) = waiting.next() {
                start(member, Token(index), &mut ports, &mut running, &mut finished)?;
            }
        }
    }
    Ok(finished)
}

fn start<M: Member>(
    member: M,
    token: Token,
    ports: &mut Ports<'_>,
    running: &mut [Option<Running<M>>],
    finished: &mut Vec<Finished<M>>,
) -> io::Result<()> {
    let Some(name) = member.wants() else {
        finished.push(Finished { member, took: Duration::ZERO, files: 0, bytes: 0 });
        return Ok(());
    };
    let (fetching, started) = (ports.ask(&name, token)?, Instant::now());
    running[token.0] = Some(Running { member, fetching, started, files: 0, bytes: 0 });
    Ok(())
}

/// The ports that files are asked from, each for one file only as RFC 1350 section 4 wants: what
/// is late from the one before would be taken for an answer.
struct Ports<'a> {
    manner: &'a Manner,
    poll: Poll,
    /// Those of the latest files. While they are open nobody else gets their numbers.
    left: VecDeque<UdpSocket>,
}

/// Files asked for until a port may be used again.
const LEFT: usize = 8192;

/// A file under way.
struct Fetching {
    socket: UdpSocket,
    receiving: Receiving,
}

impl Ports<'_> {
    fn ask(&self, name: &str, token: Token) -> io::Result<Fetching> {
        let Manner { server, options, tuning, .. } = self.manner;
        let any: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let mut socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
        self.poll.registry().register(&mut socket, token, Interest::READABLE)?;
        let now = Instant::now();
        let receiving = Receiving::start(now, *server, name, *options, MOST, tuning.clone());
        let mut fetching = Fetching { socket, receiving };
        fetching.flush()?;
        Ok(fetching)
    }

    fn leave(&mut self, fetching: Fetching) -> io::Result<()> {
        let Fetching { mut socket, .. } = fetching;
        self.poll.registry().deregister(&mut socket)?;
        if self.left.len() == LEFT {
            self.left.pop_front();
        }
        self.left.push_back(socket);
        Ok(())
    }
}

impl Fetching {
    fn flush(&mut self) -> io::Result<()> {
        while let Some((to, datagram)) = self.receiving.poll_output() {
            match self.socket.send_to(&datagram, to) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {} // what the kernel does not take now is repeated
            }
        }
        Ok(())
    }
}

impl<M: Member> Running<M> {
    /// Takes what arrived; true if the member has finished.
    fn read(&mut self, token: Token, ports: &mut Ports<'_>, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            let Fetching { socket, receiving } = &mut self.fetching;
            match socket.recv_from(buffer) {
                Ok((len, from)) => {
                    let progress = receiving.handle_datagram(Instant::now(), from, &buffer[..len]);
                    if self.step(progress, token, ports)? {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    fn step(
        &mut self,
        progress: Progress,
        token: Token,
        ports: &mut Ports<'_>,
    ) -> io::Result<bool> {
        self.fetching.flush()?;
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
        let next = ports.ask(&name, token)?;
        ports.leave(std::mem::replace(&mut self.fetching, next))?;
        Ok(false)
    }

    fn finish(self, ports: &mut Ports<'_>) -> io::Result<Finished<M>> {
        let took = self.started.elapsed();
        ports.leave(self.fetching)?;
        Ok(Finished { member: self.member, took, files: self.files, bytes: self.bytes })
    }
}
