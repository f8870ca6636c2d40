//! What a phone keeps when the power goes.

use std::io;
use std::path::{Path, PathBuf};

use durable::Readers;
use tlv::{Ctl, Itl, Kind, TrustList, Verified, VerifiedCtl, VerifiedItl};

use crate::Event;

const CONFIGURATION: &str = "configuration.cnf.xml";
const LOAD: &str = "load.txt";
/// More than any file a phone keeps here.
const MOST: u64 = 1 << 20;

/// The flash memory: a directory.
#[derive(Debug, Clone)]
pub struct Flash(PathBuf);

/// What is installed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Installed {
    /// The CTL.
    pub ctl: Option<VerifiedCtl>,
    /// The ITL.
    pub itl: Option<VerifiedItl>,
    /// The configuration in force.
    pub configuration: Option<Vec<u8>>,
    /// The firmware it runs, without `.loads`.
    pub load: String,
}

/// The flash cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {}: {error}", path.display())]
pub struct FlashError {
    /// What was touched.
    pub path: PathBuf,
    /// What the kernel says.
    pub error: io::Error,
}

impl Flash {
    /// Opens a flash, empty at first.
    pub fn open(directory: &Path) -> Result<Self, FlashError> {
        std::fs::create_dir_all(directory)
            .map_err(|error| FlashError { path: directory.to_owned(), error })?;
        Ok(Self(directory.to_owned()))
    }

    /// Reads what is installed. A damaged list is left out and reported.
    pub fn read(&self) -> Result<(Installed, Vec<Event>), FlashError> {
        let mut events = Vec::new();
        let installed = Installed {
            ctl: self.list("CTL", &mut events)?,
            itl: self.list("ITL", &mut events)?,
            configuration: self.file(CONFIGURATION)?,
            load: self
                .file(LOAD)?
                .map_or_else(String::new, |load| String::from_utf8_lossy(&load).trim().to_owned()),
        };
        Ok((installed, events))
    }

    /// Keeps what changed from `before` to `after`; a replaced list stays as `.bak`.
    pub fn write(&self, before: &Installed, after: &Installed) -> Result<(), FlashError> {
        self.keep_list(before.ctl.as_deref(), after.ctl.as_deref())?;
        self.keep_list(before.itl.as_deref(), after.itl.as_deref())?;
        if after.configuration != before.configuration
            && let Some(configuration) = &after.configuration
        {
            self.keep(CONFIGURATION, configuration)?;
        }
        if after.load != before.load {
            self.keep(LOAD, after.load.as_bytes())?;
        }
        Ok(())
    }

    /// Forgets the trust lists, as the settings menu does: the next ones are taken on faith.
    pub fn erase_lists(&self) -> Result<(), FlashError> {
        for name in [Ctl::FILE_NAME, Itl::FILE_NAME] {
            for name in [name.to_owned(), format!("{name}.bak")] {
                let path = self.0.join(name);
                durable::remove(&path).map_err(|error| FlashError { path, error })?;
            }
        }
        Ok(())
    }

    fn list<K: Kind>(
        &self,
        name: &'static str,
        events: &mut Vec<Event>,
    ) -> Result<Option<Verified<TrustList<K>>>, FlashError> {
        let Some(bytes) = self.file(K::FILE_NAME)? else { return Ok(None) };
        // Who vouched for it was checked when it came; now it only has to be whole.
        let whole = TrustList::<K>::parse(bytes).map_err(|error| error.to_string());
        match whole.and_then(|list| list.leap_of_faith().map_err(|error| error.to_string())) {
            Ok(list) => Ok(Some(list)),
            Err(cause) => {
                events.push(Event::ListDamaged(name, cause));
                Ok(None)
            }
        }
    }

    fn keep_list<K: Kind>(
        &self,
        before: Option<&TrustList<K>>,
        after: Option<&TrustList<K>>,
    ) -> Result<(), FlashError> {
        let Some(after) = after.filter(|after| Some(*after) != before) else { return Ok(()) };
        if let Some(before) = before {
            self.keep(&format!("{}.bak", K::FILE_NAME), before.as_bytes())?;
        }
        self.keep(K::FILE_NAME, after.as_bytes())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn file(&self, name: &str) -> Result<Option<Vec<u8>>, FlashError> {
        let path = self.0.join(name);
        durable::read(&path, MOST).map_err(|error| FlashError { path, error })
    }

    fn keep(&self, name: &str, content: &[u8]) -> Result<(), FlashError> {
        let path = self.0.join(name);
        durable::replace(&path, content, Readers::Everybody)
            .map_err(|error| FlashError { path, error })
    }
}
