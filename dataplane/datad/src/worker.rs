//! The packet worker: one thread that owns an engine, a pool and the ports.
//!
//! The control loop talks to it through a queue; what it says takes effect between two bursts.
//! Between bursts it also sleeps, when there is nothing to do, on the ports and on a descriptor
//! that whoever sends to it rings.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use crossbeam_channel::{Receiver, Sender};
use engine::command::{Command, Event, LegId, Refusal, Reply, Token};
use engine::{Counters, Engine, LegReport, Output, ReportCursor};
use port::{BURST, Frame, Pool, Port, PortId};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use wire::ethernet::MacAddr;

use crate::aside::Aside;
use crate::tap::MediaTap;
use crate::xdp_features::Takes;

/// What a worker is told.
pub enum ToWorker {
    /// Carry out and reply.
    Command(Token, Command),
    /// The way to a next hop is known, or gone.
    NextHop(PortId, IpAddr, Option<MacAddr>),
    /// The interface of a port sends what the fast tier gives it, or does not.
    Exit(PortId, Takes),
    /// Send an Ethernet frame.
    Transmit(PortId, Vec<u8>),
    /// Copy the packets of a call, instead of those of another one.
    Tap(MediaTap),
    /// Tell about legs, a page at a time.
    Report(ReportCursor, Sender<Page>),
    /// Erase keys, take frames home, end.
    Stop,
}

/// What a worker tells.
pub enum FromWorker {
    /// The answer to a command.
    Reply(Token, Reply),
    /// Something happened.
    Event(Event),
}

/// A page of a report. Counters are those of the moment.
pub struct Page {
    /// The legs of this page.
    pub legs: Vec<LegReport>,
    /// Where the next page starts.
    pub next: Option<ReportCursor>,
    /// What became of all packets.
    pub counters: Counters,
    /// The ports.
    pub ports: Vec<PortPage>,
    /// Name of the SRTP backend.
    pub srtp_backend: &'static str,
}

/// A port in a report.
pub struct PortPage {
    /// The way its frames take and why.
    pub path: port::Path,
    /// What passed and what it lost.
    pub stats: port::PortStats,
    /// Counters of the path's own.
    pub details: Vec<(&'static str, u64)>,
}

/// The sending end towards a worker.
#[derive(Clone)]
pub struct WorkerHandle {
    queue: Sender<ToWorker>,
    bell: Arc<OwnedFd>,
}

impl WorkerHandle {
    /// Queues a message and wakes the worker. False when it has ended.
    pub fn send(&self, message: ToWorker) -> bool {
        let sent = self.queue.send(message).is_ok();
        // A full counter means that the bell is ringing already.
        let _ = rustix::io::write(&*self.bell, &1u64.to_ne_bytes());
        sent
    }

    /// Asks for a whole report, page by page. `None` when the worker does not answer.
    pub fn report(&self) -> Option<Page> {
        let mut whole: Option<Page> = None;
        let mut from = ReportCursor::default();
        loop {
            let (reply, page) = crossbeam_channel::bounded(1);
            self.send(ToWorker::Report(from, reply));
            let mut page: Page = page.recv_timeout(Duration::from_secs(2)).ok()?;
            if let Some(before) = whole.take() {
                page.legs.splice(..0, before.legs);
            }
            match page.next {
                Some(next) => from = next,
                None => return Some(page),
            }
            whole = Some(page);
        }
    }
}

/// Where a worker leaves its messages.
pub trait Outbox: Send {
    /// Takes a message to the control loop.
    fn put(&mut self, message: FromWorker);
}

/// The worker itself; [`Worker::run`] is its thread.
pub struct Worker<O> {
    engine: Engine,
    pool: Pool,
    ports: Vec<Box<dyn Port>>,
    queue: Receiver<ToWorker>,
    bell: Arc<OwnedFd>,
    outbox: O,
    busy_poll: bool,
    aside: Option<Aside>,
    tap: Option<MediaTap>,
}

/// Messages taken at a time, so that a flood of commands does not stop the packets.
const MESSAGES_AT_A_TIME: usize = 32;
/// Most ports of a worker.
pub const MAX_PORTS: usize = 32;
/// Legs on a page of a report.
const PAGE: usize = 128;
/// Rounds without work before the worker sleeps: a few microseconds in which the next packet of a
/// burst often comes.
const ROUNDS_BEFORE_SLEEP: u32 = 32;

impl<O: Outbox> Worker<O> {
    /// A worker and the handle to it.
    pub fn new(
        engine: Engine,
        pool: Pool,
        ports: Vec<Box<dyn Port>>,
        outbox: O,
        busy_poll: bool,
        aside: Option<Aside>,
    ) -> io::Result<(Self, WorkerHandle)> {
        let bell = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let (sender, queue) = crossbeam_channel::unbounded();
        let handle = WorkerHandle { queue: sender, bell: bell.clone() };
        let tap = None;
        Ok((Self { engine, pool, ports, queue, bell, outbox, busy_poll, aside, tap }, handle))
    }

