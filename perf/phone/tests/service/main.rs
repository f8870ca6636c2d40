//! Telephones against the real CallManager service, with its database: two readings of the protocol
//! that know nothing of each other.

#[path = "../common/mod.rs"]
mod common;
mod relay;
mod screen;
mod site;

use std::time::Duration;

use ringfence_phone::connection::KeyLog;
use ringfence_phone::crew::{Crew, Settings, run};
use ringfence_phone::office::{Manners, Mute, Office, TlsStyle};
use ringfence_phone::traffic::{CallPlan, Pair, Recruit, Recruits, call, keep, register};
use site::Site;
use store::{DeviceSecurityMode, Model};

const PATIENCE: Duration = Duration::from_secs(60);

// R: GEN-03
#[test]
fn non_secure_telephones_speak_through_the_real_server() {
    let (mode, a, b) = (DeviceSecurityMode::NonSecure, "SEP000000000001", "SEP000000000002");
    let site = Site::new(&[(a, Model::M7970, mode), (b, Model::M7960, mode)]);
    let server = site.running.plain_address();
    let script = format!(
        "phone a device={a} model=7970 server={server}
         phone b device={b} model=7960 server={server}
         a registers
         b registers
         a dials 1002
         expect a tone alerting
         expect b party 1001
         b answers
         expect a icon none
         expect a hears b
         expect b hears a
         expect b plain
         b holds
         expect b held
         b resumes
         expect a hears b
         a hangs up
         expect b idle
         a presses NewCall
         expect a tone inside-dial
         a types 9
         expect a state invalid-number
         a hangs up
         expect a idle"
    );
    let ports = 25_000..=25_099;
    let settings = Settings { patience: PATIENCE, ports, ..Settings::default() };
    let report = run(&mut Crew::new(settings).unwrap(), &script, |_| {}).unwrap();
    let failed = report.steps.iter().find(|step| step.failure.is_some());
    assert!(failed.is_none(), "{failed:#?}");
}

// R: GEN-03, AUTH-05, AUTH-07, MED-01, MED-02
#[test]
fn secure_telephones_register_with_their_certificates_and_call_with_keys() {
    let mode = DeviceSecurityMode::Encrypted;
    let names: Vec<_> = (1..=6).map(|number| format!("SEP{number:012}")).collect();
    let phones: Vec<_> = names.iter().map(|name| (name.as_str(), Model::M7970, mode)).collect();
    let site = Site::new(&phones);
    let list: String = (1001..)
        .zip(&names)
        .map(|(number, name)| format!("{name},7970,encrypted,{number}\n"))
        .collect();
    let list = Recruit::list(&list).unwrap();
    let flash = site.equip(&list);
    let log = KeyLog::open(&site.home.path().join("keys.log")).unwrap();
    let manners = Manners { style: TlsStyle::Modern, log: Some(log) };
    let servers = [site.running.plain_address()];
    let common = Recruits {
        servers: &servers,
        manners: &manners,
        flash: Some(&flash),
        ctl: None,
        source: None,
    };
    let mut office = Office::new(Mute::at(None)).unwrap();
    let setups = common.setups(&list).unwrap();
    let phones: Vec<_> = setups.into_iter().map(|setup| office.add(setup)).collect();
    let report = register(&mut office, &phones, 6, PATIENCE).unwrap();
    assert_eq!((report.missing, report.failures.len()), (0, 0), "{report:?}");
    let registered = site.running.handle().registered();
    assert_eq!(registered.len(), 6);

    let pairs = phones.chunks(2).zip(list.chunks(2)).map(|(phones, recruits)| Pair {
        caller: phones[0],
        callee: phones[1],
        number: recruits[1].number.clone().unwrap(),
    });
    let plan = CallPlan {
        pairs: pairs.collect(),
        per_second: Some(10.0),
        hold: Duration::from_millis(20),
        time: Duration::from_secs(1),
        patience: PATIENCE,
    };
    let calls = call(&mut office, &plan).unwrap();
    assert!(calls.failures.is_empty() && !calls.set_up.is_empty(), "{calls:?}");
    assert_eq!(calls.encrypted, calls.attempts);
    assert_eq!(keep(&mut office, Duration::from_millis(50)).unwrap(), (0, 6));
}
