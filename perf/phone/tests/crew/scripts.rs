//! Scripts against a server of sockets, with real media.

use std::time::{Duration, Instant};

use callmanager::security::Security;
use callmanager::station::{Application, Equipment};
use ringfence_phone::crew::{Crew, Report, Settings, run};
use serde_json::json;

use crate::common::own_address;
use crate::house::{Door, House, equipment};

/// Everybody may register; numbers are the last four digits of names.
pub fn everybody(application: &Application) -> Option<Equipment> {
    let number = application.name.get(application.name.len().checked_sub(4)?..)?;
    Some(equipment(Security::NonSecure, number))
}

pub fn open() -> House {
    House::open(Door::Plain, Box::new(everybody), Some((own_address(), 0).into()))
}

/// Definitions of phones `a`, `b` and so on, with numbers from 1001.
pub fn phones(house: &House, count: u32) -> String {
    let phone = |index: u32| {
        let name = char::from_u32('a' as u32 + index).unwrap();
        let model = if index == 0 { 7970 } else { 7960 };
        format!(
            "phone {name} device=SEP00000000{:04} model={model} server={}\n",
            1001 + index,
            house.address
        )
    };
    (0..count).map(phone).collect()
}

fn crew(ports: std::ops::RangeInclusive<u16>) -> Crew {
    let patience = Duration::from_secs(30);
    Crew::new(Settings { patience, ports, ..Settings::default() }).unwrap()
}

fn play(script: &str, ports: std::ops::RangeInclusive<u16>) -> Report {
    run(&mut crew(ports), script, |_| {}).unwrap()
}

fn assert_good(report: &Report) {
    let failed = report.steps.iter().find(|step| step.failure.is_some());
    assert!(failed.is_none(), "{failed:#?}");
}

#[test]
fn two_speak_and_hear_each_other() {
    let house = open();
    let script = phones(&house, 2)
        + "a registers
           b registers
           a dials 1002
           expect a tone alerting
           expect a shows \"Ring Out\"
           wait b ringing
           expect b party 1001
           expect b lamp 1 blink
           b answers
           wait a connected
           expect a icon none
           expect a tone none
           expect a hears b
           expect b hears a
           expect a plain
           expect b not encrypted
           b says tone:440
           expect a hears tone
           show a
           a holds
           expect a held
           expect a key Resume
           a resumes
           expect b hears a
           a hangs up
           expect b idle
           expect a idle
           a redials
           b answers
           expect a hears tone
           b presses EndCall
           expect a idle
           a leaves
           expect a not registered";
    let report = play(&script, 20_000..=20_999);
    assert_good(&report);
    let shown = &report.steps.iter().find(|step| step.command == "show a").unwrap().answer;
    let media = &shown["calls"][0]["media"][0];
    assert!(media["sent"]["packets"].as_u64().unwrap() > 0, "{shown:#}");
    assert_eq!(media["received"]["suite"], json!(null));
    assert_eq!(shown["calls"][0]["parties"]["called"]["number"], "1002");
    let registered = |event: &&serde_json::Value| event["event"] == "registered";
    let of: Vec<_> = report.events.iter().filter(registered).map(|event| &event["phone"]).collect();
    assert_eq!(of, ["a", "b"]);
    let times: Vec<_> = report.events.iter().map(|event| event["at"].as_f64().unwrap()).collect();
    assert!(times.is_sorted());
    assert_eq!(report.to_json()["ok"], true);
}

#[test]
fn whoever_is_elsewhere_is_known_by_his_voice() {
    let house = open();
    let (mut here, mut there) = (crew(21_100..=21_199), crew(21_200..=21_299));
    let phones = phones(&house, 2).replace('\n', " says=voice:7\n");
    let [a, b] = [0, 1].map(|index| phones.lines().nth(index).unwrap().to_owned());
    let play = |crew: &mut Crew, script: &str| assert_good(&run(crew, script, |_| {}).unwrap());
    play(&mut here, &(a + "\na registers"));
    play(&mut there, &(b + "\nb says voice:9\nb registers"));
    play(&mut here, "a dials 1002");
    play(&mut there, "b answers\nwait b connected");
    // Each crew has to be served while the other one speaks.
    let answering = std::thread::scope(|scope| {
        let (sender, ended) = std::sync::mpsc::channel::<()>();
        let answering = scope.spawn(move || {
            while ended.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                there.pass(Duration::from_millis(20)).unwrap();
            }
            there
        });
        play(&mut here, "expect a hears voice:9\nexpect a not hears voice:7");
        drop(sender);
        answering.join().unwrap()
    });
    drop(answering);
}

#[test]
fn what_fails_says_what_was_there_instead() {
    let house = open();
    for (line, expected) in [
        ("expect a icon lock within 100ms", "expected icon lock within 100ms; it is registered 1"),
        ("expect b registered within 100ms", "b: expected registered within 100ms; it is none"),
        ("c registers", "there is no phone c: define it with `phone c device=… …`"),
        ("a presses line 7", "a cannot do that: there is no such button; it is registered 1"),
        ("phone a device=SEP000000000001 server=127.0.0.1", "there is a phone a already"),
    ] {
        let script = format!("{}a registers\n{line}\nb registers", phones(&house, 2));
        let report = play(&script, 21_000..=21_099);
        let last = report.steps.last().unwrap();
        assert_eq!(last.command, line);
        let failure = last.failure.as_deref().unwrap();
        assert!(failure.contains(expected), "{failure}");
        assert!(!report.is_good());
    }
}

#[test]
fn a_script_is_read_before_anything_is_done() {
    let mut crew = Crew::new(Settings::default()).unwrap();
    let error = run(&mut crew, "phone a server=127.0.0.1\n\na dances", |_| panic!()).unwrap_err();
    assert_eq!(error.to_string(), "line 3: no phone can do \"dances\"");
    for (line, expected) in [
        ("phone a device=x", "a name is SEP and twelve hexadecimal digits"),
        ("phone a colour=red", "there are device, model"),
        ("expect a purple", "nothing that can be expected"),
        ("sleep 5", "no time"),
        ("a says tone:5", "none of voice:NUMBER"),
    ] {
        let error = run(&mut crew, line, |_| panic!()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_impatient_expectation_does_not_wait() {
    let mut crew = Crew::new(Settings::default()).unwrap();
    let script = "phone a device=SEP000000000001 server=127.0.0.1:9\nexpect a registered within 0s";
    let began = Instant::now();
    assert!(!run(&mut crew, script, |_| {}).unwrap().is_good());
    assert!(began.elapsed() < Duration::from_secs(30));
}
