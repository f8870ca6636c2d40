//! TLS handshakes, in threads of their own: signatures take their time, and nobody who is
//! registered shall wait for them.
//!
//! A phone's first message says what it knows. Phones of today are served here, old ones are handed
//! into the cell; what the cell makes of them comes back as connections of their own.

mod cell;
mod tls;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use callmanager::exchange::ConnectionId;
use legacytls::client::Serving;
use mio::net::TcpStream;
use mio::{Poll, Waker};

pub(crate) use cell::listen as listen_to_cell;
pub(crate) use tls::ModernTls;
use worker::Worker;

use crate::alarms::Alarms;
use crate::operator::Mail;
use crate::trust::TrustInForce;

/// Where hands are shaken. Dropping it ends that.
pub(crate) struct Reception {
    workers: Vec<Handle>,
}

struct Handle {
    tasks: Sender<Task>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

/// What a worker is to do.
enum Task {
    /// Shake hands.
    Take(ConnectionId, TcpStream, SocketAddr),
    /// Somebody else needs the seat.
    Cut(ConnectionId),
    /// Go home.
    Stop,
}

/// Who serves whom.
#[derive(Clone)]
pub(crate) struct Hosts {
    /// Phones of today, unless policy sends all of them into the cell.
    pub(crate) modern: Option<ModernTls>,
    /// Old ones, if there is a cell.
    pub(crate) cell: Option<Arc<Serving>>,
    /// Whose certificates are good.
    pub(crate) trust: TrustInForce,
    pub(crate) alarms: Arc<Alarms>,
}

impl Reception {
    /// Opens it, with a thread for each processor.
    pub(crate) fn open(hosts: &Hosts, mail: &Mail) -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let workers = (0..count).map(|_| Handle::start(hosts.clone(), mail.clone()));
        Ok(Self { workers: workers.collect::<io::Result<_>>()? })
    }

    /// Shakes hands with a phone.
    pub(crate) fn take(&self, connection: ConnectionId, stream: TcpStream, peer: SocketAddr) {
        self.tell(connection, Task::Take(connection, stream, peer));
    }

    /// Gives up on a phone.
    pub(crate) fn cut(&self, connection: ConnectionId) {
        self.tell(connection, Task::Cut(connection));
    }

    fn tell(&self, connection: ConnectionId, task: Task) {
        // Always the same one for a connection.
        let turn = connection.0 as usize % self.workers.len();
        self.workers[turn].tell(task);
    }
}

impl Handle {
    fn start(hosts: Hosts, mail: Mail) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), worker::TASKS)?);
        let (sender, tasks) = channel();
        let worker = Worker::new(poll, tasks, hosts, mail);
        let thread = thread::Builder::new().name("cm-hands".into()).spawn(move || worker.run())?;
        Ok(Self { tasks: sender, waker, thread: Some(thread) })
    }

    fn tell(&self, task: Task) {
        // A worker goes home only when it is told to.
        let _ = self.tasks.send(task);
        let _ = self.waker.wake();
    }
}

impl Drop for Reception {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.tell(Task::Stop);
        }
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                let _ = thread.join();
            }
        }
    }
}
