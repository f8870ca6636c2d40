//! Fragments inside tunnels (RFC 4301 §7.3): a later one, whose ports nobody sees, passes where the
//! first one passed.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use crate::SaId;
use crate::ip::Ip;

const DATAGRAMS: usize = 64;
const REMEMBERED: Duration = Duration::from_secs(30);

/// Datagrams whose first fragment has passed.
#[derive(Default)]
pub(crate) struct InnerFragments {
    seen: ArrayVec<Seen, DATAGRAMS>,
    oldest: usize,
}

struct Seen {
    datagram: Datagram,
    until: Instant,
}

#[derive(PartialEq, Eq)]
struct Datagram {
    sa: SaId,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    identification: u32,
}

impl Datagram {
    fn of(sa: SaId, ip: &Ip) -> Self {
        Self {
            sa,
            source: ip.source,
            destination: ip.destination,
            protocol: ip.protocol,
            identification: ip.identification,
        }
    }
}

impl InnerFragments {
    /// Remembers the first fragment of a datagram. The oldest of too many is forgotten.
    pub(crate) fn remember(&mut self, now: Instant, sa: SaId, ip: &Ip) {
        let seen = Seen { datagram: Datagram::of(sa, ip), until: now + REMEMBERED };
        if let Err(full) = self.seen.try_push(seen) {
            self.seen[self.oldest] = full.element();
            self.oldest = (self.oldest + 1) % DATAGRAMS;
        }
    }

    pub(crate) fn knows(&self, now: Instant, sa: SaId, ip: &Ip) -> bool {
        let datagram = Datagram::of(sa, ip);
        self.seen.iter().any(|seen| seen.datagram == datagram && now < seen.until)
    }
}
