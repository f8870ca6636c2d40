//! The backhaul: whatever a call agent says, what the gateway says can be read, and is bounded.

use std::time::{Duration, Instant};

use gateway::backhaul::message::MessageReader;
use gateway::backhaul::{Backhaul, Config, Event};

/// Octets that the gateway may have to say at a time.
const MOST: usize = 1 << 20;

/// A call agent's octets, in pieces as long as the first of them says; time passes between them.
pub fn stream(bytes: &[u8]) {
    let Some((piece, octets)) = bytes.split_first() else { return };
    let mut now = Instant::now();
    let interfaces = ["S0/DS1-0", "S0/DS1-1"].map(String::from).into();
    let mut backhaul = Backhaul::new(now, Config { gateway: "gw1".into(), interfaces });
    let mut reader = MessageReader::default();
    for piece in octets.chunks(usize::from(*piece).max(1)) {
        backhaul.handle_timeout(now);
        backhaul.input(now, piece);
        while let Some(event) = backhaul.poll_event() {
            match event {
                Event::Dial => {
                    backhaul.connected(now);
                    reader = MessageReader::default();
                }
                Event::Establish(channel) => {
                    backhaul.establish(channel);
                }
                Event::Release(channel) => {
                    backhaul.release(channel);
                }
                Event::Data(channel, message) => {
                    backhaul.data(channel, message);
                }
                Event::HangUp(_) => assert!(!backhaul.is_open()),
                Event::Opened { .. } => {}
            }
        }
        assert!(backhaul.output().len() < MOST);
        reader.push(backhaul.output());
        backhaul.sent(backhaul.output().len());
        while reader.next_message().expect("what the gateway says can be read").is_some() {}
        now += Duration::from_secs(1);
    }
}
