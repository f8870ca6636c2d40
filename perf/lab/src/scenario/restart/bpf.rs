//! A place for what outlives a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A BPF file system, mounted until it is dropped.
pub struct BpfFileSystem {
    place: PathBuf,
}

impl BpfFileSystem {
    /// Mounts one of its own at `place`.
    pub fn mount(place: &Path) -> Result<Self> {
        fs::create_dir_all(place)?;
        let status = Command::new("mount").args(["-t", "bpf", "bpf"]).arg(place).status()?;
        ensure!(status.success(), "cannot mount a BPF file system at {}", place.display());
        Ok(Self { place: place.to_owned() })
    }

    /// All files in one of its directories; what the kernel itself puts there is not in any.
    pub fn files_in(&self, directory: &str) -> Result<Vec<PathBuf>> {
        let (mut found, mut directories) = (Vec::new(), vec![self.place.join(directory)]);
        while let Some(directory) = directories.pop() {
            let entries = fs::read_dir(&directory)
                .with_context(|| format!("cannot list {}", directory.display()))?;
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() { directories.push(path) } else { found.push(path) }
            }
        }
        Ok(found)
    }
}

impl Drop for BpfFileSystem {
    fn drop(&mut self) {
        // Whatever is still in it goes with it.
        let _ = Command::new("umount").arg(&self.place).status();
    }
}
