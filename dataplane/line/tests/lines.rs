//! Telephones back to back on a virtual clock: what one says, another hears.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use line::command::{
    Connection, Event, LineId, Mixing, Order, SignalName, Slot, addresses, of_address,
};
use line::control::{Action, Until};
use proptest::prelude::*;
use ringfence_line as line;
use ringfence_line::Lines;
use speech::g711::Law;
use speech::{compare, tone};

/// Relays between connections: what leaves at one comes out at the other.
type Wires = HashMap<(LineId, Slot), (LineId, Slot)>;

struct Lab {
    now: Instant,
    lines: Lines,
    wires: Wires,
    /// Every packet that was sent, with its connection.
    sent: Vec<((LineId, Slot), Vec<u8>)>,
    events: Vec<(LineId, Event)>,
}

fn connection(mixing: Mixing) -> Connection {
    let (law, payload_type) = (Law::Mu, 0);
    Connection { law, payload_type, events: None, packet_ms: 20, mixing, sends: true, fresh: true }
}

impl Lab {
    fn new(names: &[&str]) -> Self {
        let announcements = HashMap::from([("hello".to_owned(), speech::speak(7, 1))]);
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            now: Instant::now(),
            lines: Lines::new(names, announcements, 1),
            wires: HashMap::new(),
            sent: Vec::new(),
            events: Vec::new(),
        }
    }

    fn order(&mut self, line: u32, order: Order) {
        self.lines.handle_order(self.now, LineId(line), order);
    }

    fn act(&mut self, line: u32, action: Action) -> Option<Vec<i16>> {
        self.lines.act(self.now, LineId(line), action).unwrap()
    }

    fn wire(&mut self, one: (u32, u8), other: (u32, u8), mixing: Mixing) {
        for (line, slot) in [one, other] {
            let connection = connection(if line == one.0 { mixing } else { Mixing::Ordinary });
            self.order(line, Order::Connect { slot: Slot(slot), connection });
        }
        let [one, other] = [one, other].map(|(line, slot)| (LineId(line), Slot(slot)));
        self.wires.extend([(one, other), (other, one)]);
    }

    fn pass(&mut self, milliseconds: u64) {
        let end = self.now + Duration::from_millis(milliseconds);
        while let Some(due) = self.lines.poll_timeout().filter(|due| *due <= end) {
            self.now = due;
            self.lines.handle_timeout(due);
            while let Some(packet) = self.lines.poll_packet() {
                let from = of_address(packet.to).expect("a relay's address");
                assert_eq!(addresses(from.0, from.1).1, packet.from);
                if let Some((line, slot)) = self.wires.get(&from) {
                    self.lines.handle_packet(addresses(*line, *slot).0, &packet.rtp);
                }
                self.sent.push((from, packet.rtp));
            }
            self.events.extend(std::iter::from_fn(|| self.lines.poll_event()));
        }
        self.now = end;
    }

    fn say(&mut self, line: u32, samples: &[i16]) {
        self.act(line, Action::Say { samples: samples.to_vec(), again: false });
    }
}

#[test]
fn two_telephones_hear_each_other() {
    let mut lab = Lab::new(&["aaln/1", "aaln/2"]);
    for line in [0, 1] {
        lab.act(line, Action::OffHook);
        lab.act(line, Action::Record);
    }
    lab.wire((0, 0), (1, 0), Mixing::Ordinary);
    let said = [speech::speak(1, 3), speech::speak(2, 3)];
    lab.say(0, &said[0]);
    lab.say(1, &said[1]);
    lab.pass(3500);
    for line in [0, 1] {
        let heard = lab.act(line as u32, Action::StopRecording).unwrap();
        let comparison = compare(&said[1 - line], &heard);
        assert!(comparison.recognised > 2 * speech::RATE, "{comparison}");
    }
    assert_eq!(lab.lines.states()[0].packets_sent, 175);
    lab.order(0, Order::Disconnect { slot: Slot(0) });
    lab.act(0, Action::OnHook);
    assert!(Until::Disconnected.is_met(&lab.lines.state(LineId(0)).unwrap()));
}

