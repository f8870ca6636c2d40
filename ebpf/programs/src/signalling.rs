//! What is for sockets of ours behind IPsec, and what their addresses need where the kernel does not
//! know them.

use abi::{Address, EspKey, XdpReason};
use aya_ebpf::programs::XdpContext;

use crate::frame::{ARP, Destination, ICMPV6, IPV4, IPV4_LEN, IPV6, IPV6_LEN, UDP_LEN};
use crate::frame::{bytes_at, pair, protocol};

const ESP: u8 = 50;
/// The sender's and the target's protocol address in an ARP packet of IPv4 over Ethernet.
const ARP_SENDER: usize = 14;
const ARP_TARGET: usize = 24;
const NEIGHBOUR_SOLICITATION: u8 = 135;

/// An ESP packet.
pub struct Esp {
    /// Which association's it says it is.
    pub key: EspKey,
    /// From where it comes, as words of the frame.
    pub source: [u16; 8],
}

/// ESP that is no UDP: why the frame was given up before says what it may be.
#[inline(always)]
pub fn esp(ctx: &XdpContext, reason: XdpReason) -> Option<Esp> {
    if reason != XdpReason::PassNotUdp {
        return None;
    }
    let (ethertype, at) = protocol(ctx).ok()?;
    match ethertype {
        IPV4 => {
            let header: [u8; IPV4_LEN] = bytes_at(ctx, at).ok()?;
            if header[9] != ESP {
                return None;
            }
            let spi = bytes_at(ctx, at + IPV4_LEN).ok()?;
            let [.., a, b, c, d] = header;
            let source = mapped([header[12], header[13], header[14], header[15]]);
            Some(Esp { key: EspKey::new(Address::v4([a, b, c, d]), spi), source })
        }
        IPV6 => {
            let [_, _, _, _, _, _, next_header, _]: [u8; 8] = bytes_at(ctx, at).ok()?;
            if next_header != ESP {
                return None;
            }
            let address = Address(bytes_at(ctx, at + 24).ok()?);
            let spi = bytes_at(ctx, at + IPV6_LEN).ok()?;
            Some(Esp { key: EspKey::new(address, spi), source: words(bytes_at(ctx, at + 8).ok()?) })
        }
        _ => None,
    }
}

/// The key of ESP in a UDP datagram to the port of ESP; IKE's begin with an SPI that nobody has.
#[inline(always)]
pub fn esp_in_udp(ctx: &XdpContext, at: &Destination) -> Option<EspKey> {
    if at.port != abi::ESP_PORT {
        return None;
    }
    let ip_len = if at.is_v4 { IPV4_LEN } else { IPV6_LEN };
    let spi = bytes_at(ctx, at.ip_at + ip_len + UDP_LEN).ok()?;
    Some(EspKey::new(at.address, spi))
}

/// What is about an address: its link-layer address is asked for, a question of its own is answered,
/// ICMP is for it, or a fragment.
pub struct About {
    /// The address.
    pub address: Address,
    /// Who says so, as words of the frame.
    pub source: [u16; 8],
}

/// The address that a frame is about which was given up for that reason.
#[inline(always)]
pub fn about(ctx: &XdpContext, reason: XdpReason) -> Option<About> {
    if !matches!(reason, XdpReason::PassNotIp | XdpReason::PassNotUdp | XdpReason::PassFragment) {
        return None;
    }
    let (ethertype, at) = protocol(ctx).ok()?;
    match ethertype {
        ARP => Some(About {
            address: Address::v4(bytes_at(ctx, at + ARP_TARGET).ok()?),
            source: mapped(bytes_at(ctx, at + ARP_SENDER).ok()?),
        }),
        IPV4 => Some(About {
            address: Address::v4(bytes_at(ctx, at + 16).ok()?),
            source: mapped(bytes_at(ctx, at + 12).ok()?),
        }),
        IPV6 => {
            let [_, _, _, _, _, _, next_header, _]: [u8; 8] = bytes_at(ctx, at).ok()?;
            let source = words(bytes_at(ctx, at + 8).ok()?);
            let [kind]: [u8; 1] = bytes_at(ctx, at + IPV6_LEN).ok()?;
            // Its destination is a group; whom it asks for is in the message.
            let asks = next_header == ICMPV6 && kind == NEIGHBOUR_SOLICITATION;
            let address_at = if asks { IPV6_LEN + 8 } else { 24 };
            Some(About { address: Address(bytes_at(ctx, at + address_at).ok()?), source })
        }
        _ => None,
    }
}

#[inline(always)]
fn mapped([a, b, c, d]: [u8; 4]) -> [u16; 8] {
    [0, 0, 0, 0, 0, 0xffff, pair(a, b), pair(c, d)]
}

#[inline(always)]
fn words(octets: [u8; 16]) -> [u16; 8] {
    let mut address = [0; 8];
    let mut word = 0;
    while word < 8 {
        address[word] = pair(octets[2 * word], octets[2 * word + 1]);
        word += 1;
    }
    address
}
