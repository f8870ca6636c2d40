//! Orders and packets in any order.

use std::collections::BTreeMap;
use std::time::Duration;

use callmanager::switchboard::{MediaCommand, MediaPort};
use proptest::prelude::*;
use ringfence_mediaresources::music::Music;
use ringfence_mediaresources::resources::{Channel, Limits};
use speech::g711::Law;

use crate::hall::{Hall, packet, phone, receive, transmit};

#[derive(Clone, Debug)]
enum Step {
    Order(u32, u8, Law),
    Packet { stream: u32, from: u16, seq_no: u16, timestamp: u32, len: usize },
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let law = prop_oneof![Just(Law::Mu), Just(Law::A)];
    // Timestamps near each other, and anywhere.
    let timestamp = prop_oneof![4 => (0..40u32).prop_map(|n| n * 160), 1 => any::<u32>()];
    prop_oneof![
        3 => (1..6u32, 0..4u8, law).prop_map(|(stream, what, law)| Step::Order(stream, what, law)),
        6 => (1..6u32, 1..3u16, any::<u16>(), timestamp, 0..500usize).prop_map(
            |(stream, from, seq_no, timestamp, len)| {
                Step::Packet { stream, from, seq_no, timestamp, len }
            }
        ),
        4 => (0..50u64).prop_map(Step::Pass),
        1 => (1000..100_000u64).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Ports are open exactly while a stream sends or receives, no stream sends more than one
    /// packet in 20 ms and none without an order, and nothing is left when all are closed.
    #[test]
    fn streams_are_what_was_ordered(steps in prop::collection::vec(step(), 1..200)) {
        let mut hall = Hall::new(Music::melody(), Limits { streams: 4, conference: 2 });
        // What was ordered and not refused: receives, sends.
        let mut ordered: BTreeMap<u32, (bool, bool)> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Order(stream, what, law) => {
                    // Streams 1 to 3 confer, the others hear music.
                    let port = if stream < 4 { MediaPort::Bridge } else { MediaPort::Music };
                    let command = match what {
                        0 => receive(law),
                        1 => transmit(law, phone(stream as u16)),
                        2 => MediaCommand::CloseReceive,
                        _ => MediaCommand::StopTransmit,
                    };
                    hall.refused.clear();
                    hall.order(port, 1, stream, command);
                    if hall.refused.is_empty() {
                        let (receives, sends) = ordered.entry(stream).or_default();
                        match what {
                            0 => *receives = true,
                            1 => *sends = true,
                            2 => *receives = false,
                            _ => *sends = false,
                        }
                    }
                    ordered.retain(|_, (receives, sends)| *receives || *sends);
                }
                Step::Packet { stream, from, seq_no, timestamp, len } => {
                    let bytes = packet(Law::Mu, seq_no, timestamp, from.into(), &vec![1000; len]);
                    hall.hear(stream, Channel::Rtp, phone(from), &bytes);
                }
                Step::Pass(ms) => {
                    // Long times pass at once, as when a machine sleeps.
                    let before = hall.sent.values().map(Vec::len).sum::<usize>();
                    let steps = ms.min(40);
                    hall.now += Duration::from_millis(ms - steps);
                    (0..steps).for_each(|_| hall.step());
                    let sending = ordered.values().filter(|(_, sends)| *sends).count();
                    let sent = hall.sent.values().map(Vec::len).sum::<usize>() - before;
                    // What is overdue by less than 100 ms is sent; and a report each.
                    prop_assert!(sent <= sending * (8 + steps as usize / 20), "{sent}");
                }
            }
            let open: Vec<u32> = hall.open.iter().map(|stream| stream.0).collect();
            prop_assert_eq!(open, ordered.keys().copied().collect::<Vec<_>>());
            prop_assert_eq!(hall.resources.next_timeout().is_some(), !ordered.is_empty());
        }
        for stream in 1..6 {
            let port = if stream < 4 { MediaPort::Bridge } else { MediaPort::Music };
            hall.order(port.clone(), 1, stream, MediaCommand::CloseReceive);
            hall.order(port, 1, stream, MediaCommand::StopTransmit);
        }
        let statistics = hall.resources.statistics();
        prop_assert!(hall.open.is_empty() && hall.resources.next_timeout().is_none());
        prop_assert_eq!((statistics.listeners, statistics.speakers, statistics.conferences), (0, 0, 0));
    }
}
