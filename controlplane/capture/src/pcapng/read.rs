use std::io::{self, Read};
use std::time::Duration;

use super::{
    BYTE_ORDER, ENHANCED_PACKET, INTERFACE, INTERFACE_OFFSET, INTERFACE_RESOLUTION, LinkType,
    OPTION_COMMENT, OPTION_END, Packet, SECTION_HEADER, SIMPLE_PACKET, padding,
};

/// Longest block or packet that is believed.
const MAX_BLOCK: usize = 1 << 20;
/// Most interfaces of a section.
const MAX_INTERFACES: usize = 1024;

/// Reads the packets of a file or stream, one after the other. After an error there are no more.
pub struct Reader<R> {
    input: R,
    format: Format,
    ended: bool,
}

/// Why a file gives no more packets.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Another kind of file.
    #[error("it is no capture: neither pcapng nor pcap")]
    NotACapture,
    /// It ends within a block.
    #[error("it ends in the middle of a packet")]
    CutOff,
    /// It contradicts itself.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// The operating system does not give it.
    #[error(transparent)]
    Io(#[from] io::Error),
}

enum Format {
    Classic { order: Order, link: LinkType, nanoseconds: u32 },
    Next { order: Order, interfaces: Vec<Interface> },
}

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

struct Interface {
    link: LinkType,
    /// Ticks of a second.
    resolution: u64,
    /// Seconds to add.
    offset: u64,
    snap_length: usize,
}

impl Order {
    fn u16(self, octets: &[u8], at: usize) -> u16 {
        let octets = [octets[at], octets[at + 1]];
        match self {
            Self::Little => u16::from_le_bytes(octets),
            Self::Big => u16::from_be_bytes(octets),
        }
    }

    fn u32(self, octets: &[u8], at: usize) -> u32 {
        let octets = [octets[at], octets[at + 1], octets[at + 2], octets[at + 3]];
        match self {
            Self::Little => u32::from_le_bytes(octets),
            Self::Big => u32::from_be_bytes(octets),
        }
    }

    /// A length.
    fn length(self, octets: &[u8], at: usize) -> usize {
        usize::try_from(self.u32(octets, at)).unwrap_or(usize::MAX)
    }
}

impl<R: Read> Reader<R> {
    /// Finds out what kind of file it is.
    pub fn new(mut input: R) -> Result<Self, ReadError> {
        let mut magic = [0; 4];
        if !fill(&mut input, &mut magic)? {
            return Err(ReadError::NotACapture);
        }
        let format = if u32::from_le_bytes(magic) == SECTION_HEADER {
            let mut length = [0; 4];
            must_fill(&mut input, &mut length)?;
            Format::Next { order: section(&mut input, length)?, interfaces: Vec::new() }
        } else {
            classic(&mut input, magic)?
        };
        Ok(Self { input, format, ended: false })
    }

    fn read(&mut self) -> Result<Option<Packet>, ReadError> {
        match &mut self.format {
            Format::Classic { order, link, nanoseconds } => {
                let (order, link, nanoseconds) = (*order, *link, *nanoseconds);
                let mut header = [0; 16];
                if !fill(&mut self.input, &mut header)? {
                    return Ok(None);
                }
                let octets = body(&mut self.input, order.length(&header, 8))?;
                let fraction = order.u32(&header, 4).saturating_mul(nanoseconds);
                let seconds = Duration::from_secs(order.u32(&header, 0).into());
                let at = seconds + Duration::from_nanos(fraction.into());
                Ok(Some(Packet { at, link, octets, comment: None }))
            }
            Format::Next { .. } => self.read_blocks(),
        }
    }

    fn read_blocks(&mut self) -> Result<Option<Packet>, ReadError> {
        let Format::Next { order, interfaces } = &mut self.format else { return Ok(None) };
        let input = &mut self.input;
        loop {
            let mut head = [0; 8];
            if !fill(input, &mut head)? {
                return Ok(None);
            }
            let kind = order.u32(&head, 0);
            if kind == SECTION_HEADER {
                let [_, _, _, _, length @ ..] = head;
                *order = section(input, length)?;
                interfaces.clear();
                continue;
            }
            let length = order.length(&head, 4);
            if length < 12 || length % 4 != 0 {
                return Err(ReadError::Damaged("a block has a length that none can have"));
            }
            let mut block = body(input, length - 8)?;
            if order.length(&block, block.len() - 4) != length {
                return Err(ReadError::Damaged("the two lengths of a block differ"));
            }
            block.truncate(block.len() - 4);
            match kind {
                INTERFACE => {
                    if interfaces.len() == MAX_INTERFACES {
                        return Err(ReadError::Damaged("it has too many interfaces"));
                    }
                    interfaces.push(Interface::read(*order, &block)?);
                }
                ENHANCED_PACKET => return enhanced(*order, interfaces, &block).map(Some),
                SIMPLE_PACKET => return simple(*order, interfaces, &block).map(Some),
                _ => {}
            }
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Packet, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read().transpose();
        self.ended = !matches!(read, Some(Ok(_)));
        read
    }
}

impl Interface {
    fn read(order: Order, block: &[u8]) -> Result<Self, ReadError> {
        if block.len() < 8 {
            return Err(ReadError::Damaged("an interface is too short"));
        }
        let mut interface = Self {
            link: LinkType(order.u16(block, 0)),
            resolution: 1_000_000,
            offset: 0,
            snap_length: match order.length(block, 4) {
                0 => MAX_BLOCK,
                limit => limit,
            },
        };
        for (code, value) in options(order, &block[8..]) {
            match (code, value) {
                (INTERFACE_RESOLUTION, [power]) => {
                    let (base, exponent) = match power & 0x80 {
                        0 => (10u64, *power),
                        _ => (2, power & 0x7f),
                    };
                    let ticks = base.checked_pow(exponent.into());
                    interface.resolution =
                        ticks.ok_or(ReadError::Damaged("its clock is too fine"))?;
                }
                (INTERFACE_OFFSET, [_, _, _, _, _, _, _, _]) => {
                    let (first, second) = (order.u32(value, 0), order.u32(value, 4));
                    let (low, high) = match order {
                        Order::Little => (first, second),
                        Order::Big => (second, first),
                    };
                    interface.offset = u64::from(high) << 32 | u64::from(low);
                }
                _ => {}
            }
        }
        Ok(interface)
    }

