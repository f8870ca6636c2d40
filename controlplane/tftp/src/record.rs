//! The request log: what each phone asked for and what became of it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::{DeviceName, ErrorCode, FileRequest, Protocol, Refusal, Served};

/// One request and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When it came.
    pub at: SystemTime,
    /// From the answer to the last acknowledgement.
    pub took: Duration,
    /// The phone, if the name of the file tells it.
    pub device: Option<DeviceName>,
    /// Who asked.
    pub from: SocketAddr,
    /// How.
    pub protocol: Protocol,
    /// The name asked for.
    pub name: String,
    /// Why that file answered.
    pub rule: Option<String>,
    /// Bytes of the file.
    pub size: Option<u64>,
    /// Who signed the file.
    pub signer: Option<String>,
    /// Which trust list it was.
    pub ctl_version: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The last byte was acknowledged (HTTP: handed to the kernel).
    Completed,
    /// There was no file, or not for this phone.
    Refused(Refusal),
    /// The phone ended it with an error.
    PeerError {
        /// Its code.
        code: ErrorCode,
        /// Its text, cut and without control characters.
        text: String,
    },
    /// The phone did not answer any more.
    TimedOut,
    /// The phone asked for another file from the same port, or closed the connection.
    Abandoned,
}

impl Record {
    pub(crate) fn new(at: SystemTime, request: &FileRequest) -> Self {
        Self {
            at,
            took: Duration::ZERO,
            device: request.name.device(),
            from: request.from,
            protocol: request.protocol,
            name: request.name.to_string(),
            rule: None,
            size: None,
            signer: None,
            ctl_version: None,
            outcome: Outcome::Abandoned,
        }
    }

    pub(crate) fn answer(&mut self, answer: &Result<Served, Refusal>) {
        match answer {
            Ok(served) => {
                self.rule = Some(served.rule.to_string());
                self.size = Some(served.bytes.len() as u64);
                self.signer = served.signer.as_deref().map(str::to_owned);
                self.ctl_version = served.ctl_version.as_deref().map(str::to_owned);
            }
            Err(refusal) => self.outcome = Outcome::Refused(refusal.clone()),
        }
    }
}

/// Is told of every request when it has ended.
pub trait Observer: Send + Sync {
    /// Must not block: it runs between packets.
    fn observe(&self, record: Record);
}

/// The latest requests, in memory.
#[derive(Debug)]
pub struct RequestLog {
    capacity: usize,
    records: Mutex<VecDeque<Record>>,
}

impl RequestLog {
    /// A log of the last `capacity` requests.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, records: Mutex::default() }
    }

    /// All requests that `wanted` picks, oldest first.
    pub fn select(&self, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.iter().filter(|record| wanted(record)).cloned().collect()
    }

    /// The requests of a phone: those for its own files, and those from the address it used last.
    pub fn of_device(&self, device: DeviceName) -> Vec<Record> {
        let own = self.select(|record| record.device == Some(device));
        let Some(address) = own.last().map(|record| record.from.ip()) else { return own };
        self.select(|record| match record.device {
            Some(other) => other == device,
            None => record.from.ip() == address,
        })
    }
}

impl Observer for RequestLog {
    fn observe(&self, record: Record) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() == self.capacity {
            records.pop_front();
        }
        records.push_back(record);
    }
}
