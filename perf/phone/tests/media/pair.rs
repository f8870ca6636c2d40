//! Two telephones on a virtual clock.

use std::time::Duration;

use ringfence_phone::media::{Coding, Format, Sound, Statistics, Track, recognise};
use speech::g711::Law;
use srtp::Suite;

use crate::common::{Fate, Pair, SUITES, good, keying, mu, reception, transmission};

const SECOND: Duration = Duration::from_secs(1);

fn voices() -> [Track; 2] {
    [Track::voice(1), Track::voice(2)]
}

/// A call under keys of its own for each direction.
fn secure(suite: Suite) -> Pair {
    let mut pair = Pair::new(voices());
    pair.connect(mu(), [1, 2].map(|seed| Some(keying(suite, seed))));
    pair
}

fn statistics(pair: &Pair) -> [Statistics; 2] {
    [0, 1].map(|end: usize| pair.ends[end].session.statistics())
}

/// Whether each hears nothing but the other.
fn assert_talk(pair: &Pair) {
    for (end, other) in [(0, 1), (1, 0)] {
        let session = &pair.ends[end].session;
        let comparison = session.compare(&voices()[other]);
        let heard = comparison.heard as f64;
        assert!(heard > 0.0 && comparison.recognised as f64 >= 0.95 * heard, "{comparison}");
        let sound = recognise(&session.listen(pair.now).unwrap(), &voices());
        assert_eq!(sound, Sound::Track(voices()[other].name().to_owned()));
    }
}

#[test]
fn every_codec_carries_speech_at_its_pace() {
    for (coding, milliseconds, octets) in [
        (Coding::G711(Law::Mu), 20, 160),
        (Coding::G711(Law::A), 30, 240),
        (Coding::G711(Law::A), 10, 80),
        (Coding::Wideband, 20, 640),
        (Coding::G729, 20, 20),
    ] {
        let mut pair = Pair::new(voices());
        let format = Format { coding, milliseconds };
        pair.connect(format, [None, None]);
        pair.run(3 * SECOND - Duration::from_millis(1), good);
        let packets = 3000 / u64::from(milliseconds);
        for statistics in statistics(&pair) {
            assert_eq!(statistics.sent.packets, packets);
            assert_eq!(statistics.sent.octets, packets * octets);
            assert_eq!(
                statistics.received.octets,
                (packets - 10 / u64::from(milliseconds)) * octets
            );
            assert_eq!((statistics.received.lost, statistics.received.jitter_ms), (0, 0.0));
        }
        if coding != Coding::G729 {
            assert_talk(&pair);
        }
    }
}

// R: MED-01, MED-02
#[test]
fn each_direction_has_its_key_and_both_are_heard() {
    for suite in SUITES {
        let mut pair = secure(suite);
        pair.run(4 * SECOND, good);
        assert_talk(&pair);
        for statistics in statistics(&pair) {
            assert_eq!(statistics.sent.suite, Some(suite.name()));
            assert_eq!(statistics.received.suite, Some(suite.name()));
            assert_eq!(statistics.received.rejected, Default::default());
            assert!(statistics.received.reports > 0);
        }
        // Nothing on the wire is readable, and each packet is longer by its tag.
        let plain = Law::Mu.encode(&voices()[0].first(160));
        for packet in &pair.wire[0] {
            assert_eq!(packet.len(), 12 + 160 + suite.rtp_tag_len());
        }
        let equal = pair.wire[0][0][12..172].iter().zip(&plain).filter(|(a, b)| a == b).count();
        assert!(equal < 20, "{equal} octets are those of the speech");
    }
}

