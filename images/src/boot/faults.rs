//! What people get wrong, and what machines lack: the appliance says so, and comes up all the same.

use std::fs::{self, OpenOptions};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::machine::{Equipment, Machine, Network};
use super::{PASSWORD, SEED, write_disk};

/// A seed file with a wrong address, on a machine whose clock was never set: the line and the cure
/// are told, and a person answers instead.
pub fn wrong_seed(out: &Path, dir: &Path) -> Result<String> {
    let disk = dir.join("wrong");
    write_disk(out, &disk, &SEED.replace("10.0.2.15/24", "10.0.2.15"))?;
    let with = Equipment { clock: Some("1970-01-02T00:00:00"), ..Equipment::default() };
    let mut machine = Machine::start_with(&with, &disk, dir, "wrong-seed")?;
    let told = machine.expect("such as 192.0.2.10/24")?;
    ensure!(told.contains("seed.toml:5"), "it does not say where: {told}");
    let answers = [
        ("Language", "1"),
        ("Name of this machine", "cm1"),
        ("Its address", "10.0.2.15/24"),
        ("Default gateway", "10.0.2.2"),
        ("Name server", ""),
        ("Time zone", ""),
        ("Time server", ""),
        ("Name of the administrator", ""),
        ("Password", PASSWORD),
        ("Password again", PASSWORD),
        ("What is it to be?", ""),
        ("Name of the cluster", ""),
    ];
    for (question, answer) in answers {
        machine.expect(question)?;
        machine.type_line(answer)?;
    }
    machine.expect("is set up")?;
    machine.expect("ringfence: healthy")?;
    machine.power_down()?;
    fs::remove_file(&disk).context("cannot remove the disk")?;
    Ok(told)
}

/// A disk on which next to nothing is left for what is kept.
pub fn small_disk(out: &Path, dir: &Path) -> Result<String> {
    let disk = dir.join("small");
    write_disk(out, &disk, SEED)?;
    let size = fs::metadata(out.join("ringfence.raw")).context("there is no image")?.len();
    let file = OpenOptions::new().write(true).open(&disk).context("cannot open the disk")?;
    file.set_len(size).context("cannot shorten the disk")?;
    let machine = Machine::start(&disk, dir, "small-disk")?;
    let told = machine.expect("is too small")?;
    machine.expect("is set up")?;
    machine.power_down()?;
    fs::remove_file(&disk).context("cannot remove the disk")?;
    Ok(told)
}

/// A machine without a network card, which gets one.
pub fn no_card(out: &Path, dir: &Path) -> Result<String> {
    let disk = dir.join("cardless");
    write_disk(out, &disk, SEED)?;
    let with = Equipment { plugged_into: Network::None, ..Equipment::default() };
    let machine = Machine::start_with(&with, &disk, dir, "no-card")?;
    let told = machine.expect("no network card")?;
    machine.power_down()?;
    let machine = Machine::start(&disk, dir, "card")?;
    machine.expect("is set up")?;
    machine.expect("ringfence: healthy")?;
    machine.power_down()?;
    fs::remove_file(&disk).context("cannot remove the disk")?;
    Ok(told)
}