    /// Moves packets until told to stop. On return keys are erased and the ports are closed.
    pub fn run(mut self) -> io::Result<()> {
        let mut burst = Vec::with_capacity(BURST);
        let mut out = Output::new(self.ports.len());
        let mut idle_rounds = 0;
        loop {
            if !self.take_messages() {
                return Ok(());
            }
            let moved = self.move_packets(&mut burst, &mut out)?;
            let now = Instant::now();
            if now >= self.engine.poll_timeout() {
                self.engine.handle_timeout(now);
            }
            while let Some(event) = self.engine.poll_event() {
                self.outbox.put(FromWorker::Event(event));
            }
            idle_rounds = if moved { 0 } else { idle_rounds + 1 };
            if idle_rounds > ROUNDS_BEFORE_SLEEP && !self.busy_poll {
                self.sleep(now)?;
                idle_rounds = 0;
            }
        }
    }

    fn move_packets(&mut self, burst: &mut Vec<Frame>, out: &mut Output) -> io::Result<bool> {
        let mut moved = false;
        for index in 0..self.ports.len() {
            self.ports[index].rx(&mut self.pool, burst)?;
            if let Some(aside) = &self.aside {
                aside.take(PortId(index as u8), &mut self.pool, burst);
            }
            if !burst.is_empty() {
                moved = true;
                copy(&mut self.tap, &*self.ports[index], burst);
                self.engine.handle_burst(Instant::now(), PortId(index as u8), burst, out);
                self.pool.give_all(&mut out.done);
            }
        }
        for (port, frames) in self.ports.iter_mut().zip(&mut out.to) {
            copy(&mut self.tap, &**port, frames);
            port.tx(&mut self.pool, frames)?;
            if !frames.is_empty() {
                self.engine.tx_full(frames.len());
                self.pool.give_all(frames);
            }
        }
        Ok(moved)
    }

    /// False when it is time to stop.
    fn take_messages(&mut self) -> bool {
        for _ in 0..MESSAGES_AT_A_TIME {
            match self.queue.try_recv() {
                Ok(ToWorker::Command(token, command)) => {
                    let reply = self.execute(command);
                    self.outbox.put(FromWorker::Reply(token, reply));
                }
                Ok(ToWorker::NextHop(port, address, mac)) => {
                    self.engine.set_next_hop(port, address, mac);
                }
                Ok(ToWorker::Exit(port, exit)) => {
                    self.engine.set_exit(Instant::now(), port, exit);
                }
                Ok(ToWorker::Transmit(port, frame)) => self.transmit(port, &frame),
                Ok(ToWorker::Tap(tap)) => self.tap = Some(tap),
                Ok(ToWorker::Report(from, reply)) => {
                    // Whoever asked may have given up.
                    let _ = reply.send(self.page(from));
                }
                Ok(ToWorker::Stop) => return false,
                Err(error) => return !error.is_disconnected(),
            }
        }
        true
    }

