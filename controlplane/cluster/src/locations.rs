//! The directories of a node that hold the CTL file: the TFTP File Location, and alternate ones
//! that belong to TFTP servers elsewhere.
//!
//! A directory that holds a list is marked with its cluster, so that two clusters which share a
//! TFTP server cannot overwrite each other's file.

use std::io;
use std::path::{Path, PathBuf};

use durable::Readers;
use messages::{Explain, Message, provider, trust_list};
use store::{Guid, View};
use tlv::{Kind, VerifiedCtl};

use crate::list::{ListFault, read_list};

/// File that marks a directory with the cluster it belongs to.
pub const MARK: &str = ".ringfence-cluster";
/// The name of the list's file.
pub const CTL_FILE: &str = <tlv::Ctl as Kind>::FILE_NAME;

const ALTERNATES: std::ops::RangeInclusive<u8> = 1..=10;

/// The directories of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locations {
    cluster: Guid,
    /// The TFTP File Location.
    pub primary: PathBuf,
    /// The TFTP Alternate File Locations.
    pub alternates: Vec<PathBuf>,
}

/// Why a directory did not take the list.
#[derive(Debug)]
pub enum LocationFault {
    /// Another cluster owns it, or somebody unknown put a list there.
    OfAnotherCluster {
        /// The directory.
        path: PathBuf,
        /// The other cluster, as far as it is known.
        owner: String,
    },
    /// It cannot be written.
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Explain for LocationFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::OfAnotherCluster { .. } => &trust_list::PATH_OF_ANOTHER_CLUSTER,
            Self::Io { .. } => &provider::DURING_POST_CTL_FILE,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::OfAnotherCluster { path, owner } => {
                vec![("path", path.display().to_string()), ("owner", owner.clone())]
            }
            Self::Io { path, source } => {
                vec![("server", path.display().to_string()), ("detail", source.to_string())]
            }
        }
    }
}

crate::error_by_message!(LocationFault);

impl Locations {
    /// The directories of a cluster's node.
    pub fn new(cluster: Guid, primary: PathBuf, alternates: Vec<PathBuf>) -> Self {
        Self { cluster, primary, alternates }
    }

    /// Those that the database has for a node; `None` before there is a cluster.
    pub fn of_node(view: &mut View<'_>, node: &str) -> store::Result<Option<Self>> {
        let Some(cluster) = view.cluster()? else { return Ok(None) };
        let primary = view.parameter(Some(node), "tftp.file-location")?.value.into();
        let mut alternates = Vec::new();
        for number in ALTERNATES {
            let name = format!("tftp.alternate-file-location-{number}");
            let path = view.parameter(Some(node), &name)?.value;
            if !path.is_empty() {
                alternates.push(path.into());
            }
        }
        Ok(Some(Self::new(cluster.guid, primary, alternates)))
    }

    /// All directories, the primary one first.
    pub fn all(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.primary).chain(&self.alternates).map(PathBuf::as_path)
    }

    /// The list of the primary directory.
    pub fn read(&self) -> Result<VerifiedCtl, ListFault> {
        read_list(&self.primary.join(CTL_FILE))
    }

    /// Writes the list to every directory. Each either has it whole afterwards or is as it was.
    pub fn write(&self, list: &VerifiedCtl) -> Vec<(PathBuf, Result<(), LocationFault>)> {
        self.each(|directory| {
            self.claim(directory)?;
            durable::replace(&directory.join(CTL_FILE), list.as_bytes(), Readers::Everybody)
                .map_err(|source| io_fault(directory, source))
        })
    }

    /// Removes the list from every directory that is ours.
    pub fn remove(&self) -> Vec<(PathBuf, Result<(), LocationFault>)> {
        self.each(|directory| {
            self.check_owner(directory)?;
            durable::remove(&directory.join(CTL_FILE))
                .map(drop)
                .map_err(|source| io_fault(directory, source))
        })
    }

    fn each(
        &self,
        act: impl Fn(&Path) -> Result<(), LocationFault>,
    ) -> Vec<(PathBuf, Result<(), LocationFault>)> {
        self.all().map(|directory| (directory.to_owned(), act(directory))).collect()
    }

    /// Marks a directory as ours, unless it is somebody else's.
    fn claim(&self, directory: &Path) -> Result<(), LocationFault> {
        if self.check_owner(directory)? {
            return Ok(());
        }
        let mark = format!("{}\n", self.cluster);
        match durable::create(&directory.join(MARK), mark.as_bytes(), Readers::Everybody) {
            Ok(()) => Ok(()),
            // Somebody was quicker: it depends on who.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.check_owner(directory).map(drop)
            }
            Err(source) => Err(io_fault(directory, source)),
        }
    }

    /// Whether a directory is marked as ours; an error if it is another's.
    fn check_owner(&self, directory: &Path) -> Result<bool, LocationFault> {
        let other =
            |owner: String| Err(LocationFault::OfAnotherCluster { path: directory.into(), owner });
        let mark = durable::read(&directory.join(MARK), 256)
            .map_err(|source| io_fault(directory, source))?;
        match mark.map(|mark| String::from_utf8_lossy(&mark).trim().to_owned()) {
            Some(owner) if owner == self.cluster.as_str() => Ok(true),
            Some(owner) => other(format!("cluster {owner}")),
            None if directory.join(CTL_FILE).exists() => other("an unknown cluster".into()),
            None => Ok(false),
        }
    }
}

fn io_fault(directory: &Path, source: io::Error) -> LocationFault {
    LocationFault::Io { path: directory.into(), source }
}
