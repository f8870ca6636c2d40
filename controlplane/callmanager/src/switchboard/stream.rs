//! Media streams: who hears whom, and with which keys.
//!
//! What streams a call should have follows from who is in it ([`Switchboard::wire`]); those it has
//! and should not have are closed, those it should have and has not are opened. A stream that is
//! opened gets keys of its own, and forgets them once both ends have them. A port that sends under
//! keys of its own only is opened first, and the other end with what it has made.
//!
//! Placement: media goes from device to device, or through a relay, as `relay` decides. An end
//! sends when it knows where to: where the other end has opened its port, or where the relay
//! receives from it.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Switchboard;
use super::action::{Action, MediaCommand, MediaOrder, MediaPort, Sends};
use super::alarm::CallAlarm;
use super::device::Profile;
use super::event::{MediaRefused, Owner};
use super::id::{CallId, LegId, StreamId};
use super::leg::{Failure, LegState};
use super::relay::{Passage, Way};
use super::timers::Timer;
use crate::codec::{self, Codec, Side};
use crate::keys::{MasterKey, NoRandomness, StreamKeys};
use crate::security::Security;

/// A stream between two ends, in both directions.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) codec: Codec,
    /// Whether it is encrypted.
    pub(super) secure: bool,
    /// The call it was opened for: its ends may be in another by now.
    pub(super) call: CallId,
    pub(super) ends: [End; 2],
    /// What each end encrypts and decrypts with; until all have been told.
    pub(super) keys: Option<[EndKeys; 2]>,
    /// Its way through a relay, if that is its way.
    pub(super) passage: Option<Passage>,
}

#[derive(Debug)]
pub(super) struct End {
    pub(super) port: Port,
    pub(super) stream: StreamId,
    pub(super) receive: Receive,
    transmits: Transmit,
    /// It has yet to make the key that it sends under.
    pub(super) makes_key: bool,
    /// Its administrator knows that it cannot send.
    failed: bool,
}

/// The keys of an end.
#[derive(Debug)]
pub(super) struct EndKeys {
    pub(super) send: Arc<MasterKey>,
    pub(super) receive: Arc<MasterKey>,
}

/// Who has an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    Leg(LegId),
    Music,
    Bridge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receive {
    Never,
    /// The other end has yet to make the key that it is to be opened with.
    ExpectKey,
    Opening,
    At(SocketAddr),
}

/// Whether an end sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transmit {
    No,
    /// It was told to, and has yet to confirm it.
    Asked,
    Yes,
}

/// Why a stream does not come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenError {
    NoAnswer,
    Refused(MediaRefused),
}

impl Link {
    pub(super) fn ports(&self) -> [Port; 2] {
        [self.ends[0].port, self.ends[1].port]
    }

    /// Whether both ends send, if they should.
    pub(super) fn is_up(&self) -> bool {
        let [a, b] = &self.ends;
        let sends =
            |from: &End, to: &End| from.transmits == Transmit::Yes || to.receive == Receive::Never;
        sends(a, b) && sends(b, a)
    }

    /// Where an end sends to, once that is known.
    fn destination(&self, end: usize) -> Option<SocketAddr> {
        match (&self.passage, self.ends[1 - end].receive) {
            (Some(passage), _) => passage.receives_from(end),
            (None, Receive::At(address)) => Some(address),
            (None, Receive::Never | Receive::ExpectKey | Receive::Opening) => None,
        }
    }

    fn has(&self, leg: LegId) -> bool {
        self.ports().contains(&Port::Leg(leg))
    }
}

impl Switchboard {
    /// Makes the streams of a call what they should be.
    pub(super) fn wire(&mut self, call: CallId) {
        let wanted = self.wanted(call);
        self.unlink(call, |ports| !wanted.contains(ports));
        for ports in wanted {
            let there = |link: &Link| link.ports() == ports;
            if !self.calls[&call].links.iter().any(there) {
                let way = self.way(ports);
                self.open(call, ports, way);
            }
        }
    }

