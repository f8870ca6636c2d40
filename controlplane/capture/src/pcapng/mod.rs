//! Capture files: pcapng (draft-ietf-opsawg-pcapng), and the classic pcap that older programs write.
//!
//! What is written is what every reader knows: one section, interfaces, enhanced packets in
//! nanoseconds. What is read may be of either byte order, with any resolution and any other blocks
//! in between, and come from a pipe.

mod read;
mod write;

use std::time::Duration;

pub use read::{ReadError, Reader};
pub use write::Writer;

/// A packet out of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet {
    /// When, since the Unix epoch.
    pub at: Duration,
    /// What its first octet belongs to.
    pub link: LinkType,
    /// Its octets, as many as were captured.
    pub octets: Vec<u8>,
    /// What somebody wrote beside it.
    pub comment: Option<String>,
}

/// What the first octet of a packet belongs to, as tcpdump.org numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkType(pub u16);

impl LinkType {
    /// No link layer, but the family in a word.
    pub const NULL: Self = Self(0);
    /// Ethernet
    pub const ETHERNET: Self = Self(1);
    /// An IPv4 or IPv6 packet.
    pub const RAW: Self = Self(101);
    /// Linux "any" interface.
    pub const LINUX_SLL: Self = Self(113);
    /// The same, newer.
    pub const LINUX_SLL2: Self = Self(276);
    /// IPv4
    pub const IPV4: Self = Self(228);
    /// IPv6
    pub const IPV6: Self = Self(229);
}

impl std::fmt::Debug for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It may be signalling with keys.
        write!(f, "Packet({:?}, {:?}, {} octets)", self.at, self.link, self.octets.len())
    }
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_RESOLUTION: u16 = 9;
const INTERFACE_OFFSET: u16 = 14;
const SECTION_APPLICATION: u16 = 4;

/// Octets up to the next word.
fn padding(length: usize) -> usize {
    length.wrapping_neg() & 3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(at: u64, octets: Vec<u8>, comment: Option<String>) -> Packet {
        Packet { at: Duration::from_nanos(at), link: LinkType::RAW, octets, comment }
    }

    fn written(packets: &[Packet]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), LinkType::RAW, "signalling").unwrap();
        for packet in packets {
            writer.packet(packet.at, &packet.octets, packet.comment.as_deref()).unwrap();
        }
        writer.into_inner()
    }

    fn read(file: &[u8]) -> Result<Vec<Packet>, ReadError> {
        Reader::new(file)?.collect()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            packets in proptest::collection::vec(
                (any::<u64>(), any::<Vec<u8>>(), proptest::option::of("[a-z ]{1,20}")), 0..8
            )
        ) {
            let packets: Vec<_> =
                packets.into_iter().map(|(at, octets, comment)| packet(at, octets, comment)).collect();
            let file = written(&packets);
            prop_assert_eq!(read(&file).unwrap(), packets.clone());
            // Cut off anywhere, what is whole is there and the rest is an error or nothing.
            let cut = file.len() / 2;
            let whole: Vec<_> = match Reader::new(&file[..cut]) {
                Ok(reader) => reader.map_while(Result::ok).collect(),
                Err(_) => Vec::new(),
            };
            prop_assert!(packets.starts_with(&whole));
        }

        #[test]
        fn any_octets_are_borne(mut bytes: Vec<u8>, start in 0..4usize) {
            let starts: [&[u8]; 4] = [
                &[],
                &[0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a],
                &[0xd4, 0xc3, 0xb2, 0xa1],
                &[0xa1, 0xb2, 0x3c, 0x4d],
            ];
            bytes.splice(..0, starts[start].iter().copied());
            if let Ok(reader) = Reader::new(&bytes[..]) {
                let read = reader.map_while(Result::ok).map(|packet| packet.octets.len());
                prop_assert!(read.sum::<usize>() <= bytes.len());
            }
        }
    }

    #[test]
    fn classic_files_of_either_order_and_resolution() {
        for (big, magic, fraction, nanoseconds) in [
            (false, 0xa1b2_c3d4_u32, 5, 5_000),
            (true, 0xa1b2_c3d4, 5, 5_000),
            (false, 0xa1b2_3c4d, 5, 5),
            (true, 0xa1b2_3c4d, 5, 5),
        ] {
            let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
            let version = if big { [0, 2, 0, 4] } else { [2, 0, 4, 0] };
            let mut file = word(magic).to_vec();
            file.extend(version);
            for value in [0, 0, 65_535, 1, 7, fraction, 3, 60] {
                file.extend(word(value));
            }
            file.extend([1, 2, 3]);
            let packet = read(&file).unwrap().remove(0);
            assert_eq!(packet.at, Duration::new(7, nanoseconds));
            assert_eq!((packet.link, packet.octets), (LinkType::ETHERNET, vec![1, 2, 3]));
        }
    }

    #[test]
    fn other_files_are_told_apart() {
        assert!(matches!(read(b"RIFF"), Err(ReadError::NotACapture)));
        assert!(matches!(read(b""), Err(ReadError::NotACapture)));
        let mut file = written(&[packet(0, vec![1; 9], None)]);
        file.truncate(file.len() - 1);
        assert!(matches!(read(&file), Err(ReadError::CutOff)));
        let mut file = written(&[]);
        file.extend(6u32.to_le_bytes());
        file.extend(u32::MAX.to_le_bytes());
        assert!(matches!(read(&file), Err(ReadError::Damaged(_))));
    }
}
