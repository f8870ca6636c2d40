//! Call processing, the call agent and the relays together: what users notice when relays die.

mod site;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use callmanager::security::Security::{self, Encrypted};
use callmanager::switchboard::{
    Action, CallAlarm, CallRecord, CallState, Change, DeviceName, Event, Key, LegId, MediaCommand,
    MediaOrder, MediaPort, Order, Owner, Profile, RelayPolicy, Settings, StreamId, Switchboard,
};
use callmanager::testing::profile;
use ringfence_callagent::Report;
use site::*;

const ALICE: &str = "SEP000000000001";
const BOB: &str = "SEP000000000002";

/// Two telephones that always speak through a relay.
struct Office {
    site: Site,
    switchboard: Switchboard,
    phones: BTreeMap<DeviceName, Phone>,
    records: Vec<CallRecord>,
    alarms: Vec<CallAlarm>,
}

/// What a telephone does at present.
#[derive(Debug, Default)]
struct Phone {
    number: u8,
    legs: BTreeMap<LegId, (Option<CallState>, Option<Security>)>,
    receives: BTreeMap<StreamId, Vec<u8>>,
    /// Where it sends, and under which key.
    sends: BTreeMap<StreamId, (SocketAddr, Vec<u8>)>,
    /// How often it began to send.
    begun: usize,
}

impl Office {
    fn new(relays: u8) -> Self {
        let site = Site::in_service(relays);
        let switchboard = Switchboard::new(site.now, Settings::default());
        let phones = BTreeMap::new();
        let (records, alarms) = (Vec::new(), Vec::new());
        let mut office = Self { site, switchboard, phones, records, alarms };
        for (number, name, line) in [(1, ALICE, "1001"), (2, BOB, "1002")] {
            let device = DeviceName::from(name);
            office.phones.insert(device.clone(), Phone { number, ..Phone::default() });
            let profile = profile(Encrypted, None, &[line]);
            let profile = Profile { relay: RelayPolicy::Always, ..profile };
            office.handle(Event::DeviceArrived { device, profile });
        }
        office
    }

    fn press(&mut self, name: &str, key: Key) {
        self.handle(Event::Pressed { device: name.into(), line: None, leg: None, key });
    }

    fn handle(&mut self, event: Event) {
        let mut actions = Vec::new();
        self.switchboard.handle(self.site.now, event, &mut actions);
        for action in actions {
            self.carry_out(action);
        }
        self.hear_agent();
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Relay(order) => self.site.order(order),
            Action::Media(order) => self.media(order),
            Action::Record(record) => self.records.push(record),
            Action::Alarm(alarm) => self.alarms.push(alarm),
            Action::Telephone { device, order: Order::Leg { leg, change, .. } } => {
                let phone = self.phones.get_mut(&device).unwrap();
                let shown = phone.legs.entry(leg).or_default();
                match change {
                    Change::State(CallState::OnHook) => drop(phone.legs.remove(&leg)),
                    Change::State(state) => shown.0 = Some(state),
                    Change::Info(info) => shown.1 = info.security,
                    // Said of one that has ended, too.
                    _ => phone.legs.retain(|_, shown| shown.0.is_some()),
                }
            }
            Action::Telephone { .. } | Action::Forwarded { .. } | Action::MessageWaiting { .. } => {
            }
        }
    }

    fn media(&mut self, MediaOrder { port, stream, command, .. }: MediaOrder) {
        let MediaPort::Device { device, .. } = port else { panic!("nobody holds") };
        let phone = self.phones.get_mut(&device).unwrap();
        let octets = |key: &callmanager::keys::MasterKey| [&key.key[..], &key.salt[..]].concat();
        match command {
            MediaCommand::OpenReceive { key, .. } => {
                phone.receives.insert(stream, octets(&key.unwrap()));
                let port = 20_000 + 2 * (stream.0 & 0xfff) as u16;
                let address = match phone.number {
                    1 => ([10, 1, 0, 1], port).into(),
                    _ => ([192, 0, 2, 2], port).into(),
                };
                let (by, result) = (Owner::Device(device), Ok(address));
                self.handle(Event::MediaOpened { by, stream, result });
            }
            MediaCommand::StartTransmit { to, key, .. } => {
                phone.sends.insert(stream, (to, octets(&key.unwrap())));
                phone.begun += 1;
            }
            MediaCommand::CloseReceive => drop(phone.receives.remove(&stream)),
            MediaCommand::StopTransmit => drop(phone.sends.remove(&stream)),
        }
    }

    fn hear_agent(&mut self) {
        let mut heard = Vec::new();
        for report in std::mem::take(&mut self.site.reports) {
            match report {
                Report::Opened { link, result } => heard.push(Event::RelayOpened { link, result }),
                Report::Lost { link } => heard.push(Event::RelayLost { link }),
                Report::Closed { .. } | Report::Alarm(_) => {}
            }
        }
        heard.into_iter().for_each(|event| self.handle(event));
    }

    fn pass(&mut self, time: std::time::Duration) {
        let end = self.site.now + time;
        while self.site.now < end {
            self.site.pass(MS);
            self.hear_agent();
            let mut actions = Vec::new();
            self.switchboard.tick(self.site.now, &mut actions);
            actions.into_iter().for_each(|action| self.carry_out(action));
        }
    }

    fn call(&mut self) {
        self.press(ALICE, Key::Number("1002".to_owned()));
        self.press(BOB, Key::Answer);
        self.pass(20 * MS);
    }

    /// Both are connected, show a lock, and send to a relay in which they meet.
    fn assert_speak(&self) {
        let relay = self.site.relays.iter().find(|relay| relay.engine.leg_count() == 2);
        let relay = relay.expect("one has two legs");
        let snapshot = relay.gateway.snapshot();
        let mut keys = std::collections::HashSet::new();
        for (name, phone) in &self.phones {
            let legs: Vec<_> = phone.legs.values().collect();
            assert_eq!(legs, [&(Some(CallState::Connected), Some(Encrypted))], "{name}");
            let [(to, out)] = &phone.sends.values().collect::<Vec<_>>()[..] else {
                panic!("{phone:?}")
            };
            let [back] = &phone.receives.values().collect::<Vec<_>>()[..] else {
                panic!("{phone:?}")
            };
            assert!(snapshot.connections.iter().any(|connection| connection.local == *to));
            assert!(
                keys.insert(out.clone()) && keys.insert((*back).clone()),
                "no key serves twice"
            );
        }
        assert_eq!(snapshot.keys, 4);
    }
}

