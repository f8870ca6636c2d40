//! Conferences on a virtual clock: who hears whom, how well, and what strangers can do.

use std::time::Duration;

use crate::hall::{FRAME, Hall, Voice, packet, phone, receive, transmit};
use callmanager::switchboard::{MediaCommand, MediaPort};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use ringfence_mediaresources::music::Music;
use ringfence_mediaresources::resources::{Channel, Limits};
use speech::g711::Law;
use speech::{compare, speak, tone};

const TONES: [f64; 3] = [440.0, 660.0, 1000.0];

fn hall() -> Hall {
    Hall::new(Music::melody(), Limits::default())
}

fn join(hall: &mut Hall, call: u32, n: u16, law: Law) {
    hall.order(MediaPort::Bridge, call, n.into(), receive(law));
    hall.order(MediaPort::Bridge, call, n.into(), transmit(law, phone(n)));
}

fn leave(hall: &mut Hall, call: u32, n: u16) {
    hall.order(MediaPort::Bridge, call, n.into(), MediaCommand::CloseReceive);
    hall.order(MediaPort::Bridge, call, n.into(), MediaCommand::StopTransmit);
}

/// All speak for so long; packet by packet, each at a moment of its own.
fn talk(hall: &mut Hall, voices: &mut [(u16, Voice)], duration: Duration) {
    for ms in 0..duration.as_millis() {
        hall.step();
        for (n, voice) in &mut *voices {
            if ms % 20 == u128::from(*n * 7 % 20) {
                let packet = voice.packet();
                hall.hear((*n).into(), Channel::Rtp, voice.address, &packet);
            }
        }
    }
}

/// Whoever has a tone is heard by all others with it, and not by himself.
#[test]
fn each_hears_all_others_and_not_himself() {
    let mut hall = hall();
    // µ-law and A-law in one conference.
    let laws = [Law::Mu, Law::A, Law::Mu];
    let mut voices: Vec<(u16, Voice)> = Vec::new();
    for (n, (law, frequency)) in (1..).zip(laws.into_iter().zip(TONES)) {
        join(&mut hall, 9, n, law);
        voices.push((n, Voice::new(phone(n), law, tone::sine(frequency, 6000.0, 16_000))));
    }
    // Another conference beside it is not heard.
    join(&mut hall, 10, 4, Law::Mu);
    voices.push((4, Voice::new(phone(4), Law::Mu, tone::sine(2000.0, 6000.0, 16_000))));
    talk(&mut hall, &mut voices, Duration::from_secs(2));
    for n in 1..=3 {
        let heard = &hall.heard_at(phone(n))[4000..12_000];
        for (speaker, frequency) in (1..).zip(TONES) {
            let level = tone::level(heard, frequency);
            if speaker == n {
                // G.711 costs each voice about a hundredth.
                assert!(level < 60.0, "{n} hears himself at {level}");
            } else {
                assert!((level - 6000.0).abs() < 150.0, "{n} hears {speaker} at {level}");
            }
        }
        assert!(tone::level(heard, 2000.0) < 20.0, "another conference");
    }
    assert!(tone::loudness(&hall.heard_at(phone(4))) < 10.0, "alone, one hears nothing");
}

#[test]
fn those_who_come_are_heard_and_those_who_go_are_not() {
    let mut hall = hall();
    let voice = |n: u16| {
        (n, Voice::new(phone(n), Law::Mu, tone::sine(TONES[usize::from(n) - 1], 6000.0, 1 << 17)))
    };
    let mut voices = vec![voice(1), voice(2)];
    join(&mut hall, 1, 1, Law::Mu);
    join(&mut hall, 1, 2, Law::Mu);
    talk(&mut hall, &mut voices, Duration::from_secs(1));
    join(&mut hall, 1, 3, Law::Mu);
    voices.push(voice(3));
    talk(&mut hall, &mut voices, Duration::from_secs(1));
    leave(&mut hall, 1, 2);
    voices.remove(1);
    talk(&mut hall, &mut voices, Duration::from_secs(1));
    let heard = hall.heard_at(phone(1));
    let levels = |second: usize| {
        TONES.map(|f| (tone::level(&heard[second * 8000 + 2000..][..5000], f) / 1000.0).round())
    };
    assert_eq!([levels(0), levels(1), levels(2)], [[0., 6., 0.], [0., 6., 6.], [0., 0., 6.]]);
    assert_eq!(hall.resources.statistics().speakers, 2);
    leave(&mut hall, 1, 1);
    leave(&mut hall, 1, 3);
    assert!(hall.open.is_empty() && hall.resources.next_timeout().is_none());
    assert_eq!(hall.resources.statistics().conferences, 0);
}

