//! Sockets for many streams, and the thread that serves them.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use rustix::net::sockopt::{set_ip_tos, set_ipv6_tclass};
use speech::Comparison;

use super::ports::Ports;
use super::{
    Channel, Habits, Origin, Reception, Refused, Session, Sound, Statistics, Track, Transmission,
    recognise,
};

/// A stream: whose it is, and the PassThruPartyID under which CallManager opens it to receive and
/// tells it to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    /// Which telephone of this process.
    pub phone: u32,
    /// Which of its streams.
    pub party: u32,
}

/// The media of all telephones of a process: their sockets, and one thread.
///
/// Statistics and recordings of a stream are kept until [`Media::forget`], or until the stream is
/// ordered anew; its ports are free as soon as both directions have ended.
pub struct Media {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    registry: Registry,
    waker: Waker,
}

struct State {
    streams: HashMap<StreamId, Stream>,
    ports: Ports,
    /// By token, half of it.
    by_token: HashMap<usize, StreamId>,
    next_token: usize,
    stop: bool,
}

struct Stream {
    session: Session,
    line: Option<Line>,
    /// Another stream whose speech this one sends as well.
    joined: Vec<StreamId>,
}

struct Line {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    /// The address of `rtp`.
    at: SocketAddr,
    /// Token of `rtp`; that of `rtcp` is one above.
    token: usize,
}

const WAKE: Token = Token(usize::MAX);

/// Largest datagram.
const DATAGRAM: usize = 2048;

/// Datagrams taken from one socket before the others have their turn.
const AT_ONCE: usize = 128;

impl Media {
    /// Starts the thread. Streams get ports out of this range.
    pub fn start(ports: RangeInclusive<u16>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let state = State {
            streams: HashMap::new(),
            ports: Ports::new(&ports)?,
            by_token: HashMap::new(),
            next_token: 0,
            stop: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            registry: poll.registry().try_clone()?,
            waker: Waker::new(poll.registry(), WAKE)?,
        });
        let thread = thread::Builder::new().name("media".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || serve(poll, &shared)
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// OpenReceiveChannel: opens ports at an address of the telephone, and says where media is
    /// received.
    pub fn open(
        &self,
        stream: StreamId,
        at: IpAddr,
        habits: &Habits,
        order: &Reception,
    ) -> Result<SocketAddr, Refused> {
        let mut state = self.shared.lock();
        let (session, at) = self.shared.line(&mut state, stream, at, habits)?;
        session.open(order);
        Ok(at)
    }

    /// CloseReceiveChannel.
    pub fn close(&self, stream: StreamId) {
        self.shared.change(stream, |session, _| session.close());
    }

    /// StartMediaTransmission: says from where media is sent, which is where the stream receives.
    pub fn transmit(
        &self,
        stream: StreamId,
        at: IpAddr,
        habits: &Habits,
        order: &Transmission,
    ) -> Result<SocketAddr, Refused> {
        let mut state = self.shared.lock();
        let (session, at) = self.shared.line(&mut state, stream, at, habits)?;
        session.transmit(Instant::now(), order);
        if let Some(line) = state.streams.get(&stream).and_then(|stream| stream.line.as_ref()) {
            line.set_service(order.service);
        }
        drop(state);
        self.shared.wake();
        Ok(at)
    }

    /// StopMediaTransmission.
    pub fn stop(&self, stream: StreamId) {
        self.shared.change(stream, Session::stop);
    }

    /// Says something else into a stream.
    pub fn say(&self, stream: StreamId, track: Track) {
        self.shared.change(stream, |session, _| session.say(track));
    }

    /// Lets each of two streams send also what is heard on the other: the bridge that is built
    /// into a telephone.
    pub fn join(&self, a: StreamId, b: StreamId) {
        let mut state = self.shared.lock();
        for (from, to) in [(a, b), (b, a)] {
            if let Some(stream) = state.streams.get_mut(&from)
                && !stream.joined.contains(&to)
            {
                stream.joined.push(to);
            }
        }
    }

    /// What was sent and received; zeros for a stream that never was.
    pub fn statistics(&self, stream: StreamId) -> Statistics {
        self.shared.look(stream, Session::statistics).unwrap_or_default()
    }

    /// What was recorded, see [`Habits::records`].
    pub fn recorded(&self, stream: StreamId) -> Vec<i16> {
        self.shared.look(stream, |session| session.recorded().to_vec()).unwrap_or_default()
    }

    /// Whether what was recorded is what somebody said into the other end.
    pub fn compare(&self, stream: StreamId, said: &Track) -> Comparison {
        let recorded = self.recorded(stream);
        speech::compare(&said.first(recorded.len() + said.period()), &recorded)
    }

    /// What is to be heard now. `known` is what could be said or played.
    pub fn hears(&self, stream: StreamId, known: &[Track]) -> Sound {
        let heard = self.shared.look(stream, |session| session.listen(Instant::now())).flatten();
        heard.map_or(Sound::Nothing, |heard| recognise(&heard, known))
    }

    /// Ends a stream, and forgets what was measured.
    pub fn forget(&self, stream: StreamId) {
        let mut state = self.shared.lock();
        if let Some(mut stream) = state.streams.remove(&stream) {
            self.shared.release(&mut state, &mut stream);
        }
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.wake();
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

    /// The session of a stream, with ports. New ones if it has none.
    fn line<'s>(
        &self,
        state: &'s mut State,
        id: StreamId,
        ip: IpAddr,
        habits: &Habits,
    ) -> Result<(&'s mut Session, SocketAddr), Refused> {
        let State { streams, ports, by_token, next_token, .. } = state;
        let stream = streams.entry(id).or_insert_with(|| Stream::new(habits));
        let at = match &stream.line {
            Some(line) => line.at,
            None => {
                let refused = |error: io::Error| Refused::NoPort(error.to_string());
                let [rtp, rtcp] = ports.bind(ip).map_err(refused)?;
                let at = rtp.local_addr().map_err(refused)?;
                let token = *next_token;
                *next_token += 2;
                let mut line = Line { rtp, rtcp, at, token };
                line.register(&self.registry).map_err(refused)?;
                by_token.insert(token / 2, id);
                *stream = Stream::new(habits);
                stream.line = Some(line);
                at
            }
        };
        Ok((&mut stream.session, at))
    }

    fn look<T>(&self, stream: StreamId, look: impl FnOnce(&Session) -> T) -> Option<T> {
        self.lock().streams.get(&stream).map(|stream| look(&stream.session))
    }

    fn change(&self, stream: StreamId, change: impl FnOnce(&mut Session, Instant)) {
        if let Some(stream) = self.lock().streams.get_mut(&stream) {
            change(&mut stream.session, Instant::now());
        }
        self.wake();
    }

    /// Frees the ports of a stream.
    fn release(&self, state: &mut State, stream: &mut Stream) {
        if let Some(mut line) = stream.line.take() {
            state.by_token.remove(&(line.token / 2));
            // Closing the sockets does it as well.
            let _ = self.registry.deregister(&mut line.rtp);
            let _ = self.registry.deregister(&mut line.rtcp);
        }
    }

    fn wake(&self) {
        // A thread that cannot be woken looks again at the next packet or timeout.
        let _ = self.waker.wake();
    }
}

impl Stream {
    fn new(habits: &Habits) -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let origin = Origin { seed: rand::random(), wall: since_1970.unwrap_or_default() };
        let session = Session::new(Instant::now(), origin, habits.clone());
        Self { session, line: None, joined: Vec::new() }
    }

