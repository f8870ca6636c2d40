use std::time::Instant;

use port::{Frame, Medium, PortId};
use wire::datagram::{ChecksumRule, Datagram};
use wire::ethernet;

use crate::classify::{Passage, State};
use crate::command::Event;
use crate::hops::HopId;
use crate::{Channel, DropReason, Engine, Verdict};

/// DSCP occupies the upper six bits of the traffic class, ECN the lower two.
const ECN_MASK: u8 = 0x03;

impl Engine {
    /// Puts new headers in front of the payload. Which fields are copied, which are ours: RFC 8656
    /// §15, for relays of UDP.
    pub(crate) fn address(
        &mut self,
        now: Instant,
        frame: &mut Frame,
        passage: &Passage,
    ) -> Verdict {
        let out = match passage.state {
            State::Accepted(out) => out,
            State::Dropped(reason) => return Verdict::Drop(reason),
            State::Classified | State::Consumed => return Verdict::Consume,
        };
        let verdict = self.write_headers(now, frame, passage, out);
        if let Verdict::Forward(_) = verdict {
            let tally = &mut self.leg_mut(out).tally;
            match passage.channel {
                Channel::Rtp => {
                    tally.packets_sent += 1;
                    tally.octets_sent += passage.octets as u64;
                }
                Channel::Rtcp => tally.rtcp_sent += 1,
            }
        }
        verdict
    }

    fn write_headers(
        &mut self,
        now: Instant,
        frame: &mut Frame,
        passage: &Passage,
        out: u32,
    ) -> Verdict {
        let arrived = &passage.datagram;
        if arrived.hops <= 1 {
            return Verdict::Drop(DropReason::TtlExceeded);
        }
        let leg = self.leg(out);
        let Some(peer) = leg.peer(passage.channel) else {
            return Verdict::Drop(DropReason::NoDestination);
        };
        let datagram = Datagram {
            source: leg.local(passage.channel),
            destination: peer.address,
            traffic_class: match leg.dscp {
                Some(dscp) => dscp << 2 | arrived.traffic_class & ECN_MASK,
                None => arrived.traffic_class,
            },
            hops: arrived.hops - 1,
            checksum: 0,
            payload_at: 0,
            payload_len: frame.len(),
        };
        let (port, hop) = (leg.port, peer.hop);
        if datagram.headers_len() + frame.len() > self.config.ports[usize::from(port.0)].mtu {
            return Verdict::Drop(DropReason::TooBig);
        }
        frame.move_start(-(datagram.headers_len() as isize));
        datagram.emit_ip(frame.bytes_mut(), checksum_rule(passage));
        match hop {
            None => Verdict::Forward(port),
            Some(hop) => self.write_link_header(now, frame, port, hop),
        }
    }

    fn write_link_header(
        &mut self,
        now: Instant,
        frame: &mut Frame,
        port: PortId,
        hop: HopId,
    ) -> Verdict {
        let Some(destination) = self.hops.mac(hop) else {
            if let Some((port, address)) = self.hops.ask_again(now, hop) {
                self.tell(Event::NextHopWanted(port, address));
            }
            return Verdict::Drop(DropReason::NoNextHop);
        };
        let config = &self.config.ports[usize::from(port.0)];
        debug_assert_eq!(config.medium, Medium::Ethernet, "only Ethernet has next hops");
        let version = frame.bytes()[0] >> 4;
        let header = ethernet::Header {
            destination,
            source: config.mac,
            tags: config.tags,
            ether_type: if version == 4 { ethernet::IPV4 } else { ethernet::IPV6 },
        };
        frame.move_start(-(header.len() as isize));
        header.emit(frame.bytes_mut());
        Verdict::Forward(port)
    }
}

/// An authenticated or freshly encrypted payload gets a fresh checksum; one that only passes
/// through keeps its own. A sender that used none over IPv4 gets none.
fn checksum_rule(passage: &Passage) -> ChecksumRule {
    let arrived = passage.datagram;
    if !passage.transformed {
        ChecksumRule::Update(arrived)
    } else if arrived.checksum == 0 {
        ChecksumRule::None
    } else {
        ChecksumRule::Compute
    }
}
