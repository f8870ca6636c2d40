//! Whether the image boots, is somebody's after its first boot, stays so, and refuses what is not
//! its own.

mod call;
mod console;
mod faults;
mod machine;
mod office;

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::disk::TRIES;
use crate::layout::{ESP_SIZE, FIRST, MIB, SLOT_SIZE};
use crate::tool::{run, tool};
use console::Console;
use machine::{Equipment, Machine, Network};
use office::Office;

/// The disk that the image is written to: larger than the image, as disks are.
const DISK: u64 = 4096 * MIB;

/// What the node is to be.
const SEED: &str = r#"language = "en"
hostname = "cm1"

[network]
address = "10.0.2.15/24"
gateway = "10.0.2.2"

[administrator]
name = "admin"
password = "not-a-secret-1"

[role]
kind = "publisher"
cluster = "boot-test"
"#;

/// Of its administrator.
const PASSWORD: &str = "not-a-secret-1";

/// Boots the image in `out` in every way that it has to bear, and writes `boot-test.json`.
///
/// `updates` are one that works, and a newer one that does not.
pub fn test(out: &Path, updates: Option<(PathBuf, PathBuf)>) -> Result<()> {
    let dir = out.join("boot-test");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut steps = Vec::new();
    let played = play(out, &dir, updates.as_ref(), &mut steps);
    let report = json!({ "scenario": "boot-test", "ok": played.is_ok(), "steps": steps });
    let text = serde_json::to_string_pretty(&report).context("the report is not JSON")?;
    fs::write(out.join("boot-test.json"), text).context("cannot write boot-test.json")?;
    played
}

fn play(
    out: &Path,
    dir: &Path,
    updates: Option<&(PathBuf, PathBuf)>,
    steps: &mut Vec<Value>,
) -> Result<()> {
    let mut step = |name: &str, done: &mut dyn FnMut() -> Result<String>| {
        let began = Instant::now();
        let result = done();
        let ok = result.is_ok();
        let detail = result.as_ref().map_or_else(|error| format!("{error:#}"), Clone::clone);
        let ms = began.elapsed().as_millis() as u64;
        eprintln!("{}: {name}: {detail} ({ms} ms)", if ok { "ok" } else { "FAILED" });
        steps.push(json!({ "name": name, "ok": ok, "detail": detail, "ms": ms }));
        result.map(drop)
    };
    let disk = dir.join("disk");
    step("an empty disk becomes a node", &mut || {
        write_disk(out, &disk, SEED)?;
        let machine = Machine::start(&disk, dir, "first")?;
        machine.expect("is set up")?;
        machine.expect("ringfence: healthy")?;
        answers(machine.http)?;
        machine.power_down()?;
        Ok("seed file, services, provisioning answers over HTTP".to_owned())
    })?;
    step("two telephones make a secure call through it", &mut || {
        let office = Office::build(&office::programs()?, dir)?;
        let with = Equipment { plugged_into: Network::Of(&office), ..Equipment::default() };
        let mut machine = Machine::start_with(&with, &disk, dir, "call")?;
        machine.expect("ringfence: healthy")?;
        let mut console = Console::log_in(&mut machine, "admin", PASSWORD)?;
        let seen = call::play(&office, &mut console, PASSWORD)?;
        machine.power_down()?;
        Ok(seen)
    })?;
    step("its power is cut and comes back: it is the same node", &mut || {
        let machine = Machine::start(&disk, dir, "second")?;
        machine.expect("ringfence: healthy")?;
        machine.cut_power()?;
        let machine = Machine::start(&disk, dir, "third")?;
        machine.expect("ringfence: healthy")?;
        answers(machine.http)?;
        machine.power_down()?;
        Ok("nothing asked, services run".to_owned())
    })?;
    step("its power is cut during the first boot: it is set up at the second", &mut || {
        let other = dir.join("other");
        write_disk(out, &other, SEED)?;
        let machine = Machine::start(&other, dir, "cut")?;
        machine.expect("setting up")?;
        machine.cut_power()?;
        let machine = Machine::start(&other, dir, "after-cut")?;
        machine.expect("is set up")?;
        machine.expect("ringfence: healthy")?;
        machine.power_down()?;
        fs::remove_file(&other).context("cannot remove the disk")?;
        Ok("set up anew from the same seed file".to_owned())
    })?;
    step("a wrong seed file and a clock at 1970: it says why, and asks", &mut || {
        faults::wrong_seed(out, dir)
    })?;
    step("a disk no larger than the image: it says so, and goes on", &mut || {
        faults::small_disk(out, dir)
    })?;
    step("no network card: it says so, and goes on with one", &mut || faults::no_card(out, dir))?;
    if let Some((good, bad)) = updates {
        step("an update that works is what runs from then on", &mut || {
            update(good, &disk, dir, "update")?;
            let machine = Machine::start(&disk, dir, "updated")?;
            let healthy = machine.expect("ringfence: healthy")?;
            answers(machine.http)?;
            machine.power_down()?;
            Ok(healthy)
        })?;
        step("an update that does not work is given up", &mut || {
            update(bad, &disk, dir, "bad-update")?;
            let mut starts = 0;
            loop {
                starts += 1;
                ensure!(starts <= TRIES + 1, "it is still tried after {TRIES} starts");
                let name = format!("bad-{starts}");
                let mut machine = Machine::start(&disk, dir, &name)?;
                let said = machine.expect_one_of(&["is not healthy", "ringfence: healthy"])?;
                if said.contains("not") {
                    machine.until_off()?;
                    continue;
                }
                machine.power_down()?;
                return Ok(format!("the version before runs at start {starts}"));
            }
        })?;
    }
    step("a root partition with changed bits does not start", &mut || {
        tamper(&disk)?;
        let mut machine = Machine::start(&disk, dir, "tampered")?;
        let seen = machine.until_off().and_then(|()| {
            let log = fs::read_to_string(dir.join("tampered.console.log"))?;
            ensure!(!log.contains("ringfence: healthy"), "it runs as if nothing had happened");
            Ok("the kernel stops and starts again")
        })?;
        Ok(seen.to_owned())
    })?;
    fs::remove_file(&disk).context("cannot remove the disk")
}

