//! Strangers, liars and repeaters: each of their packets is dropped for its own reason, and the
//! call goes on as if nothing had been.

mod common;

use std::net::SocketAddr;

use common::{CALL, PEER_MAC, Relay, Side, keying, rtcp, rtp};
use port::{Medium, PortId};
use proptest::prelude::*;
use ringfence_engine::command::{Event, LegStats, Protection, SourceRule};
use ringfence_engine::{Channel, DropReason, Verdict};
use srtp::Suite;

const SHA1_80: Suite = Suite::AesCm128HmacSha1_80;

fn secured_call() -> (Relay, Side, Side) {
    let (a, b) = (Side::new(0).secured(SHA1_80, 10), Side::new(1).secured(SHA1_80, 20));
    (Relay::call([&a, &b]), a, b)
}

/// Puts a packet in and demands that it is dropped for this reason and changes nothing but that
/// counter and, if it is known whose it was, the leg's.
fn dropped(relay: &mut Relay, frame: Vec<u8>, side: Option<&Side>, reason: DropReason) {
    let before = *relay.engine.counters();
    let stats = side.map(|side| relay.stats(side.leg));
    let (verdicts, left) = relay.put_raw(0, &[frame]);
    assert_eq!(verdicts, [Verdict::Drop(reason)]);
    assert!(left.is_empty());
    relay.expect_counters(before, |expected| expected.dropped(reason));
    if let (Some(side), Some(stats)) = (side, stats) {
        let expected = LegStats { dropped: stats.dropped + 1, ..stats };
        assert_eq!(relay.stats(side.leg), expected);
    }
    assert_eq!(relay.resolve(), [], "a dropped packet causes no event");
}

#[test]
fn each_kind_of_forgery_has_its_reason_and_changes_nothing() {
    let (mut relay, a, _b) = secured_call();
    let mut crypto = a.crypto().unwrap();
    let mut genuine = |seq_no| crypto.protect(Channel::Rtp, &rtp(seq_no));
    let (first, replayed) = (genuine(100), genuine(101));
    for packet in [&first, &replayed] {
        let (verdict, _) = relay.send(&a, Channel::Rtp, packet);
        assert_eq!(verdict, Verdict::Forward(PortId(1)));
    }
    relay.resolve();

    let datagram = a.datagram(Channel::Rtp, 0);
    let elsewhere = |address: &str| {
        let source: SocketAddr = address.parse().unwrap();
        wire::datagram::Datagram { source, ..datagram }
    };
    let flipped = |at: usize| {
        let mut packet = first.clone();
        packet[3] = 102;
        packet[at] ^= 0x10;
        packet
    };
    let mut old_version = first.clone();
    old_version[0] = 0x40;
    let mut lying_csrc = first[..20].to_vec();
    lying_csrc[0] = 0x8f;

    let cases: [(_, Vec<u8>, DropReason); 12] = [
        (datagram, replayed.clone(), DropReason::Replayed),
        (datagram, first.clone(), DropReason::Replayed),
        (datagram, flipped(5), DropReason::AuthFailed),
        (datagram, flipped(60), DropReason::AuthFailed),
        (datagram, flipped(175), DropReason::AuthFailed),
        (datagram, rtp(103), DropReason::AuthFailed),
        (datagram, first[..15].to_vec(), DropReason::SrtpTooShort),
        (datagram, old_version, DropReason::NotRtp),
        (datagram, lying_csrc, DropReason::NotRtp),
        (datagram, rtcp(), DropReason::RtcpOnRtpPort),
        (elsewhere("10.0.0.9:5004"), genuine(104), DropReason::WrongSource),
        (elsewhere("10.0.0.2:5006"), genuine(105), DropReason::WrongSource),
    ];
    for (datagram, payload, reason) in cases {
        let frame = relay.frame(0, datagram, &payload);
        dropped(&mut relay, frame, Some(&a), reason);
    }
    let unknown =
        wire::datagram::Datagram { destination: "10.0.0.1:20000".parse().unwrap(), ..datagram };
    let frame = relay.frame(0, unknown, &genuine(106));
    dropped(&mut relay, frame, None, DropReason::UnknownPort);

    // The call goes on, also with the packets whose copies were misused above.
    let (verdict, _) = relay.send(&a, Channel::Rtp, &genuine(107));
    assert_eq!(verdict, Verdict::Forward(PortId(1)));
}