    fn time(&self, ticks: u64) -> Duration {
        let seconds = (ticks / self.resolution).saturating_add(self.offset);
        let rest = u128::from(ticks % self.resolution) * 1_000_000_000;
        Duration::new(seconds, (rest / u128::from(self.resolution)) as u32)
    }
}

fn enhanced(order: Order, interfaces: &[Interface], block: &[u8]) -> Result<Packet, ReadError> {
    const SHORT: ReadError = ReadError::Damaged("a packet is longer than its block");
    if block.len() < 20 {
        return Err(SHORT);
    }
    let interface = interfaces.get(order.length(block, 0));
    let interface = interface.ok_or(ReadError::Damaged("a packet is of no interface"))?;
    let ticks = u64::from(order.u32(block, 4)) << 32 | u64::from(order.u32(block, 8));
    let length = order.length(block, 12);
    let octets = block[20..].get(..length).ok_or(SHORT)?.to_vec();
    let rest = block[20 + length..].get(padding(length)..).unwrap_or_default();
    let comment = options(order, rest).find(|(code, _)| *code == OPTION_COMMENT);
    Ok(Packet {
        at: interface.time(ticks),
        link: interface.link,
        octets,
        comment: comment.map(|(_, text)| String::from_utf8_lossy(text).into_owned()),
    })
}

/// A packet without time, of the first interface.
fn simple(order: Order, interfaces: &[Interface], block: &[u8]) -> Result<Packet, ReadError> {
    let interface = interfaces.first().filter(|_| block.len() >= 4);
    let interface = interface.ok_or(ReadError::Damaged("a packet is of no interface"))?;
    let length = order.length(block, 0).min(interface.snap_length).min(block.len() - 4);
    let octets = block[4..4 + length].to_vec();
    Ok(Packet { at: Duration::ZERO, link: interface.link, octets, comment: None })
}

/// Options up to the last, or to where they make no sense.
fn options(order: Order, mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (head, behind) = rest.split_at_checked(4)?;
        let (code, length) = (order.u16(head, 0), usize::from(order.u16(head, 2)));
        if code == OPTION_END {
            return None;
        }
        let (value, behind) = behind.split_at_checked(length)?;
        rest = behind.get(padding(length)..).unwrap_or_default();
        Some((code, value))
    })
}

/// Reads a section header behind type and length.
fn section(input: &mut impl Read, length: [u8; 4]) -> Result<Order, ReadError> {
    let mut magic = [0; 4];
    must_fill(input, &mut magic)?;
    let order = match u32::from_le_bytes(magic) {
        BYTE_ORDER => Order::Little,
        other if other.swap_bytes() == BYTE_ORDER => Order::Big,
        _ => return Err(ReadError::Damaged("a section has no byte order")),
    };
    let length = order.length(&length, 0);
    if length < 28 || length % 4 != 0 {
        return Err(ReadError::Damaged("a section header has a length that none can have"));
    }
    let block = body(input, length - 12)?;
    if order.u16(&block, 0) != 1 {
        return Err(ReadError::Damaged("it is of a version of pcapng that nobody knows"));
    }
    Ok(order)
}

fn classic(input: &mut impl Read, magic: [u8; 4]) -> Result<Format, ReadError> {
    let (order, nanoseconds) = match u32::from_le_bytes(magic) {
        0xa1b2_c3d4 => (Order::Little, 1_000),
        0xd4c3_b2a1 => (Order::Big, 1_000),
        0xa1b2_3c4d => (Order::Little, 1),
        0x4d3c_b2a1 => (Order::Big, 1),
        _ => return Err(ReadError::NotACapture),
    };
    let mut header = [0; 20];
    must_fill(input, &mut header)?;
    // Above the type there are flags.
    let link = LinkType(order.u32(&header, 16) as u16);
    Ok(Format::Classic { order, link, nanoseconds })
}

/// So many octets: allocated as they come, not as they are announced.
fn body(input: &mut impl Read, length: usize) -> Result<Vec<u8>, ReadError> {
    if length > MAX_BLOCK {
        return Err(ReadError::Damaged("a block is longer than any can be"));
    }
    let mut octets = Vec::new();
    let read = input.by_ref().take(length as u64).read_to_end(&mut octets)?;
    if read < length { Err(ReadError::CutOff) } else { Ok(octets) }
}

/// Fills the buffer; `false` if the file ended before its first octet.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> Result<bool, ReadError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(ReadError::CutOff),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

fn must_fill(input: &mut impl Read, buffer: &mut [u8]) -> Result<(), ReadError> {
    if fill(input, buffer)? { Ok(()) } else { Err(ReadError::CutOff) }
}
