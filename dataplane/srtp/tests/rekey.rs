//! Keys that change, run out, and have names.

mod common;

use common::{Pair, events, keying, master, rtcp, rtp};
use ringfence_srtp::{Config, Direction, Error, Event, Keying, Lifetime, Srtp, Suite};

const SUITE: Suite = Suite::AesCm128HmacSha1_80;

fn pair(keying: &Keying) -> Pair {
    Pair::with(Config::default(), keying)
}

#[test]
fn the_same_keys_again_change_nothing() {
    for suite in Suite::ALL {
        let mut pair = Pair::new(suite);
        pair.carry(65_535).unwrap();
        pair.carry(0).unwrap();
        let old = pair.protect(&rtp(1, 65_534, 20)).unwrap();
        pair.sender.rekey(pair.from, &keying(suite, 7)).unwrap();
        pair.receiver.rekey(pair.to, &keying(suite, 7)).unwrap();
        pair.carry(1).unwrap();
        pair.unprotect(&old).unwrap();
        assert_eq!(pair.unprotect(&old), Err(Error::Replayed));
    }
}

#[test]
fn a_late_rekey_loses_nothing_and_keeps_the_rollover_counter() {
    let others = [Suite::AesCm128HmacSha1_32, Suite::AeadAes256Gcm, SUITE];
    for (suite, receiver_first) in others.into_iter().flat_map(|s| [(s, true), (s, false)]) {
        let mut pair = Pair::new(SUITE);
        // Two rollovers, so that a counter begun anew would show.
        for seq in [40_000u16, 65_535, 10_000, 40_000, 65_535, 1] {
            pair.carry(seq).unwrap();
        }
        let on_the_way: Vec<_> =
            (2..40).map(|seq| pair.protect(&rtp(1, seq, 20)).unwrap()).collect();
        let new = keying(suite, 99);
        if receiver_first {
            pair.receiver.rekey(pair.to, &new).unwrap();
            pair.unprotect(&on_the_way[0]).unwrap();
        }
        pair.sender.rekey(pair.from, &new).unwrap();
        let first = pair.protect(&rtp(1, 40, 20)).unwrap();
        let report = pair.protect_rtcp(&rtcp(1)).unwrap();
        if !receiver_first {
            assert!(pair.unprotect(&first).is_err());
            pair.receiver.rekey(pair.to, &new).unwrap();
            pair.unprotect(&on_the_way[0]).unwrap();
        }
        pair.unprotect(&first).unwrap();
        pair.unprotect_rtcp(&report).unwrap();
        for packet in &on_the_way[1..] {
            pair.unprotect(packet).unwrap();
            assert_eq!(pair.unprotect(packet), Err(Error::Replayed));
        }
        for seq in 41..80 {
            pair.carry(seq).unwrap();
        }
    }
}

#[test]
fn old_keys_are_forgotten_once_their_packets_would_be_too_old() {
    let mut pair = Pair::new(SUITE);
    let mut old = Pair::new(SUITE);
    pair.carry(0).unwrap();
    pair.carry(1).unwrap();
    let new = keying(SUITE, 99);
    pair.receiver.rekey(pair.to, &new).unwrap();
    pair.sender.rekey(pair.from, &new).unwrap();
    old.protect(&rtp(1, 1, 20)).unwrap();
    for seq in 2..129 {
        pair.carry(seq).unwrap();
    }
    let late = old.protect(&rtp(1, 129, 20)).unwrap();
    pair.unprotect(&late).unwrap();
    for seq in 130..132 {
        pair.carry(seq).unwrap();
    }
    let too_late = old.protect(&rtp(1, 132, 20)).unwrap();
    assert_eq!(pair.unprotect(&too_late), Err(Error::AuthFailed));
}

#[test]
fn every_ssrc_of_a_session_is_rekeyed() {
    let mut pair = Pair::new(SUITE);
    let packet = |pair: &mut Pair, ssrc, seq| {
        let protected = pair.protect(&rtp(ssrc, seq, 20)).unwrap();
        pair.unprotect(&protected)
    };
    for ssrc in 1..=3 {
        packet(&mut pair, ssrc, 65_000).unwrap();
    }
    let new = keying(SUITE, 99);
    pair.sender.rekey(pair.from, &new).unwrap();
    pair.receiver.rekey(pair.to, &new).unwrap();
    for seq in 0..300u16 {
        packet(&mut pair, 2, 65_001u16.wrapping_add(seq)).unwrap();
    }
    // The old keys are gone; the silent SSRCs come back under the new ones.
    for ssrc in [1, 3, 4] {
        packet(&mut pair, ssrc, 65_001).unwrap();
    }
}

