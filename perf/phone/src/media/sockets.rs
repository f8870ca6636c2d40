//! Sockets for many streams, and the thread that serves them.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use rustix::net::sockopt::{set_ip_tos, set_ipv6_tclass};
use sccp::{CallRef, PassThruPartyId};
use speech::Comparison;

use super::ports::Ports;
use super::{
    Channel, Habits, Origin, Reception, Refused, Session, Sound, Statistics, Track, Transmission,
    recognise,
};
use crate::station;

/// What the station is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// For [`Station::handle_opened`](station::Station::handle_opened), with
    /// [`Refused::status`] if there is no address.
    Opened(station::StreamId, Result<SocketAddr, Refused>),
    /// For [`Station::handle_unsendable`](station::Station::handle_unsendable).
    Unsendable(station::StreamId, Refused),
    /// For [`Station::handle_statistics`](station::Station::handle_statistics).
    Statistics(station::Statistics),
}

/// A stream of one of the telephones of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    /// Which telephone.
    pub phone: u32,
    /// Which of its streams.
    pub stream: station::StreamId,
}

/// The media of all telephones of a process: their sockets, and one thread.
///
/// [`Media::obey`] is all that a [`Station`] needs. What was measured and recorded of a stream is
/// kept until its telephone has a stream in another call, or until [`Media::forget`]; its ports are
/// free as soon as both directions have ended.
///
/// [`Station`]: crate::station::Station
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
    streams: BTreeMap<StreamId, Stream>,
    ports: Ports,
    /// By their number.
    open: HashMap<usize, StreamId>,
    /// Of the next stream.
    number: usize,
    stop: bool,
}

struct Stream {
    session: Session,
    /// Each has another one.
    number: usize,
    line: Option<Line>,
    /// Its telephone is in another call.
    forgotten: bool,
}

struct Line {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    /// The address of `rtp`.
    at: SocketAddr,
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
            streams: BTreeMap::new(),
            ports: Ports::new(&ports)?,
            open: HashMap::new(),
            number: 0,
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

    /// Does what the station of a telephone orders. Its ports are at its address `at`. Of two streams
    /// in the same call each hears the other, as well as the telephone.
    pub fn obey(
        &self,
        phone: u32,
        at: IpAddr,
        habits: &Habits,
        order: &station::Order,
    ) -> Option<Answer> {
        use station::Order;
        match order {
            Order::Open(receive) => {
                let stream = receive.stream;
                let opened = Reception::try_from(receive)
                    .and_then(|order| self.open(StreamId { phone, stream }, at, habits, &order));
                Some(Answer::Opened(stream, opened))
            }
            Order::Start(transmit) => {
                let stream = transmit.stream;
                let started = Transmission::try_from(transmit).and_then(|order| {
                    self.transmit(StreamId { phone, stream }, at, habits, &order)
                });
                started.err().map(|refused| Answer::Unsendable(stream, refused))
            }
            Order::Close(stream) => {
                self.close(StreamId { phone, stream: *stream });
                None
            }
            Order::Stop(stream) => {
                self.stop(StreamId { phone, stream: *stream });
                None
            }
            Order::Report { call, .. } => Some(Answer::Statistics(
                self.of_call(phone, *call)
                    .last()
                    .map_or_else(station::Statistics::default, |(_, statistics)| statistics.into()),
            )),
        }
    }

    /// Opens ports at an address of the telephone, and says where media is received.
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

    /// Receives no more.
    pub fn close(&self, stream: StreamId) {
        self.shared.change(stream, |session, _| session.close());
    }

    /// Sends, from where the stream receives, and says where that is.
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

    /// Sends no more.
    pub fn stop(&self, stream: StreamId) {
        self.shared.change(stream, Session::stop);
    }

    /// Says something else into a stream.
    pub fn say(&self, stream: StreamId, track: Track) {
        self.shared.change(stream, |session, _| session.say(track));
    }

    /// What was sent and received in a call, by its streams, the oldest first.
    pub fn of_call(&self, phone: u32, call: CallRef) -> Vec<(StreamId, Statistics)> {
        self.streams(phone, call, |_| true)
    }

    /// The same of those of its streams that are not over.
    pub fn running(&self, phone: u32, call: CallRef) -> Vec<(StreamId, Statistics)> {
        self.streams(phone, call, Session::is_running)
    }

