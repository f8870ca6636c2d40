//! Sockets and the one thread around [`Resources`].

mod ports;
mod worker;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Instant, SystemTime};

use callmanager::switchboard::{MediaOrder, MediaRefused, StreamId};
use crossbeam_channel::{Sender, unbounded};
use rand::SeedableRng;
use rand::rngs::StdRng;
use thiserror::Error;

use crate::music::Music;
use crate::resources::{Limits, Resources, Statistics};
use ports::Ports;
use worker::{Bell, Task, Worker};

/// What the service is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where telephones send to and hear from.
    pub address: IpAddr,
    /// Each stream has two of these: an even one for RTP, the odd one above it for RTCP.
    pub ports: RangeInclusive<u16>,
    /// What those on hold hear.
    pub music: Music,
    /// What may be had at once.
    pub limits: Limits,
}

/// The service cannot be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// Telephones cannot be told to send to every address.
    #[error("{0} is no address that telephones can send media to; name one of this machine")]
    Unspecified(IpAddr),
    /// There is no even port followed by an odd one.
    #[error("the ports {first} to {last} for media hold no even port with an odd one above it")]
    NoPorts {
        /// The first.
        first: u16,
        /// The last.
        last: u16,
    },
    /// The address is not this machine's, or the like.
    #[error(
        "cannot receive media on {address}: {source}; `ip address` shows this machine's addresses"
    )]
    Bind {
        /// Where.
        address: IpAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Something else that the system says.
    #[error("cannot start media resources: {0}")]
    System(#[from] io::Error),
}

/// Music on hold and conference bridges at work. They end with it.
#[derive(Debug)]
pub struct MediaResources {
    /// Taken away when it ends.
    tasks: Option<Sender<Task>>,
    bell: Arc<Bell>,
    statistics: Arc<Mutex<Statistics>>,
    thread: Option<JoinHandle<()>>,
}

impl MediaResources {
    /// Starts. `answer` is told where streams receive, or why not, as
    /// `Exchange::resource_opened` wants it; it is called by the thread that plays, and must not
    /// wait for anything.
    pub fn start(
        config: Config,
        answer: impl FnMut(StreamId, Result<SocketAddr, MediaRefused>) + Send + 'static,
    ) -> Result<Self, StartError> {
        let rng = || StdRng::try_from_os_rng().map_err(|error| io::Error::other(error.to_string()));
        let ports = Ports::new(config.address, config.ports, rng()?)?;
        let (now, wall) = (Instant::now(), SystemTime::now());
        let resources = Resources::new(now, wall, rng()?, config.music, config.limits);
        let (tasks, incoming) = unbounded();
        let bell = Arc::new(Bell::new()?);
        let statistics = Arc::default();
        let worker = Worker::new(
            resources,
            ports,
            incoming,
            bell.clone(),
            Arc::clone(&statistics),
            Box::new(answer),
        )?;
        let thread = thread::Builder::new().name("media".into()).spawn(|| worker.run())?;
        Ok(Self { tasks: Some(tasks), bell, statistics, thread: Some(thread) })
    }

    /// Has an order carried out, and does not wait for it. Orders for devices are not looked at.
    pub fn order(&self, order: MediaOrder) {
        self.tell(Task::Order(order));
    }

    /// Those on hold hear this from now on.
    pub fn play(&self, music: Music) {
        self.tell(Task::Play(music));
    }

    fn tell(&self, task: Task) {
        if let Some(tasks) = &self.tasks {
            // If the thread is gone, that was its panic, and `drop` passes it on.
            let _ = tasks.send(task);
            self.bell.ring();
        }
    }

    /// What goes on, and what was counted, as of the last packet.
    pub fn statistics(&self) -> Statistics {
        *self.statistics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for MediaResources {
    fn drop(&mut self) {
        self.tasks = None;
        self.bell.ring();
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}
