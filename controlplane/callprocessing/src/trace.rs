//! `callmanager.log`: what happened, for those who look for a fault.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use tracefile::TraceFile;

/// Name of the trace file.
pub const FILE: &str = "callmanager.log";

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Each message too.
    Detail,
    /// Registrations, and how connections end.
    Notice,
    /// What an administrator should know.
    Alarm,
}

impl Level {
    /// The level of a parameter's word.
    pub fn of_word(word: &str) -> Self {
        match word {
            "detail" => Self::Detail,
            "alarm" => Self::Alarm,
            _ => Self::Notice,
        }
    }
}

/// The trace of the service.
pub struct Trace {
    level: AtomicU8,
    file: TraceFile,
}

impl Trace {
    /// Writes into `directory` what is at least as loud as `level`.
    pub fn open(directory: &Path, level: Level) -> io::Result<Self> {
        let file = TraceFile::open(directory, FILE)?;
        Ok(Self { level: AtomicU8::new(level as u8), file })
    }

    /// Writes from now on what is at least as loud as `level`.
    pub fn set_level(&self, level: Level) {
        self.level.store(level as u8, Ordering::Relaxed);
    }

    /// Whether that loud is loud enough.
    pub(crate) fn tells(&self, level: Level) -> bool {
        level as u8 >= self.level.load(Ordering::Relaxed)
    }

    /// Writes a line if it is loud enough.
    pub(crate) fn tell(&self, level: Level, text: impl FnOnce() -> String) {
        if self.tells(level) {
            self.file.line(&text());
        }
    }

    /// Writes a line.
    pub(crate) fn note(&self, text: &str) {
        self.file.line(text);
    }
}
