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
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

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

/// Far longer than a killed process takes to be gone.
const DEATH: Duration = Duration::from_secs(60);

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
    let kills = each_step(prepare, |place, call, number| run(test, place, call, number), check);
    assert!(kills >= FEWEST, "{test} was killed {kills} times only: does strace inject signals?");
}

/// Kills a daemon at every step of something that it does for others. `start` starts it and waits
/// until it is ready; `work` has it do something, from outside, tells by [`Knife::draw`] from when
/// on it may be killed, and returns whether all was done.
///
/// # Panics
///
/// When `strace` is missing or may not trace the daemon, when too little was killed, or when a
/// daemon that lives does not do all.
pub fn daemon_at_every_step(
    prepare: impl Fn(&Path),
    start: impl Fn(&Path) -> Daemon,
    work: impl Fn(&Path, &Knife) -> bool,
    check: impl Fn(&Path, Ended),
) {
    let run = |place: &Path, call, number| {
        let mut daemon = start(place);
        let knife = Knife { daemon: daemon.0.id(), call, number, tracer: OnceLock::new() };
        if work(place, &knife) {
            return Ended::Finished;
        }
        // It may be about to die still.
        let deadline = Instant::now() + DEATH;
        while daemon.is_alive() {
            assert!(Instant::now() < deadline, "the daemon lives and did not do its work");
            thread::sleep(Duration::from_millis(1));
        }
        Ended::Killed(call, number)
    };
    let kills = each_step(prepare, run, check);
    assert!(kills >= FEWEST, "the daemon was killed {kills} times only");
}

/// A daemon, which ends (SIGKILL) with this value.
pub struct Daemon(pub Child);

impl Daemon {
    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.0.try_wait().expect("it is our child").is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Fails only if it is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What kills a daemon at a certain call.
pub struct Knife {
    daemon: u32,
    call: &'static str,
    number: u32,
    tracer: OnceLock<Child>,
}

impl Knife {
    /// From now on calls count. Drawing it again changes nothing.
    pub fn draw(&self) {
        self.tracer.get_or_init(|| {
            let mut tracer = strace(self.call, self.number)
                .args(["-p", &self.daemon.to_string()])
                .stderr(Stdio::piped())
                .spawn()
                .expect("strace is installed: `cargo xtask setup`");
            let mut said = String::new();
            let stderr = tracer.stderr.as_mut().expect("it is a pipe");
            BufReader::new(stderr).read_line(&mut said).expect("strace writes text");
            assert!(said.contains("attached"), "strace cannot trace the daemon: {said}");
            tracer
        });
    }
}

impl Drop for Knife {
    fn drop(&mut self) {
        if let Some(mut tracer) = self.tracer.take() {
            // The kernel detaches what a killed tracer traced.
            let _ = tracer.kill();
            let _ = tracer.wait();
        }
    }
}

/// Runs something in copies of what `prepare` made, killed at each call in turn; how often it was.
fn each_step(
    prepare: impl Fn(&Path),
    run: impl Fn(&Path, &'static str, u32) -> Ended,
    check: impl Fn(&Path, Ended),
) -> u32 {
    let root = tempfile::tempdir().expect("a directory can be made");
    // A daemon may run as another user.
    let everybody = fs::Permissions::from_mode(0o755);
    fs::set_permissions(root.path(), everybody).expect("the directory is ours");
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
            let ended = run(&place, call, number);
            check(&place, ended);
            fs::remove_dir_all(&place).expect("the directory is ours");
            if ended == Ended::Finished {
                break;
            }
            kills += 1;
        }
    }
    kills
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.is_ok_and(|status| status.success()), "cp is part of every system");
}

fn run(test: &str, directory: &Path, call: &'static str, number: u32) -> Ended {
    let binary = env::current_exe().expect("the test binary has a path");
    let output = strace(call, number)
        .arg("-qq")
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

fn strace(call: &str, number: u32) -> Command {
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-o", "/dev/null"])
        .args(["-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:signal=SIGKILL:when={number}")]);
    strace
}
