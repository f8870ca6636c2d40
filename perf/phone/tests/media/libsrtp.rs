//! libsrtp at the other end.

use std::time::Duration;

use libsrtp::{CryptoPolicy, Session, StreamPolicy};
use ringfence_phone::media::{Channel, Track};
use srtp::Suite;

use crate::common::{Pair, good, key_salt, keying, mu};

fn policy(suite: Suite, key: &[u8]) -> StreamPolicy<'_> {
    let whole = CryptoPolicy::aes_cm_128_hmac_sha1_80();
    let rtp = match suite {
        Suite::AesCm128HmacSha1_32 => CryptoPolicy::aes_cm_128_hmac_sha1_32(),
        _ => whole,
    };
    StreamPolicy { rtp, rtcp: whole, key, ..StreamPolicy::default() }
}

// R: MED-01, MED-02
#[test]
fn libsrtp_opens_what_a_telephone_sends_and_the_other_way_round() {
    for suite in crate::common::SUITES {
        let said = Track::voice(1);
        let mut pair = Pair::new([said.clone(), Track::voice(2)]);
        pair.connect(mu(), [1, 2].map(|seed| Some(keying(suite, seed))));
        pair.run(Duration::from_secs(2), good);

        // What is on the wire opens there.
        let key = key_salt(1);
        let mut peer = Session::with_inbound_template(policy(suite, &key)).unwrap();
        let mut heard = Vec::new();
        for packet in &pair.wire[0] {
            let mut packet = packet.clone();
            peer.unprotect(&mut packet).unwrap();
            heard.extend(speech::g711::Law::Mu.decode(&packet[12..]));
        }
        let comparison = speech::compare(&said.first(heard.len()), &heard);
        assert!(comparison.is_same(), "{comparison}");

        // And what is protected there is heard here.
        let mut pair = Pair::new([Track::silence(), Track::silence()]);
        pair.connect(mu(), [1, 2].map(|seed| Some(keying(suite, seed))));
        let key = key_salt(2);
        let mut peer = Session::with_outbound_template(policy(suite, &key)).unwrap();
        let payload = speech::g711::Law::Mu.encode(&said.first(8000));
        for (number, payload) in payload.chunks(160).enumerate() {
            let mut packet = vec![0x80, 0, 0, number as u8];
            packet.extend((160 * number as u32).to_be_bytes());
            packet.extend(0xcafe_u32.to_be_bytes());
            packet.extend(payload);
            peer.protect(&mut packet).unwrap();
            pair.now += Duration::from_millis(20);
            let (now, from) = (pair.now, pair.ends[1].at);
            pair.ends[0].session.handle(now, Channel::Rtp, from, &mut packet).unwrap();
        }
        let comparison = pair.ends[0].session.compare(&said);
        assert_eq!(comparison.recognised, 8000, "{comparison}");

        // Reports too.
        let mut report = vec![0x80, 201, 0, 1, 0, 0, 0xca, 0xfe];
        peer.protect_rtcp(&mut report).unwrap();
        let (now, from) = (pair.now, pair.ends[1].at);
        pair.ends[0].session.handle(now, Channel::Rtcp, from, &mut report);
        assert_eq!(pair.ends[0].session.statistics().received.reports, 1);
    }
}
