//! What somebody at a telephone does, and how a daemon is asked to do it: a line of JSON, behind it
//! the octets of a WAV file where one is sent; the answer has the same form.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What somebody at a telephone does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Lifts the receiver; of a trunk: seizes it.
    OffHook,
    /// Puts it back.
    OnHook,
    /// Presses the hook for a moment.
    Flash,
    /// Presses keys, one after the other.
    Digits(String),
    /// Says something after what is being said, or again and again when nothing else is.
    Say {
        /// Telephone audio.
        samples: Vec<i16>,
        /// Again and again.
        again: bool,
    },
    /// Says nothing any more.
    BeSilent,
    /// Begins to record what is heard.
    Record,
    /// Ends that.
    StopRecording,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no such line.
    #[error("no voice endpoint of this name is configured: `show` lists them")]
    NoSuchLine,
    /// That needs the receiver in the hand.
    #[error("the telephone is on-hook: lift the receiver first (off-hook)")]
    OnHook,
    /// No telephone has such a key.
    #[error("keys are 0 to 9, *, # and A to D")]
    NoSuchKey,
    /// More than a line keeps.
    #[error("audio of at most ten minutes can be said")]
    TooLong,
    /// There is no recording to end.
    #[error("nothing is being recorded: begin with `record`")]
    NotRecording,
}

/// A line at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Its endpoint, without domain.
    pub endpoint: String,
    /// The receiver is lifted.
    pub off_hook: bool,
    /// It rings.
    pub ringing: bool,
    /// Signals that go on, such as `L/dl`.
    pub signals: Vec<String>,
    /// What was told of the caller, as in `L/ci`.
    pub caller: Option<String>,
    /// Its connections.
    pub connections: usize,
    /// Digits that were heard since the receiver was lifted.
    pub digits: String,
    /// Digits that the other ends have sent as events (RFC 4733) since then.
    #[serde(default)]
    pub digits_received: String,
    /// Milliseconds of audio that are still to be said.
    pub saying_ms: u64,
    /// Milliseconds that were recorded; none while nothing is.
    pub recorded_ms: Option<u64>,
    /// Packets of its connections.
    pub packets_sent: u64,
    /// Packets that were heard on its connections.
    pub packets_received: u64,
}

/// What a daemon is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Request {
    /// The states of all lines.
    Show,
    /// See [`Action`].
    OffHook {
        /// Which endpoint.
        endpoint: String,
    },
    /// See [`Action`].
    OnHook {
        /// Which endpoint.
        endpoint: String,
    },
    /// See [`Action`].
    Flash {
        /// Which endpoint.
        endpoint: String,
    },
    /// See [`Action`].
    Digits {
        /// Which endpoint.
        endpoint: String,
        /// Which keys.
        digits: String,
    },
    /// Says what is in a WAV file.
    Play {
        /// Which endpoint.
        endpoint: String,
        /// Again and again.
        #[serde(default)]
        again: bool,
        /// Octets of the file, which follows.
        octets: usize,
    },
    /// Calls as a fax machine does, until it is silent again.
    Fax {
        /// Which endpoint.
        endpoint: String,
    },
    /// Answers as a modem does.
    Modem {
        /// Which endpoint.
        endpoint: String,
    },
    /// See [`Action`].
    Silence {
        /// Which endpoint.
        endpoint: String,
    },
    /// See [`Action`].
    Record {
        /// Which endpoint.
        endpoint: String,
    },
    /// Ends a recording; its WAV file follows the answer.
    StopRecording {
        /// Which endpoint.
        endpoint: String,
    },
    /// Answers when a line is in this state, or says that it never was.
    Wait {
        /// Which endpoint.
        endpoint: String,
        /// For what.
        until: Until,
        /// Longest wait.
        seconds: u64,
    },
}

/// What can be waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// It rings.
    Ringing,
    /// It does not ring.
    Quiet,
    /// It has a connection.
    Connected,
    /// It has none.
    Disconnected,
    /// Everything that was to be said is said.
    Said,
    /// This signal goes on.
    Signal(String),
    /// So many milliseconds are recorded.
    Recorded(u64),
}

impl Until {
    /// Whether a line has come to it.
    pub fn is_met(&self, state: &State) -> bool {
        match self {
            Self::Ringing => state.ringing,
            Self::Quiet => !state.ringing,
            Self::Connected => state.connections > 0,
            Self::Disconnected => state.connections == 0,
            Self::Said => state.saying_ms == 0,
            Self::Signal(signal) => state.signals.contains(signal),
            Self::Recorded(milliseconds) => {
                state.recorded_ms.is_some_and(|recorded| recorded >= *milliseconds)
            }
        }
    }
}

/// What a daemon answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Done.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The line asked for, or all.
    pub lines: Vec<State>,
    /// Octets of the WAV file that follows.
    #[serde(default)]
    pub octets: usize,
}

/// Longest WAV file that is taken: ten minutes at the highest rate, both channels.
pub const WAV_MAX: usize = 256 << 20;
/// Longest line of JSON.
pub const LINE_MAX: u64 = 1 << 20;
/// What a wait may take longer than it was told.
const GRACE: Duration = Duration::from_secs(10);

/// Asks the daemon behind a socket. `file` follows the request, and what comes back follows the
/// answer.
pub fn ask(socket: &Path, request: &Request, file: &[u8]) -> io::Result<(Answer, Vec<u8>)> {
    let mut stream = UnixStream::connect(socket)?;
    let longest = match request {
        Request::Wait { seconds, .. } => Duration::from_secs(*seconds),
        _ => Duration::ZERO,
    };
    stream.set_read_timeout(Some(longest + GRACE))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    stream.write_all(file)?;
    let mut reader = BufReader::new(stream);
    let answer: Answer = read_line(&mut reader)?;
    let file = read_file(&mut reader, answer.octets)?;
    Ok((answer, file))
}

/// Reads a line of JSON.
pub fn read_line<T: serde::de::DeserializeOwned>(reader: &mut impl BufRead) -> io::Result<T> {
    let mut line = String::new();
    reader.take(LINE_MAX).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// Reads the file behind it.
pub fn read_file(reader: &mut impl Read, octets: usize) -> io::Result<Vec<u8>> {
    if octets > WAV_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the WAV file is too long"));
    }
    let mut file = Vec::new();
    reader.take(octets as u64).read_to_end(&mut file)?;
    match file.len() == octets {
        true => Ok(file),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