#[test]
fn many_loud_voices_are_not_clipped() {
    let mut hall = hall();
    let mut voices: Vec<(u16, Voice)> = Vec::new();
    for n in 1..=9 {
        join(&mut hall, 1, n, Law::Mu);
        let frequency = 200.0 + 100.0 * f64::from(n);
        voices.push((n, Voice::new(phone(n), Law::Mu, tone::sine(frequency, 20_000.0, 24_000))));
    }
    talk(&mut hall, &mut voices, Duration::from_secs(3));
    let heard = &hall.heard_at(phone(1))[8000..16_000];
    let own = tone::level(heard, 300.0);
    let others: Vec<f64> =
        (2..=9).map(|n| tone::level(heard, 200.0 + 100.0 * f64::from(n))).collect();
    let [least, most] = [f64::min, f64::max].map(|f| others.iter().copied().reduce(f).unwrap());
    assert!(most < 1.1 * least && least > 3000.0, "{others:?}");
    // Clipping would make sums and differences of the tones, which fill gaps of the spectrum.
    let between = tone::level(heard, 1150.0);
    assert!(own < 0.05 * least && between < 0.05 * least, "{own}, {between} of {least}");
}

#[test]
fn speech_survives_a_bad_network() {
    let mut rng = StdRng::seed_from_u64(7);
    let mut hall = hall();
    join(&mut hall, 1, 1, Law::Mu);
    join(&mut hall, 1, 2, Law::A);
    let said = speak(5, 20);
    let mut voice = Voice::new(phone(1), Law::Mu, said.clone());
    // Up to 50 ms late, so that packets overtake each other; doubled ones, and 2 % lost.
    let mut under_way: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut lost = 0;
    for ms in 0..21_000 {
        hall.step();
        if ms % 20 == 3 {
            let packet = voice.packet();
            match rng.random_range(0..100) {
                0..2 => lost += 1,
                2..5 => under_way.extend([5, 30].map(|late| (ms + late, packet.clone()))),
                _ => under_way.push((ms + rng.random_range(0..50), packet)),
            }
        }
        for (_, packet) in under_way.extract_if(.., |(due, _)| *due <= ms) {
            hall.hear(1, Channel::Rtp, voice.address, &packet);
        }
    }
    let heard = hall.heard_at(phone(2));
    let comparison = compare(&said, &heard);
    let statistics = hall.resources.statistics();
    // What is lost in a pause is not missed.
    assert!(lost > 5 && 2 * statistics.concealed > lost, "{lost}, {statistics:?}");
    // A lost packet costs the block it is in and at most one beside it.
    assert!(comparison.recognised as f64 > 0.85 * said.len() as f64, "{comparison}");
    assert!(statistics.late < 30, "{statistics:?}");
}

#[test]
fn a_telephone_whose_clock_is_wrong_is_heard_on_and_on() {
    for fast in [true, false] {
        let mut hall = hall();
        join(&mut hall, 1, 1, Law::Mu);
        join(&mut hall, 1, 2, Law::Mu);
        let mut voice = Voice::new(phone(1), Law::Mu, tone::sine(440.0, 6000.0, 8000 * 130));
        // Half a per mille off, for two minutes: 60 ms in all.
        let period = if fast { 19_990 } else { 20_010 };
        let mut next = 0;
        for us in (0..120_000_000).step_by(1000) {
            hall.step();
            if us >= next {
                next += period;
                let packet = voice.packet();
                hall.hear(1, Channel::Rtp, voice.address, &packet);
            }
        }
        let statistics = hall.resources.statistics();
        assert!(statistics.late < 12 && statistics.concealed < 12, "{fast}: {statistics:?}");
        let heard = hall.heard_at(phone(2));
        for second in heard.chunks_exact(8000).skip(1) {
            let level = tone::level(second, 440.0);
            assert!((5500.0..6500.0).contains(&level), "{fast}: {level}");
        }
    }
}

