//! The client's trace: which server was asked what, and how it answered. Never a body: passwords
//! are in them.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use messages::{Explain, Message, input};

use super::{Server, Transport, TransportFault};
use crate::http::{Request, Response};

/// An open trace file.
#[derive(Debug)]
pub struct Trace(Mutex<File>);

/// The trace cannot be opened.
#[derive(Debug)]
pub struct TraceFault {
    file: PathBuf,
    source: io::Error,
}

impl Explain for TraceFault {
    fn message(&self) -> &'static Message {
        &input::TRACE_NOT_INITIALIZED
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![("file", self.file.display().to_string()), ("detail", self.source.to_string())]
    }
}

crate::error_by_message!(TraceFault);

impl Trace {
    /// Opens a file and writes behind what is there.
    pub fn open(file: &Path) -> Result<Self, TraceFault> {
        let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(file);
        let opened = opened.map_err(|source| TraceFault { file: file.into(), source })?;
        Ok(Self(Mutex::new(opened)))
    }

    fn line(&self, now: SystemTime, text: &str) {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = format!("{}.{:03} {text}\n", since.as_secs(), since.subsec_millis());
        // A full disk must not keep a list from being pushed.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

/// A transport that writes what passes to a trace.
pub struct Traced<T> {
    /// The way.
    pub transport: T,
    /// The trace.
    pub trace: Trace,
}

impl<T: Transport> Transport for Traced<T> {
    fn send(&self, server: &Server, request: &Request) -> Result<Response, TransportFault> {
        let answer = self.transport.send(server, request);
        let came = match &answer {
            Ok(response) => format!("{}, {} bytes", response.status, response.body.len()),
            Err(fault) => format!("{fault:?}"),
        };
        let Request { method, path, .. } = request;
        self.trace.line(SystemTime::now(), &format!("{server} {method} {path}: {came}"));
        answer
    }
}
