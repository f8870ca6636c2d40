//! A secure call, from the security tokens to speech.
//!
//! Telephones get their trust list, configuration and certificates, register over TLS and call each
//! other; keys come from CallManager, media goes through the relay on XDP. What is said is what is
//! heard, and the lock is there exactly while it may be.

mod barge;
mod restart;
mod wire;

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Stage;
use super::estate::{Estate, Mode, Phone, Place};
use crate::program::poll;
use crate::report::{Failed, Report};

/// How long something may take that takes no time.
const PATIENCE: Duration = Duration::from_secs(30);

static ALICE: Phone =
    Phone::known("SEP000079700001", "7970", Mode::Encrypted, "1001", Place::Centre);
static BOB: Phone = Phone::known("SEP000079700002", "7970", Mode::Encrypted, "1002", Place::Branch);
static CAROL: Phone =
    Phone::known("SEP000079600003", "7960", Mode::NonSecure, "1003", Place::Centre);
static DAVE: Phone =
    Phone::known("SEP000079700004", "7970", Mode::Authenticated, "1004", Place::Branch);
/// Nobody can barge into its encrypted calls.
static ERIN: Phone =
    Phone::known("SEP000079600005", "7960", Mode::Encrypted, "1005", Place::Centre);
/// On the lines of others.
static ALICE_TOO: Phone =
    Phone::known("SEP000079700011", "7970", Mode::Encrypted, "1001", Place::Centre);
static ALICE_PLAIN: Phone =
    Phone::known("SEP000079700012", "7970", Mode::NonSecure, "1001", Place::Centre);
static DAVE_TOO: Phone =
    Phone::known("SEP000079700013", "7970", Mode::Encrypted, "1004", Place::Branch);
static DAVE_PLAIN: Phone =
    Phone::known("SEP000079700014", "7970", Mode::NonSecure, "1004", Place::Branch);
static ERIN_TOO: Phone =
    Phone::known("SEP000079700015", "7970", Mode::Encrypted, "1005", Place::Centre);

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
    speak(&mut estate, report)?;
    hold(&mut estate, report)?;
    transfer(&mut estate, report)?;
    barge::play(&mut estate, report)?;
    counted(&estate, report)?;
    restart::play(&mut estate, report)?;
    if let Some(wires) = wires {
        wires.judge(report)?;
    }
    report.step("everything stops", || {
        estate.phones.go_home()?;
        estate.site.cm1.stop()?;
        estate.relay.stop()?;
        Ok(((), "telephones unregister, controld and datad end"))
    })
}

// R: MED-01, MED-02, MED-04, GEN-09, GEN-11
fn speak(estate: &mut Estate, report: &mut Report) -> Result<(), Failed> {
    let Estate { phones, relay, .. } = estate;
    report.step("A calls B: both show the lock and hear each other", || {
        phones.call(&ALICE, &BOB)?;
        phones.speak([&ALICE, &BOB], "lock")?;
        Ok(((), "SRTP both ways, recognised by its words"))
    })?;
    report.step("their media goes through the relay on XDP", || {
        let flows = relay.report()?.flows;
        ensure!(flows.len() == 2, "the relay has {} flows", flows.len());
        for flow in &flows {
            ensure!(flow.path == "afxdp-copy", "{}: {}", flow.path, flow.reason);
            ensure!(flow.packets_received > 0 && flow.packets_sent > 0, "nothing went: {flow:?}");
        }
        let calls = estate.desk.tell(&estate.site.cm1, "call list")?;
        ensure!(calls[0]["security"] == "encrypted", "{calls}");
        ensure!(calls[0]["relays"][0] == "relay1", "CallManager knows otherwise: {calls}");
        Ok(((), format!("{}: {}", flows[0].path, flows[0].reason)))
    })
}

// R: GEN-09, GEN-11, MED-03
fn hold(estate: &mut Estate, report: &mut Report) -> Result<(), Failed> {
    let phones = &mut estate.phones;
    report.step("A holds: B hears music, the lock goes", || {
        phones.does(&ALICE, "holds")?;
        phones.shows(&BOB, "none")?;
        phones.expect(&BOB, "hears music")?;
        Ok(((), "of CallManager's own music server, in clear"))
    })?;
    report.step("A resumes: the lock is back", || {
        phones.does(&ALICE, "resumes")?;
        phones.speak([&ALICE, &BOB], "lock")?;
        Ok(((), "encrypted again"))
    })
}

// R: GEN-10, GEN-11, MED-01
fn transfer(estate: &mut Estate, report: &mut Report) -> Result<(), Failed> {
    let phones = &mut estate.phones;
    report.step("B transfers A to C, who is not secure", || {
        phones.does(&BOB, "transfers")?;
        phones.call(&BOB, &CAROL)?;
        phones.does(&BOB, "transfers")?;
        phones.speak([&ALICE, &CAROL], "none")?;
        phones.hang_up(&[&ALICE, &CAROL, &BOB])?;
        Ok(((), "SRTP became RTP, the lock is gone, they hear each other"))
    })
}

// R: CNT-01, GEN-10
fn counted(estate: &Estate, report: &mut Report) -> Result<(), Failed> {
    report.step("counters and records agree", || {
        let words = ["non_secure", "authenticated", "encrypted"];
        let quiet = || {
            let telephony = estate.tell("status").ok()?["telephony"].clone();
            let active = &telephony["calls_active"];
            words.iter().all(|word| active[word] == 0).then_some(telephony)
        };
        let counted = poll(PATIENCE, quiet).context("calls are still counted as active")?;
        let modes = [Mode::NonSecure, Mode::Authenticated, Mode::Encrypted];
        for (mode, word) in modes.into_iter().zip(words) {
            let phones = ALL.iter().filter(|phone| phone.mode == mode).count();
            let registered = &counted["phones_registered"][word];
            ensure!(*registered == phones, "{word} phones: {registered} instead of {phones}");
        }
        let completed = &counted["calls_completed"];
        ensure!(completed["encrypted"].as_u64() > Some(0), "none was encrypted: {counted}");
        let records = estate.tell("call records")?;
        let records = records.as_array().context("no records")?;
        let first = records.last().context("no record")?;
        ensure!(first["calling"]["number"] == *ALICE.number, "the first was another's: {first}");
        ensure!(first["relay"] == "relay1", "it went another way: {first}");
        Ok(((), format!("{} records; {counted}", records.len())))
    })
}
