//! A thread that keeps up with charon.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use esp::Flow;

use super::charon::{Charon, Picture};
use super::coverage::{Covered, Expected, Gap};

/// Between attempts to connect, and the longest until an end is noticed.
const PAUSE: Duration = Duration::from_millis(500);

/// Keeps up with the charon at a socket, whether it is there or not, until dropped.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    picture: Mutex<Arc<Picture>>,
    ends: AtomicBool,
}

impl Watch {
    /// Begins. `changed` is called from the thread whenever there is another picture.
    pub fn start(socket: &Path, changed: impl Fn() + Send + 'static) -> io::Result<Self> {
        let nothing = Charon::new().picture().clone();
        let shared = Arc::new(Shared {
            picture: Mutex::new(Arc::new(nothing)),
            ends: AtomicBool::new(false),
        });
        let (mine, socket) = (shared.clone(), socket.to_owned());
        let work = move || keep_up(&mine, &socket, &changed);
        let thread = thread::Builder::new().name("vici".into()).spawn(work)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What charon has.
    pub fn picture(&self) -> Arc<Picture> {
        self.shared.picture.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a flow is covered now; see [`Picture::coverage`].
    pub fn coverage(&self, flow: &Flow, expected: &Expected<'_>) -> Result<Covered, Gap> {
        self.picture().coverage(Instant::now(), flow, expected)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It panics only by a bug of its own, which it has told already.
            let _ = thread.join();
        }
    }
}

fn keep_up(shared: &Shared, socket: &PathBuf, changed: &dyn Fn()) {
    let mut charon = Charon::new();
    while !shared.ends.load(Ordering::Relaxed) {
        let error = match UnixStream::connect(socket) {
            Ok(stream) => follow(shared, &mut charon, stream, changed),
            Err(error) => error,
        };
        let why = format!("{}: {error}", socket.display());
        if charon.picture().silence != why {
            charon.disconnected(&why);
            publish(shared, &mut charon, changed);
        }
        thread::sleep(PAUSE);
    }
}

/// Until the connection breaks.
fn follow(
    shared: &Shared,
    charon: &mut Charon,
    mut stream: UnixStream,
    changed: &dyn Fn(),
) -> io::Error {
    let mut step = || -> io::Result<()> {
        stream.set_write_timeout(Some(PAUSE))?;
        stream.set_read_timeout(Some(PAUSE))?;
        charon.connected(Instant::now());
        let mut buffer = vec![0; 1 << 16];
        while !shared.ends.load(Ordering::Relaxed) {
            while let Some(octets) = charon.poll_output() {
                stream.write_all(&octets)?;
            }
            let came = match stream.read(&mut buffer) {
                Ok(0) => return Err(io::Error::other("the daemon has closed the connection")),
                Ok(len) => charon.handle_input(Instant::now(), &buffer[..len]),
                Err(error) if is_pause(&error) => Ok(()),
                Err(error) => return Err(error),
            };
            came.map_err(io::Error::other)?;
            charon.handle_timeout(Instant::now()).map_err(io::Error::other)?;
            publish(shared, charon, changed);
        }
        Ok(())
    };
    step().err().unwrap_or_else(|| io::Error::other("not watched any more"))
}

fn is_pause(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

fn publish(shared: &Shared, charon: &mut Charon, changed: &dyn Fn()) {
    if charon.take_changed() {
        let picture = Arc::new(charon.picture().clone());
        *shared.picture.lock().unwrap_or_else(PoisonError::into_inner) = picture;
        changed();
    }
}
