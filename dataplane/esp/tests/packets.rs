//! Packets between two ends, in every suite and mode.

mod common;

use common::{Agreement, Pair, REQUEST, allow_fragments, ip, udp};
use proptest::prelude::*;
use ringfence_esp::{
    Action, Direction, DontFragment, DropReason, Dscp, Event, HEADROOM, Mode, Packet, Policy,
    Selector, Suite, TAILROOM, Verdict, fragment,
};

/// What a packet is worth when everything about it may be wrong.
fn dropped(why: DropReason) -> Verdict {
    Verdict::Drop(why)
}

#[test]
fn every_suite_and_mode_carries_packets_both_ways() {
    for agreement in Agreement::all() {
        let mut pair = Pair::new(agreement);
        for from in [0, 1] {
            for len in [0, 1, 2, 3, 14, 15, 16, 17, 160, 1000, 1300] {
                let payload: Vec<_> = (0..len).map(|n| n as u8).collect();
                let packet = pair.agreement.datagram(from, &payload);
                let sealed = pair.sealed(from, &payload);
                let readable = len >= 14 && sealed.windows(len).any(|part| part == payload);
                assert_eq!(readable, len >= 14 && !pair.agreement.suite.encrypts());
                let (verdict, opened) = pair.open(1 - from, &sealed);
                assert_eq!(verdict, Verdict::Protected(pair.back[1 - from]));
                assert_eq!(opened, packet);
            }
        }
        for end in &pair.ends {
            assert_eq!((end.counters().protected, end.counters().drops.total()), (22, 0));
        }
    }
}

