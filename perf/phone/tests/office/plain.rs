//! Non-secure telephones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use callmanager::security::Security;
use callmanager::station::{Application, Equipment};
use ringfence_phone::Model;
use ringfence_phone::connection::{Server, Way};
use ringfence_phone::office::{Mute, Office, PhoneId, Setup, What};
use ringfence_phone::station::{Event, Icon, Key, Outage, Profile, Registration};
use sccp::codes::{CallStatus, ResetKind};
use tftp::DeviceName;

use crate::house::{Door, House, equipment};

/// Everybody may register; numbers are the last four digits of names.
pub fn everybody(security: Security) -> impl Fn(&Application) -> Option<Equipment> {
    move |application| {
        let number = application.name.get(application.name.len().checked_sub(4)?..)?;
        Some(equipment(security, number))
    }
}

pub fn device(number: u16) -> DeviceName {
    let [a, b] = number.to_be_bytes();
    // In hexadecimal the name ends with the number.
    DeviceName::from_mac([0, 0, 0, 0, a, b])
}

pub fn setup(number: u16, model: Model, houses: &[&House]) -> Setup {
    let server = |house: &&House| Arc::new(Server::new(house.address, Vec::new()));
    let servers: Vec<_> = houses.iter().map(server).collect();
    let mut profile = Profile::new(device(number), model);
    profile.servers = servers.len();
    Setup { profile, servers: servers.into(), way: Way::Plain, source: None }
}

/// An office whose media goes nowhere.
pub fn office() -> Office<Mute> {
    Office::new(Mute::at(Some([192, 0, 2, 1].into()))).unwrap()
}

/// Generous: it only matters when the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs an office until something is true.
pub fn wait_until(office: &mut Office<Mute>, what: &str, done: impl Fn(&Office<Mute>) -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done(office) {
        assert!(Instant::now() < end, "{what}: {:#?}", {
            let displays = office.phones().map(|phone| office.station(phone).display());
            displays.collect::<Vec<_>>()
        });
        office.turn(end).unwrap();
    }
}

pub fn wait_registered(office: &mut Office<Mute>, phone: PhoneId, server: usize) {
    let mut seen = false;
    let end = Instant::now() + PATIENCE;
    while !seen {
        assert!(Instant::now() < end, "{:#?}", office.station(phone).display());
        office.turn(end).unwrap();
        while let Some(happening) = office.next_happening() {
            seen |= happening.phone == phone
                && happening.what == What::Event(Event::Registered(server));
        }
    }
}

pub fn state(office: &Office<Mute>, phone: PhoneId) -> Option<CallStatus> {
    office.station(phone).display().active().map(|call| call.state)
}

/// One calls the other, who answers.
pub fn call(office: &mut Office<Mute>, a: PhoneId, b: PhoneId, number: &str) {
    office.press(a, Key::OffHook).unwrap();
    wait_until(office, "dial tone", |office| state(office, a) == Some(CallStatus::OFF_HOOK));
    number.chars().for_each(|digit| office.press(a, Key::Digit(digit)).unwrap());
    wait_until(office, "ringing", |office| office.station(b).display().ringing().is_some());
    office.press(b, Key::OffHook).unwrap();
    for phone in [a, b] {
        wait_until(office, "connected", |office| {
            let call = office.station(phone).display().active();
            call.is_some_and(|call| call.icon() != Icon::Unknown)
        });
    }
}

#[test]
fn telephones_register_call_and_hang_up() {
    let house = House::open(Door::Plain, Box::new(everybody(Security::NonSecure)), None);
    let mut office = office();
    let [a, b] = [(0x1001, Model::M7960), (0x1002, Model::M7970)]
        .map(|(number, model)| office.add(setup(number, model, &[&house])));
    for phone in [a, b] {
        office.start(phone, Outage::Initialized);
        wait_registered(&mut office, phone, 0);
    }
    assert_eq!(office.station(a).display().lines[0].number.to_string(), "1001");
    call(&mut office, a, b, "1002");
    assert_eq!(office.station(a).display().active().unwrap().icon(), Icon::None);
    office.press(a, Key::OnHook).unwrap();
    for phone in [a, b] {
        wait_until(&mut office, "idle", |office| office.station(phone).display().calls.is_empty());
    }
    let alarms = house.alarms.lock().unwrap().clone();
    assert!(alarms.iter().all(|alarm| alarm.ends_with("Last=Initialized")), "{alarms:?}");
}

#[test]
fn they_go_to_another_server_and_start_anew() {
    let open = |at| House::open(Door::Plain, Box::new(everybody(Security::NonSecure)), at);
    let (first, second) = (open(None), open(None));
    let mut office = office();
    let mut setup = setup(0x1001, Model::M7970, &[&first, &second]);
    setup.profile.patience.fail_back = Duration::from_millis(200);
    let phone = office.add(setup);
    office.start(phone, Outage::Initialized);
    wait_registered(&mut office, phone, 0);
    let address = first.address;
    drop(first);
    wait_registered(&mut office, phone, 1);
    let first = open(Some(address));
    wait_registered(&mut office, phone, 0);
    let last = first.alarms.lock().unwrap().last().cloned().unwrap();
    assert!(last.ends_with("Last=Failback"), "{last}");

    first.reset(&device(0x1001).to_string(), ResetKind::RESTART);
    wait_until(&mut office, "restart", |office| {
        office.station(phone).display().registration == Registration::None
    });
    office.start(phone, Outage::Restart);
    wait_registered(&mut office, phone, 0);
}

#[test]
fn a_thousand_telephones_register_on_one_thread() {
    let house = House::open(Door::Plain, Box::new(everybody(Security::NonSecure)), None);
    let mut office = office();
    let phones: Vec<_> =
        (0x1000..0x1400).map(|number| office.add(setup(number, Model::M7970, &[&house]))).collect();
    for phone in &phones {
        office.start(*phone, Outage::Initialized);
    }
    for phone in &phones {
        wait_until(&mut office, "registered", |office| {
            let display = office.station(*phone).display();
            display.time.is_some() && display.registration == Registration::Registered(0)
        });
    }
    call(&mut office, phones[0x3], phones[0x4], "1004");
}
