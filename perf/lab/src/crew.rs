//! Telephones of the emulator under command: `ringfence-phone crew --control` in a namespace, told
//! what to do line by line (`ringfence-phone crew --help` has the language).

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::program::poll;

/// How long a command may take, whatever it waits for.
const PATIENCE: Duration = Duration::from_secs(180);

/// Telephones in one process. Dropping it ends them without a word to anybody.
pub struct Crew {
    name: String,
    child: Child,
    /// `None` once nothing more will be said.
    commands: Option<ChildStdin>,
    answers: Receiver<Value>,
}

impl Crew {
    /// Starts it; all that it tells is written to `LOGS/NAME.log`.
    pub fn start(name: &str, mut command: Command, logs: &Path) -> Result<Self> {
        let log = |end: &str| {
            let path = logs.join(format!("{name}.{end}"));
            File::create(&path).with_context(|| format!("cannot make {}", path.display()))
        };
        let (mut record, errors) = (log("log")?, log("err")?);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let commands = child.stdin.take();
        let stdout = child.stdout.take().context("it has no standard output")?;
        let (answered, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // The record is for people; without it the run still proves what it proves.
                let _ = writeln!(record, "{line}");
                let told = serde_json::from_str::<Value>(&line).unwrap_or_default();
                if told["command"].is_string() && answered.send(told).is_err() {
                    return;
                }
            }
        });
        Ok(Self { name: name.to_owned(), child, commands, answers })
    }

    /// Gives a command and waits until it is carried out: what it told in answer.
    pub fn command(&mut self, line: &str) -> Result<Value> {
        let commands = self.commands.as_mut().context("they went home")?;
        writeln!(commands, "{line}").context("the telephones hear nothing any more")?;
        let answer = self.answers.recv_timeout(PATIENCE);
        let mut answer = answer.with_context(|| format!("no answer to `{line}`"))?;
        if answer["ok"] != true {
            bail!("`{line}`: {}", answer["error"].as_str().unwrap_or("failed"));
        }
        Ok(answer["answer"].take())
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All telephones leave their servers, and the process ends.
    pub fn go_home(mut self) -> Result<()> {
        self.commands = None;
        let ended = poll(PATIENCE, || self.child.try_wait().transpose());
        let status = ended.with_context(|| format!("{} does not end", self.name))??;
        ensure!(status.code().is_some(), "{} ended with {status}", self.name);
        Ok(())
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        // Ended already is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
