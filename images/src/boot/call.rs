//! A secure call through the booted image: its own CAPF gives two telephones their certificates, its
//! CallManager their keys, and its relay, on XDP over the virtual network card, carries the media.

use anyhow::{Context, Result, ensure};
use lab::crew::Crew;

use super::console::Console;
use super::office::{Office, voice};

const ALICE: &str = "SEP00007970000A";
const BOB: &str = "SEP00007970000B";
const NUMBERS: [(&str, &str); 2] = [(ALICE, "1001"), (BOB, "1002")];

/// Makes the cluster secure and calls. What the relay says of the path.
pub fn play(office: &Office, console: &mut Console<'_>, password: &str) -> Result<String> {
    secure(office, console, password)?;
    enter(console)?;
    let mut phones = office.telephones(&[ALICE, BOB])?;
    for device in [ALICE, BOB] {
        phones.command(&format!("{device} starts"))?;
    }
    for device in [ALICE, BOB] {
        phones.command(&format!("expect {device} registered within 170s"))?;
        let shown = console.tell(&format!("phone show {device}"))?;
        ensure!(shown["registration"]["security"] == "encrypted", "{device}: {shown}");
    }
    call(&mut phones)?;
    let path = relayed(console)?;
    for device in [ALICE, BOB] {
        phones.command(&format!("{device} hangs up"))?;
        phones.command(&format!("expect {device} idle"))?;
    }
    phones.go_home()?;
    Ok(path)
}

/// CAPF, CallManager, the trust list.
fn secure(office: &Office, console: &mut Console<'_>, password: &str) -> Result<()> {
    console.tell("capf activate")?;
    office.wait_for_port(3804)?;
    console.tell("node activate cm1 call-manager")?;
    office.wait_for_port(2000)?;
    let status = console.tell("status")?;
    let print = status["certificate_sha256"].as_str().context("the node has no certificate")?;
    office.sign_trust_list(print, password)?;
    console.tell("service restart call-manager")?;
    console.tell("service restart tftp")?;
    office.wait_for_port(2443)
}

fn enter(console: &mut Console<'_>) -> Result<()> {
    console.tell("pool add office --media always")?;
    for (device, number) in NUMBERS {
        console.tell(&format!("phone add {device} 7970"))?;
        console.tell(&format!("phone set {device} --security-mode encrypted --pool office"))?;
        console.tell(&format!("phone line add {device} {number}"))?;
        console
            .tell(&format!("device capf set {device} --operation install --auth null-string"))?;
    }
    Ok(())
}

// R: MED-01, GEN-09
fn call(phones: &mut Crew) -> Result<()> {
    phones.command(&format!("{ALICE} dials 1002"))?;
    phones.command(&format!("{BOB} answers"))?;
    for (device, other) in [(ALICE, BOB), (BOB, ALICE)] {
        phones.command(&format!("expect {device} connected"))?;
        phones.command(&format!("expect {device} icon lock"))?;
        phones.command(&format!("expect {device} encrypted"))?;
        phones.command(&format!("expect {device} hears {}", voice(other)))?;
    }
    Ok(())
}

fn relayed(console: &mut Console<'_>) -> Result<String> {
    let report = console.tell_as_root("relay show")?;
    let flows = report["flows"].as_array().with_context(|| format!("no flows: {report}"))?;
    ensure!(flows.len() == 2, "the relay has {} flows: {report}", flows.len());
    for flow in flows {
        let path = flow["path"].as_str().unwrap_or_default();
        ensure!(path.starts_with("afxdp"), "the media takes another path: {flow}");
        let count = |key: &str| flow[key].as_u64().unwrap_or_default();
        ensure!(count("packets_received") > 0 && count("packets_sent") > 0, "none came: {flow}");
    }
    let path = flows[0]["path"].as_str().unwrap_or_default();
    Ok(format!("two locks, both voices heard, media by {path}"))
}
