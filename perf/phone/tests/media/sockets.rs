//! Real sockets and the thread behind them.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use ringfence_phone::media::{
    Answer, Habits, Media, Reception, Refused, Sound, StreamId, Track, Transmission,
};
use ringfence_phone::station::{self, Order, Receive, Transmit};
use sccp::codes::{Codec, MediaStatus, ProcessingMode, SrtpAlgorithm};
use sccp::{CallRef, MasterSalt, Number, PassThruPartyId};
use srtp::{Keying, Suite};

use crate::common::{keying, mu, reception, transmission};

/// Far longer than anything takes on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn stream(phone: u32) -> StreamId {
    party(phone, 1)
}

fn party(phone: u32, party: u32) -> StreamId {
    let stream = station::StreamId { call: CallRef(7), party: PassThruPartyId(party) };
    StreamId { phone, stream }
}

fn habits(says: Track) -> Habits {
    Habits { says, records: Duration::from_secs(30), ..Habits::default() }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "{what} takes too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Opens streams for phones 2n and 2n + 1, and lets them talk.
fn call(media: &Media, at: IpAddr, number: u32, keys: [Option<Keying>; 2]) {
    let phones = [2 * number, 2 * number + 1];
    let says = |phone: u32| habits(Track::voice(u64::from(phone % 8)));
    let open = |end: usize| {
        let order: Reception = reception(mu(), keys[1 - end].clone());
        media.open(stream(phones[end]), at, &says(phones[end]), &order).unwrap()
    };
    let addresses = [open(0), open(1)];
    for end in [0, 1] {
        let order: Transmission = transmission(mu(), keys[end].clone(), addresses[1 - end]);
        let from = media.transmit(stream(phones[end]), at, &says(phones[end]), &order).unwrap();
        assert_eq!(from, addresses[end]);
    }
}

// R: MED-01, MED-02
#[test]
fn two_telephones_talk_encrypted() {
    let at = IpAddr::V4(Ipv4Addr::new(127, 77, 1, 1));
    let media = Media::start(20_000..=20_099).unwrap();
    call(&media, at, 0, [1, 2].map(|seed| Some(keying(Suite::AesCm128HmacSha1_32, seed))));
    let known = [Track::voice(0), Track::voice(1)];
    for (end, other) in [(0, 1), (1, 0)] {
        let id = stream(end);
        until("a second of speech", || media.statistics(id).received.packets >= 60);
        until("hearing it", || {
            media.hears(id, &known) == Sound::Track(known[other as usize].name().to_owned())
        });
        let statistics = media.statistics(id);
        assert_eq!(statistics.received.rejected, Default::default());
        assert_eq!(statistics.received.source.unwrap().ip(), at);
        assert_eq!(statistics.sent.failed, 0);
        until("a latency", || media.statistics(id).received.latency_ms.is_some());
    }
    for phone in [0, 1] {
        media.stop(stream(phone));
        media.close(stream(phone));
    }
    let packets = media.statistics(stream(0)).sent.packets;
    let comparison = media.compare(stream(0), &known[1]);
    assert!(comparison.recognised * 10 >= comparison.heard * 9, "{comparison}");
    assert_eq!(media.statistics(stream(0)).sent.packets, packets);
    // The ports are free again.
    until("freeing the ports", || UdpSocket::bind((at, 20_000)).is_ok());
    media.forget(stream(0));
    assert_eq!(media.statistics(stream(0)), Default::default());
}

#[test]
fn ports_run_out_and_come_back() {
    let at = IpAddr::V4(Ipv4Addr::new(127, 77, 1, 2));
    let media = Media::start(20_000..=20_003).unwrap();
    let order = reception(mu(), None);
    for phone in 0..2 {
        media.open(stream(phone), at, &Habits::default(), &order).unwrap();
    }
    let refused = media.open(stream(2), at, &Habits::default(), &order).unwrap_err();
    assert!(matches!(refused, Refused::NoPort(_)), "{refused}");
    media.close(stream(0));
    until("a free port", || media.open(stream(2), at, &Habits::default(), &order).is_ok());
}

#[test]
fn a_hundred_calls_from_one_thread() {
    let at = IpAddr::V4(Ipv4Addr::new(127, 77, 1, 3));
    let media = Media::start(20_000..=20_999).unwrap();
    for number in 0..100 {
        call(&media, at, number, [None, None]);
    }
    for phone in 0..200 {
        until("speech", || media.statistics(stream(phone)).received.packets >= 50);
        assert_eq!(media.statistics(stream(phone)).received.rejected, Default::default());
    }
}

#[test]
fn a_bridge_joins_two_streams() {
    let at = IpAddr::V4(Ipv4Addr::new(127, 77, 1, 4));
    let media = Media::start(20_000..=20_099).unwrap();
    // Telephone 0 has two streams: with 1, and with 2 who has barged in.
    let [a, b] = [1, 2].map(|stream| party(0, stream));
    let pairs = [(a, stream(1), Track::tone(440)), (b, stream(2), Track::tone(600))];
    for (own, other, says) in &pairs {
        let order = reception(mu(), None);
        let here = media.open(*own, at, &Habits::default(), &order).unwrap();
        let there = media.open(*other, at, &habits(says.clone()), &order).unwrap();
        media.transmit(*own, at, &Habits::default(), &transmission(mu(), None, there)).unwrap();
        let order = transmission(mu(), None, here);
        media.transmit(*other, at, &habits(says.clone()), &order).unwrap();
    }
    until("the first hears the second", || media.hears(stream(1), &[]) == Sound::Tone(vec![600]));
    until("the second hears the first", || media.hears(stream(2), &[]) == Sound::Tone(vec![440]));
}

// R: MED-01
#[test]
fn a_station_is_obeyed() {
    let at = IpAddr::V4(Ipv4Addr::new(127, 77, 1, 5));
    let media = Media::start(20_000..=20_099).unwrap();
    let codec = Codec::G711_ALAW_64K;
    let keying = |seed: u8| {
        let (key, salt) = (sccp::MasterKey::new(&[seed; 16]), MasterSalt::new(&[seed; 14]));
        let algorithm = SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32;
        Some(sccp::Keying { algorithm, key, salt })
    };
    let ids = [stream(0).stream, stream(1).stream];
    let habits = [1, 2].map(|number| habits(Track::voice(number)));
    let obey = |end: usize, order: &Order| media.obey(end as u32, at, &habits[end], order);
    let addresses = [0, 1].map(|end: usize| {
        let keying = keying(2 - end as u8);
        let order = Order::Open(Receive { stream: ids[end], codec, ms_per_packet: 20, keying });
        match obey(end, &order) {
            Some(Answer::Opened(id, Ok(address))) if id == ids[end] => address,
            other => panic!("{other:?}"),
        }
    });
    for end in [0, 1] {
        let order = Order::Start(Transmit {
            stream: ids[end],
            to: addresses[1 - end],
            codec,
            ms_per_packet: 20,
            keying: keying(1 + end as u8),
            precedence: 0xb8,
        });
        assert_eq!(obey(end, &order), None);
    }
    until("speech", || (0..2).all(|end| media.statistics(stream(end)).received.packets >= 50));
    for end in [0, 1] {
        assert_eq!(obey(end, &Order::Close(ids[end])), None);
        assert_eq!(obey(end, &Order::Stop(ids[end])), None);
        // Asked when the call is over.
        let (number, mode) = (Number::default(), ProcessingMode::CLEAR);
        let question = Order::Report { number, call: CallRef(7), mode };
        let Some(Answer::Statistics(told)) = obey(end, &question) else { panic!() };
        assert!(told.packets_received >= 50 && told.packets_sent >= 50, "{told:?}");
        assert_eq!(told.octets_sent, 160 * told.packets_sent);
    }
    // A telephone that is in another call has forgotten this one.
    let other = station::StreamId { call: CallRef(8), party: PassThruPartyId(9) };
    let wrong = Receive { stream: other, codec: Codec::G728, ms_per_packet: 20, keying: None };
    let Some(Answer::Opened(_, Err(refused))) = obey(0, &Order::Open(wrong.clone())) else {
        panic!("a codec that no telephone has");
    };
    assert_eq!(refused.status(), MediaStatus::INVALID_CODEC);
    assert_eq!(media.of_call(0, CallRef(7)).len(), 1);
    obey(0, &Order::Open(Receive { codec, ..wrong }));
    // Once it has said goodbye.
    until("it is forgotten", || media.of_call(0, CallRef(7)).is_empty());
}
