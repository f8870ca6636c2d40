use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::net::Namespace;

/// Most packets that are remembered of what was sent.
const REMEMBERED: usize = 1024;

/// Largest packet.
const DATAGRAM: usize = 2048;

/// How long the thread sleeps before it looks whether it is to end.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// Passes packets unchanged between a telephone's address and ffmpeg on the loopback, RTP on even
/// ports and RTCP on the odd ones above.
pub struct Line {
    sockets: Arc<Sockets>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What went over a line.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// RTP packets to the network.
    pub sent: u64,
    /// RTP packets from the network.
    pub received: u64,
    /// RTCP packets to the network.
    pub rtcp_sent: u64,
    /// RTCP packets from the network.
    pub rtcp_received: u64,
    /// The first RTP packets sent, as they were on the wire.
    pub sent_packets: Vec<Vec<u8>>,
}

struct Sockets {
    /// At the telephone's address: RTP, RTCP.
    network: [UdpSocket; 2],
    /// Where ffmpeg speaks to: RTP, RTCP.
    mouth: [UdpSocket; 2],
    /// Where ffmpeg listens for RTP; RTCP is one above.
    ear: u16,
}

struct Shared {
    stop: AtomicBool,
    state: Mutex<State>,
}

struct State {
    peer: Option<SocketAddr>,
    traffic: Traffic,
    last: Instant,
}

impl Line {
    /// Opens the sockets. Nothing passes before [`Line::join`].
    pub fn open(namespace: &Namespace, address: SocketAddr) -> Result<Self> {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let above = |address: SocketAddr| SocketAddr::new(address.ip(), address.port() + 1);
        let pair = |address| anyhow::Ok([namespace.udp(address)?, namespace.udp(above(address))?]);
        // Loopback ports are told apart by the telephone's own.
        let (mouth, ear) = (address.port() - 20_000, address.port() - 10_000);
        let sockets = Sockets { network: pair(address)?, mouth: pair(loopback(mouth))?, ear };
        let state = State { peer: None, traffic: Traffic::default(), last: Instant::now() };
        let shared = Shared { stop: AtomicBool::new(false), state: Mutex::new(state) };
        Ok(Self { sockets: Arc::new(sockets), shared: Arc::new(shared), thread: None })
    }

    /// The loopback port that ffmpeg listens on.
    pub fn ear(&self) -> u16 {
        self.sockets.ear
    }

    /// The loopback address that ffmpeg speaks to.
    pub fn mouth(&self) -> SocketAddr {
        self.sockets.mouth[0].local_addr().expect("a bound socket has an address")
    }

    /// Lets packets pass to and from `peer`, and from nobody else.
    pub fn join(&mut self, peer: SocketAddr) -> Result<()> {
        self.shared.lock().peer = Some(peer);
        if self.thread.is_none() {
            let (sockets, shared) = (Arc::clone(&self.sockets), Arc::clone(&self.shared));
            let thread = thread::Builder::new().name("line".to_owned());
            let run = move || pass_until_stopped(&sockets, &shared);
            self.thread = Some(thread.spawn(run).context("cannot start a thread")?);
        }
        Ok(())
    }

    /// What went over it so far.
    pub fn traffic(&self) -> Traffic {
        self.shared.lock().traffic.clone()
    }

    /// Whether no RTP came for so long.
    pub fn silent_for(&self, time: Duration) -> bool {
        self.shared.lock().last.elapsed() >= time
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has nothing to say: a panic of it has been printed.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pass_until_stopped(sockets: &Sockets, shared: &Shared) {
    let all = sockets.network.iter().chain(&sockets.mouth);
    let mut fds: Vec<_> = all.map(|socket| PollFd::new(socket, PollFlags::IN)).collect();
    while !shared.stop.load(Ordering::Relaxed) {
        if poll(&mut fds, Some(&LOOK)).is_err() {
            continue;
        }
        let ready = |at: usize| fds[at].revents().contains(PollFlags::IN);
        for rtcp in [0, 1] {
            if ready(rtcp) {
                hear(sockets, shared, rtcp);
            }
            if ready(2 + rtcp) {
                speak(sockets, shared, rtcp);
            }
        }
    }
}

/// From the network to ffmpeg.
fn hear(sockets: &Sockets, shared: &Shared, rtcp: usize) {
    let mut buffer = [0; DATAGRAM];
    let Ok((len, source)) = sockets.network[rtcp].recv_from(&mut buffer) else { return };
    let mut state = shared.lock();
    if state.peer.map(|peer| channel(peer, rtcp)) != Some(source) {
        return;
    }
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, sockets.ear + rtcp as u16));
    // ffmpeg may have gone; then nobody listens, as on any line.
    let _ = sockets.mouth[rtcp].send_to(&buffer[..len], to);
    if rtcp == 0 {
        state.traffic.received += 1;
        state.last = Instant::now();
    } else {
        state.traffic.rtcp_received += 1;
    }
}

/// From ffmpeg to the network.
fn speak(sockets: &Sockets, shared: &Shared, rtcp: usize) {
    let mut buffer = [0; DATAGRAM];
    let received: io::Result<usize> = sockets.mouth[rtcp].recv(&mut buffer);
    let Ok(len) = received else { return };
    let mut state = shared.lock();
    let Some(peer) = state.peer else { return };
    // Not heard of again: the counters of both ends are compared.
    let _ = sockets.network[rtcp].send_to(&buffer[..len], channel(peer, rtcp));
    if rtcp == 0 {
        state.traffic.sent += 1;
        if state.traffic.sent_packets.len() < REMEMBERED {
            state.traffic.sent_packets.push(buffer[..len].to_vec());
        }
    } else {
        state.traffic.rtcp_sent += 1;
    }
}

/// The peer's RTP address, or the RTCP one above.
fn channel(peer: SocketAddr, rtcp: usize) -> SocketAddr {
    SocketAddr::new(peer.ip(), peer.port() + rtcp as u16)
}
