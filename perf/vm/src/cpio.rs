//! An archive that Linux unpacks as its first root file system.

use std::fmt::Write as _;

const DIRECTORY: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;

/// Files by name, in the format "newc" (the kernel's `initramfs-buffer-format.rst`).
#[derive(Default)]
pub struct Archive {
    octets: Vec<u8>,
    directories: Vec<String>,
}

impl Archive {
    /// Adds a file that may be executed, and the directories above it.
    pub fn file(&mut self, name: &str, content: &[u8]) {
        let name = name.trim_start_matches('/');
        for (at, _) in name.match_indices('/') {
            self.directory(&name[..at]);
        }
        self.entry(name, PROGRAM, content);
    }

    /// Adds a directory; those above it must be there.
    pub fn directory(&mut self, name: &str) {
        if !self.directories.iter().any(|known| known == name) {
            self.directories.push(name.to_owned());
            self.entry(name, DIRECTORY, &[]);
        }
    }

    /// The whole archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.octets
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        let (number, name_len) = (self.octets.len() as u32, name.len() as u32 + 1);
        let fields = [number, mode, 0, 0, 1, 0, content.len() as u32, 0, 0, 0, 0, name_len, 0];
        let mut header = String::from("070701");
        for field in fields {
            write!(header, "{field:08x}").expect("a string takes everything");
        }
        self.octets.extend_from_slice(header.as_bytes());
        self.octets.extend_from_slice(name.as_bytes());
        self.octets.push(0);
        self.align();
        self.octets.extend_from_slice(content);
        self.align();
    }

    fn align(&mut self) {
        self.octets.resize(self.octets.len().next_multiple_of(4), 0);
    }
}
