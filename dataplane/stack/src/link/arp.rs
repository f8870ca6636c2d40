//! ARP (RFC 826), as smoltcp reads and writes it.

use std::net::Ipv4Addr;

use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, EthernetAddress};
use wire::ethernet::MacAddr;

use super::Said;

/// What an ARP packet says, if it says something about one neighbour.
pub(super) fn read(content: &[u8]) -> Option<Said> {
    let packet = ArpPacket::new_checked(content).ok()?;
    let ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: mac,
        source_protocol_addr: sender,
        target_protocol_addr: about,
        ..
    } = ArpRepr::parse(&packet).ok()?
    else {
        return None;
    };
    if !mac.is_unicast() {
        return None;
    }
    let mac = MacAddr(mac.0);
    match operation {
        ArpOperation::Request => {
            Some(Said::Question { asker: sender.into(), asker_mac: mac, about: about.into() })
        }
        ArpOperation::Reply => Some(Said::Answer { about: sender.into(), mac }),
        ArpOperation::Unknown(_) => None,
    }
}

/// Asks everybody who has an address.
pub(super) fn question(mac: MacAddr, ours: Ipv4Addr, about: Ipv4Addr) -> Vec<u8> {
    write(ArpOperation::Request, (mac, ours), (MacAddr([0; 6]), about))
}

/// Tells the asker that an address of ours is here.
pub(super) fn answer(mac: MacAddr, ours: Ipv4Addr, asker_mac: MacAddr, asker: Ipv4Addr) -> Vec<u8> {
    write(ArpOperation::Reply, (mac, ours), (asker_mac, asker))
}

fn write(
    operation: ArpOperation,
    source: (MacAddr, Ipv4Addr),
    target: (MacAddr, Ipv4Addr),
) -> Vec<u8> {
    let repr = ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: EthernetAddress(source.0.0),
        source_protocol_addr: source.1,
        target_hardware_addr: EthernetAddress(target.0.0),
        target_protocol_addr: target.1,
    };
    let mut octets = vec![0; repr.buffer_len()];
    repr.emit(&mut ArpPacket::new_unchecked(&mut octets));
    octets
}
