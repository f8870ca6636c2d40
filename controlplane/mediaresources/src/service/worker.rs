//! The thread that plays: waits for orders, packets and the next time to play, whichever comes first.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use callmanager::switchboard::{MediaOrder, MediaRefused, StreamId};
use crossbeam_channel::{Receiver, TryRecvError};
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::io::Errno;
use sccp::codes::MediaStatus;

use super::ports::{Pair, Ports};
use crate::music::Music;
use crate::resources::{Channel, Output, Packet, Resources, Statistics};

/// Tells streams where they receive.
type Answer = Box<dyn FnMut(StreamId, Result<SocketAddr, MediaRefused>) + Send>;

/// Datagrams read from one socket before the others and the clock have their turn.
const TURN: usize = 8;

/// Sockets looked at in one turn.
const EVENTS: usize = 64;

/// The longest datagram that is of interest; what is longer is cut and is no speech anyway.
const DATAGRAM: usize = 1500;

/// What epoll calls the bell. Streams have 33 bits.
const BELL: u64 = u64::MAX;

/// What the thread is to do.
pub(super) enum Task {
    Order(MediaOrder),
    /// Other music.
    Play(Music),
}

/// Wakes the thread.
#[derive(Debug)]
pub(super) struct Bell(OwnedFd);

pub(super) struct Worker {
    resources: Resources,
    ports: Ports,
    pairs: HashMap<StreamId, Pair>,
    tasks: Receiver<Task>,
    bell: Arc<Bell>,
    readiness: OwnedFd,
    statistics: Arc<Mutex<Statistics>>,
    unsent: u64,
    answer: Answer,
    outputs: Vec<Output>,
}

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?))
    }

    pub(super) fn ring(&self) {
        // It fails when it has rung 2⁶⁴ times unheard, and then it rings.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    fn hush(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl Worker {
    pub(super) fn new(
        resources: Resources,
        ports: Ports,
        tasks: Receiver<Task>,
        bell: Arc<Bell>,
        statistics: Arc<Mutex<Statistics>>,
        answer: Answer,
    ) -> io::Result<Self> {
        let readiness = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let data = epoll::EventData::new_u64(BELL);
        epoll::add(&readiness, &bell.0, data, epoll::EventFlags::IN)?;
        Ok(Self {
            resources,
            ports,
            pairs: HashMap::new(),
            tasks,
            bell,
            readiness,
            statistics,
            unsent: 0,
            answer,
            outputs: Vec::new(),
        })
    }

    /// Works until nobody can give orders any more.
    pub(super) fn run(mut self) {
        let mut datagram = [0; DATAGRAM];
        loop {
            let mut events = [const { MaybeUninit::uninit() }; EVENTS];
            let ready = self.wait(&mut events);
            // Playing comes first, however much comes in.
            self.resources.handle_timeout(Instant::now(), &mut self.outputs);
            self.carry_out();
            for event in ready {
                match event {
                    BELL => self.bell.hush(),
                    socket => self.receive(socket, &mut datagram),
                }
            }
            loop {
                match self.tasks.try_recv() {
                    Ok(Task::Play(music)) => self.resources.set_music(music),
                    Ok(Task::Order(order)) => {
                        self.resources.handle_order(Instant::now(), &order, &mut self.outputs);
                        self.carry_out();
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            let statistics = Statistics { unsent: self.unsent, ..self.resources.statistics() };
            *self.statistics.lock().unwrap_or_else(PoisonError::into_inner) = statistics;
        }
    }

    /// Waits until something is ready or it is time to play. Gives what is ready.
    fn wait<'a>(
        &self,
        events: &'a mut [MaybeUninit<epoll::Event>; EVENTS],
    ) -> impl Iterator<Item = u64> + use<'a> {
        let left = self.resources.next_timeout().map(|due| {
            let left = due.saturating_duration_since(Instant::now());
            Timespec::try_from(left).expect("the next time to play is near")
        });
        let ready = match epoll::wait(&self.readiness, events, left.as_ref()) {
            Ok((ready, _)) => &*ready,
            Err(Errno::INTR) => &[],
            Err(error) => unreachable!("epoll is asked rightly: {error}"),
        };
        ready.iter().map(|event| event.data.u64())
    }

    fn receive(&mut self, socket: u64, datagram: &mut [u8; DATAGRAM]) {
        let (stream, channel) = of_token(socket);
        for _ in 0..TURN {
            let Some(pair) = self.pairs.get(&stream) else { return };
            match pair.socket(channel).recv_from(datagram) {
                Ok((len, from)) => {
                    let bytes = &datagram[..len];
                    self.resources.handle_packet(Instant::now(), stream, channel, from, bytes);
                }
                // Nothing is there any more; or it is about an earlier packet that did not arrive.
                Err(_) => return,
            }
        }
    }

    fn carry_out(&mut self) {
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in outputs.drain(..) {
            match output {
                Output::Send(packet) => self.send(&packet),
                Output::Open { stream, answer } => {
                    let opened = self.open(stream);
                    if opened.is_err() {
                        self.resources.lost(Instant::now(), stream);
                    }
                    if answer {
                        (self.answer)(stream, opened);
                    }
                }
                // Closed sockets are no longer waited for.
                Output::Close(stream) => drop(self.pairs.remove(&stream)),
                Output::Refuse(stream, refused) => (self.answer)(stream, Err(refused)),
            }
        }
        self.outputs = outputs;
    }

    fn send(&mut self, packet: &Packet) {
        let Some(pair) = self.pairs.get(&packet.stream) else { return };
        let sent = pair.socket(packet.channel).send_to(&packet.bytes, packet.to);
        // There is no second try for media.
        self.unsent += u64::from(sent.is_err());
    }

    fn open(&mut self, stream: StreamId) -> Result<SocketAddr, MediaRefused> {
        if let Some(pair) = self.pairs.get(&stream) {
            return Ok(pair.address);
        }
        let opened = self.ports.open().and_then(|pair| {
            for channel in [Channel::Rtp, Channel::Rtcp] {
                let data = epoll::EventData::new_u64(token(stream, channel));
                epoll::add(&self.readiness, pair.socket(channel), data, epoll::EventFlags::IN)?;
            }
            Ok(pair)
        });
        let pair = opened.map_err(|_| MediaRefused::Status(MediaStatus::NO_SOCKETS.0))?;
        let address = pair.address;
        self.pairs.insert(stream, pair);
        Ok(address)
    }
}

impl Pair {
    fn socket(&self, channel: Channel) -> &UdpSocket {
        match channel {
            Channel::Rtp => &self.rtp,
            Channel::Rtcp => &self.rtcp,
        }
    }
}

/// What epoll calls a socket.
fn token(stream: StreamId, channel: Channel) -> u64 {
    u64::from(stream.0) << 1 | u64::from(channel == Channel::Rtcp)
}

fn of_token(token: u64) -> (StreamId, Channel) {
    let channel = if token & 1 == 0 { Channel::Rtp } else { Channel::Rtcp };
    (StreamId((token >> 1) as u32), channel)
}
