//! Pairs of ports: RTP on an even one, RTCP on the odd one above.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use mio::net::UdpSocket;

/// Gives out pairs of ports, each as late as possible after it was in use before.
#[derive(Debug)]
pub(super) struct Ports {
    /// The even ones.
    first: u16,
    pairs: u16,
    /// How many pairs after the first the next one is.
    next: u16,
}

impl Ports {
    pub(super) fn new(range: &RangeInclusive<u16>) -> io::Result<Self> {
        let first = range.start().next_multiple_of(2);
        let pairs = (u32::from(*range.end()) + 1).saturating_sub(first.into()) / 2;
        if pairs == 0 {
            let none = format!("no pair of ports in {} to {}", range.start(), range.end());
            return Err(io::Error::new(ErrorKind::InvalidInput, none));
        }
        Ok(Self { first, pairs: pairs as u16, next: 0 })
    }

    /// Binds a pair that nobody else has.
    pub(super) fn bind(&mut self, ip: IpAddr) -> io::Result<[UdpSocket; 2]> {
        for _ in 0..self.pairs {
            let port = self.first + 2 * self.next;
            self.next = (self.next + 1) % self.pairs;
            match bind_pair(ip, port) {
                Err(error) if error.kind() == ErrorKind::AddrInUse => {}
                done => return done,
            }
        }
        let taken = format!("all {} pairs of ports from {} on are taken", self.pairs, self.first);
        Err(io::Error::new(ErrorKind::AddrInUse, taken))
    }
}

fn bind_pair(ip: IpAddr, port: u16) -> io::Result<[UdpSocket; 2]> {
    let bind = |port| UdpSocket::bind(SocketAddr::new(ip, port));
    Ok([bind(port)?, bind(port + 1)?])
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 0, 1));

    fn number(pair: &[UdpSocket; 2]) -> [u16; 2] {
        [0, 1].map(|n: usize| pair[n].local_addr().unwrap().port())
    }

    #[test]
    fn pairs_are_even_and_odd_and_used_in_turn() {
        let mut ports = Ports::new(&(16_001..=16_006)).unwrap();
        let taken = std::net::UdpSocket::bind((LOCAL, 16_005)).unwrap();
        let first = ports.bind(LOCAL).unwrap();
        assert_eq!(number(&first), [16_002, 16_003]);
        assert_eq!(ports.bind(LOCAL).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(taken);
        assert_eq!(number(&ports.bind(LOCAL).unwrap()), [16_004, 16_005]);
        drop(first);
        assert_eq!(number(&ports.bind(LOCAL).unwrap()), [16_002, 16_003]);
    }

    #[test]
    fn a_range_without_a_pair_is_refused() {
        assert!(Ports::new(&(5001..=5002)).is_err());
        assert!(Ports::new(&(5000..=5000)).is_err());
        assert_eq!(Ports::new(&(65_534..=65_535)).unwrap().pairs, 1);
    }
}
