//! Sessions: their keys, their contexts, and the way of a packet through them.

mod context;
mod rtcp;
mod rtp;
mod slot;

use crate::backend::Backend;
use crate::error::Error;
use crate::event::{Event, Events};
use crate::kdf::{Protocol, SessionKeys};
use crate::keying::Keying;
use crate::srtp::{Config, Direction, Job, SessionError, SessionId};
use context::{Context, ContextRef, Contexts, Flags, State};
use slot::Slot;

/// All sessions of a worker, computed by one backend.
pub(crate) struct Sessions<B: Backend> {
    backend: B,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    rtp: Contexts<B::Keys>,
    rtcp: Contexts<B::Keys>,
    max_sessions: usize,
    max_ssrcs: usize,
    pub(crate) events: Events,
}

impl<B: Backend> Sessions<B> {
    pub(crate) fn new(backend: B, config: &Config) -> Self {
        Self {
            backend,
            slots: Vec::with_capacity(config.max_sessions),
            free: Vec::with_capacity(config.max_sessions),
            rtp: Contexts::new(config.max_sessions),
            rtcp: Contexts::new(config.max_sessions),
            max_sessions: config.max_sessions,
            max_ssrcs: config.max_ssrcs_per_session,
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
            Some(index) => SessionId { index, generation: self.rtp.generation(index) },
            None if self.slots.len() < self.max_sessions => {
                self.slots.push(None);
                SessionId { index: (self.slots.len() - 1) as u32, generation: 0 }
            }
            None => return Err(SessionError::Full(self.max_sessions)),
        };
        let slot = Slot::new(direction, keying);
        self.rtp.place(session, self.unbound(&slot, Protocol::Rtp, session.generation));
        self.rtcp.place(session, self.unbound(&slot, Protocol::Rtcp, session.generation));
        self.slots[session.index as usize] = Some(slot);
        Ok(session)
    }

    fn unbound(&self, slot: &Slot, protocol: Protocol, generation: u32) -> Context<B::Keys> {
        let keys = SessionKeys::derive(slot.suite(), &slot.key().master, protocol, 0);
        Context {
            state: State::unbound(slot.suite(), 0, slot.flags(), generation),
            keys: self.backend.expand(&keys),
        }
    }

    pub(crate) fn rekey(
        &mut self,
        session: SessionId,
        keying: &Keying,
    ) -> Result<(), SessionError> {
        let slot = self.slot(session)?;
        if !slot.adopt(keying) {
            return Ok(());
        }
        let slot = self.slots[session.index as usize].as_ref().expect("just found");
        for (protocol, contexts) in
            [(Protocol::Rtp, &mut self.rtp), (Protocol::Rtcp, &mut self.rtcp)]
        {
            let keys = SessionKeys::derive(slot.suite(), &slot.key().master, protocol, 0);
            let keys = self.backend.expand(&keys);
            for at in contexts.chain(session).collect::<Vec<_>>() {
                let context = contexts.get_mut(at);
                context.keys = keys.clone();
                self.backend.turn(&mut context.keys, slot.suite(), context.state.ssrc);
                context.state.suite = slot.suite();
                context.state.key = 0;
            }
        }
        Ok(())
    }

    fn slot(&mut self, session: SessionId) -> Result<&mut Slot, SessionError> {
        if self.rtp.primary(session).is_err() {
            return Err(SessionError::NoSession);
        }
        self.slots[session.index as usize].as_mut().ok_or(SessionError::NoSession)
    }

    pub(crate) fn remove(&mut self, session: SessionId) {
        if self.slot(session).is_err() {
            return;
        }
        self.slots[session.index as usize] = None;
        self.free.push(session.index);
        for contexts in [&mut self.rtp, &mut self.rtcp] {
            contexts.clear(session, |keys| self.backend.wipe(keys));
        }
    }

    pub(crate) fn prefetch(&self, session: SessionId) {
        if let Ok(context) = self.rtp.primary(session) {
            self.backend.prefetch(context);
        }
    }

    /// The primary context of a session of this direction.
    #[inline]
    fn primary<'a>(
        contexts: &'a Contexts<B::Keys>,
        job: &Job<'_>,
        direction: Direction,
    ) -> Result<&'a State, Error> {
        let state = &contexts.primary(job.session)?.state;
        if state.flags.has(Flags::OUTBOUND) != (direction == Direction::Outbound) {
            return Err(Error::WrongDirection);
        }
        Ok(state)
    }

    /// Makes the context of an SSRC whose first packet was authentic.
    fn bind(
        &mut self,
        protocol: Protocol,
        session: SessionId,
        ssrc: u32,
        index: u64,
    ) -> Result<ContextRef, Error> {
        let slot = self.slots[session.index as usize].as_mut().ok_or(Error::NoSession)?;
        let contexts = match protocol {
            Protocol::Rtp => &mut self.rtp,
            Protocol::Rtcp => &mut self.rtcp,
        };
        let bound = contexts.get(ContextRef::primary(session)).state.flags.has(Flags::BOUND);
        if bound && contexts.chain(session).count() >= self.max_ssrcs {
            if slot.tell_ssrc_limit() {
                self.events.push(Event::SsrcLimit { session, ssrc });
            }
            return Err(Error::TooManySsrcs);
        }
        let primary = contexts.get(ContextRef::primary(session));
        let mut keys = primary.keys.clone();
        self.backend.turn(&mut keys, primary.state.suite, primary.state.ssrc ^ ssrc);
        if protocol == Protocol::Rtp {
            self.events.push(Event::NewSsrc { session, ssrc });
        }
        Ok(contexts.bind(session, ssrc, keys, slot.window(), index))
    }
}

impl<B: Backend> Drop for Sessions<B> {
    fn drop(&mut self) {
        for contexts in [&mut self.rtp, &mut self.rtcp] {
            contexts.for_each_keys(|keys| self.backend.wipe(keys));
        }
    }
}
