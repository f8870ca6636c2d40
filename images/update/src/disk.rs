//! The disk of this machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Version;
use crate::place::{Place, Slot};

/// How often a new kernel is tried; part of its name (systemd's Automatic Boot Assessment).
const TRIES: &str = "+3";
/// Name of an empty slot's partition.
const EMPTY: &str = "_empty";

/// The disk that has the slot which runs.
pub struct Disk {
    device: PathBuf,
    partitions: Vec<PathBuf>,
    kernels: PathBuf,
    running: Version,
}

impl Disk {
    /// The one that the version in `os_release` runs from; kernels are in `kernels`.
    pub fn find(os_release: &Path, kernels: &Path) -> io::Result<Self> {
        let release = fs::read_to_string(os_release)?;
        let version = release.lines().find_map(|line| line.strip_prefix("IMAGE_VERSION="));
        let running = version.and_then(|version| version.parse::<Version>().ok());
        let running = running.ok_or_else(|| io::Error::other("this is no ringfence appliance"))?;
        let named = partitions_named(|name| name == running.slot())?;
        let [slot] = &named[..] else {
            return Err(io::Error::other(format!(
                "{} partitions are named {}: one is expected",
                named.len(),
                running.slot()
            )));
        };
        let disk = slot.parent().expect("a partition is below its disk").to_owned();
        let mut partitions =
            partitions_named(|name| name == EMPTY || name.starts_with("ringfence-"))?;
        partitions.retain(|partition| partition.parent() == Some(&disk));
        let device = device(&disk);
        Ok(Self { device, partitions, kernels: kernels.to_owned(), running })
    }

    fn partition(&self, number: u32) -> io::Result<&PathBuf> {
        let found = self.partitions.iter().find(|it| number_of(it).is_ok_and(|n| n == number));
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Place for Disk {
    fn running(&self) -> Version {
        self.running
    }

    fn slots(&self) -> io::Result<Vec<Slot>> {
        let slot = |partition: &PathBuf| -> io::Result<Option<Slot>> {
            let name = name_of(partition)?.unwrap_or_default();
            let version = name.strip_prefix("ringfence-").and_then(|version| version.parse().ok());
            if version.is_none() && name != EMPTY {
                return Ok(None);
            }
            let sectors: u64 = read_number(&partition.join("size"))?;
            Ok(Some(Slot { number: number_of(partition)?, version, size: sectors * 512 }))
        };
        self.partitions.iter().filter_map(|partition| slot(partition).transpose()).collect()
    }

    fn label(&mut self, slot: u32, version: Option<Version>) -> io::Result<()> {
        let name = version.map_or_else(|| EMPTY.to_owned(), Version::slot);
        let mut sfdisk = Command::new("sfdisk");
        sfdisk.args(["--quiet", "--no-tell-kernel", "--part-label"]);
        sfdisk.arg(&self.device).arg(slot.to_string()).arg(name).stdin(Stdio::null());
        match sfdisk.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(io::Error::other(format!("sfdisk cannot name the slot ({status})"))),
            Err(error) => Err(io::Error::other(format!("sfdisk does not start: {error}"))),
        }
    }

    fn open(&mut self, slot: u32) -> io::Result<impl Read + Write + Seek> {
        let partition = device(self.partition(slot)?);
        OpenOptions::new().read(true).write(true).open(partition)
    }

    fn flush(&mut self, slot: u32) -> io::Result<()> {
        File::open(device(self.partition(slot)?))?.sync_all()
    }

    fn keep_kernels(&mut self, versions: &[Version]) -> io::Result<()> {
        for entry in fs::read_dir(&self.kernels)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let kept = version_of(&name).is_none_or(|version| versions.contains(&version));
            if !kept {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn add_kernel(&mut self, version: Version, kernel: &[u8]) -> io::Result<()> {
        let name = format!("{}{TRIES}.efi", version.slot());
        durable::replace(&self.kernels.join(name), kernel, durable::Readers::Owner)
    }
}

/// `ringfence-1.2.3.efi`, `ringfence-1.2.3+2-1.efi`: the boot loader counts in names.
fn version_of(kernel: &str) -> Option<Version> {
    let name = kernel.strip_prefix("ringfence-")?.strip_suffix(".efi")?;
    name.split('+').next()?.parse().ok()
}

/// Partitions of all disks, as directories of sysfs.
fn partitions_named(wanted: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/sys/class/block")? {
        let path = fs::canonicalize(entry?.path())?;
        if name_of(&path)?.is_some_and(|name| wanted(&name)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn name_of(partition: &Path) -> io::Result<Option<String>> {
    let event = fs::read_to_string(partition.join("uevent"))?;
    Ok(event.lines().find_map(|line| line.strip_prefix("PARTNAME=")).map(str::to_owned))
}

fn number_of(partition: &Path) -> io::Result<u32> {
    read_number(&partition.join("partition"))
}

fn read_number<N: std::str::FromStr>(file: &Path) -> io::Result<N> {
    let text = fs::read_to_string(file)?;
    text.trim().parse().map_err(|_| io::ErrorKind::InvalidData.into())
}

fn device(block: &Path) -> PathBuf {
    Path::new("/dev").join(block.file_name().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_loader_counts_in_names() {
        for name in ["ringfence-1.2.3.efi", "ringfence-1.2.3+3.efi", "ringfence-1.2.3+2-1.efi"] {
            assert_eq!(version_of(name), Some(Version(1, 2, 3)), "{name}");
        }
        for name in ["ringfence-1.2.efi", "other-1.2.3.efi", "ringfence-1.2.3.efi.partial"] {
            assert_eq!(version_of(name), None, "{name}");
        }
    }
}
