//! What goes in on one side comes out on the other, under the other side's rules.

mod common;

use common::{CALL, Relay, Side, rtcp, rtp};
use port::{Medium, PortId};
use ringfence_engine::command::{Mode, RtcpPolicy};
use ringfence_engine::{Channel, DropReason, Verdict};
use srtp::Suite;

const SHA1_80: Suite = Suite::AesCm128HmacSha1_80;
const SHA1_32: Suite = Suite::AesCm128HmacSha1_32;

/// Sends from one side and returns what the other side's peer understands of it.
fn relayed(relay: &mut Relay, from: &Side, to: &Side, channel: Channel, packet: &[u8]) -> Vec<u8> {
    let (mut out, mut back) = (from.crypto(), to.crypto());
    let sent = out.as_mut().map_or(packet.to_vec(), |crypto| crypto.protect(channel, packet));
    let (verdict, left) = relay.send(from, channel, &sent);
    assert_eq!(verdict, Verdict::Forward(to.spec.port));
    let (datagram, payload) = left.unwrap();
    assert_eq!(datagram.destination, to.datagram(channel, 0).source);
    assert_eq!(datagram.source, to.datagram(channel, 0).destination);
    back.as_mut().map_or(payload.clone(), |crypto| crypto.unprotect(channel, &payload))
}

// R: MED-04
#[test]
fn every_pair_of_protections_over_every_pair_of_families_and_media() {
    let protections = [None, Some(SHA1_80), Some(SHA1_32)];
    let families: [fn(u8) -> Side; 2] = [Side::new, Side::new_v6];
    let media = [Medium::Ethernet, Medium::Ip];
    for (a, b) in pairs(&protections) {
        for (family_a, family_b) in pairs(&families) {
            for (medium_a, medium_b) in pairs(&media) {
                let side = |index: u8, family: fn(u8) -> Side, suite: Option<Suite>| match suite {
                    Some(suite) => family(index).secured(suite, 10 * (index + 1)),
                    None => family(index),
                };
                let (a, b) = (side(0, family_a, a), side(1, family_b, b));
                let mut relay = Relay::new(&[medium_a, medium_b]);
                relay.open(CALL, &a);
                relay.open(CALL, &b);
                for (from, to) in [(&a, &b), (&b, &a)] {
                    for (channel, packet) in [(Channel::Rtp, rtp(7)), (Channel::Rtcp, rtcp())] {
                        assert_eq!(relayed(&mut relay, from, to, channel, &packet), packet);
                    }
                }
            }
        }
    }
}

fn pairs<T: Copy>(values: &[T]) -> impl Iterator<Item = (T, T)> + '_ {
    values.iter().flat_map(move |&a| values.iter().map(move |&b| (a, b)))
}

// R: MED-04
#[test]
fn the_two_sides_are_under_different_keys() {
    let (a, b) = (Side::new(0).secured(SHA1_80, 10), Side::new(1).secured(SHA1_80, 20));
    let mut relay = Relay::call([&a, &b]);
    let sent = a.crypto().unwrap().protect(Channel::Rtp, &rtp(1));
    let (_, left) = relay.send(&a, Channel::Rtp, &sent);
    let payload = left.unwrap().1;
    assert_eq!(payload.len(), sent.len());
    assert_ne!(payload[12..], sent[12..]);
    assert_ne!(payload[12..172], rtp(1)[12..]);
}

