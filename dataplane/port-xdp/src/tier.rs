use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use abi::Rewrite;
use port::{FastTier, PortId, TierCounts};

use crate::flows::silence;
use crate::program::Program;

/// The fast tier inside the XDP programs of a worker's ports.
///
/// Each program has flows of its own, those that arrive at its interface; all of them know all next
/// hops and all interfaces.
#[derive(Debug)]
pub struct XdpTier {
    ports: Vec<Place>,
}

/// A port as the tier sees it.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its program; none where packets do not come by XDP.
    pub program: Option<Arc<Program>>,
    /// Whether its interface sends frames of XDP programs; if not, why.
    pub exit: Result<(), Cow<'static, str>>,
}

impl XdpTier {
    /// The tier of these ports, in the order of their [`PortId`]s.
    pub fn new(ports: Vec<Place>) -> io::Result<Self> {
        let devices = ports.iter().enumerate();
        let devices: Vec<_> = devices
            .filter_map(|(number, place)| Some((number as u32, place.program.as_ref()?.index())))
            .collect();
        for program in ports.iter().filter_map(|place| place.program.as_ref()) {
            program.set_devices(&devices)?;
        }
        Ok(Self { ports })
    }

    fn place(&self, port: PortId) -> Option<&Place> {
        self.ports.get(usize::from(port.0))
    }

    fn program(&self, port: PortId) -> io::Result<&Program> {
        let program = self.place(port).and_then(|place| place.program.as_deref());
        program.ok_or_else(|| io::Error::other("the port has no XDP program"))
    }
}

impl FastTier for XdpTier {
    fn reaches(&self, from: PortId, to: PortId) -> Result<(), Cow<'static, str>> {
        match self.place(from).and_then(|place| place.program.as_ref()) {
            None => return Err("packets do not come by XDP".into()),
            Some(program) if !program.is_native() => {
                return Err("XDP is not in the driver, where it is faster than the engine".into());
            }
            Some(_) => {}
        }
        match self.place(to) {
            Some(Place { program: Some(_), exit }) => exit.clone(),
            _ => Err("packets do not leave by XDP".into()),
        }
    }

    fn set_exit(&mut self, port: PortId, exit: Result<(), Cow<'static, str>>) {
        if let Some(place) = self.ports.get_mut(usize::from(port.0)) {
            place.exit = exit;
        }
    }

    fn open(&mut self, from: PortId, flow: &Rewrite) -> io::Result<()> {
        self.program(from)?.open_flow(flow)
    }

    fn expect(
        &mut self,
        from: PortId,
        arrived_at: SocketAddr,
        peer: Option<SocketAddr>,
        budget: u32,
    ) -> io::Result<()> {
        self.program(from)?.expect(arrived_at, peer, budget)
    }

    fn counts(&self, from: PortId, number: u32) -> TierCounts {
        let counters = self.program(from).and_then(|program| program.flow_counters(number));
        // A number that was opened can be read.
        let counters = counters.unwrap_or_default();
        TierCounts {
            packets: counters.packets,
            octets: counters.octets,
            silent: silence(&counters),
            reception: counters.reception,
        }
    }

    fn set_hop(&mut self, hop: u32, address: Option<[u8; 6]>) {
        for program in self.ports.iter().filter_map(|place| place.program.as_ref()) {
            // A hop that cannot be told is one that is not known: packets go to the engine.
            let _ = program.set_hop(hop, address);
        }
    }
}
