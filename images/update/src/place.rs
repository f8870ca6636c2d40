//! What an update needs of a disk.

use std::io::{self, Read, Seek, Write};

use crate::Version;

/// A root slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Number of its partition.
    pub number: u32,
    /// The version in it; none in an empty or half-written one.
    pub version: Option<Version>,
    /// Octets that fit in.
    pub size: u64,
}

/// The disk that the appliance runs from.
pub trait Place {
    /// The version that runs.
    fn running(&self) -> Version;

    /// All root slots.
    fn slots(&self) -> io::Result<Vec<Slot>>;

    /// Says in the table of partitions what is in a slot.
    fn label(&mut self, slot: u32, version: Option<Version>) -> io::Result<()>;

    /// The slot's octets.
    fn open(&mut self, slot: u32) -> io::Result<impl Read + Write + Seek>;

    /// Flushes what was written into a slot.
    fn flush(&mut self, slot: u32) -> io::Result<()>;

    /// Removes the kernels of all versions but these.
    fn keep_kernels(&mut self, versions: &[Version]) -> io::Result<()>;

    /// Puts a kernel where the boot loader finds it, as a whole or not at all: it is tried three times.
    fn add_kernel(&mut self, version: Version, kernel: &[u8]) -> io::Result<()>;
}
