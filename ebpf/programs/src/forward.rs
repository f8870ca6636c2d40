//! New headers for media that needs no cipher.
//!
//! What [`check`] lets through leaves as the engine would have sent it, octet by octet. What it does
//! not let through was not touched, and is the engine's to judge.

use abi::{Arrival, Route, XdpReason, fold};
use aya_ebpf::helpers::bpf_xdp_adjust_head;
use aya_ebpf::programs::XdpContext;

use crate::frame::Destination;

const ETHERNET_LEN: usize = 14;
const VLAN_TAG_LEN: usize = 4;
const IPV4_LEN: usize = 20;
const IPV6_LEN: usize = 40;
const UDP_LEN: usize = 8;
const RTP_LEN: usize = 12;

/// Ethernet types as they stand in a frame.
const IPV4: u16 = 0x0800_u16.to_be();
const IPV6: u16 = 0x86dd_u16.to_be();

/// DSCP occupies the upper six bits of the traffic class, ECN the lower two.
const ECN_MASK: u8 = 0x03;

/// What there is to know of a packet that may leave. Words are as they stand in the frame.
pub struct Media {
    traffic_class: u8,
    hops: u8,
    /// The length in the UDP header.
    udp_len: u16,
    udp_checksum: u16,
    /// Octets of RTP payload.
    pub octets: u32,
    sequence: u16,
    timestamp: [u16; 2],
    ssrc: [u16; 2],
}

impl Media {
    /// What is counted of the packet, which came at `at` on the payload's clock.
    #[inline(always)]
    pub fn arrival(&self, at: u32) -> Arrival {
        let long = |[high, low]: [u16; 2]| {
            u32::from(u16::from_be(high)) << 16 | u32::from(u16::from_be(low))
        };
        Arrival {
            ssrc: long(self.ssrc),
            seq_no: u16::from_be(self.sequence),
            timestamp: long(self.timestamp),
            at,
        }
    }
}

/// Whether the frame is exactly what the flow expects: RTP from its peer that may leave.
#[inline(always)]
pub fn check(ctx: &XdpContext, route: &Route, at: &Destination) -> Result<Media, XdpReason> {
    let media =
        if at.is_v4 { check_v4(ctx, route, at.ip_at)? } else { check_v6(ctx, route, at.ip_at)? };
    if media.hops <= 1 {
        return Err(XdpReason::RedirectTtl);
    }
    // The sum of the pseudo header alone is what a local sender leaves for its network card to
    // finish.
    let pseudo = fold(route.pseudo_sum + u32::from(media.udp_len));
    if u32::from(media.udp_checksum) == pseudo || (media.udp_checksum == 0 && !at.is_v4) {
        return Err(XdpReason::RedirectChecksum);
    }
    Ok(media)
}

#[inline(always)]
fn check_v4(ctx: &XdpContext, route: &Route, at: usize) -> Result<Media, XdpReason> {
    let header: [u16; IPV4_LEN / 2] = load(ctx, at)?;
    if header[6] != route.from[6] || header[7] != route.from[7] {
        return Err(XdpReason::RedirectOtherSource);
    }
    let sum = header.iter().fold(0, |sum, word| sum + u32::from(*word));
    if fold(sum) != 0xffff {
        return Err(XdpReason::RedirectChecksum);
    }
    let total = u16::from_be(header[1]);
    let [_, traffic_class] = header[0].to_ne_bytes();
    let [hops, _] = header[4].to_ne_bytes();
    let ip = Ip { len: IPV4_LEN, total: total.into(), traffic_class, hops };
    check_rtp(ctx, route, at, &ip)
}

#[inline(always)]
fn check_v6(ctx: &XdpContext, route: &Route, at: usize) -> Result<Media, XdpReason> {
    let header: [u16; IPV6_LEN / 2] = load(ctx, at)?;
    if header[4..12] != route.from {
        return Err(XdpReason::RedirectOtherSource);
    }
    let [first, second] = header[0].to_ne_bytes();
    let [_, hops] = header[3].to_ne_bytes();
    let ip = Ip {
        len: IPV6_LEN,
        total: IPV6_LEN as u32 + u32::from(u16::from_be(header[2])),
        traffic_class: first << 4 | second >> 4,
        hops,
    };
    check_rtp(ctx, route, at, &ip)
}

