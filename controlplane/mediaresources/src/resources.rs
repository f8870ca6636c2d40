//! All streams, without I/O: orders and packets in, packets out, the time as an argument.

mod pace;
mod statistics;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Instant, SystemTime};

use callmanager::codec::Codec;
use callmanager::switchboard::{
    CallId, MediaCommand, MediaOrder, MediaPort, MediaRefused, StreamId,
};
use rand::Rng;
use rand::rngs::StdRng;
use sccp::codes::MediaStatus;
use speech::g711::Law;

use crate::FRAME;
use crate::conference::Conference;
use crate::hearing::Unheard;
use crate::music::Music;
pub use crate::packet::{Channel, LONGEST, Packet};
use crate::report::Origin;
use crate::sender::Sender;
use pace::{Pace, SLOTS};
pub use statistics::Statistics;

/// What may be had at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Streams in all; each has two ports.
    pub streams: usize,
    /// Those in one conference.
    pub conference: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { streams: 1000, conference: 64 }
    }
}

/// What is to be done outside.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are packets, and none is to be allocated"
)]
pub enum Output {
    /// Open a stream's two ports, unless they are open, and say where if `answer`. If that cannot
    /// be: [`Resources::lost`].
    Open {
        /// Whose.
        stream: StreamId,
        /// Whether somebody waits for the address.
        answer: bool,
    },
    /// Close a stream's ports.
    Close(StreamId),
    /// Say that a stream cannot be had.
    Refuse(StreamId, MediaRefused),
    /// Send a packet.
    Send(Packet),
}

/// Music on hold and conference bridges.
#[derive(Debug)]
pub struct Resources {
    limits: Limits,
    music: Music,
    streams: BTreeMap<StreamId, Stream>,
    conferences: BTreeMap<CallId, Conference>,
    /// How many streams each slot of the pace has.
    load: [usize; SLOTS],
    /// While there are streams.
    pace: Option<Pace>,
    origin: Origin,
    rng: StdRng,
    statistics: Statistics,
}

#[derive(Debug)]
struct Stream {
    programme: Programme,
    /// When it is played. Those in a conference have the same one.
    slot: usize,
    /// Whether it receives.
    open: bool,
    sender: Option<Sender>,
}

/// What is heard on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Programme {
    /// Music, of which so many samples have been played: everybody hears it from its beginning.
    Music { played: u64 },
    /// The others of a conference.
    Conference(CallId),
}

impl Resources {
    /// Nothing is played yet. `rng` makes synchronisation sources and the like; `wall` is the time
    /// that reports tell.
    pub fn new(
        now: Instant,
        wall: SystemTime,
        mut rng: StdRng,
        music: Music,
        limits: Limits,
    ) -> Self {
        Self {
            limits,
            music,
            streams: BTreeMap::new(),
            conferences: BTreeMap::new(),
            load: [0; SLOTS],
            pace: None,
            origin: Origin::new(now, wall, rng.random()),
            rng,
            statistics: Statistics::default(),
        }
    }

    /// Those on hold hear this from now on; who listens already goes on in the middle of it.
    pub fn set_music(&mut self, music: Music) {
        self.music = music;
    }

    /// Carries out an order. One for a device is none for a resource and is not looked at.
    pub fn handle_order(&mut self, now: Instant, order: &MediaOrder, out: &mut Vec<Output>) {
        let programme = match order.port {
            MediaPort::Device { .. } => return,
            MediaPort::Music => Programme::Music { played: 0 },
            MediaPort::Bridge => Programme::Conference(order.call),
        };
        let stream = order.stream;
        let done = match &order.command {
            MediaCommand::OpenReceive { codec, key, .. } => {
                usable(*codec, key.is_some()).and_then(|_| self.open(now, stream, programme, out))
            }
            MediaCommand::StartTransmit { to, codec, key } => usable(*codec, key.is_some())
                .and_then(|law| self.start(now, stream, programme, (*to, law), out)),
            MediaCommand::CloseReceive => {
                self.close(now, stream, out);
                Ok(())
            }
            MediaCommand::StopTransmit => {
                self.stop(now, stream, out);
                Ok(())
            }
        };
        if let Err(refused) = done {
            self.statistics.refused += 1;
            out.push(Output::Refuse(stream, refused));
        }
        self.keep_pace(now);
    }

