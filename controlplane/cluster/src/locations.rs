//! The directories of a node that hold the CTL file: the TFTP File Location, and alternate ones
//! that belong to TFTP servers elsewhere.
//!
//! Each directory is claimed for the cluster before anything is written, so that two clusters which
//! share a TFTP server cannot overwrite each other's file.

use std::io;
use std::path::{Path, PathBuf};

use messages::{Explain, Message, provider, trust_list};
use store::{Guid, View};
use tftp::{FileName, Location, LocationError};
use tlv::{Kind, VerifiedCtl};

use crate::list::{ListFault, read_list};

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
pub struct LocationFault(LocationError);

impl From<LocationError> for LocationFault {
    fn from(error: LocationError) -> Self {
        Self(error)
    }
}

impl Explain for LocationFault {
    fn message(&self) -> &'static Message {
        match &self.0 {
            LocationError::Owned { .. } | LocationError::ForeignTrustList { .. } => {
                &trust_list::PATH_OF_ANOTHER_CLUSTER
            }
            LocationError::Twice { .. } | LocationError::Unusable { .. } => {
                &provider::DURING_POST_CTL_FILE
            }
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match &self.0 {
            LocationError::Owned { path, owner } => {
                vec![("path", path.display().to_string()), ("owner", format!("cluster {owner}"))]
            }
            LocationError::ForeignTrustList { path } => {
                vec![("path", path.display().to_string()), ("owner", "an unknown cluster".into())]
            }
            LocationError::Twice { path } | LocationError::Unusable { path, .. } => {
                vec![("server", path.display().to_string()), ("detail", self.0.to_string())]
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

    /// Takes all of them for the cluster, or none that is another's.
    pub fn claim(&self) -> Result<Vec<Location>, LocationError> {
        Location::claim_all(self.all(), self.cluster.as_str())
    }

    /// The list of the primary directory.
    pub fn read(&self) -> Result<VerifiedCtl, ListFault> {
        read_list(&self.primary.join(CTL_FILE))
    }

    /// Writes the list to every directory. Each either has it whole afterwards or is as it was.
    pub fn write(&self, list: &VerifiedCtl) -> Vec<(PathBuf, Result<(), LocationFault>)> {
        self.each(|location| location.publish(&ctl_file(), list.as_bytes()))
    }

    /// Removes the list from every directory that is ours.
    pub fn remove(&self) -> Vec<(PathBuf, Result<(), LocationFault>)> {
        self.each(|location| location.remove(&ctl_file()).map(drop))
    }

    fn each(
        &self,
        act: impl Fn(&Location) -> io::Result<()>,
    ) -> Vec<(PathBuf, Result<(), LocationFault>)> {
        let one = |directory: &Path| {
            let location = Location::claim(directory, self.cluster.as_str())?;
            act(&location)
                .map_err(|error| LocationError::Unusable { path: directory.into(), error })?;
            Ok(())
        };
        self.all().map(|directory| (directory.to_owned(), one(directory))).collect()
    }
}

fn ctl_file() -> FileName {
    FileName::parse(CTL_FILE.as_bytes()).expect("a plain name")
}
