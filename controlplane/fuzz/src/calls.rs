//! Call control: users who do anything, and telephones that send anything.

use std::net::IpAddr;
use std::time::{Duration, Instant, UNIX_EPOCH};

use callmanager::security::{Bridge, Security};
use callmanager::station::{Equipment, Now, Output, Station};
use callmanager::switchboard::{Action, LineProfile, Party, Settings, Switchboard};
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
    let mut desk = Desk::new(*kind);
    for segment in bytes.chunks(usize::from(kind >> 2) + 1) {
        desk.hear(segment);
    }
    desk.now.instant += Duration::from_secs(3600);
    let mut outputs = Vec::new();
    desk.station.handle_timeout(desk.now, &mut outputs);
    desk.follow(outputs);
    let mut actions = Vec::new();
    desk.switchboard.tick(desk.now.instant, &mut actions);
    desk.carry_out(actions);
    assert!(desk.switchboard.is_idle(), "a telephone that is gone leaves nothing behind");
}

/// A telephone whose two lines can call each other, at a switchboard.
struct Desk {
    now: Now,
    station: Station,
    switchboard: Switchboard,
    equipment: Equipment,
}

impl Desk {
    fn new(kind: u8) -> Self {
        let now = Now { instant: Instant::now(), wall: UNIX_EPOCH };
        let line = |number: &str| {
            let party = Party { number: number.to_owned(), name: String::new() };
            (LineProfile { party, busy_trigger: 2 }, None)
        };
        let equipment = Equipment {
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
            lines: vec![line("1"), line("2")],
            speed_dials: Vec::new(),
            load: String::new(),
            user: String::new(),
            server_name: String::new(),
            servers: Vec::new(),
            date_template: String::new(),
            utc_offset: 0,
            keep_alive: Duration::from_secs(30),
        };
        Self {
            now,
            station: Station::new(now, IpAddr::from([10, 0, 0, 1])),
            switchboard: Switchboard::new(now.instant, Settings::default()),
            equipment,
        }
    }

    fn hear(&mut self, segment: &[u8]) {
        self.now.instant += Duration::from_millis(100);
        let mut outputs = Vec::new();
        self.station.handle_bytes(self.now, segment, &mut outputs);
        self.follow(outputs);
    }

    fn follow(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Send(pdu) => {
                    let id = u32::from_le_bytes([pdu[8], pdu[9], pdu[10], pdu[11]]);
                    let message = Message::decode(MessageId(id), &pdu[12..], Version::V11);
                    let message = message.expect("what is sent can be read").message;
                    assert_ne!(message.id().sender(), Some(Sender::Phone));
                }
                Output::Register(_) => {
                    let mut outputs = Vec::new();
                    self.station.admit(self.now, self.equipment.clone(), &mut outputs);
                    self.follow(outputs);
                }
                Output::Event(event) => {
                    let mut actions = Vec::new();
                    self.switchboard.handle(self.now.instant, event, &mut actions);
                    self.carry_out(actions);
                }
                Output::PhoneAlarm { text, .. } => assert!(!text.contains(char::is_control)),
                Output::Statistics(_) | Output::Close(_) => {}
            }
        }
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        let mut outputs = Vec::new();
        for action in actions {
            match action {
                Action::Telephone { order, .. } => {
                    self.station.handle_order(self.now, order, &mut outputs);
                }
                Action::Media(order) => self.station.handle_media(&order, &mut outputs),
                Action::Forwarded { .. } | Action::Record(_) | Action::Alarm(_) => {}
            }
        }
        self.follow(outputs);
    }
}
