//! The telephones behind voice endpoints: a thread of their own, a port to the relay, a socket for
//! whoever uses them.

mod config;
mod port;
mod server;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use crossbeam_channel::{Receiver, Sender, bounded, never, select, unbounded};
use line::command::{Event, LineId, Order};
use line::control::{Answer, Until};
use line::{Lines, Packet};
use mio::Waker;
use rustix::event::{EventfdFlags, eventfd};
use speech::wav::Recording;

pub use config::{DEFAULT_SOCKET, LinesConfig, VoiceConfig};
use port::FromRelay;
pub use port::LinePort;
use server::perform;
pub use server::{Asked, LineServer};

/// Packets under way in each direction. More would be too late to be heard.
const PACKETS: usize = 4096;
/// Longest wait when nothing is due: somebody may have come to the end of their patience.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Announcements are kept in memory; so many are.
const MAX_ANNOUNCEMENTS: usize = 256;

/// The ends that lead to the telephones.
pub struct LinesHandle {
    orders: Sender<(LineId, Order)>,
    /// What telephones report.
    pub events: Receiver<(LineId, Event)>,
}

impl LinesHandle {
    /// Gives an order. When the thread has ended, the daemon is about to.
    pub fn order(&self, line: LineId, order: Order) {
        let _ = self.orders.send((line, order));
    }
}

/// The thread, before it runs.
pub struct LineThread {
    lines: Lines,
    orders: Receiver<(LineId, Order)>,
    from_relay: Receiver<FromRelay>,
    to_relay: Sender<Packet>,
    bell: Arc<OwnedFd>,
    events: Sender<(LineId, Event)>,
    waker: Arc<Waker>,
    asked: Receiver<Asked>,
    /// Those who wait for a line to come to something.
    waiting: Vec<Waiting>,
}

/// Somebody who waits.
struct Waiting {
    line: LineId,
    until: Until,
    deadline: Instant,
    reply: Sender<(Answer, Vec<u8>)>,
}

impl LineThread {
    /// Telephones for these endpoints; `asked` brings what the server is asked.
    pub fn new(
        names: Vec<String>,
        announcements: HashMap<String, Vec<i16>>,
        seed: u64,
        waker: Arc<Waker>,
    ) -> io::Result<(Self, LinePort, LinesHandle, Sender<Asked>)> {
        let bell = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let (order, orders) = unbounded();
        let (event, events) = unbounded();
        let (to_relay, from_lines) = bounded(PACKETS);
        let (to_lines, from_relay) = bounded(PACKETS);
        let (ask, asked) = unbounded();
        let thread = Self {
            lines: Lines::new(names, announcements, seed),
            orders,
            from_relay,
            to_relay,
            bell: bell.clone(),
            events: event,
            waker,
            asked,
            waiting: Vec::new(),
        };
        let port = LinePort::new(from_lines, to_lines, bell);
        Ok((thread, port, LinesHandle { orders: order, events }, ask))
    }

    /// Starts it. It ends with the control loop.
    pub fn start(self) -> io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("lines".into()).spawn(move || self.run())
    }

    fn run(mut self) {
        loop {
            let due =
                self.lines.poll_timeout().map(|at| at.saturating_duration_since(Instant::now()));
            let timeout = due.unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
            let no_more = never();
            let asked =
                if self.waiting.len() < server::MAX_CLIENTS { &self.asked } else { &no_more };
            select! {
                recv(self.orders) -> order => match order {
                    Ok((line, order)) => self.lines.handle_order(Instant::now(), line, order),
                    Err(_) => return,
                },
                recv(self.from_relay) -> packet => {
                    if let Ok(FromRelay { relay, rtp }) = packet {
                        self.lines.handle_packet(relay, &rtp);
                    }
                }
                recv(asked) -> asked => {
                    if let Ok(asked) = asked {
                        let waiting = perform(&mut self.lines, Instant::now(), asked);
                        self.waiting.extend(waiting);
                    }
                }
                default(timeout) => {}
            }
            self.lines.handle_timeout(Instant::now());
            self.pass_on();
            self.answer_waiting(Instant::now());
        }
    }

    fn pass_on(&mut self) {
        let mut wake = false;
        while let Some(event) = self.lines.poll_event() {
            wake |= self.events.send(event).is_ok();
        }
        if wake {
            let _ = self.waker.wake();
        }
        let mut ring = false;
        while let Some(packet) = self.lines.poll_packet() {
            ring |= self.to_relay.try_send(packet).is_ok();
        }
        if ring {
            let _ = rustix::io::write(&*self.bell, &1u64.to_ne_bytes());
        }
    }

    fn answer_waiting(&mut self, now: Instant) {
        let lines = &self.lines;
        self.waiting.retain(|waiting| {
            let Some(state) = lines.state(waiting.line) else { return false };
            let met = waiting.until.is_met(&state);
            if !met && now < waiting.deadline {
                return true;
            }
            let problem = (!met).then(|| format!("{:?} did not come about in time", waiting.until));
            let answer = Answer { ok: met, problem, lines: vec![state], octets: 0 };
            // Whoever asked may have gone.
            let _ = waiting.reply.send((answer, Vec::new()));
            false
        });
    }
}

/// Reads the announcements of a directory: `NAME.wav` is what `A/ann(…/NAME)` plays.
pub fn read_announcements(directory: &Path) -> anyhow::Result<HashMap<String, Vec<i16>>> {
    let mut announcements = HashMap::new();
    let place = || format!("announcements in {}", directory.display());
    for entry in fs::read_dir(directory).with_context(place)? {
        let path = entry.with_context(place)?.path();
        let wav = path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("wav"));
        let Some(name) = path.file_stem().and_then(|name| name.to_str()).filter(|_| wav) else {
            continue;
        };
        let here = || format!("announcement {}", path.display());
        let recording = Recording::read(&fs::read(&path).with_context(here)?).with_context(here)?;
        announcements.insert(name.to_owned(), recording.telephone());
        ensure!(
            announcements.len() <= MAX_ANNOUNCEMENTS,
            "more than {MAX_ANNOUNCEMENTS} {}: leave some out",
            place()
        );
    }
    Ok(announcements)
}
