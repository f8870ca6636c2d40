use port::PortId;
use wire::WireError;

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It leaves through a port.
    Forward(PortId),
    /// It was valid, and nobody wants it now: the connection mode says so.
    Consume,
    /// It ends here.
    Drop(DropReason),
}

/// Whether a packet is media or control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// RTP or SRTP.
    Rtp,
    /// RTCP or SRTCP.
    Rtcp,
}

macro_rules! drop_reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal $label:literal,)+) => {
        /// Why a packet was dropped. A number, once given, is never given to another reason.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum DropReason {
            $($(#[doc = $doc])+ $name = $number,)+
        }

        impl DropReason {
            /// All reasons, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name in reports and metrics.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }
        }
    };
}

drop_reasons! {
    /// The IP or UDP headers contradict themselves or the frame.
    BadPacket = 0 "bad-packet",
    /// No IP and UDP that a relay handles: other protocols, fragments, options.
    NotMedia = 1 "not-media",
    /// No leg has this local address and port.
    UnknownPort = 2 "unknown-port",
    /// It came through another port than the leg's.
    WrongInterface = 3 "wrong-interface",
    /// The source is not the leg's peer.
    WrongSource = 4 "wrong-source",
    /// The leg's peer is not known yet.
    NotSignalled = 5 "not-signalled",
    /// Not RTP: version, CSRC count or extension length.
    NotRtp = 6 "not-rtp",
    /// Not RTCP, or a compound whose lengths lie.
    NotRtcp = 7 "not-rtcp",
    /// RTCP on the RTP port.
    RtcpOnRtpPort = 8 "rtcp-on-rtp-port",
    /// The leg carries no RTCP.
    RtcpOff = 9 "rtcp-off",
    /// Too short for its SRTP trailer.
    SrtpTooShort = 10 "srtp-too-short",
    /// The authentication tag is wrong.
    AuthFailed = 11 "auth-failed",
    /// Seen before.
    Replayed = 12 "replayed",
    /// Older than the replay window.
    TooOld = 13 "too-old",
    /// No key has this master key identifier.
    UnknownMki = 14 "unknown-mki",
    /// The master key's lifetime is over.
    KeyExpired = 15 "key-expired",
    /// More synchronisation sources than a leg may have.
    TooManySsrcs = 16 "too-many-ssrcs",
    /// The call has no other side yet, or it is not known where that is.
    NoDestination = 17 "no-destination",
    /// The link-layer address of the next hop is not known yet.
    NoNextHop = 18 "no-next-hop",
    /// The time to live is used up.
    TtlExceeded = 19 "ttl-exceeded",
    /// With the new headers and tag it exceeds the MTU of the way out.
    TooBig = 20 "too-big",
    /// The way out took no more.
    TxFull = 21 "tx-full",
    /// It could not be protected for the other side.
    ProtectFailed = 22 "protect-failed",
}

impl From<WireError> for DropReason {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Truncated
            | WireError::BadLength
            | WireError::BadVersion
            | WireError::BadChecksum
            | WireError::NoChecksum => Self::BadPacket,
            WireError::NotIp
            | WireError::Fragment
            | WireError::Options
            | WireError::ExtensionHeader
            | WireError::NotUdp => Self::NotMedia,
        }
    }
}

/// Packets by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that came in.
    pub received: u64,
    /// Frames that left.
    pub forwarded: u64,
    /// Frames nobody wanted.
    pub consumed: u64,
    drops: [u64; DropReason::ALL.len()],
}

impl Counters {
    /// Packets dropped for a reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize]
    }

    /// Packets dropped for each reason, also those with none.
    pub fn drops(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.iter().map(|&reason| (reason, self.dropped(reason)))
    }

    pub(crate) fn count(&mut self, verdict: Verdict) {
        self.received += 1;
        match verdict {
            Verdict::Forward(_) => self.forwarded += 1,
            Verdict::Consume => self.consumed += 1,
            Verdict::Drop(reason) => self.drops[reason as usize] += 1,
        }
    }

    /// Counts packets that came and left in the fast tier.
    pub(crate) fn passed_in_tier(&mut self, packets: u64) {
        self.received += packets;
        self.forwarded += packets;
    }

    /// Moves `frames` from forwarded to dropped: the port did not take them.
    pub(crate) fn not_taken(&mut self, frames: usize) {
        self.forwarded -= frames as u64;
        self.drops[DropReason::TxFull as usize] += frames as u64;
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