    fn streams(
        &self,
        phone: u32,
        call: CallRef,
        wanted: impl Fn(&Session) -> bool,
    ) -> Vec<(StreamId, Statistics)> {
        let state = self.shared.lock();
        let streams = state.of_phone(phone);
        let mut found: Vec<_> = streams
            .filter(|(id, stream)| id.stream.call == call && wanted(&stream.session))
            .collect();
        found.sort_by_key(|(_, stream)| stream.number);
        found.into_iter().map(|(id, stream)| (*id, stream.session.statistics())).collect()
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
        if let Some(stream) = state.streams.remove(&stream) {
            state.open.remove(&stream.number);
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
        if state.streams.get(&id).is_none_or(|stream| stream.line.is_none()) {
            let stream = self.begin(state, ip, habits);
            let stream = stream.map_err(|error| Refused::NoPort(error.to_string()))?;
            state.forget_calls_before(id);
            state.open.insert(stream.number, id);
            state.streams.insert(id, stream);
        }
        let stream = state.streams.get_mut(&id).expect("it is there, or was just put there");
        let at = stream.line.as_ref().expect("only streams without one are replaced").at;
        Ok((&mut stream.session, at))
    }

    fn begin(&self, state: &mut State, ip: IpAddr, habits: &Habits) -> io::Result<Stream> {
        let [rtp, rtcp] = state.ports.bind(ip)?;
        let at = rtp.local_addr()?;
        let mut line = Line { rtp, rtcp, at };
        state.number += 1;
        line.register(&self.registry, state.number)?;
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let origin = Origin { seed: rand::random(), wall: since_1970.unwrap_or_default() };
        let session = Session::new(Instant::now(), origin, habits.clone());
        Ok(Stream { session, number: state.number, line: Some(line), forgotten: false })
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

    fn wake(&self) {
        // A thread that cannot be woken looks again at the next packet or timeout.
        let _ = self.waker.wake();
    }
}

impl Stream {
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

    /// Closing the sockets takes it back.
    fn register(&mut self, registry: &Registry, number: usize) -> io::Result<()> {
        registry.register(&mut self.rtp, Token(2 * number), Interest::READABLE)?;
        registry.register(&mut self.rtcp, Token(2 * number + 1), Interest::READABLE)
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
        let next = state.flush(&mut packet);
        wait = match again.is_empty() {
            true => next.map(|next| next.saturating_duration_since(Instant::now())),
            false => Some(Duration::ZERO),
        };
    }
}

impl State {
    /// Takes what has come to a socket; `true` if there is more.
    fn read(&mut self, token: usize, buffer: &mut [u8]) -> bool {
        let Some(&id) = self.open.get(&(token / 2)) else { return false };
        let channel = if token.is_multiple_of(2) { Channel::Rtp } else { Channel::Rtcp };
        let joined: Vec<StreamId> = self.joined(id).collect();
        for _ in 0..AT_ONCE {
            let Some(Stream { session, line: Some(line), .. }) = self.streams.get_mut(&id) else {
                return false;
            };
            // Nobody there (ECONNREFUSED) is no reason to stop listening.
            let (len, from) = match line.socket(channel).recv_from(buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => continue,
            };
            let heard = session.handle(Instant::now(), channel, from, &mut buffer[..len]);
            if let Some(heard) = heard.filter(|_| !joined.is_empty()).map(<[i16]>::to_vec) {
                for other in &joined {
                    if let Some(other) = self.streams.get_mut(other) {
                        other.session.mix(&heard);
                    }
                }
            }
        }
        true
    }

    /// The streams that send what this one hears: those of the same call.
    fn joined(&self, id: StreamId) -> impl Iterator<Item = StreamId> {
        let of_call = move |other: &StreamId| other.stream.call == id.stream.call && *other != id;
        self.of_phone(id.phone).map(|(other, _)| *other).filter(of_call)
    }

    /// Sends what is due, and frees the ports of what is over. Says when something is due again.
    fn flush(&mut self, packet: &mut Vec<u8>) -> Option<Instant> {
        let now = Instant::now();
        let mut next: Option<Instant> = None;
        for stream in self.streams.values_mut() {
            stream.flush(now, packet);
            next = next.into_iter().chain(stream.session.poll_timeout()).min();
            if stream.session.is_over() && stream.line.take().is_some() {
                self.open.remove(&stream.number);
            }
        }
        self.forget();
        next
    }

    /// A telephone that is in another call by now is not asked about those before.
    fn forget_calls_before(&mut self, StreamId { phone, stream }: StreamId) {
        for (id, other) in self.streams.range_mut(all_of(phone)) {
            other.forgotten |= id.stream.call != stream.call;
        }
        self.forget();
    }

    /// Forgets what is to be forgotten, and over.
    fn forget(&mut self) {
        self.streams.retain(|_, stream| !stream.forgotten || stream.line.is_some());
    }

    fn of_phone(&self, phone: u32) -> impl Iterator<Item = (&StreamId, &Stream)> {
        self.streams.range(all_of(phone))
    }
}

/// Every stream that a telephone can have.
fn all_of(phone: u32) -> RangeInclusive<StreamId> {
    let end = |number| StreamId {
        phone,
        stream: station::StreamId { call: CallRef(number), party: PassThruPartyId(number) },
    };
    end(0)..=end(u32::MAX)
}
