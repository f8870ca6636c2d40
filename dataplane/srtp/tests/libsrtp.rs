//! The same verdicts and the same octets as libsrtp.

mod common;

use common::traffic::{Dice, Packet, Streams, wire};
use common::{backends, key_salt, keying, rtcp};
use libsrtp::{CryptoPolicy, Session, StreamPolicy};
use proptest::prelude::*;
use ringfence_srtp::{
    BackendChoice, Config, Direction, Error, Job, MAX_TRAILER, SessionId, Srtp, Suite,
};

/// The suites both know, with libsrtp's policies for RTP and RTCP.
///
/// Without AES-192: libsrtp derives its session keys with AES-256 (`srtp_stream_init_keys`: "TODO:
/// kdf algorithm … should be part of srtp_policy_t"), which RFC 6188 §2 and its example §7.4
/// contradict.
fn common_suites() -> [(Suite, CryptoPolicy, CryptoPolicy); 6] {
    let [cm_128, cm_256] =
        [CryptoPolicy::aes_cm_128_hmac_sha1_80(), CryptoPolicy::aes_cm_256_hmac_sha1_80()];
    let [gcm_128, gcm_256] =
        [CryptoPolicy::aes_gcm_128_16_auth(), CryptoPolicy::aes_gcm_256_16_auth()];
    [
        (Suite::AesCm128HmacSha1_80, cm_128, cm_128),
        (Suite::AesCm128HmacSha1_32, CryptoPolicy::aes_cm_128_hmac_sha1_32(), cm_128),
        (Suite::AesCm256HmacSha1_80, cm_256, cm_256),
        (Suite::AesCm256HmacSha1_32, CryptoPolicy::aes_cm_256_hmac_sha1_32(), cm_256),
        (Suite::AeadAes128Gcm, gcm_128, gcm_128),
        (Suite::AeadAes256Gcm, gcm_256, gcm_256),
    ]
}

/// A session of ours beside one of libsrtp.
struct Both {
    srtp: Srtp,
    outbound: SessionId,
    inbound: SessionId,
    peer_outbound: Session,
    peer_inbound: Session,
}

/// What both say of a packet.
#[derive(Debug, PartialEq)]
enum Verdict {
    Good(Vec<u8>),
    Replayed,
    TooOld,
    Refused,
}

impl Both {
    fn new(
        (suite, rtp, rtcp): (Suite, CryptoPolicy, CryptoPolicy),
        backend: BackendChoice,
        window: u16,
    ) -> Self {
        let key = &key_salt(suite, 3);
        let policy =
            || StreamPolicy { rtp, rtcp, key, window_size: window.into(), ..Default::default() };
        let keying = keying(suite, 3).with_window(window).unwrap();
        let mut srtp = Srtp::new(Config { backend, ..Config::default() });
        Self {
            outbound: srtp.insert(Direction::Outbound, &keying).unwrap(),
            inbound: srtp.insert(Direction::Inbound, &keying).unwrap(),
            srtp,
            peer_outbound: Session::with_outbound_template(policy()).unwrap(),
            peer_inbound: Session::with_inbound_template(policy()).unwrap(),
        }
    }

