//! What one peer protects the other unprotects, and nothing else passes.

mod common;

use common::{Pair, backends, events, keying, rtcp, rtp, transform};
use ringfence_srtp::{
    Config, Direction, Error, Event, Job, Keying, ParamPolicy, SessionError, SessionParams, Srtp,
    Suite,
};

// R: MED-01
#[test]
fn every_suite_carries_rtp_and_rtcp_on_every_backend() {
    for (suite, backend) in
        Suite::ALL.into_iter().flat_map(|s| backends().into_iter().map(move |b| (s, b)))
    {
        let mut pair = Pair::with(Config { backend, ..Config::default() }, &keying(suite, 7));
        for seq in 65_500..65_600_u32 {
            let plain = rtp(0xcafe, seq as u16, 160);
            let protected = pair.protect(&plain).unwrap();
            assert_eq!(protected.len(), plain.len() + suite.rtp_tag_len());
            assert_eq!(protected[12..172] == plain[12..], suite.is_null());
            assert_eq!(pair.unprotect(&protected).unwrap(), plain);
            assert_eq!(pair.unprotect(&protected), Err(Error::Replayed));
        }
        let plain = rtcp(0xcafe);
        for _ in 0..10 {
            let protected = pair.protect_rtcp(&plain).unwrap();
            assert_eq!(protected.len(), plain.len() + suite.rtcp_tag_len() + 4);
            assert_eq!(pair.unprotect_rtcp(&protected).unwrap(), plain);
            assert_eq!(pair.unprotect_rtcp(&protected), Err(Error::Replayed));
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused_and_changes_nothing() {
    for suite in Suite::ALL {
        let keying = keying(suite, 7).with_mki(&[1, 2]).unwrap();
        let mut pair = Pair::with(Config::default(), &keying);
        // With a CSRC and an extension, so that each field of the header is there.
        let mut plain = rtp(1, 1, 0);
        plain[0] = 0x91;
        plain.extend([9, 9, 9, 9, 0xbe, 0xde, 0, 1, 1, 2, 3, 4, 0x55, 0x55, 0x55]);
        let first = pair.protect(&plain).unwrap();
        let report = pair.protect_rtcp(&rtcp(1)).unwrap();
        for round in 0..2 {
            for bit in 0..first.len() * 8 {
                let mut forged = first.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                assert!(pair.unprotect(&forged).is_err(), "{suite} round {round} bit {bit}");
            }
            for bit in 0..report.len() * 8 {
                let mut forged = report.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                assert!(pair.unprotect_rtcp(&forged).is_err(), "{suite} round {round} bit {bit}");
            }
            if round == 0 {
                assert_eq!(events(&mut pair.receiver), [], "strangers made a context");
                assert_eq!(pair.unprotect(&first).unwrap(), plain, "{suite}");
                assert_eq!(pair.unprotect_rtcp(&report).unwrap(), rtcp(1), "{suite}");
            }
        }
    }
}

#[test]
fn forged_packets_with_far_indices_do_not_move_the_window() {
    let mut pair = Pair::new(Suite::AesCm128HmacSha1_80);
    let packets: Vec<_> = (0..40).map(|seq| pair.protect(&rtp(1, seq, 20)).unwrap()).collect();
    pair.unprotect(&packets[0]).unwrap();
    for seq in [30_000u16, 60_000, 300] {
        let mut forged = packets[1].clone();
        forged[2..4].copy_from_slice(&seq.to_be_bytes());
        assert_eq!(pair.unprotect(&forged), Err(Error::AuthFailed));
    }
    for packet in packets[1..].iter().rev() {
        pair.unprotect(packet).unwrap();
    }
}

#[test]
fn each_kind_of_bad_packet_has_its_reason() {
    for suite in [Suite::AesCm128HmacSha1_80, Suite::AeadAes128Gcm] {
        let mut pair = Pair::with(Config::default(), &keying(suite, 7).with_mki(&[1]).unwrap());
        let good = pair.protect(&rtp(1, 1, 20)).unwrap();
        let report = pair.protect_rtcp(&rtcp(1)).unwrap();
        // The first packet of an SSRC and the later ones take different ways.
        for _ in 0..2 {
            let rtp_reason = |pair: &mut Pair, change: &dyn Fn(&mut Vec<u8>)| {
                let mut packet = pair.protect(&rtp(1, 2, 20)).unwrap_or_else(|_| good.clone());
                change(&mut packet);
                pair.unprotect(&packet).unwrap_err()
            };
            assert_eq!(pair.unprotect(&[]), Err(Error::TooShort));
            assert_eq!(rtp_reason(&mut pair, &|p| p.truncate(20)), Error::TooShort);
            assert_eq!(rtp_reason(&mut pair, &|p| p[0] = 0x40), Error::Malformed);
            assert_eq!(rtp_reason(&mut pair, &|p| p[0] |= 0x0f), Error::Malformed);
            assert_eq!(
                rtp_reason(&mut pair, &|p| {
                    p[0] |= 0x10;
                    p[14..16].copy_from_slice(&[0xff, 0xff]);
                }),
                Error::Malformed
            );
            let mki = if suite == Suite::AeadAes128Gcm { 1 } else { 11 };
            assert_eq!(
                rtp_reason(&mut pair, &|p| {
                    let at = p.len() - mki;
                    p[at] ^= 1;
                }),
                Error::UnknownMki
            );

            let rtcp_reason = |pair: &mut Pair, change: &dyn Fn(&mut Vec<u8>)| {
                let mut packet = report.clone();
                change(&mut packet);
                pair.unprotect_rtcp(&packet).unwrap_err()
            };
            assert_eq!(rtcp_reason(&mut pair, &|p| p.truncate(15)), Error::TooShort);
            assert_eq!(rtcp_reason(&mut pair, &|p| p[0] = 0), Error::Malformed);
            assert_eq!(rtcp_reason(&mut pair, &|p| p[2] = 0xff), Error::Malformed);
            assert_eq!(
                rtcp_reason(&mut pair, &|p| {
                    let word = if suite == Suite::AeadAes128Gcm { 5 } else { 15 };
                    let at = p.len() - word;
                    p[at] ^= 0x80;
                }),
                Error::EncryptionMismatch
            );
            let _ = pair.unprotect(&good);
        }
    }
}

#[test]
fn rtcp_with_lying_lengths_is_not_protected_and_not_delivered() {
    let mut lying = rtcp(1);
    lying[31] = 9;
    let mut pair = Pair::new(Suite::AesCm128HmacSha1_80);
    assert_eq!(pair.protect_rtcp(&lying), Err(Error::Malformed));
    // A peer that protects it all the same is believed to be itself, but not its lengths.
    let lenient = Config { lenient_rtcp: true, ..Config::default() };
    let mut liar = Pair::with(lenient, &keying(Suite::AesCm128HmacSha1_80, 7));
    let protected = liar.protect_rtcp(&lying).unwrap();
    assert_eq!(pair.unprotect_rtcp(&protected), Err(Error::Malformed));
    assert_eq!(pair.unprotect_rtcp(&protected), Err(Error::Replayed));
    assert_eq!(liar.unprotect_rtcp(&protected).unwrap(), lying);
}

#[test]
fn a_buffer_without_room_is_refused_before_anything_changes() {
    let mut pair = Pair::new(Suite::AesCm128HmacSha1_80);
    for _ in 0..2 {
        let mut packet = rtp(1, 1, 20);
        packet.resize(32 + 9, 0);
        let mut jobs = [Job::new(pair.from, &mut packet, 32)];
        pair.sender.protect_rtp(&mut jobs);
        assert_eq!(jobs[0].result, Err(Error::NoRoom));
    }
    pair.carry(1).unwrap();
    let mut packet = rtp(1, 2, 20);
    let mut jobs = [Job::new(pair.from, &mut packet, 32)];
    pair.sender.protect_rtp(&mut jobs);
    assert_eq!(jobs[0].result, Err(Error::NoRoom));
    pair.carry(2).unwrap();
}

#[test]
fn nothing_is_encrypted_twice_under_one_index() {
    let mut pair = Pair::new(Suite::AeadAes128Gcm);
    pair.protect(&rtp(1, 10, 20)).unwrap();
    assert_eq!(pair.protect(&rtp(1, 10, 99)), Err(Error::Replayed));
    pair.protect(&rtp(1, 200, 20)).unwrap();
    assert_eq!(pair.protect(&rtp(1, 11, 20)), Err(Error::TooOld));
}

#[test]
fn a_removed_session_is_never_another() {
    let suite = Suite::AesCm128HmacSha1_80;
    let mut pair = Pair::new(suite);
    let old = pair.to;
    pair.receiver.remove(old);
    pair.receiver.remove(old);
    pair.to = pair.receiver.insert(Direction::Inbound, &keying(suite, 7)).unwrap();
    let protected = pair.protect(&rtp(1, 1, 20)).unwrap();
    let result = transform(&protected, old, |jobs| pair.receiver.unprotect_rtp(jobs));
    assert_eq!(result, Err(Error::NoSession));
    assert_eq!(pair.receiver.rekey(old, &keying(suite, 8)), Err(SessionError::NoSession));
    assert_eq!(pair.receiver.export(old), Err(SessionError::NoSession));
    assert!(pair.unprotect(&protected).is_ok());
}

#[test]
fn sessions_have_a_direction_and_a_limit() {
    let suite = Suite::AesCm128HmacSha1_80;
    let mut srtp = Srtp::new(Config { max_sessions: 2, ..Config::default() });
    let inbound = srtp.insert(Direction::Inbound, &keying(suite, 1)).unwrap();
    srtp.insert(Direction::Outbound, &keying(suite, 1)).unwrap();
    let refused = srtp.insert(Direction::Outbound, &keying(suite, 1));
    assert_eq!(refused, Err(SessionError::Full(2)));
    let result = transform(&rtp(1, 1, 20), inbound, |jobs| srtp.protect_rtp(jobs));
    assert_eq!(result, Err(Error::WrongDirection));
    srtp.remove(inbound);
    srtp.insert(Direction::Inbound, &keying(suite, 1)).unwrap();
}

#[test]
fn a_failed_job_is_left_alone() {
    let mut pair = Pair::new(Suite::AesCm128HmacSha1_80);
    let mut packet = rtp(1, 1, 20);
    let plain = packet.clone();
    let mut jobs = [Job::new(pair.from, &mut packet, 20)];
    jobs[0].result = Err(Error::AuthFailed);
    pair.sender.protect_rtp(&mut jobs);
    pair.sender.protect_rtcp(&mut jobs);
    assert_eq!((jobs[0].result, jobs[0].len), (Err(Error::AuthFailed), 20));
    assert_eq!(packet, plain);
}

#[test]
fn ssrcs_are_bounded_and_kept_for_the_whole_call() {
    let suite = Suite::AesCm128HmacSha1_80;
    let config = Config { max_ssrcs_per_session: 3, ..Config::default() };
    let mut pair = Pair::with(config, &keying(suite, 7));
    // A sender that may have more.
    let mut crowd = Pair::new(suite);
    for ssrc in 1..=3 {
        let packet = crowd.protect(&rtp(ssrc, 65_530, 20)).unwrap();
        pair.unprotect(&packet).unwrap();
        assert_eq!(events(&mut pair.receiver), [Event::NewSsrc { session: pair.to, ssrc }]);
    }
    for ssrc in 4..=5 {
        let packet = crowd.protect(&rtp(ssrc, 1, 20)).unwrap();
        assert_eq!(pair.unprotect(&packet), Err(Error::TooManySsrcs));
    }
    assert_eq!(events(&mut pair.receiver), [Event::SsrcLimit { session: pair.to, ssrc: 4 }]);
    // SSRC 1 has gone on to the next rollover in the meantime.
    crowd.protect(&rtp(1, 65_535, 20)).unwrap();
    for seq in [1, 2] {
        let packet = crowd.protect(&rtp(1, seq, 20)).unwrap();
        pair.unprotect(&packet).unwrap();
    }
}

#[test]
fn parameters_weaken_what_they_name_and_nothing_else() {
    let allow = ParamPolicy {
        danger_unencrypted_srtp: true,
        danger_unencrypted_srtcp: true,
        danger_unauthenticated_srtp: true,
    };
    let suite = Suite::AesCm128HmacSha1_80;
    let pair = |params: &str, keying: Keying| {
        let params = SessionParams::parse(params.split(' ')).unwrap();
        Pair::with(Config::default(), &params.apply(keying, allow).unwrap())
    };
    let plain = rtp(1, 1, 20);

    let mut clear = pair("UNENCRYPTED_SRTP", keying(suite, 7));
    let protected = clear.protect(&plain).unwrap();
    assert_eq!(protected[..32], plain);
    assert_eq!(protected.len(), 42);
    assert_eq!(clear.unprotect(&protected).unwrap(), plain);
    assert_ne!(clear.protect_rtcp(&rtcp(1)).unwrap()[8..36], rtcp(1)[8..]);

    let mut forgeable = pair("UNAUTHENTICATED_SRTP", keying(suite, 7));
    let protected = forgeable.protect(&plain).unwrap();
    assert_eq!(protected.len(), plain.len());
    assert_ne!(protected, plain);
    assert_eq!(forgeable.unprotect(&protected).unwrap(), plain);

    for suite in [suite, Suite::AeadAes256Gcm] {
        let mut clear = pair("UNENCRYPTED_SRTCP", keying(suite, 7));
        let mut normal = Pair::new(suite);
        let protected = clear.protect_rtcp(&rtcp(1)).unwrap();
        assert_eq!(protected[..36], rtcp(1));
        assert_eq!(normal.unprotect_rtcp(&protected), Err(Error::EncryptionMismatch));
        assert_eq!(clear.unprotect_rtcp(&protected).unwrap(), rtcp(1));
        let protected = normal.protect_rtcp(&rtcp(1)).unwrap();
        assert_eq!(clear.unprotect_rtcp(&protected), Err(Error::EncryptionMismatch));
    }
}

// R: MED-03
#[test]
fn debug_output_holds_no_key() {
    let keying = keying(Suite::AesCm128HmacSha1_80, 7);
    let printed = format!("{keying:?}");
    assert!(printed.contains("MasterKey(..)"), "{printed}");
    assert!(!printed.contains("10, 13, 16"), "{printed}");
}
