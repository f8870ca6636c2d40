//! Where files come from.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::FileName;

/// Gives the file for a name. One source serves TFTP and HTTP alike, from several threads.
pub trait FileSource: Send + Sync {
    /// The whole file, or why not. May take milliseconds (to build or sign the file), not more.
    fn open(&self, request: &FileRequest) -> Result<Served, Refusal>;
}

/// Who asks for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRequest {
    /// The file.
    pub name: FileName,
    /// Who asks.
    pub from: SocketAddr,
    /// How.
    pub protocol: Protocol,
}

/// The protocol of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Port 69.
    Tftp,
    /// Port 6970.
    Http,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tftp => "tftp",
            Self::Http => "http",
        })
    }
}

/// A file, and what the request log says of it.
#[derive(Clone)]
pub struct Served {
    /// The bytes, shared by all who fetch them at the same time.
    pub bytes: Arc<[u8]>,
    /// Why this file answers the name: "static file", "built from the database", …
    pub rule: Cow<'static, str>,
    /// Who signed it, if it is signed.
    pub signer: Option<Arc<str>>,
    /// Which trust list it is, if it is one: its MD5 as the phone shows it.
    pub ctl_version: Option<Arc<str>>,
}

impl Served {
    /// An unsigned file.
    pub fn plain(bytes: impl Into<Arc<[u8]>>, rule: impl Into<Cow<'static, str>>) -> Self {
        Self { bytes: bytes.into(), rule: rule.into(), signer: None, ctl_version: None }
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes ({})", self.bytes.len(), self.rule)
    }
}

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such file; the phone goes on without it.
    #[error("file not found")]
    NotFound,
    /// There is one, but not for this phone.
    #[error("access denied: {0}")]
    Denied(String),
    /// There should be one, but it cannot be made now. The text is for the log, not the phone.
    #[error("cannot be served: {0}")]
    Failed(String),
}

/// Asks one source after the other until one does not say [`Refusal::NotFound`].
pub struct FirstOf(pub Vec<Arc<dyn FileSource>>);

impl FileSource for FirstOf {
    fn open(&self, request: &FileRequest) -> Result<Served, Refusal> {
        let mut answers = self.0.iter().map(|source| source.open(request));
        answers
            .find(|answer| !matches!(answer, Err(Refusal::NotFound)))
            .unwrap_or(Err(Refusal::NotFound))
    }
}
