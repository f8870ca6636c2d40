use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use port::PortId;
use wire::ethernet::MacAddr;

use crate::index::Index;

/// Link-layer addresses of the peers, shared by all legs that send to the same one.
///
/// The engine asks for an address once when a leg needs it and then at most once a second while
/// packets wait for it; whoever does the I/O answers whenever it knows or learns better.
#[derive(Default)]
pub(crate) struct Hops {
    hops: Vec<Hop>,
    free: Vec<u32>,
    index: Index,
}

struct Hop {
    port: PortId,
    address: IpAddr,
    mac: Option<MacAddr>,
    users: u32,
    asked: Instant,
}

/// A share of a hop; given back with [`Hops::release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HopId(NonZeroU32);

impl HopId {
    fn new(index: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(index))
    }

    /// Its number among hops, from 0 without gaps.
    pub(crate) fn index(self) -> u32 {
        self.0.get() - 1
    }
}

impl Hop {
    fn name(&self) -> (PortId, IpAddr) {
        (self.port, self.address)
    }
}

const ASK_AGAIN: Duration = Duration::from_secs(1);

impl Hops {
    /// Takes a share of a hop; true if its address must be asked for.
    pub(crate) fn acquire(&mut self, now: Instant, port: PortId, address: IpAddr) -> (HopId, bool) {
        if let Some(index) = self.find(port, address) {
            self.hops[index as usize].users += 1;
            return (HopId::new(index), false);
        }
        let hop = Hop { port, address, mac: None, users: 1, asked: now };
        let index = match self.free.pop() {
            Some(index) => {
                self.hops[index as usize] = hop;
                index
            }
            None => {
                self.hops.push(hop);
                self.hops.len() as u32 - 1
            }
        };
        let hops = &self.hops;
        self.index.insert(index, |index| hops[index as usize].name());
        (HopId::new(index), true)
    }

    /// Gives a share back; the hop, when nobody has a share of it any more.
    pub(crate) fn release(&mut self, id: HopId) -> Option<(PortId, IpAddr)> {
        let hop = &mut self.hops[id.index() as usize];
        hop.users -= 1;
        if hop.users > 0 {
            return None;
        }
        let name = hop.name();
        self.index.remove(id.index(), &name);
        self.free.push(id.index());
        Some(name)
    }

    pub(crate) fn mac(&self, id: HopId) -> Option<MacAddr> {
        self.hops[id.index() as usize].mac
    }

    /// The hop to ask for again now, if it was not asked for lately.
    pub(crate) fn ask_again(&mut self, now: Instant, id: HopId) -> Option<(PortId, IpAddr)> {
        let hop = &mut self.hops[id.index() as usize];
        if now.duration_since(hop.asked) < ASK_AGAIN {
            return None;
        }
        hop.asked = now;
        Some((hop.port, hop.address))
    }

    /// Notes the address of a hop that somebody has a share of; its number, if that is news.
    pub(crate) fn set(
        &mut self,
        port: PortId,
        address: IpAddr,
        mac: Option<MacAddr>,
    ) -> Option<HopId> {
        let index = self.find(port, address)?;
        let old = std::mem::replace(&mut self.hops[index as usize].mac, mac);
        (old != mac).then(|| HopId::new(index))
    }

    fn find(&self, port: PortId, address: IpAddr) -> Option<u32> {
        let is_it = |index: u32| self.hops[index as usize].name() == (port, address);
        self.index.find(&(port, address), is_it)
    }
}
