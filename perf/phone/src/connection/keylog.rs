//! A file with the secrets of TLS sessions, so that a capture of them can be read.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

/// Appends to a file in the format that Wireshark and others read. For laboratories: whoever has
/// the file can read the connections, media keys and all. Cloned handles are the same file.
#[derive(Clone, Debug)]
pub struct KeyLog(Arc<Mutex<File>>);

impl KeyLog {
    /// Opens the file, which its owner alone can read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    pub(super) fn line(&self, line: &str) {
        let mut line = Zeroizing::new(line.to_owned());
        line.push('\n');
        // One write per line, since several processes may share the file. A full disk costs the
        // capture, not the call.
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = file.write_all(line.as_bytes());
    }
}

impl rustls::KeyLog for KeyLog {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = Zeroizing::new(label.to_owned());
        for part in [client_random, secret] {
            line.push(' ');
            for byte in part {
                write!(line, "{byte:02x}").expect("a string takes everything");
            }
        }
        self.line(&line);
    }
}
