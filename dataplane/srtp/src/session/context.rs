//! The state of one SSRC under one session key, and where such states are kept.

use crate::SessionId;
use crate::error::Error;
use crate::keying::MIN_WINDOW;
use crate::replay::{Age, Narrow, Wide};
use crate::suite::Suite;

/// What a packet needs: 40 octets of state, then the expanded keys. With the keys of the x86
/// backends that is 256 octets, four cache lines.
#[repr(C, align(64))]
pub(crate) struct Context<K> {
    pub(crate) state: State,
    pub(crate) keys: K,
}

/// The part of a context that changes with each packet.
#[derive(Clone)]
#[repr(C)]
pub(crate) struct State {
    /// The replay window, or with [`Flags::WIDE`] in its first word which of the wide ones.
    window: Narrow,
    /// The highest index, as RFC 3711 §3.2.1 splits it. For SRTCP both together are the index.
    roc: u32,
    s_l: u16,
    /// Number of the master key in the session that `keys` derive from.
    pub(crate) key: u8,
    pub(crate) flags: Flags,
    pub(crate) ssrc: u32,
    pub(crate) generation: u32,
    /// The next SSRC's context in the session.
    next: ContextRef,
    /// Packets that may still be counted here before the session's tally must be asked. Only the
    /// primary context's is used.
    pub(crate) credit: u16,
    pub(crate) suite: Suite,
}

const _: () = assert!(size_of::<State>() == 40);

/// Properties of a context that the packet path asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const NONE: Self = Self(0);
    /// The context belongs to an SSRC. Only a primary context can be without.
    pub(crate) const BOUND: Self = Self(1);
    /// The session protects.
    pub(crate) const OUTBOUND: Self = Self(2);
    /// The window is a wide one.
    pub(crate) const WIDE: Self = Self(8);
    /// A master key identifier is in each packet.
    pub(crate) const MKI: Self = Self(16);

    #[inline]
    pub(crate) const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub(crate) const fn with(self, flag: Self, on: bool) -> Self {
        Self(if on { self.0 | flag.0 } else { self.0 & !flag.0 })
    }
}

/// Which context of a table: a primary one, or with the top bit set a further one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContextRef(u32);

impl ContextRef {
    const FURTHER: u32 = 1 << 31;
    pub(crate) const NONE: Self = Self(u32::MAX);

    pub(crate) const fn primary(session: SessionId) -> Self {
        Self(session.index)
    }
}

impl State {
    /// The state of a session that has seen no packet.
    pub(crate) fn unbound(suite: Suite, key: u8, flags: Flags, generation: u32) -> Self {
        Self {
            window: Narrow::default(),
            roc: 0,
            s_l: 0,
            key,
            flags,
            ssrc: 0,
            generation,
            next: ContextRef::NONE,
            credit: 0,
            suite,
        }
    }

    #[inline]
    pub(crate) fn highest(&self) -> u64 {
        u64::from(self.roc) << 16 | u64::from(self.s_l)
    }

    #[inline]
    fn set_highest(&mut self, index: u64) {
        self.roc = (index >> 16) as u32;
        self.s_l = index as u16;
    }
}

/// The contexts of one protocol: one primary per session, at the session's own number, and one
/// more for each further SSRC, chained to it.
pub(crate) struct Contexts<K> {
    primary: Vec<Context<K>>,
    further: Vec<Context<K>>,
    free_further: Vec<u32>,
    wide: Vec<Wide>,
    free_wide: Vec<u32>,
}

impl<K> Contexts<K> {
    /// Reserves address space for all contexts there may ever be; pages come with their use.
    pub(crate) fn new(sessions: usize) -> Self {
        Self {
            primary: Vec::with_capacity(sessions),
            further: Vec::with_capacity(sessions),
            free_further: Vec::with_capacity(sessions),
            wide: Vec::with_capacity(sessions),
            free_wide: Vec::with_capacity(sessions),
        }
    }

    /// Puts a session's primary context in its place, the old one of the place or a new last one.
    pub(crate) fn place(&mut self, session: SessionId, context: Context<K>) {
        let index = session.index as usize;
        if index == self.primary.len() {
            self.primary.push(context);
        } else {
            self.primary[index] = context;
        }
    }

    #[inline]
    pub(crate) fn primary(&self, session: SessionId) -> Result<&Context<K>, Error> {
        self.primary
            .get(session.index as usize)
            .filter(|context| context.state.generation == session.generation)
            .ok_or(Error::NoSession)
    }

