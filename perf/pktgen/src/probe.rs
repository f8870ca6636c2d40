//! What a packet says of itself: its number and when it left.
//!
//! Behind the RTP header of our own packets there is a stamp of 16 octets (magic, number, UNIX time
//! in nanoseconds), inside SRTP as everything else of the payload. The kernel's pktgen writes the same
//! things in a form of its own (`struct pktgen_hdr`) where RTP would begin.

use std::time::Duration;

/// Octets of a stamp.
pub const LEN: usize = 16;

const MAGIC: [u8; 4] = *b"rfpg";

/// `PKTGEN_MAGIC` of net/core/pktgen.c.
const KERNEL_MAGIC: [u8; 4] = [0xbe, 0x9b, 0xe9, 0x55];

/// Number of a packet in its flow, and when it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its number, rollovers of the sequence number included.
    pub number: u32,
    /// UNIX time.
    pub sent_at: Duration,
}

impl Stamp {
    /// Writes the stamp to the front of an RTP payload, if it fits.
    pub fn write(self, payload: &mut [u8]) {
        let Some(to) = payload.first_chunk_mut::<LEN>() else { return };
        to[..4].copy_from_slice(&MAGIC);
        to[4..8].copy_from_slice(&self.number.to_be_bytes());
        to[8..].copy_from_slice(&(self.sent_at.as_nanos() as u64).to_be_bytes());
    }

    /// Finds our stamp at the front of an RTP payload.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let from = payload.first_chunk::<LEN>()?;
        let nanoseconds = u64::from_be_bytes(*from.last_chunk()?);
        (from[..4] == MAGIC)
            .then(|| Self { number: word(from, 4), sent_at: Duration::from_nanos(nanoseconds) })
    }

    /// Finds the stamp of the kernel's pktgen at the front of a UDP payload.
    pub fn read_kernel(payload: &[u8]) -> Option<Self> {
        let from = payload.first_chunk::<LEN>()?;
        (from[..4] == KERNEL_MAGIC).then(|| Self {
            number: word(from, 4),
            sent_at: Duration::from_secs(word(from, 8).into())
                + Duration::from_micros(word(from, 12).into()),
        })
    }
}

fn word(from: &[u8; LEN], at: usize) -> u32 {
    u32::from_be_bytes(from[at..at + 4].try_into().expect("four octets are four"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        let stamp = Stamp { number: 70_000, sent_at: Duration::new(1_800_000_000, 7) };
        let mut payload = [0; 20];
        stamp.write(&mut payload);
        assert_eq!(Stamp::read(&payload), Some(stamp));
        assert_eq!(Stamp::read(&payload[..15]), None);
        assert_eq!(Stamp::read_kernel(&payload), None);
    }

    #[test]
    fn the_stamp_of_the_kernel() {
        let mut payload = [0; 40];
        payload[..4].copy_from_slice(&[0xbe, 0x9b, 0xe9, 0x55]);
        payload[7] = 9;
        payload[11] = 3;
        payload[15] = 5;
        let sent_at = Duration::from_micros(3_000_005);
        assert_eq!(Stamp::read_kernel(&payload), Some(Stamp { number: 9, sent_at }));
    }
}
