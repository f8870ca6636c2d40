//! What a kernel says about associations and policies.

use std::time::Instant;

use esp::{Config, Ipsec};
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
