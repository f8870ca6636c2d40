//! Numbers that are lent: names of endpoints, pairs of media ports.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::Rng;

use crate::Network;

/// Numbers 0 to n-1. Those given back are lent again last, so nothing old meets its successor.
#[derive(Debug)]
pub struct Rotation {
    words: Vec<u64>,
    size: usize,
    cursor: usize,
    lent: usize,
}

impl Rotation {
    /// Numbers below `size`, of which `start` is lent first.
    pub fn new(size: usize, start: usize) -> Self {
        Self { words: vec![0; size.div_ceil(64)], size, cursor: start % size.max(1), lent: 0 }
    }

    /// Lends this number, if it is there.
    pub fn take(&mut self, number: usize) -> bool {
        let bit = 1 << (number % 64);
        let word = &mut self.words[number / 64];
        let free = *word & bit == 0;
        if free {
            *word |= bit;
            self.lent += 1;
        }
        free
    }

    /// Lends the next number that is there.
    pub fn take_next(&mut self) -> Option<usize> {
        if self.lent == self.size {
            return None;
        }
        let number = (self.cursor..self.size)
            .chain(0..self.cursor)
            .find(|number| self.words[number / 64] & 1 << (number % 64) == 0)?;
        self.cursor = (number + 1) % self.size;
        self.take(number);
        Some(number)
    }

    /// Takes a number back.
    pub fn give_back(&mut self, number: usize) {
        let bit = 1 << (number % 64);
        if self.words[number / 64] & bit != 0 {
            self.words[number / 64] &= !bit;
            self.lent -= 1;
        }
    }

    /// How many are lent.
    pub fn lent(&self) -> usize {
        self.lent
    }
}

/// Media ports of one address.
struct Pool {
    network: usize,
    address: IpAddr,
    first: u32,
    pairs: Rotation,
}

/// The media ports of all networks. A clone lends from the same ones.
#[derive(Clone)]
pub struct Ports(Arc<Mutex<Vec<Pool>>>);

impl Ports {
    /// All ports of `networks`, none lent.
    pub fn new(networks: &[Network], rng: &mut (impl Rng + ?Sized)) -> Self {
        let pools = networks
            .iter()
            .enumerate()
            .flat_map(|(network, n)| n.addresses.iter().map(move |&address| (network, n, address)));
        let pool = |(network, n, address): (usize, &Network, IpAddr)| Pool {
            network,
            address,
            first: n.first_pair(),
            // Where it starts is nobody's business.
            pairs: Rotation::new(n.pairs(), rng.random_range(0..n.pairs())),
        };
        Self(Arc::new(Mutex::new(pools.map(pool).collect())))
    }

    /// Whether `network` has an address of the family of `like`.
    pub fn has_family(&self, network: usize, like: IpAddr) -> bool {
        let pools = self.pools();
        pools.iter().any(|p| p.network == network && p.address.is_ipv4() == like.is_ipv4())
    }

    /// An RTP address on `network`, of the family of `like` if that matters, else IPv4 first.
    pub fn take(&self, network: usize, like: Option<IpAddr>) -> Option<SocketAddr> {
        let families = match like {
            Some(ip) => vec![ip.is_ipv4()],
            None => vec![true, false],
        };
        let mut pools = self.pools();
        for v4 in families {
            let fits = |p: &&mut Pool| p.network == network && p.address.is_ipv4() == v4;
            for pool in pools.iter_mut().filter(fits) {
                if let Some(pair) = pool.pairs.take_next() {
                    let port = pool.first as usize + 2 * pair;
                    return Some(SocketAddr::new(pool.address, port as u16));
                }
            }
        }
        None
    }

    /// Keeps an address from being lent until it is [given back](Self::give_back); the network it is
    /// on. `None` if it is nobody's to lend, or lent.
    pub fn reserve(&self, local: SocketAddr) -> Option<usize> {
        let mut pools = self.pools();
        let pool = pools.iter_mut().find(|pool| pool.address == local.ip())?;
        let pair = u32::from(local.port()).checked_sub(pool.first)? as usize / 2;
        (pair < pool.pairs.size && pool.pairs.take(pair)).then_some(pool.network)
    }

    /// Takes an address back that [`Ports::take`] gave.
    pub fn give_back(&self, network: usize, local: SocketAddr) {
        let it = |p: &&mut Pool| p.network == network && p.address == local.ip();
        if let Some(pool) = self.pools().iter_mut().find(it) {
            pool.pairs.give_back((usize::from(local.port()) - pool.first as usize) / 2);
        }
    }

    /// Pairs that are lent, by whomever.
    pub fn lent(&self) -> usize {
        self.pools().iter().map(|pool| pool.pairs.lent()).sum()
    }

    fn pools(&self) -> MutexGuard<'_, Vec<Pool>> {
        // Whoever panicked has not left a pool half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use port::PortId;

    use super::*;

    #[test]
    fn numbers_rest_before_they_are_lent_again() {
        let mut rotation = Rotation::new(100, 98);
        assert_eq!([rotation.take_next(), rotation.take_next()], [Some(98), Some(99)]);
        assert!(rotation.take(1) && !rotation.take(1));
        rotation.give_back(98);
        let next: Vec<_> = (0..98).map(|_| rotation.take_next().unwrap()).collect();
        assert_eq!(next[..2], [0, 2]);
        assert_eq!((next[97], rotation.lent()), (98, 100));
        assert_eq!(rotation.take_next(), None);
        rotation.give_back(50);
        rotation.give_back(50);
        assert_eq!((rotation.lent(), rotation.take_next()), (99, Some(50)));
    }

    #[test]
    fn what_is_reserved_is_lent_to_nobody() {
        let network = Network {
            name: "inside".into(),
            addresses: vec!["10.1.0.1".parse().unwrap()],
            ports: 20_000..=20_005,
            port: PortId(0),
            prefixes: Vec::new(),
        };
        let ports = Ports::new(&[network], &mut rand::rng());
        let local = |port| SocketAddr::new("10.1.0.1".parse().unwrap(), port);
        assert_eq!([20_002, 20_002].map(|port| ports.reserve(local(port))), [Some(0), None]);
        assert_eq!([19_998, 20_006].map(|port| ports.reserve(local(port))), [None, None]);
        let mut lent = [(); 3].map(|()| ports.take(0, None));
        lent.sort();
        assert_eq!(lent, [None, Some(local(20_000)), Some(local(20_004))]);
        ports.give_back(0, local(20_002));
        assert_eq!(ports.take(0, None), Some(local(20_002)));
    }
}
