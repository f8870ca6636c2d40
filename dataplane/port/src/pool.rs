use std::fmt;
use std::ptr::{self, NonNull};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

/// Memory of equal chunks for frames; what AF_XDP calls a umem.
///
/// Only the owner takes and gives: a pool is not shared between threads, frames may travel.
pub struct Pool {
    base: NonNull<u8>,
    chunk_size: usize,
    chunks: usize,
    free: Vec<u32>,
}

/// A packet in a chunk of its own.
///
/// The packet lies somewhere inside the chunk: what is in front is [`Frame::headroom`], what is
/// behind is [`Frame::tailroom`].
///
/// ```text
/// |<------------------ chunk ------------------>|
/// | headroom |          packet       | tailroom |
///            ^ start                 ^ start+len
/// ```
///
/// A frame is the only owner of its chunk. Dropping one without [`Pool::give`] loses the chunk
/// until the process ends (never memory safety); tests count with [`Pool::free`].
pub struct Frame {
    base: NonNull<u8>,
    chunk: u32,
    chunk_size: u16,
    start: u16,
    len: u16,
}

/// A pool that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The chunk size is not one AF_XDP takes.
    #[error("chunk size {0} is not 2048 or 4096")]
    ChunkSize(usize),
    /// The kernel has no memory for it.
    #[error("cannot map {bytes} bytes for {chunks} packet buffers: {source}")]
    Map {
        /// Number of chunks asked for.
        chunks: usize,
        /// Bytes asked for.
        bytes: usize,
        /// What the kernel said.
        source: rustix::io::Errno,
    },
}

/// Of which the pool is made where the kernel has some: 2 MiB.
const HUGE_PAGE: usize = 2 << 20;

impl Pool {
    /// Bytes in front of a freshly taken frame: enough to put an Ethernet, two VLAN, an IPv6 and a
    /// UDP header before a payload.
    pub const HEADROOM: u16 = 128;

    /// Maps `chunks` chunks of `chunk_size` bytes (2048 or 4096), all free. The memory is left out
    /// of core dumps: decrypted speech passes through it.
    pub fn new(chunks: usize, chunk_size: usize) -> Result<Self, PoolError> {
        if !matches!(chunk_size, 2048 | 4096) {
            return Err(PoolError::ChunkSize(chunk_size));
        }
        let bytes = chunks * chunk_size;
        let failed = |source| PoolError::Map { chunks, bytes, source };
        let map = |flags| {
            // SAFETY: an anonymous private mapping at an address of the kernel's choice touches no
            // memory that anybody else uses.
            unsafe {
                mmap_anonymous(
                    ptr::null_mut(),
                    bytes,
                    ProtFlags::READ | ProtFlags::WRITE,
                    MapFlags::PRIVATE | MapFlags::POPULATE | flags,
                )
            }
        };
        // Few huge pages instead of many small ones, where some are set aside (`ringfence doctor`).
        let huge = match bytes.is_multiple_of(HUGE_PAGE) {
            true => map(MapFlags::HUGETLB | MapFlags::HUGE_2MB),
            false => Err(rustix::io::Errno::INVAL),
        };
        let memory = huge.or_else(|_| map(MapFlags::empty())).map_err(failed)?;
        // SAFETY: the range is the mapping just made, and the advice changes no content.
        unsafe { madvise(memory, bytes, Advice::LinuxDontDump) }.map_err(failed)?;
        let base = NonNull::new(memory.cast()).expect("a successful mapping is not at address 0");
        // The first chunk is taken first: a lightly loaded relay stays in a small part of memory.
        let free = (0..chunks as u32).rev().collect();
        Ok(Self { base, chunk_size, chunks, free })
    }

    /// Takes a free chunk as an empty frame with [`Pool::HEADROOM`] in front.
    pub fn take(&mut self) -> Option<Frame> {
        let chunk = self.free.pop()?;
        Some(self.frame(chunk, Self::HEADROOM, 0))
    }

