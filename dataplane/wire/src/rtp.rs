//! RTP (RFC 3550 §5.1).

use crate::{WireError, be16, be32};

/// Length of the fixed header.
pub const HEADER_LEN: usize = 12;

/// Synchronisation source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ssrc(pub u32);

/// Sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeqNo(pub u16);

/// Payload type, 0 to 127.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PayloadType(pub u8);

/// An RTP packet whose headers lie within the bytes.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    bytes: &'a [u8],
    header_len: usize,
}

impl<'a> Packet<'a> {
    /// Checks version, CSRC count and extension length against the bytes. The padding count is not
    /// looked at: under SRTP it is encrypted.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, WireError> {
        if bytes.len() < HEADER_LEN {
            return Err(WireError::Truncated);
        }
        if bytes[0] >> 6 != 2 {
            return Err(WireError::BadVersion);
        }
        let mut header_len = HEADER_LEN + 4 * usize::from(bytes[0] & 0x0f);
        if bytes[0] & 0x10 != 0 {
            if bytes.len() < header_len + 4 {
                return Err(WireError::Truncated);
            }
            header_len += 4 + 4 * usize::from(be16(bytes, header_len + 2));
        }
        if bytes.len() < header_len {
            return Err(WireError::Truncated);
        }
        Ok(Self { bytes, header_len })
    }

    /// Octets of fixed header, CSRC list and extension.
    pub fn header_len(&self) -> usize {
        self.header_len
    }

    /// Marker bit.
    pub fn marker(&self) -> bool {
        self.bytes[1] & 0x80 != 0
    }

    /// Payload type.
    pub fn payload_type(&self) -> PayloadType {
        PayloadType(self.bytes[1] & 0x7f)
    }

    /// Sequence number.
    pub fn seq_no(&self) -> SeqNo {
        SeqNo(be16(self.bytes, 2))
    }

    /// Timestamp, in units of the payload's clock.
    pub fn timestamp(&self) -> u32 {
        be32(self.bytes, 4)
    }

    /// Synchronisation source.
    pub fn ssrc(&self) -> Ssrc {
        Ssrc(be32(self.bytes, 8))
    }

    /// What follows the headers, padding and SRTP trailer included.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.header_len..]
    }
}

/// Whether a packet on an RTP port is RTCP after all (RFC 5761 §4): its second octet is an RTCP
/// packet type.
pub fn looks_like_rtcp(bytes: &[u8]) -> bool {
    bytes.get(1).is_some_and(|octet| (192..=223).contains(octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: [u8; 24] = [
        0x91, 0x80, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef, // one CSRC, extension
        1, 2, 3, 4, // CSRC
        0xbe, 0xde, 0, 0, // extension of no words
        9, 9, 9, 9,
    ];

    #[test]
    fn fields() {
        let packet = Packet::new_checked(&PACKET).unwrap();
        assert!(packet.marker());
        assert_eq!(packet.payload_type(), PayloadType(0));
        assert_eq!(packet.seq_no(), SeqNo(0x1234));
        assert_eq!(packet.timestamp(), 160);
        assert_eq!(packet.ssrc(), Ssrc(0xdead_beef));
        assert_eq!(packet.payload(), [9, 9, 9, 9]);
    }

    #[test]
    fn lengths_that_lie() {
        for len in 0..20 {
            assert_eq!(Packet::new_checked(&PACKET[..len]).unwrap_err(), WireError::Truncated);
        }
        let mut packet = PACKET;
        packet[19] = 2;
        assert_eq!(Packet::new_checked(&packet).unwrap_err(), WireError::Truncated);
        packet[0] = 0x51;
        assert_eq!(Packet::new_checked(&packet).unwrap_err(), WireError::BadVersion);
    }
}
