//! Neighbour discovery (RFC 4861), as smoltcp reads and writes it.

use std::net::{IpAddr, Ipv6Addr};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, Icmpv6Packet, Icmpv6Repr, NdiscNeighborFlags, NdiscRepr, RawHardwareAddress,
};
use wire::ethernet::MacAddr;
use wire::ip::{Header, V6_HEADER_LEN};

use super::Said;

const ICMPV6: u8 = 58;
/// A packet of neighbour discovery that has passed no router has this hop limit.
const NO_ROUTER: u8 = 255;

/// What a packet says about one neighbour, if that is what it is about.
pub(super) fn read(packet: &[u8]) -> Option<Said> {
    let ip = Header::parse(packet).ok()?;
    let (IpAddr::V6(source), IpAddr::V6(destination)) = (ip.source, ip.destination) else {
        return None;
    };
    if ip.protocol != ICMPV6 || ip.hops != NO_ROUTER {
        return None;
    }
    let message = &packet[V6_HEADER_LEN..][..ip.payload_len.into()];
    let message = Icmpv6Packet::new_checked(message).ok()?;
    let checks = ChecksumCapabilities::default();
    match Icmpv6Repr::parse(&source, &destination, &message, &checks).ok()? {
        // Without an address it asks whether somebody has it already (RFC 4862): not our affair.
        Icmpv6Repr::Ndisc(NdiscRepr::NeighborSolicit { target_addr, lladdr: Some(mac) }) => {
            let asker_mac = unicast(&mac)?;
            Some(Said::Question { asker: source.into(), asker_mac, about: target_addr.into() })
        }
        Icmpv6Repr::Ndisc(NdiscRepr::NeighborAdvert { target_addr, lladdr: Some(mac), .. }) => {
            Some(Said::Answer { about: target_addr.into(), mac: unicast(&mac)? })
        }
        _ => None,
    }
}

/// Asks who has an address: the group to ask, and the packet.
pub(super) fn question(mac: MacAddr, ours: Ipv6Addr, about: Ipv6Addr) -> (MacAddr, Vec<u8>) {
    let [.., a, b, c] = about.octets();
    let group = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c]);
    let message = NdiscRepr::NeighborSolicit { target_addr: about, lladdr: Some(raw(mac)) };
    (MacAddr([0x33, 0x33, 0xff, a, b, c]), write(ours, group, message))
}

/// Tells the asker that an address of ours is here.
pub(super) fn answer(mac: MacAddr, ours: Ipv6Addr, asker: Ipv6Addr) -> Vec<u8> {
    let message = NdiscRepr::NeighborAdvert {
        flags: NdiscNeighborFlags::SOLICITED | NdiscNeighborFlags::OVERRIDE,
        target_addr: ours,
        lladdr: Some(raw(mac)),
    };
    write(ours, asker, message)
}

fn write(source: Ipv6Addr, destination: Ipv6Addr, message: NdiscRepr<'_>) -> Vec<u8> {
    let message = Icmpv6Repr::Ndisc(message);
    let ip = Header {
        source: source.into(),
        destination: destination.into(),
        protocol: ICMPV6,
        traffic_class: 0,
        hops: NO_ROUTER,
        payload_len: message.buffer_len() as u16,
    };
    let mut packet = vec![0; V6_HEADER_LEN + message.buffer_len()];
    ip.emit(&mut packet);
    message.emit(
        &source,
        &destination,
        &mut Icmpv6Packet::new_unchecked(&mut packet[V6_HEADER_LEN..]),
        &ChecksumCapabilities::default(),
    );
    packet
}

fn raw(mac: MacAddr) -> RawHardwareAddress {
    EthernetAddress(mac.0).into()
}

fn unicast(mac: &RawHardwareAddress) -> Option<MacAddr> {
    let mac: [u8; 6] = mac.as_bytes().get(..6)?.try_into().ok()?;
    EthernetAddress(mac).is_unicast().then_some(MacAddr(mac))
}
