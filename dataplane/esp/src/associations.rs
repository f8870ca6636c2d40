//! The security association database (RFC 4301 §4.4.2).

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::time::Instant;

use crate::SaId;
use crate::policy::RequestId;
use crate::sa::{Sa, SaError, SaSpec};
use crate::selector::{Direction, Flow, Match};
use crate::verdict::DropReason;

/// All associations of a worker.
pub(crate) struct Associations {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_spi: HashMap<(Direction, u32, IpAddr), u32>,
    /// Those of a policy, newest first.
    by_request: HashMap<(Direction, RequestId), Vec<u32>>,
    /// Peers whose packets come in UDP.
    encapsulating: HashSet<IpAddr>,
    most: usize,
}

struct Slot {
    generation: u32,
    sa: Option<Sa>,
}

impl Associations {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_spi: HashMap::new(),
            by_request: HashMap::new(),
            encapsulating: HashSet::new(),
            most,
        }
    }

    pub(crate) fn add(&mut self, now: Instant, spec: SaSpec) -> Result<SaId, SaError> {
        spec.check()?;
        if self.by_spi.contains_key(&(spec.direction, spec.spi, spec.destination)) {
            return Err(SaError::Exists(spec.spi));
        }
        let ours = |sa: &Sa| {
            sa.spec.direction == Direction::Outbound && sa.spec.keys.same_cipher_key(&spec.keys)
        };
        let outbound = spec.direction == Direction::Outbound;
        if outbound && spec.keys.suite().is_gcm() && self.iter().any(ours) {
            return Err(SaError::KeyInUse);
        }
        if self.by_spi.len() == self.most {
            return Err(SaError::Full(self.most));
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, sa: None });
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[index as usize];
        let id = SaId { index, generation: slot.generation };
        self.by_spi.insert((spec.direction, spec.spi, spec.destination), index);
        self.by_request.entry((spec.direction, spec.request)).or_default().insert(0, index);
        slot.sa = Some(Sa::new(now, id, spec));
        self.find_encapsulating();
        Ok(id)
    }

    pub(crate) fn remove(&mut self, id: SaId) -> Result<Sa, SaError> {
        let slot = self.slots.get_mut(id.index as usize).filter(|s| s.generation == id.generation);
        let slot = slot.ok_or(SaError::NoSa)?;
        let sa = slot.sa.take().ok_or(SaError::NoSa)?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.index);
        self.by_spi.remove(&(sa.spec.direction, sa.spec.spi, sa.spec.destination));
        let key = (sa.spec.direction, sa.spec.request);
        if let Some(all) = self.by_request.get_mut(&key) {
            all.retain(|&index| index != id.index);
            if all.is_empty() {
                self.by_request.remove(&key);
            }
        }
        self.find_encapsulating();
        Ok(sa)
    }

    /// Changes where the peer is.
    pub(crate) fn set_peer(
        &mut self,
        id: SaId,
        address: IpAddr,
        port: Option<u16>,
    ) -> Result<(), SaError> {
        let sa = self.get_mut(id).ok_or(SaError::NoSa)?;
        if address.is_ipv4() != sa.spec.source.is_ipv4() {
            return Err(SaError::Families);
        }
        let (direction, spi, old) = (sa.spec.direction, sa.spec.spi, sa.spec.destination);
        match direction {
            Direction::Inbound => sa.spec.source = address,
            Direction::Outbound => {
                if self.by_spi.get(&(direction, spi, address)).is_some_and(|&at| at != id.index) {
                    return Err(SaError::Exists(spi));
                }
                self.by_spi.remove(&(direction, spi, old));
                self.by_spi.insert((direction, spi, address), id.index);
                self.get_mut(id).ok_or(SaError::NoSa)?.spec.destination = address;
            }
        }
        let sa = self.get_mut(id).ok_or(SaError::NoSa)?;
        if let (Some(ports), Some(port)) = (&mut sa.spec.encapsulation, port) {
            ports.remote_port = port;
        }
        self.find_encapsulating();
        Ok(())
    }

    fn find_encapsulating(&mut self) {
        let peers: HashSet<_> =
            self.iter().filter_map(|sa| sa.peer()).map(|peer| peer.ip()).collect();
        self.encapsulating = peers;
    }

    pub(crate) fn is_encapsulating(&self, peer: IpAddr) -> bool {
        self.encapsulating.contains(&peer)
    }

    pub(crate) fn get(&self, id: SaId) -> Option<&Sa> {
        let slot = self.slots.get(id.index as usize)?;
        slot.sa.as_ref().filter(|_| slot.generation == id.generation)
    }

    pub(crate) fn get_mut(&mut self, id: SaId) -> Option<&mut Sa> {
        let slot = self.slots.get_mut(id.index as usize)?;
        slot.sa.as_mut().filter(|_| slot.generation == id.generation)
    }

    pub(crate) fn find_mut(
        &mut self,
        direction: Direction,
        spi: u32,
        destination: IpAddr,
    ) -> Option<&mut Sa> {
        let index = *self.by_spi.get(&(direction, spi, destination))?;
        self.slots[index as usize].sa.as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Sa> {
        self.slots.iter().filter_map(|slot| slot.sa.as_ref())
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Sa> {
        self.slots.iter_mut().filter_map(|slot| slot.sa.as_mut())
    }

    /// Those of a policy, newest first.
    pub(crate) fn of_request(
        &self,
        direction: Direction,
        request: RequestId,
    ) -> impl Iterator<Item = &Sa> {
        let all = self.by_request.get(&(direction, request)).map_or(&[][..], |all| all);
        all.iter().filter_map(|&index| self.slots[index as usize].sa.as_ref())
    }

    /// The one that packets of a flow leave under now: the newest that is alive.
    pub(crate) fn choose(
        &self,
        now: Instant,
        request: RequestId,
        flow: &Flow,
    ) -> Result<SaId, DropReason> {
        let mut why = DropReason::NoSa;
        for sa in self.of_request(Direction::Outbound, request) {
            match sa.matches(flow) {
                Match::Yes if sa.is_usable(now) => return Ok(sa.id),
                Match::Yes | Match::No => {}
                Match::Perhaps => why = DropReason::Fragment,
            }
        }
        Err(why)
    }
}
