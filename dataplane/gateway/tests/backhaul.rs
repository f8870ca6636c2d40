//! The backhaul against a call agent that is played here, on a virtual clock.

use std::time::{Duration, Instant};

use ringfence_gateway::backhaul::message::{Kind, Message, MessageReader, StreamError};
use ringfence_gateway::backhaul::{Backhaul, Config, Ended, Event};

/// A gateway with two D channels, and the call agent's end of its connection.
struct Played {
    now: Instant,
    backhaul: Backhaul,
    reader: MessageReader,
}

impl Played {
    fn new() -> Self {
        let now = Instant::now();
        let interfaces = ["S0/DS1-0", "S0/DS1-1"].map(String::from).into();
        let config = Config { gateway: "gw1.example".into(), interfaces };
        Self { now, backhaul: Backhaul::new(now, config), reader: MessageReader::default() }
    }

    /// Dialled and taken.
    fn connected() -> Self {
        let mut played = Self::new();
        assert_eq!(played.pass(Duration::ZERO), [Event::Dial]);
        played.backhaul.connected(played.now);
        played
    }

    /// With both channels named and taken.
    fn open() -> Self {
        let mut played = Self::connected();
        played.heard();
        for channel in [1, 2] {
            played.say(Kind::OpenAck, channel, &[0]);
        }
        played.events();
        played
    }

    fn pass(&mut self, time: Duration) -> Vec<Event> {
        self.now += time;
        self.backhaul.handle_timeout(self.now);
        self.events()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.backhaul.poll_event()).collect()
    }

    /// What the gateway has said.
    fn heard(&mut self) -> Vec<(Kind, u16, Vec<u8>)> {
        // In pieces, as TCP may have it.
        while !self.backhaul.output().is_empty() {
            let piece = self.backhaul.output().len().min(5);
            self.reader.push(&self.backhaul.output()[..piece]);
            self.backhaul.sent(piece);
        }
        let next = || self.reader.next_message().unwrap();
        let messages = std::iter::from_fn(next);
        messages.map(|message| (message.kind, message.channel, message.content)).collect()
    }

    fn say(&mut self, kind: Kind, channel: u16, content: &[u8]) {
        let mut octets = Vec::new();
        Message { kind, channel, sequence: 0, content: content.to_vec() }.write(&mut octets);
        self.backhaul.input(self.now, &octets);
    }
}

#[test]
fn the_gateway_dials_and_names_its_channels() {
    let mut played = Played::connected();
    assert_eq!(
        played.heard(),
        [
            (Kind::Open, 1, b"gw1.example\0S0/DS1-0".to_vec()),
            (Kind::Open, 2, b"gw1.example\0S0/DS1-1".to_vec()),
        ]
    );
    played.say(Kind::OpenAck, 1, &[0]);
    played.say(Kind::OpenAck, 2, &[1]);
    let opened = |channel, taken| Event::Opened { channel, taken };
    assert_eq!(played.events(), [opened(1, true), opened(2, false)]);
    assert!(!played.backhaul.establish(2), "the call agent did not take it");
    played.say(Kind::EstablishRequest, 2, &[]);
    assert_eq!(played.events(), []);
}

#[test]
fn q931_goes_through_both_ways_while_layer_2_is_up() {
    let mut played = Played::open();
    assert!(!played.backhaul.data(1, vec![8]), "layer 2 is down");
    played.say(Kind::DataRequest, 1, &[8]);
    assert_eq!(played.events(), []);

    played.say(Kind::EstablishRequest, 1, &[]);
    assert_eq!(played.events(), [Event::Establish(1)]);
    assert!(played.backhaul.establish(1));
    let setup = vec![8, 1, 3, 5];
    assert!(played.backhaul.data(1, setup.clone()));
    assert_eq!(
        played.heard(),
        [(Kind::EstablishIndication, 1, vec![]), (Kind::DataIndication, 1, setup.clone())]
    );
    played.say(Kind::DataRequest, 1, &setup);
    assert_eq!(played.events(), [Event::Data(1, setup)]);
    assert!(!played.backhaul.data(1, vec![0; 4091]), "longer than any message");

    played.say(Kind::ReleaseRequest, 1, &[]);
    assert_eq!(played.events(), [Event::Release(1)]);
    assert!(played.backhaul.release(1));
    assert_eq!(played.heard(), [(Kind::ReleaseIndication, 1, vec![])]);
    assert!(!played.backhaul.data(1, vec![8]));
    played.say(Kind::Close, 1, &[]);
    assert!(!played.backhaul.establish(1));
}

#[test]
fn both_ask_whether_the_other_lives() {
    let mut played = Played::open();
    for _ in 0..4 {
        assert_eq!(played.pass(Duration::from_secs(15)), []);
        assert_eq!(played.heard(), [(Kind::KeepAlive, 0, vec![])]);
        played.say(Kind::KeepAliveAck, 0, &[]);
    }
    played.say(Kind::KeepAlive, 0, &[]);
    assert_eq!(played.heard(), [(Kind::KeepAliveAck, 0, vec![])]);

    assert_eq!(played.pass(Duration::from_secs(15)), []);
    assert!(played.backhaul.is_open());
    let silence = played.pass(Duration::from_secs(15));
    assert_eq!(silence, [Event::HangUp(Ended::Silence)]);
    assert!(!played.backhaul.is_open() && played.backhaul.output().is_empty());
}

#[test]
fn a_call_agent_that_is_away_is_dialled_more_and_more_patiently() {
    let mut played = Played::new();
    for pause in [0, 1, 2, 4, 8, 16, 32, 60, 60] {
        let due = played.backhaul.poll_timeout().unwrap();
        assert_eq!(due - played.now, Duration::from_secs(pause));
        assert_eq!(played.pass(due - played.now), [Event::Dial]);
        assert_eq!(played.backhaul.poll_timeout(), None);
        played.backhaul.disconnected(played.now);
    }
    // Who takes channels is there, and is dialled again at once when he goes.
    let due = played.backhaul.poll_timeout().unwrap();
    played.pass(due - played.now);
    played.backhaul.connected(played.now);
    played.say(Kind::OpenAck, 1, &[0]);
    played.backhaul.disconnected(played.now);
    let due = played.backhaul.poll_timeout().unwrap();
    assert_eq!(due - played.now, Duration::from_secs(1));
}

#[test]
fn what_cannot_be_read_ends_the_connection_and_what_is_out_of_turn_does_not() {
    let mut played = Played::open();
    for (kind, channel) in
        [(Kind::OpenAck, 0), (Kind::OpenAck, 3), (Kind::Open, 1), (Kind::DataIndication, 1)]
    {
        played.say(kind, channel, &[0]);
    }
    assert_eq!(played.events(), []);
    assert!(played.backhaul.is_open());

    played.backhaul.input(played.now, &[0, 3, 1, 1]);
    let why = Ended::Unreadable(StreamError::Length(3));
    assert_eq!(played.events(), [Event::HangUp(why)]);
    played.say(Kind::EstablishRequest, 1, &[]);
    assert_eq!(played.events(), [], "a connection that is over says nothing");
}

#[test]
fn a_call_agent_that_does_not_read_is_given_up() {
    let mut played = Played::open();
    assert!(played.backhaul.establish(1));
    while played.backhaul.data(1, vec![0; 260]) {}
    assert!(played.backhaul.output().len() < 300 << 10, "{}", played.backhaul.output().len());
    assert_eq!(played.pass(Duration::ZERO), [Event::HangUp(Ended::DoesNotRead)]);
}
