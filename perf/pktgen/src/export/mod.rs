//! The same packets from other generators: files that they read.
//!
//! Where a network interface must be filled by hardware, TRex and Pktgen-DPDK do that; where nothing
//! may be installed, the kernel has a generator of its own. All of them send the flows of a [`Stream`],
//! to the same ports at the same rate.

mod kernel;
mod pktgen_dpdk;
mod trex;

use std::time::Duration;

use crate::stream::Stream;

pub use kernel::kernel;
pub use pktgen_dpdk::pktgen_dpdk;
pub use trex::trex;

/// What shall be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// The packets.
    pub stream: Stream,
    /// Packets per second of all flows together.
    pub rate: f64,
    /// How long.
    pub duration: Duration,
}

/// One file for another generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, without directory.
    pub name: &'static str,
    /// What it holds.
    pub content: Vec<u8>,
    /// How to use it: a command line. `None` for files that others read.
    pub usage: Option<&'static str>,
}

impl Traffic {
    /// Packets per second of one flow.
    fn flow_rate(&self) -> f64 {
        self.rate / f64::from(self.stream.flows)
    }

    /// Packets of one flow.
    fn flow_packets(&self) -> u64 {
        (self.flow_rate() * self.duration.as_secs_f64()).round() as u64
    }
}

fn mac(octets: [u8; 6]) -> String {
    octets.map(|octet| format!("{octet:02x}")).join(":")
}
