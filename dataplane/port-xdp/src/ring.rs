//! The rings an AF_XDP socket shares with the kernel: one producer, one consumer, entries between.
//!
//! One of the two modules with `unsafe` in this crate. What makes it sound: a [`Ring`] is only made
//! of a mapping the kernel made with the offsets the kernel named, and keeps the mapping alive; an
//! index is masked before it is used; entries are plain integers, valid whatever the kernel writes.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::net::xdp::{XdpDesc, XdpRingFlags, XdpRingOffset};

/// What rings carry: an address, or a descriptor.
///
/// # Safety
///
/// Every bit pattern is a valid value.
pub(crate) unsafe trait Entry: Copy {}

// SAFETY: an integer.
unsafe impl Entry for u64 {}
// SAFETY: integers and a transparent set of flags that keeps unknown bits.
unsafe impl Entry for XdpDesc {}

/// The end that puts entries in: transmit and fill ring.
pub(crate) struct Producer<T> {
    ring: Ring<T>,
    /// Entries written, submitted or not.
    written: u32,
    /// The consumer's index when last looked at.
    consumed: u32,
}

/// The end that takes entries out: receive and completion ring.
pub(crate) struct Consumer<T> {
    ring: Ring<T>,
    taken: u32,
}

struct Ring<T> {
    mapping: Mapping,
    offsets: XdpRingOffset,
    mask: u32,
    entries: PhantomData<T>,
}

struct Mapping {
    base: NonNull<c_void>,
    len: usize,
}

impl<T: Entry> Producer<T> {
    /// Maps the ring of `size` entries that `socket` has at `page`.
    pub(crate) fn map(
        socket: BorrowedFd<'_>,
        page: u64,
        offsets: XdpRingOffset,
        size: u32,
    ) -> Result<Self, Errno> {
        Ok(Self { ring: Ring::map(socket, page, offsets, size)?, written: 0, consumed: 0 })
    }

    /// Entries there is room for, at most. Looks at the consumer only if `wanted` do not fit in
    /// what is known to be free.
    pub(crate) fn room(&mut self, wanted: u32) -> u32 {
        if self.ring.size() - self.written.wrapping_sub(self.consumed) < wanted {
            self.consumed = self.ring.consumer().load(Ordering::Acquire);
        }
        self.ring.size() - self.written.wrapping_sub(self.consumed)
    }

    /// Writes one entry, for which there is room. The kernel sees it after [`Producer::submit`].
    pub(crate) fn push(&mut self, entry: T) {
        debug_assert!(self.written.wrapping_sub(self.consumed) < self.ring.size());
        // SAFETY: `entry_at` is inside the mapping, and the kernel does not read an entry that has
        // not been submitted.
        unsafe { self.ring.entry_at(self.written).write(entry) };
        self.written = self.written.wrapping_add(1);
    }

    /// Hands what was written to the kernel.
    pub(crate) fn submit(&self) {
        self.ring.producer().store(self.written, Ordering::Release);
    }

    /// Submitted entries that the kernel has not taken yet.
    pub(crate) fn pending(&mut self) -> u32 {
        self.consumed = self.ring.consumer().load(Ordering::Acquire);
        self.written.wrapping_sub(self.consumed)
    }

    /// Whether the kernel sleeps and wants a system call to go on.
    pub(crate) fn needs_wakeup(&self) -> bool {
        let flags = self.ring.flags().map_or(0, |flags| flags.load(Ordering::Relaxed));
        flags & XdpRingFlags::XDP_RING_NEED_WAKEUP.bits() != 0
    }
}

impl<T: Entry> Consumer<T> {
    /// Maps the ring of `size` entries that `socket` has at `page`.
    pub(crate) fn map(
        socket: BorrowedFd<'_>,
        page: u64,
        offsets: XdpRingOffset,
        size: u32,
    ) -> Result<Self, Errno> {
        Ok(Self { ring: Ring::map(socket, page, offsets, size)?, taken: 0 })
    }

    /// Takes up to `most` entries out, in order, and returns how many.
    pub(crate) fn take(&mut self, most: u32, mut each: impl FnMut(T)) -> u32 {
        let produced = self.ring.producer().load(Ordering::Acquire);
        let count = produced.wrapping_sub(self.taken).min(most);
        for _ in 0..count {
            // SAFETY: `entry_at` is inside the mapping, and the kernel does not write to an entry
            // between producing it and our release below.
            each(unsafe { self.ring.entry_at(self.taken).read() });
            self.taken = self.taken.wrapping_add(1);
        }
        if count > 0 {
            self.ring.consumer().store(self.taken, Ordering::Release);
        }
        count
    }
}

impl<T: Entry> Ring<T> {
    fn map(
        socket: BorrowedFd<'_>,
        page: u64,
        offsets: XdpRingOffset,
        size: u32,
    ) -> Result<Self, Errno> {
        assert!(size.is_power_of_two(), "the kernel has refused other sizes");
        let len = offsets.desc as usize + size as usize * size_of::<T>();
        let mapping = Mapping::new(socket, page, len)?;
        Ok(Self { mapping, offsets, mask: size - 1, entries: PhantomData })
    }

    fn size(&self) -> u32 {
        self.mask + 1
    }

    fn producer(&self) -> &AtomicU32 {
        self.index_at(self.offsets.producer)
    }

    fn consumer(&self) -> &AtomicU32 {
        self.index_at(self.offsets.consumer)
    }

    fn flags(&self) -> Option<&AtomicU32> {
        self.offsets.flags.map(|offset| self.index_at(offset))
    }

    fn index_at(&self, offset: u64) -> &AtomicU32 {
        // SAFETY: the kernel named the offset of an aligned word in front of the entries, so inside
        // the mapping, which lives as long as `self`; both sides access it atomically.
        unsafe { self.mapping.base.byte_add(offset as usize).cast().as_ref() }
    }

    fn entry_at(&self, index: u32) -> NonNull<T> {
        let offset = self.offsets.desc as usize + (index & self.mask) as usize * size_of::<T>();
        // SAFETY: the mapping was made for `mask + 1` entries behind `desc`.
        unsafe { self.mapping.base.byte_add(offset).cast() }
    }
}

// SAFETY: the mapping is this ring's own and not bound to a thread.
unsafe impl<T: Send> Send for Ring<T> {}

impl Mapping {
    fn new(socket: BorrowedFd<'_>, page: u64, len: usize) -> Result<Self, Errno> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let base = unsafe { mmap(ptr::null_mut(), len, protection, flags, socket, page) }?;
        let base = NonNull::new(base).expect("a successful mapping is not at address 0");
        Ok(Self { base, len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: made with this length by `new`; nobody else knows of it.
        let _ = unsafe { munmap(self.base.as_ptr(), self.len) };
    }
}
