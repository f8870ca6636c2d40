//! One direction of RTP: what is sent to a telephone.

use std::net::SocketAddr;
use std::time::Instant;

use arrayvec::ArrayVec;
use callmanager::switchboard::StreamId;
use rand::Rng;
use rand::rngs::StdRng;
use speech::g711::Law;

use crate::hearing::Hearing;
use crate::packet::{Channel, Header, Packet};
use crate::report::{self, Origin, Sent};
use crate::{FRAME, Frame};

/// Packets between two reports: five seconds, and half as much more or less (RFC 3550 §6.2).
const REPORTS: std::ops::Range<u32> = 125..375;

#[derive(Debug)]
pub(crate) struct Sender {
    stream: StreamId,
    to: SocketAddr,
    law: Law,
    ssrc: u32,
    seq_no: u16,
    timestamp: u32,
    /// The next packet is the first after a pause.
    marker: bool,
    packets: u32,
    until_report: u32,
}

impl Sender {
    /// A new source; its numbers begin anywhere (RFC 3550 §5.1).
    pub(crate) fn new(stream: StreamId, to: SocketAddr, law: Law, rng: &mut StdRng) -> Self {
        Self {
            stream,
            to,
            law,
            ssrc: rng.random(),
            seq_no: rng.random(),
            timestamp: rng.random(),
            marker: true,
            packets: 0,
            until_report: rng.random_range(REPORTS),
        }
    }

    pub(crate) fn to(&self) -> SocketAddr {
        self.to
    }

    pub(crate) fn law(&self) -> Law {
        self.law
    }

    /// The next 20 ms.
    pub(crate) fn speak(&mut self, frame: &Frame) -> Packet {
        let law = self.law;
        self.packet(frame.iter().map(|&sample| law.encode_sample(sample)))
    }

    /// The next 20 ms, coded.
    pub(crate) fn send(&mut self, payload: &[u8]) -> Packet {
        self.packet(payload.iter().copied())
    }

    fn packet(&mut self, payload: impl Iterator<Item = u8>) -> Packet {
        let Self { marker, law, seq_no, timestamp, ssrc, .. } = *self;
        let mut bytes = ArrayVec::new();
        Header { marker, law, seq_no, timestamp, ssrc }.write(&mut bytes);
        bytes.extend(payload.take(FRAME));
        self.marker = false;
        self.seq_no = seq_no.wrapping_add(1);
        self.timestamp = timestamp.wrapping_add(FRAME as u32);
        self.packets = self.packets.wrapping_add(1);
        self.until_report = self.until_report.saturating_sub(1);
        Packet { stream: self.stream, channel: Channel::Rtp, to: self.to, bytes }
    }

    /// So many packets were not sent: time passed all the same.
    pub(crate) fn skip(&mut self, frames: u32) {
        self.timestamp = self.timestamp.wrapping_add(frames.wrapping_mul(FRAME as u32));
        self.marker = true;
    }

    /// A report, if it is time for one: on what was sent, and what was heard.
    pub(crate) fn report(
        &mut self,
        now: Instant,
        hearing: Option<&mut Hearing>,
        origin: &Origin,
        rng: &mut StdRng,
    ) -> Option<Packet> {
        if self.until_report > 0 {
            return None;
        }
        self.until_report = rng.random_range(REPORTS);
        let heard = hearing.and_then(|hearing| hearing.report(now));
        Some(self.rtcp(report::sender_report(origin, now, self.sent(), heard)))
    }

    /// Says goodbye.
    pub(crate) fn bye(&self, now: Instant, origin: &Origin) -> Packet {
        self.rtcp(report::bye(origin, now, self.sent()))
    }

    fn sent(&self) -> Sent {
        let Self { ssrc, timestamp, packets, .. } = *self;
        Sent { ssrc, timestamp, packets, octets: packets.wrapping_mul(FRAME as u32) }
    }

    fn rtcp(&self, bytes: ArrayVec<u8, { crate::packet::LONGEST }>) -> Packet {
        let mut to = self.to;
        to.set_port(to.port().wrapping_add(1));
        Packet { stream: self.stream, channel: Channel::Rtcp, to, bytes }
    }
}