    /// Sends what is due.
    fn flush(&mut self, now: Instant, packet: &mut Vec<u8>) {
        let Some(line) = &self.line else { return };
        while let Some((channel, to)) = self.session.poll_output(now, packet) {
            if line.socket(channel).send_to(packet, to).is_err() {
                self.session.not_sent();
            }
        }
    }
}

impl Line {
    fn socket(&self, channel: Channel) -> &UdpSocket {
        match channel {
            Channel::Rtp => &self.rtp,
            Channel::Rtcp => &self.rtcp,
        }
    }

    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.rtp, Token(self.token), Interest::READABLE)?;
        registry.register(&mut self.rtcp, Token(self.token + 1), Interest::READABLE)
    }

    /// Marks packets. A network that does not want marks takes them off.
    fn set_service(&self, service: u8) {
        for socket in [&self.rtp, &self.rtcp] {
            let _ = match self.at {
                SocketAddr::V4(_) => set_ip_tos(socket, service),
                SocketAddr::V6(_) => set_ipv6_tclass(socket, service.into()),
            };
        }
    }
}

fn serve(mut poll: Poll, shared: &Shared) {
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; DATAGRAM];
    let mut packet = Vec::with_capacity(DATAGRAM);
    // Sockets that were not read to their end.
    let mut again: Vec<usize> = Vec::new();
    let mut wait = None;
    loop {
        if let Err(error) = poll.poll(&mut events, wait)
            && error.kind() != io::ErrorKind::Interrupted
        {
            eprintln!("media: cannot wait for packets: {error}");
            return;
        }
        let mut state = shared.lock();
        if state.stop {
            return;
        }
        let ready = events.iter().map(|event| event.token()).filter(|token| *token != WAKE);
        let ready: Vec<usize> = again.drain(..).chain(ready.map(|Token(token)| token)).collect();
        again.extend(ready.into_iter().filter(|token| state.read(*token, &mut buffer)));
        let now = Instant::now();
        let mut next: Option<Instant> = None;
        let mut over = Vec::new();
        for (id, stream) in &mut state.streams {
            stream.flush(now, &mut packet);
            if stream.line.is_some() && stream.session.is_over() {
                over.push(*id);
            }
            next = next.into_iter().chain(stream.session.poll_timeout()).min();
        }
        for id in over {
            if let Some(mut stream) = state.streams.remove(&id) {
                shared.release(&mut state, &mut stream);
                state.streams.insert(id, stream);
            }
        }
        wait = match again.is_empty() {
            true => next.map(|next| next.saturating_duration_since(Instant::now())),
            false => Some(Duration::ZERO),
        };
    }
}

impl State {
    /// Takes what has come to a socket; `true` if there is more.
    fn read(&mut self, token: usize, buffer: &mut [u8]) -> bool {
        let Some(&id) = self.by_token.get(&(token / 2)) else { return false };
        let channel = if token.is_multiple_of(2) { Channel::Rtp } else { Channel::Rtcp };
        for _ in 0..AT_ONCE {
            let Some(Stream { session, line: Some(line), joined }) = self.streams.get_mut(&id)
            else {
                return false;
            };
            // Nobody there (ECONNREFUSED) is no reason to stop listening.
            let (len, from) = match line.socket(channel).recv_from(buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => continue,
            };
            let heard = session.handle(Instant::now(), channel, from, &mut buffer[..len]);
            if let (Some(heard), false) = (heard, joined.is_empty()) {
                let (heard, joined) = (heard.to_vec(), joined.clone());
                for other in joined {
                    if let Some(other) = self.streams.get_mut(&other) {
                        other.session.mix(&heard);
                    }
                }
            }
        }
        true
    }
}
