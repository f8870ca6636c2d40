//! Views over packet bytes: no accessor leaves the bytes, and what is written reads the same.

use wire::datagram::{ChecksumRule, Datagram};
use wire::rtp::Packet;
use wire::{ethernet, ip, rtcp};

/// A frame from the network: Ethernet, IP, UDP.
pub fn frame(bytes: &[u8]) {
    if let Ok(link) = ethernet::Header::parse(bytes) {
        let mut written = vec![0; link.len()];
        link.emit(&mut written);
        assert_eq!(written, bytes[..link.len()], "an Ethernet header reads as it is written");
    }
    if let Ok(datagram) = Datagram::parse_ethernet(bytes) {
        assert!(datagram.payload_at + datagram.payload_len <= bytes.len());
    }
}

/// An IP packet: a datagram found in it is wrapped anew and found again.
pub fn packet(bytes: &[u8]) {
    let Ok(datagram) = Datagram::parse_ip(bytes) else { return };
    let payload = &bytes[datagram.payload_at..][..datagram.payload_len];
    for rule in [ChecksumRule::None, ChecksumRule::Compute, ChecksumRule::Update(datagram)] {
        let mut written = vec![0; datagram.headers_len()];
        written.extend_from_slice(payload);
        datagram.emit_ip(&mut written, rule);
        let again = Datagram::parse_ip(&written).expect("what was written can be read");
        assert_eq!(&written[again.payload_at..][..again.payload_len], payload);
        let same = Datagram { checksum: 0, payload_at: 0, ..again };
        assert_eq!(same, Datagram { checksum: 0, payload_at: 0, ..datagram });
        if rule == ChecksumRule::Compute {
            let header = ip::Header::parse(&written).expect("it was read just now");
            let sum = header.pseudo_sum(header.payload_len);
            assert_eq!(sum.add_bytes(&written[header.len()..]).finish(), 0);
        }
    }
}

/// A UDP payload on a media port.
pub fn media(bytes: &[u8]) {
    if let Ok(packet) = Packet::new_checked(bytes) {
        assert_eq!(packet.header_len() + packet.payload().len(), bytes.len());
        let _ = (packet.marker(), packet.payload_type(), packet.seq_no());
        let _ = (packet.timestamp(), packet.ssrc());
    }
    if rtcp::check_compound(bytes).is_ok() {
        assert!(rtcp::sender(bytes).is_ok(), "a compound has a sender");
    }
}
