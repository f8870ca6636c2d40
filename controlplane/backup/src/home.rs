//! The directories of a node that belong into a backup.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use durable::{LEFTOVER_SUFFIX, Readers};
use zeroize::Zeroizing;

use crate::archive::is_plain;

/// Longest file that is taken.
const MAX_FILE: u64 = 256 << 20;

/// Where a node keeps what is not in the database.
#[derive(Clone, Debug)]
pub struct Home {
    /// A directory of this crate's own: what is being made or restored.
    pub state: PathBuf,
    /// Directories of files that anybody may know.
    pub rooms: Vec<Room>,
    /// The directory of private keys.
    pub keys: PathBuf,
    /// Certificates in a room that are nothing without their key: the room, the certificate's
    /// file, the key's. Without the key they are not restored, so that the service makes a new
    /// pair.
    pub pairs: Vec<(&'static str, &'static str, &'static str)>,
}

/// A directory of files that belong into a backup; what is in directories below it does not.
#[derive(Clone, Debug)]
pub struct Room {
    /// What it is called in archives.
    pub name: &'static str,
    /// Where it is.
    pub directory: PathBuf,
}

impl Home {
    /// Where an archive is made before it goes to its shelf.
    pub(crate) fn workshop(&self) -> PathBuf {
        self.state.join("making")
    }

    /// Where an archive is unpacked before it is taken over.
    pub(crate) fn stage(&self) -> PathBuf {
        self.state.join("restoring")
    }
}

/// The files of a directory, by name. Side files of writers and what has no plain name are left
/// out; a directory that is not there is an empty one.
pub(crate) fn files(directory: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let passing = name.ends_with(LEFTOVER_SUFFIX) || name.ends_with(".lock");
        if is_plain(&name) && !passing && entry.file_type()?.is_file() {
            files.push((name, entry.path()));
        }
    }
    files.sort();
    Ok(files)
}

/// Reads a file; `None` if it went away since.
pub(crate) fn read(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    Ok(durable::read(path, MAX_FILE)?.map(Zeroizing::new))
}

/// Puts all files of a directory into another one, each as a whole.
pub(crate) fn carry(from: &Path, to: &Path, readers: fn(&str) -> Readers) -> io::Result<()> {
    let found = files(from)?;
    if !found.is_empty() {
        fs::create_dir_all(to)?;
    }
    for (name, path) in found {
        if let Some(content) = read(&path)? {
            durable::replace(&to.join(&name), &content, readers(&name))?;
        }
    }
    Ok(())
}

/// An empty directory that its owner alone can look into, in the place of whatever was there.
pub(crate) fn fresh_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    remove_directory(path)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(crate) fn remove_directory(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
