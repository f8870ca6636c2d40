//! Whole transfers between the engine and the receiver, in virtual time.

mod common;

use std::time::Duration;

use common::{Files, Link, World, content, phone, server};
use proptest::prelude::*;
use ringfence_tftp::{
    ErrorCode, Failure, Options, Outcome, Packet, Progress, ReadRequest, Receiving, Refusal,
    TransferId, Tuning, Via,
};

const NAME: &str = "SEP00112233AABB.cnf.xml";

fn ask(world: &World, options: Options) -> Receiving {
    Receiving::start(world.now, server(), NAME, options, 1 << 26, Tuning::default())
}

fn request(name: &str, options: Options) -> Vec<u8> {
    Packet::Read(ReadRequest { name: name.as_bytes(), options }).to_bytes()
}

fn ack(block: u16) -> Vec<u8> {
    Packet::Ack { block }.to_bytes()
}

fn fetch_once(len: usize, options: Options, link: Link) -> (World, Progress) {
    let mut world = World::new(Files::with(NAME, &content(len)), link);
    let mut phones = [(phone(0), ask(&world, options))];
    let progress = world.run(&mut phones).remove(0);
    (world, progress)
}

#[test]
fn files_of_every_awkward_length_arrive() {
    for len in [0, 1, 511, 512, 513, 1024, 5000] {
        let (world, progress) = fetch_once(len, Options::default(), Link::default());
        assert_eq!(progress, Progress::Done(content(len)), "{len} bytes");
        // a last block of its own, possibly empty: one packet per started 512 bytes and one more
        assert_eq!(world.sent, len / 512 + 1);
        assert_eq!(world.engine.transfers(), 0);
        assert_eq!(world.engine.poll_timeout(), None);
    }
}

#[test]
fn block_numbers_wrap() {
    let len = 65_540 * 512;
    let (_, progress) = fetch_once(len, Options::default(), Link::default());
    assert!(progress == Progress::Done(content(len)));
    let windowed = Options { window_size: Some(16), block_size: Some(8), ..Options::default() };
    let len = 65_540 * 8 + 3;
    let (_, progress) = fetch_once(len, windowed, Link::default());
    assert!(progress == Progress::Done(content(len)));
}

#[test]
fn options_are_granted_up_to_the_limits() {
    let asked = Options {
        block_size: Some(65_464),
        timeout: Some(3),
        transfer_size: Some(0),
        window_size: Some(64),
    };
    let mut world = World::new(Files::with(NAME, &content(5000)), Link::default());
    world.deliver(phone(0), server(), &request(NAME, asked));
    let answer = world.step().remove(0).2;
    let granted = Options {
        block_size: Some(1428),
        timeout: Some(3),
        transfer_size: Some(5000),
        window_size: Some(16),
    };
    assert_eq!(Packet::parse(&answer), Ok(Packet::OptionAck(granted)));
    // the timeout option replaces the server's own pace
    let due = world.engine.poll_timeout().unwrap();
    assert_eq!(due - world.now, Duration::from_secs(3));
}

#[test]
fn a_request_without_known_options_gets_data_at_once() {
    let mut world = World::new(Files::with(NAME, b"x"), Link::default());
    let mut odd = request(NAME, Options::default());
    for text in ["multicast", "", "blksize", "7", "windowsize", "0", "timeout", "300"] {
        odd.extend(text.bytes().chain([0]));
    }
    world.deliver(phone(0), server(), &odd);
    let answer = world.step().remove(0).2;
    assert_eq!(Packet::parse(&answer), Ok(Packet::Data { block: 1, data: b"x" }));
}

#[test]
fn a_silent_phone_is_given_up_and_costs_few_packets() {
    let mut world = World::new(Files::with(NAME, &content(5000)), Link::default());
    world.deliver(phone(0), server(), &request(NAME, Options::default()));
    world.step();
    while let Some(due) = world.engine.poll_timeout() {
        world.now = due;
        world.engine.handle_timeout(due);
        world.step();
    }
    // block 1 and three repetitions: nobody proved that the address is the asker's
    assert_eq!(world.sent, 4);
    assert_eq!(world.records[0].outcome, Outcome::TimedOut);
    assert_eq!(world.engine.transfers(), 0);
}

#[test]
fn duplicate_acknowledgements_do_not_multiply_packets() {
    let mut world = World::new(Files::with(NAME, &content(5000)), Link::default());
    world.deliver(phone(0), server(), &request(NAME, Options::default()));
    world.step();
    let port = common::transfer_port(TransferId(1));
    for _ in 0..10 {
        world.deliver(phone(0), port, &ack(1));
    }
    // ten acknowledgements of block 1 bring block 2 once, not ten times
    assert_eq!(world.step().len(), 1);
    world.deliver(phone(0), port, &ack(9));
    assert_eq!(world.step().len(), 0);
}

