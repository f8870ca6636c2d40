//! RTCP (RFC 3550 §6): the shape of compound packets.

use crate::rtp::Ssrc;
use crate::{WireError, be16, be32};

/// Length of the header of each packet in a compound, with its SSRC.
pub const HEADER_LEN: usize = 8;

/// Checks the first packet's header only, which SRTCP leaves in clear, and gives its sender.
pub fn sender(bytes: &[u8]) -> Result<Ssrc, WireError> {
    if bytes.len() < HEADER_LEN {
        return Err(WireError::Truncated);
    }
    if bytes[0] >> 6 != 2 || !(192..=223).contains(&bytes[1]) {
        return Err(WireError::BadVersion);
    }
    Ok(Ssrc(be32(bytes, 4)))
}

/// Checks that a compound in clear is a chain of packets whose lengths add up to it (RFC 3550
/// appendix A.2; reduced-size packets of RFC 5506 pass too).
pub fn check_compound(bytes: &[u8]) -> Result<(), WireError> {
    sender(bytes)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        if rest.len() < 4 {
            return Err(WireError::Truncated);
        }
        if rest[0] >> 6 != 2 {
            return Err(WireError::BadVersion);
        }
        let len = 4 * (usize::from(be16(rest, 2)) + 1);
        rest = rest.get(len..).ok_or(WireError::BadLength)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVER_REPORT_AND_BYE: [u8; 16] =
        [0x80, 201, 0, 1, 0, 0, 0, 7, 0x81, 203, 0, 1, 0, 0, 0, 7];

    #[test]
    fn a_compound_passes() {
        assert_eq!(check_compound(&RECEIVER_REPORT_AND_BYE), Ok(()));
        assert_eq!(sender(&RECEIVER_REPORT_AND_BYE), Ok(Ssrc(7)));
    }

    #[test]
    fn lengths_that_lie() {
        let mut bytes = RECEIVER_REPORT_AND_BYE;
        bytes[11] = 2;
        assert_eq!(check_compound(&bytes), Err(WireError::BadLength));
        bytes[11] = 0;
        assert_eq!(check_compound(&bytes), Err(WireError::BadVersion));
        assert_eq!(check_compound(&bytes[..10]), Err(WireError::Truncated));
        assert_eq!(check_compound(&[0x80, 0, 0, 0, 0, 0, 0, 0]), Err(WireError::BadVersion));
    }
}
