//! Packets from the peer (RFC 4303 §3.4).

use std::net::SocketAddr;
use std::time::Instant;

use crate::event::{Event, Events};
use crate::inner_fragments::InnerFragments;
use crate::ip::{self, Ip, Part};
use crate::packet::Work;
use crate::policy::{Action, Policies};
use crate::sa::{Mode, Sa};
use crate::selector::{Direction, Match};
use crate::{DropReason, Packet, SaId, tunnel};

/// An ESP packet in its IP packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) ip: Ip,
    /// Where ESP begins.
    pub(crate) esp_at: usize,
    /// The sender's port, if it came in UDP.
    pub(crate) port: Option<u16>,
}

/// What a sealed packet carries.
struct Opened {
    /// Where the payload lies in the packet.
    at: usize,
    len: usize,
    next: u8,
}

/// A packet whose ICV is to be verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    pub(crate) sa: SaId,
    pub(crate) arrived: Arrived,
    /// The half of its number that does not travel.
    pub(crate) high: Option<u32>,
    number: u64,
}

/// Looks whether a packet may be opened under the association: what is left is [`Opening`]. Nothing
/// changes.
pub(crate) fn prepare(
    now: Instant,
    sa: &mut Sa,
    arrived: Arrived,
    packet: &mut Packet<'_>,
    events: &mut Events,
) -> Result<(), DropReason> {
    if sa.spec.encapsulation.is_some() != arrived.port.is_some() {
        return Err(DropReason::EncapsulationMismatch);
    }
    if !sa.is_usable(now) {
        sa.age(now, events);
        return Err(DropReason::Expired);
    }
    let esp = &packet.bytes()[arrived.esp_at..];
    let cipher = cipher_len(sa, esp).ok_or(DropReason::BadPacket)?;
    if cipher == 0 || !cipher.is_multiple_of(sa.spec.keys.suite().alignment()) {
        return Err(DropReason::BadPacket);
    }
    let number = sa.admit(u32::from_be_bytes([esp[4], esp[5], esp[6], esp[7]]))?;
    let high = sa.high(number);
    let opening = Opening { sa: sa.id, arrived, high, number };
    packet.work = Some(Work::Open(opening));
    Ok(())
}

/// Octets that the cipher works on.
fn cipher_len(sa: &Sa, esp: &[u8]) -> Option<usize> {
    esp.len().checked_sub(sa.esp_len() + sa.spec.keys.suite().icv_len())
}

/// Takes what came out of a packet whose ICV verified, unless another one of its burst has used up
/// its number or the association.
pub(crate) fn finish(
    now: Instant,
    sa: &mut Sa,
    opening: &Opening,
    packet: &mut Packet<'_>,
    events: &mut Events,
) -> Result<Option<Carried>, DropReason> {
    if !sa.is_usable(now) {
        return Err(DropReason::Expired);
    }
    sa.window.check(opening.number)?;
    let arrived = &opening.arrived;
    let newest = opening.number > sa.window.highest();
    sa.window.commit(opening.number);
    if newest {
        follow(sa, arrived, events);
    }
    let wire = packet.bytes().len();
    let esp = &packet.bytes()[arrived.esp_at..];
    let cipher = cipher_len(sa, esp).ok_or(DropReason::BadPacket)?;
    let opened = trailer(esp, sa.esp_len(), cipher);
    let clear = opened.as_ref().map_or(0, |opened| opened.len);
    sa.count(now, clear, wire, cipher, events);
    let Opened { at, len, next } = opened?;
    let opened = Opened { at: arrived.esp_at + at, len, next };
    if next == ip::DUMMY {
        return Ok(None);
    }
    match sa.spec.mode {
        Mode::Tunnel => unwrap(&arrived.ip, &opened, packet).map(Some),
        Mode::Transport => close_up(&arrived.ip, &opened, packet).map(Some),
    }
}