    /// Takes a frame home.
    ///
    /// # Panics
    ///
    /// When the frame is another pool's: that is a bug of the caller, never of a packet.
    pub fn give(&mut self, frame: Frame) {
        assert!(self.owns(&frame), "a frame was given to a pool it does not come from");
        self.free.push(frame.chunk);
    }

    /// Takes all frames of a burst home.
    pub fn give_all(&mut self, frames: &mut Vec<Frame>) {
        for frame in frames.drain(..) {
            self.give(frame);
        }
    }

    /// Chunks that are home.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// Chunks there are.
    pub fn chunks(&self) -> usize {
        self.chunks
    }

    /// Bytes of a chunk.
    pub fn chunk_size(&self) -> usize {
        self.chunk_size
    }

    /// The memory as a kernel or a device wants it: first byte and length.
    pub fn region(&self) -> (NonNull<u8>, usize) {
        (self.base, self.chunks * self.chunk_size)
    }

    /// Turns a frame into an offset from the start of the region, for a ring. The ring owns the
    /// chunk until [`Pool::adopt`].
    ///
    /// # Panics
    ///
    /// When the frame is another pool's.
    pub fn release(&self, frame: Frame) -> u64 {
        assert!(self.owns(&frame), "a frame was released by a pool it does not come from");
        u64::from(frame.chunk) * self.chunk_size as u64 + u64::from(frame.start)
    }

    /// Makes a frame again of an offset that a ring gave back, `len` bytes long.
    ///
    /// # Panics
    ///
    /// When offset and length do not lie in one chunk of this pool.
    ///
    /// # Safety
    ///
    /// The chunk that `offset` lies in was released by [`Pool::release`] of this pool, has not been
    /// adopted since, and nobody (the kernel, a device) writes to it any more.
    pub unsafe fn adopt(&self, offset: u64, len: u32) -> Frame {
        let chunk = offset / self.chunk_size as u64;
        let start = offset % self.chunk_size as u64;
        assert!(
            chunk < self.chunks as u64 && start + u64::from(len) <= self.chunk_size as u64,
            "a ring returned offset {offset} length {len}, outside the pool"
        );
        self.frame(chunk as u32, start as u16, len as u16)
    }

    fn frame(&self, chunk: u32, start: u16, len: u16) -> Frame {
        // SAFETY: `chunk < self.chunks`, so the result lies inside the mapping.
        let base = unsafe { self.base.add(chunk as usize * self.chunk_size) };
        Frame { base, chunk, chunk_size: self.chunk_size as u16, start, len }
    }

    fn owns(&self, frame: &Frame) -> bool {
        let offset = (frame.base.as_ptr() as usize).wrapping_sub(self.base.as_ptr() as usize);
        offset == frame.chunk as usize * self.chunk_size && (frame.chunk as usize) < self.chunks
    }
}

// SAFETY: the pool is the only holder of its free chunks, and nothing in it depends on a thread.
unsafe impl Send for Pool {}

impl Drop for Pool {
    fn drop(&mut self) {
        // A chunk that is not home may still be written by its frame's holder or the kernel: then
        // the mapping stays until the process ends.
        if self.free.len() == self.chunks {
            // SAFETY: every chunk is home, so no frame and no ring refers to the mapping, which
            // was made with this length by `new`.
            let _ = unsafe { munmap(self.base.as_ptr().cast(), self.chunks * self.chunk_size) };
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({} of {} chunks free)", self.free.len(), self.chunks)
    }
}

impl Frame {
    /// Length of the packet.
    pub fn len(&self) -> usize {
        self.len.into()
    }

    /// Whether there is no packet in it yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Free bytes in front of the packet.
    pub fn headroom(&self) -> usize {
        self.start.into()
    }

    /// Free bytes behind the packet.
    pub fn tailroom(&self) -> usize {
        usize::from(self.chunk_size) - usize::from(self.start) - usize::from(self.len)
    }

