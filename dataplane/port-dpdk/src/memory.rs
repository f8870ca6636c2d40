use std::ffi::CString;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use port::{BURST, Frame, Pool};

use crate::error::DpdkError;
use crate::ffi::{self, Mbuf, Mempool, View};

/// Buffers that drivers find in DPDK's pool: taken from ours below the first number, given home
/// above the last one, and brought to the one between.
const LOW: usize = 128;
const ENOUGH: usize = 256;
const HIGH: usize = 512;

/// DPDK's view of a [`Pool`]: a packet buffer for each chunk, pinned to it.
#[derive(Debug)]
pub(crate) struct Memory {
    raw: *mut Mempool,
    base: *mut u8,
    chunk_size: usize,
    /// The buffer of each chunk.
    buffers: Vec<*mut Mbuf>,
    /// Chunks that are DPDK's.
    held: usize,
}

impl Memory {
    /// Pins buffers to all chunks, which stay the pool's until they are lent.
    pub(crate) fn over(pool: &Pool) -> Result<Self, DpdkError> {
        let (base, len) = pool.region();
        let (chunk_size, chunks) = (pool.chunk_size(), pool.chunks());
        let size = u16::try_from(chunk_size).map_err(|_| DpdkError::Chunks(chunk_size))?;
        let (name, base) = (next_name(), base.as_ptr());
        // SAFETY: the region is mapped as long as chunks are away from the pool, which they are as
        // long as DPDK has them; nothing is written to it before it has some.
        let raw = unsafe { ffi::rf_pool_over(name.as_ptr(), base.cast(), len, size) };
        if raw.is_null() {
            return Err(DpdkError::of(0, format!("make {chunks} packet buffers")));
        }
        let mut memory = Self { raw, base, chunk_size, buffers: Vec::new(), held: 0 };
        let mut all = vec![ptr::null_mut(); chunks];
        // SAFETY: there are as many places as are asked for.
        let code = unsafe { ffi::rf_pool_take(raw, all.as_mut_ptr(), chunks as u32) };
        DpdkError::check(code, || format!("take {chunks} packet buffers"))?;
        memory.buffers = vec![ptr::null_mut(); chunks];
        for buffer in all {
            let chunk = memory.chunk_of(view(buffer).buffer);
            memory.buffers[chunk] = buffer;
        }
        assert!(memory.buffers.iter().all(|it| !it.is_null()), "each chunk has one buffer");
        Ok(memory)
    }

    pub(crate) fn raw(&self) -> *mut Mempool {
        self.raw
    }

    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Sees to it that drivers find buffers, and that those which they do not need come home.
    pub(crate) fn balance(&mut self, pool: &mut Pool) {
        // SAFETY: the pool of buffers lives as long as this.
        let there = unsafe { ffi::rf_pool_available(self.raw) } as usize;
        if there < LOW {
            self.lend(pool, ENOUGH - there);
        } else if there > HIGH {
            self.fetch(pool, there - ENOUGH);
        }
    }

    /// Gives drivers up to so many chunks.
    pub(crate) fn lend(&mut self, pool: &mut Pool, count: usize) {
        let mut lent = [ptr::null_mut(); BURST];
        let mut left = count;
        while left > 0 {
            let mut taken = 0;
            while taken < left.min(BURST) {
                let Some(frame) = pool.take() else { break };
                lent[taken] = self.buffers[frame_chunk(pool.release(frame), self.chunk_size).0];
                taken += 1;
            }
            if taken == 0 {
                return;
            }
            // SAFETY: so many buffers of this pool are in front; their chunks were released.
            unsafe { ffi::rf_pool_put(self.raw, lent.as_mut_ptr(), taken as u32) };
            self.held += taken;
            left -= taken;
        }
    }

    /// Takes up to so many chunks home from those that no driver uses.
    pub(crate) fn fetch(&mut self, pool: &mut Pool, count: usize) {
        let mut found = [ptr::null_mut(); BURST];
        let mut left = count;
        while left > 0 {
            let some = left.min(BURST);
            // SAFETY: there are as many places as are asked for.
            if unsafe { ffi::rf_pool_take(self.raw, found.as_mut_ptr(), some as u32) } != 0 {
                return;
            }
            for &buffer in &found[..some] {
                let frame = self.adopt(pool, &view(buffer), 0);
                pool.give(frame);
            }
            left -= some;
        }
    }

    /// All that no driver uses comes home.
    pub(crate) fn fetch_all(&mut self, pool: &mut Pool) {
        // SAFETY: the pool of buffers lives as long as this.
        let there = unsafe { ffi::rf_pool_available(self.raw) } as usize;
        self.fetch(pool, there);
    }

    /// Whether a packet lies in this memory, in one piece.
    pub(crate) fn is_ours(&self, view: &View) -> bool {
        view.pool == self.raw && view.segments == 1
    }

    /// The frame of a packet that a driver has given.
    pub(crate) fn adopt(&mut self, pool: &Pool, view: &View, len: u32) -> Frame {
        let offset = (view.buffer as usize - self.base as usize) as u64 + u64::from(view.offset);
        self.held -= 1;
        // SAFETY: the buffer was DPDK's, whose its chunk was by `release`, and was taken from it by
        // who calls this, so that no driver writes to it any more.
        unsafe { pool.adopt(offset, len) }
    }

    /// The packet of a frame, which is DPDK's from now on.
    pub(crate) fn packet(&mut self, pool: &Pool, frame: Frame) -> *mut Mbuf {
        let len = frame.len();
        let (chunk, start) = frame_chunk(pool.release(frame), self.chunk_size);
        let buffer = self.buffers[chunk];
        // SAFETY: the buffer is ours, and the packet lies in its chunk.
        unsafe { ffi::rf_prepare(buffer, start as u16, len as u16) };
        self.held += 1;
        buffer
    }

    fn chunk_of(&self, buffer: *mut u8) -> usize {
        (buffer as usize - self.base as usize) / self.chunk_size
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // What a driver still has keeps DPDK's pool: it may write there.
        if self.held == 0 {
            // SAFETY: no buffer is away from us but those in our own list, which ends here.
            unsafe { ffi::rf_pool_free(self.raw) };
        }
    }
}

/// What a packet is.
pub(crate) fn view(packet: *mut Mbuf) -> View {
    let mut view = View {
        pool: ptr::null_mut(),
        buffer: ptr::null_mut(),
        offset: 0,
        length: 0,
        total: 0,
        segments: 0,
    };
    // SAFETY: the packet is one that DPDK has given, and is only looked at.
    unsafe { ffi::rf_view(packet, &mut view) };
    view
}

/// The chunk of an offset into a pool, and where in it.
fn frame_chunk(offset: u64, chunk_size: usize) -> (usize, usize) {
    (offset as usize / chunk_size, offset as usize % chunk_size)
}

/// DPDK's pools have names, none twice.
fn next_name() -> CString {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("ringfence_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    CString::new(name).expect("it has no zero octet")
}
