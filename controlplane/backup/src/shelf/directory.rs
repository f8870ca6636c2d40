//! A directory, of this machine or mounted from another one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use durable::LEFTOVER_SUFFIX;

use super::{Kept, Shelf, checked, in_order};
use crate::archive::new_private_file;
use crate::fault::Fault;

/// A directory.
#[derive(Clone, Debug)]
pub struct Directory(pub PathBuf);

impl Shelf for Directory {
    fn place(&self) -> String {
        self.0.display().to_string()
    }

    fn list(&self) -> Result<Vec<Kept>, Fault> {
        let failed = Fault::at(&self.0);
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(&failed)?,
        };
        let mut kept = Vec::new();
        for entry in entries {
            let entry = entry.map_err(&failed)?;
            let bytes = entry.metadata().map_err(&failed)?.len();
            kept.extend(entry.file_name().to_str().and_then(|name| Kept::of(name, bytes)));
        }
        Ok(in_order(kept))
    }

    fn put(&self, archive: &Path) -> Result<(), Fault> {
        let name = archive.file_name().unwrap_or_default();
        let to = self.0.join(name);
        let partial = to.with_file_name(format!("{}{LEFTOVER_SUFFIX}", name.to_string_lossy()));
        let carry = || {
            fs::create_dir_all(&self.0)?;
            durable::remove(&partial)?;
            let mut file = new_private_file(&partial)?;
            io::copy(&mut File::open(archive)?, &mut file)?;
            file.sync_all()?;
            fs::rename(&partial, &to)?;
            File::open(&self.0)?.sync_all()
        };
        carry().map_err(Fault::at(&self.0))
    }

    fn fetch(&self, name: &str, _: &Path) -> Result<PathBuf, Fault> {
        let path = self.0.join(checked(name, self)?);
        match path.is_file() {
            true => Ok(path),
            false => Err(Fault::Unknown { name: name.to_owned(), shelf: self.place() }),
        }
    }

    fn remove(&self, name: &str) -> Result<(), Fault> {
        let path = self.0.join(checked(name, self)?);
        durable::remove(&path).map_err(Fault::at(&path)).map(drop)
    }
}