    /// The packet.
    pub fn bytes(&self) -> &[u8] {
        &self.chunk()[self.start.into()..][..self.len.into()]
    }

    /// The packet, to be changed in place.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let (start, len) = (self.start.into(), self.len.into());
        &mut self.chunk_mut()[start..][..len]
    }

    /// The packet and the tailroom behind it, for transforms that make packets longer. Follow with
    /// [`Frame::set_len`].
    pub fn bytes_and_tailroom_mut(&mut self) -> &mut [u8] {
        let start = self.start.into();
        &mut self.chunk_mut()[start..]
    }

    /// Cuts or extends the packet at its end. Extended bytes hold what lay in the chunk.
    ///
    /// # Panics
    ///
    /// When the chunk is not large enough.
    pub fn set_len(&mut self, len: usize) {
        assert!(len <= self.len() + self.tailroom(), "no room for {len} bytes");
        self.len = len as u16;
    }

    /// Moves the packet's first byte: forwards (`by > 0`) to cut a header off, backwards to make
    /// room for one. The end stays where it is.
    ///
    /// # Panics
    ///
    /// When there is not so much packet or headroom.
    pub fn move_start(&mut self, by: isize) {
        let start = self.start as isize + by;
        let len = self.len as isize - by;
        assert!(start >= 0 && len >= 0, "cannot move the start of {self:?} by {by}");
        (self.start, self.len) = (start as u16, len as u16);
    }

    /// Replaces the content by `packet`, with [`Pool::HEADROOM`] in front again.
    ///
    /// # Panics
    ///
    /// When the chunk is too small.
    pub fn fill(&mut self, packet: &[u8]) {
        self.start = Pool::HEADROOM;
        self.len = 0;
        self.set_len(packet.len());
        self.bytes_mut().copy_from_slice(packet);
    }

    fn chunk(&self) -> &[u8] {
        // SAFETY: the chunk is mapped as long as a frame of it exists, it is initialised (by the
        // kernel, with zeros), and the frame is its only owner, borrowed here.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.chunk_size.into()) }
    }

    fn chunk_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `chunk`; the frame is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr(), self.chunk_size.into()) }
    }
}

// SAFETY: a frame is the only owner of its chunk, wherever it is.
unsafe impl Send for Frame {}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame(chunk {}, {}+{})", self.chunk, self.start, self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_home() {
        let mut pool = Pool::new(2, 2048).unwrap();
        let mut a = pool.take().unwrap();
        let b = pool.take().unwrap();
        assert!(pool.take().is_none());
        a.fill(b"packet");
        a.move_start(-2);
        assert_eq!((a.len(), a.headroom()), (8, usize::from(Pool::HEADROOM) - 2));
        a.move_start(2);
        assert_eq!(a.bytes(), b"packet");
        let offset = pool.release(a);
        // SAFETY: just released, and no ring has it.
        let a = unsafe { pool.adopt(offset, 6) };
        assert_eq!(a.bytes(), b"packet");
        pool.give(a);
        pool.give(b);
        assert_eq!(pool.free(), 2);
    }

    #[test]
    fn a_frame_grows_to_its_chunk_and_no_further() {
        let mut pool = Pool::new(1, 2048).unwrap();
        let mut frame = pool.take().unwrap();
        let room = frame.tailroom();
        frame.set_len(room);
        assert_eq!(frame.tailroom(), 0);
        let too_long = std::panic::AssertUnwindSafe(|| frame.set_len(room + 1));
        assert!(std::panic::catch_unwind(too_long).is_err());
    }

    #[test]
    fn a_foreign_frame_is_refused() {
        let mut ours = Pool::new(1, 2048).unwrap();
        let mut theirs = Pool::new(1, 2048).unwrap();
        let frame = theirs.take().unwrap();
        let give = std::panic::AssertUnwindSafe(|| ours.give(frame));
        assert!(std::panic::catch_unwind(give).is_err());
    }
}
