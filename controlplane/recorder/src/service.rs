//! The service: one thread that records, and follows the database.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use capture::Record;
use crossbeam_channel::{Receiver, Sender, after, bounded, select};
use jiff::civil::Date;
use lang::{Language, Say};
use pki::Certificate;
use srst::tls::Own;
use store::{Author, CaptureMode, CaptureSettings, CaptureTool, CapturedDevice, Revision, Store};
use zeroize::Zeroizing;

use crate::live::{self, Allowed, Live};
use crate::shelf::{self, DayFile, Part, Shelf, ShelfFault};
use crate::wiretap::{Wanted, Wiretap};

/// How often the database and the clock are looked at.
const GLANCE: Duration = Duration::from_millis(250);
/// How long a change is waited for at the most, until it is in force.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a recorder is made of.
pub struct Setup {
    /// Where it stands who is captured.
    pub store: Arc<Store>,
    /// This node's name.
    pub node: String,
    /// Its address, and on which address tools attach.
    pub address: IpAddr,
    /// Where tools attach: the port is a parameter.
    pub listen: IpAddr,
    /// Its certificate, by which tools know it.
    pub certificate: Certificate,
    /// The file of its key.
    pub key_file: PathBuf,
    /// Where files of the days go.
    pub directory: PathBuf,
    /// Where their keys go.
    pub keys: PathBuf,
}

/// A running recorder; dropping it ends everything that is captured here.
#[derive(Debug)]
pub struct Recorder {
    tap: Arc<Wiretap>,
    shared: Arc<Shared>,
    looks: Sender<Look>,
    thread: Option<JoinHandle<()>>,
}

/// Asks for a look at the database; dropped when it was taken.
type Look = Sender<()>;

/// What others may see of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What is captured on this node now.
    pub active: Vec<Active>,
    /// The tools that are attached.
    pub attached: Vec<String>,
    /// Where tools attach, while they can.
    pub live: Option<SocketAddr>,
    /// Messages that were recorded since the start.
    pub recorded: u64,
    /// Messages that were lost since the start.
    pub lost: u64,
    /// What is not as it should be; in English, for logs and alarms.
    pub problem: Option<String>,
}

/// A device that is captured now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    /// Which.
    pub device: String,
    /// Where it goes.
    pub mode: CaptureMode,
    /// Until when.
    pub ends: SystemTime,
}

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    seen: Mutex<Seen>,
    shelf: Mutex<Shelf>,
}

/// Starts to follow the database. The error is in English, for logs and alarms.
pub fn start(setup: Setup) -> Result<Recorder, String> {
    let (tap, records) = Wiretap::new(setup.address);
    let tap = Arc::new(tap);
    let shared = Arc::new(Shared {
        stop: AtomicBool::new(false),
        seen: Mutex::default(),
        shelf: Mutex::new(Shelf::new(setup.directory.clone(), setup.keys.clone())),
    });
    let desk = Desk {
        setup,
        tap: Arc::clone(&tap),
        shared: Arc::clone(&shared),
        live: None,
        told: None,
        rotated: None,
        live_problem: None,
    };
    let (looks, asked) = bounded(16);
    let thread = thread::Builder::new()
        .name("capture".into())
        .spawn(move || desk.run(&records, &asked))
        .map_err(|error| error.to_string())?;
    Ok(Recorder { tap, shared, looks, thread: Some(thread) })
}

impl Recorder {
    /// What services hand messages to.
    pub fn tap(&self) -> Arc<Wiretap> {
        Arc::clone(&self.tap)
    }

    /// Returns when what the database says now is in force here, or after two seconds: it is
    /// followed by itself, too, only not at once.
    pub fn catch_up(&self) {
        let (look, taken) = bounded::<()>(0);
        if self.looks.send_timeout(look, PATIENCE).is_ok() {
            let _ = taken.recv_timeout(PATIENCE);
        }
    }

    /// How it stands.
    pub fn seen(&self) -> Seen {
        Seen { lost: self.tap.lost(), ..self.shared.seen().clone() }
    }

    /// The files of the days, the newest first.
    pub fn files(&self) -> Result<Vec<DayFile>, ShelfFault> {
        self.shared.shelf().files()
    }

