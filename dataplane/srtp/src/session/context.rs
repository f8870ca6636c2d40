//! The state of one SSRC under its session keys.

use crate::replay::Narrow;
use crate::srtp::SessionId;
use crate::suite::Suite;

/// What a packet needs: expanded keys and 40 octets of state, aligned as `A` is. With the 216
/// octets of keys of the vector backends that is four cache lines.
#[repr(C)]
pub(crate) struct Context<K, A> {
    align: [A; 0],
    pub(crate) keys: K,
    pub(crate) state: State,
}

impl<K, A> Context<K, A> {
    pub(super) fn new(keys: K, state: State) -> Self {
        Self { align: [], keys, state }
    }
}

/// Alignment to the lines of the processor's caches.
#[repr(align(64))]
pub(crate) struct CacheLine;

/// The part of a context that changes with each packet.
#[derive(Clone)]
#[repr(C)]
pub(crate) struct State {
    /// The replay window, or with [`Flags::WIDE`] in its first word which of the wide ones.
    pub(super) window: Narrow,
    /// The highest index, as RFC 3711 §3.2.1 splits it. For SRTCP both together are the index.
    pub(super) roc: u32,
    pub(super) s_l: u16,
    /// Number of the master key in the session that `keys` derive from.
    pub(crate) key: u8,
    pub(crate) flags: Flags,
    pub(crate) ssrc: u32,
    pub(crate) generation: u32,
    /// The next SSRC's context in the session.
    pub(super) next: ContextRef,
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
    /// Packets go one by one, see [`super::alone`].
    pub(crate) const ALONE: Self = Self(4);
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

    pub(crate) const fn further(number: usize) -> Self {
        Self(number as u32 | Self::FURTHER)
    }

    /// The number among the further ones, if it is one of them.
    #[inline]
    pub(crate) const fn as_further(self) -> Option<usize> {
        if self.0 & Self::FURTHER == 0 { None } else { Some((self.0 & !Self::FURTHER) as usize) }
    }

    /// The number among the primary ones, if it is one of them.
    #[inline]
    pub(crate) const fn number(self) -> usize {
        (self.0 & !Self::FURTHER) as usize
    }
}

impl From<SessionId> for ContextRef {
    /// The primary context of the session.
    #[inline]
    fn from(session: SessionId) -> Self {
        Self(session.index)
    }
}

impl State {
    /// The state of a session that has seen no packet.
    pub(crate) fn unbound(suite: Suite, key: u8, flags: Flags, generation: u32) -> Self {
        Self { suite, key, flags, ..Self::vacant(generation) }
    }

    /// The state of a place without a session.
    pub(crate) fn vacant(generation: u32) -> Self {
        Self {
            window: Narrow::default(),
            roc: 0,
            s_l: 0,
            key: 0,
            flags: Flags::NONE,
            ssrc: 0,
            generation,
            next: ContextRef::NONE,
            credit: 0,
            suite: Suite::NullHmacSha1_80,
        }
    }

    /// The state of an SSRC that begins with this index.
    pub(crate) fn bound(&self, ssrc: u32, index: u64) -> Self {
        let flags = self.flags.with(Flags::BOUND, true).with(Flags::WIDE, false);
        let mut state = Self { ssrc, flags, credit: 0, ..self.clone() };
        state.set_highest(index);
        state
    }

    /// Whether this is the state of that SSRC.
    #[inline]
    pub(crate) fn is_of(&self, ssrc: u32) -> bool {
        self.ssrc == ssrc && self.flags.has(Flags::BOUND)
    }

    #[inline]
    pub(crate) fn highest(&self) -> u64 {
        u64::from(self.roc) << 16 | u64::from(self.s_l)
    }

    #[inline]
    pub(super) fn set_highest(&mut self, index: u64) {
        self.roc = (index >> 16) as u32;
        self.s_l = index as u16;
    }
}