#[test]
fn a_strangers_packet_changes_nothing() {
    let mut world = World::new(Files::with(NAME, &content(5000)), Link::default());
    world.deliver(phone(0), server(), &request(NAME, Options::default()));
    world.step();
    let port = common::transfer_port(TransferId(1));
    let stop = Packet::Error { code: ErrorCode::Undefined, text: b"stop" }.to_bytes();
    for stranger in 1..20 {
        world.deliver(phone(stranger), port, &ack(1));
        world.deliver(phone(stranger), port, &stop);
    }
    // some are told so, but not all: each answer goes where a forged address points
    let rebukes = world.step();
    assert_eq!(rebukes.len(), 4);
    for (via, to, datagram) in &rebukes {
        assert_eq!(*via, Via::Transfer(TransferId(1)));
        assert_ne!(*to, phone(0));
        let error = Packet::parse(datagram);
        assert!(matches!(error, Ok(Packet::Error { code: ErrorCode::UnknownTransferId, .. })));
    }
    assert_eq!(world.engine.counters().foreign, 38);
    world.deliver(phone(0), port, &ack(1));
    assert_eq!(world.step().len(), 1);
}

#[test]
fn a_foreign_server_cannot_answer() {
    let world = World::new(Files::default(), Link::default());
    let mut receiving = ask(&world, Options::default());
    receiving.poll_output().unwrap();
    let data = Packet::Data { block: 1, data: b"forged" }.to_bytes();
    assert_eq!(receiving.handle_datagram(world.now, phone(7), &data), Progress::Going);
    // nor may the real one change its port in the middle
    let port = common::transfer_port(TransferId(1));
    let first = Packet::Data { block: 1, data: &[1; 512] }.to_bytes();
    assert_eq!(receiving.handle_datagram(world.now, port, &first), Progress::Going);
    let other = common::transfer_port(TransferId(2));
    let second = Packet::Data { block: 2, data: b"end" }.to_bytes();
    assert_eq!(receiving.handle_datagram(world.now, other, &second), Progress::Going);
    let done = receiving.handle_datagram(world.now, port, &second);
    assert_eq!(done, Progress::Done([&[1; 512][..], b"end"].concat()));
}

#[test]
fn a_server_grants_no_more_than_was_asked() {
    let world = World::new(Files::default(), Link::default());
    let asked = Options { block_size: Some(1024), ..Options::default() };
    for granted in [
        Options { block_size: Some(1025), ..Options::default() },
        Options { window_size: Some(2), ..Options::default() },
        Options { timeout: Some(1), ..Options::default() },
    ] {
        let mut receiving = ask(&world, asked);
        let granted = Packet::OptionAck(granted).to_bytes();
        let progress = receiving.handle_datagram(world.now, server(), &granted);
        assert_eq!(progress, Progress::Failed(Failure::Protocol));
    }
}

#[test]
fn repeated_requests_start_one_transfer() {
    let mut world = World::new(Files::with(NAME, &content(5000)), Link::default());
    for _ in 0..3 {
        world.deliver(phone(0), server(), &request(NAME, Options::default()));
        world.step();
    }
    assert_eq!((world.engine.transfers(), world.sent), (1, 1));
    assert_eq!(world.engine.counters().repeated, 2);

    // another file from the same port: the phone has forgotten the first
    world.deliver(phone(0), server(), &request("missing.xml", Options::default()));
    world.step();
    let outcomes: Vec<_> = world.records.iter().map(|record| record.outcome.clone()).collect();
    assert_eq!(outcomes, [Outcome::Abandoned, Outcome::Refused(Refusal::NotFound)]);
    assert_eq!(world.engine.transfers(), 0);
}

#[test]
fn a_repetition_that_comes_late_costs_nobody_his_file() {
    for started_anew in [false, true] {
        let mut world = World::new(Files::with(NAME, &content(1000)), Link::default());
        let [first, second, third] = [1, 2, 3].map(|id| common::transfer_port(TransferId(id)));
        world.deliver(phone(0), server(), &request(NAME, Options::default()));
        world.step();
        world.deliver(phone(0), first, &ack(1));
        // The phone asked twice because the server was slow, or has forgotten that it asked.
        world.deliver(phone(0), server(), &request(NAME, Options::default()));
        world.step();
        assert_eq!(world.engine.transfers(), 2);
        let unknown = Packet::Error { code: ErrorCode::UnknownTransferId, text: b"" }.to_bytes();
        let (going_on, ended) = if started_anew { (second, first) } else { (first, second) };
        world.deliver(phone(0), ended, &unknown);
        for block in 1..=2 {
            world.deliver(phone(0), going_on, &ack(block));
        }
        world.step();
        assert_eq!(world.records.last().unwrap().outcome, Outcome::Completed);
        assert_eq!(world.engine.transfers(), 0);

        // Nothing is left of either.
        world.deliver(phone(0), server(), &request(NAME, Options::default()));
        world.step();
        world.deliver(phone(0), third, &ack(1));
        assert_eq!((world.engine.transfers(), world.step().len()), (1, 1));
    }
}

