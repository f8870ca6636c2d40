//! Users and relays who do whatever bytes say.

use std::time::Duration;

use super::{TRUNK, World, address, port, profile};
use crate::security::{Bridge, Security};
use crate::switchboard::{
    Event, Forwards, Key, Kind, LegId, MediaRefused, Profile, RelayPolicy, RelayRefused, Settings,
};

/// Plays whatever the bytes say in an office with telephones of all kinds, shared lines among
/// them; then everybody hangs up. Three bytes are a step: what, who, and with what.
pub fn play(script: &[u8]) {
    let mut world = World::new(Settings {
        plain_fallback: script.first().is_some_and(|byte| byte & 1 == 1),
        relay_fallback: script.len() % 2 == 1,
        music_on_hold: script.first().is_none_or(|byte| byte & 2 == 0),
        max_conference: 4,
        ..Settings::default()
    });
    for (name, profile) in staff() {
        let relay = policy(script, name);
        world.arrive(name, Profile { relay, ..profile });
    }
    for step in script.chunks_exact(3) {
        world.step([step[0], step[1], step[2]]);
    }
    world.end();
}

/// Telephones of every security, with and without a bridge, alone and sharing lines; ports of a
/// gateway.
fn staff() -> [(&'static str, Profile); 9] {
    use Bridge::{Encrypted as Mixes, Plain};
    use Security::{Authenticated, Encrypted, NonSecure};
    let mut private = profile(Encrypted, Some(Mixes), &["1005", "1001"]);
    private.private = true;
    [
        ("A", profile(Encrypted, Some(Mixes), &["1001", "1010"])),
        ("B", profile(Encrypted, Some(Mixes), &["1001"])),
        ("C", profile(NonSecure, Some(Plain), &["1001", "1002"])),
        ("D", profile(Encrypted, Some(Plain), &["1002"])),
        ("E", profile(Authenticated, Some(Plain), &["1003", "1002"])),
        ("F", profile(Encrypted, None, &["1004"])),
        ("G", private),
        ("H", port(Kind::Line, "1006")),
        (TRUNK, port(Kind::Trunk, "")),
    ]
}

const NUMBERS: [&str; 10] =
    ["1001", "1002", "1003", "1004", "1005", "1010", "8001", "4711", "1006", "95550"];

impl World {
    fn step(&mut self, [what, who, with]: [u8; 3]) {
        let staff = staff();
        let (name, profile) = &staff[usize::from(who) % staff.len()];
        let number = NUMBERS[usize::from(with) % NUMBERS.len()];
        let key = match what % 32 {
            0 | 1 => Key::Number(number.to_owned()),
            2 | 3 => Key::Answer,
            4 => Key::OffHook,
            5 => Key::OnHook,
            6 => Key::Line,
            7 => Key::NewCall,
            8 => Key::EndCall,
            9 => return self.dial(name, number),
            10 => Key::Digit(char::from_digit(u32::from(with) % 10, 10).expect("below 10")),
            11 => Key::Backspace,
            12 => Key::Hold,
            13 => Key::Resume,
            14 | 15 => Key::Transfer,
            16 | 17 => Key::Conference,
            18 => Key::MeetMe,
            19 => Key::Barge,
            20 => Key::ConferenceBarge,
            21 => Key::Redial,
            22 => Key::ForwardAll,
            23 => return self.lose(name),
            24 if profile.kind.is_port() && with % 2 == 1 => return self.may_have_keys(name, with),
            24 => return self.arrive(name, profile.clone()),
            25 => return self.pass(Duration::from_secs(with.into())),
            26 => return self.answer_one(with),
            27 => return self.fail_one(with),
            28 => return self.switchboard.set_forwards(number, forwards(who)),
            29 => return self.relay_one(with),
            30 => Key::Privacy,
            _ => return self.open_all(),
        };
        let every = self.phones.values().flat_map(|phone| phone.legs.keys().copied());
        let every: Vec<_> = every.collect();
        let own = self.phones.get(*name).map(|phone| phone.legs.keys().copied().collect());
        let own: Vec<_> = own.unwrap_or_default();
        let pick = |legs: &[LegId]| legs.get(usize::from(with / 8) % legs.len().max(1)).copied();
        let leg = match what / 32 {
            0..=3 => None,
            // Somebody else's leg does nothing.
            4 => pick(&every),
            _ => pick(&own),
        };
        let line = (what / 32 == 3).then_some(u32::from(with % 4));
        let foreign = leg.is_some_and(|leg| !own.contains(&leg));
        let before = self.orders;
        self.press_for(name, line, leg, key);
        assert!(!foreign || self.orders == before, "{name} has no part in {leg:?}");
    }

    fn answer_one(&mut self, which: u8) {
        if self.unanswered.is_empty() {
            return;
        }
        let (by, stream) = self.unanswered[usize::from(which) % self.unanswered.len()].clone();
        self.answer(by, stream, Ok(address(stream)));
    }

    /// A relay answers, refuses, or loses what it had.
    fn relay_one(&mut self, with: u8) {
        let all: Vec<_> = self.relayed.keys().copied().collect();
        let Some(link) = all.get(usize::from(with / 4) % all.len().max(1)).copied() else { return };
        match (with % 4, self.relayed[&link].open) {
            (0 | 1, false) => self.relay_answers(link, Ok(())),
            (2, false) => self.relay_answers(link, Err(RelayRefused::Code(403))),
            (3, _) => self.handle(Event::RelayLost { link }),
            _ => {}
        }
    }

    /// The way to a gateway is protected, or no longer.
    fn may_have_keys(&mut self, port: &str, with: u8) {
        let security = if with & 2 == 0 { Security::Encrypted } else { Security::NonSecure };
        self.handle(Event::PortSecurity { device: port.into(), security });
    }

    fn fail_one(&mut self, which: u8) {
        if let Some((by, stream)) = self.unstarted.first().filter(|_| which & 4 == 0).cloned() {
            return self.start(by, stream, Err(MediaRefused::Status(1)));
        }
        if self.unanswered.is_empty() {
            return;
        }
        let (by, stream) = self.unanswered[usize::from(which) % self.unanswered.len()].clone();
        let refused = match which % 4 {
            0 => MediaRefused::Encryption,
            2 => MediaRefused::KeysWithheld,
            _ => MediaRefused::Status(1),
        };
        self.answer(by, stream, Err(refused));
    }
}

/// What the device pools of a script say.
fn policy(script: &[u8], name: &str) -> RelayPolicy {
    let [first, ..] = script else { return RelayPolicy::default() };
    match (first >> 2).wrapping_mul(name.as_bytes()[0]) % 8 {
        0..=3 => RelayPolicy::WhenNeeded,
        4 => RelayPolicy::Never,
        _ => RelayPolicy::Always,
    }
}

fn forwards(who: u8) -> Forwards {
    let to = |place: u8| {
        let number = NUMBERS[usize::from(who >> place) % NUMBERS.len()];
        (who >> place & 8 == 0).then(|| number.to_owned())
    };
    Forwards { all: to(3).filter(|_| who & 1 == 0), busy: to(1), no_answer: to(2) }
}
