//! A run that is interrupted removes what it made, and one that is killed is cleaned up after.
//!
//! These need root: `cargo xtask test`, or `cargo test -p ringfence-lab -- --ignored`.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use common::namespaces;
use ringfence_lab::program::poll;
use rustix::process::{Pid, Signal, kill_process};

const LIMIT: Duration = Duration::from_secs(10);

/// Plays a scenario with a relay that starts and then says nothing, and waits until it is there.
fn play_until_stuck(name: &str, dir: &Path) -> Child {
    let relay = dir.join("ringfence-datad");
    fs::write(&relay, "#!/bin/sh\nexec sleep 1000\n").unwrap();
    fs::set_permissions(&relay, fs::Permissions::from_mode(0o755)).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_ringfence-lab"))
        .args(["relay", "--json", "--name", name, "--target-dir"])
        .arg(dir)
        .arg("--programs")
        .arg(dir)
        .spawn()
        .unwrap();
    let log = dir.join("lab/datad.log");
    let started = || (log.exists() && !sleepers(name).is_empty()).then_some(());
    poll(LIMIT, started).expect("the relay was started");
    child
}

/// Processes in the gateway's namespace.
fn sleepers(name: &str) -> String {
    let pids = Command::new("ip").args(["netns", "pids", &format!("{name}-gw")]).output().unwrap();
    String::from_utf8(pids.stdout).unwrap()
}

#[test]
#[ignore = "makes network namespaces, which needs root: cargo xtask test"]
fn an_interrupted_run_removes_what_it_made() {
    for (signal, name) in [(Signal::INT, "rf-labtest-int"), (Signal::TERM, "rf-labtest-term")] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = play_until_stuck(name, dir.path());
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(128 + signal.as_raw()));
        assert_eq!((namespaces(name), sleepers(name)), (Vec::new(), String::new()));
    }
}

#[test]
#[ignore = "makes network namespaces, which needs root: cargo xtask test"]
fn what_a_killed_run_left_is_removed_by_the_next() {
    let name = "rf-labtest-kill";
    let dir = tempfile::tempdir().unwrap();
    let mut child = play_until_stuck(name, dir.path());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!namespaces(name).is_empty() && !sleepers(name).is_empty());
    drop(ringfence_lab::net::Lab::new(name, false).unwrap());
    assert_eq!((namespaces(name), sleepers(name)), (Vec::new(), String::new()));
}