#[test]
fn one_peer_has_two_transfers_of_a_file_at_most() {
    let mut world = World::new(Files::with(NAME, &content(5000)), Link::default());
    for id in 1..20 {
        world.deliver(phone(0), server(), &request(NAME, Options::default()));
        world.step();
        world.deliver(phone(0), common::transfer_port(TransferId(id)), &ack(1));
    }
    assert_eq!(world.engine.transfers(), 2);
}

#[test]
fn what_is_left_of_another_transfer_is_no_answer() {
    let world = World::new(Files::default(), Link::default());
    let mut receiving = ask(&world, Options::default());
    receiving.poll_output().unwrap();
    let [old, new] = [1, 2].map(|id| common::transfer_port(TransferId(id)));
    let late = Packet::Data { block: 7, data: b"the end of it" }.to_bytes();
    assert_eq!(receiving.handle_datagram(world.now, old, &late), Progress::Going);
    let (to, rebuke) = receiving.poll_output().unwrap();
    let rebuke = Packet::parse(&rebuke);
    assert!(matches!(rebuke, Ok(Packet::Error { code: ErrorCode::UnknownTransferId, .. })));
    assert_eq!(to, old);
    let data = Packet::Data { block: 1, data: b"what was asked" }.to_bytes();
    let done = receiving.handle_datagram(world.now, new, &data);
    assert_eq!(done, Progress::Done(b"what was asked".to_vec()));
}