#[test]
fn several_master_keys_are_told_apart_by_identifier() {
    let both = |first: u8, second: u8| {
        keying(SUITE, first)
            .with_mki(&[first, 0])
            .and_then(|keying| keying.with_key(&[second, 0], master(SUITE, second)))
            .unwrap()
    };
    let mut pair = pair(&both(1, 2));
    pair.carry(65_535).unwrap();
    pair.carry(0).unwrap();
    let under_first = pair.protect(&rtp(1, 1, 20)).unwrap();
    assert_eq!(under_first.len(), 32 + 2 + 10);
    assert_eq!(under_first[32..34], [1, 0]);
    // The sender goes over to the second; the receiver need not be told.
    pair.sender.rekey(pair.from, &both(2, 1)).unwrap();
    let under_second = pair.protect(&rtp(1, 2, 20)).unwrap();
    assert_eq!(under_second[32..34], [2, 0]);
    let report = pair.protect_rtcp(&rtcp(1)).unwrap();
    pair.unprotect(&under_second).unwrap();
    pair.unprotect(&under_first).unwrap();
    pair.unprotect_rtcp(&report).unwrap();
    assert_eq!(pair.unprotect(&under_first), Err(Error::Replayed));
    let mut unknown = pair.protect(&rtp(1, 3, 20)).unwrap();
    unknown[32] = 3;
    assert_eq!(pair.unprotect(&unknown), Err(Error::UnknownMki));
    unknown[32] = 1;
    assert_eq!(pair.unprotect(&unknown), Err(Error::AuthFailed));
}

#[test]
fn identifiers_are_checked() {
    use ringfence_srtp::KeyError;
    let one = || keying(SUITE, 1);
    assert_eq!(one().with_mki(&[]), Err(KeyError::MkiLength(0)));
    assert_eq!(one().with_mki(&[0; 129]), Err(KeyError::MkiLength(129)));
    assert_eq!(one().with_key(&[1], master(SUITE, 2)), Err(KeyError::MkiMissing));
    let named = || one().with_mki(&[1]).unwrap();
    assert_eq!(named().with_key(&[1], master(SUITE, 2)), Err(KeyError::MkiTwice));
    assert_eq!(
        named().with_key(&[1, 2], master(SUITE, 2)),
        Err(KeyError::MkiLengthsDiffer { expected: 1, got: 2 })
    );
    let full = (2..=16).fold(named(), |keying, n| keying.with_key(&[n], master(SUITE, n)).unwrap());
    assert_eq!(full.with_key(&[17], master(SUITE, 17)), Err(KeyError::TooManyKeys));
}

#[test]
fn session_keys_are_derived_anew_at_the_agreed_rate() {
    for suite in [SUITE, Suite::AeadAes128Gcm] {
        let rate = |exponent| keying(suite, 7).with_derivation_rate(exponent).unwrap();
        let mut pair = pair(&rate(4));
        let mut never = Pair::new(suite);
        let mut held_back = Vec::new();
        for seq in 0..100 {
            let plain = rtp(1, seq, 20);
            let protected = pair.protect(&plain).unwrap();
            // Only the first sixteen are as without derivation.
            assert_eq!(protected == never.protect(&plain).unwrap(), seq < 16, "{seq}");
            if seq % 16 == 7 {
                held_back.push(protected);
            } else {
                assert_eq!(pair.unprotect(&protected).unwrap(), plain);
            }
            let report = pair.protect_rtcp(&rtcp(1)).unwrap();
            assert_eq!(pair.unprotect_rtcp(&report).unwrap(), rtcp(1));
        }
        for packet in &held_back {
            pair.unprotect(packet).unwrap();
        }
        pair.carry(100).unwrap();
        // Another rate is another set of keys, even under the same master key.
        pair.sender.rekey(pair.from, &rate(2)).unwrap();
        pair.receiver.rekey(pair.to, &rate(2)).unwrap();
        pair.carry(101).unwrap();
    }
}