/// The packets of telephone events that a line has sent: marker, timestamp, event, end, duration.
fn told(lab: &Lab, line: u32, payload_type: u8) -> Vec<(bool, u32, u8, bool, u16)> {
    let of_line = lab.sent.iter().filter(|((from, _), _)| *from == LineId(line));
    let events = of_line.filter(|(_, rtp)| rtp[1] & 0x7f == payload_type);
    events
        .map(|(_, rtp)| {
            let timestamp = u32::from_be_bytes(rtp[4..8].try_into().unwrap());
            let duration = u16::from_be_bytes(rtp[14..16].try_into().unwrap());
            (rtp[1] & 0x80 != 0, timestamp, rtp[12], rtp[13] & 0x80 != 0, duration)
        })
        .collect()
}

/// RFC 4733: what is pressed at one telephone goes as events, and no tone beside them; the other one
/// hears tones again.
#[test]
fn digits_go_as_events_where_both_ends_have_them() {
    let mut lab = Lab::new(&["aaln/1", "aaln/2"]);
    lab.wire((0, 0), (1, 0), Mixing::Ordinary);
    for line in [0, 1] {
        lab.act(line, Action::OffHook);
        let connection = Connection { events: Some(101), ..connection(Mixing::Ordinary) };
        lab.order(line, Order::Connect { slot: Slot(0), connection });
    }
    lab.pass(100);
    lab.act(1, Action::Record);
    lab.act(0, Action::Digits("15#D".into()));
    lab.pass(1000);

    let told = told(&lab, 0, 101);
    let of = |event| told.iter().filter(move |packet| packet.2 == event).collect::<Vec<_>>();
    for event in [1, 5, 11, 15] {
        let packets = of(event);
        let (first, ends) = (packets[0], packets.iter().filter(|packet| packet.3).count());
        assert!(first.0 && packets[1..].iter().all(|packet| !packet.0), "{packets:?}");
        assert!(packets.iter().all(|packet| packet.1 == first.1), "one beginning: {packets:?}");
        assert!(packets.is_sorted_by_key(|packet| packet.4), "{packets:?}");
        assert_eq!((ends, packets.last().unwrap().4), (3, 640), "80 ms: {packets:?}");
    }
    // Keys are pressed every 160 ms.
    assert_eq!(of(5)[0].1.wrapping_sub(of(1)[0].1), 1280);

    let states = lab.lines.states();
    assert_eq!((&*states[0].digits, &*states[1].digits_received), ("15#D", "15#D"));
    let heard = lab.act(1, Action::StopRecording).unwrap();
    for frequency in [697.0, 1209.0, 941.0, 1633.0] {
        let loudest = heard.chunks(240).map(|part| tone::level(part, frequency) as u32).max();
        assert!(loudest.unwrap() > 3000, "{frequency} Hz: {loudest:?}");
    }
    // What was sent as audio meanwhile is silence.
    let audio = lab.sent.iter().filter(|((from, _), rtp)| from.0 == 0 && rtp[1] & 0x7f == 0);
    let loudest = audio.flat_map(|(_, rtp)| Law::Mu.decode(&rtp[12..])).max();
    assert!(loudest.unwrap() < 100, "{loudest:?}");

    // A connection without events has tones.
    lab.order(0, Order::Connect { slot: Slot(0), connection: connection(Mixing::Ordinary) });
    let before = lab.sent.len();
    lab.act(0, Action::Digits("1".into()));
    lab.pass(300);
    let loud = |rtp: &Vec<u8>| Law::Mu.decode(&rtp[12..]).iter().any(|sample| *sample > 3000);
    assert!(lab.sent[before..].iter().any(|((from, _), rtp)| from.0 == 0 && loud(rtp)));
}

#[test]
fn a_conference_is_heard_by_all_three() {
    let mut lab = Lab::new(&["aaln/1", "aaln/2", "aaln/3"]);
    for line in 0..3 {
        lab.act(line, Action::OffHook);
    }
    lab.wire((0, 0), (1, 0), Mixing::Conference);
    lab.wire((0, 1), (2, 0), Mixing::Conference);
    let frequencies = [500.0, 1300.0, 2300.0];
    for (line, frequency) in (0..).zip(frequencies) {
        lab.say(line, &tone::sine(frequency, 6000.0, 2 * speech::RATE));
    }
    lab.pass(500);
    (0..3).for_each(|line| drop(lab.act(line, Action::Record)));
    lab.pass(1000);
    for (line, own) in frequencies.iter().enumerate() {
        let heard = lab.act(line as u32, Action::StopRecording).unwrap();
        for frequency in &frequencies {
            let level = tone::level(&heard, *frequency);
            let expected = frequency != own;
            assert_eq!(level > 3000.0, expected, "line {line}: {frequency} Hz at {level}");
        }
    }
}

