//! Packets to the peer (RFC 4303 §3.3).

use std::time::Instant;

use crate::event::Events;
use crate::ip::{self, Ip, Outer, Part};
use crate::packet::Work;
use crate::sa::{MIN_V6_MTU, Mode, Sa};
use crate::tunnel::DontFragment;
use crate::{DropReason, Packet, SaId, Verdict, encapsulation};

/// What is to be done with a packet's length.
enum Fit {
    Fits,
    /// Seal it; then it must be cut.
    ThenSplit,
    /// Not now.
    Not(Verdict),
}

/// A packet that has everything but its cryptography.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealing {
    pub(crate) sa: SaId,
    /// Where ESP begins.
    pub(crate) esp_at: usize,
    /// The half of the number that does not travel.
    pub(crate) high: Option<u32>,
}

/// Prepares a packet that policy and selectors have given to the association: what is left is
/// [`Sealing`].
pub(crate) fn prepare(
    now: Instant,
    sa: &mut Sa,
    ip: &Ip,
    packet: &mut Packet<'_>,
    events: &mut Events,
) -> Result<Verdict, DropReason> {
    if !sa.is_usable(now) {
        sa.age(now, events);
        return Err(DropReason::Expired);
    }
    if sa.spec.mode == Mode::Transport && ip.part != Part::Whole {
        return Err(DropReason::Fragment);
    }
    let split = match fit(now, sa, ip) {
        Fit::Fits => false,
        Fit::ThenSplit => true,
        Fit::Not(verdict) => return Ok(verdict),
    };
    let layout = Layout::of(now, sa, ip);
    if layout.total_len() > usize::from(u16::MAX) {
        return Ok(Verdict::TooBig { mtu: sa.payload_room(now, layout.kept) + layout.kept });
    }
    packet.grow(layout.front, layout.back())?;
    let clear = ip.total_len;
    packet.work = Some(Work::Seal(write(sa, ip, &layout, packet.bytes_mut())));
    sa.count(now, clear, layout.total_len(), layout.cipher_len(), events);
    let sa_id = sa.id;
    Ok(if split {
        Verdict::Split { sa: sa_id, mtu: sa.mtu(now) }
    } else {
        Verdict::Protected(sa_id)
    })
}

/// Makes a dummy packet (RFC 4303 §2.6) in an empty one: nobody on the way can tell it from others
/// of its length.
pub(crate) fn prepare_dummy(
    now: Instant,
    sa: &mut Sa,
    payload_len: usize,
    packet: &mut Packet<'_>,
    events: &mut Events,
) -> Result<Verdict, DropReason> {
    if sa.spec.mode != Mode::Tunnel {
        return Err(DropReason::BadNextHeader);
    }
    if !sa.is_usable(now) {
        sa.age(now, events);
        return Err(DropReason::Expired);
    }
    packet.set_len(0);
    let payload_len = payload_len.min(sa.payload_room(now, 0));
    packet.grow(0, payload_len)?;
    packet.bytes_mut().fill(0);
    // As if an empty IPv4 header had asked for it.
    let ip = Ip {
        source: sa.spec.source,
        destination: sa.spec.destination,
        traffic_class: 0,
        dont_fragment: true,
        total_len: payload_len,
        protocol: ip::DUMMY,
        payload_at: 0,
        payload_named_at: 0,
        routed_len: 0,
        routed_named_at: 0,
        part: Part::Whole,
        offset: 0,
        more: false,
        identification: 0,
    };
    let layout = Layout { next: ip::DUMMY, ..Layout::of(now, sa, &ip) };
    packet.grow(layout.front, layout.back())?;
    packet.work = Some(Work::Seal(write(sa, &ip, &layout, packet.bytes_mut())));
    sa.count(now, 0, layout.total_len(), layout.cipher_len(), events);
    Ok(Verdict::Protected(sa.id))
}

/// RFC 4301 §8.
fn fit(now: Instant, sa: &Sa, ip: &Ip) -> Fit {
    let kept = kept_len(sa, ip);
    let most = sa.payload_room(now, kept) + kept;
    if ip.total_len <= most {
        return Fit::Fits;
    }
    if !ip.is_v4() {
        // The least that IPv6 asks of every path goes through ours too, in parts if need be.
        if ip.total_len <= MIN_V6_MTU {
            return Fit::ThenSplit;
        }
        return Fit::Not(Verdict::TooBig { mtu: most.max(MIN_V6_MTU) });
    }
    match (sa.spec.mode, ip.dont_fragment) {
        (Mode::Tunnel, false) => Fit::Not(Verdict::Fragment { sa: sa.id, mtu: most }),
        (Mode::Transport, false) => Fit::ThenSplit,
        (Mode::Tunnel, true) if sa.spec.outer.df == DontFragment::Clear => Fit::ThenSplit,
        (_, true) => Fit::Not(Verdict::TooBig { mtu: most }),
    }
}

