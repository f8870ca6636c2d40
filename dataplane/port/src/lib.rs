//! Packet ports: where frames come from and go to.
//!
//! A worker owns one [`Pool`] of equal chunks and some [`Port`]s. Frames move: from the pool into
//! a port's receive side, from the port to the worker, back into a port's transmit side, and from
//! there home to the pool. Every backend (AF_XDP, UDP sockets, DPDK, memory) has this one shape,
//! so every test of what lies above runs over each of them.
//!
//! Invariants:
//! - A chunk has exactly one owner: the pool, one [`Frame`], or a port's ring. Nothing is copied
//!   from one chunk to another on the way through.
//! - A frame never outlives its memory: the pool unmaps it only when every chunk is home.
//! - Receive and transmit allocate nothing; bursts are vectors that the worker reuses.
//!
//! This crate must not know what a frame contains; only a [`FastTier`] is told which headers to write.

mod fault;
mod memory;
mod pcap;
mod pool;
#[cfg(feature = "suite")]
pub mod suite;
mod tier;
mod traits;

pub use fault::{FaultInjector, Faults};
pub use memory::MemoryPort;
pub use pcap::PcapTap;
pub use pool::{Frame, Pool, PoolError};
pub use tier::{FastTier, TierCounts};
pub use traits::{Medium, Path, PathKind, Port, PortId, PortStats};

/// Most frames that one receive call hands over, and the size bursts are made for.
pub const BURST: usize = 64;
