//! Where the contexts of all sessions are kept.

use zeroize::Zeroize;

use super::context::{CacheLine, Context, ContextRef, Flags, State};
use crate::error::Error;
use crate::keying::MIN_WINDOW;
use crate::packet::Protocol;
use crate::replay::{Age, Narrow, Wide};
use crate::srtp::SessionId;

/// The contexts of both protocols.
///
/// Those of RTP have their session keys with them, expanded. RTCP is a packet in some seconds: its
/// keys are derived again for each, which takes less of everything than keeping them.
pub(crate) struct Tables<K> {
    pub(super) rtp: Contexts<K, CacheLine>,
    rtcp: Contexts<Underived, ()>,
}

/// Stands for session keys that are not kept.
#[derive(Clone)]
pub(crate) struct Underived;

impl Zeroize for Underived {
    fn zeroize(&mut self) {}
}

/// Does the same to the contexts of whichever protocol.
macro_rules! of {
    ($protocol:expr, $tables:ident, $contexts:ident => $work:expr) => {
        match $protocol {
            Protocol::Rtp => {
                let $contexts = &$tables.rtp;
                $work
            }
            Protocol::Rtcp => {
                let $contexts = &$tables.rtcp;
                $work
            }
        }
    };
    ($protocol:expr, mut $tables:ident, $contexts:ident => $work:expr) => {
        match $protocol {
            Protocol::Rtp => {
                let $contexts = &mut $tables.rtp;
                $work
            }
            Protocol::Rtcp => {
                let $contexts = &mut $tables.rtcp;
                $work
            }
        }
    };
}

const _: () = assert!(size_of::<Context<Underived, ()>>() == size_of::<State>());

impl<K: Zeroize> Tables<K> {
    /// Reserves address space for as many contexts as there are sessions; pages come with their
    /// use.
    pub(super) fn new(sessions: usize) -> Self {
        Self { rtp: Contexts::new(sessions), rtcp: Contexts::new(sessions) }
    }

    /// Puts a session's primary contexts in their place, which is an old one or the next.
    pub(super) fn place(&mut self, session: SessionId, keys: K, state: State) {
        self.rtp.place(session, Context::new(keys, state.clone()));
        self.rtcp.place(session, Context::new(Underived, state));
    }

    /// The generation of the session that was or will be at this place.
    pub(super) fn generation(&self, number: u32) -> u32 {
        self.rtp.primary[number as usize].state.generation
    }

    /// The primary context of a session that exists.
    #[inline]
    pub(super) fn primary(&self, protocol: Protocol, session: SessionId) -> Result<&State, Error> {
        of!(protocol, self, contexts => contexts.primary(session))
    }

    #[inline]
    pub(super) fn state(&self, protocol: Protocol, at: ContextRef) -> &State {
        of!(protocol, self, contexts => &contexts.get(at).state)
    }

    #[inline]
    pub(super) fn state_mut(&mut self, protocol: Protocol, at: ContextRef) -> &mut State {
        of!(protocol, mut self, contexts => &mut contexts.get_mut(at).state)
    }

    /// The context of an SSRC, if it has one.
    #[inline]
    pub(super) fn find(
        &self,
        protocol: Protocol,
        session: SessionId,
        ssrc: u32,
    ) -> Option<ContextRef> {
        of!(protocol, self, contexts => contexts.find(session, ssrc))
    }

    /// The contexts of a session that belong to an SSRC, the primary first.
    pub(super) fn bound(
        &self,
        protocol: Protocol,
        session: SessionId,
    ) -> impl Iterator<Item = ContextRef> + '_ {
        let mut at = session.into();
        let all = std::iter::from_fn(move || {
            let here = (at != ContextRef::NONE).then_some(at)?;
            at = self.state(protocol, here).next;
            Some(here)
        });
        all.filter(move |&at| self.state(protocol, at).flags.has(Flags::BOUND))
    }

    /// Gives an SSRC its context, the primary if that is still free, else a further one.
    pub(super) fn bind(
        &mut self,
        protocol: Protocol,
        session: SessionId,
        state: State,
        keys: K,
        window: Wide,
    ) {
        match protocol {
            Protocol::Rtp => self.rtp.bind(session, state, keys, window),
            Protocol::Rtcp => self.rtcp.bind(session, state, Underived, window),
        };
    }

    /// Empties the contexts of a session, erases their keys and frees all but the primary ones,
    /// which wait for the next session in their place.
    pub(super) fn clear(&mut self, session: SessionId) {
        self.rtp.clear(session);
        self.rtcp.clear(session);
    }

    /// How an index stands to the replay window of a context.
    #[inline]
    pub(super) fn age(&self, protocol: Protocol, at: ContextRef, index: u64) -> Age {
        of!(protocol, self, contexts => contexts.age(at, index))
    }

    /// Marks an index as seen, if it is fresh, and makes it the highest, if it is.
    pub(super) fn take(&mut self, protocol: Protocol, at: ContextRef, index: u64) -> Age {
        of!(protocol, mut self, contexts => contexts.take(at, index))
    }

    /// The replay window of a context, in its general form.
    pub(super) fn window(&self, protocol: Protocol, at: ContextRef) -> Wide {
        of!(protocol, self, contexts => contexts.window(at))
    }

    /// Gives a context another replay window.
    pub(super) fn set_window(&mut self, protocol: Protocol, at: ContextRef, window: Wide) {
        of!(protocol, mut self, contexts => contexts.set_window(at, window));
    }
}

/// The contexts of one protocol: a primary one for each session, at the session's own number, and
/// one more for each further SSRC, chained to it.
pub(crate) struct Contexts<K, A> {
    primary: Vec<Context<K, A>>,
    further: Store<Context<K, A>>,
    wide: Store<Wide>,
}

