//! The IP packet in a frame, whatever was in front of it.

use wire::ethernet;

use crate::pcapng::LinkType;

/// The IP packet in a frame; `None` if there is none, or if nobody here knows what is before it.
pub fn ip(link: LinkType, frame: &[u8]) -> Option<&[u8]> {
    match link {
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => Some(frame),
        LinkType::ETHERNET => {
            let header = ethernet::Header::parse(frame).ok()?;
            is_ip(header.ether_type).then(|| frame.get(header.len()..))?
        }
        LinkType::LINUX_SLL => behind(frame, 14, 16),
        LinkType::LINUX_SLL2 => behind(frame, 0, 20),
        LinkType::NULL => frame.get(4..),
        _ => None,
    }
}

/// What follows a header with the EtherType at a place.
fn behind(frame: &[u8], ether_type: usize, header: usize) -> Option<&[u8]> {
    let found = frame.get(ether_type..ether_type + 2)?;
    is_ip(u16::from_be_bytes([found[0], found[1]])).then(|| frame.get(header..))?
}

fn is_ip(ether_type: u16) -> bool {
    matches!(ether_type, ethernet::IPV4 | ethernet::IPV6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packet_is_found_behind_every_header() {
        let packet = [0x45, 0, 0, 20];
        let ethernet = [&[2; 12][..], &[0x08, 0x00], &packet].concat();
        let tagged = [&[2; 12][..], &[0x81, 0, 0, 5, 0x08, 0x00], &packet].concat();
        let cooked = [&[0; 14][..], &[0x08, 0x00], &packet].concat();
        let cooked2 = [&[0x08, 0x00][..], &[0; 18], &packet].concat();
        for (link, frame) in [
            (LinkType::RAW, packet.to_vec()),
            (LinkType::ETHERNET, ethernet),
            (LinkType::ETHERNET, tagged),
            (LinkType::LINUX_SLL, cooked),
            (LinkType::LINUX_SLL2, cooked2),
        ] {
            assert_eq!(ip(link, &frame), Some(&packet[..]), "{link:?}");
            for cut in 0..frame.len().min(4) {
                let _ = ip(link, &frame[..cut]);
            }
        }
        let arp = [&[2; 12][..], &[0x08, 0x06], &packet].concat();
        assert_eq!(ip(LinkType::ETHERNET, &arp), None);
        assert_eq!(ip(LinkType(147), &packet), None);
    }
}
