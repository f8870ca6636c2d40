//! The media keys in captured messages.

mod mgcp;
mod sccp;

pub(crate) use sccp::decode;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use srtp::Keying;

use crate::record::{Protocol, Record};

/// A media key out of a message.
pub struct MediaKey {
    /// When it was told.
    pub at: Duration,
    /// To whom.
    pub device: String,
    /// In which message.
    pub told_in: &'static str,
    /// Where packets under it go.
    pub towards: Option<SocketAddr>,
    /// From where packets under it come.
    pub from: Option<SocketAddr>,
    /// How packets are protected.
    pub keying: Keying,
    /// How speech is coded, where the message says.
    pub coding: Option<Coding>,
}

/// How speech is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// G.711 µ-law.
    MuLaw,
    /// G.711 A-law.
    ALaw,
    /// 16 bits for each of 16,000 samples a second, high octet first.
    Wideband,
    /// Something that cannot be heard here.
    Other,
}

/// A key that was told and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// To whom it was told.
    pub device: String,
    /// Why it cannot be used.
    pub why: String,
}

/// The keys of a capture of signalling.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<MediaKey>,
    /// Where media goes, or comes from, that is not protected, and since when.
    clear: Vec<(Duration, SocketAddr)>,
    unusable: Vec<Unusable>,
    /// Messages that were read.
    messages: u64,
    sccp: sccp::Conversations,
    mgcp: mgcp::Conversations,
}

impl fmt::Debug for MediaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaKey")
            .field("device", &self.device)
            .field("told_in", &self.told_in)
            .field("towards", &self.towards)
            .field("from", &self.from)
            .field("suite", &self.keying.suite())
            .finish_non_exhaustive()
    }
}

/// Keys and such that are remembered of one capture.
const MOST: usize = 100_000;

impl Keyring {
    /// Takes the keys out of a message. Messages come in the order in which they were said.
    pub fn hear(&mut self, record: &Record) {
        self.messages += 1;
        let mut found = match record.protocol {
            Protocol::Sccp | Protocol::SccpOverTls => self.sccp.hear(record),
            Protocol::Mgcp => self.mgcp.hear(record),
            // Q.931: no keys.
            Protocol::MgcpBackhaul => Found::default(),
        };
        // An answer that was sent twice, an audit.
        found.keys.retain(|key| !self.has(key));
        self.keys.append(&mut found.keys);
        self.clear.append(&mut found.clear);
        self.unusable.append(&mut found.unusable);
        self.keys.truncate(MOST);
        self.clear.truncate(MOST);
        self.unusable.truncate(MOST);
    }

    /// The keys, in the order in which they were told.
    pub fn keys(&self) -> &[MediaKey] {
        &self.keys
    }

    /// The keys that were told and cannot be used.
    pub fn unusable(&self) -> &[Unusable] {
        &self.unusable
    }

    /// Messages that were read.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Whether media between two addresses was ordered without protection, before that time.
    pub fn is_clear(&self, at: Duration, source: SocketAddr, destination: SocketAddr) -> bool {
        let ends = [source, destination];
        self.clear.iter().any(|(since, end)| *since <= at && ends.contains(end))
    }

    fn has(&self, new: &MediaKey) -> bool {
        let same = |old: &MediaKey| {
            (old.towards, old.from) == (new.towards, new.from) && old.keying == new.keying
        };
        self.keys.iter().rev().take(AGAIN).any(same)
    }
}

/// How far back the same key is looked for.
const AGAIN: usize = 64;

/// What was found in a message.
#[derive(Default)]
struct Found {
    keys: Vec<MediaKey>,
    clear: Vec<(Duration, SocketAddr)>,
    unusable: Vec<Unusable>,
}