/// Octets of the packet's header that stay in front of ESP.
fn kept_len(sa: &Sa, ip: &Ip) -> usize {
    if sa.spec.mode == Mode::Transport { ip.routed_len } else { 0 }
}

/// Where things go.
struct Layout {
    /// Octets of the packet that stay in front.
    kept: usize,
    /// Octets that come in front of the payload.
    front: usize,
    payload: usize,
    /// TFC padding.
    filler: usize,
    padding: usize,
    icv: usize,
    /// What the payload is; None for what the packet's header says.
    next: u8,
}

impl Layout {
    fn of(now: Instant, sa: &Sa, ip: &Ip) -> Self {
        let suite = sa.spec.keys.suite();
        let kept = kept_len(sa, ip);
        let payload = ip.total_len - kept;
        let says_its_length = sa.spec.mode == Mode::Tunnel || ip.protocol == ip::UDP;
        let wanted = sa.spec.traffic_padding.min(sa.payload_room(now, kept));
        let filler = if says_its_length { wanted.saturating_sub(payload) } else { 0 };
        let alignment = suite.alignment();
        let padding = (payload + filler + 2).next_multiple_of(alignment) - (payload + filler + 2);
        Self {
            kept,
            front: sa.front_len() + sa.esp_len(),
            payload,
            filler,
            padding,
            icv: suite.icv_len(),
            next: if ip.is_v4() { ip::IPV4 } else { ip::IPV6 },
        }
    }

    fn back(&self) -> usize {
        self.filler + self.padding + 2 + self.icv
    }

    fn cipher_len(&self) -> usize {
        self.payload + self.filler + self.padding + 2
    }

    fn total_len(&self) -> usize {
        self.kept + self.front + self.payload + self.back()
    }
}

/// Writes everything around the payload, which lies behind `kept` and `front` octets.
fn write(sa: &mut Sa, ip: &Ip, layout: &Layout, bytes: &mut [u8]) -> Sealing {
    let number = sa.sequence + 1;
    sa.sequence = number;

    let next = match sa.spec.mode {
        Mode::Tunnel => layout.next,
        Mode::Transport => {
            bytes.copy_within(layout.front..layout.front + layout.kept, 0);
            std::mem::replace(&mut bytes[ip.routed_named_at], sa.outer_protocol())
        }
    };
    let esp_at = layout.kept + sa.front_len();
    let trailer_at = layout.kept + layout.front + layout.payload;
    let trailer = &mut bytes[trailer_at..][..layout.filler + layout.padding + 2];
    let (filler, padding) = trailer.split_at_mut(layout.filler);
    filler.fill(0);
    for (octet, value) in padding.iter_mut().zip(1..=layout.padding as u8) {
        *octet = value;
    }
    padding[layout.padding] = layout.padding as u8;
    padding[layout.padding + 1] = next;

    let iv_len = sa.spec.keys.suite().iv_len();
    let esp = &mut bytes[esp_at..];
    esp[..4].copy_from_slice(&sa.spec.spi.to_be_bytes());
    esp[4..8].copy_from_slice(&(number as u32).to_be_bytes());
    sa.transform.write_iv(number, &mut esp[8..8 + iv_len]);

    match sa.spec.mode {
        Mode::Tunnel => Outer {
            source: sa.spec.source,
            destination: sa.spec.destination,
            protocol: sa.outer_protocol(),
            traffic_class: sa.spec.outer.traffic_class(ip.traffic_class),
            hops: sa.spec.outer.hops,
            dont_fragment: sa.spec.outer.dont_fragment(ip),
            identification: number as u16,
        }
        .emit(bytes),
        Mode::Transport => ip.set_len(bytes),
    }
    Sealing { sa: sa.id, esp_at, high: sa.high(number) }
}

/// Writes the UDP header in front of ESP, if there is one. Without checksum over IPv4 (RFC 3948
/// §2.1); over IPv6 it covers what was sealed.
pub(crate) fn finish(sa: &Sa, sealing: &Sealing, packet: &mut Packet<'_>) {
    let Some(ports) = sa.spec.encapsulation else { return };
    let segment = &mut packet.bytes_mut()[sealing.esp_at - sa.udp_len()..];
    let mut udp = wire::udp::Header {
        source: ports.local_port,
        destination: ports.remote_port,
        payload_len: (segment.len() - wire::udp::HEADER_LEN) as u16,
        checksum: 0,
    };
    udp.emit(segment);
    if sa.spec.destination.is_ipv6() {
        udp.checksum = encapsulation::checksum(sa.spec.source, sa.spec.destination, segment);
        udp.emit(segment);
    }
}
