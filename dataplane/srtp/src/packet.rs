//! As much of RTP's and RTCP's headers as protection needs. Nothing here is authenticated yet.

use crate::error::Error;

/// The two protocols, each with keys, contexts and indices of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Rtp,
    Rtcp,
}

impl Protocol {
    pub(crate) const BOTH: [Self; 2] = [Self::Rtp, Self::Rtcp];

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Rtp => Self::Rtcp,
            Self::Rtcp => Self::Rtp,
        }
    }

    /// The highest packet index: 48 bits for SRTP (RFC 3711 §3.3.1), 31 for SRTCP (§3.4).
    #[inline]
    pub(crate) const fn max_index(self) -> u64 {
        match self {
            Self::Rtp => (1 << 48) - 1,
            Self::Rtcp => (1 << 31) - 1,
        }
    }
}

const RTP_FIXED_HEADER: usize = 12;
/// The header and sender's SSRC that SRTCP leaves in the clear.
const RTCP_HEADER: usize = 8;

/// What the part of a packet says that is never encrypted.
#[derive(Clone, Copy)]
pub(crate) struct Header {
    pub(crate) ssrc: u32,
    /// The sequence number of an RTP packet.
    pub(crate) seq: u16,
    /// Octets before what is encrypted.
    pub(crate) len: usize,
}

impl Header {
    /// Reads the header of a packet without trailer.
    pub(crate) fn read(protocol: Protocol, packet: &[u8]) -> Result<Self, Error> {
        match protocol {
            Protocol::Rtp => Self::read_rtp(packet),
            Protocol::Rtcp => Self::read_rtcp(packet),
        }
    }

    /// The SSRC alone, before it is known where the packet ends.
    pub(crate) fn peek_ssrc(protocol: Protocol, packet: &[u8]) -> Option<u32> {
        let at = match protocol {
            Protocol::Rtp => 8,
            Protocol::Rtcp => 4,
        };
        packet.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
    }

    /// Fixed header, CSRCs and extension (RFC 3550 §5.1, §5.3.1).
    #[inline]
    pub(crate) fn read_rtp(packet: &[u8]) -> Result<Self, Error> {
        let Some(fixed) = packet.first_chunk::<RTP_FIXED_HEADER>() else {
            return Err(Error::TooShort);
        };
        let [first, _, s0, s1, _, _, _, _, a, b, c, d] = *fixed;
        let mut len = RTP_FIXED_HEADER + 4 * usize::from(first & 0x0f);
        if first & 0x10 != 0 {
            let Some(&[_, _, hi, lo]) = packet.get(len..len + 4) else {
                return Err(Error::Malformed);
            };
            len += 4 + 4 * usize::from(u16::from_be_bytes([hi, lo]));
        }
        if first >> 6 != 2 || len > packet.len() {
            return Err(Error::Malformed);
        }
        let (ssrc, seq) = (u32::from_be_bytes([a, b, c, d]), u16::from_be_bytes([s0, s1]));
        Ok(Self { ssrc, seq, len })
    }

    /// The first packet's header and sender (RFC 3550 §6.4.1).
    fn read_rtcp(packet: &[u8]) -> Result<Self, Error> {
        let Some(&[first, _, _, _, a, b, c, d]) = packet.first_chunk::<RTCP_HEADER>() else {
            return Err(Error::TooShort);
        };
        if first >> 6 != 2 {
            return Err(Error::Malformed);
        }
        Ok(Self { ssrc: u32::from_be_bytes([a, b, c, d]), seq: 0, len: RTCP_HEADER })
    }
}

/// Whether an RTCP packet that may be encrypted behind its header contains the first packet of its
/// compound.
pub(crate) fn contains_first_rtcp(packet: &[u8]) -> bool {
    let len =
        packet.first_chunk().map(|&[_, _, hi, lo]| 4 + 4 * u16::from_be_bytes([hi, lo]) as usize);
    len.is_some_and(|len| (RTCP_HEADER..=packet.len()).contains(&len))
}

/// Whether a readable compound packet is made of packets whose lengths fill it exactly
/// (RFC 3550 §6.1, RFC 5506 for compounds of one).
pub(crate) fn is_rtcp_compound(packet: &[u8]) -> bool {
    let mut rest = packet;
    while let Some(&[first, _, hi, lo]) = rest.first_chunk::<4>() {
        let len = 4 + 4 * usize::from(u16::from_be_bytes([hi, lo]));
        if first >> 6 != 2 || len > rest.len() {
            return false;
        }
        rest = &rest[len..];
    }
    rest.is_empty()
}
