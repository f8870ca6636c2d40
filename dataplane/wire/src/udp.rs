//! UDP (RFC 768).

use crate::{WireError, be16};

/// Length of the header.
pub const HEADER_LEN: usize = 8;

/// A UDP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Octets of the payload.
    pub payload_len: u16,
    /// The checksum field; 0 is "none".
    pub checksum: u16,
}

impl Header {
    /// Reads the header in front of `segment`, the whole payload of an IP packet.
    pub fn parse(segment: &[u8]) -> Result<Self, WireError> {
        if segment.len() < HEADER_LEN {
            return Err(WireError::Truncated);
        }
        let len = usize::from(be16(segment, 4));
        if len < HEADER_LEN || len > segment.len() {
            return Err(WireError::BadLength);
        }
        Ok(Self {
            source: be16(segment, 0),
            destination: be16(segment, 2),
            payload_len: (len - HEADER_LEN) as u16,
            checksum: be16(segment, 6),
        })
    }

    /// Octets of header and payload.
    pub fn total_len(&self) -> u16 {
        HEADER_LEN as u16 + self.payload_len
    }

    /// Writes the header to the front of `segment`, which has at least [`HEADER_LEN`] octets.
    pub fn emit(&self, segment: &mut [u8]) {
        segment[..2].copy_from_slice(&self.source.to_be_bytes());
        segment[2..4].copy_from_slice(&self.destination.to_be_bytes());
        segment[4..6].copy_from_slice(&self.total_len().to_be_bytes());
        segment[6..8].copy_from_slice(&self.checksum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emit_is_the_inverse_of_parse() {
        let header = Header { source: 5004, destination: 16384, payload_len: 3, checksum: 0xabcd };
        let mut segment = [0; 11];
        header.emit(&mut segment);
        assert_eq!(Header::parse(&segment), Ok(header));
        assert_eq!(Header::parse(&segment[..10]), Err(WireError::BadLength));
        assert_eq!(Header::parse(&segment[..7]), Err(WireError::Truncated));
        segment[5] = 7;
        assert_eq!(Header::parse(&segment), Err(WireError::BadLength));
    }
}