#[test]
fn a_lifetime_warns_and_then_ends() {
    for suite in [SUITE, Suite::AeadAes128Gcm] {
        let short = keying(suite, 7).with_lifetime(Lifetime::packets(400).unwrap());
        let mut pair = pair(&short);
        for seq in 0..400 {
            pair.carry(seq).unwrap();
            for (srtp, session) in [(&mut pair.sender, pair.from), (&mut pair.receiver, pair.to)] {
                let told: Vec<_> = events(srtp)
                    .into_iter()
                    .filter(|event| !matches!(event, Event::NewSsrc { .. }))
                    .collect();
                match seq {
                    299 => assert_eq!(told, [Event::SoftLimit { session }]),
                    399 => assert_eq!(told, [Event::HardLimit { session }]),
                    _ => assert_eq!(told, [], "{seq}"),
                }
            }
        }
        assert_eq!(pair.protect(&rtp(1, 400, 20)), Err(Error::KeyExpired));
        assert_eq!(pair.protect_rtcp(&rtcp(1)), Err(Error::KeyExpired));
        let mut longer = Pair::new(suite);
        let authentic = longer.protect(&rtp(1, 400, 20)).unwrap();
        assert_eq!(pair.unprotect(&authentic), Err(Error::KeyExpired));
        // The same key under the same terms stays spent; a new one goes on.
        pair.sender.rekey(pair.from, &short).unwrap();
        assert_eq!(pair.protect(&rtp(1, 400, 20)), Err(Error::KeyExpired));
        pair.sender.rekey(pair.from, &keying(suite, 8)).unwrap();
        pair.receiver.rekey(pair.to, &keying(suite, 8)).unwrap();
        pair.carry(400).unwrap();
    }
}

#[test]
fn all_ssrcs_of_a_session_and_long_bursts_share_a_lifetime() {
    let mut pair = pair(&keying(SUITE, 7).with_lifetime(Lifetime::packets(1000).unwrap()));
    let mut protected = 0;
    for seq in 0..200 {
        for ssrc in 0..6 {
            protected += usize::from(pair.protect(&rtp(ssrc, seq, 20)).is_ok());
        }
    }
    assert_eq!(protected, 1000);
}

#[test]
fn when_a_key_is_spent_the_next_one_protects() {
    let two = keying(SUITE, 1)
        .with_mki(&[1])
        .unwrap()
        .with_lifetime(Lifetime::packets(100).unwrap())
        .with_key(&[2], master(SUITE, 2))
        .unwrap()
        .with_lifetime(Lifetime::packets(50).unwrap());
    let mut pair = pair(&two);
    for seq in 0..150 {
        let protected = pair.protect(&rtp(1, seq, 20)).unwrap();
        assert_eq!(protected[32], if seq < 100 { 1 } else { 2 });
        pair.unprotect(&protected).unwrap();
    }
    assert_eq!(pair.protect(&rtp(1, 150, 20)), Err(Error::KeyExpired));
}

#[test]
fn a_window_can_be_wide_and_change_its_width() {
    for packets in [128, 1000, 4096] {
        let wide = keying(SUITE, 7).with_window(packets).unwrap();
        let mut pair = pair(&wide);
        let protected: Vec<_> =
            (0..=4200u16).map(|seq| pair.protect(&rtp(1, seq, 20)).unwrap()).collect();
        let width = usize::from(packets.next_multiple_of(64));
        pair.unprotect(&protected[4200]).unwrap();
        assert_eq!(pair.unprotect(&protected[4200 - width]), Err(Error::TooOld));
        pair.unprotect(&protected[4200 - width + 1]).unwrap();
        assert_eq!(pair.unprotect(&protected[4200 - width + 1]), Err(Error::Replayed));
        // Wider: what was too old stays so, what is remembered stays remembered.
        pair.receiver.rekey(pair.to, &keying(SUITE, 7).with_window(4096).unwrap()).unwrap();
        assert!(pair.unprotect(&protected[4200 - width]).is_err());
        assert_eq!(pair.unprotect(&protected[4200]), Err(Error::Replayed));
        pair.unprotect(&protected[4199]).unwrap();
        // Narrower.
        pair.receiver.rekey(pair.to, &keying(SUITE, 7)).unwrap();
        assert_eq!(pair.unprotect(&protected[4199]), Err(Error::Replayed));
        pair.unprotect(&protected[4198]).unwrap();
        assert_eq!(pair.unprotect(&protected[4200 - 128]), Err(Error::TooOld));
    }
}

