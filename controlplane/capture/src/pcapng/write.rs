use std::io::{self, Write};
use std::time::Duration;

use super::{
    BYTE_ORDER, ENHANCED_PACKET, INTERFACE, INTERFACE_NAME, INTERFACE_RESOLUTION, LinkType,
    OPTION_COMMENT, OPTION_END, SECTION_APPLICATION, SECTION_HEADER, padding,
};

/// Writes a file with one interface, or a stream for a pipe: each packet is complete when it was
/// written.
pub struct Writer<W> {
    out: W,
    block: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins a file whose packets are all of one link type, from an interface of this name.
    pub fn new(out: W, link: LinkType, interface: &str) -> io::Result<Self> {
        let mut writer = Self { out, block: Vec::new() };
        let application = concat!("ringfence ", env!("CARGO_PKG_VERSION"));
        writer.put(SECTION_HEADER, |block| {
            block.extend(BYTE_ORDER.to_le_bytes());
            // Version 1.0, of a length that nobody knows yet.
            block.extend([1, 0, 0, 0]);
            block.extend(u64::MAX.to_le_bytes());
            option(block, SECTION_APPLICATION, application.as_bytes());
            option(block, OPTION_END, &[]);
        })?;
        writer.put(INTERFACE, |block| {
            block.extend(link.0.to_le_bytes());
            // Reserved, and no limit of a packet's length.
            block.extend([0; 6]);
            option(block, INTERFACE_NAME, interface.as_bytes());
            // Ten to the minus ninth of a second.
            option(block, INTERFACE_RESOLUTION, &[9]);
            option(block, OPTION_END, &[]);
        })?;
        Ok(writer)
    }

    /// Writes a packet, captured so long after the Unix epoch, with something for people beside it.
    pub fn packet(&mut self, at: Duration, octets: &[u8], comment: Option<&str>) -> io::Result<()> {
        self.put(ENHANCED_PACKET, |block| {
            let nanoseconds = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
            let length = (octets.len() as u32).to_le_bytes();
            block.extend([0; 4]);
            block.extend(((nanoseconds >> 32) as u32).to_le_bytes());
            block.extend((nanoseconds as u32).to_le_bytes());
            block.extend(length);
            block.extend(length);
            block.extend(octets);
            block.extend(&[0; 3][..padding(octets.len())]);
            if let Some(comment) = comment {
                option(block, OPTION_COMMENT, comment.as_bytes());
                option(block, OPTION_END, &[]);
            }
        })
    }

    /// Has what was written reach its destination.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Where it was written to.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn put(&mut self, kind: u32, body: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let block = &mut self.block;
        block.clear();
        block.extend(kind.to_le_bytes());
        block.extend([0; 4]);
        body(block);
        let length = (block.len() as u32 + 4).to_le_bytes();
        block[4..8].copy_from_slice(&length);
        block.extend(length);
        self.out.write_all(block)
    }
}

fn option(block: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(u16::MAX.into())];
    block.extend(code.to_le_bytes());
    block.extend((value.len() as u16).to_le_bytes());
    block.extend(value);
    block.extend(&[0; 3][..padding(value.len())]);
}