    /// Some of a day's file or key: see [`Shelf::fetch`].
    pub fn fetch(
        &self,
        day: &str,
        part: Part,
        offset: u64,
        limit: u64,
    ) -> Result<Zeroizing<Vec<u8>>, ShelfFault> {
        self.shared.shelf().fetch(day, part, offset, limit)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.tap.set(Wanted::default());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's own.
struct Desk {
    setup: Setup,
    tap: Arc<Wiretap>,
    shared: Arc<Shared>,
    live: Option<Live>,
    told: Option<Arc<Told>>,
    rotated: Option<Date>,
    /// Why tools cannot attach.
    live_problem: Option<String>,
}

/// What the database says.
struct Told {
    revision: Revision,
    settings: CaptureSettings,
    devices: Vec<CapturedDevice>,
    tools: Vec<CaptureTool>,
}

/// Why a capture ends by itself.
const TIME_OVER: &str = "its duration is over";
const FILE_FULL: &str = "the file of the day has reached its largest size";
const DISK_FULL: &str = "too little of the disk is free";
const SWITCHED_OFF: &str = "Packet Capture Enable was switched off";

impl Desk {
    fn run(mut self, records: &Receiver<Record>, asked: &Receiver<Look>) {
        let mut next_look = Instant::now();
        while !self.shared.stop.load(Ordering::Acquire) {
            if Instant::now() >= next_look {
                self.follow();
                next_look = Instant::now() + GLANCE;
            }
            select! {
                recv(records) -> record => match record {
                    Ok(record) => self.record(record),
                    Err(_) => return,
                },
                recv(asked) -> look => match look {
                    Ok(_taken) => self.follow(),
                    Err(_) => return,
                },
                recv(after(next_look.saturating_duration_since(Instant::now()))) -> _ => {}
            }
        }
    }

    fn record(&mut self, record: Record) {
        match self.tap.mode(&record.device) {
            Some(CaptureMode::RealTime) => {
                self.shared.seen().recorded += 1;
                if let Some(live) = &self.live {
                    live.send(record);
                }
            }
            Some(CaptureMode::Batch) => self.file(&record),
            // It ended while the message waited.
            Some(CaptureMode::None) | None => {}
        }
    }

    fn file(&mut self, record: &Record) {
        let Some(told) = &self.told else { return };
        let day = shelf::day_of(UNIX_EPOCH + record.at);
        let written = self.shared.shelf().append(record, day, told.settings.max_file);
        match written {
            Ok(true) => self.shared.seen().recorded += 1,
            Ok(false) => self.stop_batch(FILE_FULL),
            Err(fault) => {
                self.shared.seen().problem = Some(fault.to_string());
                self.stop_batch("the file of the day cannot be written");
            }
        }
    }

    /// Takes over what the database and the clock say.
    fn follow(&mut self) {
        let now = SystemTime::now();
        // While the database is away what was to be captured still is, until its time is over.
        let Ok(told) = self.told() else { return self.forget_over(now) };
        let Told { settings, devices, tools, .. } = &*told;
        let (on, over): (Vec<_>, Vec<_>) =
            devices.iter().cloned().partition(|it| settings.enabled && it.ends() > now);
        for device in &over {
            let why = if settings.enabled { TIME_OVER } else { SWITCHED_OFF };
            self.stop(&device.device, why);
        }
        self.take_over(&on);
        let batch = on.iter().any(|device| device.mode == CaptureMode::Batch);
        if batch && self.is_disk_full(settings.min_free) {
            self.stop_batch(DISK_FULL);
        }
        if !batch {
            self.close();
        }
        let tools = tools.iter().map(|it| (it.sha256.clone(), it.name.clone())).collect();
        self.attend(settings, Allowed { tools, clients: settings.max_clients });
        self.rotate(shelf::day_of(now));
    }

    /// What the database says, read anew if it says something else.
    fn told(&mut self) -> store::Result<Arc<Told>> {
        let (node, known) = (&self.setup.node, self.told.clone());
        let told = self.setup.store.read(|view| {
            let revision = view.revision()?;
            if let Some(known) = known.filter(|known| known.revision == revision) {
                return Ok(known);
            }
            Ok(Arc::new(Told {
                revision,
                settings: CaptureSettings::read(view, node)?,
                devices: view.captured_devices()?,
                tools: view.allowed_capture_tools()?,
            }))
        })?;
        self.told = Some(Arc::clone(&told));
        Ok(told)
    }

    fn take_over(&mut self, on: &[CapturedDevice]) {
        self.tap.set(Wanted::new(on.iter().map(|it| (&*it.device, it.mode))));
        let active = |it: &CapturedDevice| Active {
            device: it.device.clone(),
            mode: it.mode,
            ends: it.ends(),
        };
        let mut seen = self.shared.seen();
        seen.active = on.iter().map(active).collect();
        if !on.is_empty() && seen.problem.is_some() {
            // It was told while nothing was captured; now it shows whether it is so still.
            seen.problem = None;
        }
    }

    /// Ends what is over by the clock alone.
    fn forget_over(&mut self, now: SystemTime) {
        let mut seen = self.shared.seen();
        seen.active.retain(|device| device.ends > now);
        self.tap.set(Wanted::new(seen.active.iter().map(|it| (&*it.device, it.mode))));
    }

    /// Lets tools attach while capture is on.
    fn attend(&mut self, settings: &CaptureSettings, allowed: Allowed) {
        let wanted = SocketAddr::new(self.setup.listen, settings.tls_port);
        if self.live.as_ref().is_some_and(|live| !settings.enabled || live.address() != wanted) {
            self.live = None;
        }
        match &self.live {
            Some(live) => live.allow(allowed),
            None if settings.enabled => {
                let (store, node) = (Arc::clone(&self.setup.store), self.setup.node.clone());
                let told = Box::new(move |words: &str| {
                    let author = Author::new("packet capture", &*node);
                    // A subscriber has no log to write to.
                    let _ = store.audit(&author, SystemTime::now(), "capture-attached", words);
                });
                let own = Own::new(&self.setup.certificate, None, &self.setup.key_file);
                let started = TcpListener::bind(wanted)
                    .map_err(|error| format!("cannot listen on {wanted}: {error}"))
                    .and_then(|listener| {
                        live::start(listener, &own, allowed, told)
                            .map_err(|fault| fault.to_string())
                    });
                self.live_problem = started.as_ref().err().cloned();
                self.live = started.ok();
            }
            None => self.live_problem = None,
        }
        let mut seen = self.shared.seen();
        seen.live = self.live.as_ref().map(Live::address);
        seen.attached = self.live.as_ref().map(Live::attached).unwrap_or_default();
        if let Some(problem) = &self.live_problem {
            seen.problem = Some(problem.clone());
        }
    }

    fn is_disk_full(&self, least: u64) -> bool {
        let shelf = self.shared.shelf();
        // Before the first file its directory is not there.
        let directory = shelf.directory().ancestors().find(|directory| directory.exists());
        let free = directory.and_then(|directory| rustix::fs::statvfs(directory).ok());
        free.is_some_and(|free| free.f_bavail.saturating_mul(free.f_frsize) < least)
    }

    /// Ends every capture into files.
    fn stop_batch(&mut self, why: &str) {
        let active = self.shared.seen().active.clone();
        let (batch, rest): (Vec<_>, Vec<_>) =
            active.into_iter().partition(|device| device.mode == CaptureMode::Batch);
        self.tap.set(Wanted::new(rest.iter().map(|it| (&*it.device, it.mode))));
        self.shared.seen().active = rest;
        for device in batch {
            self.stop(&device.device, why);
        }
        self.close();
    }

    /// Notes that a capture has ended, and why.
    fn stop(&self, device: &str, why: &str) {
        let author = Author::new("packet capture", &*self.setup.node);
        let stopped = self
            .setup
            .store
            .change(&author, SystemTime::now(), |change| change.stop_capture(device, why));
        match stopped {
            // A subscriber cannot write: the publisher sees the same clock.
            Ok(_) | Err(store::Error::ReadOnly) => {}
            Err(error) => self.shared.seen().problem = Some(error.say(Language::English)),
        }
    }

    fn close(&self) {
        let closed = self.shared.shelf().close();
        if let Err(fault) = closed {
            self.shared.seen().problem = Some(fault.to_string());
        }
    }

    fn rotate(&mut self, today: Date) {
        if self.rotated == Some(today) {
            return;
        }
        match self.shared.shelf().rotate(today) {
            Ok(()) => self.rotated = Some(today),
            Err(fault) => self.shared.seen().problem = Some(fault.to_string()),
        }
    }
}
