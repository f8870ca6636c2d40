//! Media that goes through a relay: when it does, and how a relay is told.
//!
//! An administrator says for each device pool whether media of its devices goes through a relay
//! never, when it is needed, or always. It is needed where the two ends cannot reach each other:
//! one is behind a NAT (its media comes from elsewhere than its signalling), or they have
//! addresses of different IP versions. That a device's address is of another version than its
//! peer's is known only once both have opened their ports; the stream is then opened anew.
//!
//! | one end | other end | goes through a relay |
//! |---|---|---|
//! | always | always, when needed | yes |
//! | when needed | when needed | if needed |
//! | never | always, when needed | if needed |
//! | never | never | no |
//!
//! Through a NAT a relay finds the way back for encrypted media: it answers to where packets came
//! from that verified. Plain media proves nothing, so it is taken from the address alone that the
//! telephone has told.
//!
//! Music on hold and conference bridges have no opinion: with them the device's policy counts.
//!
//! If no relay can be had, media goes directly where that is possible and no end says always, or
//! [`Settings::relay_fallback`](super::Settings::relay_fallback) allows it even then; else the
//! stream does not come to be.
//!
//! A relay is ours and under our command, so it takes nothing from a call's security: what is
//! encrypted stays so on both ways to it, under keys of their own for each way.

use std::net::SocketAddr;

use super::Switchboard;
use super::action::{Action, RelayOrder, RelayedEnd, RelayedKeys, RelayedLink};
use super::alarm::CallAlarm;
use super::event::{RelayRefused, RelayedBy};
use super::id::{CallId, LinkId};
use super::stream::{End, Link, Port, Receive};
use super::timers::Timer;

/// Whether media of a device goes through a relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RelayPolicy {
    /// Not if it can be avoided: only where the other end wants one, and it is needed.
    Never,
    /// Where the ends cannot reach each other.
    #[default]
    WhenNeeded,
    /// Always.
    Always,
}

/// The way of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Direct,
    Relayed,
}

/// The passage of a stream through a relay.
#[derive(Debug)]
pub(super) struct Passage {
    pub(super) link: LinkId,
    pub(super) state: PassageState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PassageState {
    /// The ends have not yet opened their ports.
    ExpectEnds,
    /// The relay has been told.
    Opening,
    /// It receives from either end here.
    Open([SocketAddr; 2]),
}

impl Passage {
    /// Where an end sends to, once that is known.
    pub(super) fn receives_from(&self, end: usize) -> Option<SocketAddr> {
        match self.state {
            PassageState::Open(addresses) => Some(addresses[end]),
            PassageState::ExpectEnds | PassageState::Opening => None,
        }
    }
}

impl RelayPolicy {
    fn with(self, other: Self, needed: bool) -> Way {
        let through = match (self, other) {
            (Self::Never, Self::Never) => false,
            (Self::Never, _) | (_, Self::Never) => needed,
            (Self::Always, _) | (_, Self::Always) => true,
            (Self::WhenNeeded, Self::WhenNeeded) => needed,
        };
        if through { Way::Relayed } else { Way::Direct }
    }
}

impl Switchboard {
    /// The way of a stream, as far as it is known before its ends have opened their ports.
    pub(super) fn way(&self, ports: [Port; 2]) -> Way {
        let mut devices = ports.into_iter().filter_map(|port| self.profile(port));
        let needed = devices.any(|profile| profile.media_elsewhere);
        let [a, b] = self.policies(ports);
        a.with(b, needed)
    }

    /// The policies of both ends; an end without one agrees with the other.
    fn policies(&self, ports: [Port; 2]) -> [RelayPolicy; 2] {
        let [a, b] = ports.map(|port| self.profile(port).map(|profile| profile.relay));
        let either = a.or(b).unwrap_or_default();
        [a.unwrap_or(either), b.unwrap_or(either)]
    }

    /// A passage that a new stream is going to have.
    pub(super) fn new_passage(&mut self, call: CallId) -> Passage {
        let link = LinkId(self.ids.next(|id| self.relayed.contains_key(&LinkId(id))));
        self.relayed.insert(link, call);
        Passage { link, state: PassageState::ExpectEnds }
    }

