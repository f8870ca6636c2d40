//! What whoever manages associations should know.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::SaId;
use crate::lifetime::LimitKind;
use crate::policy::RequestId;
use crate::selector::Flow;

/// Something to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Time for a successor. Told once.
    SoftLimit {
        /// The association.
        sa: SaId,
        /// Which limit.
        limit: LimitKind,
    },
    /// The association is dead: no packet goes through it any more. Told once.
    HardLimit {
        /// The association.
        sa: SaId,
        /// Which limit.
        limit: LimitKind,
    },
    /// A packet wanted to leave under a policy that has no association. Told at most once a second
    /// for each policy.
    Acquire {
        /// The policy's number.
        request: RequestId,
        /// The packet's flow.
        flow: Flow,
    },
    /// An authentic packet came from another address or port than the peer's: an address translator
    /// has forgotten it. Whoever agrees calls [`Ipsec::set_peer`](crate::Ipsec::set_peer) on the
    /// associations concerned.
    PeerMoved {
        /// The association it came under.
        sa: SaId,
        /// Where it came from.
        to: SocketAddr,
    },
    /// The path of an association takes no longer packets than this now.
    PathMtu {
        /// The association.
        sa: SaId,
        /// Octets.
        mtu: usize,
    },
    /// Nothing was sent for so long that an address translator could forget us: send an
    /// [`encapsulation::keepalive`](crate::encapsulation::keepalive).
    Keepalive {
        /// The association.
        sa: SaId,
    },
}

/// A queue that never grows: strangers' packets must not make us allocate.
pub(crate) struct Events {
    queue: VecDeque<Event>,
    lost: u64,
}

const CAPACITY: usize = 1024;

impl Events {
    pub(crate) fn new() -> Self {
        Self { queue: VecDeque::with_capacity(CAPACITY), lost: 0 }
    }

    pub(crate) fn tell(&mut self, event: Event) {
        if self.queue.len() == CAPACITY {
            self.lost += 1;
        } else {
            self.queue.push_back(event);
        }
    }

    pub(crate) fn next(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}
