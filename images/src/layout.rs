//! What the disk looks like: partitions, their names and sizes, and what identifies them.

use anyhow::{Result, ensure};
use sha2::{Digest, Sha256};

/// Octets in a MiB.
pub const MIB: u64 = 1 << 20;

/// The EFI system partition: two kernels with what belongs to them, and room for a third.
pub const ESP_SIZE: u64 = 256 * MIB;
/// One root slot: the file system and its hash tree.
pub const SLOT_SIZE: u64 = 400 * MIB;
/// What is kept between boots, as it is delivered; it grows to the disk's end at the first boot.
pub const DATA_SIZE: u64 = 64 * MIB;
/// Where the first partition begins.
pub const FIRST: u64 = MIB;

/// Name of the partition with what is kept.
pub const DATA: &str = "ringfence-data";
/// Name of the slot that is empty.
pub const EMPTY: &str = "_empty";

/// One version of the appliance.
pub struct Release {
    pub version: String,
    /// Seconds since 1970 that all files of it bear.
    pub epoch: u64,
}

impl Release {
    /// A version is three numbers with dots between them.
    pub fn new(version: &str, epoch: u64) -> Result<Self> {
        let numbers: Vec<_> = version.split('.').map(str::parse::<u32>).collect();
        let sound = numbers.len() == 3 && numbers.iter().all(Result::is_ok);
        ensure!(sound, "version `{version}`: three numbers with dots between them are expected");
        Ok(Self { version: version.to_owned(), epoch })
    }

    /// Name of its root partition, by which its kernel finds it: at most 36 letters.
    pub fn slot(&self) -> String {
        format!("ringfence-{}", self.version)
    }

    /// An identifier that is always the same for a name and this version: a UUID of version 8
    /// (RFC 9562 §5.8) out of a SHA-256.
    pub fn uuid(&self, name: &str) -> String {
        let hash = Sha256::digest(format!("{} {} {name}", self.version, self.epoch));
        let mut octets: [u8; 16] = std::array::from_fn(|n| hash[n]);
        octets[6] = octets[6] & 0x0f | 0x80;
        octets[8] = octets[8] & 0x3f | 0x80;
        let hex = |range: std::ops::Range<usize>| {
            octets[range].iter().map(|octet| format!("{octet:02x}")).collect::<String>()
        };
        [hex(0..4), hex(4..6), hex(6..8), hex(8..10), hex(10..16)].join("-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers() {
        assert_eq!(Release::new("1.20.3", 0).unwrap().slot(), "ringfence-1.20.3");
        for wrong in ["", "1.2", "1.2.3.4", "1.2.x", "1.2.-3"] {
            assert!(Release::new(wrong, 0).is_err(), "{wrong}");
        }
    }

    #[test]
    fn identifiers_are_derived() {
        let (one, other) = (Release::new("1.0.0", 5).unwrap(), Release::new("1.0.1", 5).unwrap());
        let uuid = one.uuid("data");
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"));
        assert_eq!(uuid, one.uuid("data"));
        assert_ne!(uuid, other.uuid("data"));
        assert_ne!(uuid, one.uuid("esp"));
    }
}