    /// Ours, in bursts of any size.
    fn ours(
        &mut self,
        dice: &mut Dice,
        session: SessionId,
        packets: &[Packet],
        transform: fn(&mut Srtp, &mut [Job<'_>]),
    ) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        let mut rest = packets;
        while !rest.is_empty() {
            let (now, later) = rest.split_at((1 + dice.below(80)).min(rest.len()));
            let mut buffers: Vec<_> =
                now.iter().map(|packet| [&packet.octets[..], &[0; MAX_TRAILER]].concat()).collect();
            let mut jobs: Vec<_> = buffers
                .iter_mut()
                .map(|buffer| {
                    let len = buffer.len() - MAX_TRAILER;
                    Job::new(session, buffer, len)
                })
                .collect();
            transform(&mut self.srtp, &mut jobs);
            verdicts.extend(jobs.iter().map(|job| match job.result {
                Ok(()) => Verdict::Good(job.packet[..job.len].to_vec()),
                Err(Error::Replayed) => Verdict::Replayed,
                Err(Error::TooOld) => Verdict::TooOld,
                Err(_) => Verdict::Refused,
            }));
            rest = later;
        }
        verdicts
    }
}

fn theirs(
    session: &mut Session,
    packets: &[Packet],
    transform: fn(&mut Session, &mut Vec<u8>) -> Result<(), libsrtp::Error>,
) -> Vec<Verdict> {
    let verdict = |packet: &Packet| {
        let mut octets = packet.octets.clone();
        match transform(session, &mut octets) {
            Ok(()) => Verdict::Good(octets),
            Err(libsrtp::Error::REPLAY_FAIL) => Verdict::Replayed,
            Err(libsrtp::Error::REPLAY_OLD) => Verdict::TooOld,
            Err(_) => Verdict::Refused,
        }
    };
    packets.iter().map(verdict).collect()
}

fn insist(what: &str, packets: &[Packet], ours: &[Verdict], theirs: &[Verdict]) -> Vec<Packet> {
    for ((packet, ours), theirs) in packets.iter().zip(ours).zip(theirs) {
        // libsrtp does not look at the version, and may see a replay before it sees a bad length.
        let malformed = *ours == Verdict::Refused && !matches!(theirs, Verdict::Good(_));
        assert!(ours == theirs || malformed, "{what}: {packet:02x?}\n{ours:?}\n{theirs:?}");
    }
    let octets = ours.iter().filter_map(|verdict| match verdict {
        Verdict::Good(octets) => Some(octets.clone()),
        _ => None,
    });
    octets.map(|octets| Packet { session: 0, octets }).collect()
}

fn scenario(seed: u64, rounds: usize) {
    let dice = &mut Dice::new(seed);
    let suite = dice.pick(&common_suites());
    let backend = dice.pick(&backends());
    let mut both = Both::new(suite, backend, dice.pick(&[128, 256, 1024]));
    let what = format!("{} {}", suite.0, backend.name());
    let mut streams = Streams::new(dice, 1);

    // libsrtp counts SRTCP from 1, we from 0 as RFC 3711 §3.2.1 says.
    let report = [Packet { session: 0, octets: rtcp(0) }];
    both.ours(dice, both.outbound, &report, Srtp::protect_rtcp);
    for _ in 0..rounds {
        let plain = streams.next(dice, 100);
        let ours = both.ours(dice, both.outbound, &plain, Srtp::protect_rtp);
        let peer =
            theirs(&mut both.peer_outbound, &plain, |session, octets| session.protect(octets));
        let protected = insist(&what, &plain, &ours, &peer);

        let wired = wire(dice, &protected);
        let ours = both.ours(dice, both.inbound, &wired, Srtp::unprotect_rtp);
        let peer =
            theirs(&mut both.peer_inbound, &wired, |session, octets| session.unprotect(octets));
        insist(&what, &wired, &ours, &peer);

        let reports = vec![report[0].clone(); 4];
        let ours = both.ours(dice, both.outbound, &reports, Srtp::protect_rtcp);
        let peer = theirs(&mut both.peer_outbound, &reports, |session, octets| {
            session.protect_rtcp(octets)
        });
        let protected = insist(&what, &reports, &ours, &peer);

        let wired = wire(dice, &protected);
        let ours = both.ours(dice, both.inbound, &wired, Srtp::unprotect_rtcp);
        let peer = theirs(&mut both.peer_inbound, &wired, |session, octets| {
            session.unprotect_rtcp(octets)
        });
        insist(&what, &wired, &ours, &peer);
    }
}

// Over a million packets: 100 to protect in each round, about as many to unprotect.
proptest! {
    #![proptest_config(ProptestConfig { cases: 260, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_and_octets_are_those_of_libsrtp(seed: u64) {
        scenario(seed, 20);
    }
}
