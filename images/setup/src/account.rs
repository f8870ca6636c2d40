//! The administrator's account on this machine: for its console, and for SSH where that is switched
//! on. He may ask the daemons, and become root by his password.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::seed::Administrator;

/// Where people's files outlive updates.
const HOMES: &str = "/var/home";
/// Accounts of people have higher numbers.
const SYSTEM: u32 = 1000;

/// Makes the account, or gives the one that a power cut left its password.
pub fn open(administrator: &Administrator) -> Result<()> {
    let name = &administrator.name.0;
    match number_of(name)? {
        None => {
            fs::create_dir_all(HOMES).with_context(|| format!("cannot make {HOMES}"))?;
            let home = Path::new(HOMES).join(name);
            let mut add = Command::new("useradd");
            add.args(["--create-home", "--shell", "/bin/bash", "--groups", "sudo,ringfence"]);
            tell(add.arg("--home-dir").arg(home).arg(name), b"")?;
        }
        Some(number) => ensure!(
            number >= SYSTEM,
            "{name} is an account of the system: choose another name for the administrator"
        ),
    }
    let password = format!("{name}:{}\n", *administrator.password.0);
    tell(&mut Command::new("chpasswd"), zeroize::Zeroizing::new(password).as_bytes())
}

fn number_of(name: &str) -> Result<Option<u32>> {
    let accounts = fs::read_to_string("/etc/passwd").context("there are no accounts")?;
    let found = accounts.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = |entry: &str| entry.split(':').nth(1)?.parse().ok();
    found.map(|entry| number(entry).context("/etc/passwd is damaged")).transpose()
}

fn tell(command: &mut Command, input: &[u8]) -> Result<()> {
    let program = command.get_program().to_owned();
    let name = Path::new(&program).file_name().unwrap_or(OsStr::new("it")).display();
    let mut child = command
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let mut pipe = child.stdin.take().context("it has no standard input")?;
    // One that ended early says why.
    let told = pipe.write_all(input);
    drop(pipe);
    let ended = child.wait_with_output().with_context(|| format!("cannot wait for {name}"))?;
    if !ended.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&ended.stderr).trim());
    }
    told.with_context(|| format!("{name} does not listen"))
}
