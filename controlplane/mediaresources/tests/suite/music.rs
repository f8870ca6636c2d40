//! Music on hold on a virtual clock, and what is refused.

use std::time::Duration;

use crate::hall::{FRAME, Hall, phone, receive, transmit};
use callmanager::codec::Codec;
use callmanager::keys::StreamKeys;
use callmanager::switchboard::{MediaCommand, MediaPort, MediaRefused, Sends, StreamId};
use ringfence_mediaresources::music::Music;
use ringfence_mediaresources::resources::{Channel, Limits};
use speech::g711::Law;
use speech::{compare, speak};
use wire::rtp::Packet;

/// Everybody hears the music from its beginning, in his own law, at exactly 50 packets a second.
#[test]
fn music_is_heard_from_its_beginning_and_again() {
    let music = speak(3, 2);
    let mut hall = Hall::new(Music::new(&music), Limits::default());
    for n in 1..=20 {
        (0..7).for_each(|_| hall.step());
        let law = if n % 2 == 0 { Law::A } else { Law::Mu };
        hall.order(MediaPort::Music, 5, n.into(), transmit(law, phone(n)));
    }
    (0..5000).for_each(|_| hall.step());
    for n in 1..=20 {
        let sent = &hall.sent[&phone(n)];
        let parsed: Vec<Packet<'_>> =
            sent.iter().map(|(_, sent)| Packet::new_checked(&sent.bytes).unwrap()).collect();
        assert!(parsed[0].marker() && parsed[1..].iter().all(|packet| !packet.marker()));
        for (pair, times) in parsed.windows(2).zip(sent.windows(2)) {
            assert_eq!(pair[1].seq_no().0, pair[0].seq_no().0.wrapping_add(1));
            assert_eq!(pair[1].timestamp(), pair[0].timestamp().wrapping_add(160));
            assert_eq!(pair[1].ssrc(), pair[0].ssrc());
            // The first one is sent as soon as somebody looks.
            let apart = times[1].0 - times[0].0;
            assert!(apart == Duration::from_millis(20) || pair[0].marker(), "{apart:?}");
        }
        let heard = hall.heard_at(phone(n));
        assert!(compare(&music, &heard[..music.len()]).is_same(), "{n}");
        assert!(compare(&music, &heard[music.len()..2 * music.len()]).is_same(), "{n}, again");
    }
    let mut sources: Vec<u32> = hall
        .sent
        .values()
        .map(|sent| &sent[0].1)
        .filter(|packet| packet.channel == Channel::Rtp)
        .map(|packet| Packet::new_checked(&packet.bytes).unwrap().ssrc().0)
        .collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!(sources.len(), 20, "each stream is a source of its own");

    for n in 1..=20 {
        hall.order(MediaPort::Music, 5, n, MediaCommand::StopTransmit);
    }
    assert!(hall.open.is_empty() && hall.resources.next_timeout().is_none());
}

#[test]
fn the_packets_of_many_do_not_leave_at_once() {
    let mut hall = Hall::new(Music::melody(), Limits::default());
    for n in 1..=40 {
        hall.order(MediaPort::Music, 5, n.into(), transmit(Law::Mu, phone(n)));
    }
    for _ in 0..200 {
        let before: usize = hall.sent.values().map(Vec::len).sum();
        hall.step();
        let after: usize = hall.sent.values().map(Vec::len).sum();
        assert!(after - before <= 10, "{}", after - before);
    }
}

/// After a while in which the machine did nothing, time has passed but nothing is sent late.
#[test]
fn what_is_overdue_is_left_out() {
    let mut hall = Hall::new(Music::melody(), Limits::default());
    hall.order(MediaPort::Music, 5, 1, transmit(Law::Mu, phone(1)));
    (0..100).for_each(|_| hall.step());
    hall.now += Duration::from_secs(10);
    (0..100).for_each(|_| hall.step());
    let sent = &hall.sent[&phone(1)];
    assert!((10..=12).contains(&sent.len()), "{}", sent.len());
    let parse = |n: usize| Packet::new_checked(&sent[n].1.bytes).unwrap();
    let (first, last) = (parse(0), parse(sent.len() - 1));
    let passed = last.timestamp().wrapping_sub(first.timestamp()) as usize / FRAME;
    assert!((505..=512).contains(&passed), "{passed}");
    assert!(hall.resources.statistics().skipped >= 499);
}

// R: GEN-09
#[test]
fn no_media_resource_takes_a_key() {
    let mut hall = Hall::new(Music::melody(), Limits::default());
    let key = || Some(StreamKeys::fresh().unwrap().forth.into());
    let codec = Codec::G711_ULAW;
    hall.order(
        MediaPort::Bridge,
        1,
        1,
        MediaCommand::OpenReceive { codec, key: key(), sends: Sends::Plain },
    );
    let start = MediaCommand::StartTransmit { to: phone(2), codec, key: key() };
    hall.order(MediaPort::Music, 2, 2, start);
    let refused = MediaRefused::Encryption;
    assert_eq!(hall.refused, [(StreamId(1), refused), (StreamId(2), refused)]);
    assert!(hall.open.is_empty() && hall.resources.next_timeout().is_none());
}

#[test]
fn what_cannot_be_had_is_refused() {
    let mut hall = Hall::new(Music::melody(), Limits { streams: 5, conference: 2 });
    let wideband =
        MediaCommand::OpenReceive { codec: Codec::WIDEBAND, key: None, sends: Sends::Plain };
    hall.order(MediaPort::Bridge, 1, 1, wideband);
    for n in 2..=4 {
        hall.order(MediaPort::Bridge, 1, n, receive(Law::Mu));
    }
    // Again is not once more.
    hall.order(MediaPort::Bridge, 1, 2, receive(Law::Mu));
    for n in 5..=8 {
        hall.order(MediaPort::Music, n, n, transmit(Law::Mu, phone(1)));
    }
    let numbers: Vec<u32> = hall.refused.iter().map(|(StreamId(stream), _)| *stream).collect();
    assert_eq!(numbers, [1, 4, 8]);
    assert_eq!(hall.open.len(), 5);
    // Whoever goes makes room.
    hall.order(MediaPort::Bridge, 1, 2, MediaCommand::CloseReceive);
    hall.order(MediaPort::Bridge, 1, 4, receive(Law::A));
    assert!(hall.open.contains(&StreamId(4)) && !hall.open.contains(&StreamId(2)));
    // What is not there can be closed.
    hall.order(MediaPort::Bridge, 1, 99, MediaCommand::CloseReceive);
    hall.order(MediaPort::Bridge, 1, 99, MediaCommand::StopTransmit);
}

#[test]
fn other_music_is_heard_at_once() {
    let [first, second] = [3, 4].map(|voice| speak(voice, 2));
    let mut hall = Hall::new(Music::new(&first), Limits::default());
    hall.order(MediaPort::Music, 5, 1, transmit(Law::Mu, phone(1)));
    (0..2000).for_each(|_| hall.step());
    let before = hall.heard_at(phone(1)).len();
    hall.resources.set_music(Music::new(&second));
    (0..5000).for_each(|_| hall.step());
    let heard = hall.heard_at(phone(1));
    let other = before.next_multiple_of(second.len());
    assert!(compare(&second, &heard[other..other + second.len()]).is_same());
    assert!(!compare(&second, &heard[..before]).is_same());
}