/// Starts with an update on a medium, until the machine starts again by itself.
fn update(bundle: &Path, disk: &Path, dir: &Path, name: &str) -> Result<()> {
    let medium = dir.join("medium");
    let file = fs::File::create(&medium).context("cannot make a medium")?;
    file.set_len(512 * MIB).context("no room for a medium")?;
    run(tool("mkfs.vfat").args(["-F", "32", "-n", "RFUPDATE"]).arg(&medium))?;
    run(tool("mcopy").arg("-i").arg(&medium).arg(bundle).arg("::ringfence.update"))?;
    let mut machine = {
        let with = Equipment { medium: Some(&medium), ..Equipment::default() };
        Machine::start_with(&with, disk, dir, name)
    }?;
    machine.expect("is installed")?;
    machine.until_off()?;
    fs::remove_file(&medium).context("cannot remove the medium")
}

/// The image on a disk, with a seed file.
fn write_disk(out: &Path, disk: &Path, seed: &str) -> Result<()> {
    let raw = out.join("ringfence.raw");
    run(tool("cp").arg("--sparse=always").arg(&raw).arg(disk))?;
    let file = OpenOptions::new().write(true).open(disk).context("cannot open the disk")?;
    file.set_len(DISK).context("no room for the disk")?;
    let answers = disk.with_extension("seed.toml");
    fs::write(&answers, seed).context("cannot write the seed file")?;
    let esp = format!("{}@@{FIRST}", disk.display());
    run(tool("mcopy").args(["-i", &esp]).arg(&answers).arg("::ringfence/seed.toml"))?;
    fs::remove_file(&answers).context("cannot remove the seed file")
}

/// Whether provisioning answers: a file that no phone has.
fn answers(port: u16) -> Result<()> {
    let ask = || -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(b"GET /none HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().context("provisioning does not answer")?;
    ensure!(answer.starts_with("HTTP/1."), "provisioning answers: {answer}");
    Ok(())
}

/// Turns a bit in each MiB of both root slots: whatever is read first, it is not what was sealed.
fn tamper(disk: &Path) -> Result<()> {
    let mut disk = OpenOptions::new().read(true).write(true).open(disk)?;
    let slots = [0, SLOT_SIZE].map(|offset| FIRST + ESP_SIZE + offset);
    for at in slots.into_iter().flat_map(|slot| (1..100).map(move |mib| slot + mib * MIB)) {
        let mut octet = [0];
        disk.seek(SeekFrom::Start(at))?;
        disk.read_exact(&mut octet)?;
        octet[0] ^= 1;
        disk.seek(SeekFrom::Start(at))?;
        disk.write_all(&octet)?;
    }
    Ok(())
}
