//! The maps of the fast tier.

use std::io;

use abi::{FlowCounters, Rewrite, Route, hop_value, maps};
use aya::Ebpf;
use aya::maps::{Array, DevMap, MapData, PerCpuArray, PerCpuValues};
use aya::util::nr_cpus;

use crate::error::XdpError;
use crate::program::take;

/// Counters of flows, next hops and interfaces of one program.
pub(crate) struct Flows {
    counters: PerCpuArray<MapData, [u32; FlowCounters::WORDS]>,
    hops: Array<MapData, u64>,
    devices: DevMap<MapData>,
    max_flows: u32,
    cpus: usize,
}

impl Flows {
    pub(crate) fn take(ebpf: &mut Ebpf, max_flows: u32) -> Result<Self, XdpError> {
        let cpus = nr_cpus().map_err(|(action, error)| XdpError::Socket {
            action: "count processors",
            cause: io::Error::other(format!("{action}: {error}")),
        })?;
        Ok(Self {
            counters: take(ebpf, maps::FLOWS)?,
            hops: take(ebpf, maps::HOPS)?,
            devices: take(ebpf, maps::DEVICES)?,
            max_flows,
            cpus,
        })
    }

    pub(crate) fn set_devices(&mut self, devices: &[(u32, u32)]) -> io::Result<()> {
        devices.iter().try_for_each(|&(number, interface)| {
            self.devices.set(number, interface, None, 0).map_err(io::Error::other)
        })
    }

    /// The route of a flow, whose counters are zero from now on.
    pub(crate) fn prepare(&mut self, flow: &Rewrite) -> io::Result<Route> {
        if flow.number >= self.max_flows {
            return Err(io::Error::other("all flows that the XDP program has room for are open"));
        }
        let zero = vec![FlowCounters::default().to_words(); self.cpus];
        let zero = PerCpuValues::try_from(zero)?;
        self.counters.set(flow.number, zero, 0).map_err(io::Error::other)?;
        Ok(Route::new(flow))
    }

    pub(crate) fn counters(&self, number: u32) -> io::Result<FlowCounters> {
        let values = self.counters.get(&number, 0).map_err(io::Error::other)?;
        let counters = values.iter().map(FlowCounters::from_words);
        Ok(counters.reduce(FlowCounters::join).unwrap_or_default())
    }

    pub(crate) fn set_hop(&mut self, hop: u32, address: Option<[u8; 6]>) -> io::Result<()> {
        // By way of "not known": no packet may see half of each address.
        for value in [None, address] {
            self.hops.set(hop, hop_value(value), 0).map_err(io::Error::other)?;
        }
        Ok(())
    }
}