impl<K: Zeroize, A> Contexts<K, A> {
    fn new(sessions: usize) -> Self {
        Self {
            primary: Vec::with_capacity(sessions),
            further: Store::new(sessions),
            wide: Store::new(sessions),
        }
    }

    fn place(&mut self, session: SessionId, context: Context<K, A>) {
        let number = session.index as usize;
        if number == self.primary.len() {
            self.primary.push(context);
        } else {
            self.primary[number] = context;
        }
    }

    #[inline]
    fn primary(&self, session: SessionId) -> Result<&State, Error> {
        self.primary
            .get(session.index as usize)
            .map(|context| &context.state)
            .filter(|state| state.generation == session.generation)
            .ok_or(Error::NoSession)
    }

    /// What is at a session's place, be it gone or not.
    #[inline]
    pub(super) fn peek(&self, session: SessionId) -> Option<&Context<K, A>> {
        self.primary.get(session.index as usize)
    }

    #[inline(always)]
    pub(super) fn get(&self, at: ContextRef) -> &Context<K, A> {
        match at.as_further() {
            None => &self.primary[at.number()],
            Some(number) => &self.further.items[number],
        }
    }

    #[inline(always)]
    pub(super) fn get_mut(&mut self, at: ContextRef) -> &mut Context<K, A> {
        match at.as_further() {
            None => &mut self.primary[at.number()],
            Some(number) => &mut self.further.items[number],
        }
    }

    /// The context of an SSRC, if it has one. The session exists.
    #[inline(always)]
    pub(super) fn find(&self, session: SessionId, ssrc: u32) -> Option<ContextRef> {
        let first = session.into();
        let primary = &self.get(first).state;
        if primary.is_of(ssrc) { Some(first) } else { self.find_further(primary.next, ssrc) }
    }

    #[inline(never)]
    fn find_further(&self, mut at: ContextRef, ssrc: u32) -> Option<ContextRef> {
        while at != ContextRef::NONE {
            let state = &self.get(at).state;
            if state.is_of(ssrc) {
                return Some(at);
            }
            at = state.next;
        }
        None
    }

    fn bind(&mut self, session: SessionId, state: State, keys: K, window: Wide) {
        let first = session.into();
        let primary = self.get_mut(first);
        let at = if primary.state.flags.has(Flags::BOUND) {
            let next = primary.state.next;
            let number = self.further.put(Context::new(keys, State { next, ..state }));
            self.get_mut(first).state.next = ContextRef::further(number);
            ContextRef::further(number)
        } else {
            let (next, credit) = (primary.state.next, primary.state.credit);
            *primary = Context::new(keys, State { next, credit, ..state });
            first
        };
        self.set_window(at, window);
    }

    fn clear(&mut self, session: SessionId) {
        let mut at = session.into();
        while at != ContextRef::NONE {
            let Context { keys, state, .. } = self.get_mut(at);
            keys.zeroize();
            let State { next, flags, window, .. } = *state;
            *state = State::vacant(session.generation.wrapping_add(1));
            if flags.has(Flags::WIDE) {
                self.wide.free(window.target());
            }
            if let Some(number) = at.as_further() {
                self.further.free(number);
            }
            at = next;
        }
    }

    #[inline(always)]
    pub(super) fn age(&self, at: ContextRef, index: u64) -> Age {
        let state = &self.get(at).state;
        if state.flags.has(Flags::WIDE) {
            self.wide.items[state.window.target()].age(state.highest(), index)
        } else {
            state.window.age(state.highest(), index)
        }
    }

    /// Marks an index as seen, if it is fresh, and makes it the highest, if it is.
    #[inline(always)]
    pub(super) fn take(&mut self, at: ContextRef, index: u64) -> Age {
        let state = &mut self.get_mut(at).state;
        if state.flags.has(Flags::WIDE) {
            return self.take_wide(at, index);
        }
        let highest = state.highest();
        let age = state.window.take(highest, index);
        if index > highest {
            state.set_highest(index);
        }
        age
    }

    #[inline(never)]
    fn take_wide(&mut self, at: ContextRef, index: u64) -> Age {
        let state = &mut self.get_mut(at).state;
        let (highest, target) = (state.highest(), state.window.target());
        if index > highest {
            state.set_highest(index);
        }
        self.wide.items[target].take(highest, index)
    }

    fn window(&self, at: ContextRef) -> Wide {
        let state = &self.get(at).state;
        if state.flags.has(Flags::WIDE) {
            self.wide.items[state.window.target()].clone()
        } else {
            Wide::from_narrow(state.window, state.highest())
        }
    }

    fn set_window(&mut self, at: ContextRef, window: Wide) {
        let state = &self.get(at).state;
        let (highest, old) = (state.highest(), state.window.target());
        if state.flags.has(Flags::WIDE) {
            self.wide.free(old);
        }
        let wide = window.packets() > MIN_WINDOW;
        let window = if wide {
            Narrow::pointing_to(self.wide.put(window))
        } else {
            window.to_narrow(highest)
        };
        let state = &mut self.get_mut(at).state;
        state.flags = state.flags.with(Flags::WIDE, wide);
        state.window = window;
    }
}

/// Things that come and go, each at a number of its own.
struct Store<T> {
    items: Vec<T>,
    free: Vec<u32>,
}

impl<T> Store<T> {
    fn new(capacity: usize) -> Self {
        Self { items: Vec::with_capacity(capacity), free: Vec::with_capacity(capacity) }
    }

    fn put(&mut self, item: T) -> usize {
        match self.free.pop() {
            Some(number) => {
                self.items[number as usize] = item;
                number as usize
            }
            None => {
                self.items.push(item);
                self.items.len() - 1
            }
        }
    }

    fn free(&mut self, number: usize) {
        self.free.push(number as u32);
    }
}