    /// Who should hear whom.
    fn wanted(&self, call: CallId) -> Vec<[Port; 2]> {
        let found = &self.calls[&call];
        let state = |leg: &LegId| &self.legs[leg].state;
        let speaks = |leg: &&LegId| *state(leg) == LegState::Connected;
        if found.bridge.is_some() {
            let speakers = found.parties.iter().filter(speaks);
            return speakers.map(|leg| [Port::Leg(*leg), Port::Bridge]).collect();
        }
        let [a, b] = found.parties[..] else { return Vec::new() };
        let mut wanted = match (state(&a), state(&b)) {
            (LegState::Connected, LegState::Connected) => vec![[Port::Leg(a), Port::Leg(b)]],
            (LegState::Connected, LegState::Held) if !found.no_music => {
                vec![[Port::Leg(a), Port::Music]]
            }
            (LegState::Held, LegState::Connected) if !found.no_music => {
                vec![[Port::Leg(b), Port::Music]]
            }
            _ => Vec::new(),
        };
        if let Some(barge) = &found.barge {
            wanted.push([Port::Leg(barge.target), Port::Leg(barge.initiator)]);
        }
        wanted
    }

    pub(super) fn open(&mut self, call: CallId, ports: [Port; 2], way: Way) {
        self.secure_ports(ports);
        // Of two that make their keys, each would have to wait for the other's.
        let both = way == Way::Direct && ports.into_iter().all(|port| self.makes_keys(port));
        let secure = !both && self.may_encrypt(call, ports);
        let Some(codec) = self.choose_codec(ports, secure) else {
            return self.cannot_open(call, ports, CallAlarm::NoCodec { call });
        };
        let keys = match secure.then(|| keys(way)).transpose() {
            Ok(keys) => keys,
            Err(error) => {
                let alarm = CallAlarm::NoRandomness { call, error: error.to_string() };
                return self.cannot_open(call, ports, alarm);
            }
        };
        let makes_key = ports.map(|port| secure && self.makes_keys(port));
        let passage = (way == Way::Relayed).then(|| self.new_passage(call));
        let music = ports.contains(&Port::Music);
        let ends = [0, 1].map(|end: usize| {
            let port = ports[end];
            let stream = StreamId(self.ids.next(|id| self.streams.contains_key(&StreamId(id))));
            self.streams.insert(stream, call);
            let receive = match (port, way) {
                (Port::Music, Way::Direct) => Receive::Never,
                (_, Way::Direct) if makes_key[1 - end] => Receive::ExpectKey,
                _ => Receive::Opening,
            };
            // Whoever hears music does not speak.
            let hears_music = music && port != Port::Music;
            let transmits = if hears_music { Transmit::Yes } else { Transmit::No };
            End { port, stream, receive, transmits, makes_key: makes_key[end], failed: false }
        });
        let link = Link { codec, secure, call, ends, keys, passage };
        for end in [0, 1] {
            if link.ends[end].receive == Receive::Opening {
                self.open_end(&link, end);
            }
        }
        self.calls.get_mut(&call).expect("the caller has it").links.push(link);
    }

    fn open_end(&mut self, link: &Link, end: usize) {
        let key = link.keys.as_ref().map(|keys| keys[end].receive.clone());
        let sends = match (&link.keys, link.ends[end].transmits) {
            (_, Transmit::Yes) => Sends::Nothing,
            (None, _) => Sends::Plain,
            (Some(_), _) if link.ends[end].makes_key => Sends::OwnKey,
            (Some(keys), _) => Sends::Encrypted(keys[end].send.clone()),
        };
        self.order(link, end, MediaCommand::OpenReceive { codec: link.codec, key, sends });
        let timer = Timer::Stream(link.ends[end].stream);
        self.timers.start(timer, self.now + self.settings.media);
    }

    /// An end has made the key that it sends under: who receives from it is opened with that.
    pub(super) fn key_made(&mut self, by: &Owner, stream: StreamId, key: Arc<MasterKey>) {
        let Some((call, index, end)) = self.find_stream(by, stream) else { return self.ignore() };
        let links = &mut self.calls.get_mut(&call).expect("its stream was found").links;
        if !links[index].ends[end].makes_key {
            return self.ignore();
        }
        let mut link = links.swap_remove(index);
        link.ends[end].makes_key = false;
        let other = 1 - end;
        let keys = link.keys.as_mut().expect("it stays until all have been told");
        if link.passage.is_none() {
            keys[other].receive = key.clone();
        }
        keys[end].send = key;
        if link.ends[other].receive == Receive::ExpectKey {
            link.ends[other].receive = Receive::Opening;
            self.open_end(&link, other);
        }
        self.calls.get_mut(&call).expect("its stream was found").links.push(link);
    }

