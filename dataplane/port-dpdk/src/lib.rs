//! DPDK ports: a poll-mode driver behind the interface that all ports have. With the feature `dpdk`
//! only, which links Debian's `libdpdk`.
//!
//! ```no_run
//! # #[cfg(feature = "dpdk")] {
//! # use port::Pool;
//! # use ringfence_port_dpdk::*;
//! let eal = Eal::start(&EalConfig::default())?;
//! let mut pool = Pool::new(4096, 2048)?;
//! let device = eal.make("net_af_packet0", "iface=eth1,framesz=1920,blocksz=61440")?;
//! let port = DpdkPort::open(&mut pool, device, &PortConfig::default())?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The driver receives into and sends from the chunks of the pool themselves: DPDK's packet buffers
//! are pinned, one to each chunk (`rte_pktmbuf_pool_create_extbuf`). Packets that come from another
//! port's memory (rings) are copied. DPDK's driver of AF_XDP, which wants a layout of its own, is
//! refused: `port-xdp` does without DPDK.
//!
//! A device of PCI is bound to `vfio-pci` (`dpdk-devbind.py --bind=vfio-pci 0000:01:00.0`), named in
//! [`EalConfig::pci`] and found by its address with [`Eal::find`]. AF_PACKET's frames must fit into a
//! chunk behind its headroom; what the kernel drops there, its driver does not count.
//!
//! What of DPDK is inline is behind a small shim in C. No structure of DPDK passes it, so its five
//! dozen headers need no bindings to be generated.
//!
//! Invariants:
//! - A chunk's buffer is DPDK's (in its pool, in a ring, with the device) or the chunk is ours;
//!   [`port::Port::held`] counts the former.
//! - `unsafe` is in `eal`, `device`, `memory` and `port`, around calls of the shim.
//!
//! This crate must not know what calls are. It filters nothing: a device that DPDK has is not the
//! kernel's any more, and all that comes, ARP too, is for who reads the port.

#![cfg(feature = "dpdk")]

mod device;
mod eal;
mod error;
mod ffi;
mod memory;
mod port;

pub use crate::port::{DpdkPort, PortConfig};
pub use device::Device;
pub use eal::{Eal, EalConfig};
pub use error::DpdkError;
