//! Answers `ringfence relay show` on a Unix socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use status::Question;

use crate::reports::Reporter;

/// The listening socket.
pub struct StatusServer {
    listener: UnixListener,
    path: PathBuf,
}

/// The socket's file, removed with this.
pub struct SocketFile(PathBuf);

/// Longest wait for a client, which is served alone: a stuck one delays others by so much.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longest question.
const MAX_QUESTION: u64 = 1024;

impl StatusServer {
    /// Listens at `path`.
    pub fn bind(path: &Path) -> io::Result<Self> {
        Ok(Self { listener: status::socket::listen(path)?, path: path.to_owned() })
    }

    /// The file, for whoever ends last.
    pub fn file(&self) -> SocketFile {
        SocketFile::new(&self.path)
    }

    /// Answers until the reporter has nothing to tell any more.
    pub fn run(self, reporter: &Reporter) {
        for stream in self.listener.incoming().flatten() {
            // A client that goes away in the middle harms nobody.
            let _ = answer(&stream, reporter);
        }
    }
}

impl SocketFile {
    /// The file at `path`.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn answer(mut stream: &UnixStream, reporter: &Reporter) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut question = String::new();
    BufReader::new(stream.take(MAX_QUESTION)).read_line(&mut question)?;
    let Question::Relay = serde_json::from_str(&question)?;
    if let Some(report) = reporter.relay() {
        let mut answer = serde_json::to_vec(&report)?;
        answer.push(b'\n');
        stream.write_all(&answer)?;
    }
    Ok(())
}
