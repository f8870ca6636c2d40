//! What happened in CAPF, for those who look for a fault: one line an event, and the certificates
//! that phones showed, a file each.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use capf::codec::CertificateType;
use capf::server::{Event, Level, ShownCertificate};
use durable::Readers;
use pki::export;
use store::DeviceName;
use tracefile::TraceFile;

/// Name of the trace file.
pub const FILE: &str = "capf.log";

/// The trace of the service.
pub struct Trace {
    directory: PathBuf,
    level: Mutex<Level>,
    file: TraceFile,
}

impl Trace {
    /// Writes into `directory` what is at least as loud as `level`.
    pub fn open(directory: &Path, level: Level) -> io::Result<Self> {
        let file = TraceFile::open(directory, FILE)?;
        Ok(Self { directory: directory.to_owned(), level: Mutex::new(level), file })
    }

    /// Writes from now on what is at least as loud as `level`.
    pub fn set_level(&self, level: Level) {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = level;
    }

    /// Writes what a session says. How it ended is always told.
    pub fn event(&self, trace: &capf::server::Trace) {
        let level = *self.level.lock().unwrap_or_else(PoisonError::into_inner);
        if trace.event.level() >= level || matches!(trace.event, Event::Ended(_)) {
            self.note(&trace.to_string());
        }
    }

    /// Writes a line.
    pub fn note(&self, text: &str) {
        // A full disk must not keep phones from their certificates.
        self.file.line(text);
    }

    /// Keeps a certificate that a phone showed, in the place of the last one of its kind.
    pub(crate) fn keep(&self, device: &DeviceName, shown: &ShownCertificate) {
        let kind = match shown.kind {
            CertificateType::LSC => "LSC",
            CertificateType::MIC => "MIC",
            _ => "other",
        };
        let content = match &shown.certificate {
            Ok(certificate) => export::pem(certificate).into_bytes(),
            Err(_) => shown.der.clone(),
        };
        let file = self.shown_file(device, kind);
        if let Err(error) = durable::replace(&file, &content, Readers::Everybody) {
            self.note(&format!("{}: {error}", file.display()));
        }
    }

    /// Where a certificate is kept that a phone showed: `kind` is `LSC` or `MIC`.
    pub fn shown_file(&self, device: &DeviceName, kind: &str) -> PathBuf {
        self.directory.join(format!("{device}-{kind}.pem"))
    }
}
