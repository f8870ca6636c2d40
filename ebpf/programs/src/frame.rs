//! From the first byte of a frame to its UDP destination.
//!
//! What the fast path does not understand is never guessed at: it ends as a reason to pass the frame
//! to the kernel.

use abi::{Address, XdpReason};
use aya_ebpf::programs::XdpContext;

/// Ethertypes.
pub const IPV4: u16 = 0x0800;
pub const IPV6: u16 = 0x86dd;
pub const ARP: u16 = 0x0806;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_QINQ: u16 = 0x88a8;

const UDP: u8 = 17;
/// ICMP of IPv6, neighbour discovery too.
pub const ICMPV6: u8 = 58;
const IPV6_HOP_BY_HOP: u8 = 0;
const IPV6_ROUTING: u8 = 43;
const IPV6_FRAGMENT: u8 = 44;
const AUTHENTICATION_HEADER: u8 = 51;
const IPV6_DESTINATION_OPTIONS: u8 = 60;
const IPV6_MOBILITY: u8 = 135;
const IPV6_HIP: u8 = 139;
const IPV6_SHIM6: u8 = 140;

const ETHERNET_LEN: usize = 14;
const VLAN_TAG_LEN: usize = 4;
/// Octets of headers.
pub const IPV4_LEN: usize = 20;
pub const IPV6_LEN: usize = 40;
pub const UDP_LEN: usize = 8;

/// Where a UDP datagram goes, and where it is in the frame.
pub struct Destination {
    /// Address, IPv4 ones mapped.
    pub address: Address,
    /// Port in the machine's byte order.
    pub port: u16,
    /// Offset of the IP header.
    pub ip_at: usize,
    /// Whether that is one of IPv4.
    pub is_v4: bool,
}

/// From where a datagram comes, as words of the frame: address, IPv4 ones mapped, and port.
#[inline(always)]
pub fn source(ctx: &XdpContext, at: &Destination) -> Result<([u16; 8], u16), XdpReason> {
    let mut address = [0, 0, 0, 0, 0, 0xffff, 0, 0];
    if at.is_v4 {
        let [a, b, c, d, _, _, _, _, e, f]: [u8; 10] = bytes_at(ctx, at.ip_at + 12)?;
        (address[6], address[7]) = (pair(a, b), pair(c, d));
        return Ok((address, pair(e, f)));
    }
    let octets: [u8; 16] = bytes_at(ctx, at.ip_at + 8)?;
    let mut word = 0;
    while word < 8 {
        address[word] = pair(octets[2 * word], octets[2 * word + 1]);
        word += 1;
    }
    let [a, b]: [u8; 2] = bytes_at(ctx, at.ip_at + IPV6_LEN)?;
    Ok((address, pair(a, b)))
}

/// A word as the machine reads it from the frame.
#[inline(always)]
pub fn pair(first: u8, second: u8) -> u16 {
    u16::from_ne_bytes([first, second])
}

/// Finds the UDP destination of a frame, or why there is none for us.
#[inline(always)]
pub fn udp_destination(ctx: &XdpContext) -> Result<Destination, XdpReason> {
    let (ethertype, at) = protocol(ctx)?;
    network(ctx, ethertype, at)
}

/// What is in a frame, behind up to two VLAN tags, and where that begins.
#[inline(always)]
pub fn protocol(ctx: &XdpContext) -> Result<(u16, usize), XdpReason> {
    let mut ethertype = u16_at(ctx, ETHERNET_LEN - 2)?;
    if !is_vlan(ethertype) {
        return Ok((ethertype, ETHERNET_LEN));
    }
    ethertype = u16_at(ctx, ETHERNET_LEN + VLAN_TAG_LEN - 2)?;
    if !is_vlan(ethertype) {
        return Ok((ethertype, ETHERNET_LEN + VLAN_TAG_LEN));
    }
    ethertype = u16_at(ctx, ETHERNET_LEN + 2 * VLAN_TAG_LEN - 2)?;
    Ok((ethertype, ETHERNET_LEN + 2 * VLAN_TAG_LEN))
}

