use std::net::{SocketAddr, SocketAddrV4};

use anyhow::Result;
use wire::datagram::{ChecksumRule, Datagram};
use wire::ethernet;

use crate::prepared::Prepared;

/// What the packets of many flows have in common.
///
/// Flow `n` goes to the port `2 n` above the destination's and has the SSRC `n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// MAC address of the sender.
    pub source_mac: [u8; 6],
    /// MAC address of the receiver.
    pub destination_mac: [u8; 6],
    /// All flows come from here.
    pub source: SocketAddrV4,
    /// Flow 0 goes there.
    pub destination: SocketAddrV4,
    /// How many flows.
    pub flows: u16,
    /// Octets of the UDP payload, with RTP header and tag.
    pub payload_len: usize,
}

/// An RTP header of version 2 and payload type 0; the rest is filled in packet by packet.
const RTP_HEADER: [u8; 12] = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

impl Stream {
    /// Octets of an RTP packet with 20 ms of G.711.
    pub const G711: usize = RTP_HEADER.len() + 160;

    /// The frame that each packet is made of.
    pub(crate) fn template(&self) -> Vec<u8> {
        let datagram = Datagram {
            source: SocketAddr::V4(self.source),
            destination: SocketAddr::V4(self.destination),
            traffic_class: 46 << 2,
            hops: 64,
            checksum: 0,
            payload_at: 0,
            payload_len: self.payload_len,
        };
        let mut frame = Vec::new();
        frame.extend(self.destination_mac);
        frame.extend(self.source_mac);
        frame.extend(ethernet::IPV4.to_be_bytes());
        let ip_at = frame.len();
        frame.resize(ip_at + datagram.headers_len(), 0);
        assert_eq!(frame.len(), abi::lab::PAYLOAD_OFFSET);
        let filler = (RTP_HEADER.len()..self.payload_len).map(|at| at as u8);
        frame.extend(RTP_HEADER.into_iter().chain(filler));
        datagram.emit_ip(&mut frame[ip_at..], ChecksumRule::None);
        frame
    }

    /// The RTP packet with this number: flows take turns.
    pub(crate) fn rtp(&self, number: u32) -> Vec<u8> {
        let (round, flow) = (number / u32::from(self.flows), number % u32::from(self.flows));
        let mut packet = self.template().split_off(abi::lab::PAYLOAD_OFFSET);
        packet[2..4].copy_from_slice(&(round as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&round.wrapping_mul(160).to_be_bytes());
        packet[8..12].copy_from_slice(&flow.to_be_bytes());
        packet
    }

    /// The frame with this number, whole.
    pub(crate) fn frame(&self, number: u32) -> Vec<u8> {
        let mut frame = self.template();
        let flow = (number % u32::from(self.flows)) as u16;
        // The destination port: the UDP header ends where the payload begins.
        frame[abi::lab::PAYLOAD_OFFSET - 6..][..2].copy_from_slice(&self.port(flow).to_be_bytes());
        frame.truncate(abi::lab::PAYLOAD_OFFSET);
        frame.extend(self.rtp(number));
        frame
    }

    /// The destination port of a flow.
    pub fn port(&self, flow: u16) -> u16 {
        self.destination.port() + 2 * flow
    }
}

/// Fills `prepared` with `count` RTP packets of the stream, flow by flow, each flow to the port that
/// `port_of` gives for it.
pub fn prepare_plain(
    prepared: &mut Prepared,
    stream: &Stream,
    count: u32,
    port_of: impl Fn(u16) -> u16,
) -> Result<()> {
    (0..count).try_for_each(|number| {
        let flow = (number % u32::from(stream.flows)) as u16;
        prepared.push(port_of(flow), &stream.rtp(number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_a_datagram() {
        let stream = Stream {
            source_mac: [2, 0, 0, 0, 0, 1],
            destination_mac: [2, 0, 0, 0, 0, 2],
            source: "192.0.2.1:5000".parse().unwrap(),
            destination: "192.0.2.2:16384".parse().unwrap(),
            flows: 3,
            payload_len: Stream::G711,
        };
        let frame = stream.template();
        let datagram = Datagram::parse_ethernet(&frame).unwrap();
        assert_eq!(datagram.destination, stream.destination.into());
        assert_eq!(datagram.payload_len, 172);
        let rtp = stream.rtp(7);
        assert_eq!(
            (rtp.len(), &rtp[..4], &rtp[8..12]),
            (172, &[0x80, 0, 0, 2][..], &[0, 0, 0, 1][..])
        );
        assert_eq!(stream.port(1), 16386);
    }
}
