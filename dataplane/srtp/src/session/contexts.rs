//! Where the contexts of all sessions are kept.

use zeroize::Zeroize;

use super::context::{Context, ContextRef, Flags, State};
use crate::error::Error;
use crate::keying::MIN_WINDOW;
use crate::replay::{Age, Narrow, Wide};
use crate::srtp::SessionId;

/// The contexts of one protocol: a primary one for each session, at the session's own number, and
/// one more for each further SSRC, chained to it.
pub(crate) struct Contexts<K> {
    primary: Vec<Context<K>>,
    further: Store<Context<K>>,
    wide: Store<Wide>,
}

impl<K: Zeroize> Contexts<K> {
    /// Reserves address space for as many contexts as there are sessions; pages come with their
    /// use.
    pub(crate) fn new(sessions: usize) -> Self {
        Self {
            primary: Vec::with_capacity(sessions),
            further: Store::new(sessions),
            wide: Store::new(sessions),
        }
    }

    /// Puts a session's primary context in its place, which is an old one or the next.
    pub(crate) fn place(&mut self, session: SessionId, context: Context<K>) {
        let number = session.index as usize;
        if number == self.primary.len() {
            self.primary.push(context);
        } else {
            self.primary[number] = context;
        }
    }

    /// The generation of the session that was or will be at this place.
    pub(crate) fn generation(&self, number: u32) -> u32 {
        self.primary[number as usize].state.generation
    }

    /// The primary context of a session that exists.
    #[inline]
    pub(crate) fn primary(&self, session: SessionId) -> Result<&Context<K>, Error> {
        self.primary
            .get(session.index as usize)
            .filter(|context| context.state.generation == session.generation)
            .ok_or(Error::NoSession)
    }

    /// What is at a session's place, be it gone or not.
    #[inline]
    pub(crate) fn peek(&self, session: SessionId) -> Option<&Context<K>> {
        self.primary.get(session.index as usize)
    }

    #[inline]
    pub(crate) fn get(&self, at: ContextRef) -> &Context<K> {
        match at.as_further() {
            None => &self.primary[at.number()],
            Some(number) => &self.further.items[number],
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: ContextRef) -> &mut Context<K> {
        match at.as_further() {
            None => &mut self.primary[at.number()],
            Some(number) => &mut self.further.items[number],
        }
    }

    /// The context of an SSRC, if it has one.
    #[inline]
    pub(crate) fn find(&self, session: SessionId, ssrc: u32) -> Option<ContextRef> {
        self.chain(session).find(|&at| {
            let state = &self.get(at).state;
            state.ssrc == ssrc && state.flags.has(Flags::BOUND)
        })
    }

    /// All contexts of a session, the primary first.
    #[inline]
    pub(crate) fn chain(&self, session: SessionId) -> impl Iterator<Item = ContextRef> + '_ {
        let mut at = session.into();
        std::iter::from_fn(move || {
            let here = (at != ContextRef::NONE).then_some(at)?;
            at = self.get(here).state.next;
            Some(here)
        })
    }

    /// Does something to every context of a session.
    pub(crate) fn for_each(&mut self, session: SessionId, mut change: impl FnMut(&mut Context<K>)) {
        let mut at = session.into();
        while at != ContextRef::NONE {
            let context = self.get_mut(at);
            change(context);
            at = context.state.next;
        }
    }

    /// Gives an SSRC its context, the primary if that is still free, else a further one.
    pub(crate) fn bind(
        &mut self,
        session: SessionId,
        state: State,
        keys: K,
        window: Wide,
    ) -> ContextRef {
        let first = session.into();
        let primary = self.get_mut(first);
        let at = if primary.state.flags.has(Flags::BOUND) {
            let next = primary.state.next;
            let number = self.further.put(Context { keys, state: State { next, ..state } });
            self.get_mut(first).state.next = ContextRef::further(number);
            ContextRef::further(number)
        } else {
            let (next, credit) = (primary.state.next, primary.state.credit);
            *primary = Context { keys, state: State { next, credit, ..state } };
            first
        };
        self.set_window(at, window);
        at
    }

    /// Empties the contexts of a session, erases their keys and frees all but the primary, which
    /// waits for the next session in its place.
    pub(crate) fn clear(&mut self, session: SessionId) {
        let mut at = session.into();
        while at != ContextRef::NONE {
            let Context { keys, state } = self.get_mut(at);
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

    /// How an index stands to the replay window of a context.
    #[inline]
    pub(crate) fn age(&self, at: ContextRef, index: u64) -> Age {
        let state = &self.get(at).state;
        if state.flags.has(Flags::WIDE) {
            self.wide.items[state.window.target()].age(state.highest(), index)
        } else {
            state.window.age(state.highest(), index)
        }
    }

    /// Marks an index as seen, and makes it the highest if it is.
    #[inline]
    pub(crate) fn mark(&mut self, at: ContextRef, index: u64) {
        let state = &mut self.get_mut(at).state;
        let (highest, window) = (state.highest(), state.window);
        if index > highest {
            state.set_highest(index);
        }
        if state.flags.has(Flags::WIDE) {
            self.wide.items[window.target()].mark(highest, index);
        } else {
            state.window.mark(highest, index);
        }
    }

    /// The replay window of a context, in its general form.
    pub(crate) fn window(&self, at: ContextRef) -> Wide {
        let state = &self.get(at).state;
        if state.flags.has(Flags::WIDE) {
            self.wide.items[state.window.target()].clone()
        } else {
            Wide::from_narrow(state.window, state.highest())
        }
    }

    /// Gives a context another replay window.
    pub(crate) fn set_window(&mut self, at: ContextRef, window: Wide) {
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
