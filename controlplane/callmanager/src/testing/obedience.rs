//! What telephones and relays do with orders, and what must be true after each event.

use super::{Display, Passage, Place, Stream, World, address, relay_address};
use crate::keys::MasterKey;
use crate::security::Security;
use crate::switchboard::{
    Action, CallState, Change, DeviceName, KeySet, LegId, MediaCommand, MediaOrder, MediaPort,
    Order, Owner, Profile, RelayOrder, RelayedLink, Ring,
};

impl World {
    pub(super) fn follow(&mut self, actions: Vec<Action>) {
        self.orders += actions.len();
        for action in actions {
            match action {
                Action::Telephone { device, order } => self.obey(&device, order),
                Action::Media(order) => self.stream(order),
                Action::Relay(RelayOrder::Open(link)) => self.relay(link),
                Action::Relay(RelayOrder::Close { link }) => {
                    assert!(self.relayed.remove(&link).is_some(), "what is closed was ordered");
                }
                Action::Record(record) => self.records.push(record),
                Action::Alarm(alarm) => self.alarms.push(alarm),
                Action::MessageWaiting { number, waits } => self.waiting.push((number, waits)),
                Action::Forwarded { number, all } => self.forwards.push((number, all)),
            }
        }
        self.check();
    }

    fn obey(&mut self, device: &DeviceName, order: Order) {
        let phone = self.phones.get_mut(device).expect("orders go to those who are there");
        match order {
            Order::Leg { line, leg, change: Change::State(CallState::OnHook) } => {
                let gone = phone.legs.remove(&leg).expect("a leg ends once");
                assert_eq!(gone.line, line);
                let left: Vec<_> = phone.streams.values().filter(|s| s.leg == Some(leg)).collect();
                assert!(left.is_empty(), "media ends before its leg: {left:?}");
            }
            Order::Leg { line, leg, change } => match change {
                Change::Keys(KeySet::OnHook) if !phone.legs.contains_key(&leg) => {}
                change => {
                    let display = phone.legs.entry(leg).or_default();
                    display.line = line;
                    display.obey(change);
                }
            },
            Order::Ring { leg, ring, .. } => {
                assert!(ring == Ring::Off || phone.legs.contains_key(&leg));
                phone.ring = ring;
            }
            Order::Speaker(on) => phone.speaker = on,
            Order::Lamp { line, lamp } => {
                phone.lamps.insert(line, lamp);
            }
            Order::MessageWaiting { line, waits } => {
                phone.waiting.insert(line, waits);
            }
            Order::Forward { .. } => {}
            Order::Privacy(private) => phone.profile.private = private,
        }
    }

    fn stream(&mut self, MediaOrder { port, call, stream, command }: MediaOrder) {
        let (owner, leg, (security, confirms), streams) = match port {
            MediaPort::Device { device, leg } => {
                let phone = self.phones.get_mut(&device).expect("orders go to those who are there");
                let Profile { security, kind, .. } = phone.profile;
                (Owner::Device(device), Some(leg), (security, kind.is_port()), &mut phone.streams)
            }
            MediaPort::Music | MediaPort::Bridge => {
                (Owner::Resource, None, (Security::NonSecure, false), &mut self.resources)
            }
        };
        let may_have = |key: &Option<Vec<u8>>| {
            assert!(key.is_none() || security == Security::Encrypted, "a key for {leg:?}");
        };
        let found =
            streams.entry(stream).or_insert(Stream { leg, call, receive: None, transmit: None });
        assert_eq!((found.leg, found.call), (leg, call), "a stream keeps its names");
        match command {
            MediaCommand::OpenReceive { key, .. } => {
                assert!(self.opened.insert(stream), "stream {stream} is opened once");
                let key = key.map(|key| bytes(&key));
                may_have(&key);
                if let Some(key) = &key {
                    let used = self.receivers.insert(key.clone(), Place::Device(stream));
                    assert_eq!(used, None, "a key serves one opening");
                }
                found.receive = Some(key);
                self.unanswered.push((owner, stream));
            }
            MediaCommand::StartTransmit { to, codec, key } => {
                let key = key.map(|key| bytes(&key));
                may_have(&key);
                let encrypted = found.receive.as_ref().is_some_and(Option::is_some);
                assert_eq!(key.is_some(), encrypted, "both directions are alike");
                if let Some(key) = &key {
                    match self.receivers[key] {
                        Place::Device(other) => {
                            assert_ne!(other, stream, "nobody sends with what he receives with");
                            assert_eq!(to, address(other), "a key goes where its other end is");
                        }
                        Place::Relay(beside) => {
                            assert_eq!((beside, to), (stream, relay_address(stream)));
                        }
                    }
                    let used = self.senders.insert(key.clone(), Place::Device(stream));
                    assert_eq!(used, None, "a key has one sender");
                }
                assert!(found.transmit.is_none(), "a stream begins once");
                found.transmit = Some((to, codec, key));
                if confirms {
                    self.unstarted.push((owner, stream));
                }
            }
            MediaCommand::CloseReceive => {
                assert!(found.receive.take().is_some(), "what is closed was open");
                self.unanswered.retain(|(_, other)| *other != stream);
            }
            MediaCommand::StopTransmit => {
                self.unstarted.retain(|(_, other)| *other != stream);
                assert!(found.transmit.take().is_some(), "what stops was sending");
            }
        }
        if found.receive.is_none() && found.transmit.is_none() {
            streams.remove(&stream);
        }
    }

