//! What goes out, and the octets of RTP.

use std::net::SocketAddr;

use arrayvec::ArrayVec;
use callmanager::switchboard::StreamId;
use speech::g711::Law;
use wire::rtp::HEADER_LEN;

use crate::FRAME;

/// The longest packet that is sent.
pub const LONGEST: usize = HEADER_LEN + FRAME;

/// One of the two ports of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The even one.
    Rtp,
    /// The odd one above it.
    Rtcp,
}

/// A packet to be sent.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Whose: it leaves through this stream's ports.
    pub stream: StreamId,
    /// Through which of them.
    pub channel: Channel,
    /// Where to.
    pub to: SocketAddr,
    /// Its octets.
    pub bytes: ArrayVec<u8, LONGEST>,
}

/// The fixed header of RTP (RFC 3550 §5.1), without padding, extension or contributors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) marker: bool,
    pub(crate) law: Law,
    pub(crate) seq_no: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
}

impl Header {
    pub(crate) fn write(&self, bytes: &mut ArrayVec<u8, LONGEST>) {
        let marker = if self.marker { 0x80 } else { 0 };
        bytes.extend([0x80, marker | self.law.payload_type()]);
        bytes.extend(self.seq_no.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
    }
}
