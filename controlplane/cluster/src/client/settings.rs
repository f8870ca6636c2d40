//! What the client remembers on its machine: its name, the last server, and the certificates of
//! servers that a person approved.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use durable::Readers;
use messages::{Explain, Message, input};
use pki::certificate::hex;
use serde::{Deserialize, Serialize};

const MAX_SIZE: u64 = 1024 * 1024;

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// This client's name for itself: providers keep unfinished entries under it.
    pub client: String,
    /// The server used last, as it was typed.
    #[serde(default)]
    pub last_server: Option<String>,
    /// Certificates that were approved.
    #[serde(default)]
    pub known: KnownServers,
}

/// Servers with the SHA-256 of their certificate in hex.
pub type KnownServers = BTreeMap<String, String>;

/// Settings cannot be saved. The operation itself is not affected.
#[derive(Debug)]
pub struct SettingsFault {
    file: PathBuf,
    source: io::Error,
}

impl Explain for SettingsFault {
    fn message(&self) -> &'static Message {
        &input::COULD_NOT_WRITE_SETTINGS
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![("file", self.file.display().to_string()), ("detail", self.source.to_string())]
    }
}

crate::error_by_message!(SettingsFault);

impl Settings {
    /// Fresh settings with a name by chance.
    pub fn fresh() -> Self {
        let mut name = [0; 16];
        openssl::rand::rand_bytes(&mut name).expect("the system has random numbers");
        Self { client: hex(&name), last_server: None, known: KnownServers::new() }
    }

    /// Those of a file; fresh ones if there is none or it makes no sense.
    pub fn load(file: &Path) -> Self {
        let stored = durable::read(file, MAX_SIZE).ok().flatten();
        stored.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_else(Self::fresh)
    }

    /// Saves them.
    pub fn save(&self, file: &Path) -> Result<(), SettingsFault> {
        let json = serde_json::to_vec_pretty(self).expect("strings can be encoded");
        durable::replace(file, &json, Readers::Owner)
            .map_err(|source| SettingsFault { file: file.into(), source })
    }
}
