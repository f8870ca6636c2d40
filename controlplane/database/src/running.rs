//! The process of a server.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Fault;

/// How long it may take to end.
const FAREWELL: Duration = Duration::from_secs(20);
/// How often it is looked whether it has.
const GLANCE: Duration = Duration::from_millis(20);
/// How many lines of what it says are kept.
const LINES: usize = 50;

/// A server that runs, until dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    said: Arc<Mutex<VecDeque<String>>>,
}

impl Running {
    pub(crate) fn spawn(command: &mut Command) -> Result<Self, Fault> {
        let mut child = command.spawn().map_err(|error| Fault::Program {
            program: command.get_program().to_string_lossy().into_owned(),
            words: error.to_string(),
        })?;
        let said = Arc::<Mutex<VecDeque<String>>>::default();
        let (words, kept) = (child.stderr.take().expect("it is piped"), Arc::clone(&said));
        thread::spawn(move || listen(words, &kept));
        Ok(Self { child, said })
    }

    /// What it said last, if it ended by itself.
    pub fn ended(&mut self) -> Option<Fault> {
        let status = self.child.try_wait().ok().flatten()?;
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let words = said.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
        Some(Fault::Program { program: "postgres".into(), words: format!("{status}: {words}") })
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// Keeps the last of what it says: strangers can make it say much.
fn listen(words: ChildStderr, kept: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(words).lines().map_while(Result::ok) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(line);
        if kept.len() > LINES {
            kept.pop_front();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It may have ended by itself.
        let _ = pid.map(|pid| kill_process(pid, Signal::INT));
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(GLANCE);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
