//! Commands out of a file, one after the other, until one fails.

use std::time::Instant;

use serde_json::{Value, json};

use super::{Command, Crew, SyntaxError};

/// What became of a script.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its commands, as far as it came.
    pub steps: Vec<Step>,
    /// Everything that happened, the oldest first.
    pub events: Vec<Value>,
    /// What each telephone showed in the end.
    pub phones: Value,
}

/// A command.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// In which line, from 1.
    pub line: usize,
    /// As it was written.
    pub command: String,
    /// What went wrong; `None`: nothing.
    pub failure: Option<String>,
    /// What it told.
    pub answer: Value,
    /// How long it took.
    pub ms: f64,
}

impl Report {
    /// Whether everything went as it should.
    pub fn is_good(&self) -> bool {
        self.steps.iter().all(|step| step.failure.is_none())
    }

    /// All of it.
    pub fn to_json(&self) -> Value {
        let steps: Vec<_> = self.steps.iter().map(Step::to_json).collect();
        json!({
            "ok": self.is_good(),
            "steps": steps,
            "events": self.events,
            "phones": self.phones,
        })
    }
}

impl Step {
    /// An object with `command` and `ok`, and `error` or `answer`.
    pub fn to_json(&self) -> Value {
        let mut value = json!({
            "line": self.line,
            "command": self.command,
            "ok": self.failure.is_none(),
            "ms": (self.ms * 1e3).round() / 1e3,
        });
        if let Some(failure) = &self.failure {
            value["error"] = json!(failure);
        }
        if !self.answer.is_null() {
            value["answer"] = self.answer.clone();
        }
        value
    }
}

/// Does what a script says, and tells of each step when it is over. It is read to its end before
/// anything is done.
pub fn run(
    crew: &mut Crew,
    script: &str,
    mut tell: impl FnMut(&Step),
) -> Result<Report, SyntaxError> {
    let mut commands = Vec::new();
    for (line, text) in (1..).zip(script.lines()) {
        let command = Command::parse(text);
        let command = command.map_err(|error| SyntaxError(format!("line {line}: {error}")))?;
        commands.extend(command.map(|command| (line, text.trim(), command)));
    }
    let (mut steps, mut events): (Vec<Step>, Vec<Value>) = Default::default();
    for (line, text, command) in commands {
        let step = crew.step(line, text, &command);
        events.extend(crew.news());
        tell(&step);
        steps.push(step);
        if steps.last().is_some_and(|step| step.failure.is_some()) {
            break;
        }
    }
    let names: Vec<_> = crew.names().map(str::to_owned).collect();
    let shown = names.iter().filter_map(|name| Some((name.clone(), crew.show(name).ok()?)));
    let phones = Value::Object(shown.collect());
    Ok(Report { steps, events, phones })
}

impl Crew {
    /// Does what a command says, and notes how that went.
    pub fn step(&mut self, line: usize, text: &str, command: &Command) -> Step {
        let began = Instant::now();
        let (failure, answer) = match self.perform(command) {
            Ok(answer) => (None, answer),
            Err(failure) => (Some(failure.to_string()), Value::Null),
        };
        let ms = began.elapsed().as_secs_f64() * 1e3;
        Step { line, command: text.to_owned(), failure, answer, ms }
    }
}