#[test]
fn losses_stragglers_and_repetitions_are_measured() {
    let mut pair = secure(Suite::AesCm128HmacSha1_32);
    let mut number = [0u32; 2];
    pair.run(10 * SECOND, |from| {
        number[from] += 1;
        let even = Duration::from_millis(10);
        match (from, number[from]) {
            (0, n) if n % 50 == 7 => Fate::Lost,
            (0, n) if n % 50 == 20 => Fate::Arrives(even + Duration::from_millis(45)),
            (0, n) if n % 50 == 30 => Fate::Twice(even),
            _ => Fate::Arrives(even),
        }
    });
    let [first, second] = statistics(&pair);
    let received = &second.received;
    assert_eq!((received.lost, received.reordered), (10, 10), "{received:?}");
    // SRTP has refused the copies before anybody counted them.
    assert_eq!((received.rejected.replayed, received.duplicated), (10, 0));
    assert!(received.jitter_ms > 0.1 && received.jitter_ms < 10.0, "{received:?}");
    assert_eq!((first.received.lost, first.received.jitter_ms), (0, 0.0));
    // The other end said so, in time for the last report.
    assert!(first.sent.lost_there.is_some_and(|lost| lost > 3), "{:?}", first.sent);
    let round_trip = first.sent.round_trip_ms.unwrap();
    assert!((19.5..20.5).contains(&round_trip), "{round_trip}");
    let latency = second.received.latency_ms.unwrap();
    assert!((10.0..12.0).contains(&latency), "{latency}");
    assert!((54.0..56.0).contains(&second.received.latency_max_ms.unwrap()));
    // Stragglers are where they belong, and each gap is as long as what is missing.
    assert!(pair.ends[1].session.compare(&voices()[0]).recognised > 7 * 8000);
}

#[test]
fn plain_repetitions_are_heard_once() {
    let mut pair = Pair::new(voices());
    pair.connect(mu(), [None, None]);
    pair.run(2 * SECOND, |_| Fate::Twice(Duration::from_millis(10)));
    let received = statistics(&pair)[1].received.clone();
    assert_eq!((received.packets, received.duplicated), (100, 100), "{received:?}");
    assert_talk(&pair);
}

#[test]
fn what_is_not_authentic_is_not_heard() {
    // The wrong key, and no key at all.
    for wrong in [Some(keying(Suite::AesCm128HmacSha1_32, 9)), None] {
        let mut pair = secure(Suite::AesCm128HmacSha1_32);
        let to = pair.ends[1].at;
        pair.ends[0].session.transmit(pair.now, &transmission(mu(), wrong, to));
        pair.run(2 * SECOND, good);
        let received = statistics(&pair)[1].received.clone();
        assert_eq!((received.packets, received.source), (0, None), "{received:?}");
        assert!(received.rejected.authentication >= 99, "{received:?}");
        assert!(pair.ends[1].session.recorded().is_empty());
        assert_eq!(pair.ends[1].session.listen(pair.now), None);
    }
}

#[test]
fn an_encrypted_stream_read_as_a_plain_one_is_noise() {
    let mut pair = secure(Suite::AesCm128HmacSha1_80);
    pair.ends[1].session.open(&reception(mu(), None));
    pair.run(2 * SECOND, good);
    let session = &pair.ends[1].session;
    assert_eq!(session.compare(&voices()[0]).recognised, 0);
    let heard = session.listen(pair.now).unwrap();
    assert_eq!(recognise(&heard, &voices()), Sound::Other);
}

