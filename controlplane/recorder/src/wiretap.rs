//! What services hand messages to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use capture::{Device, Record, Tap};
use crossbeam_channel::{Receiver, Sender, bounded};
use store::CaptureMode;

/// Messages that may wait to be recorded.
const QUEUE: usize = 8192;

/// Takes messages of the devices that are captured, and never waits.
#[derive(Debug)]
pub struct Wiretap {
    on: AtomicBool,
    wanted: RwLock<Wanted>,
    records: Sender<Record>,
    lost: AtomicU64,
    /// This node, where a record does not say.
    address: IpAddr,
}

/// Which devices are captured, and where that goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    phones: HashMap<String, CaptureMode>,
    endpoints: Vec<(Device, CaptureMode)>,
}

impl Wanted {
    /// These devices. Names that nobody can have are passed over.
    pub fn new<'a>(devices: impl IntoIterator<Item = (&'a str, CaptureMode)>) -> Self {
        let mut wanted = Self::default();
        for (name, mode) in devices {
            match name.parse() {
                Ok(Device::Phone(name)) => {
                    wanted.phones.insert(name, mode);
                }
                Ok(endpoint) => wanted.endpoints.push((endpoint, mode)),
                Err(_) => {}
            }
        }
        wanted
    }

    /// Where signalling of a device goes; `None` if it is not captured.
    pub fn mode(&self, device: &str) -> Option<CaptureMode> {
        if let Some(mode) = self.phones.get(device) {
            return Some(*mode);
        }
        let mut endpoints = self.endpoints.iter();
        endpoints.find(|(endpoint, _)| endpoint.is_endpoint(device)).map(|(_, mode)| *mode)
    }

    /// Whether nothing is captured.
    pub fn is_empty(&self) -> bool {
        self.phones.is_empty() && self.endpoints.is_empty()
    }
}

impl Wiretap {
    /// A tap on a node of this address, and what it takes. Nothing is captured yet.
    pub fn new(address: IpAddr) -> (Self, Receiver<Record>) {
        let (records, taken) = bounded(QUEUE);
        let (on, lost) = (AtomicBool::new(false), AtomicU64::new(0));
        (Self { on, wanted: RwLock::default(), records, lost, address }, taken)
    }

    /// Captures these from now on.
    pub fn set(&self, wanted: Wanted) {
        let on = !wanted.is_empty();
        *self.wanted.write().unwrap_or_else(PoisonError::into_inner) = wanted;
        self.on.store(on, Ordering::Release);
    }

    /// Where signalling of a device goes now.
    pub fn mode(&self, device: &str) -> Option<CaptureMode> {
        self.wanted.read().unwrap_or_else(PoisonError::into_inner).mode(device)
    }

    /// Messages that were lost because too many waited.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Tap for Wiretap {
    fn is_on(&self) -> bool {
        self.on.load(Ordering::Acquire)
    }

    fn wants(&self, device: &str) -> bool {
        self.mode(device).is_some()
    }

    fn take(&self, mut record: Record) {
        for end in [&mut record.source, &mut record.destination] {
            if end.ip().is_unspecified() {
                end.set_ip(self.address);
            }
        }
        if self.records.try_send(record).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}
