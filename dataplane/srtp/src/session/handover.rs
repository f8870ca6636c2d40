//! Sessions that move to another node.

use super::Sessions;
use super::context::State;
use crate::backend::Backend;
use crate::keying::Keying;
use crate::packet::Protocol;
use crate::replay::Wide;
use crate::snapshot::{ContextSnapshot, Snapshot};
use crate::srtp::{Direction, SessionError, SessionId};

impl<B: Backend> Sessions<B> {
    pub(crate) fn export(&self, session: SessionId) -> Result<Snapshot, SessionError> {
        let slot = self.slot(session).ok_or(SessionError::NoSession)?;
        let mut contexts = Vec::new();
        for protocol in Protocol::BOTH {
            for at in self.contexts.bound(protocol, session) {
                let state = self.contexts.state(protocol, at);
                let (highest, window) = (state.highest(), self.contexts.window(protocol, at));
                let word = |word: u64| {
                    let bit = |n: &u64| window.seen_behind(highest, 64 * word + n);
                    (0..64).filter(bit).fold(0, |bits, n| bits | 1 << n)
                };
                contexts.push(ContextSnapshot {
                    protocol,
                    ssrc: state.ssrc,
                    key: slot.position(state.key),
                    highest,
                    seen: (0..u64::from(window.packets() / 64)).map(word).collect(),
                });
            }
        }
        let credit = |protocol: Protocol| {
            let state = self.contexts.state(protocol, session.into());
            (state.key, state.credit)
        };
        Ok(Snapshot { used: slot.used(Protocol::BOTH.map(credit)), contexts })
    }

    pub(crate) fn import(
        &mut self,
        direction: Direction,
        keying: &Keying,
        snapshot: &Snapshot,
        margin: u16,
    ) -> Result<SessionId, SessionError> {
        for protocol in Protocol::BOTH {
            let ssrcs = snapshot.contexts.iter().filter(|context| context.protocol == protocol);
            if ssrcs.count() > self.max_ssrcs {
                return Err(SessionError::TooManySsrcs(self.max_ssrcs));
            }
        }
        let session = self.insert(direction, keying)?;
        let slot = self.slot_mut(session).ok_or(SessionError::NoSession)?;
        slot.set_used(&snapshot.used, margin);
        for context in &snapshot.contexts {
            let &ContextSnapshot { protocol, ssrc, .. } = context;
            let slot = self.slot(session).ok_or(SessionError::NoSession)?;
            let key = slot.keys().get(usize::from(context.key)).unwrap_or(&slot.keys()[0]);
            let highest = (context.highest + u64::from(margin)).min(protocol.max_index());
            let moved = highest - context.highest;
            let seen = |behind: u64| {
                behind.checked_sub(moved).is_none_or(|behind| context.seen_behind(behind))
            };
            let window = Wide::build(highest, slot.window(), seen);
            let keys = self.keys_for(protocol, session, None, key, ssrc, highest);
            let primary = self.contexts.state(protocol, session.into());
            let bound = primary.bound(ssrc, highest);
            let state = State { key: key.number, suite: key.suite, ..bound };
            self.contexts.bind(protocol, session, state, keys, window);
        }
        Ok(session)
    }
}
