//! What a kernel and an IKE daemon say about associations and policies.

use std::time::Instant;

use esp::{Config, Flow, Ipsec};
use keying::feed::{Feed, FrameReader};
use keying::vici::{Charon, Expected, Reader};
use keying::xfrm::messages;
use keying::{Mirror, Origin};

/// Any datagrams, each with its length in front: nothing of them makes the mirror fall over, and what
/// it has taken it gives back.
pub fn messages_of_the_kernel(script: &[u8]) {
    let now = Instant::now();
    let mut ipsec = Ipsec::new(Config { max_sas: 4 });
    let mut mirror = Mirror::new(vec!["192.0.2.1".parse().expect("an address")]);
    let mut rest = script;
    while let [low, high, more @ ..] = rest {
        let len = usize::from(u16::from_le_bytes([*low, *high])).min(more.len());
        let (datagram, more) = more.split_at(len);
        for message in messages(datagram) {
            mirror.apply(now, Origin::Announced, message, &mut ipsec, [0; 16]);
        }
        assert!(ipsec.sas().count() <= 4);
        rest = more;
    }
    // "All associations are gone": length, kind, flags, number, sender, and a body.
    let flush = [[20, 0, 0, 0, 0x1c, 0, 0, 0, 0, 0], [0; 10]].concat();
    for message in messages(&flush) {
        mirror.apply(now, Origin::Announced, message, &mut ipsec, [0; 16]);
    }
    assert_eq!(ipsec.sas().count(), 0, "an association outlived all");
}

/// Any octets from an IKE daemon: what is read is written the same, and nobody is told that a flow is
/// covered before the daemon has said everything.
pub fn vici(stream: &[u8]) {
    let mut reader = Reader::default();
    reader.push(stream);
    while let Ok(Some(packet)) = reader.next_packet() {
        let mut again = Reader::default();
        again.push(&packet.to_bytes());
        assert_eq!(again.next_packet(), Ok(Some(packet)));
    }
    let now = Instant::now();
    let mut charon = Charon::new();
    charon.connected(now);
    let said = charon.handle_input(now, stream);
    let ours = "10.1.0.1".parse().expect("an address");
    let peer = "10.2.0.1".parse().expect("an address");
    let flow = Flow::udp((ours, 2427), (peer, 2427));
    let covered = charon.picture().coverage(now, &flow, &Expected::default());
    assert!(covered.is_err() || charon.picture().heard.is_some());
    if said.is_err() {
        charon.disconnected("nonsense");
    }
}

/// Any octets from an IKE daemon's plugin: what is read is written the same, associations are
/// bounded, and when the daemon is gone so are they.
pub fn orders(stream: &[u8]) {
    let now = Instant::now();
    let mut ipsec = Ipsec::new(Config { max_sas: 4 });
    let mut feed = Feed::new(Vec::new(), &mut ipsec);
    let mut reader = FrameReader::default();
    reader.push(stream);
    while let Ok(Some(order)) = reader.next_order() {
        let mut again = FrameReader::default();
        again.push(&order.to_frame());
        assert_eq!(again.next_order(), Ok(Some(order.clone())));
        // Whatever comes of it.
        let _ = feed.apply(now, order, &mut ipsec, [0; 16]);
        assert!(ipsec.sas().count() <= 4);
    }
    feed.clear(&mut ipsec);
    assert_eq!(ipsec.sas().count(), 0, "an association outlived its daemon");
    assert!(ipsec.policies().is_empty(), "a policy outlived its daemon");
}