    /// A stream's ports could not be opened: it is as if it were not.
    pub fn lost(&mut self, now: Instant, stream: StreamId) {
        self.statistics.refused += 1;
        self.remove(stream);
        self.keep_pace(now);
    }

    /// A packet came in through a stream's port.
    pub fn handle_packet(
        &mut self,
        now: Instant,
        stream: StreamId,
        channel: Channel,
        from: SocketAddr,
        bytes: &[u8],
    ) {
        // Those on hold may say what they like.
        let Some(Stream { programme: Programme::Conference(call), .. }) = self.streams.get(&stream)
        else {
            return;
        };
        let found = self.conferences.get_mut(call);
        let heard = match found.and_then(|conference| conference.hearing(stream)) {
            // It is not known yet who may speak.
            None => Err(Unheard::Stranger),
            Some(hearing) => match channel {
                Channel::Rtp => hearing.hear(now, from, bytes),
                Channel::Rtcp => hearing.hear_report(now, from, bytes),
            },
        };
        let count = match heard {
            Ok(()) => &mut self.statistics.heard,
            Err(Unheard::Stranger) => &mut self.statistics.from_strangers,
            Err(Unheard::Malformed) => &mut self.statistics.malformed,
            Err(Unheard::Payload) => &mut self.statistics.no_speech,
            Err(Unheard::Late) => &mut self.statistics.late,
        };
        *count += 1;
    }