    /// Whether an end sends under keys of its own only.
    fn makes_keys(&self, port: Port) -> bool {
        let Port::Leg(leg) = port else { return false };
        self.devices.get(&self.legs[&leg].device).is_some_and(|device| device.makes_keys)
    }

    /// Keys go to two encrypted devices only, and only where nothing else in the call is in the
    /// way: a telephone that mixes can have encrypted streams or plain ones, not both.
    fn may_encrypt(&self, call: CallId, ports: [Port; 2]) -> bool {
        let found = &self.calls[&call];
        let encrypted = |port| match port {
            Port::Leg(leg) => self.legs[&leg].security == Security::Encrypted,
            Port::Music | Port::Bridge => false,
        };
        let barge = |barge: &super::barge::Barge| {
            ports == [Port::Leg(barge.target), Port::Leg(barge.initiator)]
        };
        !found.plain
            && ports.into_iter().all(encrypted)
            && found
                .barge
                .as_ref()
                .filter(|found| barge(found))
                .is_none_or(|barge| barge.outcome.status == Security::Encrypted)
    }

    /// What is known of the device at an end, if it can be reached.
    pub(super) fn profile(&self, port: Port) -> Option<&Profile> {
        let Port::Leg(leg) = port else { return None };
        let leg = &self.legs[&leg];
        let reachable = !leg.preserved;
        self.devices.get(&leg.device).filter(|_| reachable).map(|device| &device.profile)
    }

    fn choose_codec(&self, [a, b]: [Port; 2], secure: bool) -> Option<Codec> {
        let side = |port| match (port, self.profile(port)) {
            (_, Some(profile)) => {
                Some(Side { codecs: &profile.codecs, encrypts_wideband: profile.encrypts_wideband })
            }
            (Port::Leg(_), None) => None,
            (Port::Music | Port::Bridge, None) => {
                Some(Side { codecs: RESOURCE_CODECS, encrypts_wideband: true })
            }
        };
        let limit = match (self.profile(a), self.profile(b)) {
            (Some(a), Some(b)) => self.settings.regions.limit(a.region, b.region),
            _ => u32::MAX,
        };
        let status = if secure { Security::Encrypted } else { Security::NonSecure };
        codec::choose(side(a)?, side(b)?, limit, status)
    }

    /// Closes all streams of a leg.
    pub(super) fn unwire(&mut self, leg: LegId) {
        let call = self.legs[&leg].call;
        self.unlink(call, |ports| ports.contains(&Port::Leg(leg)));
    }

    /// Closes some streams of a call.
    pub(super) fn unlink(&mut self, call: CallId, close: impl Fn(&[Port; 2]) -> bool) {
        let links = &mut self.calls.get_mut(&call).expect("the caller has it").links;
        let (closed, kept) =
            std::mem::take(links).into_iter().partition(|link| close(&link.ports()));
        *links = kept;
        let closed: Vec<Link> = closed;
        for link in closed {
            for (index, end) in link.ends.iter().enumerate() {
                self.streams.remove(&end.stream);
                self.timers.stop(Timer::Stream(end.stream));
                if !matches!(end.receive, Receive::Never | Receive::ExpectKey) {
                    self.order(&link, index, MediaCommand::CloseReceive);
                }
                let hears_music = link.ends[1 - index].port == Port::Music;
                if end.transmits != Transmit::No && !hears_music {
                    self.order(&link, index, MediaCommand::StopTransmit);
                }
            }
            self.close_passage(&link);
        }
    }