    fn relay(&mut self, order: RelayedLink) {
        let RelayedLink { link, call, ends, .. } = order;
        let secure = ends[0].keys.is_some();
        for end in &ends {
            let stream = end.stream;
            assert_eq!(end.address, address(stream), "the device has said so");
            assert_eq!(end.keys.is_some(), secure, "both ways are alike");
            let mut all = self.phones.values().flat_map(|phone| &phone.streams);
            let device = all.find(|(id, _)| **id == stream).map(|(_, found)| found);
            if let Some(found) = device {
                assert_eq!(found.call, call);
                assert!(found.transmit.is_none(), "nothing is sent before the relay is there");
            }
            if let Some(keys) = &end.keys {
                let (to, from) = (bytes(&keys.to_device), bytes(&keys.from_device));
                assert_eq!(self.receivers.get(&to), Some(&Place::Device(stream)));
                let used = self.senders.insert(to, Place::Relay(stream));
                assert_eq!(used, None, "a key has one sender");
                let used = self.receivers.insert(from, Place::Relay(stream));
                assert_eq!(used, None, "a key has one receiver");
            }
        }
        let ends = ends.map(|end| end.stream);
        let old = self.relayed.insert(link, Passage { ends, secure, open: false });
        assert!(old.is_none(), "a passage is opened once");
    }

    /// What must be true after each event, whatever it was.
    fn check(&self) {
        for call in self.switchboard.calls() {
            let shows = |leg: &LegId, device: &DeviceName| {
                let display = self.phones.get(device)?.legs.get(leg)?;
                display.info.as_ref()?.security
            };
            let of_device = |device: &DeviceName| Some(self.phones.get(device)?.profile.security);
            let weakest = call.parties.iter().filter_map(|party| of_device(&party.device)).min();
            for party in &call.parties {
                let shown = shows(&party.leg, &party.device);
                assert!(shown <= weakest, "{party:?} shows {shown:?} in {call:?}");
                assert!(shown != Some(Security::Encrypted) || !call.conference);
            }
        }
        for (name, phone) in &self.phones {
            let active = |leg: &&Display| {
                !matches!(
                    leg.state,
                    Some(
                        CallState::RingIn
                            | CallState::Hold
                            | CallState::InUseRemote
                            | CallState::InUsePrivately
                    )
                )
            };
            let active = phone.legs.values().filter(active).count();
            assert!(active <= 1, "{name} has one handset: {:#?}", phone.legs);
            assert!(phone.streams.values().all(|stream| {
                stream.leg.is_some_and(|leg| {
                    phone.legs.get(&leg).is_some_and(|leg| leg.state == Some(CallState::Connected))
                })
            }));
            for (id, leg) in &phone.legs {
                let locked = leg.info.as_ref().is_some_and(|info| {
                    info.security == Some(Security::Encrypted)
                        && leg.state == Some(CallState::Connected)
                });
                let mut streams =
                    phone.streams.values().filter(|stream| stream.leg == Some(*id)).peekable();
                if locked {
                    assert!(streams.peek().is_some(), "a lock stands for a stream");
                    assert!(
                        streams.all(|stream| stream.receive.as_ref().is_some_and(Option::is_some))
                    );
                }
            }
        }
    }
}

impl Display {
    fn obey(&mut self, change: Change) {
        match change {
            Change::State(state) => self.state = Some(state),
            Change::Keys(keys) => self.keys = Some(keys),
            Change::Prompt(prompt) => self.prompt = prompt,
            Change::Tone(tone) => self.tone = tone,
            Change::Sound(tone) => self.sounds.push(tone),
            Change::Notice(notice) => self.notices.push(notice),
            Change::Info(info) => {
                self.statuses.push(info.security);
                self.info = Some(info);
            }
            Change::Dialled(_) | Change::Backspace => {}
        }
    }
}

fn bytes(key: &MasterKey) -> Vec<u8> {
    [&key.key[..], &key.salt[..]].concat()
}