// R: MED-03
#[test]
fn a_direction_that_ended_takes_its_key_along() {
    let mut pair = secure(Suite::AesCm128HmacSha1_32);
    pair.run(SECOND, good);
    let before = pair.wire.clone().map(|packets| packets.len());
    for end in &mut pair.ends {
        end.session.stop(pair.now);
    }
    pair.run(SECOND, good);
    // A BYE goes, and nothing more.
    assert_eq!(pair.wire.clone().map(|packets| packets.len()), before);
    for end in &mut pair.ends {
        assert!(!end.session.is_over());
        end.session.close();
        assert!(end.session.is_over());
    }
    let received = statistics(&pair).map(|statistics| statistics.received);
    // What still comes is not heard: there is no key any more.
    let (now, from) = (pair.now, pair.ends[0].at);
    let mut late = pair.wire[0].last().unwrap().clone();
    let channel = ringfence_phone::media::Channel::Rtp;
    assert_eq!(pair.ends[1].session.handle(now, channel, from, &mut late), None);
    assert_eq!(statistics(&pair).map(|statistics| statistics.received), received);
    assert!(received.iter().all(|received| received.packets == before[0] as u64));

    // Resumed under new keys: another SSRC, and what was sent before is refused.
    pair.connect(mu(), [3, 4].map(|seed| Some(keying(Suite::AesCm128HmacSha1_32, seed))));
    let ssrc = |packet: &[u8]| packet[8..12].to_vec();
    let mut old = pair.wire[0][20].clone();
    pair.run(SECOND, good);
    assert_ne!(ssrc(pair.wire[0].last().unwrap()), ssrc(&old));
    let (now, from) = (pair.now, pair.ends[0].at);
    pair.ends[1].session.handle(now, channel, from, &mut old);
    let received = statistics(&pair)[1].received.clone();
    assert_eq!((received.packets, received.rejected.authentication), (50, 1), "{received:?}");
}

#[test]
fn a_bridge_lets_three_hear_each_other() {
    // The first end of each pair is the same telephone, which joins both streams.
    let third = Track::tone(600);
    let mut talk = Pair::new([Track::silence(), Track::tone(440)]);
    let mut barge = Pair::new([Track::silence(), third]);
    for pair in [&mut talk, &mut barge] {
        pair.connect(mu(), [None, None]);
    }
    let step = Duration::from_millis(20);
    for _ in 0..100 {
        let newest = [&talk, &barge].map(|pair| {
            let heard = pair.ends[0].session.listen(pair.now).unwrap_or_default();
            heard[heard.len().saturating_sub(160)..].to_vec()
        });
        talk.ends[0].session.mix(&newest[1]);
        barge.ends[0].session.mix(&newest[0]);
        talk.run(step, good);
        barge.run(step, good);
    }
    let hears = |pair: &Pair| recognise(&pair.ends[1].session.listen(pair.now).unwrap(), &[]);
    assert_eq!(hears(&talk), Sound::Tone(vec![600]));
    assert_eq!(hears(&barge), Sound::Tone(vec![440]));
}

#[test]
fn a_stalled_telephone_goes_on_without_a_burst() {
    let mut pair = Pair::new(voices());
    pair.connect(mu(), [None, None]);
    pair.run(SECOND, good);
    pair.now += 3 * SECOND;
    let before = pair.wire[0].len();
    pair.run(Duration::from_millis(1), good);
    let burst = pair.wire[0].len() - before;
    assert!(burst <= 6, "{burst} packets at once");
    let sent = statistics(&pair)[0].sent.clone();
    assert!(sent.missed >= 144, "{sent:?}");
    // The clock of the timestamps has gone on.
    pair.run(SECOND, good);
    assert_eq!(statistics(&pair)[1].received.lost, 0);
    assert!(pair.ends[1].session.compare(&voices()[0]).recognised > 8000);
}

#[test]
fn silence_and_nothing_are_told_apart() {
    let mut pair = Pair::new([Track::silence(), Track::voice(2)]);
    pair.connect(mu(), [None, None]);
    pair.run(2 * SECOND, good);
    let now = pair.now;
    let listen = |pair: &Pair, end: usize| pair.ends[end].session.listen(now);
    assert_eq!(recognise(&listen(&pair, 1).unwrap(), &voices()), Sound::Silence);
    assert_eq!(
        recognise(&listen(&pair, 0).unwrap(), &voices()),
        Sound::Track("voice:2".to_owned())
    );
    pair.run(SECOND, |_| Fate::Lost);
    assert_eq!(pair.ends[0].session.listen(pair.now), None);
}
