use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use port::{BURST, Frame, Medium, Path, PathKind, Pool, Port, PortStats};
use rustix::event::{Timespec, epoll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use wire::datagram::{ChecksumRule, Datagram};

use crate::messages::{Messages, Outgoing, Received, ask_for_details, drops};

/// UDP sockets as a port. Its frames begin with an IP header.
pub struct SocketPort {
    reason: Cow<'static, str>,
    readiness: OwnedFd,
    /// By the number epoll knows them by; closed ones leave a gap for the next.
    sockets: Vec<Option<Media>>,
    by_address: HashMap<(IpAddr, u16), usize>,
    messages: Messages,
    /// Frames to receive into, only during a call.
    empty: Vec<Frame>,
    /// Without what sockets that are open have dropped.
    stats: PortStats,
}

/// The socket of an open media address.
struct Media {
    local: SocketAddr,
    socket: UdpSocket,
}

impl SocketPort {
    /// A port without sockets. `reason` tells an operator why it is not a faster one.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> io::Result<Self> {
        raise_file_limit();
        Ok(Self {
            reason: reason.into(),
            readiness: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            sockets: Vec::new(),
            by_address: HashMap::new(),
            messages: Messages::new(),
            empty: Vec::with_capacity(BURST),
            stats: PortStats::default(),
        })
    }

    /// Receives from one socket that is ready.
    fn receive(&mut self, number: usize, most: usize, pool: &mut Pool, burst: &mut Vec<Frame>) {
        let Some(Some(media)) = self.sockets.get(number) else { return };
        while self.empty.len() < most {
            let Some(mut frame) = pool.take() else { break };
            frame.set_len(frame.tailroom());
            self.empty.push(frame);
        }
        // An error is about an earlier datagram that could not be delivered, not about this socket.
        let socket = media.socket.as_fd();
        let count = self.messages.receive(socket, &mut self.empty).unwrap_or(0);
        for (at, mut frame) in self.empty.drain(..count).enumerate() {
            match self.messages.received(at) {
                Some(received) if !received.truncated => {
                    write_headers(&mut frame, media.local, &received);
                    self.stats.rx += 1;
                    burst.push(frame);
                }
                _ => {
                    self.stats.rx_lost += 1;
                    pool.give(frame);
                }
            }
        }
    }

    /// Sends the frames from the front of `burst` that leave through one socket, and returns how
    /// many are done with: sent, or lost.
    fn send(&mut self, burst: &[Frame]) -> usize {
        let Some(first) = parse(&burst[0]) else {
            self.stats.tx_lost += 1;
            return 1;
        };
        let Some(&number) = self.by_address.get(&key(first.source)) else {
            self.stats.tx_lost += 1;
            return 1;
        };
        let media = self.sockets[number].as_ref().expect("addresses lead to open sockets");
        let same_socket = burst.iter().map_while(|frame| {
            let datagram = parse(frame)?;
            (datagram.source == first.source).then(|| Outgoing {
                destination: datagram.destination,
                payload: &frame.bytes()[datagram.payload_at..][..datagram.payload_len],
                traffic_class: datagram.traffic_class,
            })
        });
        match self.messages.send(media.socket.as_fd(), same_socket) {
            Ok(sent) => {
                self.stats.tx += sent as u64;
                sent
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            // No route, too long, refused by a filter: there is no second try for media.
            Err(_) => {
                self.stats.tx_lost += 1;
                1
            }
        }
    }
}

impl Port for SocketPort {
    fn medium(&self) -> Medium {
        Medium::Ip
    }

    fn path(&self) -> Path {
        Path { kind: PathKind::Socket, reason: self.reason.clone() }
    }

    fn open_media(&mut self, local: SocketAddr) -> io::Result<()> {
        if self.by_address.contains_key(&key(local)) {
            return Ok(());
        }
        let socket = open(local).map_err(|error| explain(local, &error))?;
        let number = self.sockets.iter().position(Option::is_none).unwrap_or(self.sockets.len());
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&self.readiness, &socket, data, epoll::EventFlags::IN)?;
        if number == self.sockets.len() {
            self.sockets.push(None);
        }
        self.sockets[number] = Some(Media { local, socket });
        self.by_address.insert(key(local), number);
        Ok(())
    }

    fn close_media(&mut self, local: SocketAddr) -> io::Result<()> {
        let Some(number) = self.by_address.remove(&key(local)) else { return Ok(()) };
        let media = self.sockets[number].take().expect("addresses lead to open sockets");
        self.stats.rx_lost += drops(media.socket.as_fd());
        Ok(epoll::delete(&self.readiness, &media.socket)?)
    }

    fn rx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        let begin = burst.len();
        let mut events = [const { MaybeUninit::uninit() }; BURST];
        let at_once = Timespec::default();
        let (ready, _) = epoll::wait(&self.readiness, &mut events, Some(&at_once))?;
        for event in ready {
            let left = BURST - (burst.len() - begin);
            if left == 0 {
                break;
            }
            self.receive(event.data.u64() as usize, left, pool, burst);
        }
        pool.give_all(&mut self.empty);
        Ok(burst.len() - begin)
    }

    fn tx(&mut self, pool: &mut Pool, burst: &mut Vec<Frame>) -> io::Result<usize> {
        let mut taken = 0;
        while taken < burst.len() {
            match self.send(&burst[taken..]) {
                0 => break,
                done => taken += done,
            }
        }
        for frame in burst.drain(..taken) {
            pool.give(frame);
        }
        Ok(taken)
    }

    fn wait_fd(&self) -> Option<RawFd> {
        Some(self.readiness.as_raw_fd())
    }

    fn stats(&self) -> PortStats {
        let open = self.sockets.iter().flatten();
        let dropped: u64 = open.map(|media| drops(media.socket.as_fd())).sum();
        PortStats { rx_lost: self.stats.rx_lost + dropped, ..self.stats }
    }

    fn held(&self) -> usize {
        0
    }
}

impl fmt::Debug for SocketPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketPort({} sockets)", self.by_address.len())
    }
}

fn open(local: SocketAddr) -> io::Result<UdpSocket> {
    let family = if local.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::DGRAM, flags, None)?;
    if local.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    ask_for_details(socket.as_fd(), local.is_ipv4())?;
    bind(&socket, &local)?;
    Ok(socket.into())
}

fn explain(local: SocketAddr, error: &io::Error) -> io::Error {
    let cure = match error.raw_os_error() {
        Some(libc::EADDRINUSE) => "; another program has this port",
        Some(libc::EADDRNOTAVAIL) => "; `ip address` shows the addresses this machine has",
        Some(libc::EMFILE | libc::ENFILE) => {
            "; each media address is an open file: raise the limit (systemd: LimitNOFILE, shell: \
             `ulimit -n`)"
        }
        _ => "",
    };
    io::Error::new(error.kind(), format!("cannot receive media on {local}: {error}{cure}"))
}

fn write_headers(frame: &mut Frame, local: SocketAddr, received: &Received) {
    let datagram = Datagram {
        source: received.source,
        destination: local,
        traffic_class: received.traffic_class,
        hops: received.hops,
        checksum: 0,
        payload_at: 0,
        payload_len: received.len,
    };
    frame.set_len(received.len);
    frame.move_start(-(datagram.headers_len() as isize));
    datagram.emit_ip(frame.bytes_mut(), ChecksumRule::None);
}

fn parse(frame: &Frame) -> Option<Datagram> {
    Datagram::parse_ip(frame.bytes()).ok()
}

/// What tells addresses apart; scope and flow label do not.
fn key(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip(), address.port())
}

/// Every media address is an open file; the usual limit is for programs that use `select`.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