/// Tells when an authentic packet came from somewhere else. Only the newest packet counts: an old
/// one that took its time says nothing about where the peer is.
fn follow(sa: &Sa, arrived: &Arrived, events: &mut Events) {
    let from = arrived.port.map(|port| SocketAddr::new(arrived.ip.source, port));
    if let Some(to) = from
        && sa.peer() != from
    {
        events.tell(Event::PeerMoved { sa: sa.id, to });
    }
}

/// Reads padding and trailer (RFC 4303 §2.4). The padding is 1, 2, 3 …
fn trailer(esp: &[u8], at: usize, len: usize) -> Result<Opened, DropReason> {
    let data = &esp[at..at + len];
    let (padding, next) = (usize::from(data[len - 2]), data[len - 1]);
    let payload = (len - 2).checked_sub(padding).ok_or(DropReason::BadPadding)?;
    let expected = data[payload..len - 2].iter().zip(1u8..);
    let differences = expected.fold(0, |sum, (octet, expected)| sum | (octet ^ expected));
    if differences != 0 {
        return Err(DropReason::BadPadding);
    }
    Ok(Opened { at, len: payload, next })
}

/// What came out: the headers of the packet that goes on.
pub(crate) struct Carried(Ip);

/// The packet inside a tunnel.
fn unwrap(outer: &Ip, opened: &Opened, packet: &mut Packet<'_>) -> Result<Carried, DropReason> {
    let payload = &mut packet.bytes_mut()[opened.at..][..opened.len];
    let version = match opened.next {
        ip::IPV4 => 4,
        ip::IPV6 => 6,
        _ => return Err(DropReason::BadNextHeader),
    };
    if payload.first().is_none_or(|first| first >> 4 != version) {
        return Err(DropReason::BadNextHeader);
    }
    let inner = Ip::parse(payload)?;
    let class = tunnel::decapsulated(inner.traffic_class, outer.traffic_class)?;
    if class != inner.traffic_class {
        inner.set_traffic_class(payload, class);
    }
    packet.cut_front(opened.at);
    // What lies behind it is TFC padding.
    packet.set_len(inner.total_len);
    Ok(Carried(inner))
}

/// In transport mode the IP header moves up to the payload.
fn close_up(outer: &Ip, opened: &Opened, packet: &mut Packet<'_>) -> Result<Carried, DropReason> {
    let header = outer.payload_at;
    let front = opened.at - header;
    packet.bytes_mut().copy_within(..header, front);
    packet.cut_front(front);
    let payload = &packet.bytes()[header..][..opened.len];
    let len = match wire::udp::Header::parse(payload) {
        // What lies behind a datagram is TFC padding.
        Ok(udp) if opened.next == ip::UDP => udp.total_len().into(),
        _ => opened.len,
    };
    packet.set_len(header + len);
    let bytes = packet.bytes_mut();
    bytes[outer.payload_named_at] = opened.next;
    outer.set_len(bytes);
    let ip = Ip::parse(bytes)?;
    if ip.part != Part::Whole {
        return Err(DropReason::Fragment);
    }
    Ok(Carried(ip))
}

impl Carried {
    /// Looks whether the association is for this traffic, and whether policy demands this
    /// association for it (RFC 4301 §5.2).
    pub(crate) fn belongs(
        &self,
        now: Instant,
        sa: &Sa,
        policies: &Policies,
        fragments: &mut InnerFragments,
        packet: &Packet<'_>,
    ) -> Result<(), DropReason> {
        let flow = self.0.flow(packet.bytes(), Direction::Inbound)?;
        let carries = match sa.matches(&flow) {
            Match::Yes => true,
            Match::Perhaps => fragments.knows(now, sa.id, &self.0),
            Match::No => false,
        };
        let demanded = policies.find(Direction::Inbound, &flow);
        if !carries || demanded != Some(Action::Protect(sa.spec.request)) {
            return Err(DropReason::SelectorMismatch);
        }
        if self.0.part == Part::First {
            fragments.remember(now, sa.id, &self.0);
        }
        Ok(())
    }
}