#[test]
fn requests_that_lead_elsewhere_never_reach_the_files() {
    let mut world = World::new(Files::with("etc/passwd", b"root"), Link::default());
    let mut refused = |name: &[u8], mode: &[u8]| -> Option<ErrorCode> {
        let datagram = [b"\0\x01", name, b"\0", mode, b"\0"].concat();
        world.deliver(phone(0), server(), &datagram);
        assert_eq!(world.engine.transfers(), 0);
        match Packet::parse(&world.step().pop()?.2) {
            Ok(Packet::Error { code, .. }) => Some(code),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(b"../etc/passwd", b"octet"), Some(ErrorCode::AccessViolation));
    assert_eq!(refused(b"//etc/passwd", b"octet"), Some(ErrorCode::AccessViolation));
    assert_eq!(refused(b"..\\etc\\passwd", b"octet"), Some(ErrorCode::AccessViolation));
    assert_eq!(refused(&[b'a'; 300], b"octet"), Some(ErrorCode::AccessViolation));
    assert_eq!(refused(b"etc/passwd", b"mail"), Some(ErrorCode::IllegalOperation));
    // what is no request at all gets no answer
    assert_eq!(refused(b"", &[b'x'; 600]), None);

    world.deliver(phone(0), server(), b"\0\x02CTLFile.tlv\0octet\0");
    let (via, to, answer) = world.step().remove(0);
    assert_eq!((via, to), (Via::Requests, phone(0)));
    let answer = Packet::parse(&answer);
    assert!(matches!(answer, Ok(Packet::Error { code: ErrorCode::AccessViolation, .. })));
    assert_eq!(world.engine.counters().writes, 1);
    assert_eq!(world.engine.counters().accepted, 0);
}

#[test]
fn an_option_flood_is_no_request() {
    let mut world = World::new(Files::with(NAME, b"x"), Link::default());
    let mut flood = request(NAME, Options::default());
    while flood.len() < 600 {
        flood.extend(b"tsize\0x\0");
    }
    world.deliver(phone(0), server(), &flood);
    world.deliver(phone(0), server(), &flood[..511]);
    assert_eq!(world.step(), []);
    assert_eq!(world.engine.counters().malformed, 2);
}

#[test]
fn floods_end_at_the_limits() {
    let mut world = World::new(Files::with(NAME, &content(5000)), Link::default());
    let max = 10;
    let config = ringfence_tftp::Config { max_transfers: max, ..common::config() };
    world.engine = ringfence_tftp::Engine::new(config.clone());
    for port in 0..50 {
        world.deliver(phone(port), server(), &request(NAME, Options::default()));
    }
    assert_eq!(world.engine.transfers(), max);
    assert_eq!(world.engine.counters().no_room, 40);

    let rate = ringfence_tftp::RateLimit { per_second: 1.0, burst: 5.0 };
    world.engine = ringfence_tftp::Engine::new(ringfence_tftp::Config { rate, ..config });
    for port in 0..50 {
        world.deliver(phone(port), server(), &request(NAME, Options::default()));
    }
    assert_eq!(world.engine.counters().accepted, 5);
    assert_eq!(world.engine.counters().rate_limited, 45);
}

#[test]
fn the_log_tells_what_became_of_each_request() {
    let mut world = World::new(Files::with(NAME, &content(600)), Link::default());
    let mut phones = [
        (phone(0), ask(&world, Options::default())),
        (
            phone(1),
            Receiving::start(
                world.now,
                server(),
                "nothing.xml",
                Options::default(),
                1000,
                Tuning::default(),
            ),
        ),
    ];
    let progress = world.run(&mut phones);
    let refused = Failure::Refused { code: ErrorCode::FileNotFound, text: "File not found".into() };
    assert_eq!(progress[1], Progress::Failed(refused));

    let of = |name: &str| world.records.iter().find(|record| record.name == name).unwrap();
    let served = of(NAME);
    assert_eq!(served.device.unwrap().to_string(), "SEP00112233AABB");
    assert_eq!(served.from, phone(0));
    assert_eq!(served.rule.as_deref(), Some("test file"));
    assert_eq!(served.size, Some(600));
    assert_eq!(served.outcome, Outcome::Completed);
    assert!(served.took > Duration::ZERO);
    assert_eq!(of("nothing.xml").outcome, Outcome::Refused(Refusal::NotFound));
}

#[test]
fn a_phone_that_refuses_is_heard_and_cannot_write_into_the_log() {
    let mut world = World::new(Files::with(NAME, &content(5000)), Link::default());
    let options = Options { block_size: Some(1024), ..Options::default() };
    world.deliver(phone(0), server(), &request(NAME, options));
    world.step();
    let text = [b"no\x1b[2J\r\n", &[b'a'; 200][..]].concat();
    let refusal = Packet::Error { code: ErrorCode::OptionNegotiation, text: &text }.to_bytes();
    world.deliver(phone(0), common::transfer_port(TransferId(1)), &refusal);
    world.step();
    let Outcome::PeerError { code, text } = &world.records[0].outcome else { panic!() };
    assert_eq!(*code, ErrorCode::OptionNegotiation);
    assert!(text.starts_with("no[2Jaaa") && text.len() == 80, "{text}");
}

#[test]
fn a_receiver_takes_no_more_than_its_limit() {
    let mut world = World::new(Files::with(NAME, &content(5000)), Link::default());
    let receiving =
        Receiving::start(world.now, server(), NAME, Options::default(), 4999, Tuning::default());
    let progress = world.run(&mut [(phone(0), receiving)]);
    assert_eq!(progress[0], Progress::Failed(Failure::TooLarge(4999)));
}

prop_compose! {
    fn any_options()(
        block_size in proptest::option::of(8u16..2000),
        timeout in proptest::option::of(1u8..4),
        transfer_size in proptest::option::of(Just(0)),
        window_size in proptest::option::of(1u16..40),
    ) -> Options {
        Options { block_size, timeout, transfer_size, window_size }
    }
}

proptest! {
    #[test]
    fn files_survive_a_bad_link(
        len in 0usize..20_000,
        options in any_options(),
        loss in 0u8..40,
        repeat in 0u8..80,
        seed in any::<u64>(),
    ) {
        let (world, progress) = fetch_once(len, options, Link { loss, repeat, seed });
        match progress {
            Progress::Done(file) => prop_assert_eq!(file, content(len)),
            // so unlucky may a link be, but never a wrong file
            other => prop_assert_eq!(other, Progress::Failed(Failure::TimedOut)),
        }
        prop_assert_eq!(world.engine.transfers(), 0);
        prop_assert_eq!(world.engine.poll_timeout(), None);
    }

    #[test]
    fn packets_are_read_as_written(options in any_options(), block: u16, data: Vec<u8>) {
        let name = b"ringlist.xml";
        for packet in [
            Packet::Read(ReadRequest { name, options }),
            Packet::Data { block, data: &data },
            Packet::Ack { block },
            Packet::Error { code: ErrorCode::from_code(block), text: b"text" },
            Packet::OptionAck(options),
        ] {
            let bytes = packet.to_bytes();
            prop_assert_eq!(Packet::parse(&bytes), Ok(packet.clone()));
        }
    }

    #[test]
    fn noise_never_panics_and_opens_nothing(noise: Vec<u8>) {
        let mut world = World::new(Files::default(), Link::default());
        world.deliver(phone(0), server(), &noise);
        world.step();
        prop_assert_eq!(world.engine.transfers(), 0);
    }
}
