use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use lang::Language;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::request::Request;
use crate::wire::{Answer, Failure, MAX_LINE};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The daemon is not there.
    #[error(
        "ringfence-controld does not answer on {}: {source}; start it, or name its socket with --socket",
        socket.display()
    )]
    Unreachable {
        /// Its socket.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The daemon hung up or answered something else.
    #[error("the answer of ringfence-controld cannot be read: {0}; are both of one version?")]
    Garbled(String),
    /// The daemon says no.
    #[error(transparent)]
    Failed(#[from] Failure),
}

#[derive(Serialize)]
struct Outgoing<'a, R> {
    language: &'a str,
    request: &'a str,
    with: &'a R,
}

/// Asks the daemon behind `socket` and waits for its answer.
pub fn ask<R: Request>(
    socket: &Path,
    language: Language,
    request: &R,
) -> Result<R::Answer, AskError> {
    let unreachable = |source| AskError::Unreachable { socket: socket.to_owned(), source };
    let mut stream = UnixStream::connect(socket).map_err(unreachable)?;
    let call = Outgoing { language: language.tag(), request: R::NAME, with: request };
    let mut line = Zeroizing::new(Vec::new());
    serde_json::to_writer(&mut *line, &call).expect("requests have string keys");
    line.push(b'\n');
    stream.write_all(&line).map_err(unreachable)?;

    let garbled = |cause: &dyn ToString| AskError::Garbled(cause.to_string());
    let mut answer = Zeroizing::new(String::new());
    BufReader::new(stream.take(MAX_LINE as u64))
        .read_line(&mut answer)
        .map_err(|error| garbled(&error))?;
    match serde_json::from_str(&answer).map_err(|error| garbled(&error))? {
        Answer::Ok(json) => serde_json::from_value(json).map_err(|error| garbled(&error)),
        Answer::Failed(failure) => Err(failure.into()),
    }
}