    /// Plays what is to be played by now.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Output>) {
        let Some(pace) = &mut self.pace else { return };
        let skipped = pace.skip(now);
        if skipped > 0 {
            self.statistics.skipped += u64::from(skipped);
            let senders = self.streams.values_mut().filter_map(|stream| stream.sender.as_mut());
            senders.for_each(|sender| sender.skip(skipped));
        }
        while let Some(slot) = self.pace.as_mut().and_then(|pace| pace.next(now, &self.load)) {
            self.play(now, slot, out);
        }
    }

    /// When [`Resources::handle_timeout`] is to be called next.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.pace.as_ref().and_then(|pace| pace.due(&self.load))
    }

    /// What goes on, and what was counted since the beginning.
    pub fn statistics(&self) -> Statistics {
        let speakers: usize = self.conferences.values().map(Conference::len).sum();
        Statistics {
            listeners: (self.streams.len() - speakers) as u64,
            speakers: speakers as u64,
            conferences: self.conferences.len() as u64,
            ..self.statistics
        }
    }

    fn play(&mut self, now: Instant, slot: usize, out: &mut Vec<Output>) {
        let Self { streams, conferences, origin, rng, .. } = self;
        let before = out.len();
        let mut send = |packet| out.push(Output::Send(packet));
        for stream in streams.values_mut().filter(|stream| stream.slot == slot) {
            let (Programme::Music { played }, Some(sender)) =
                (&mut stream.programme, &mut stream.sender)
            else {
                continue;
            };
            send(sender.send(self.music.payload(sender.law(), *played)));
            *played += FRAME as u64;
            sender.report(now, None, origin, rng).into_iter().for_each(&mut send);
        }
        for conference in conferences.values_mut().filter(|found| found.slot() == slot) {
            self.statistics.concealed += conference.play(|stream, frame, hearing| {
                let sender = streams.get_mut(&stream).and_then(|found| found.sender.as_mut());
                let Some(sender) = sender else { return };
                send(sender.speak(frame));
                sender.report(now, hearing, origin, rng).into_iter().for_each(&mut send);
            });
        }
        self.statistics.sent += (out.len() - before) as u64;
    }

    /// A stream receives.
    fn open(
        &mut self,
        now: Instant,
        stream: StreamId,
        programme: Programme,
        out: &mut Vec<Output>,
    ) -> Result<(), MediaRefused> {
        self.enter(stream, programme)?.open = true;
        self.listen(now, stream);
        out.push(Output::Open { stream, answer: true });
        Ok(())
    }

    /// A stream sends.
    fn start(
        &mut self,
        now: Instant,
        stream: StreamId,
        programme: Programme,
        (to, law): (SocketAddr, Law),
        out: &mut Vec<Output>,
    ) -> Result<(), MediaRefused> {
        let sender = Sender::new(stream, to, law, &mut self.rng);
        let found = self.enter(stream, programme)?;
        found.sender = Some(sender);
        if !found.open {
            out.push(Output::Open { stream, answer: false });
        }
        self.listen(now, stream);
        Ok(())
    }

    /// A stream receives no more.
    fn close(&mut self, now: Instant, stream: StreamId, out: &mut Vec<Output>) {
        let Some(found) = self.streams.get_mut(&stream) else { return };
        found.open = false;
        self.listen(now, stream);
        self.leave_if_done(stream, out);
    }

    /// A stream sends no more.
    fn stop(&mut self, now: Instant, stream: StreamId, out: &mut Vec<Output>) {
        let Some(found) = self.streams.get_mut(&stream) else { return };
        if let Some(sender) = found.sender.take() {
            out.push(Output::Send(sender.bye(now, &self.origin)));
        }
        self.leave_if_done(stream, out);
    }

    /// The stream, which is made if there is room.
    fn enter(&mut self, id: StreamId, programme: Programme) -> Result<&mut Stream, MediaRefused> {
        if !self.streams.contains_key(&id) {
            let slot = self.find_room(programme)?;
            if let Programme::Conference(call) = programme {
                self.conferences.entry(call).or_insert_with(|| Conference::new(slot)).join(id);
            }
            self.load[slot] += 1;
            self.streams.insert(id, Stream { programme, slot, open: false, sender: None });
        }
        Ok(self.streams.get_mut(&id).expect("it was made, if it was not there"))
    }

    /// The slot for one more of this kind.
    fn find_room(&self, programme: Programme) -> Result<usize, MediaRefused> {
        let full = Err(MediaRefused::Status(MediaStatus::NO_CHANNELS.0));
        if self.streams.len() >= self.limits.streams {
            return full;
        }
        if let Programme::Conference(call) = programme
            && let Some(conference) = self.conferences.get(&call)
        {
            let room = conference.len() < self.limits.conference;
            return if room { Ok(conference.slot()) } else { full };
        }
        let lightest = (0..SLOTS).min_by_key(|slot| self.load[*slot]);
        Ok(lightest.expect("there are slots"))
    }

    /// A stream of a conference is heard while it receives and it is known from where.
    fn listen(&mut self, now: Instant, stream: StreamId) {
        let Some(Stream { programme: Programme::Conference(call), open, sender, .. }) =
            self.streams.get(&stream)
        else {
            return;
        };
        let host = sender.as_ref().filter(|_| *open).map(|sender| sender.to().ip());
        if let Some(conference) = self.conferences.get_mut(call) {
            conference.listen(now, stream, host);
        }
    }

    /// A stream that neither sends nor receives is none.
    fn leave_if_done(&mut self, stream: StreamId, out: &mut Vec<Output>) {
        let done = |found: &Stream| !found.open && found.sender.is_none();
        if self.streams.get(&stream).is_some_and(done) {
            self.remove(stream);
            out.push(Output::Close(stream));
        }
    }

    fn remove(&mut self, stream: StreamId) {
        let Some(Stream { programme, slot, .. }) = self.streams.remove(&stream) else { return };
        self.load[slot] -= 1;
        if let Programme::Conference(call) = programme
            && let Some(conference) = self.conferences.get_mut(&call)
        {
            conference.leave(stream);
            if conference.len() == 0 {
                self.conferences.remove(&call);
            }
        }
    }

    /// The clock runs while there are streams.
    fn keep_pace(&mut self, now: Instant) {
        match self.streams.is_empty() {
            true => self.pace = None,
            false => {
                self.pace.get_or_insert_with(|| Pace::new(now));
            }
        }
    }
}

/// The law of a codec that can be had; what is encrypted cannot.
fn usable(codec: Codec, encrypted: bool) -> Result<Law, MediaRefused> {
    match codec {
        _ if encrypted => Err(MediaRefused::Encryption),
        Codec::G711_ULAW => Ok(Law::Mu),
        Codec::G711_ALAW => Ok(Law::A),
        _ => Err(MediaRefused::Status(MediaStatus::INVALID_CODEC.0)),
    }
}
