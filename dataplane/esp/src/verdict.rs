//! What became of a packet.

use thiserror::Error;

use crate::SaId;

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Outbound: it is sealed, and goes to the peer. Inbound: it came out of this association, and
    /// its selectors and the policy agree; this is the only proof that a packet was protected.
    Protected(SaId),
    /// Policy lets it go as it is.
    Bypass,
    /// Outbound, sealed, and longer than the path takes: cut it with
    /// [`fragments`](crate::fragment::fragments) before it is sent.
    Split {
        /// The association.
        sa: SaId,
        /// Octets of a packet that the path takes.
        mtu: usize,
    },
    /// Outbound, unchanged: cut it with [`fragments`](crate::fragment::fragments) and seal the
    /// parts with [`Ipsec::protect`](crate::Ipsec::protect).
    Fragment {
        /// The association.
        sa: SaId,
        /// Octets of a part that fits.
        mtu: usize,
    },
    /// Outbound, unchanged: too long for its path, and nobody may cut it. Answer it with
    /// [`icmp::too_big`](crate::icmp::too_big).
    TooBig {
        /// Octets of a packet that fits.
        mtu: usize,
    },
    /// Inbound: a fragment of something protected, for the [`Reassembler`](crate::Reassembler).
    Reassemble,
    /// Inbound: UDP on port 4500 that is for the IKE daemon; the non-ESP marker is still there.
    Ike,
    /// Inbound: a NAT keepalive, or a dummy packet. It was valid and ends here.
    Consume,
    /// It ends here.
    Drop(DropReason),
}

/// Why a packet was dropped. Displayed as the name in reports and metrics. A number, once given, is
/// never given to another reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Error)]
#[repr(u8)]
pub enum DropReason {
    /// The headers contradict themselves or the packet.
    #[error("bad-packet")]
    BadPacket = 0,
    /// No association has this SPI and destination; outbound, none is there for the policy.
    #[error("no-sa")]
    NoSa = 1,
    /// The number has come before.
    #[error("replayed")]
    Replayed = 2,
    /// The number lies before the replay window or the association's start.
    #[error("too-old")]
    TooOld = 3,
    /// The ICV is wrong.
    #[error("auth-failed")]
    AuthFailed = 4,
    /// Authentic, but its padding is not 1, 2, 3 …, or longer than the packet.
    #[error("bad-padding")]
    BadPadding = 5,
    /// Authentic, but what is inside is not what the association's mode carries.
    #[error("bad-next-header")]
    BadNextHeader = 6,
    /// Authentic, but not traffic that this association is for.
    #[error("selector-mismatch")]
    SelectorMismatch = 7,
    /// In clear, where policy demands protection.
    #[error("clear-text")]
    ClearText = 8,
    /// Policy discards it.
    #[error("discarded")]
    Discarded = 9,
    /// No policy is for it.
    #[error("no-policy")]
    NoPolicy = 10,
    /// The association's lifetime is over.
    #[error("expired")]
    Expired = 11,
    /// The buffer has no room for headers and trailer.
    #[error("no-room")]
    NoRoom = 12,
    /// Congestion was marked on the way, and the sender of the inner packet would not see it
    /// (RFC 6040).
    #[error("congestion")]
    Congestion = 13,
    /// A fragment where only whole datagrams go: transport mode, ports that decide.
    #[error("fragment")]
    Fragment = 14,
    /// On port 4500 neither ESP nor IKE nor a keepalive.
    #[error("bad-encapsulation")]
    BadEncapsulation = 15,
    /// In UDP where the association has none, or the reverse.
    #[error("encapsulation-mismatch")]
    EncapsulationMismatch = 16,
    /// Fragments that overlap, or too many of them.
    #[error("bad-fragments")]
    BadFragments = 17,
}

impl DropReason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::BadPacket,
        Self::NoSa,
        Self::Replayed,
        Self::TooOld,
        Self::AuthFailed,
        Self::BadPadding,
        Self::BadNextHeader,
        Self::SelectorMismatch,
        Self::ClearText,
        Self::Discarded,
        Self::NoPolicy,
        Self::Expired,
        Self::NoRoom,
        Self::Congestion,
        Self::Fragment,
        Self::BadEncapsulation,
        Self::EncapsulationMismatch,
        Self::BadFragments,
    ];
}

/// Packets by why they were dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops([u64; DropReason::ALL.len()]);

impl Drops {
    /// Packets dropped for a reason.
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// Packets dropped for each reason, also those with none.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.iter().map(|&reason| (reason, self.of(reason)))
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn count(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_numbered_without_gaps() {
        for (index, &reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }
}
