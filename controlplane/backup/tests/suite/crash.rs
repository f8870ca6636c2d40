//! Killed at any step of a restore, a node is as it was, or goes on at its next start.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use ringfence_backup::archive::Archive;
use ringfence_backup::restore::{self, Restoring};
use ringfence_backup::{Lock, Unlock};

use crate::site::{Site, author, now};

const ARCHIVE: &str = "kept.rfbackup";
/// Names the directory in the process that is going to be killed.
const DIRECTORY: &str = "RINGFENCE_TEST_RESTORE_UNTIL_KILLED";

/// The key is kept beside, since each try runs in a process of its own.
fn unlock(dir: &Path) -> Unlock {
    Unlock::identities(&std::fs::read_to_string(dir.join("key")).unwrap()).unwrap()
}

// R: BAK-02
#[test]
fn killed_while_restoring() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let site = Site::publisher(dir);
    site.change(|c| c.set_parameter(None, "ctl-provider.port", "3000"));
    let (key, recipient) = ringfence_backup::lock::keygen();
    std::fs::write(dir.join("key"), &*key).unwrap();
    let lock = Lock::recipients([&*recipient]).unwrap();
    let (archive, _) = site.back_up(&lock, Some(&lock)).unwrap();
    std::fs::rename(archive, dir.join(ARCHIVE)).unwrap();
    drop(site);
    let (mut before, mut after) = (0, 0);
    for kill_at in 1.. {
        let site = Site::fresh(dir);
        site.change(|c| c.set_parameter(None, "ctl-provider.port", "3001"));
        std::fs::write(dir.join("phones/phones.json"), "later").unwrap();
        drop(site);
        let finished = !restore_until(dir, kill_at);

        // What a daemon does at its next start.
        let site = Site::fresh(dir);
        if let Some(staged) = restore::interrupted(&site.home).unwrap() {
            staged.apply(&site.store, now(), &mut |_, _| {}).unwrap();
        }
        let phones = site.read("phones/phones.json").unwrap();
        match &*site.port() {
            "3000" => assert_eq!(phones, "[]", "killed at {kill_at}"),
            port => assert_eq!((port, &*phones), ("3001", "later"), "killed at {kill_at}"),
        }
        *if phones == "[]" { &mut after } else { &mut before } += 1;
        site.store.read(|v| v.verify_audit()).unwrap();
        site.identity();
        assert!(!site.home.state.join("restoring").exists(), "killed at {kill_at}");
        if finished {
            break;
        }
    }
    assert!(before > 3 && after > 1, "{before} before, {after} after");
}

/// Runs a restore in a process of its own and kills that at its so many-th step; whether it came
/// that far.
fn restore_until(dir: &Path, step: usize) -> bool {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::restore_until_killed", "--nocapture"])
        .env(DIRECTORY, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut steps = lines.map_while(Result::ok).filter(|line| line.starts_with("step"));
    let came = steps.nth(step - 1).is_some();
    process.kill().unwrap();
    process.wait().unwrap();
    came
}

/// Not a test by itself: [`killed_while_restoring`] runs it in a process of its own.
#[test]
fn restore_until_killed() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let dir = Path::new(&dir);
    let site = Site::fresh(dir);
    let (unlock, author) = (unlock(dir), author());
    let archive = Archive::open(&dir.join(ARCHIVE)).unwrap();
    let trusted = [archive.signer.fingerprint()];
    let restoring = Restoring {
        archive: &archive,
        unlock: &unlock,
        keys: Some(&unlock),
        node: "cm1",
        trusted: &trusted,
        author: &author,
    };
    let mut step = |_, _| {
        println!("step");
        // The one who kills is to be quicker than the next step.
        std::thread::sleep(std::time::Duration::from_millis(30));
    };
    let staged = restore::stage(&restoring, &site.home, &site.store, &mut step).unwrap();
    staged.apply(&site.store, now(), &mut step).unwrap();
}