#[test]
fn modes_decide_what_flows() {
    use Mode::{Inactive, Loop, RecvOnly, SendOnly, SendRecv};
    let forward = Verdict::Forward(PortId(1));
    let back = Verdict::Forward(PortId(0));
    let cases = [
        (SendRecv, SendRecv, forward),
        (RecvOnly, SendOnly, forward),
        (SendOnly, SendRecv, Verdict::Consume),
        (Inactive, SendRecv, Verdict::Consume),
        (SendRecv, RecvOnly, Verdict::Consume),
        (SendRecv, Inactive, Verdict::Consume),
        (SendRecv, Loop, Verdict::Consume),
        (Loop, SendRecv, back),
        (Loop, Inactive, back),
    ];
    for (mode_a, mode_b, expected) in cases {
        let (mut a, mut b) = (Side::new(0).secured(SHA1_80, 10), Side::new(1));
        (a.spec.mode, b.spec.mode) = (mode_a, mode_b);
        let mut relay = Relay::call([&a, &b]);
        let mut crypto = a.crypto().unwrap();
        let sent = crypto.protect(Channel::Rtp, &rtp(1));
        let (verdict, left) = relay.send(&a, Channel::Rtp, &sent);
        assert_eq!(verdict, expected, "{mode_a:?} {mode_b:?}");
        if mode_a == Loop {
            // What returns is under the key for what returns.
            assert_eq!(crypto.unprotect(Channel::Rtp, &left.unwrap().1), rtp(1));
        }
    }
}

#[test]
fn rtcp_is_off_clear_or_like_rtp() {
    use RtcpPolicy::{Clear, LikeRtp, Off};
    let forward = Verdict::Forward(PortId(1));
    let off = Verdict::Drop(DropReason::RtcpOff);
    let cases = [
        (Off, LikeRtp, off),
        (LikeRtp, Off, off),
        (Clear, Clear, forward),
        (Clear, LikeRtp, forward),
        (LikeRtp, Clear, forward),
    ];
    for (policy_a, policy_b, expected) in cases {
        let (mut a, mut b) = (Side::new(0).secured(SHA1_32, 10), Side::new(1).secured(SHA1_80, 20));
        (a.spec.rtcp, b.spec.rtcp) = (policy_a, policy_b);
        let mut relay = Relay::call([&a, &b]);
        let sent = match policy_a {
            Clear => rtcp(),
            Off | LikeRtp => a.crypto().unwrap().protect(Channel::Rtcp, &rtcp()),
        };
        let (verdict, left) = relay.send(&a, Channel::Rtcp, &sent);
        assert_eq!(verdict, expected, "{policy_a:?} {policy_b:?}");
        if let Some((_, payload)) = left {
            let understood = match policy_b {
                Clear => payload,
                Off | LikeRtp => b.crypto().unwrap().unprotect(Channel::Rtcp, &payload),
            };
            assert_eq!(understood, rtcp());
        }
    }
}

#[test]
fn headers_follow_the_rules_for_relays() {
    let (a, mut b) = (Side::new(0), Side::new(1));
    let mut relay = Relay::call([&a, &b]);
    let datagram = common::frame_datagram(&a, 0xb9, 17);
    let (_, left) = relay.send_as(0, datagram, &rtp(1));
    let (left, _) = left.unwrap();
    assert_eq!((left.hops, left.traffic_class), (16, 0xb9));

    b.spec.dscp = Some(26);
    relay.modify(&b);
    let (_, left) = relay.send_as(0, datagram, &rtp(2));
    assert_eq!(left.unwrap().0.traffic_class, 26 << 2 | 1, "ECN is copied all the same");

    let spent = common::frame_datagram(&a, 0, 1);
    let (verdict, _) = relay.send_as(0, spent, &rtp(3));
    assert_eq!(verdict, Verdict::Drop(DropReason::TtlExceeded));
}

#[test]
fn what_grows_beyond_the_mtu_is_dropped_and_named() {
    let (a, b) = (Side::new(0), Side::new(1).secured(SHA1_80, 20));
    let mut relay = Relay::call([&a, &b]);
    // 1500 less IP and UDP headers and the tag.
    for (len, fits) in [(1500 - 28 - 10, true), (1500 - 28 - 9, false)] {
        let mut packet = rtp(len as u16);
        packet.resize(len, 0);
        let (verdict, _) = relay.send(&a, Channel::Rtp, &packet);
        let expected =
            if fits { Verdict::Forward(PortId(1)) } else { Verdict::Drop(DropReason::TooBig) };
        assert_eq!(verdict, expected, "{len}");
    }
}
