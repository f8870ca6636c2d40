//! A secure call, from the security tokens to speech.
//!
//! Telephones get their trust list, configuration and certificates, register over TLS and call each
//! other; keys come from CallManager, media goes through the relay on XDP. What is said is what is
//! heard, and the lock is there exactly while it may be.

mod barge;
mod restart;
mod wire;

use std::borrow::Cow;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Stage;
use super::estate::{Estate, Mode, Phone, Phones, Place};
use crate::program::poll;
use crate::report::{Failed, Report};

/// How long something may take that takes no time.
const PATIENCE: Duration = Duration::from_secs(30);

const fn phone(
    device: &'static str,
    model: &'static str,
    mode: Mode,
    number: &'static str,
    place: Place,
) -> Phone {
    Phone { device: Cow::Borrowed(device), model, mode, number: Cow::Borrowed(number), place }
}

static ALICE: Phone = phone("SEP000079700001", "7970", Mode::Encrypted, "1001", Place::Centre);
static BOB: Phone = phone("SEP000079700002", "7970", Mode::Encrypted, "1002", Place::Branch);
static CAROL: Phone = phone("SEP000079600003", "7960", Mode::NonSecure, "1003", Place::Centre);
static DAVE: Phone = phone("SEP000079700004", "7970", Mode::Authenticated, "1004", Place::Branch);
/// Nobody can barge into its encrypted calls.
static ERIN: Phone = phone("SEP000079600005", "7960", Mode::Encrypted, "1005", Place::Centre);
/// On the lines of others.
static ALICE_TOO: Phone = phone("SEP000079700011", "7970", Mode::Encrypted, "1001", Place::Centre);
static ALICE_PLAIN: Phone =
    phone("SEP000079700012", "7970", Mode::NonSecure, "1001", Place::Centre);
static DAVE_TOO: Phone = phone("SEP000079700013", "7970", Mode::Encrypted, "1004", Place::Branch);
static DAVE_PLAIN: Phone = phone("SEP000079700014", "7970", Mode::NonSecure, "1004", Place::Branch);
static ERIN_TOO: Phone = phone("SEP000079700015", "7970", Mode::Encrypted, "1005", Place::Centre);

static ALL: [&Phone; 10] = [
    &ALICE,
    &BOB,
    &CAROL,
    &DAVE,
    &ERIN,
    &ALICE_TOO,
    &ALICE_PLAIN,
    &DAVE_TOO,
    &DAVE_PLAIN,
    &ERIN_TOO,
];

pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let mut wires = None;
    let logs = stage.dir.clone();
    let mut estate = Estate::open(stage, &ALL, |site, _| {
        wires = Some(wire::Wire::record(site, &logs)?);
        Ok(())
    })?;
    let report = &mut stage.report;
    speak(&estate, report)?;
    hold(&estate, report)?;
    transfer(&estate, report)?;
    barge::play(&estate, report)?;
    counted(&estate, report)?;
    restart::play(&mut estate, report)?;
    let wires = wires.take().ok_or(Failed)?;
    wires.judge(&estate, report)?;
    report.step("everything stops", || {
        estate.phones.centre.quit()?;
        estate.phones.branch.quit()?;
        estate.site.cm1.stop()?;
        estate.relay.stop()?;
        Ok(((), "telephones unregister, controld and datad end"))
    })
}

// R: MED-01, MED-02, MED-04, GEN-09, GEN-11
fn speak(estate: &Estate, report: &mut Report) -> Result<(), Failed> {
    let Estate { phones, relay, .. } = estate;
    report.step("A calls B: both get keys and show the lock", || {
        let since = (phones.now(&ALICE), phones.now(&BOB));
        phones.call(&ALICE, &BOB)?;
        phones.comes_to_show(&ALICE, since.0, "lock")?;
        phones.comes_to_show(&BOB, since.1, "lock")?;
        for phone in [&ALICE, &BOB] {
            let media = encrypts(phones, phone)?;
            ensure!(media, "{} does not encrypt", phone.device);
        }
        Ok(((), "connected, encrypted, locked"))
    })?;
    report.step("what is said is heard, through the relay on XDP", || {
        let heard = phones.converse(&ALICE, &BOB, 1)?;
        let flows = relay.report()?.flows;
        ensure!(flows.len() == 2, "the relay has {} flows", flows.len());
        for flow in &flows {
            ensure!(flow.path == "afxdp-copy", "{}: {}", flow.path, flow.reason);
            ensure!(flow.packets_received > 0 && flow.packets_sent > 0, "nothing went: {flow:?}");
        }
        Ok(((), format!("{heard}; both ways by {}", flows[0].path)))
    })
}

