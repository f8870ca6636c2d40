use std::net::{IpAddr, SocketAddr};

/// From a local address and port to a leg's slot, in two array reads.
///
/// A relay has few media addresses and thousands of ports on each, so an address costs a table of
/// all its ports (256 KiB), made with its first leg.
#[derive(Default)]
pub(crate) struct Locals {
    addresses: Vec<(IpAddr, Box<[u32; PORTS]>)>,
}

const PORTS: usize = 1 << 16;
const NOBODY: u32 = u32::MAX;
const MAX_ADDRESSES: usize = 64;

impl Locals {
    pub(crate) fn slot(&self, local: SocketAddr) -> Option<u32> {
        let (_, ports) = self.addresses.iter().find(|(address, _)| *address == local.ip())?;
        match ports[usize::from(local.port())] {
            NOBODY => None,
            slot => Some(slot),
        }
    }

    /// Whether a further address would be too many.
    pub(crate) fn has_room_for(&self, address: IpAddr) -> bool {
        self.addresses.len() < MAX_ADDRESSES || self.addresses.iter().any(|(a, _)| *a == address)
    }

    pub(crate) fn insert(&mut self, local: SocketAddr, slot: u32) {
        let index = match self.addresses.iter().position(|(a, _)| *a == local.ip()) {
            Some(index) => index,
            None => {
                let ports = vec![NOBODY; PORTS].into_boxed_slice();
                let ports = ports.try_into().expect("made with this length");
                self.addresses.push((local.ip(), ports));
                self.addresses.len() - 1
            }
        };
        self.addresses[index].1[usize::from(local.port())] = slot;
    }

    pub(crate) fn remove(&mut self, local: SocketAddr) {
        if let Some((_, ports)) = self.addresses.iter_mut().find(|(a, _)| *a == local.ip()) {
            ports[usize::from(local.port())] = NOBODY;
        }
    }
}
