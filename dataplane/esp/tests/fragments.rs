//! Packets that are longer than the way is wide.

mod common;

use std::time::Duration;

use common::{Agreement, Pair, allow_fragments, ip, through};
use ringfence_esp::{Event, Mode, Reassembler, Suite, Verdict, fragment, icmp};

/// MGCP messages of 4,000 octets are ordinary.
#[test]
fn long_datagrams_are_cut_before_a_tunnel_and_after_transport_mode() {
    let payload: Vec<_> = (0..4000).map(|n| (n / 7) as u8).collect();
    for suite in Suite::ALL {
        let mut pair = Pair::new(Agreement::new(suite, Mode::Tunnel));
        let mut packet = pair.agreement.datagram(0, &payload);
        let (verdict, same) = pair.seal(0, &packet);
        assert!(matches!(verdict, Verdict::TooBig { .. }), "{verdict:?}");
        assert_eq!(same, packet);
        allow_fragments(&mut packet, 99);
        let Verdict::Fragment { sa, mtu } = pair.seal(0, &packet).0 else { panic!("{suite}") };
        assert_eq!(sa, pair.out[0]);
        let mut parts = fragment::fragments(&packet, mtu, 0).unwrap();
        let (mut reassembler, mut part, mut joined) = (Reassembler::new(), [0; 1500], None);
        let now = pair.now;
        while let Some(len) = parts.next_into(&mut part) {
            let (verdict, sealed) =
                through(&part[..len], |packets| pair.ends[0].protect(now, sa, packets));
            assert_eq!(verdict, Verdict::Protected(sa));
            assert!(sealed.len() <= 1500);
            let (verdict, opened) = pair.open(1, &sealed);
            assert_eq!(verdict, Verdict::Protected(pair.back[1]));
            assert_eq!(joined, None);
            joined = reassembler.push(now, &opened).unwrap();
        }
        assert_eq!(joined.unwrap(), packet);

        for agreement in [
            Agreement::new(suite, Mode::Transport),
            Agreement { encapsulation: true, ..Agreement::new(suite, Mode::Transport) },
        ] {
            let mut pair = Pair::new(agreement);
            let mut packet = pair.agreement.datagram(0, &payload);
            allow_fragments(&mut packet, 99);
            let (Verdict::Split { sa, mtu: 1500 }, sealed) = pair.seal(0, &packet) else {
                panic!("{suite}")
            };
            assert_eq!(sa, pair.out[0]);
            let mut parts = fragment::fragments(&sealed, 1500, 0).unwrap();
            let mut all = Vec::new();
            while let Some(len) = parts.next_into(&mut part) {
                assert_eq!(pair.open(1, &part[..len]).0, Verdict::Reassemble);
                all.push(part[..len].to_vec());
            }
            all.swap(0, 2);
            let mut joined = all.iter().filter_map(|part| reassembler.push(now, part).unwrap());
            let joined = joined.next().unwrap();
            assert_eq!(reassembler.octets(), 0);
            let (verdict, opened) = pair.open(1, &joined);
            assert_eq!(verdict, Verdict::Protected(pair.back[1]));
            assert_eq!(opened, packet);
        }
    }
}

#[test]
fn ipv6_is_cut_only_below_its_least_mtu() {
    let agreement = Agreement::new(Suite::AesGcm128, Mode::Tunnel).v6().inner_v6();
    let mut pair = Pair::with(agreement, |spec| spec.mtu = 1280);
    let packet = pair.agreement.datagram(0, &[1; 1300]);
    let (verdict, _) = pair.seal(0, &packet);
    assert_eq!(verdict, Verdict::TooBig { mtu: 1280 });
    let packet = pair.agreement.datagram(0, &[1; 1280 - 48]);
    let (Verdict::Split { mtu: 1280, .. }, sealed) = pair.seal(0, &packet) else { panic!() };
    let mut parts = fragment::fragments(&sealed, 1280, 5).unwrap();
    let (mut reassembler, mut part, mut joined) = (Reassembler::new(), [0; 1280], None);
    while let Some(len) = parts.next_into(&mut part) {
        assert_eq!(pair.open(1, &part[..len]).0, Verdict::Reassemble);
        joined = reassembler.push(pair.now, &part[..len]).unwrap();
    }
    let joined = joined.unwrap();
    assert_eq!(joined, sealed);
    assert_eq!(pair.open(1, &joined), (Verdict::Protected(pair.back[1]), packet));
}

#[test]
fn who_may_not_be_cut_is_answered() {
    for (agreement, router) in [
        (Agreement::new(Suite::AesGcm128, Mode::Tunnel), ip("10.1.0.254")),
        (Agreement::new(Suite::AesGcm128, Mode::Tunnel).inner_v6(), ip("fd00:1::fe")),
    ] {
        let mut pair = Pair::new(agreement);
        let packet = pair.agreement.datagram(0, &[1; 1450]);
        let Verdict::TooBig { mtu: 1446 } = pair.seal(0, &packet).0 else { panic!() };
        let mut answer = [0; 1280];
        let len = icmp::too_big(&packet, 1446, router, &mut answer).unwrap();
        let answer = &answer[..len];
        let header = wire::ip::Header::parse(answer).unwrap();
        assert_eq!((header.source, header.destination), (router, pair.agreement.hosts[0]));
        // Errors are not answered.
        assert_eq!(icmp::too_big(answer, 1446, router, &mut [0; 1280]), None);
        let quoted = &answer[header.len() + 8..];
        assert_eq!(quoted, &packet[..quoted.len()]);
    }
}

/// A path that becomes narrow: believed from who has seen a packet, for ten minutes.
#[test]
fn narrow_paths_are_learned_and_forgotten() {
    for encapsulation in [false, true] {
        let agreement = Agreement::new(Suite::AesGcm128, Mode::Tunnel);
        let mut pair = Pair::new(Agreement { encapsulation, ..agreement });
        let sealed = pair.sealed(0, &[1; 1300]);
        let mut complaint = |mtu: usize, change: &dyn Fn(&mut [u8])| {
            let mut answer = [0; 1280];
            let len = icmp::too_big(&sealed, mtu, ip("192.0.2.9"), &mut answer).unwrap();
            change(&mut answer[28..len]);
            let now = pair.now;
            pair.ends[0].handle_icmp(now, &answer[..len])
        };
        let esp_at = if encapsulation { 28 } else { 20 };
        assert_eq!(complaint(1400, &|quoted| quoted[esp_at] ^= 1), None, "another SPI");
        assert_eq!(complaint(1400, &|quoted| quoted[15] ^= 1), None, "another source");
        assert_eq!(complaint(1400, &|quoted| quoted[esp_at + 7] = 9), None, "not sent yet");
        assert_eq!(complaint(1500, &|_| ()), None, "nothing new");
        assert!(complaint(100, &|_| ()).is_some());
        let sa = pair.out[0];
        assert_eq!(pair.events(0), [Event::PathMtu { sa, mtu: 576 }]);
        let packet = pair.agreement.datagram(0, &[1; 600]);
        assert!(matches!(pair.seal(0, &packet).0, Verdict::TooBig { mtu: ..576 }));
        pair.pass(Duration::from_secs(601));
        assert_eq!(pair.seal(0, &packet).0, Verdict::Protected(sa));
    }
}
