//! Telephones of the emulator under command: `ringfence-phone crew` in a namespace, told what to
//! do line by line, and what it tells of what happens.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// How long a telephone may take for what it does at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// Telephones in one process. Dropping it ends them without a word to anybody.
pub struct Crew {
    child: Child,
    orders: Mutex<ChildStdin>,
    told: Arc<Told>,
}

/// What they have told so far, in order.
#[derive(Default)]
struct Told {
    events: Mutex<Story>,
    more: Condvar,
}

#[derive(Default)]
struct Story {
    events: Vec<Value>,
    /// Nothing more will come.
    over: bool,
}

/// A place in what was told: what came before it is not looked at. The default is the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark(usize);

/// A telephone of a crew.
#[derive(Clone, Copy)]
pub struct Handset<'c> {
    crew: &'c Crew,
    name: &'c str,
}

impl Crew {
    /// Starts it; what it tells is also written to `LOGS/NAME.log`.
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
        let orders = child.stdin.take().context("it has no standard input")?;
        let stdout = child.stdout.take().context("it has no standard output")?;
        let told = Arc::<Told>::default();
        let listener = Arc::clone(&told);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // The record is for people; without it the run still proves what it proves.
                let _ = writeln!(record, "{line}");
                if let Ok(event) = serde_json::from_str(&line) {
                    listener.story().events.push(event);
                    listener.more.notify_all();
                }
            }
            listener.story().over = true;
            listener.more.notify_all();
        });
        Ok(Self { child, orders: Mutex::new(orders), told })
    }

    /// A telephone, by its device's name.
    pub fn handset<'c>(&'c self, name: &'c str) -> Handset<'c> {
        Handset { crew: self, name }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where the story is now.
    pub fn mark(&self) -> Mark {
        Mark(self.told.story().events.len())
    }

    /// Everything told since.
    pub fn since(&self, mark: Mark) -> Vec<Value> {
        self.told.story().events[mark.0..].to_vec()
    }

    /// Waits until something is told that is looked for, from `mark` on.
    pub fn wait(
        &self,
        mark: Mark,
        limit: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        let deadline = Instant::now() + limit;
        let (mut story, mut next) = (self.told.story(), mark.0);
        loop {
            if let Some(found) = story.events[next..].iter().find(|event| wanted(event)) {
                return Some(found.clone());
            }
            next = story.events.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if story.over || left.is_zero() {
                return None;
            }
            story =
                self.told.more.wait_timeout(story, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// All telephones unregister, and the process ends.
    pub fn quit(mut self) -> Result<()> {
        self.say("quit")?;
        let ended = crate::program::poll(PATIENCE, || self.child.try_wait().transpose());
        let status = ended.context("the telephones do not end")??;
        ensure!(status.success(), "the telephones ended with {status}");
        Ok(())
    }

    fn say(&self, line: &str) -> Result<()> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(orders, "{line}").context("the telephones hear nothing any more")
    }
}

impl Told {
    fn story(&self) -> MutexGuard<'_, Story> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        // Ended already is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Handset<'_> {
    /// Gives an order and waits until it is carried out: what the telephone answers.
    pub fn order(&self, words: &str) -> Result<Value> {
        self.order_within(words, PATIENCE)
    }

    /// The same for what takes its time.
    pub fn order_within(&self, words: &str, limit: Duration) -> Result<Value> {
        let mark = self.crew.mark();
        self.crew.say(&format!("{} {words}", self.name))?;
        let answers = |event: &Value| event["phone"] == self.name && event["command"].is_string();
        let answer = self.crew.wait(mark, limit, answers);
        let answer = answer.with_context(|| format!("{}: no answer to `{words}`", self.name))?;
        if answer["ok"] != true {
            bail!("{}: `{words}`: {}", self.name, answer["why"].as_str().unwrap_or("failed"));
        }
        Ok(answer)
    }

    /// Waits for an event of this telephone, told since `mark`.
    pub fn wait(&self, mark: Mark, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let own = |event: &Value| event["phone"] == self.name && wanted(event);
        self.crew.wait(mark, PATIENCE, own).with_context(|| {
            let told = self.crew.since(mark);
            let told = told.iter().filter(|event| event["phone"] == self.name);
            let told: Vec<_> = told.map(Value::to_string).collect();
            format!("{}: no {what} within {PATIENCE:?}; it told {}", self.name, told.join(" "))
        })
    }

    /// Its device's name.
    pub fn name(&self) -> &str {
        self.name
    }
}