    /// A port is open, or not.
    pub(super) fn media_opened(
        &mut self,
        by: &Owner,
        stream: StreamId,
        result: Result<SocketAddr, MediaRefused>,
    ) {
        let Some((call, link, end)) = self.find_stream(by, stream) else { return self.ignore() };
        let found = &mut self.calls.get_mut(&call).expect("its stream was found").links[link];
        if found.ends[end].receive != Receive::Opening {
            return self.ignore();
        }
        let (ports, way) =
            (found.ports(), if found.is_relayed() { Way::Relayed } else { Way::Direct });
        if result.is_ok() && found.ends[end].makes_key {
            // Under what it sends nobody knows.
            return self.not_opened(stream, OpenError::Refused(MediaRefused::Encryption));
        }
        match result {
            Ok(address) => {
                found.ends[end].receive = Receive::At(address);
                let reach = found.is_relayed() || found.ends_are_alike();
                if found.ends[end].transmits != Transmit::Asked {
                    self.timers.stop(Timer::Stream(stream));
                }
                match reach {
                    true => self.advance(call, link),
                    false => self.unreachable(call, ports),
                }
            }
            Err(MediaRefused::OwnKeysOnly) => match self.learn_key_maker(by) {
                true => self.open_anew(call, ports, way),
                false => self.not_opened(stream, OpenError::Refused(MediaRefused::Encryption)),
            },
            Err(refused) => self.not_opened(stream, OpenError::Refused(refused)),
        }
    }

    /// Notes that a port sends under keys of its own only. Whether that is news.
    fn learn_key_maker(&mut self, by: &Owner) -> bool {
        let Owner::Device(device) = by else { return false };
        let port = self.devices.get_mut(device).filter(|found| found.profile.kind.is_port());
        port.is_some_and(|found| !std::mem::replace(&mut found.makes_keys, true))
    }

    /// Lets the ends of a link send that know where to.
    pub(super) fn advance(&mut self, call: CallId, index: usize) {
        let links = &mut self.calls.get_mut(&call).expect("the caller looked").links;
        let mut link = links.swap_remove(index);
        self.ask_relay(&mut link);
        for end in [0, 1] {
            if let Some(to) = link.destination(end)
                && link.ends[end].transmits == Transmit::No
            {
                link.ends[end].transmits = match self.is_port(link.ends[end].port) {
                    true => {
                        let timer = Timer::Stream(link.ends[end].stream);
                        self.timers.start(timer, self.now + self.settings.media);
                        Transmit::Asked
                    }
                    false => Transmit::Yes,
                };
                let key = link.keys.as_ref().map(|keys| keys[end].send.clone());
                let codec = link.codec;
                self.order(&link, end, MediaCommand::StartTransmit { to, codec, key });
            }
        }
        if link.is_up() {
            link.keys = None;
        }
        self.calls.get_mut(&call).expect("the caller looked").links.push(link);
        self.touch(call);
    }

    /// A port of a gateway has confirmed that it sends, or cannot.
    pub(super) fn media_started(
        &mut self,
        by: &Owner,
        stream: StreamId,
        result: Result<(), MediaRefused>,
    ) {
        let Some((call, link, end)) = self.find_stream(by, stream) else { return self.ignore() };
        let link = &mut self.calls.get_mut(&call).expect("its stream was found").links[link];
        if link.ends[end].transmits != Transmit::Asked {
            return self.ignore();
        }
        match result {
            Ok(()) => {
                link.ends[end].transmits = Transmit::Yes;
                if link.is_up() {
                    link.keys = None;
                }
                if link.ends[end].receive != Receive::Opening {
                    self.timers.stop(Timer::Stream(stream));
                }
                self.touch(call);
            }
            Err(refused) => self.not_opened(stream, OpenError::Refused(refused)),
        }
    }

    /// A stream does not come to be.
    pub(super) fn not_opened(&mut self, stream: StreamId, error: OpenError) {
        let Some(&call) = self.streams.get(&stream) else { return };
        let has = |link: &&Link| link.ends.iter().any(|end| end.stream == stream);
        let Some(link) = self.calls[&call].links.iter().find(has) else { return };
        let (ports, secure) = (link.ports(), link.secure);
        let end = usize::from(link.ends[1].stream == stream);
        let device = match ports[end] {
            Port::Leg(leg) => Some(self.legs[&leg].device.clone()),
            Port::Music | Port::Bridge => None,
        };
        let alarm = match error {
            OpenError::NoAnswer => CallAlarm::MediaUnanswered { device },
            OpenError::Refused(refused) => CallAlarm::MediaRefused { device, refused },
        };
        let withheld = error == OpenError::Refused(MediaRefused::KeysWithheld);
        let keyless = (withheld || error == OpenError::Refused(MediaRefused::Encryption))
            && secure
            && (self.settings.plain_fallback || self.is_port(ports[end]))
            && self.calls[&call].barge.is_none();
        if keyless {
            if !withheld {
                self.out.push(Action::Alarm(alarm));
            }
            self.calls.get_mut(&call).expect("its stream was found").plain = true;
            self.unlink(call, |other| *other == ports);
            self.touch(call);
        } else {
            self.cannot_open(call, ports, alarm);
        }
    }