#[test]
fn strangers_are_not_heard() {
    let mut hall = hall();
    join(&mut hall, 1, 1, Law::Mu);
    join(&mut hall, 1, 2, Law::Mu);
    let mut voice = Voice::new(phone(1), Law::Mu, tone::sine(440.0, 6000.0, 80_000));
    let mut noise = Voice::new(phone(3), Law::Mu, tone::sine(1000.0, 6000.0, 80_000));
    // From elsewhere; then from the telephone's address, from another port and as another source.
    let other_port = std::net::SocketAddr::new(phone(1).ip(), 5);
    let sources = [(phone(3), 3), (other_port, 3), (phone(1), 3)];
    for n in 0..150 {
        (0..20).for_each(|_| hall.step());
        let packet = voice.packet();
        hall.hear(1, Channel::Rtp, voice.address, &packet);
        let (from, ssrc) = sources[n / 50];
        noise.ssrc = ssrc;
        let packet = noise.packet();
        hall.hear(1, Channel::Rtp, from, &packet);
    }
    let heard = &hall.heard_at(phone(2))[4000..20_000];
    assert!(tone::level(heard, 440.0) > 5800.0 && tone::level(heard, 1000.0) < 20.0);
    assert_eq!(hall.resources.statistics().from_strangers, 150);
    // The telephone is silent and begins anew, from another port: that is believed.
    (0..300).for_each(|_| hall.step());
    voice.address.set_port(30_000);
    voice.ssrc = 77;
    for _ in 0..50 {
        (0..20).for_each(|_| hall.step());
        let packet = voice.packet();
        hall.hear(1, Channel::Rtp, voice.address, &packet);
    }
    let heard = hall.heard_at(phone(2));
    assert!(tone::level(&heard[heard.len() - 6000..], 440.0) > 5800.0);
}

#[test]
fn nobody_is_heard_before_it_is_known_where_he_is() {
    let mut hall = hall();
    join(&mut hall, 1, 1, Law::Mu);
    hall.order(MediaPort::Bridge, 1, 2, receive(Law::Mu));
    let mut voice = Voice::new(phone(2), Law::Mu, tone::sine(440.0, 6000.0, 8000));
    for _ in 0..10 {
        (0..20).for_each(|_| hall.step());
        let packet = voice.packet();
        hall.hear(2, Channel::Rtp, phone(2), &packet);
    }
    assert!(tone::loudness(&hall.heard_at(phone(1))) < 10.0);
    assert_eq!(hall.resources.statistics().from_strangers, 10);
}

#[test]
fn packets_that_are_no_speech_are_counted_by_what_they_are() {
    let mut hall = hall();
    join(&mut hall, 1, 1, Law::Mu);
    let mut say = |bytes: &[u8]| hall.hear(1, Channel::Rtp, phone(1), bytes);
    say(&[]);
    say(&[0x80; 11]);
    let good = packet(Law::Mu, 1, 0, 1, &[0; FRAME]);
    let with = |at: usize, octet: u8| {
        let mut bytes = good.clone();
        bytes[at] = octet;
        bytes
    };
    // No padding of no octets, none longer than the payload.
    let mut padded = with(0, 0xa0);
    *padded.last_mut().unwrap() = 0;
    say(&padded);
    *padded.last_mut().unwrap() = 200;
    say(&padded);
    *padded.last_mut().unwrap() = 80;
    say(&padded);
    say(&with(1, 101));
    say(&packet(Law::Mu, 1, 0, 1, &[0; 481]));
    say(&packet(Law::Mu, 1, 0, 1, &[]));
    hall.hear(1, Channel::Rtcp, phone(1), &[0x80, 201, 0, 1, 0, 0, 0, 1]);
    hall.hear(1, Channel::Rtcp, phone(1), &[0x80, 201, 0, 2, 0, 0, 0, 1]);
    let statistics = hall.resources.statistics();
    assert_eq!((statistics.malformed, statistics.no_speech, statistics.heard), (5, 3, 2));
}

#[test]
fn reports_say_how_well_a_telephone_is_heard() {
    let mut hall = hall();
    join(&mut hall, 1, 1, Law::Mu);
    let mut voice = Voice::new(phone(1), Law::Mu, Vec::new());
    for n in 0..750 {
        (0..20).for_each(|_| hall.step());
        let packet = voice.packet();
        if n % 4 != 1 {
            hall.hear(1, Channel::Rtp, voice.address, &packet);
        }
    }
    leave(&mut hall, 1, 1);
    let mut rtcp = phone(1);
    rtcp.set_port(rtcp.port() + 1);
    let reports: Vec<&[u8]> = hall.sent[&rtcp].iter().map(|(_, sent)| &sent.bytes[..]).collect();
    assert!((2..=7).contains(&(reports.len() - 1)), "{} in 15 s", reports.len());
    for report in &reports[..reports.len() - 1] {
        // A sender report of one block about the telephone: a quarter was lost.
        assert_eq!((report[0], report[1]), (0x81, 200));
        assert_eq!(report[28..32], voice.ssrc.to_be_bytes());
        assert!((60..=68).contains(&report[32]), "{}", report[32]);
    }
    let bye = reports.last().unwrap();
    assert_eq!(bye[bye.len() - 7], 203);
}
