//! The table of prepared payloads, in memory that the kernel shares with us.
//!
//! The one module with `unsafe` besides a signal: it maps the BPF array.

use std::ffi::c_void;
use std::ptr::{self, NonNull};

use abi::lab::{PREPARED_MAX, Prepared as Entry};
use anyhow::{Context, Result, ensure};
use rustix::fd::AsFd;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Payloads that the generator sends in order, each once.
pub struct Prepared {
    base: NonNull<Entry>,
    entries: usize,
    filled: usize,
}

impl Prepared {
    pub(crate) fn map(array: impl AsFd, entries: usize) -> Result<Self> {
        // SAFETY: a new mapping at an address of the kernel's choice.
        let base = unsafe {
            mmap(
                ptr::null_mut(),
                entries * size_of::<Entry>(),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                array,
                0,
            )
        }
        .context("cannot map the table of prepared payloads")?;
        let base = NonNull::new(base.cast()).expect("a successful mapping is not at address 0");
        Ok(Self { base, entries, filled: 0 })
    }

    /// How many payloads there are.
    pub fn len(&self) -> usize {
        self.filled
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// How many there is room for.
    pub fn capacity(&self) -> usize {
        self.entries
    }

    /// Forgets all payloads.
    pub fn clear(&mut self) {
        self.filled = 0;
    }

    /// Adds a payload for a destination port.
    pub fn push(&mut self, port: u16, payload: &[u8]) -> Result<()> {
        ensure!(self.filled < self.entries, "all {} places for payloads are taken", self.entries);
        ensure!(payload.len() <= PREPARED_MAX, "{} octets are too long", payload.len());
        let mut entry = Entry {
            port: port.to_be_bytes(),
            len: payload.len() as u16,
            payload: [0; PREPARED_MAX],
        };
        entry.payload[..payload.len()].copy_from_slice(payload);
        // SAFETY: inside the mapping; the program reads it while it runs, and may then see an entry
        // in part, which is only another payload.
        unsafe { self.base.add(self.filled).write_volatile(entry) };
        self.filled += 1;
        Ok(())
    }
}

// SAFETY: the mapping is not bound to a thread.
unsafe impl Send for Prepared {}

impl Drop for Prepared {
    fn drop(&mut self) {
        let base = self.base.as_ptr().cast::<c_void>();
        // SAFETY: made with this length by `map`; nobody else has the pointer.
        let _ = unsafe { munmap(base, self.entries * size_of::<Entry>()) };
    }
}