    /// Sends a frame that is not the engine's. What does not fit is lost, as on any network.
    fn transmit(&mut self, port: PortId, frame: &[u8]) {
        let Some(mut chunk) = self.pool.take() else { return };
        if frame.len() > chunk.tailroom() {
            return self.pool.give(chunk);
        }
        chunk.fill(frame);
        let mut burst = vec![chunk];
        // A port that is gone shows when the next burst is received.
        let _ = self.ports[usize::from(port.0)].tx(&mut self.pool, &mut burst);
        self.pool.give_all(&mut burst);
    }

    /// Carries out a command in the engine and opens or closes its addresses on the port.
    fn execute(&mut self, command: Command) -> Reply {
        let opens = match &command {
            Command::Open { leg, .. } => Some(*leg),
            _ => None,
        };
        let closes = match &command {
            Command::Close { leg } => self.engine.local(*leg),
            _ => None,
        };
        let mut reply = self.engine.execute(Instant::now(), command);
        if let (Some(leg), Reply::Done) = (opens, &reply)
            && !self.open_media(leg)
        {
            self.engine.execute(Instant::now(), Command::Close { leg });
            reply = Reply::Refused(Refusal::PortFailed);
        }
        if let (Some((port, local)), Reply::Stats(_)) = (closes, &reply) {
            self.close_media(port, local);
        }
        reply
    }

    fn open_media(&mut self, leg: LegId) -> bool {
        let Some((port, local)) = self.engine.local(leg) else { return false };
        let opened = local
            .iter()
            .all(|address| self.ports[usize::from(port.0)].open_media(*address).is_ok());
        if !opened {
            self.close_media(port, local);
        }
        opened
    }

    fn close_media(&mut self, port: PortId, local: [SocketAddr; 2]) {
        for address in local {
            // Nothing depends on it: the engine drops what still comes.
            let _ = self.ports[usize::from(port.0)].close_media(address);
        }
    }

    fn page(&mut self, from: ReportCursor) -> Page {
        let mut legs = Vec::with_capacity(PAGE);
        let next = self.engine.report(Instant::now(), from, PAGE, &mut legs);
        let ports = self.ports.iter().map(|port| PortPage {
            path: port.path(),
            stats: port.stats(),
            details: port.details(),
        });
        Page {
            legs,
            next,
            counters: *self.engine.counters(),
            ports: ports.collect(),
            srtp_backend: self.engine.srtp_backend(),
        }
    }

    fn sleep(&mut self, now: Instant) -> io::Result<()> {
        let until = self.engine.poll_timeout().saturating_duration_since(now);
        let descriptors = self.ports.iter().filter_map(|port| port.wait_fd());
        // SAFETY: the descriptors belong to ports, which live in `self` for longer than this call.
        let borrowed = descriptors.map(|fd| unsafe { BorrowedFd::borrow_raw(fd) });
        let borrowed: ArrayVec<BorrowedFd<'_>, MAX_PORTS> = borrowed.collect();
        let mut fds: ArrayVec<PollFd<'_>, { MAX_PORTS + 1 }> =
            borrowed.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        fds.push(PollFd::new(&self.bell, PollFlags::IN));
        let timeout = until.try_into().expect("the engine's timeouts are short");
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut rings = [0; 8];
        // Nothing to read means that it did not ring.
        let _ = rustix::io::read(self.bell.as_fd(), &mut rings);
        Ok(())
    }
}

/// Copies what is tapped; without a tap it costs a glance.
fn copy(tap: &mut Option<MediaTap>, port: &dyn Port, frames: &[Frame]) {
    if frames.is_empty() {
        return;
    }
    if let Some(open) = tap
        && !open.note(Instant::now(), port.medium(), frames)
    {
        *tap = None;
    }
}