    /// A stream cannot be had: whoever needs it does without, or hears so.
    pub(super) fn cannot_open(&mut self, call: CallId, ports: [Port; 2], alarm: CallAlarm) {
        self.out.push(Action::Alarm(alarm));
        self.touch(call);
        self.unlink(call, |other| *other == ports);
        match ports {
            [_, Port::Music] => {
                self.calls.get_mut(&call).expect("the caller has it").no_music = true;
            }
            [Port::Leg(leg), Port::Bridge] => {
                // The others go on without this one.
                let alone = self.new_call(self.legs[&leg].party.clone());
                self.move_leg(leg, alone);
                self.fail(leg, Failure::Congestion);
            }
            [_, Port::Leg(leg)] if self.calls[&call].barge.is_some_and(|b| b.initiator == leg) => {
                self.barge_failed(call);
            }
            _ => self.fail_call(call),
        }
    }

    /// A device cannot send.
    pub(super) fn media_failed(&mut self, by: &Owner, stream: StreamId) {
        let (Some((call, link, end)), Owner::Device(device)) = (self.find_stream(by, stream), by)
        else {
            return self.ignore();
        };
        let links = &mut self.calls.get_mut(&call).expect("its stream was found").links;
        // Telephones may repeat it with each packet.
        if !std::mem::replace(&mut links[link].ends[end].failed, true) {
            self.out.push(Action::Alarm(CallAlarm::MediaFailed { device: device.clone() }));
        }
    }

    /// A stream, if it is the owner's: its call, which link it is, and which end.
    fn find_stream(&self, by: &Owner, stream: StreamId) -> Option<(CallId, usize, usize)> {
        let call = *self.streams.get(&stream)?;
        let links = self.calls[&call].links.iter().enumerate();
        let (link, end) = links
            .flat_map(|(at, link)| [(at, link, 0), (at, link, 1)])
            .find_map(|(at, link, end)| (link.ends[end].stream == stream).then_some((at, end)))?;
        let own = match (self.calls[&call].links[link].ends[end].port, by) {
            (Port::Leg(leg), Owner::Device(device)) => {
                let leg = &self.legs[&leg];
                leg.device == *device && !leg.preserved
            }
            (Port::Music | Port::Bridge, Owner::Resource) => true,
            _ => false,
        };
        own.then_some((call, link, end))
    }

    /// Sends an order to an end, if anybody is there to hear it.
    fn order(&mut self, link: &Link, end: usize, command: MediaCommand) {
        let End { port, stream, .. } = link.ends[end];
        let port = match port {
            Port::Leg(id) => {
                let leg = &self.legs[&id];
                if leg.preserved || !self.devices.contains_key(&leg.device) {
                    return;
                }
                MediaPort::Device { device: leg.device.clone(), leg: id }
            }
            Port::Music => MediaPort::Music,
            Port::Bridge => MediaPort::Bridge,
        };
        self.out.push(Action::Media(MediaOrder { port, call: link.call, stream, command }));
    }

    /// Whether a leg has a stream on which it hears and is heard.
    pub(super) fn speaks(&self, leg: LegId) -> bool {
        let links = &self.calls[&self.legs[&leg].call].links;
        links.iter().any(|link| link.has(leg) && link.is_up())
    }
}

/// Fresh keys of both ends. What one end encrypts with the other decrypts with, or else the relay:
/// then each end has keys of its own.
fn keys(way: Way) -> Result<[EndKeys; 2], NoRandomness> {
    let shared = |keys: StreamKeys| [Arc::new(keys.forth), Arc::new(keys.back)];
    let [forth, back] = shared(StreamKeys::fresh()?);
    let [send, receive] = match way {
        Way::Direct => [back.clone(), forth.clone()],
        Way::Relayed => shared(StreamKeys::fresh()?),
    };
    Ok([EndKeys { send: forth, receive: back }, EndKeys { send, receive }])
}

/// What music on hold and conference bridges can do.
const RESOURCE_CODECS: &[Codec] = &[Codec::G711_ULAW, Codec::G711_ALAW];
