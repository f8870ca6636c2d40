//! Links: two neighbours, a router, and somebody who lies.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use esp::AddressRange;
use ringfence_stack::{Link, LinkConfig};
use wire::ethernet::{self, MacAddr, VlanTag};

const MACS: [MacAddr; 2] = [MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2, 0, 0, 0, 0, 2])];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn link(end: usize) -> Link {
    let addresses = [["192.0.2.1", "2001:db8::1"], ["192.0.2.2", "2001:db8::2"]][end];
    Link::new(LinkConfig {
        mac: MACS[end],
        tags: [Some(VlanTag { protocol: ethernet::VLAN, control: 7 }), None],
        addresses: addresses.map(ip).to_vec(),
        networks: vec![
            AddressRange::network(ip("192.0.2.0"), 24).unwrap(),
            AddressRange::network(ip("2001:db8::"), 64).unwrap(),
        ],
        gateways: vec![ip("192.0.2.2")],
    })
}

fn packet(from: &str, to: &str, word: &[u8; 4]) -> Vec<u8> {
    let header = wire::ip::Header {
        source: ip(from),
        destination: ip(to),
        protocol: 17,
        traffic_class: 0,
        hops: 9,
        payload_len: 4,
    };
    let mut packet = vec![0; header.len()];
    header.emit(&mut packet);
    packet.extend_from_slice(word);
    packet
}

/// Lets frames go to and fro until nobody has any; the packets that came to each end.
fn settle(now: Instant, links: &mut [Link; 2]) -> [Vec<Vec<u8>>; 2] {
    let mut came = [Vec::new(), Vec::new()];
    loop {
        let mut quiet = true;
        for from in [0, 1] {
            while let Some(frame) = links[from].poll_output() {
                quiet = false;
                let content = links[1 - from].input(now, &frame);
                came[1 - from].extend(content.map(<[u8]>::to_vec));
            }
        }
        if quiet {
            return came;
        }
    }
}

#[test]
fn neighbours_are_asked_once_and_reached() {
    for (ours, theirs) in [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")] {
        let (now, mut links) = (Instant::now(), [link(0), link(1)]);
        let words = [b"one ", b"two ", b"last"].map(|word| packet(ours, theirs, word));
        links[0].output(now, words[0].clone());
        links[0].output(now, words[1].clone());
        let [_, came] = settle(now, &mut links);
        assert_eq!(came, words[..2]);
        assert_eq!(links[1].counters().answered, 1);
        links[0].output(now, words[2].clone());
        let frame = links[0].poll_output().unwrap();
        let header = ethernet::Header::parse(&frame).unwrap();
        assert_eq!((header.source, header.destination), (MACS[0], MACS[1]));
        assert_eq!(links[1].input(now, &frame), Some(&words[2][..]));
        assert_eq!(links[0].poll_timeout(), None);
    }
}

#[test]
fn what_is_far_goes_to_the_router() {
    let (now, mut links) = (Instant::now(), [link(0), link(1)]);
    let far = packet("192.0.2.1", "198.51.100.9", b"far ");
    links[0].output(now, far.clone());
    let [_, came] = settle(now, &mut links);
    assert_eq!(came, [far]);
    links[0].output(now, packet("2001:db8::1", "2001:db8:1::9", b"lost"));
    assert_eq!(links[0].counters().unroutable, 1);
    links[0].output(now, vec![0x45]);
    assert_eq!(links[0].counters().unroutable, 2);
}

#[test]
fn who_does_not_answer_is_asked_three_times() {
    let (mut now, mut links) = (Instant::now(), [link(0), link(1)]);
    for word in [b"one ", b"two "] {
        links[0].output(now, packet("192.0.2.1", "192.0.2.77", word));
    }
    let mut asked = 0;
    while let Some(due) = links[0].poll_timeout() {
        asked += std::iter::from_fn(|| links[0].poll_output()).count();
        now = due;
        links[0].handle_timeout(now);
    }
    assert_eq!((asked, links[0].counters().unreachable), (3, 2));
    // Memory is bounded, however many are looked for.
    for number in 0..2000u32 {
        let to = format!("192.0.2.{}", number % 200 + 50);
        links[0].output(now, packet("192.0.2.1", &to, b"scan"));
    }
    assert!(std::iter::from_fn(|| links[0].poll_output()).count() <= 200);
}

/// A neighbour that is old is asked again while packets go on to it.
#[test]
fn old_addresses_are_asked_for_again() {
    let (now, mut links) = (Instant::now(), [link(0), link(1)]);
    let say = |links: &mut [Link; 2], now| {
        links[0].output(now, packet("192.0.2.1", "192.0.2.2", b"word"));
        settle(now, links)[1].len()
    };
    assert_eq!(say(&mut links, now), 1);
    let later = now + Duration::from_secs(61);
    assert_eq!(say(&mut links, later), 1);
    assert_eq!(links[1].counters().answered, 2);
    // Nobody there any more: asked three times, then forgotten.
    let mut now = later + Duration::from_secs(61);
    links[0].output(now, packet("192.0.2.1", "192.0.2.2", b"gone"));
    while let Some(due) = links[0].poll_timeout() {
        now = due;
        links[0].handle_timeout(now);
    }
    while links[0].poll_output().is_some() {}
    links[0].output(now, packet("192.0.2.1", "192.0.2.2", b"back"));
    assert_eq!(links[0].poll_output().map(|frame| frame[..6].to_vec()), Some(vec![0xff; 6]));
}

/// Whoever says unasked where an address is, is not believed.
#[test]
fn unasked_answers_change_nothing() {
    let (now, mut links) = (Instant::now(), [link(0), link(1)]);
    // What the neighbour would answer, seen by a liar who replays it under another address.
    links[0].output(now, packet("192.0.2.1", "192.0.2.2", b"word"));
    let question = links[0].poll_output().unwrap();
    links[1].input(now, &question);
    let answer = links[1].poll_output().unwrap();
    let mut lie = answer.clone();
    let mac_at = lie.windows(6).rposition(|part| part == MACS[1].0).unwrap();
    lie[mac_at + 5] = 0x66;
    links[0].input(now, &answer);
    assert!(links[0].poll_output().is_some());
    links[0].input(now, &lie);
    links[0].output(now, packet("192.0.2.1", "192.0.2.2", b"word"));
    assert_eq!(links[0].poll_output().unwrap()[..6], MACS[1].0);
}

#[test]
fn frames_of_others_are_counted_and_cut_ones_do_no_harm() {
    let (now, mut links) = (Instant::now(), [link(0), link(1)]);
    for to in ["192.0.2.2", "2001:db8::2"] {
        let from = if to.contains(':') { "2001:db8::1" } else { "192.0.2.1" };
        links[0].output(now, packet(from, to, b"word"));
        let question = links[0].poll_output().unwrap();
        for len in 0..question.len() {
            links[1].input(now, &question[..len]);
            assert_eq!(links[1].poll_output(), None, "{len}");
        }
        links[1].input(now, &question);
        assert!(links[1].poll_output().is_some());
        let before = links[1].counters().not_ours;
        let mut tagged = question.clone();
        tagged[15] = 8;
        links[1].input(now, &tagged);
        let mut to_another = question;
        to_another[..6].copy_from_slice(&[2, 0, 0, 0, 0, 9]);
        links[1].input(now, &to_another);
        assert_eq!(links[1].counters().not_ours, before + 2);
        assert_eq!(links[1].poll_output(), None);
    }
}
