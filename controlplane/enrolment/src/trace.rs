//! What happened in CAPF, for those who look for a fault: one line an event, and the certificates
//! that phones showed, a file each.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use capf::codec::CertificateType;
use capf::server::{Event, Level, ShownCertificate};
use durable::Readers;
use pki::export;
use store::DeviceName;

/// Name of the trace file.
pub const FILE: &str = "capf.log";
/// Longest trace file; the one before it is kept.
const MAX_BYTES: u64 = 16 << 20;

/// The trace of the service.
pub struct Trace {
    directory: PathBuf,
    level: Mutex<Level>,
    file: Mutex<Written>,
}

struct Written {
    file: File,
    bytes: u64,
}

impl Trace {
    /// Writes into `directory` what is at least as loud as `level`.
    pub fn open(directory: &Path, level: Level) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let file = Mutex::new(Written::open(&directory.join(FILE))?);
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
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = format!("{}.{:03} {text}\n", since.as_secs(), since.subsec_millis());
        let mut written = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.directory.join(FILE);
        if written.bytes > MAX_BYTES
            && fs::rename(&path, path.with_extension("log.1")).is_ok()
            && let Ok(fresh) = Written::open(&path)
        {
            *written = fresh;
        }
        // A full disk must not keep phones from their certificates.
        if written.file.write_all(line.as_bytes()).is_ok() {
            written.bytes += line.len() as u64;
        }
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

impl Written {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes })
    }
}
