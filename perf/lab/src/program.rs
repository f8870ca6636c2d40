//! Programs that run in the laboratory, with their logs.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A running program. Dropping it kills it.
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `command`; what it prints goes to `LOGS/NAME.log`.
    pub fn start(name: &str, mut command: Command, logs: &Path) -> Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let file = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().context("cannot share a log file")?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails, with its last words, if it has ended.
    pub fn expect_running(&mut self) -> Result<()> {
        match self.child.try_wait().with_context(|| format!("cannot look at {}", self.name))? {
            None => Ok(()),
            Some(status) => bail!("{} has ended ({status}): {}", self.name, self.last_words()),
        }
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let ended = poll(limit, || self.child.try_wait().transpose());
        match ended {
            Some(status) => status.with_context(|| format!("cannot wait for {}", self.name)),
            None => bail!("{} did not end within {limit:?}: {}", self.name, self.last_words()),
        }
    }

    /// Waits until it ends by itself, and fails if it says that it failed.
    pub fn finish(&mut self, limit: Duration) -> Result<()> {
        let status = self.wait(limit)?;
        if !status.success() {
            bail!("{} failed ({status}): {}", self.name, self.last_words());
        }
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits for that.
    pub fn stop(&mut self, limit: Duration) -> Result<ExitStatus> {
        // A child that was not waited for keeps its number: this reaches nobody else.
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).with_context(|| format!("cannot stop {}", self.name))?;
        self.wait(limit)
    }

    /// Kills it.
    pub fn kill(&mut self) -> Result<()> {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(drop).with_context(|| format!("cannot kill {}", self.name))
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().rev().take(8).collect();
        let words: Vec<_> = lines.into_iter().rev().collect();
        format!("{} (all of it in {})", words.join(" | "), self.log.display())
    }

    /// Everything it has printed.
    pub fn log(&self) -> &Path {
        &self.log
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Ended already is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end and returns what it printed; one that takes longer than `limit` is
/// killed and fails.
pub fn output(mut command: Command, limit: Duration) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        // Both at once, so that neither pipe fills up while the other is read.
        let stdout = scope.spawn(|| read(stdout));
        let stderr = scope.spawn(|| read(stderr));
        let ended = poll(limit, || child.try_wait().transpose());
        if ended.is_none() {
            child.kill().context("cannot kill it")?;
        }
        let status = child.wait().with_context(|| format!("cannot wait for {name}"))?;
        let [stdout, stderr] = [stdout, stderr].map(|text| text.join().expect("it only reads"));
        if ended.is_none() {
            let words = String::from_utf8_lossy(&stderr).into_owned();
            bail!("{name} did not end within {limit:?}: {words}");
        }
        Ok(Output { status, stdout, stderr })
    })
}

fn read(pipe: Option<impl Read>) -> Vec<u8> {
    let mut text = Vec::new();
    // What was read before an error is still worth showing.
    let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut text));
    text
}

/// Asks `ready` again and again until it has an answer or the time is over.
pub fn poll<T>(limit: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ready() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
