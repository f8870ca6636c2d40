//! A directory that files are served from, owned by one cluster.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use durable::Readers;

use crate::FileName;

/// Says whose the directory is. Hidden names are never served.
const OWNER_FILE: &str = ".ringfence-cluster";
const MAX_OWNER: u64 = 256;
/// A trust list that we did not write belongs to somebody else.
const CTL_FILE: &str = "CTLFile.tlv";

/// A directory that this cluster owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location(PathBuf);

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// It belongs to another cluster, whose files would be overwritten.
    #[error(
        "{} belongs to the cluster {owner}: choose a path that no other cluster uses",
        path.display()
    )]
    Owned {
        /// The directory.
        path: PathBuf,
        /// The name in it.
        owner: String,
    },
    /// It has a trust list but no owner: some other system wrote it.
    #[error(
        "{} has a CTLFile.tlv of another system: choose another path, or move that file away if \
         its phones are gone",
        path.display()
    )]
    ForeignTrustList {
        /// The directory.
        path: PathBuf,
    },
    /// The same directory is named twice.
    #[error("{} is named twice: every location must be a directory of its own", path.display())]
    Twice {
        /// The directory.
        path: PathBuf,
    },
    /// The directory cannot be made or written.
    #[error("cannot use {}: {error}", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the kernel says.
        error: io::Error,
    },
}

impl Location {
    /// Makes the directory if need be and takes it for `cluster`, unless it is another's.
    ///
    /// The claim is a file in the directory itself, so that clusters which share the directory
    /// over a network file system see each other.
    pub fn claim(path: &Path, cluster: &str) -> Result<Self, LocationError> {
        let unusable = |error| LocationError::Unusable { path: path.to_owned(), error };
        fs::create_dir_all(path).map_err(unusable)?;
        let path = path.canonicalize().map_err(unusable)?;
        let owner_file = path.join(OWNER_FILE);
        let owner = || -> io::Result<Option<String>> {
            let owner = durable::read(&owner_file, MAX_OWNER)?;
            Ok(owner.map(|owner| String::from_utf8_lossy(&owner).trim().to_owned()))
        };
        if owner().map_err(unusable)?.is_none() {
            if path.join(CTL_FILE).exists() {
                return Err(LocationError::ForeignTrustList { path });
            }
            match durable::create(&owner_file, cluster.as_bytes(), Readers::Everybody) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(unusable(error));
                }
                _ => {} // ours now, or another cluster was a moment faster: read it again
            }
        }
        match owner().map_err(unusable)?.unwrap_or_default() {
            owner if owner == cluster => Ok(Self(path)),
            owner => Err(LocationError::Owned { path, owner }),
        }
    }

    /// Claims every directory for `cluster`, each of them another one.
    pub fn claim_all<'a>(
        paths: impl IntoIterator<Item = &'a Path>,
        cluster: &str,
    ) -> Result<Vec<Self>, LocationError> {
        let mut locations: Vec<Self> = Vec::new();
        for path in paths {
            let location = Self::claim(path, cluster)?;
            if locations.contains(&location) {
                return Err(LocationError::Twice { path: location.0 });
            }
            locations.push(location);
        }
        Ok(locations)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file as a whole: whoever reads sees the old one or the new one.
    pub fn publish(&self, name: &FileName, content: &[u8]) -> io::Result<()> {
        durable::replace(&self.path_of(name)?, content, Readers::Everybody)
    }

    /// Like [`Location::publish`], for a file that can be made again and is verified before it is
    /// served: nobody waits for the disk.
    pub fn publish_derived(&self, name: &FileName, content: &[u8]) -> io::Result<()> {
        durable::replace_unflushed(&self.path_of(name)?, content, Readers::Everybody)
    }

    /// Makes the directory that the file belongs into.
    fn path_of(&self, name: &FileName) -> io::Result<PathBuf> {
        let path = self.0.join(name.as_str());
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        Ok(path)
    }

    /// Removes a file; false if there was none.
    pub fn remove(&self, name: &FileName) -> io::Result<bool> {
        durable::remove(&self.0.join(name.as_str()))
    }
}