#[test]
fn what_is_no_udp_is_named() {
    let (mut relay, a, _) = secured_call();
    let good = relay.frame(0, a.datagram(Channel::Rtp, 0), &rtp(1));
    let mut arp = good.clone();
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    let mut tcp = good.clone();
    tcp[23] = 6;
    let mut bad_sum = good.clone();
    bad_sum[24] ^= 1;
    dropped(&mut relay, arp, None, DropReason::NotMedia);
    dropped(&mut relay, bad_sum, None, DropReason::BadPacket);
    dropped(&mut relay, good[..30].to_vec(), None, DropReason::BadPacket);
    // The protocol is looked at after the checksum, which covers it.
    dropped(&mut relay, tcp, None, DropReason::BadPacket);
    dropped(&mut relay, Vec::new(), None, DropReason::BadPacket);
}

#[test]
fn a_packet_through_the_wrong_interface_is_dropped() {
    let (mut relay, _, b) = secured_call();
    let sent = b.crypto().unwrap().protect(Channel::Rtp, &rtp(1));
    let frame = relay.frame(0, b.datagram(Channel::Rtp, 0), &sent);
    dropped(&mut relay, frame, Some(&b), DropReason::WrongInterface);
}

#[test]
fn plain_rtp_is_believed_from_the_signalled_source_only() {
    let (mut a, b) = (Side::new(0), Side::new(1));
    a.spec.source = SourceRule::LearnAuthenticated;
    let mut relay = Relay::call([&a, &b]);
    let mut stranger = a.datagram(Channel::Rtp, 0);
    stranger.source.set_port(6000);
    let frame = relay.frame(0, stranger, &rtp(1));
    dropped(&mut relay, frame, Some(&a), DropReason::WrongSource);

    a.spec.remote = None;
    relay.modify(&a);
    let frame = relay.frame(0, a.datagram(Channel::Rtp, 0), &rtp(1));
    dropped(&mut relay, frame, Some(&a), DropReason::NotSignalled);
}

#[test]
fn a_source_is_learned_from_a_verified_packet_only() {
    let (mut a, b) = (Side::new(0).secured(SHA1_80, 10), Side::new(1).secured(SHA1_80, 20));
    a.spec.source = SourceRule::LearnAuthenticated;
    let mut relay = Relay::call([&a, &b]);
    let mut crypto = a.crypto().unwrap();
    let from = |address: &str| {
        let source = address.parse().unwrap();
        wire::datagram::Datagram { source, ..a.datagram(Channel::Rtp, 0) }
    };
    let packet = crypto.protect(Channel::Rtp, &rtp(1));
    assert!(relay.send_as(0, from("10.0.0.2:5004"), &packet).1.is_some());
    relay.resolve();

    // A replay from elsewhere and a forgery from elsewhere teach nothing.
    let mut forged = crypto.protect(Channel::Rtp, &rtp(2));
    *forged.last_mut().unwrap() ^= 1;
    for (packet, reason) in [(packet, DropReason::Replayed), (forged, DropReason::AuthFailed)] {
        let frame = relay.frame(0, from("10.0.0.66:666"), &packet);
        dropped(&mut relay, frame, Some(&a), reason);
    }
    let answer = b.crypto().unwrap().protect(Channel::Rtp, &rtp(1));
    let (_, left) = relay.send(&b, Channel::Rtp, &answer);
    assert_eq!(left.unwrap().0.destination, "10.0.0.2:5004".parse().unwrap());

    relay.resolve();

    // A verified packet does.
    let moved = crypto.protect(Channel::Rtp, &rtp(3));
    assert!(relay.send_as(0, from("10.0.0.77:7777"), &moved).1.is_some());
    let learned = "10.0.0.77:7777".parse().unwrap();
    assert_eq!(relay.resolve(), [Event::SourceLearned(a.leg, learned)]);
    let answer = {
        let mut crypto = b.crypto().unwrap();
        crypto.protect(Channel::Rtp, &rtp(1));
        crypto.protect(Channel::Rtp, &rtp(2))
    };
    let (_, left) = relay.send(&b, Channel::Rtp, &answer);
    assert_eq!(left.unwrap().0.destination, learned);
}

