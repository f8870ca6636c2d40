//! What outlives the process: a program's link, and the maps that its flows are made of, as files of a
//! BPF file system.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use abi::maps;
use aya::maps::MapInfo;
use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::xdp::XdpLink;
use rustix::fs::statfs;

use crate::program::Attachment;

/// linux/magic.h, `BPF_FS_MAGIC`.
const BPF_FS: i64 = 0xcafe_4a11;

/// What the link is called, by where the program runs.
const NATIVE: &str = "native";
const GENERIC: &str = "generic";

/// Maps that a flow needs.
const MAPS: [&str; 4] = [maps::OPEN_MEDIA, maps::FLOWS, maps::HOPS, maps::DEVICES];

/// The files of one interface.
pub(crate) struct Pins {
    directory: PathBuf,
}

impl Pins {
    /// Makes the directory for the interface with this index, if it is not there.
    pub(crate) fn of(root: &Path, index: u32) -> Result<Self, String> {
        let existing = if root.exists() { root } else { root.parent().unwrap_or(root) };
        if !statfs(existing).is_ok_and(|system| system.f_type == BPF_FS) {
            let place = existing.display();
            return Err(format!("{place} is no BPF file system; `mount -t bpf bpf {place}`"));
        }
        let pins = Self { directory: root.join(format!("{index}-{}", abi::LAYOUT)) };
        pins.make()
            .map_err(|error| format!("cannot make {}: {error}", pins.directory.display()))?;
        Ok(pins)
    }

    fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.directory)
    }

    /// Removes what is there unless its maps have these sizes.
    pub(crate) fn fit(&self, sizes: &[(&str, u32)]) -> io::Result<()> {
        let fits = |&(name, size): &(&str, u32)| {
            MapInfo::from_pin(self.file(name)).is_ok_and(|map| map.max_entries() == size)
        };
        if sizes.iter().all(fits) && self.link().is_some() {
            return Ok(());
        }
        self.remove();
        self.make()
    }

    /// Each map that outlives the process, and its file.
    pub(crate) fn maps(&self) -> impl Iterator<Item = (&'static str, PathBuf)> {
        MAPS.into_iter().map(|name| (name, self.file(name)))
    }

    /// The link that an earlier process has left, and where its program runs.
    pub(crate) fn link(&self) -> Option<(FdLink, Attachment)> {
        let open = |name| PinnedLink::from_pin(self.file(name)).ok().map(FdLink::from);
        open(NATIVE).map(|link| (link, Attachment::Native)).or_else(|| {
            let why = "generic XDP, as before the restart";
            open(GENERIC).map(|link| (link, Attachment::Generic(why.into())))
        })
    }

    /// Has a link outlive the process.
    pub(crate) fn keep(&self, link: XdpLink, attachment: &Attachment) -> Result<(), String> {
        let name = if *attachment == Attachment::Native { NATIVE } else { GENERIC };
        let link = FdLink::try_from(link)
            .map_err(|_| "the kernel is too old: XDP by links came with Linux 5.9".to_owned())?;
        link.pin(self.file(name)).map(drop).map_err(|error| error.to_string())
    }

    /// Removes the files: what they stand for ends with the process.
    pub(crate) fn remove(&self) {
        // The link first: flows whose maps go one by one would be led astray.
        self.remove_link();
        self.remove_files(MAPS);
        let _ = fs::remove_dir(&self.directory);
    }

    /// Removes the link alone.
    pub(crate) fn remove_link(&self) {
        self.remove_files([NATIVE, GENERIC]);
    }

    fn remove_files<const N: usize>(&self, names: [&str; N]) {
        for name in names {
            // What is not there need not be removed.
            let _ = fs::remove_file(self.file(name));
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}