/// What both versions of IP have.
struct Ip {
    len: usize,
    /// Octets of the packet by its header.
    total: u32,
    traffic_class: u8,
    hops: u8,
}

#[inline(always)]
fn check_rtp(ctx: &XdpContext, route: &Route, at: usize, ip: &Ip) -> Result<Media, XdpReason> {
    let words: [u16; (UDP_LEN + RTP_LEN) / 2] = load(ctx, at + ip.len)?;
    let [from_port, _, udp_len, udp_checksum, first, sequence, ..] = words;
    if from_port != route.from_port {
        return Err(XdpReason::RedirectOtherSource);
    }
    let udp_octets = u32::from(u16::from_be(udp_len));
    let octets = (ctx.data_end() - ctx.data() - at) as u32;
    if octets != ip.total || ip.len as u32 + udp_octets != ip.total {
        return Err(XdpReason::RedirectNotRtp);
    }
    if ip.total > route.mtu {
        return Err(XdpReason::RedirectTooBig);
    }
    let [first, second] = first.to_ne_bytes();
    // RTCP has types from 192 to 223 where RTP has marker and payload type (RFC 5761 §4).
    if first >> 6 != 2 || second >> 5 == 6 {
        return Err(XdpReason::RedirectNotRtp);
    }
    let mut header = RTP_LEN + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let [_, words]: [u16; 2] = load(ctx, at + ip.len + UDP_LEN + header)?;
        header += 4 + 4 * usize::from(u16::from_be(words));
    }
    let before = (UDP_LEN + header) as u32;
    if udp_octets < before {
        return Err(XdpReason::RedirectNotRtp);
    }
    Ok(Media {
        traffic_class: ip.traffic_class,
        hops: ip.hops,
        udp_len,
        udp_checksum,
        octets: udp_octets - before,
        sequence,
        timestamp: [words[6], words[7]],
        ssrc: [words[8], words[9]],
    })
}

/// Writes the headers of the way out over those the frame came with.
#[inline(always)]
pub fn rewrite(
    ctx: &XdpContext,
    route: &Route,
    at: &Destination,
    media: &Media,
    hop: [u8; 6],
) -> Result<(), XdpReason> {
    let link_len = ETHERNET_LEN + VLAN_TAG_LEN * usize::from(route.tags & 3);
    if link_len != at.ip_at {
        // SAFETY: the helper checks the frame; pointers into it are made anew below.
        let moved = unsafe { bpf_xdp_adjust_head(ctx.ctx, at.ip_at as i32 - link_len as i32) };
        if moved != 0 {
            return Err(XdpReason::RedirectTooBig);
        }
    }
    let kind = if at.is_v4 { IPV4 } else { IPV6 };
    write_link(ctx, route, hop, kind);
    let traffic_class = match route.traffic_class {
        Route::COPY => media.traffic_class,
        ours => ours | media.traffic_class & ECN_MASK,
    };
    let hops = media.hops - 1;
    match (route.tags, at.is_v4) {
        (0, true) => write_v4::<ETHERNET_LEN>(ctx, route, media, traffic_class, hops),
        (1, true) => {
            write_v4::<{ ETHERNET_LEN + VLAN_TAG_LEN }>(ctx, route, media, traffic_class, hops)
        }
        (_, true) => {
            write_v4::<{ ETHERNET_LEN + 2 * VLAN_TAG_LEN }>(ctx, route, media, traffic_class, hops);
        }
        (0, false) => write_v6::<ETHERNET_LEN>(ctx, route, media, traffic_class, hops),
        (1, false) => {
            write_v6::<{ ETHERNET_LEN + VLAN_TAG_LEN }>(ctx, route, media, traffic_class, hops)
        }
        (_, false) => {
            write_v6::<{ ETHERNET_LEN + 2 * VLAN_TAG_LEN }>(ctx, route, media, traffic_class, hops);
        }
    }
    Ok(())
}