#[test]
fn headers_cost_what_the_rfcs_say() {
    // Suite, smallest and largest overhead in transport mode, and what fits into 1500 octets.
    let table = [
        (Suite::AesCbc128Sha1, 38, 53, 1438, 1438, 1422),
        (Suite::AesCbc256Sha256, 42, 57, 1438, 1438, 1422),
        (Suite::AesGcm128, 34, 37, 1446, 1446, 1438),
        (Suite::NullSha1, 22, 25, 1458, 1458, 1450),
        (Suite::NullSha256, 26, 29, 1454, 1454, 1446),
    ];
    for (suite, least, most, segment, inner, inner_in_udp) in table {
        let overhead: Vec<_> = (100..140)
            .map(|len| {
                let mut pair = Pair::new(Agreement::new(suite, Mode::Transport));
                pair.sealed(0, &vec![0; len]).len() - (28 + len)
            })
            .collect();
        assert_eq!(overhead.iter().min(), Some(&least), "{suite}");
        assert_eq!(overhead.iter().max(), Some(&most), "{suite}");
        let largest = |agreement: Agreement| {
            let mut pair = Pair::new(agreement);
            (1300..1500)
                .rev()
                .find(|len| {
                    let packet = pair.agreement.datagram(0, &vec![0; *len]);
                    matches!(pair.seal(0, &packet).0, Verdict::Protected(_))
                })
                .unwrap()
        };
        assert_eq!(largest(Agreement::new(suite, Mode::Transport)) + 8, segment);
        let tunnel = Agreement::new(suite, Mode::Tunnel);
        assert_eq!(largest(tunnel.clone()) + 28, inner);
        assert_eq!(largest(Agreement { encapsulation: true, ..tunnel }) + 28, inner_in_udp);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// One changed bit anywhere, and the packet is dropped and nothing but counters has changed: the
    /// genuine one still passes.
    #[test]
    fn a_changed_bit_changes_nothing(
        which in 0usize..Agreement::all().len(),
        len in 0usize..80,
        bit in any::<prop::sample::Index>(),
    ) {
        let mut pair = Pair::new(Agreement::all().swap_remove(which));
        for _ in 0..3 {
            let warm = pair.sealed(0, b"before");
            pair.open(1, &warm);
        }
        let before = pair.ends[1].sa(pair.back[1]).unwrap();
        let sealed = pair.sealed(0, &vec![7; len]);
        let header = if pair.agreement.ends[0].is_ipv4() { 20 } else { 40 };
        let header = header + if pair.agreement.encapsulation { 8 } else { 0 };
        let bit = bit.index((sealed.len() - header) * 8) + header * 8;
        let mut forged = sealed.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let (verdict, _) = pair.open(1, &forged);
        let why = match verdict {
            Verdict::Drop(why) => why,
            other => panic!("{other:?}"),
        };
        prop_assert!(
            matches!(
                why,
                DropReason::AuthFailed
                    | DropReason::NoSa
                    | DropReason::Replayed
                    | DropReason::TooOld
            ),
            "{:?}",
            why
        );
        let mut after = pair.ends[1].sa(pair.back[1]).unwrap();
        prop_assert_eq!(after.sequence, before.sequence);
        after.stats.drops = before.stats.drops;
        prop_assert_eq!(after, before);
        prop_assert_eq!(pair.open(1, &sealed).0, Verdict::Protected(pair.back[1]));
        prop_assert_eq!(pair.open(1, &sealed).0, dropped(DropReason::Replayed));
    }

    /// Whatever arrives, in whatever order: each packet passes once, and only while it is in the
    /// window.
    #[test]
    fn reordered_packets_pass_once(
        order in proptest::collection::vec(0usize..300, 1..500),
        extended in any::<bool>(),
    ) {
        let agreement = Agreement::new(Suite::NullSha1, Mode::Tunnel);
        let mut pair = Pair::new(Agreement { extended, window: 128, ..agreement });
        let packets: Vec<_> = (0..300).map(|_| pair.sealed(0, b"number")).collect();
        let (mut seen, mut highest) = (std::collections::HashSet::new(), 0);
        for index in order {
            let expected = if index + 128 <= highest {
                // An extended number so old is taken for one of the next round.
                dropped(if extended { DropReason::AuthFailed } else { DropReason::TooOld })
            } else if !seen.insert(index) {
                dropped(DropReason::Replayed)
            } else {
                Verdict::Protected(pair.back[1])
            };
            highest = highest.max(index);
            prop_assert_eq!(pair.open(1, &packets[index]).0, expected);
        }
    }
}

/// Works on packets as one burst.
fn burst(packets: &[Vec<u8>], work: impl FnOnce(&mut [Packet<'_>])) -> Vec<(Verdict, Vec<u8>)> {
    let mut buffers: Vec<_> = packets.iter().map(|_| vec![0; 2048]).collect();
    let in_buffers = packets.iter().zip(&mut buffers).map(|(packet, buffer)| {
        buffer[HEADROOM..HEADROOM + packet.len()].copy_from_slice(packet);
        Packet::new(buffer, HEADROOM..HEADROOM + packet.len())
    });
    let mut burst: Vec<_> = in_buffers.collect();
    work(&mut burst);
    burst.iter().map(|packet| (packet.verdict, packet.bytes().to_vec())).collect()
}

/// In every suite and mode, with another order, a packet that comes twice and one that is forged.
#[test]
fn a_burst_comes_to_what_its_packets_come_to() {
    for agreement in Agreement::all() {
        let [mut alone, mut together] = [0, 1].map(|_| Pair::new(agreement.clone()));
        let clear: Vec<_> =
            (0..100).map(|n| agreement.datagram(0, &vec![n; 13 * usize::from(n)])).collect();
        let now = alone.now;
        let mut sealed: Vec<_> = clear.iter().map(|packet| alone.seal(0, packet).1).collect();
        let in_burst = burst(&clear, |packets| together.ends[0].outbound(now, packets));
        for ((verdict, packet), expected) in in_burst.iter().zip(&sealed) {
            assert_eq!(*verdict, Verdict::Protected(together.out[0]));
            assert_eq!(packet, expected, "{:?}", agreement.suite);
        }

        sealed.swap(40, 60);
        sealed.insert(20, sealed[10].clone());
        let forged = sealed[30].len() - 1;
        sealed[30][forged] ^= 1;
        let one_by_one: Vec<_> = sealed.iter().map(|packet| alone.open(1, packet)).collect();
        let in_burst = burst(&sealed, |packets| together.ends[1].inbound(now, packets));
        for (number, (alone, together)) in one_by_one.iter().zip(&in_burst).enumerate() {
            assert_eq!(alone.0, together.0, "{number}");
            match number {
                20 => assert_eq!(together.0, dropped(DropReason::Replayed)),
                30 => assert_eq!(together.0, dropped(DropReason::AuthFailed)),
                _ => assert_eq!(alone, together),
            }
        }
        assert_eq!(alone.ends[1].counters(), together.ends[1].counters());
        let stats = |pair: &Pair| pair.ends[1].sa(pair.back[1]).unwrap().stats;
        assert_eq!(stats(&alone), stats(&together));
    }
}

/// The packet that reaches a hard limit is the last one, also in the middle of a burst.
#[test]
fn a_limit_ends_an_association_in_mid_burst() {
    let agreement = Agreement::new(Suite::AesGcm128, Mode::Tunnel);
    let mut pair = Pair::with(agreement.clone(), |spec| {
        if spec.direction == Direction::Inbound {
            spec.lifetime.hard.packets = Some(5);
        }
    });
    let sealed: Vec<_> = (0..8).map(|n| pair.sealed(0, &[n])).collect();
    let now = pair.now;
    let opened = burst(&sealed, |packets| pair.ends[1].inbound(now, packets));
    let verdicts: Vec<_> = opened.into_iter().map(|(verdict, _)| verdict).collect();
    assert_eq!(verdicts[..5], [Verdict::Protected(pair.back[1]); 5]);
    assert_eq!(verdicts[5..], [dropped(DropReason::Expired); 3]);
}

#[test]
fn truncated_packets_are_dropped_at_every_length() {
    for agreement in Agreement::all() {
        let mut pair = Pair::new(agreement);
        let sealed = pair.sealed(0, b"AUEP 1200 *@gw1 MGCP 0.1\r\n");
        for len in 0..sealed.len() {
            let mut cut = sealed[..len].to_vec();
            // With headers that tell the truth about what is left, and without.
            let (verdict, _) = pair.open(1, &cut);
            assert!(matches!(verdict, Verdict::Drop(_)), "{len}: {verdict:?}");
            shorten(&mut cut);
            let (verdict, _) = pair.open(1, &cut);
            let ike = pair.agreement.encapsulation && matches!(verdict, Verdict::Ike);
            assert!(matches!(verdict, Verdict::Drop(_)) && !ike, "{len}: {verdict:?}");
        }
        assert_eq!(pair.open(1, &sealed).0, Verdict::Protected(pair.back[1]));
    }
}

/// Writes the real length into the headers.
fn shorten(packet: &mut [u8]) {
    let len = packet.len() as u16;
    match packet.first().map(|first| first >> 4) {
        Some(4) if len >= 20 => {
            packet[2..4].copy_from_slice(&len.to_be_bytes());
            allow_fragments(packet, 1);
            if packet[9] == 17 && len >= 28 {
                packet[24..26].copy_from_slice(&(len - 20).to_be_bytes());
            }
        }
        Some(6) if len >= 40 => {
            packet[4..6].copy_from_slice(&(len - 40).to_be_bytes());
            if packet[6] == 17 && len >= 48 {
                packet[44..46].copy_from_slice(&(len - 40).to_be_bytes());
            }
        }
        _ => {}
    }
}

#[test]
fn encapsulation_must_be_what_was_agreed() {
    let agreement = Agreement::new(Suite::AesGcm128, Mode::Tunnel);
    let mut plain = Pair::new(agreement.clone());
    let mut in_udp = Pair::new(Agreement { encapsulation: true, ..agreement });
    let (bare, wrapped) = (plain.sealed(0, b"x"), in_udp.sealed(0, b"x"));
    let mismatch = dropped(DropReason::EncapsulationMismatch);
    assert_eq!(in_udp.open(1, &bare).0, mismatch);
    assert_eq!(plain.open(1, &wrapped).0, mismatch);
}

#[test]
fn port_4500_is_shared() {
    let mut pair = Pair::new(Agreement {
        encapsulation: true,
        ..Agreement::new(Suite::AesGcm128, Mode::Tunnel)
    });
    let [ours, peer] = pair.agreement.ends;
    let mut arrives = |payload: &[u8]| {
        let packet = udp((ours, 4500), (peer, 4500), payload);
        pair.open(1, &packet).0
    };
    assert_eq!(arrives(&[0xff]), Verdict::Consume);
    assert_eq!(arrives(&[0, 0, 0, 0, 1, 2, 3]), Verdict::Ike);
    assert_eq!(arrives(&[]), dropped(DropReason::BadEncapsulation));
    assert_eq!(arrives(&[0xfe]), dropped(DropReason::BadEncapsulation));
    assert_eq!(arrives(&[1, 2, 3]), dropped(DropReason::BadEncapsulation));
    assert_eq!(arrives(&[1, 2, 3, 4, 0, 0, 0, 1]), dropped(DropReason::NoSa));
}

/// A translator forgets the peer's port: the newest authentic packet tells where it is now.
#[test]
fn a_peer_may_move() {
    let mut pair = Pair::new(Agreement {
        encapsulation: true,
        ..Agreement::new(Suite::AesGcm128, Mode::Tunnel)
    });
    let moved = |mut packet: Vec<u8>| {
        packet[15] = 77;
        packet[20..22].copy_from_slice(&1025u16.to_be_bytes());
        // Of the header's flags only the checksum is to be set anew.
        packet[10..12].fill(0);
        let sum = wire::checksum::Sum::default().add_bytes(&packet[..20]).finish();
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        packet
    };
    let (late, new) = (pair.sealed(0, b"late"), pair.sealed(0, b"new"));
    let (mut forged, new) = (moved(new.clone()), moved(new));
    *forged.last_mut().unwrap() ^= 1;
    pair.open(1, &forged);
    assert_eq!(pair.events(1), []);
    pair.open(1, &new);
    pair.open(1, &late);
    let to = "192.0.2.77:1025".parse().unwrap();
    assert_eq!(pair.events(1), [Event::PeerMoved { sa: pair.back[1], to }]);
    for sa in [pair.out[1], pair.back[1]] {
        pair.ends[1].set_peer(sa, to.ip(), Some(to.port())).unwrap();
    }
    let answer = pair.sealed(1, b"answer");
    assert_eq!((&answer[16..20], &answer[22..24]), (&[192, 0, 2, 77][..], &[4, 1][..]));
    let another = moved(pair.sealed(0, b"another"));
    assert_eq!(pair.open(1, &another).0, Verdict::Protected(pair.back[1]));
    assert_eq!(pair.events(1), []);
}

#[test]
fn traffic_padding_and_dummies_conceal_and_are_cut_off() {
    for agreement in Agreement::all() {
        let mut pair = Pair::with(agreement, |spec| spec.traffic_padding = 600);
        let lengths = [10, 200, 500].map(|len| {
            let payload = vec![3; len];
            let packet = pair.agreement.datagram(0, &payload);
            let sealed = pair.sealed(0, &payload);
            assert_eq!(pair.open(1, &sealed), (Verdict::Protected(pair.back[1]), packet));
            sealed.len()
        });
        assert_eq!(lengths, [lengths[0]; 3]);
        if pair.agreement.mode == Mode::Transport {
            continue;
        }
        let mut buffer = [0; 1500];
        let mut dummy = Packet::new(&mut buffer, HEADROOM..HEADROOM);
        pair.ends[0].dummy(pair.now, pair.out[0], 600, &mut dummy);
        assert_eq!(dummy.verdict, Verdict::Protected(pair.out[0]));
        let dummy = dummy.bytes().to_vec();
        assert_eq!(dummy.len(), lengths[0]);
        assert_eq!(pair.open(1, &dummy).0, Verdict::Consume);
        assert_eq!(pair.open(1, &dummy).0, dropped(DropReason::Replayed));
    }
}

#[test]
fn service_class_congestion_and_fragmentation_follow_their_rules() {
    let agreement = Agreement::new(Suite::AesGcm128, Mode::Tunnel);
    let mut pair = Pair::with(agreement.clone(), |spec| {
        spec.outer.dscp = Dscp::Set(26);
        spec.outer.df = DontFragment::Clear;
        spec.outer.hops = 9;
    });
    let sealed = pair.sealed(0, b"x");
    assert_eq!((sealed[1], sealed[8], sealed[6] & 0x40), (26 << 2, 9, 0));

    let mut pair = Pair::new(agreement);
    let mut marked = |inner: u8, outer: u8| {
        let mut packet = pair.agreement.datagram(0, b"x");
        packet[1] = inner;
        packet[6] = 0x40;
        renew_checksum(&mut packet);
        let (_, mut sealed) = pair.seal(0, &packet);
        assert_eq!((sealed[1], sealed[6] & 0x40), (inner, 0x40));
        sealed[1] = outer;
        renew_checksum(&mut sealed);
        let (verdict, opened) = pair.open(1, &sealed);
        match verdict {
            Verdict::Protected(_) => Ok(opened[1]),
            other => Err(other),
        }
    };
    assert_eq!(marked(0xb8, 0x00), Ok(0xb8));
    assert_eq!(marked(0xba, 0xbb), Ok(0xbb));
    assert_eq!(marked(0xb8, 0xbb), Err(dropped(DropReason::Congestion)));
}

fn renew_checksum(packet: &mut [u8]) {
    packet[10..12].fill(0);
    let sum = wire::checksum::Sum::default().add_bytes(&packet[..20]).finish();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

#[test]
fn packets_without_room_stay_as_they_are() {
    let mut pair = Pair::new(Agreement::new(Suite::AesCbc128Sha1, Mode::Tunnel));
    let packet = pair.agreement.datagram(0, b"x");
    for (front, back) in [(0, TAILROOM), (HEADROOM, 0), (51, TAILROOM)] {
        let mut buffer = vec![0; front];
        buffer.extend_from_slice(&packet);
        buffer.resize(buffer.len() + back, 0);
        let mut packets = [Packet::new(&mut buffer, front..front + packet.len())];
        pair.ends[0].outbound(pair.now, &mut packets);
        let verdict = packets[0].verdict;
        let fits = front >= 20 + 24 && back > 0;
        assert_eq!(verdict == dropped(DropReason::NoRoom), !fits, "{front} {back}");
        if !fits {
            assert_eq!(packets[0].bytes(), packet);
        }
    }
}

/// RFC 4301 §5.2: what comes out of an association must be what it is for.
#[test]
fn what_comes_out_must_belong_there() {
    let agreement = Agreement::new(Suite::AesGcm128, Mode::Tunnel);
    let [a, b] = agreement.hosts;
    let mgcp = |end: usize| agreement.selector(end).protocol(17).ports(2427..=2427, 2427..=2427);
    let mut pair = Pair::with(agreement.clone(), |spec| {
        // The receiver is strict, the sender is not.
        if spec.direction == Direction::Inbound {
            spec.selectors = vec![mgcp(1)];
        }
    });
    let mut arrives = |packet: Vec<u8>| {
        let (verdict, sealed) = pair.seal(0, &packet);
        assert!(matches!(verdict, Verdict::Protected(_)), "{verdict:?}");
        pair.open(1, &sealed).0
    };
    assert!(matches!(arrives(udp((a, 2427), (b, 2427), b"x")), Verdict::Protected(_)));
    let mismatch = dropped(DropReason::SelectorMismatch);
    assert_eq!(arrives(udp((a, 2427), (b, 2428), b"x")), mismatch);
    assert_eq!(arrives(udp((a, 2428), (b, 2427), b"x")), mismatch);
    // Later fragments pass only where the first one has.
    let mut long = udp((a, 2427), (b, 2427), &[5; 100]);
    allow_fragments(&mut long, 7);
    let mut parts = fragment::fragments(&long, 68, 0).unwrap();
    let parts: Vec<_> = std::iter::from_fn(|| {
        let mut part = vec![0; 68];
        parts.next_into(&mut part).map(|len| part[..len].to_vec())
    })
    .collect();
    assert_eq!(arrives(parts[1].clone()), mismatch);
    assert!(matches!(arrives(parts[0].clone()), Verdict::Protected(_)));
    assert!(matches!(arrives(parts[1].clone()), Verdict::Protected(_)));
    // A first fragment that hides its ports.
    let mut tiny = parts[0].clone();
    tiny.truncate(24);
    tiny[2..4].copy_from_slice(&24u16.to_be_bytes());
    renew_checksum(&mut tiny);
    assert_eq!(pair.seal(0, &tiny).0, dropped(DropReason::BadPacket));
}

#[test]
fn policy_is_asked_for_what_comes_in_clear() {
    let agreement = Agreement::new(Suite::AesGcm128, Mode::Transport);
    let mut pair = Pair::new(agreement.clone());
    let [gateway, agent] = agreement.ends;
    let phone = ip("198.51.100.7");
    let protect = Action::Protect(REQUEST);
    let to = |remote| Selector::between(agent, remote);
    pair.ends[1].set_policies(vec![
        Policy::new(to(gateway).protocol(17).ports(500..=500, 500..=500), Action::Bypass),
        Policy::new(to(gateway).protocol(17).ports(2427..=2427, 0..=u16::MAX), protect),
        Policy::new(to(gateway).protocol(17).ports(9..=9, 0..=u16::MAX), Action::Discard),
        Policy::new(to(phone), Action::Bypass),
    ]);
    let mut arrives = |source, destination| {
        let packet = udp(source, destination, b"clear");
        pair.open(1, &packet).0
    };
    assert_eq!(arrives((gateway, 2427), (agent, 2427)), dropped(DropReason::ClearText));
    assert_eq!(arrives((gateway, 500), (agent, 500)), Verdict::Bypass);
    assert_eq!(arrives((gateway, 1), (agent, 9)), dropped(DropReason::Discarded));
    assert_eq!(arrives((gateway, 1), (agent, 10)), dropped(DropReason::NoPolicy));
    assert_eq!(arrives((phone, 1), (agent, 10)), Verdict::Bypass);
    // A fragment whose ports nobody sees may be what must be protected.
    let mut long = udp((gateway, 2427), (agent, 2427), &[5; 100]);
    allow_fragments(&mut long, 7);
    let mut parts = fragment::fragments(&long, 68, 0).unwrap();
    let mut part = [0; 68];
    while let Some(len) = parts.next_into(&mut part) {
        assert_eq!(pair.open(1, &part[..len]).0, dropped(DropReason::ClearText));
    }
    let drops = &pair.ends[1].counters().drops;
    let counted: Vec<_> = drops.iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(
        counted,
        [(DropReason::ClearText, 4), (DropReason::Discarded, 1), (DropReason::NoPolicy, 1)]
    );
}

/// Tunnels in tunnels are opened one at a time, each by whoever is the end of it.
#[test]
fn a_nested_tunnel_comes_out_sealed() {
    let agreement = Agreement::new(Suite::AesGcm128, Mode::Tunnel);
    let mut inner = Pair::new(Agreement {
        ends: agreement.hosts,
        hosts: [ip("172.16.0.1"), ip("172.16.0.2")],
        ..agreement.clone()
    });
    let mut outer = Pair::new(agreement);
    let nested = inner.sealed(0, b"deep inside");
    let (_, sealed) = outer.seal(0, &nested);
    let (verdict, opened) = outer.open(1, &sealed);
    assert_eq!(verdict, Verdict::Protected(outer.back[1]));
    assert_eq!(opened, nested);
    assert_eq!(inner.open(1, &opened).0, Verdict::Protected(inner.back[1]));
}

#[test]
fn ipv4_options_and_ipv6_extensions_stay_in_front() {
    let mut pair = Pair::new(Agreement::new(Suite::AesCbc128Sha256, Mode::Transport));
    let plain = pair.agreement.datagram(0, b"with a router alert");
    let mut packet = [&plain[..20], &[0x94, 4, 0, 0], &plain[20..]].concat();
    packet[0] = 0x46;
    let len = packet.len() as u16;
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    packet[10..12].fill(0);
    let sum = wire::checksum::Sum::default().add_bytes(&packet[..24]).finish();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    let (_, sealed) = pair.seal(0, &packet);
    assert_eq!((sealed[9], &sealed[20..24]), (50, &[0x94, 4, 0, 0][..]));
    assert_eq!(pair.open(1, &sealed), (Verdict::Protected(pair.back[1]), packet));

    let mut pair = Pair::new(Agreement::new(Suite::AesCbc128Sha256, Mode::Transport).v6());
    let plain = pair.agreement.datagram(0, b"with options");
    let hop_by_hop = [60, 0, 1, 4, 0, 0, 0, 0];
    let destination = [17, 0, 1, 4, 0, 0, 0, 0];
    let mut packet = [&plain[..40], &hop_by_hop, &destination, &plain[40..]].concat();
    packet[6] = 0;
    let len = packet.len() as u16 - 40;
    packet[4..6].copy_from_slice(&len.to_be_bytes());
    let (verdict, sealed) = pair.seal(0, &packet);
    assert_eq!(verdict, Verdict::Protected(pair.out[0]));
    // Hop-by-hop options stay readable, those for the destination do not.
    assert_eq!((sealed[6], sealed[40]), (0, 50));
    assert_eq!(pair.open(1, &sealed), (Verdict::Protected(pair.back[1]), packet));
}
