//! Trace files of services: a line an event, with the time before it. When a file has become too
//! long it is put aside, in the place of the one that was put aside before.
//!
//! Invariants:
//! - Only the owner reads the files.
//! - They have a bounded length, whatever is written.
//! - A full disk stops nobody.
//!
//! This crate must not know what is written, nor how much of it: services have their own levels.

#![forbid(unsafe_code)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Longest trace file; the one before it is kept.
const MAX_BYTES: u64 = 16 << 20;

/// A trace file.
#[derive(Debug)]
pub struct TraceFile {
    path: PathBuf,
    max: u64,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    file: File,
    bytes: u64,
}

impl TraceFile {
    /// Goes on writing the file of that name in `directory`, which is made if need be.
    pub fn open(directory: &Path, name: &str) -> io::Result<Self> {
        Self::open_of_length(directory, name, MAX_BYTES)
    }

    fn open_of_length(directory: &Path, name: &str, max: u64) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let path = directory.join(name);
        let written = Mutex::new(Written::open(&path)?);
        Ok(Self { path, max, written })
    }

    /// Writes a line.
    pub fn line(&self, text: &str) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = format!("{}.{:03} {text}\n", since.as_secs(), since.subsec_millis());
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.bytes > self.max
            && fs::rename(&self.path, self.path.with_extension("log.1")).is_ok()
            && let Ok(fresh) = Written::open(&self.path)
        {
            *written = fresh;
        }
        if written.file.write_all(line.as_bytes()).is_ok() {
            written.bytes += line.len() as u64;
        }
    }
}

impl Written {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_is_too_long_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        let trace = TraceFile::open_of_length(directory.path(), "x.log", 30).unwrap();
        trace.line("first");
        // It goes on where it ended.
        let trace = TraceFile::open_of_length(directory.path(), "x.log", 30).unwrap();
        trace.line("second");
        trace.line("third");
        let lines = |name| read(name).lines().map(|line| line[15..].to_owned()).collect::<Vec<_>>();
        assert_eq!(lines("x.log.1"), ["first", "second"]);
        assert_eq!(lines("x.log"), ["third"]);
        let mode = fs::metadata(directory.path().join("x.log")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
