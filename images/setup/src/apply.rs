//! Writes what was planned, and starts what it takes.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use durable::Readers;
use serde_json::Value;

use crate::account;
use crate::plan::{Cluster, Plan, plan};
use crate::seed::Seed;

/// The mark of being done.
pub const DONE: &str = "var/lib/ringfence/setup-done";

/// Makes this machine what the answers say.
pub fn apply(seed: &Seed, root: &Path) -> Result<()> {
    let interface = match &seed.network.interface {
        Some(interface) => interface.0.clone(),
        None => first_card()?,
    };
    let plan = plan(seed, &interface);
    write(&plan, root)?;
    account::open(&seed.administrator)?;
    start(&plan)?;
    if let Some(cluster) = &plan.found
        && !is_founded()?
    {
        found(cluster, seed)?;
    }
    let done = root.join(DONE);
    fs::create_dir_all(done.parent().expect("it has a directory"))?;
    durable::replace(&done, b"", Readers::Everybody).context("cannot note that all is done")
}

/// Writes the files of a plan below `root`.
pub fn write(plan: &Plan, root: &Path) -> Result<()> {
    for file in &plan.files {
        let path = root.join(file.path);
        let above = path.parent().expect("files lie in directories");
        fs::create_dir_all(above).with_context(|| format!("cannot make {}", above.display()))?;
        durable::replace(&path, file.content.as_bytes(), Readers::Everybody)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let zone = root.join("etc/localtime");
    ensure!(
        root.join("etc").join(&plan.zone).exists(),
        "there is no time zone {}",
        plan.zone.trim_start_matches("../usr/share/zoneinfo/")
    );
    let _ = fs::remove_file(&zone);
    symlink(&plan.zone, &zone).context("cannot set the time zone")
}

/// The card that is meant when none is named: the first one with a cable, or else the first.
fn first_card() -> Result<String> {
    let cards = fs::read_dir("/sys/class/net").context("there is no network")?;
    let mut cards: Vec<PathBuf> = cards
        .filter_map(|card| Some(card.ok()?.path()))
        // Only hardware has a device behind it.
        .filter(|card| card.join("device").exists())
        .collect();
    cards.sort();
    let plugged = |card: &&PathBuf| {
        fs::read_to_string(card.join("carrier")).is_ok_and(|carrier| carrier.trim() == "1")
    };
    let card = cards.iter().find(plugged).or(cards.first());
    let card = card.context("this machine has no network card: add one and start again")?;
    Ok(card.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

fn start(plan: &Plan) -> Result<()> {
    fs::write("/proc/sys/kernel/hostname", &plan.hostname).context("cannot set the name")?;
    run("systemctl", ["daemon-reload"])?;
    run("systemctl", ["restart", "systemd-networkd", "chrony"])?;
    // At this start it found no configuration. What it cannot do is in the log, and no reason not to
    // serve.
    let _ = run("systemctl", ["restart", "ringfence-tuning"]);
    for service in &plan.services {
        run("systemctl", ["enable", "--now", service])?;
    }
    Ok(())
}

/// The password goes through a file that only root reads, in memory.
fn found(cluster: &Cluster, seed: &Seed) -> Result<()> {
    let file = Path::new("/run/ringfence-setup.password");
    durable::replace(file, seed.administrator.password.0.as_bytes(), Readers::Owner)
        .context("cannot hand the password over")?;
    let founded = run(
        "ringfence",
        [
            OsStr::new("cluster"),
            OsStr::new("init"),
            OsStr::new(&cluster.name),
            OsStr::new("--address"),
            OsStr::new(&cluster.address),
            OsStr::new("--administrator"),
            OsStr::new(&cluster.administrator),
            OsStr::new("--password-file"),
            file.as_os_str(),
        ],
    );
    fs::remove_file(file).context("cannot remove the password's file")?;
    founded.map(drop)
}

/// Whether there is a cluster already: a power cut may have come right behind its founding.
fn is_founded() -> Result<bool> {
    let status = run("ringfence", ["status", "--output", "json"])?;
    let status: Value = serde_json::from_str(&status).context("`ringfence status` is not JSON")?;
    Ok(status["cluster"].is_string())
}

fn run<A: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = A>) -> Result<String> {
    let mut command = Command::new(program);
    let output = command.args(args).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{program} failed ({}): {}", output.status, words.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
