//! For tests: kills a process at every system call that changes files, and looks at what it left.
//!
//! The work runs in a process of its own, the test binary again, under `strace`, which sends
//! SIGKILL at the first, second, third … call of each kind until the work gets through. So every
//! place where a kill or a crash can leave something half done is tried, in the real program,
//! without a word about it in the code that is tested.
//!
//! What a power cut adds, the loss of what was not flushed, is not tried here.

#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

/// Names the directory to the process that works.
const DIRECTORY: &str = "RINGFENCE_CRASHTEST";

/// System calls after which a file or directory is another than before.
const CALLS: [&str; 11] = [
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "fchmod",
    "rename",
    "linkat",
    "link",
    "unlink",
    "mkdir",
];

/// Most kills for one kind of call. Beyond it something never ends.
const LIMIT: u32 = 400;

/// Fewest kills that are believed: replacing one file takes as many calls.
const FEWEST: u32 = 8;

/// How the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was killed at the given call: which, and the how many-th of its kind.
    Killed(&'static str, u32),
    /// It got through.
    Finished,
}

/// Kills `work` at every step. `test` is the name of the calling test; `prepare` fills a directory
/// once, each try gets a copy of it at the same path, `check` judges what is left there.
///
/// # Panics
///
/// When `strace` is missing, when the work fails by itself, or when too little was killed.
pub fn at_every_step(
    test: &str,
    prepare: impl Fn(&Path),
    work: impl FnOnce(&Path),
    check: impl Fn(&Path, Ended),
) {
    if let Some(directory) = env::var_os(DIRECTORY) {
        return work(directory.as_ref());
    }
    let root = tempfile::tempdir().expect("a directory can be made");
    let [prepared, place] = ["prepared", "place"].map(|name| root.path().join(name));
    fs::create_dir(&place).expect("the directory is ours");
    prepare(&place);
    fs::rename(&place, &prepared).expect("the directory is ours");
    let mut kills = 0;
    for call in CALLS {
        for number in 1.. {
            assert!(number <= LIMIT, "the work calls {call} without end");
            // The same path each time: what was prepared may have it inside.
            copy(&prepared, &place);
            let ended = run(test, &place, call, number);
            check(&place, ended);
            fs::remove_dir_all(&place).expect("the directory is ours");
            if ended == Ended::Finished {
                break;
            }
            kills += 1;
        }
    }
    assert!(kills >= FEWEST, "{test} was killed {kills} times only: does strace inject signals?");
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.is_ok_and(|status| status.success()), "cp is part of every system");
}

fn run(test: &str, directory: &Path, call: &'static str, number: u32) -> Ended {
    let binary = env::current_exe().expect("the test binary has a path");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null"])
        .args(["-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:signal=SIGKILL:when={number}")])
        .arg(binary)
        .args(["--exact", test, "--test-threads=1", "--nocapture"])
        .env(DIRECTORY, directory)
        .output()
        .expect("strace is installed: `cargo xtask setup`");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    match output.status.signal() {
        Some(9) => Ended::Killed(call, number),
        _ if output.status.success() => {
            assert!(said.contains("1 passed"), "{test} is no test of this binary:\n{said}");
            Ended::Finished
        }
        _ => panic!("the work failed without being killed:\n{said}"),
    }
}
