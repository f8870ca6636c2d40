//! Sessions: their keys, their contexts, and the ways of a packet through them.
//!
//! RTP goes in bursts (`rtp`) as long as nothing about it is special. RTCP, the first packet of an
//! SSRC, sessions with several master keys and other rare things go packet by packet (`alone`).

mod alone;
mod context;
mod contexts;
mod handover;
mod layout;
mod rtp;
mod slot;

use crate::backend::Backend;
use crate::error::Error;
use crate::event::{Event, Events};
#[cfg(test)]
use crate::kdf::SessionKeys;
use crate::keying::Keying;
use crate::packet::Protocol;
use crate::replay::Wide;
use crate::srtp::{Config, Direction, SessionError, SessionId};
use context::{Context, ContextRef, Flags, State};
use contexts::Tables;
use slot::{Count, Key, Slot};

/// All sessions of a worker, computed by one backend.
pub(crate) struct Sessions<B: Backend> {
    backend: B,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    contexts: Tables<B::Keys>,
    max_sessions: usize,
    max_ssrcs: usize,
    lenient_rtcp: bool,
    pub(crate) events: Events,
}

impl<B: Backend> Sessions<B> {
    pub(crate) fn new(backend: B, config: &Config) -> Self {
        Self {
            backend,
            slots: Vec::with_capacity(config.max_sessions),
            free: Vec::with_capacity(config.max_sessions),
            contexts: Tables::new(config.max_sessions),
            max_sessions: config.max_sessions,
            max_ssrcs: config.max_ssrcs_per_session,
            lenient_rtcp: config.lenient_rtcp,
            events: Events::new(),
        }
    }