// R: GEN-09, GEN-11, MED-02, MED-03, MED-04
#[test]
fn a_call_survives_its_relay() {
    let mut office = Office::new(2);
    office.call();
    office.assert_speak();
    let first = office.site.relays.iter().position(|relay| relay.engine.leg_count() == 2).unwrap();

    // It restarts, and announces it.
    office.site.restart_relay(first);
    office.pass(200 * MS);
    office.assert_speak();
    // It is cut off: the call moves to the other one.
    let there = office.site.relays.iter().position(|relay| relay.engine.leg_count() == 2).unwrap();
    office.site.relays[there].reachable = false;
    office.pass(15 * SECOND);
    assert_eq!(office.site.relays[1 - there].engine.leg_count(), 2);
    office.site.restart_relay(there);
    office.pass(SECOND);
    office.assert_speak();
    assert!(office.phones.values().all(|phone| phone.begun == 3), "opened anew each time");

    office.press(BOB, Key::OnHook);
    office.pass(SECOND);
    assert!(office.switchboard.is_idle());
    office.site.assert_clean();
    let [record] = &office.records[..] else { panic!("{:?}", office.records) };
    assert_eq!(record.relay.as_deref(), Some(&*format!("relay{}", 2 - there)));
    assert_eq!(record.security, Some(Encrypted));
    assert_eq!(office.alarms, []);
}

#[test]
fn without_a_relay_the_call_ends_and_says_so() {
    let mut office = Office::new(1);
    office.site.relays[0].reachable = false;
    office.call();
    office.pass(6 * SECOND);
    for phone in office.phones.values() {
        let states: Vec<_> = phone.legs.values().map(|leg| leg.0).collect();
        assert_eq!(states, [Some(CallState::Congestion)]);
        assert!(phone.sends.is_empty() && phone.receives.is_empty());
    }
    assert!(matches!(office.alarms[..], [CallAlarm::NoRelay { .. }]), "{:?}", office.alarms);
    office.press(ALICE, Key::OnHook);
    office.press(BOB, Key::OnHook);
    office.site.relays[0].reachable = true;
    office.pass(60 * SECOND);
    assert!(office.switchboard.is_idle());
    office.site.assert_clean();
}

#[test]
fn a_call_that_ends_while_its_relay_is_asked_leaves_nothing_behind() {
    for wait in 0..10 {
        let mut office = Office::new(1);
        office.press(ALICE, Key::Number("1002".to_owned()));
        office.press(BOB, Key::Answer);
        office.pass(wait * MS);
        office.press(ALICE, Key::OnHook);
        office.pass(SECOND);
        assert!(office.switchboard.is_idle());
        office.site.assert_clean();
    }
}