    #[inline]
    pub(crate) fn get(&self, at: ContextRef) -> &Context<K> {
        if at.0 & ContextRef::FURTHER == 0 {
            &self.primary[at.0 as usize]
        } else {
            &self.further[(at.0 & !ContextRef::FURTHER) as usize]
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: ContextRef) -> &mut Context<K> {
        if at.0 & ContextRef::FURTHER == 0 {
            &mut self.primary[at.0 as usize]
        } else {
            &mut self.further[(at.0 & !ContextRef::FURTHER) as usize]
        }
    }

    /// The context of an SSRC, if it has one.
    #[inline]
    pub(crate) fn find(&self, session: SessionId, ssrc: u32) -> Option<ContextRef> {
        let mut at = ContextRef::primary(session);
        while at != ContextRef::NONE {
            let state = &self.get(at).state;
            if state.ssrc == ssrc && state.flags.has(Flags::BOUND) {
                return Some(at);
            }
            at = state.next;
        }
        None
    }

    /// Gives an SSRC its context, the primary if that is still free, else a further one, and
    /// marks its first index.
    pub(crate) fn bind(
        &mut self,
        session: SessionId,
        ssrc: u32,
        keys: K,
        window: u16,
        index: u64,
    ) -> ContextRef {
        let first = ContextRef::primary(session);
        let mut state = self.get(first).state.clone();
        let at = if state.flags.has(Flags::BOUND) {
            state.credit = 0;
            let at = self.push(Context { state: state.clone(), keys });
            self.get_mut(first).state.next = at;
            at
        } else {
            self.get_mut(first).keys = keys;
            first
        };
        state.ssrc = ssrc;
        state.set_highest(index);
        state.window = Narrow::default();
        state.flags = state.flags.with(Flags::BOUND, true).with(Flags::WIDE, window > MIN_WINDOW);
        if window > MIN_WINDOW {
            state.window = Narrow::pointing_to(self.push_wide(Wide::new(window)));
        }
        self.get_mut(at).state = state;
        self.mark(at, index);
        at
    }

    fn push(&mut self, context: Context<K>) -> ContextRef {
        let number = match self.free_further.pop() {
            Some(number) => {
                self.further[number as usize] = context;
                number
            }
            None => {
                self.further.push(context);
                (self.further.len() - 1) as u32
            }
        };
        ContextRef(number | ContextRef::FURTHER)
    }

    fn push_wide(&mut self, window: Wide) -> usize {
        match self.free_wide.pop() {
            Some(number) => {
                self.wide[number as usize] = window;
                number as usize
            }
            None => {
                self.wide.push(window);
                self.wide.len() - 1
            }
        }
    }

    /// Empties the contexts of a session, giving `wipe` the keys of each, and frees all but the
    /// primary, which waits for the next session in its place under a new generation.
    pub(crate) fn clear(&mut self, session: SessionId, mut wipe: impl FnMut(&mut K)) {
        let mut at = ContextRef::primary(session);
        while at != ContextRef::NONE {
            let context = self.get_mut(at);
            wipe(&mut context.keys);
            let state = context.state.clone();
            if state.flags.has(Flags::WIDE) {
                self.free_wide.push(state.window.target() as u32);
            }
            if at.0 & ContextRef::FURTHER != 0 {
                self.free_further.push(at.0 & !ContextRef::FURTHER);
            }
            at = state.next;
        }
        let generation = session.generation.wrapping_add(1);
        self.get_mut(ContextRef::primary(session)).state =
            State::unbound(Suite::NullHmacSha1_80, 0, Flags::NONE, generation);
    }

    /// The generation of the session that was or will be at this place.
    pub(crate) fn generation(&self, index: u32) -> u32 {
        self.primary[index as usize].state.generation
    }

    /// Gives the keys of every context to `wipe`.
    pub(crate) fn for_each_keys(&mut self, mut wipe: impl FnMut(&mut K)) {
        for context in self.primary.iter_mut().chain(&mut self.further) {
            wipe(&mut context.keys);
        }
    }

    /// All contexts of a session, the primary first.
    pub(crate) fn chain(&self, session: SessionId) -> impl Iterator<Item = ContextRef> + '_ {
        std::iter::successors(Some(ContextRef::primary(session)), |&at| {
            Some(self.get(at).state.next).filter(|&next| next != ContextRef::NONE)
        })
    }

    /// How an index stands to the replay window of a context.
    #[inline]
    pub(crate) fn age(&self, at: ContextRef, index: u64) -> Age {
        let state = &self.get(at).state;
        if state.flags.has(Flags::WIDE) {
            self.wide[state.window.target()].age(state.highest(), index)
        } else {
            state.window.age(state.highest(), index)
        }
    }

    /// Marks an index as seen, and makes it the highest if it is.
    #[inline]
    pub(crate) fn mark(&mut self, at: ContextRef, index: u64) {
        let state = &mut self.get_mut(at).state;
        let highest = state.highest();
        if state.flags.has(Flags::WIDE) {
            let target = state.window.target();
            self.wide[target].mark(highest, index);
        } else {
            state.window.mark(highest, index);
        }
        if index > highest {
            self.get_mut(at).state.set_highest(index);
        }
    }
}