#[test]
fn what_is_fresh_does_not_look_like_before_and_what_must_not_send_does_not() {
    let mut lab = Lab::new(&["aaln/1"]);
    let ssrc = |packet: &[u8]| packet[8..12].to_vec();
    let connect = |connection| Order::Connect { slot: Slot(0), connection };
    lab.order(0, connect(connection(Mixing::Ordinary)));
    lab.pass(200);
    let before = ssrc(&lab.sent.last().unwrap().1);
    lab.order(0, connect(Connection { fresh: false, ..connection(Mixing::Ordinary) }));
    lab.pass(200);
    assert_eq!(ssrc(&lab.sent.last().unwrap().1), before);
    lab.order(
        0,
        connect(Connection { sends: false, fresh: false, ..connection(Mixing::Ordinary) }),
    );
    let count = lab.sent.len();
    lab.pass(200);
    assert_eq!(lab.sent.len(), count);
    let a_law = Connection { law: Law::A, payload_type: 8, ..connection(Mixing::Ordinary) };
    lab.order(0, connect(a_law));
    lab.pass(200);
    let last = &lab.sent.last().unwrap().1;
    assert_ne!(ssrc(last), before);
    assert_eq!((last[1] & 0x7f, last.len()), (8, 12 + 160));
}

#[test]
fn tones_and_announcements_are_heard_where_they_are_ordered() {
    let mut lab = Lab::new(&["aaln/1", "aaln/2"]);
    (0..2).for_each(|line| drop(lab.act(line, Action::OffHook)));
    lab.wire((0, 0), (1, 0), Mixing::Ordinary);
    let start = |package, id, params: Option<&str>, on| Order::Start {
        signal: SignalName { package, id },
        params: params.map(Into::into),
        on,
    };
    lab.order(0, start("L", "dl", None, None));
    lab.order(0, start("G", "rt", None, Some(Slot(0))));
    lab.pass(200);
    (0..2).for_each(|line| drop(lab.act(line, Action::Record)));
    lab.pass(1000);
    let heard = [0, 1].map(|line| lab.act(line, Action::StopRecording).unwrap());
    let level = |line: usize, frequency| tone::level(&heard[line], frequency);
    assert!(level(0, 350.0) > 3000.0 && level(0, 480.0) < 100.0, "dial tone here");
    assert!(level(1, 480.0) > 3000.0 && level(1, 350.0) < 100.0, "ringback there");

    let announcement = SignalName { package: "A", id: "ann" };
    lab.order(0, start("A", "ann", Some("http://x/hello.wav"), None));
    lab.order(0, start("A", "ann", Some("nothing"), None));
    lab.pass(1100);
    let told: Vec<_> = lab.events.iter().filter(|(_, e)| !matches!(e, Event::OffHook)).collect();
    let expected = [Event::Failed(announcement), Event::Ended(announcement)];
    assert_eq!(told.iter().map(|(_, event)| *event).collect::<Vec<_>>(), expected);
}

#[test]
fn an_idle_line_costs_no_time() {
    let mut lab = Lab::new(&["aaln/1"]);
    assert_eq!(lab.lines.poll_timeout(), None);
    lab.act(0, Action::OffHook);
    lab.act(0, Action::Digits("12".into()));
    lab.pass(1000);
    let digits = lab.events.iter().map(|(_, event)| *event).collect::<Vec<_>>();
    assert_eq!(digits, [Event::OffHook, Event::Digit('1'), Event::Digit('2')]);
    lab.act(0, Action::OnHook);
    lab.pass(100);
    assert_eq!(lab.lines.poll_timeout(), None);
}

proptest! {
    // Each case is seconds of audio.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_comes_from_the_network_the_line_goes_on(
        packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 0..60)
    ) {
        let mut lab = Lab::new(&["aaln/1"]);
        lab.order(0, Order::Connect { slot: Slot(0), connection: connection(Mixing::Ordinary) });
        lab.act(0, Action::Record);
        for mut packet in packets {
            // Half of them look like RTP.
            if packet.len() > 2 && packet[0] % 2 == 0 {
                packet[..2].copy_from_slice(&[0x80, 0]);
            }
            lab.lines.handle_packet(addresses(LineId(0), Slot(0)).0, &packet);
            lab.pass(5);
        }
        lab.pass(1000);
        let heard = lab.act(0, Action::StopRecording).unwrap();
        prop_assert!(heard.len() >= 8000 && lab.lines.states()[0].packets_sent >= 49);
    }
}
