//! The shim's functions; `shim/shim.c` says what they do.

use std::ffi::{c_char, c_int, c_uint, c_void};

/// A pool of packet buffers.
#[repr(C)]
pub(crate) struct Mempool {
    opaque: [u8; 0],
}

/// A packet buffer.
#[repr(C)]
pub(crate) struct Mbuf {
    opaque: [u8; 0],
}

/// What a buffer holds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// Where it comes from.
    pub pool: *mut Mempool,
    /// Its memory.
    pub buffer: *mut u8,
    /// Where the packet begins.
    pub offset: u32,
    /// Octets of its first piece.
    pub length: u32,
    /// Octets of all its pieces.
    pub total: u32,
    /// Number of pieces.
    pub segments: u32,
}

/// What a device lost.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub missed: u64,
    pub no_buffer: u64,
    pub rx_errors: u64,
    pub tx_errors: u64,
}

unsafe extern "C" {
    pub(crate) fn rf_eal_init(argc: c_int, argv: *mut *mut c_char) -> c_int;
    pub(crate) fn rf_vdev_init(name: *const c_char, arguments: *const c_char) -> c_int;
    pub(crate) fn rf_vdev_uninit(name: *const c_char) -> c_int;
    pub(crate) fn rf_port_by_name(name: *const c_char, port: *mut u16) -> c_int;
    pub(crate) fn rf_ring_pair(
        near: *const c_char,
        far: *const c_char,
        size: c_uint,
        ports: *mut u16,
    ) -> c_int;
    pub(crate) fn rf_pool_over(
        name: *const c_char,
        base: *mut c_void,
        length: usize,
        chunk: u16,
    ) -> *mut Mempool;
    pub(crate) fn rf_pool_free(pool: *mut Mempool);
    pub(crate) fn rf_pool_available(pool: *mut Mempool) -> c_uint;
    pub(crate) fn rf_pool_take(pool: *mut Mempool, buffers: *mut *mut Mbuf, count: c_uint)
    -> c_int;
    pub(crate) fn rf_pool_put(pool: *mut Mempool, buffers: *mut *mut Mbuf, count: c_uint);
    pub(crate) fn rf_error() -> c_int;
    pub(crate) fn rf_error_text(error: c_int) -> *const c_char;
    pub(crate) fn rf_start(
        port: u16,
        pool: *mut Mempool,
        rx_size: *mut u16,
        tx_size: *mut u16,
    ) -> c_int;
    pub(crate) fn rf_stop(port: u16) -> c_int;
    pub(crate) fn rf_close(port: u16) -> c_int;
    pub(crate) fn rf_promiscuous(port: u16) -> c_int;
    pub(crate) fn rf_driver(port: u16, name: *mut c_char, length: usize) -> c_int;
    pub(crate) fn rf_mac(port: u16, address: *mut u8) -> c_int;
    pub(crate) fn rf_counts(port: u16, counts: *mut Counts) -> c_int;
    pub(crate) fn rf_rx(port: u16, packets: *mut *mut Mbuf, count: u16) -> u16;
    pub(crate) fn rf_tx(port: u16, packets: *mut *mut Mbuf, count: u16) -> u16;
    pub(crate) fn rf_view(packet: *const Mbuf, view: *mut View);
    pub(crate) fn rf_prepare(packet: *mut Mbuf, offset: u16, length: u16);
    pub(crate) fn rf_copy_out(packet: *const Mbuf, to: *mut c_void);
    pub(crate) fn rf_free(packet: *mut Mbuf);
}
