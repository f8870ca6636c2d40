/// Why the XDP program did with a frame what it did. The number is the index of its counter.
///
/// They are examined in this order: Ethernet, IP header, UDP header, destination. A frame is counted
/// once, under the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum XdpReason {
    /// Neither IPv4 nor IPv6 behind up to two VLAN tags: ARP, for example.
    PassNotIp = 0,
    /// A fragment: only the kernel puts them together.
    PassFragment = 1,
    /// An IPv4 header with options.
    PassOptions = 2,
    /// An IPv6 extension header.
    PassExtensionHeader = 3,
    /// Another transport protocol.
    PassNotUdp = 4,
    /// The destination is no media address, or a port of it outside the media range.
    PassNotMedia = 5,
    /// The frame ends inside a header, or a header contradicts itself: the kernel knows how to
    /// count that.
    PassMalformed = 6,
    /// A media port that no flow has.
    DropUnknownMediaPort = 7,
    /// Given to the AF_XDP socket of the queue. The socket has its own counters for what it could
    /// not take.
    Redirect = 8,
    /// Media for a queue that has no AF_XDP socket.
    DropNoSocket = 9,
    /// New headers were written, and it left here: the fast tier.
    Forward = 10,
    /// For the engine: of a flow in the fast tier, but not from its peer.
    RedirectOtherSource = 11,
    /// For the engine: of a flow in the fast tier, but no RTP, or with octets behind the datagram.
    RedirectNotRtp = 12,
    /// For the engine: the header's checksum is wrong, or that of the datagram is missing or
    /// unfinished.
    RedirectChecksum = 13,
    /// For the engine: the time to live is used up.
    RedirectTtl = 14,
    /// For the engine: too long for the way out.
    RedirectTooBig = 15,
    /// For the engine: the next hop is not known.
    RedirectNoNextHop = 16,
    /// For the engine, but the flow's peer has sent more than a peer sends.
    DropPeerLimit = 17,
    /// For the engine, but this stranger has sent enough.
    DropStrangerLimit = 18,
    /// For the engine, but all strangers together have sent enough.
    DropStrangersLimit = 19,
    /// For sockets of ours: ESP under an association of theirs, in UDP or not.
    RedirectEsp = 20,
    /// For sockets of ours: about an address that only they have. ARP, neighbour discovery, ICMP,
    /// fragments.
    RedirectOwnAddress = 21,
}

/// What happens to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on into the kernel.
    Pass,
    /// It is gone.
    Drop,
    /// It goes to an AF_XDP socket.
    Redirect,
    /// It leaves through the same or another interface.
    Forward,
}

impl XdpReason {
    /// All of them, by number.
    pub const ALL: [Self; 22] = [
        Self::PassNotIp,
        Self::PassFragment,
        Self::PassOptions,
        Self::PassExtensionHeader,
        Self::PassNotUdp,
        Self::PassNotMedia,
        Self::PassMalformed,
        Self::DropUnknownMediaPort,
        Self::Redirect,
        Self::DropNoSocket,
        Self::Forward,
        Self::RedirectOtherSource,
        Self::RedirectNotRtp,
        Self::RedirectChecksum,
        Self::RedirectTtl,
        Self::RedirectTooBig,
        Self::RedirectNoNextHop,
        Self::DropPeerLimit,
        Self::DropStrangerLimit,
        Self::DropStrangersLimit,
        Self::RedirectEsp,
        Self::RedirectOwnAddress,
    ];

    /// Those that mean that somebody sends more than he may.
    pub const LIMITS: [Self; 3] =
        [Self::DropPeerLimit, Self::DropStrangerLimit, Self::DropStrangersLimit];

    /// The name in reports and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::PassNotIp => "pass-not-ip",
            Self::PassFragment => "pass-fragment",
            Self::PassOptions => "pass-options",
            Self::PassExtensionHeader => "pass-extension-header",
            Self::PassNotUdp => "pass-not-udp",
            Self::PassNotMedia => "pass-not-media",
            Self::PassMalformed => "pass-malformed",
            Self::DropUnknownMediaPort => "drop-unknown-media-port",
            Self::Redirect => "redirect",
            Self::DropNoSocket => "drop-no-socket",
            Self::Forward => "forward",
            Self::RedirectOtherSource => "redirect-other-source",
            Self::RedirectNotRtp => "redirect-not-rtp",
            Self::RedirectChecksum => "redirect-checksum",
            Self::RedirectTtl => "redirect-ttl",
            Self::RedirectTooBig => "redirect-too-big",
            Self::RedirectNoNextHop => "redirect-no-next-hop",
            Self::DropPeerLimit => "drop-peer-limit",
            Self::DropStrangerLimit => "drop-stranger-limit",
            Self::DropStrangersLimit => "drop-strangers-limit",
            Self::RedirectEsp => "redirect-esp",
            Self::RedirectOwnAddress => "redirect-own-address",
        }
    }

    /// What happens to frames counted here.
    #[inline(always)]
    pub fn verdict(self) -> Verdict {
        match self {
            Self::PassNotIp
            | Self::PassFragment
            | Self::PassOptions
            | Self::PassExtensionHeader
            | Self::PassNotUdp
            | Self::PassNotMedia
            | Self::PassMalformed => Verdict::Pass,
            Self::DropUnknownMediaPort
            | Self::DropNoSocket
            | Self::DropPeerLimit
            | Self::DropStrangerLimit
            | Self::DropStrangersLimit => Verdict::Drop,
            Self::Redirect
            | Self::RedirectOtherSource
            | Self::RedirectNotRtp
            | Self::RedirectChecksum
            | Self::RedirectTtl
            | Self::RedirectTooBig
            | Self::RedirectNoNextHop
            | Self::RedirectEsp
            | Self::RedirectOwnAddress => Verdict::Redirect,
            Self::Forward => Verdict::Forward,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positions() {
        for (position, reason) in XdpReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, position, "{reason:?}");
        }
    }

    #[test]
    fn names_begin_with_the_verdict() {
        for reason in XdpReason::ALL {
            let verdict = match reason.verdict() {
                Verdict::Pass => "pass-",
                Verdict::Drop => "drop-",
                Verdict::Redirect => "redirect",
                Verdict::Forward => "forward",
            };
            assert!(reason.name().starts_with(verdict), "{reason:?}");
        }
    }
}
