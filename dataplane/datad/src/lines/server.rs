//! The socket that telephones are used through.

use std::io::{self, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};
use line::Lines;
use line::control::{Action, Answer, Request, Until, read_file, read_line};
use speech::RATE;
use speech::tone::sine;
use speech::wav::{self, Recording};

use super::Waiting;
use crate::status_server::SocketFile;

/// Clients at a time.
pub const MAX_CLIENTS: usize = 64;
/// Longest wait for a client's own part.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest that a client may let wait.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How loud the tones of machines are.
const AMPLITUDE: f64 = 4000.0;

/// The listening socket.
pub struct LineServer {
    listener: UnixListener,
    path: PathBuf,
}

/// A request on its way to the telephones.
pub struct Asked {
    request: Request,
    /// Of a request to play.
    audio: Vec<i16>,
    reply: Sender<(Answer, Vec<u8>)>,
}

impl LineServer {
    /// Listens at `path`.
    pub fn bind(path: &Path) -> io::Result<Self> {
        Ok(Self { listener: status::socket::listen(path)?, path: path.to_owned() })
    }

    /// The file, for whoever ends last.
    pub fn file(&self) -> SocketFile {
        SocketFile::new(&self.path)
    }

    /// Answers until the telephones are gone, each client in a thread of its own: some wait.
    pub fn run(self, ask: &Sender<Asked>) {
        let clients = Arc::new(());
        for stream in self.listener.incoming().flatten() {
            if Arc::strong_count(&clients) > MAX_CLIENTS {
                continue;
            }
            let (ask, client) = (ask.clone(), Arc::clone(&clients));
            let answering = move || {
                // A client that goes away in the middle harms nobody.
                let _ = answer(&stream, &ask);
                drop(client);
            };
            if let Err(error) = std::thread::Builder::new().name("line".into()).spawn(answering) {
                tracing::warn!(%error, "nobody can use a telephone now");
            }
        }
    }
}

fn answer(mut stream: &UnixStream, ask: &Sender<Asked>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let (answer, file) = match heard(&mut BufReader::new(stream)) {
        Ok((request, audio)) => {
            let (reply, answer) = bounded(1);
            let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
            ask.send(Asked { request, audio, reply }).map_err(|_| io::ErrorKind::BrokenPipe)?;
            answer.recv().map_err(gone)?
        }
        Err(error) => (refused(error.to_string()), Vec::new()),
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    stream.write_all(&file)
}

/// Reads a request and the audio that comes with it.
fn heard(reader: &mut BufReader<&UnixStream>) -> io::Result<(Request, Vec<i16>)> {
    let request: Request = read_line(reader)?;
    let Request::Play { octets, .. } = request else { return Ok((request, Vec::new())) };
    let file = read_file(reader, octets)?;
    let recording = Recording::read(&file).map_err(io::Error::other)?;
    Ok((request, recording.telephone()))
}

fn refused(problem: String) -> Answer {
    Answer { problem: Some(problem), ..Answer::default() }
}

/// Does what was asked and answers; or tells who is to be answered later.
pub fn perform(lines: &mut Lines, now: Instant, asked: Asked) -> Option<Waiting> {
    let Asked { request, audio, reply } = asked;
    let (endpoint, action) = match request {
        Request::Show => {
            let answer = Answer { ok: true, lines: lines.states(), ..Answer::default() };
            let _ = reply.send((answer, Vec::new()));
            return None;
        }
        Request::Wait { endpoint, until, seconds } => {
            return wait(lines, now, &endpoint, until, seconds, reply);
        }
        Request::OffHook { endpoint } => (endpoint, Action::OffHook),
        Request::OnHook { endpoint } => (endpoint, Action::OnHook),
        Request::Flash { endpoint } => (endpoint, Action::Flash),
        Request::Digits { endpoint, digits } => (endpoint, Action::Digits(digits)),
        Request::Play { endpoint, again, .. } => (endpoint, Action::Say { samples: audio, again }),
        Request::Fax { endpoint } => (endpoint, Action::Say { samples: calling(), again: true }),
        Request::Modem { endpoint } => {
            (endpoint, Action::Say { samples: sine(2100.0, AMPLITUDE, 3 * RATE), again: false })
        }
        Request::Silence { endpoint } => (endpoint, Action::BeSilent),
        Request::Record { endpoint } => (endpoint, Action::Record),
        Request::StopRecording { endpoint } => (endpoint, Action::StopRecording),
    };
    let _ = reply.send(act(lines, now, &endpoint, action));
    None
}

fn act(lines: &mut Lines, now: Instant, endpoint: &str, action: Action) -> (Answer, Vec<u8>) {
    let Some(line) = lines.find(endpoint) else {
        return (refused(line::control::Refusal::NoSuchLine.to_string()), Vec::new());
    };
    match lines.act(now, line, action) {
        Ok(recorded) => {
            let file = recorded.map(|samples| wav::write(&samples)).unwrap_or_default();
            let states = lines.state(line).into_iter().collect();
            (Answer { ok: true, problem: None, lines: states, octets: file.len() }, file)
        }
        Err(refusal) => (refused(refusal.to_string()), Vec::new()),
    }
}

fn wait(
    lines: &Lines,
    now: Instant,
    endpoint: &str,
    until: Until,
    seconds: u64,
    reply: Sender<(Answer, Vec<u8>)>,
) -> Option<Waiting> {
    let Some(line) = lines.find(endpoint) else {
        let answer = refused(line::control::Refusal::NoSuchLine.to_string());
        let _ = reply.send((answer, Vec::new()));
        return None;
    };
    let deadline = now + Duration::from_secs(seconds).min(LONGEST_WAIT);
    Some(Waiting { line, until, deadline, reply })
}

/// Half a second of a fax machine's tone, and three of silence.
fn calling() -> Vec<i16> {
    let mut samples = sine(1100.0, AMPLITUDE, RATE / 2);
    samples.resize(samples.len() + 3 * RATE, 0);
    samples
}
