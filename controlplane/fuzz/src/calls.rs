//! Call control: users who do anything, and telephones that send anything.

use std::net::IpAddr;
use std::time::{Duration, Instant, UNIX_EPOCH};

use callmanager::exchange::{ConnectionId, Effect, Exchange};
use callmanager::security::{Bridge, Security};
use callmanager::station::{Equipment, Now};
use callmanager::switchboard::{
    LineProfile, Party, RelayOrder, RelayedBy, RelayedLink, Settings, Switchboard,
};
use callmanager::testing;
use sccp::{Message, MessageId, Sender, Version};

/// Three bytes are a step of somebody in an office. The office checks what happens.
pub fn office(script: &[u8]) {
    testing::play(script);
}

/// What a telephone sends: the first byte is its security and the length of its segments. What it
/// is answered is always something that servers say, and it is told of nothing but its own legs.
pub fn station(input: &[u8]) {
    let [kind, bytes @ ..] = input else { return };
    let now = Now { instant: Instant::now(), wall: UNIX_EPOCH };
    let exchange = Exchange::new(Switchboard::new(now.instant, Settings::default()));
    let mut desk = Desk { now, exchange, equipment: equipment(*kind) };
    desk.exchange.connected(now, PHONE, IpAddr::from([10, 0, 0, 1]));
    for segment in bytes.chunks(usize::from(kind >> 2) + 1) {
        desk.now.instant += Duration::from_millis(100);
        desk.act(|exchange, now, effects| exchange.received(now, PHONE, segment, effects));
    }
    desk.now.instant += Duration::from_secs(3600);
    desk.act(|exchange, now, effects| exchange.tick(now, effects));
    let idle = desk.exchange.switchboard().is_idle();
    assert!(idle, "a telephone that is gone leaves nothing behind");
}

const PHONE: ConnectionId = ConnectionId(1);

/// A telephone whose two lines can call each other, at an exchange.
struct Desk {
    now: Now,
    exchange: Exchange,
    equipment: Equipment,
}

impl Desk {
    fn act(&mut self, act: impl FnOnce(&mut Exchange, Now, &mut Vec<Effect>)) {
        let mut effects = Vec::new();
        act(&mut self.exchange, self.now, &mut effects);
        for effect in effects {
            self.follow(effect);
        }
    }

    fn follow(&mut self, effect: Effect) {
        match effect {
            Effect::Send { pdu, .. } => {
                let id = u32::from_le_bytes([pdu[8], pdu[9], pdu[10], pdu[11]]);
                let message = Message::decode(MessageId(id), &pdu[12..], Version::V11);
                let message = message.expect("what is sent can be read").message;
                assert_ne!(message.id().sender(), Some(Sender::Phone));
            }
            Effect::Register { connection, .. } => {
                let equipment = self.equipment.clone();
                self.act(|exchange, now, effects| {
                    exchange.admit(now, connection, equipment, effects);
                });
            }
            Effect::Relay(RelayOrder::Open(RelayedLink { link, .. })) => {
                let addresses = [20_000, 20_002].map(|port| ([10, 0, 0, 9], port).into());
                let by = RelayedBy { relay: "relay1".into(), addresses };
                self.act(|exchange, now, effects| {
                    exchange.relay_answered(now, link, Ok(by), effects);
                });
            }
            Effect::PhoneAlarm { text, .. } => assert!(!text.contains(char::is_control)),
            _ => {}
        }
    }
}

fn equipment(kind: u8) -> Equipment {
    let line = |number: &str| {
        let party = Party { number: number.to_owned(), name: String::new() };
        (LineProfile { party, busy_trigger: 2 }, None)
    };
    Equipment {
        security: match kind & 3 {
            0 => Security::NonSecure,
            1 => Security::Authenticated,
            _ => Security::Encrypted,
        },
        encrypts_wideband: true,
        bridge: Some(Bridge::Encrypted),
        private: false,
        region: 0,
        media_elsewhere: true,
        relay: Default::default(),
        lines: vec![line("1"), line("2")],
        speed_dials: Vec::new(),
        voicemail: kind & 4 == 0,
        messages: None,
        load: String::new(),
        user: String::new(),
        server_name: String::new(),
        servers: Vec::new(),
        date_template: String::new(),
        utc_offset: 0,
        keep_alive: Duration::from_secs(30),
    }
}