#[inline(always)]
fn is_vlan(ethertype: u16) -> bool {
    ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ
}

#[inline(always)]
fn network(ctx: &XdpContext, ethertype: u16, at: usize) -> Result<Destination, XdpReason> {
    match ethertype {
        IPV4 => ipv4(ctx, at),
        IPV6 => ipv6(ctx, at),
        _ => Err(XdpReason::PassNotIp),
    }
}

#[inline(always)]
fn ipv4(ctx: &XdpContext, at: usize) -> Result<Destination, XdpReason> {
    let header: [u8; IPV4_LEN] = bytes_at(ctx, at)?;
    match header[0] {
        0x45 => {}
        0x46..=0x4f => return Err(XdpReason::PassOptions),
        _ => return Err(XdpReason::PassMalformed),
    }
    // More fragments, or an offset; "don't fragment" is fine.
    if (header[6] & 0x3f) | header[7] != 0 {
        return Err(XdpReason::PassFragment);
    }
    if header[9] != UDP {
        return Err(XdpReason::PassNotUdp);
    }
    let address = Address::v4([header[16], header[17], header[18], header[19]]);
    let port = udp_port(ctx, at + IPV4_LEN)?;
    Ok(Destination { address, port, ip_at: at, is_v4: true })
}

#[inline(always)]
fn ipv6(ctx: &XdpContext, at: usize) -> Result<Destination, XdpReason> {
    let [version, _, _, _, _, _, next_header, _]: [u8; 8] = bytes_at(ctx, at)?;
    if version >> 4 != 6 {
        return Err(XdpReason::PassMalformed);
    }
    let address = Address(bytes_at(ctx, at + IPV6_LEN - 16)?);
    match next_header {
        UDP => {
            let port = udp_port(ctx, at + IPV6_LEN)?;
            Ok(Destination { address, port, ip_at: at, is_v4: false })
        }
        IPV6_FRAGMENT => Err(XdpReason::PassFragment),
        IPV6_HOP_BY_HOP
        | IPV6_ROUTING
        | AUTHENTICATION_HEADER
        | IPV6_DESTINATION_OPTIONS
        | IPV6_MOBILITY
        | IPV6_HIP
        | IPV6_SHIM6 => Err(XdpReason::PassExtensionHeader),
        _ => Err(XdpReason::PassNotUdp),
    }
}

/// The destination port of the UDP header, which must be all there.
#[inline(always)]
fn udp_port(ctx: &XdpContext, at: usize) -> Result<u16, XdpReason> {
    let header: [u8; UDP_LEN] = bytes_at(ctx, at)?;
    Ok(u16::from_be_bytes([header[2], header[3]]))
}

#[inline(always)]
fn u16_at(ctx: &XdpContext, at: usize) -> Result<u16, XdpReason> {
    Ok(u16::from_be_bytes(bytes_at(ctx, at)?))
}

/// `N` bytes of the frame.
#[inline(always)]
pub fn bytes_at<const N: usize>(ctx: &XdpContext, at: usize) -> Result<[u8; N], XdpReason> {
    match bytes(ctx.data(), ctx.data_end(), at) {
        // SAFETY: `bytes` has checked that they are part of the frame, and an array of bytes has
        // no alignment.
        Some(bytes) => Ok(unsafe { *bytes }),
        None => Err(XdpReason::PassMalformed),
    }
}

/// A pointer to `N` bytes of the frame between `data` and `data_end`, checked in the way the verifier
/// understands.
#[inline(always)]
pub fn bytes<const N: usize>(data: usize, data_end: usize, at: usize) -> Option<*mut [u8; N]> {
    let start = data + at;
    if start + N > data_end {
        return None;
    }
    Some(start as *mut [u8; N])
}