#[test]
fn a_session_goes_on_elsewhere() {
    for packets in [128, 512] {
        let keying = keying(SUITE, 7)
            .with_window(packets)
            .unwrap()
            .with_lifetime(Lifetime::packets(60).unwrap());
        let mut pair = pair(&keying);
        for seq in [65_000, 65_535, 0, 2] {
            pair.carry(seq).unwrap();
        }
        let late = pair.protect(&rtp(1, 1, 20)).unwrap();
        let seen = pair.protect(&rtp(1, 3, 20)).unwrap();
        pair.unprotect(&seen).unwrap();
        let report = pair.protect_rtcp(&rtcp(1)).unwrap();
        pair.unprotect_rtcp(&report).unwrap();

        let (sender, receiver) = (pair.sender.export(pair.from), pair.receiver.export(pair.to));
        let [sender, receiver] = [sender, receiver].map(|snapshot| {
            let octets = snapshot.unwrap().to_bytes();
            ringfence_srtp::Snapshot::from_bytes(&octets).unwrap()
        });
        let mut exact = Pair {
            sender: Srtp::new(Config::default()),
            receiver: Srtp::new(Config::default()),
            ..pair
        };
        exact.from = exact.sender.import(Direction::Outbound, &keying, &sender, 0).unwrap();
        exact.to = exact.receiver.import(Direction::Inbound, &keying, &receiver, 0).unwrap();
        assert_eq!(exact.unprotect(&seen), Err(Error::Replayed));
        assert_eq!(exact.unprotect_rtcp(&report), Err(Error::Replayed));
        exact.unprotect(&late).unwrap();
        assert_eq!(exact.protect(&rtp(1, 3, 20)), Err(Error::Replayed));
        exact.carry(4).unwrap();
        let next = exact.protect_rtcp(&rtcp(1)).unwrap();
        assert_eq!(next[36..40], [0x80, 0, 0, 1]);

        // With a margin of ten packets the next ten may have been used already.
        let mut careful = Pair {
            sender: Srtp::new(Config::default()),
            receiver: Srtp::new(Config::default()),
            ..exact
        };
        careful.from = careful.sender.import(Direction::Outbound, &keying, &sender, 10).unwrap();
        careful.to = careful.receiver.import(Direction::Inbound, &keying, &receiver, 10).unwrap();
        assert_eq!(careful.protect(&rtp(1, 13, 20)), Err(Error::Replayed));
        assert_eq!(careful.unprotect(&seen), Err(Error::Replayed));
        careful.unprotect(&late).unwrap();
        let next = careful.protect_rtcp(&rtcp(1)).unwrap();
        assert_eq!(next[36..40], [0x80, 0, 0, 11]);
        // Six packets were counted, and ten may have been.
        for seq in 14..58 {
            careful.protect(&rtp(1, seq, 20)).unwrap();
        }
        assert_eq!(careful.protect(&rtp(1, 58, 20)), Err(Error::KeyExpired));
    }
}

#[test]
fn damaged_snapshots_are_refused() {
    use ringfence_srtp::{Snapshot, SnapshotError};
    let mut pair = Pair::new(SUITE);
    pair.carry(1).unwrap();
    let octets = pair.receiver.export(pair.to).unwrap().to_bytes();
    for len in 0..octets.len() {
        assert_eq!(Snapshot::from_bytes(&octets[..len]), Err(SnapshotError::Damaged));
    }
    let mut newer = octets.clone();
    newer[0] = 2;
    assert_eq!(Snapshot::from_bytes(&newer), Err(SnapshotError::Version(2)));
    let mut longer = octets;
    longer.push(0);
    assert_eq!(Snapshot::from_bytes(&longer), Err(SnapshotError::Damaged));
}
