use port::{Frame, Medium, PortId};
use wire::datagram::Datagram;
use wire::{rtcp, rtp};

use crate::command::{RtcpPolicy, SourceRule};
use crate::leg::Leg;
use crate::{Channel, DropReason, Engine};

/// A frame on its way through the engine.
pub(crate) struct Passage {
    /// What is still open about it, or what ended it.
    pub(crate) state: State,
    /// The slot of the leg it arrived on, once known.
    pub(crate) leg: Option<u32>,
    /// The headers it came with.
    pub(crate) datagram: Datagram,
    pub(crate) channel: Channel,
    /// Octets of RTP payload, in clear.
    pub(crate) octets: usize,
    /// Whether its payload is no longer what arrived.
    pub(crate) transformed: bool,
}

/// How far a frame has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The frame is the UDP payload; it is believed as far as can be said without keys.
    Classified,
    /// It leaves on the leg in this slot.
    Accepted(u32),
    Consumed,
    Dropped(DropReason),
}

impl Passage {
    pub(crate) fn drop(&mut self, reason: DropReason) {
        self.state = State::Dropped(reason);
    }
}

impl Engine {
    /// Finds the leg and cuts the frame down to the UDP payload.
    pub(crate) fn classify(&self, from: PortId, frame: &mut Frame) -> Passage {
        let parsed = match self.config.ports[usize::from(from.0)].medium {
            Medium::Ethernet => Datagram::parse_ethernet(frame.bytes()),
            Medium::Ip => Datagram::parse_ip(frame.bytes()),
        };
        let mut passage = Passage {
            state: State::Classified,
            leg: None,
            datagram: *parsed.as_ref().unwrap_or(&NOWHERE),
            channel: Channel::Rtp,
            octets: 0,
            transformed: false,
        };
        if let Err(error) = parsed {
            passage.drop(error.into());
            return passage;
        }
        let datagram = passage.datagram;
        frame.set_len(datagram.payload_at + datagram.payload_len);
        frame.move_start(datagram.payload_at as isize);

        passage.leg = self.locals.slot(datagram.destination);
        let Some(slot) = passage.leg else {
            passage.drop(DropReason::UnknownPort);
            return passage;
        };
        let leg = self.leg(slot);
        if datagram.destination.port() != leg.local.port() {
            passage.channel = Channel::Rtcp;
        }
        let looks_right = check_shape(passage.channel, frame.bytes());
        let checked = if leg.port == from { looks_right } else { Err(DropReason::WrongInterface) };
        if let Err(reason) = checked.and_then(|()| check_source(leg, &passage)) {
            passage.drop(reason);
        }
        passage
    }
}

/// Stands for the headers of what has none; never read.
const NOWHERE: Datagram = Datagram {
    source: UNSPECIFIED,
    destination: UNSPECIFIED,
    traffic_class: 0,
    hops: 0,
    checksum: 0,
    payload_at: 0,
    payload_len: 0,
};
const UNSPECIFIED: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

fn check_shape(channel: Channel, bytes: &[u8]) -> Result<(), DropReason> {
    match channel {
        Channel::Rtp if rtp::looks_like_rtcp(bytes) => Err(DropReason::RtcpOnRtpPort),
        Channel::Rtp => rtp::Packet::new_checked(bytes).map(|_| ()).map_err(|_| DropReason::NotRtp),
        Channel::Rtcp => rtcp::sender(bytes).map(|_| ()).map_err(|_| DropReason::NotRtcp),
    }
}

/// Whether the packet may come from where it comes from, as far as can be said before its tag is
/// verified.
fn check_source(leg: &Leg, passage: &Passage) -> Result<(), DropReason> {
    if passage.channel == Channel::Rtcp && leg.rtcp == RtcpPolicy::Off {
        return Err(DropReason::RtcpOff);
    }
    let verifiable = leg.receive_session(passage.channel).is_some();
    if verifiable && leg.source == SourceRule::LearnAuthenticated {
        return Ok(());
    }
    match leg.peer(passage.channel) {
        None => Err(DropReason::NotSignalled),
        Some(peer) if peer.address != passage.datagram.source => Err(DropReason::WrongSource),
        Some(_) => Ok(()),
    }
}
