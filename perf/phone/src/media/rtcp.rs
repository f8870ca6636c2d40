//! Reports: SR, RR, SDES with a CNAME, BYE (RFC 3550 §6).

use wire::rtcp::check_compound;
use wire::rtp::Ssrc;

use super::arrival::Loss;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const CNAME: u8 = 1;

/// What a sender says of himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SenderInfo {
    /// NTP time, in 2⁻³² seconds since 1900.
    pub(super) ntp: u64,
    /// The same moment on the clock of his timestamps.
    pub(super) timestamp: u32,
    /// Packets sent.
    pub(super) packets: u32,
    /// Octets of their payloads.
    pub(super) octets: u32,
}

/// What a receiver says of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReportBlock {
    pub(super) ssrc: u32,
    pub(super) loss: Loss,
    /// In timestamp units.
    pub(super) jitter: u32,
    /// The middle of the NTP time of the last sender report, 0 for none.
    pub(super) last_report: u32,
    /// How long ago that came, in 2⁻¹⁶ seconds.
    pub(super) delay: u32,
}

/// A compound packet, as far as it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Compound {
    /// Who says it.
    pub(super) ssrc: u32,
    pub(super) sender: Option<SenderInfo>,
    /// The block about the SSRC that was asked for.
    pub(super) block: Option<ReportBlock>,
}

impl Compound {
    /// Writes it, with the name that all streams of this telephone have in common.
    pub(super) fn write(&self, name: &str, bye: bool, packet: &mut Vec<u8>) {
        let start = packet.len();
        let blocks = u8::from(self.block.is_some());
        let kind = if self.sender.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
        header(packet, blocks, kind);
        packet.extend(self.ssrc.to_be_bytes());
        if let Some(sender) = &self.sender {
            packet.extend(sender.ntp.to_be_bytes());
            let words = [sender.timestamp, sender.packets, sender.octets];
            packet.extend(words.into_iter().flat_map(u32::to_be_bytes));
        }
        if let Some(block) = &self.block {
            block.write(packet);
        }
        close(packet, start);

        let start = packet.len();
        header(packet, 1, SOURCE_DESCRIPTION);
        packet.extend(self.ssrc.to_be_bytes());
        let name = &name.as_bytes()[..name.len().min(255)];
        packet.extend([CNAME, name.len() as u8]);
        packet.extend(name);
        // At least one zero ends the list of items, and the packet has whole words.
        let len = packet.len() - start;
        packet.resize(start + (len + 1).next_multiple_of(4), 0);
        close(packet, start);

        if bye {
            let start = packet.len();
            header(packet, 1, BYE);
            packet.extend(self.ssrc.to_be_bytes());
            close(packet, start);
        }
    }

    /// Reads one; `None` if it is none. Only the block about `about` is of interest.
    pub(super) fn read(packet: &[u8], about: Option<u32>) -> Option<Self> {
        check_compound(packet).ok()?;
        let Ssrc(ssrc) = wire::rtcp::sender(packet).ok()?;
        let mut compound = Self { ssrc, ..Self::default() };
        let mut rest = packet;
        while let [first, kind, high, low, ..] = *rest {
            let len = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
            let (body, next) = rest.split_at_checked(len)?;
            let blocks_at = match kind {
                SENDER_REPORT => {
                    compound.sender = SenderInfo::read(body);
                    28
                }
                RECEIVER_REPORT => 8,
                _ => body.len(),
            };
            let blocks = body.get(blocks_at..).unwrap_or_default().chunks_exact(24);
            let found = blocks
                .take(usize::from(first & 0x1f))
                .map(ReportBlock::read)
                .find(|block| Some(block.ssrc) == about);
            compound.block = found.or(compound.block);
            rest = next;
        }
        Some(compound)
    }
}

impl SenderInfo {
    fn read(packet: &[u8]) -> Option<Self> {
        let info = packet.get(8..28)?;
        Some(Self {
            ntp: u64::from(word(info, 0)) << 32 | u64::from(word(info, 4)),
            timestamp: word(info, 8),
            packets: word(info, 12),
            octets: word(info, 16),
        })
    }
}

impl ReportBlock {
    fn write(&self, packet: &mut Vec<u8>) {
        packet.extend(self.ssrc.to_be_bytes());
        let cumulative = self.loss.cumulative as u32 & 0x00ff_ffff;
        packet.extend((u32::from(self.loss.fraction) << 24 | cumulative).to_be_bytes());
        let words = [self.loss.highest, self.jitter, self.last_report, self.delay];
        packet.extend(words.into_iter().flat_map(u32::to_be_bytes));
    }

    /// Of 24 octets.
    fn read(block: &[u8]) -> Self {
        let lost = word(block, 4);
        Self {
            ssrc: word(block, 0),
            loss: Loss {
                fraction: (lost >> 24) as u8,
                // 24 bits with a sign.
                cumulative: (lost << 8) as i32 >> 8,
                highest: word(block, 8),
            },
            jitter: word(block, 12),
            last_report: word(block, 16),
            delay: word(block, 20),
        }
    }
}

fn header(packet: &mut Vec<u8>, count: u8, kind: u8) {
    packet.extend([0x80 | count, kind, 0, 0]);
}

/// Fills in the length of the packet that began at `start`.
fn close(packet: &mut [u8], start: usize) {
    let words = ((packet.len() - start) / 4 - 1) as u16;
    packet[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn full() -> Compound {
        Compound {
            ssrc: 7,
            sender: Some(SenderInfo { ntp: 1 << 40 | 3, timestamp: 4, packets: 5, octets: 6 }),
            block: Some(ReportBlock {
                ssrc: 8,
                loss: Loss { fraction: 9, cumulative: -10, highest: 65_600 },
                jitter: 11,
                last_report: 12,
                delay: 13,
            }),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for name in ["", "a", "ab", "abc", "SEP001122334455"] {
            for compound in [full(), Compound { sender: None, ..full() }] {
                for bye in [false, true] {
                    let mut packet = Vec::new();
                    compound.write(name, bye, &mut packet);
                    assert_eq!(Compound::read(&packet, Some(8)), Some(compound));
                    let other = Compound { block: None, ..compound };
                    assert_eq!(Compound::read(&packet, Some(9)), Some(other));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn damage_does_no_harm(at in 0usize..64, to: u8, len in 0usize..70) {
            let mut packet = Vec::new();
            full().write("somebody", true, &mut packet);
            packet[at] = to;
            packet.truncate(len);
            if let Some(read) = Compound::read(&packet, Some(8)) {
                prop_assert!(read.block.is_none_or(|block| block.ssrc == 8));
            }
        }
    }
}
