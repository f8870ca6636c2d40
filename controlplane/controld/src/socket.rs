//! The administration socket: one line in, one line out, for the owner and the group of its file.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use console::{Answer, Call, Failure, FailureKind, MAX_LINE};
use lang::Language;
use privilege::users;
use rustix::net::sockopt::socket_peercred;
use store::Author;
use zeroize::Zeroizing;

use crate::office::{Caller, Office};

/// Longest wait for a client, which is served alone: a stuck one delays others by so much.
const PATIENCE: Duration = Duration::from_secs(2);

/// The listening socket; its file goes with it.
pub struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    stopped: Arc<AtomicBool>,
}

/// Ends [`AdminSocket::run`].
#[derive(Clone)]
pub struct Stopper {
    path: PathBuf,
    stopped: Arc<AtomicBool>,
}

impl AdminSocket {
    /// Listens at `path`.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let listener = status::socket::listen(path)?;
        Ok(Self { listener, path: path.to_owned(), stopped: Arc::default() })
    }

    /// What ends [`AdminSocket::run`].
    pub fn stopper(&self) -> Stopper {
        Stopper { path: self.path.clone(), stopped: self.stopped.clone() }
    }

    /// Answers until it is stopped.
    pub fn run(self, office: &Office) {
        for stream in self.listener.incoming().flatten() {
            if self.stopped.load(Ordering::Acquire) {
                break;
            }
            // A client that goes away in the middle harms nobody.
            let _ = serve(&stream, office);
        }
    }
}

impl Stopper {
    /// Ends it, after the request that is being answered.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        // Wakes the listener.
        let _ = UnixStream::connect(&self.path);
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn serve(mut stream: &UnixStream, office: &Office) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let who = users::name_of(socket_peercred(stream)?.uid);
    let mut line = Zeroizing::new(String::new());
    BufReader::new(stream.take(MAX_LINE as u64)).read_line(&mut line)?;
    let answer = match serde_json::from_str::<Call>(&line) {
        Ok(call) => {
            let caller = Caller {
                author: Author::new(who, "command line"),
                language: Language::from_tag(&call.language).unwrap_or_default(),
                now: SystemTime::now(),
                unchanged_since: None,
            };
            office.answer(&caller, call)
        }
        Err(error) => Answer::Failed(Failure {
            kind: FailureKind::Usage,
            text: format!("this is no request: {error}"),
        }),
    };
    let mut bytes = serde_json::to_vec(&answer)?;
    bytes.push(b'\n');
    stream.write_all(&bytes)
}