#[inline(always)]
fn write_link(ctx: &XdpContext, route: &Route, hop: [u8; 6], kind: u16) {
    let [a, b, c, d, e, f] = hop;
    let hop = [[a, b], [c, d], [e, f]].map(u16::from_ne_bytes);
    let [x, y, z] = route.mac;
    store(ctx, 0, [hop[0], hop[1], hop[2], x, y, z]);
    match (route.tags, route.vlans) {
        (0, _) => store(ctx, 12, [kind]),
        (1, [[protocol, control], _]) => store(ctx, 12, [protocol, control, kind]),
        (_, [[protocol, control], [inner, inner_control]]) => {
            store(ctx, 12, [protocol, control, inner, inner_control, kind]);
        }
    }
}

/// As the engine writes it: an atomic datagram, identification 0 (RFC 6864 §4.1).
#[inline(always)]
fn write_v4<const AT: usize>(
    ctx: &XdpContext,
    route: &Route,
    media: &Media,
    traffic_class: u8,
    hops: u8,
) {
    let total = (u16::from_be(media.udp_len) + IPV4_LEN as u16).to_be();
    let first = u16::from_ne_bytes([0x45, traffic_class]);
    let life = u16::from_ne_bytes([hops, 17]);
    let varying = u32::from(u16::from_ne_bytes([0, traffic_class]))
        + u32::from(total)
        + u32::from(u16::from_ne_bytes([hops, 0]));
    let checksum = !(fold(route.ip_sum + varying) as u16);
    let (from, to) = (route.local, route.to);
    let flags = 0x4000_u16.to_be();
    store(ctx, AT, [first, total, 0, flags, life, checksum, from[6], from[7], to[6], to[7]]);
    write_udp(ctx, AT + IPV4_LEN, route, media);
}

#[inline(always)]
fn write_v6<const AT: usize>(
    ctx: &XdpContext,
    route: &Route,
    media: &Media,
    traffic_class: u8,
    hops: u8,
) {
    let first = u16::from_ne_bytes([0x60 | traffic_class >> 4, traffic_class << 4]);
    let life = u16::from_ne_bytes([17, hops]);
    store(ctx, AT, [first, 0, media.udp_len, life]);
    store(ctx, AT + 8, route.local);
    store(ctx, AT + 24, route.to);
    write_udp(ctx, AT + IPV6_LEN, route, media);
}

/// The checksum is corrected for what has changed, so that damage to the payload on the way to us
/// stays visible (RFC 1624).
#[inline(always)]
fn write_udp(ctx: &XdpContext, at: usize, route: &Route, media: &Media) {
    let checksum = match media.udp_checksum {
        0 => 0,
        old => match !(fold(u32::from(!old) + route.change) as u16) {
            0 => 0xffff,
            new => new,
        },
    };
    store(ctx, at, [route.local_port, route.to_port, media.udp_len, checksum]);
}

/// Words of the frame, as they stand there.
#[inline(always)]
fn load<const N: usize>(ctx: &XdpContext, at: usize) -> Result<[u16; N], XdpReason> {
    let start = ctx.data() + at;
    if start + 2 * N > ctx.data_end() {
        return Err(XdpReason::RedirectNotRtp);
    }
    // SAFETY: the comparison has shown that they are part of the frame. Frames begin at even
    // addresses, and headers are of even length.
    Ok(unsafe { *(start as *const [u16; N]) })
}

/// Writes words into the frame. It was checked before that they fit; the verifier wants to see it
/// again.
#[inline(always)]
fn store<const N: usize>(ctx: &XdpContext, at: usize, words: [u16; N]) {
    let start = ctx.data() + at;
    if start + 2 * N > ctx.data_end() {
        return;
    }
    // SAFETY: as in `load`; the frame is this program's now.
    unsafe { *(start as *mut [u16; N]) = words };
}
