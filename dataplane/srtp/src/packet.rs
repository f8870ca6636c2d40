//! As much of RTP's and RTCP's headers as protection needs. Nothing here is authenticated yet.

use crate::error::Error;

const RTP_FIXED_HEADER: usize = 12;
/// The header and sender's SSRC that SRTCP leaves in the clear.
pub(crate) const RTCP_HEADER: usize = 8;

/// What the header of an RTP packet says.
#[derive(Clone, Copy)]
pub(crate) struct RtpHeader {
    pub(crate) ssrc: u32,
    pub(crate) seq: u16,
    /// Octets before the payload: fixed header, CSRCs and extension (RFC 3550 §5.1, §5.3.1).
    pub(crate) len: usize,
}

impl RtpHeader {
    /// Reads the header of a packet whose trailer has been taken off.
    #[inline]
    pub(crate) fn read(packet: &[u8]) -> Result<Self, Error> {
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
}

/// The sender's SSRC of an RTCP packet whose trailer has been taken off, once the first length
/// field fits. The others may be encrypted.
pub(crate) fn rtcp_ssrc(packet: &[u8]) -> Result<u32, Error> {
    let Some(&[first, _, hi, lo, a, b, c, d]) = packet.first_chunk::<RTCP_HEADER>() else {
        return Err(Error::TooShort);
    };
    let len = 4 + 4 * usize::from(u16::from_be_bytes([hi, lo]));
    if first >> 6 != 2 || len < RTCP_HEADER || len > packet.len() {
        return Err(Error::Malformed);
    }
    Ok(u32::from_be_bytes([a, b, c, d]))
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
