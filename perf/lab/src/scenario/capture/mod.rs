//! An encrypted call, read by somebody who may.
//!
//! Signalling of one telephone is streamed to a tool, that of the other is in the file of the day;
//! media is recorded on the wire on both sides of the relay, where each has keys of its own. What is
//! decrypted is what was said.

mod reader;

use std::borrow::Cow;

use anyhow::{Context, Result, ensure};

use super::Stage;
use super::estate::{Estate, Mode, Phone, Place};
use crate::capture::Recording;
use crate::report::{Failed, Report};
use reader::Reader;

const fn phone(device: &'static str, number: &'static str, place: Place) -> Phone {
    let (device, number) = (Cow::Borrowed(device), Cow::Borrowed(number));
    Phone { device, model: "7970", mode: Mode::Encrypted, number, place }
}

static ALICE: Phone = phone("SEP000079700001", "1001", Place::Centre);
static BOB: Phone = phone("SEP000079700002", "1002", Place::Branch);

/// Media, and nothing else.
const MEDIA: &str = "udp portrange 16384-32767";

pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let (logs, programs) = (stage.dir.clone(), stage.programs.clone());
    let mut recordings = Vec::new();
    let mut estate = Estate::open(stage, &[&ALICE, &BOB], |site, branch| {
        // Where telephones are: what XDP takes, no recorder on the gateway sees.
        for (machine, side) in [(&site.phones, "centre"), (&branch.phones, "branch")] {
            recordings.push(Recording::start(machine, "eth0", MEDIA, (&*logs, side))?);
        }
        Ok(())
    })?;
    let report = &mut stage.report;
    let mut reader = report.step("only the role capture may, and only while it is on", || {
        refused(&estate)?;
        let reader = Reader::open(&estate, &programs, &logs)?;
        Ok((reader, "exit code 3 twice; then a tool with a certificate of its own is let in"))
    })?;
    capture(&estate, &mut reader, report)?;
    report.step("A calls B: the lock, and speech both ways", || {
        estate.phones.call(&ALICE, &BOB)?;
        let flows = estate.relay.report()?.flows;
        let flow = flows.first().context("the relay has no call")?;
        let tap = reader.tap(&flow.endpoint)?;
        estate.phones.speak([&ALICE, &BOB], "lock")?;
        reader.end_tap(tap)?;
        estate.phones.hang_up(&[&ALICE, &BOB])?;
        Ok(((), "encrypted to the relay and from it, under different keys; the relay taps it, too"))
    })?;
    let media = report.step("captures stop, recordings end", || {
        estate.tell("capture stop --all")?;
        reader.end_stream(&ALICE.device)?;
        let captures = recordings.into_iter().map(Recording::finish).collect::<Result<Vec<_>>>()?;
        reader.fetch(&estate)?;
        Ok((captures, "streamed signalling, the file of the day with its key, media of both sides"))
    })?;
    drop(media);
    // R: CAP-05
    report.step("centre: media opened with streamed signalling is what was said", || {
        let told = reader.decrypt("live.pcapng", "centre", [&ALICE, &BOB])?;
        Ok(((), told))
    })?;
    report.step("branch: media opened with the file of the day is what was said", || {
        let file = reader.day_file()?;
        let told = reader.decrypt(&file, "branch", [&BOB, &ALICE])?;
        Ok(((), told))
    })?;
    report.step(
        "the relay's own tap of the call opens on the side whose keys there are",
        || {
            let (opened, closed) = reader.decrypt_some("live.pcapng", "tap")?;
            ensure!(opened > 0 && closed > 0, "{opened} packets opened, {closed} not");
            Ok(((), format!("{opened} packets of the centre opened, {closed} of the branch not")))
        },
    )?;
    report.step("keys of one side do not open the other", || {
        let why = reader.cannot_decrypt("live.pcapng", "branch")?;
        ensure!(why.contains("No key of the signalling fits"), "it says: {why}");
        Ok(((), "and it is said which keys are missing"))
    })?;
    report.step("no key is in a log or in what was decrypted", || {
        let keys = reader.keys("live.pcapng")?;
        let searched = reader.search(&estate, &keys)?;
        Ok(((), format!("{} keys looked for in {searched} files", keys.len())))
    })?;
    report.step("everything stops", || {
        estate.phones.go_home()?;
        estate.site.cm1.stop()?;
        estate.relay.stop()?;
        Ok(((), "telephones unregister, controld and datad end"))
    })
}

/// Neither root nor anybody may by the way.
fn refused(estate: &Estate) -> Result<()> {
    let (cm1, start) = (&estate.site.cm1, format!("capture start {}", ALICE.device));
    let complaint = estate.desk.ask(cm1, &start)?.complaint(3)?;
    ensure!(complaint.contains("may not capture"), "{complaint}");
    let put = "admin put root --role capture --password-file";
    estate.tell(&format!("{put} {}", estate.desk.password()))?;
    let complaint = estate.desk.ask(cm1, &start)?.complaint(3)?;
    ensure!(complaint.contains("Packet Capture Enable is off"), "{complaint}");
    estate.tell("param set call-manager.packet-capture-enable on")?;
    Ok(())
}

// R: CAP-02, CAP-03, CAP-04
fn capture(estate: &Estate, reader: &mut Reader, report: &mut Report) -> Result<(), Failed> {
    report.step("one telephone is captured in real time, the other in a file", || {
        estate.tell(&format!("capture start {} --mode real-time --duration 30", ALICE.device))?;
        estate.tell(&format!("capture start {} --mode batch", BOB.device))?;
        reader.attach(estate, &ALICE.device)?;
        let status = estate.tell("status")?;
        let alarms = status["alarms"].as_array().context("no alarms")?;
        let banner = alarms.iter().filter_map(|alarm| alarm.as_str());
        let banner = banner.filter(|alarm| alarm.contains("Packet capture is active")).count();
        ensure!(banner == 1, "status does not say that a capture goes on: {status}");
        Ok(((), "the tool is attached, everybody sees that a capture goes on"))
    })
}