#[test]
fn keys_given_again_do_not_open_the_door_to_replays() {
    let (mut relay, a, _) = secured_call();
    let sent = a.crypto().unwrap().protect(Channel::Rtp, &rtp(1));
    assert_eq!(relay.send(&a, Channel::Rtp, &sent).0, Verdict::Forward(PortId(1)));
    relay.modify(&a);
    relay.resolve();
    let frame = relay.frame(0, a.datagram(Channel::Rtp, 0), &sent);
    dropped(&mut relay, frame, Some(&a), DropReason::Replayed);
}

#[test]
fn new_keys_replace_the_old_ones() {
    let (mut relay, mut a, b) = secured_call();
    a.spec.receive = Protection::Srtp(keying(SHA1_80, 99));
    relay.modify(&a);
    let sent = a.crypto().unwrap().protect(Channel::Rtp, &rtp(1));
    let (verdict, left) = relay.send(&a, Channel::Rtp, &sent);
    assert_eq!(verdict, Verdict::Forward(PortId(1)));
    let mut crypto = b.crypto().unwrap();
    assert_eq!(crypto.unprotect(Channel::Rtp, &left.unwrap().1), rtp(1));
}

#[test]
fn a_compound_that_lies_is_not_relayed() {
    let (a, b) = (Side::new(0), Side::new(1));
    let mut relay = Relay::call([&a, &b]);
    let mut lying = rtcp();
    lying[11] = 9;
    let frame = relay.frame(0, a.datagram(Channel::Rtcp, 0), &lying);
    dropped(&mut relay, frame, Some(&a), DropReason::NotRtcp);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// Whatever comes in, in whatever bursts: every frame has one verdict and comes back, nothing
    /// leaves that a peer did not send, and the call still works.
    #[test]
    fn no_frame_is_lost_and_nothing_forged_leaves(
        bursts in proptest::collection::vec(
            proptest::collection::vec((any::<u8>(), 0usize..230, any::<u8>()), 0..80), 1..4),
    ) {
        let (a, b) = (Side::new(0).secured(SHA1_80, 10), Side::new(1).secured(SHA1_80, 20));
        let mut relay = Relay::new(&[Medium::Ethernet, Medium::Ethernet]);
        relay.open(CALL, &a);
        relay.open(CALL, &b);
        let genuine = a.crypto().unwrap().protect(Channel::Rtp, &rtp(1));
        let frame = relay.frame(0, a.datagram(Channel::Rtp, 0), &genuine);
        for burst in bursts {
            let frames: Vec<Vec<u8>> = burst.iter().map(|&(mask, at, len)| {
                let mut frame = frame.clone();
                if let Some(octet) = frame.get_mut(at) {
                    *octet ^= mask;
                }
                if len > 200 {
                    frame.truncate(usize::from(len) - 150);
                }
                frame
            }).collect();
            let (verdicts, left) = relay.put_raw(0, &frames);
            let forwarded = verdicts.iter().filter(|v| matches!(v, Verdict::Forward(_))).count();
            prop_assert_eq!(forwarded, left.len());
            // The genuine one may pass once; damage outside the protected part (MAC addresses,
            // say) leaves it genuine.
            prop_assert!(relay.stats(b.leg).packets_sent <= 1);
            for (_, frame) in left {
                prop_assert_eq!(&frame[..6], &PEER_MAC.0[..]);
            }
        }
        let mut crypto = a.crypto().unwrap();
        crypto.protect(Channel::Rtp, &rtp(1));
        let next = crypto.protect(Channel::Rtp, &rtp(2));
        prop_assert_eq!(relay.send(&a, Channel::Rtp, &next).0, Verdict::Forward(PortId(1)));
    }
}
