//! Many telephones at once.

use std::process::Command;
use std::time::Duration;

use callmanager::security::Security;
use ringfence_phone::Flash;
use ringfence_phone::office::{Manners, Mute, Office};
use ringfence_phone::traffic::{CallPlan, Pair, Recruit, Recruits, call, keep, register};
use serde_json::Value;
use tlv::Role;

use crate::common::holder;
use crate::house::{Door, House};
use crate::pki_of_site::Site;
use crate::plain::{device, everybody};

const PATIENCE: Duration = Duration::from_secs(60);

fn list(mode: &str, count: u16) -> String {
    let line = |number: u16| format!("{},7970,{mode},{number:04X}\n", device(number));
    (0x1000..).take(count.into()).map(line).collect()
}

#[test]
fn a_fleet_registers_over_tls_and_calls_with_keys() {
    let site = Site::new();
    let door = Door::Legacy(site.legacy("AES128-SHA"));
    let house = House::open(door, Box::new(everybody(Security::Encrypted)), None);
    let list = Recruit::list(&list("encrypted", 8)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let token = holder("token");
    let ctl = token.sign_ctl(&[token.record(Role::Sast), site.holder().record(Role::CcmTftp)]);
    for recruit in &list {
        let home = directory.path().join(recruit.device.to_string());
        Flash::open(&home).unwrap();
        std::fs::copy(site.identity(recruit.device), home.join("lsc.pem")).unwrap();
    }
    let mut clear = house.address;
    clear.set_port(clear.port() - 443);
    let servers = [clear];
    let manners = Manners::default();
    let common = Recruits {
        servers: &servers,
        manners: &manners,
        flash: Some(directory.path()),
        ctl: Some(&ctl),
        source: None,
    };
    let mut office = Office::new(Mute::at(Some([192, 0, 2, 1].into()))).unwrap();
    let setups = common.setups(&list).unwrap();
    let phones: Vec<_> = setups.into_iter().map(|setup| office.add(setup)).collect();
    let report = register(&mut office, &phones, 3, PATIENCE).unwrap();
    assert_eq!((report.missing, report.times.len()), (0, 8), "{report:?}");
    assert!(report.failures.is_empty() && report.per_second() > 0.0);
    assert_eq!(house.suites.lock().unwrap().len(), 8);

    let pairs = list.chunks(2).zip(phones.chunks(2)).map(|(recruits, phones)| Pair {
        caller: phones[0],
        callee: phones[1],
        number: recruits[1].number.clone().unwrap(),
    });
    let plan = CallPlan {
        pairs: pairs.collect(),
        per_second: Some(20.0),
        hold: Duration::from_millis(50),
        time: Duration::from_secs(1),
        patience: PATIENCE,
    };
    let report = call(&mut office, &plan).unwrap();
    assert!(report.failures.is_empty(), "{report:?}");
    assert!(report.attempts > 4 && report.set_up.len() == report.attempts, "{report:?}");
    assert_eq!(report.encrypted, report.attempts);
    assert_eq!(keep(&mut office, Duration::from_millis(10)).unwrap(), (0, 8));

    // A number that nobody has.
    let mut plan = plan;
    plan.pairs.truncate(1);
    (plan.pairs[0].number, plan.per_second) = ("4711".to_owned(), None);
    plan.time = Duration::ZERO;
    let report = call(&mut office, &plan).unwrap();
    assert_eq!(report.attempts, 0);
    plan.time = Duration::from_millis(1);
    let report = call(&mut office, &plan).unwrap();
    assert!(report.failures["invalid-number"] >= 1, "{report:?}");
    drop(house);
    let lost = keep(&mut office, Duration::from_millis(500)).unwrap();
    assert_eq!(lost.1, 0);
}

#[test]
fn the_program_says_how_fast_it_was() {
    let house = House::open(Door::Plain, Box::new(everybody(Security::NonSecure)), None);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("phones");
    std::fs::write(&file, list("non-secure", 60)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ringfence-phone"))
        .args(["fleet", "--json", "--calls", "0.5", "--per-second", "60", "--hold", "0.01"])
        .args(["--media", "192.0.2.1"])
        .arg("--server")
        .arg(house.address.to_string())
        .arg("--phones")
        .arg(&file)
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout);
    let report: Value = report.unwrap_or_else(|_| panic!("{output:?}"));
    assert!(output.status.success(), "{report:#}");
    assert_eq!(report["registration"]["registered"], 60);
    assert_eq!(report["kept"]["registered"], 60);
    assert!(report["calls"]["connected"].as_u64().unwrap() > 0, "{report:#}");
    assert!(report["calls"]["set_up_ms"]["p99"].as_f64().unwrap() > 0.0);
}