    pub(crate) fn backend_name(&self) -> &'static str {
        self.backend.name()
    }

    pub(crate) fn insert(
        &mut self,
        direction: Direction,
        keying: &Keying,
    ) -> Result<SessionId, SessionError> {
        let session = match self.free.pop() {
            Some(index) => {
                let generation = self.contexts.generation(index);
                SessionId { index, generation }
            }
            None if self.slots.len() < self.max_sessions => {
                self.slots.push(None);
                SessionId { index: (self.slots.len() - 1) as u32, generation: 0 }
            }
            None => return Err(SessionError::Full(self.max_sessions)),
        };
        let slot = Slot::new(direction, keying);
        let key = &slot.keys()[0];
        let keys = derive(&self.backend, key, Protocol::Rtp, 0, 0);
        let state = State::unbound(key.suite, key.number, slot.flags(), session.generation);
        self.contexts.place(session, keys, state);
        self.slots[session.index as usize] = Some(slot);
        Ok(session)
    }

    pub(crate) fn rekey(
        &mut self,
        session: SessionId,
        keying: &Keying,
    ) -> Result<(), SessionError> {
        let slot = self.slot_mut(session).ok_or(SessionError::NoSession)?;
        if !slot.adopt(keying) {
            return Ok(());
        }
        self.settle(session);
        let window = keying.window();
        for protocol in Protocol::BOTH {
            for at in self.contexts.bound(protocol, session).collect::<Vec<_>>() {
                let old = self.contexts.window(protocol, at);
                if old.packets() != window {
                    let highest = self.contexts.state(protocol, at).highest();
                    self.contexts.set_window(protocol, at, old.resized(window, highest));
                }
            }
        }
        Ok(())
    }

    /// Starts a session whose session keys are given, those of RTP and RTCP alike.
    #[cfg(test)]
    pub(crate) fn insert_session_keys(
        &mut self,
        direction: Direction,
        encrypt_rtcp: bool,
        keys: SessionKeys,
    ) -> SessionId {
        let suite = keys.suite;
        let octets = vec![0; suite.master_key_len() + suite.master_salt_len()];
        let master = crate::MasterKey::from_key_salt(suite, &octets).unwrap();
        let services = crate::keying::Services { encrypt_rtcp, ..crate::keying::Services::ALL };
        let keying = Keying::new(suite, master).with_services(services);
        let session = self.insert(direction, &keying).unwrap();
        self.contexts.rtp.get_mut(session.into()).keys = self.backend.expand(&keys);
        let slot = self.slot_mut(session).unwrap();
        slot.key_mut(0).unwrap().given = Some(keys);
        session
    }

    /// Brings the contexts of a session in line with its keys: those whose key is gone, or that
    /// have not seen a packet yet, or protect, get the first.
    fn settle(&mut self, session: SessionId) {
        let Some(slot) = &self.slots[session.index as usize] else { return };
        let flags = slot.flags();
        let first = &slot.keys()[0];
        for protocol in Protocol::BOTH {
            let mut next = session.into();
            while next != ContextRef::NONE {
                let at = next;
                let state = self.contexts.state_mut(protocol, at);
                next = state.next;
                let kept = flags.with(Flags::BOUND, state.flags.has(Flags::BOUND));
                state.flags = kept.with(Flags::WIDE, state.flags.has(Flags::WIDE));
                let stays = state.flags.has(Flags::BOUND)
                    && !state.flags.has(Flags::OUTBOUND)
                    && slot.key(state.key).is_some();
                if stays || state.key == first.number {
                    continue;
                }
                state.credit = 0;
                state.key = first.number;
                state.suite = first.suite;
                if protocol == Protocol::Rtp {
                    let (derivation, ssrc) = (first.derivation(state.highest()), state.ssrc);
                    self.contexts.rtp.get_mut(at).keys =
                        derive(&self.backend, first, protocol, derivation, ssrc);
                }
            }
        }
    }

    pub(crate) fn remove(&mut self, session: SessionId) {
        if self.slot(session).is_none() {
            return;
        }
        self.slots[session.index as usize] = None;
        self.free.push(session.index);
        self.contexts.clear(session);
    }

    fn slot(&self, session: SessionId) -> Option<&Slot> {
        self.contexts.primary(Protocol::Rtp, session).ok()?;
        self.slots[session.index as usize].as_ref()
    }

    fn slot_mut(&mut self, session: SessionId) -> Option<&mut Slot> {
        self.contexts.primary(Protocol::Rtp, session).ok()?;
        self.slots[session.index as usize].as_mut()
    }

    pub(crate) fn prefetch(&self, session: SessionId) {
        if let Some(context) = self.contexts.rtp.peek(session) {
            self.backend.prefetch(context);
        }
    }

    /// The state of a session's primary context, if packets of this direction may use it.
    #[inline(always)]
    fn primary(
        &self,
        protocol: Protocol,
        session: SessionId,
        direction: Direction,
    ) -> Result<&State, Error> {
        let state = self.contexts.primary(protocol, session)?;
        if state.flags.has(Flags::OUTBOUND) != (direction == Direction::Outbound) {
            return Err(Error::WrongDirection);
        }
        Ok(state)
    }

    /// Refuses an index that has been seen, or may have been.
    #[inline]
    fn check_age(&self, protocol: Protocol, at: ContextRef, index: u64) -> Result<(), Error> {
        if index > protocol.max_index() {
            return Err(Error::KeyExpired);
        }
        self.contexts.age(protocol, at, index).verdict()
    }

    /// Makes the context of an SSRC with its first packet.
    fn bind(
        &mut self,
        protocol: Protocol,
        session: SessionId,
        number: u8,
        ssrc: u32,
        index: u64,
        keys: B::Keys,
    ) -> Result<(), Error> {
        let slot = self.slots[session.index as usize].as_mut().ok_or(Error::NoSession)?;
        let suite = slot.key(number).ok_or(Error::KeyExpired)?.suite;
        if self.contexts.bound(protocol, session).count() >= self.max_ssrcs {
            if slot.tell_ssrc_limit() {
                self.events.push(Event::SsrcLimit { session, ssrc });
            }
            return Err(Error::TooManySsrcs);
        }
        if protocol == Protocol::Rtp {
            self.events.push(Event::NewSsrc { session, ssrc });
        }
        let primary = self.contexts.state(protocol, session.into());
        let state = State { key: number, suite, ..primary.bound(ssrc, index) };
        let window = Wide::starting_at(index, slot.window());
        self.contexts.bind(protocol, session, state, keys, window);
        Ok(())
    }

    /// Counts a packet against the lifetime of its master key.
    fn count(&mut self, protocol: Protocol, session: SessionId, number: u8) -> Result<(), Error> {
        let slot = self.slots[session.index as usize].as_mut().ok_or(Error::NoSession)?;
        let key = slot.key_mut(number).ok_or(Error::KeyExpired)?;
        let at = session.into();
        let state = self.contexts.state_mut(protocol, at);
        let holds_credit = state.key == number;
        let credit = if holds_credit { std::mem::take(&mut state.credit) } else { 0 };
        if key.is_spent(protocol, credit) {
            return Err(Error::KeyExpired);
        }
        match key.count(protocol, credit) {
            Count::Fine => {}
            Count::Soft => self.events.push(Event::SoftLimit { session }),
            Count::Last => {
                self.events.push(Event::HardLimit { session });
                let other = self.contexts.state_mut(protocol.other(), at);
                if other.key == number {
                    other.credit = 0;
                }
            }
        }
        if holds_credit {
            self.contexts.state_mut(protocol, at).credit = key.grant(protocol);
        }
        Ok(())
    }

    /// Session keys for a packet of this SSRC and index: those of a context that has them, else
    /// derived from the master key.
    fn keys_for(
        &self,
        protocol: Protocol,
        session: SessionId,
        found: Option<ContextRef>,
        key: &Key,
        ssrc: u32,
        index: u64,
    ) -> B::Keys {
        let derivation = key.derivation(index);
        if protocol == Protocol::Rtp {
            let Context { keys, state, .. } =
                self.contexts.rtp.get(found.unwrap_or(session.into()));
            if state.key == key.number && key.derivation(state.highest()) == derivation {
                let mut keys = keys.clone();
                self.backend.turn(&mut keys, state.suite, state.ssrc ^ ssrc);
                return keys;
            }
        }
        derive(&self.backend, key, protocol, derivation, ssrc)
    }
}

/// Session keys from a master key, expanded and turned to an SSRC.
fn derive<B: Backend>(
    backend: &B,
    key: &Key,
    protocol: Protocol,
    derivation: u64,
    ssrc: u32,
) -> B::Keys {
    let mut keys = backend.expand(&key.session_keys(protocol, derivation));
    backend.turn(&mut keys, key.suite, ssrc);
    keys
}