    /// Tells a relay of a stream once both ends have opened their ports.
    pub(super) fn ask_relay(&mut self, link: &mut Link) {
        let Some(passage) = &mut link.passage else { return };
        let [Receive::At(a), Receive::At(b)] = [0, 1].map(|end: usize| link.ends[end].receive)
        else {
            return;
        };
        if passage.state != PassageState::ExpectEnds {
            return;
        }
        passage.state = PassageState::Opening;
        let music = link.ends.each_ref().map(|end| end.port == Port::Music);
        let end = |index: usize, address| RelayedEnd {
            stream: link.ends[index].stream,
            address,
            sends: !music[1 - index],
            receives: !music[index],
            keys: link.keys.as_ref().map(|keys| RelayedKeys {
                from_device: keys[index].send.clone(),
                to_device: keys[index].receive.clone(),
            }),
        };
        let order = RelayedLink {
            link: passage.link,
            call: link.call,
            codec: link.codec,
            ends: [end(0, a), end(1, b)],
        };
        let timer = Timer::Relay(passage.link);
        self.timers.start(timer, self.now + self.settings.relay);
        self.out.push(Action::Relay(RelayOrder::Open(order)));
    }

    /// A stream is closed: so is its passage.
    pub(super) fn close_passage(&mut self, link: &Link) {
        let Some(passage) = &link.passage else { return };
        self.relayed.remove(&passage.link);
        self.timers.stop(Timer::Relay(passage.link));
        if passage.state != PassageState::ExpectEnds {
            self.out.push(Action::Relay(RelayOrder::Close { link: passage.link }));
        }
    }

    /// A relay lets a stream pass, or none does.
    pub(super) fn relay_opened(&mut self, id: LinkId, result: Result<RelayedBy, RelayRefused>) {
        let Some((call, index)) = self.find_passage(id) else { return self.ignore() };
        let link = &mut self.calls.get_mut(&call).expect("its passage was found").links[index];
        let ports = link.ports();
        let may_go_directly = link.ends_are_alike();
        let Some(passage) = &mut link.passage else { return self.ignore() };
        if passage.state != PassageState::Opening {
            return self.ignore();
        }
        match result {
            Ok(RelayedBy { relay, addresses }) => {
                passage.state = PassageState::Open(addresses);
                self.calls.get_mut(&call).expect("its passage was found").relay = Some(relay);
                self.timers.stop(Timer::Relay(id));
                self.advance(call, index);
            }
            Err(refused) => {
                let alarm = CallAlarm::NoRelay { call, refused };
                let forced = self.policies(ports).contains(&RelayPolicy::Always);
                if may_go_directly && (!forced || self.settings.relay_fallback) {
                    self.out.push(Action::Alarm(alarm));
                    self.open_anew(call, ports, Way::Direct);
                } else {
                    self.cannot_open(call, ports, alarm);
                }
            }
        }
    }

    /// A passage is no more: the stream is opened anew, under new keys.
    pub(super) fn relay_lost(&mut self, id: LinkId) {
        let Some((call, index)) = self.find_passage(id) else { return self.ignore() };
        let ports = self.calls[&call].links[index].ports();
        if self.is_preserved(call) {
            // Whom nobody can reach cannot be told of another way.
            let alarm = CallAlarm::NoRelay { call, refused: RelayRefused::NoneInService };
            return self.cannot_open(call, ports, alarm);
        }
        self.open_anew(call, ports, Way::Relayed);
    }

    /// Both ends have opened their ports and turn out not to reach each other.
    pub(super) fn unreachable(&mut self, call: CallId, ports: [Port; 2]) {
        let [a, b] = self.policies(ports);
        match a.with(b, true) {
            Way::Relayed => self.open_anew(call, ports, Way::Relayed),
            Way::Direct => self.cannot_open(call, ports, CallAlarm::Unreachable { call }),
        }
    }

    pub(super) fn open_anew(&mut self, call: CallId, ports: [Port; 2], way: Way) {
        self.unlink(call, |other| *other == ports);
        self.open(call, ports, way);
        self.touch(call);
    }

    fn find_passage(&self, id: LinkId) -> Option<(CallId, usize)> {
        let call = *self.relayed.get(&id)?;
        let is_it = |link: &Link| link.passage.as_ref().is_some_and(|passage| passage.link == id);
        Some((call, self.calls[&call].links.iter().position(is_it)?))
    }
}

impl Link {
    pub(super) fn is_relayed(&self) -> bool {
        self.passage.is_some()
    }

    /// Whether no end is known to have an address that the other cannot send to.
    pub(super) fn ends_are_alike(&self) -> bool {
        let v4 = |end: &End| match end.receive {
            Receive::At(address) => Some(address.is_ipv4()),
            Receive::Never | Receive::ExpectKey | Receive::Opening => None,
        };
        let [a, b] = self.ends.each_ref().map(v4);
        a.zip(b).is_none_or(|(a, b)| a == b)
    }
}
