//! The maps of the fast tier.

use std::io;
use std::time::Duration;

use abi::{FlowCounters, Rewrite, Route, hop_value, maps};
use aya::Ebpf;
use aya::maps::{Array, DevMap, MapData, PerCpuArray, PerCpuValues};
use aya::util::nr_cpus;
use rustix::time::{ClockId, clock_gettime};

use crate::error::XdpError;
use crate::program::take;

/// Counters of flows, next hops and interfaces of one program.
///
/// The numbers that others know begin at 0; in the maps they begin at `first`, those of hops and budgets
/// at twice that.
pub(crate) struct Flows {
    counters: PerCpuArray<MapData, [u32; FlowCounters::WORDS]>,
    hops: Array<MapData, u64>,
    devices: DevMap<MapData>,
    max_flows: u32,
    first: u32,
    cpus: usize,
}

impl Flows {
    pub(crate) fn take(ebpf: &mut Ebpf, max_flows: u32, first: u32) -> Result<Self, XdpError> {
        let cpus = nr_cpus().map_err(|(action, error)| XdpError::Socket {
            action: "count processors",
            cause: io::Error::other(format!("{action}: {error}")),
        })?;
        Ok(Self {
            counters: take(ebpf, maps::FLOWS)?,
            hops: take(ebpf, maps::HOPS)?,
            devices: take(ebpf, maps::DEVICES)?,
            max_flows,
            first,
            cpus,
        })
    }

    /// Whether some of these interfaces have other numbers than now.
    pub(crate) fn are_others(&self, devices: &[(u32, u32)]) -> bool {
        let is_other = |&(number, interface): &(u32, u32)| {
            self.devices.get(number, 0).is_ok_and(|device| device.if_index != interface)
        };
        devices.iter().any(is_other)
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
        let number = self.first + flow.number;
        self.counters.set(number, zero, 0).map_err(io::Error::other)?;
        let (hop, budget) = (2 * self.first + flow.hop, self.budget(flow.budget));
        Ok(Route::new(&Rewrite { number, hop, budget, ..*flow }))
    }

    /// The number of a budget in the map.
    pub(crate) fn budget(&self, budget: u32) -> u32 {
        if budget == Route::NO_PEER { budget } else { 2 * self.first + budget }
    }

    pub(crate) fn counters(&self, number: u32) -> io::Result<FlowCounters> {
        self.counters_at(self.first + number)
    }

    /// The same by the number in the map.
    pub(crate) fn counters_at(&self, number: u32) -> io::Result<FlowCounters> {
        let values = self.counters.get(&number, 0).map_err(io::Error::other)?;
        let counters = values.iter().map(FlowCounters::from_words);
        Ok(counters.reduce(FlowCounters::join).unwrap_or_default())
    }

    pub(crate) fn set_hop(&mut self, hop: u32, address: Option<[u8; 6]>) -> io::Result<()> {
        // By way of "not known": no packet may see half of each address.
        for value in [None, address] {
            let hop = 2 * self.first + hop;
            self.hops.set(hop, hop_value(value), 0).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

/// How long ago the last packet came; `None` before the first one.
pub(crate) fn silence(counters: &FlowCounters) -> Option<Duration> {
    (counters.last_seen != 0).then(|| {
        let now = clock_gettime(ClockId::Monotonic);
        let now = Duration::new(now.tv_sec as u64, now.tv_nsec as u32);
        now.saturating_sub(Duration::from_nanos(counters.last_seen))
    })
}