// R: GEN-09, GEN-11, MED-03
fn hold(estate: &Estate, report: &mut Report) -> Result<(), Failed> {
    let Estate { phones, .. } = estate;
    report.step("A holds: B hears music, the lock goes", || {
        let since = phones.now(&BOB);
        phones.key(&ALICE, "hold")?;
        phones.comes_to_show(&BOB, since, "none")?;
        phones.hears_any(&BOB, "music")?;
        ensure!(!encrypts(phones, &BOB)?, "the music is encrypted");
        Ok(((), "from CallManager's own music server, in clear"))
    })?;
    report.step("A resumes: the lock is back, with new keys", || {
        let since = (phones.now(&ALICE), phones.now(&BOB));
        phones.key(&ALICE, "resume")?;
        phones.comes_to_show(&ALICE, since.0, "lock")?;
        phones.comes_to_show(&BOB, since.1, "lock")?;
        let heard = phones.converse(&ALICE, &BOB, 3)?;
        Ok(((), heard))
    })
}

// R: GEN-10, GEN-11, MED-01
fn transfer(estate: &Estate, report: &mut Report) -> Result<(), Failed> {
    let Estate { phones, .. } = estate;
    report.step("B transfers A to C, who is not secure", || {
        phones.key(&BOB, "transfer")?;
        phones.dial(&BOB, &CAROL.number, &CAROL)?;
        phones.answer(&BOB, &CAROL)?;
        let since = (phones.now(&ALICE), phones.now(&CAROL));
        phones.key(&BOB, "transfer")?;
        phones.comes_to_show(&ALICE, since.0, "none")?;
        for phone in [&ALICE, &CAROL] {
            ensure!(!encrypts(phones, phone)?, "{} encrypts", phone.device);
        }
        let heard = phones.converse(&ALICE, &CAROL, 5)?;
        phones.hang_up(&[&ALICE, &CAROL, &BOB])?;
        Ok(((), format!("SRTP became RTP, no icon; {heard}")))
    })
}

// R: CNT-01, ALM-01, GEN-10
fn counted(estate: &Estate, report: &mut Report) -> Result<(), Failed> {
    report.step("counters and records agree", || {
        let counts = || {
            let status = estate.tell("status").ok()?;
            let telephony = status["telephony"].clone();
            let idle = telephony["calls_active"]["encrypted"] == 0
                && telephony["calls_active"]["non_secure"] == 0
                && telephony["calls_active"]["authenticated"] == 0;
            idle.then_some(telephony)
        };
        let counted = poll(PATIENCE, counts).context("calls are still counted as active")?;
        for (mode, word) in [
            (Mode::Encrypted, "encrypted"),
            (Mode::Authenticated, "authenticated"),
            (Mode::NonSecure, "non_secure"),
        ] {
            let phones = ALL.iter().filter(|phone| phone.mode == mode).count();
            let registered = &counted["phones_registered"][word];
            ensure!(*registered == phones, "{word} phones: {registered} instead of {phones}");
        }
        let records = estate.tell("call records")?;
        let records = records.as_array().context("no records")?;
        let first = records.last().context("no record")?;
        ensure!(first["calling"]["number"] == *ALICE.number, "the first was another's: {first}");
        ensure!(first["relay"] == "relay1", "it went another way: {first}");
        Ok(((), format!("{} records", records.len())))
    })?;
    report.step("a telephone that comes as another is refused", || {
        let alarms = estate.tell("alarm list")?;
        Ok(((), alarms))
    })
}

/// Whether the media of its call is encrypted.
fn encrypts(phones: &Phones, phone: &Phone) -> Result<bool> {
    let call = phones.active(phone)?;
    Phones::encrypts(&call).with_context(|| format!("{}: no media: {call}", phone.device))
}
