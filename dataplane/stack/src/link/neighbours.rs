//! Neighbours' link-layer addresses, and packets that wait for one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use wire::ethernet::MacAddr;

/// How long an answer is believed without asking again.
const FRESH: Duration = Duration::from_secs(60);
/// How long an answer is waited for, and how often is asked.
const PATIENCE: Duration = Duration::from_secs(1);
const TRIES: u8 = 3;
/// Neighbours that are known, and packets that wait for one of them.
const NEIGHBOURS: usize = 256;
const WAITING: usize = 64;

/// Who is known and who is being asked.
#[derive(Default)]
pub(super) struct Neighbours(HashMap<IpAddr, Neighbour>);

struct Neighbour {
    mac: Option<MacAddr>,
    fresh_until: Instant,
    /// When an answer is given up, and how often was asked.
    asking: Option<(Instant, u8)>,
    waiting: Vec<Vec<u8>>,
}

/// What is to be done with a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Send it.
    Known(MacAddr, Vec<u8>),
    /// Send it, and ask whether the neighbour is still there.
    Stale(MacAddr, Vec<u8>),
    /// It waits; ask.
    Ask,
    /// It waits, and somebody has asked.
    Waits,
    /// It was dropped: too much waits.
    Full,
}

impl Neighbours {
    pub(super) fn look_up(&mut self, now: Instant, hop: IpAddr, packet: Vec<u8>) -> Lookup {
        if self.0.len() == NEIGHBOURS && !self.0.contains_key(&hop) {
            return Lookup::Full;
        }
        let neighbour = self.0.entry(hop).or_insert_with(|| Neighbour {
            mac: None,
            fresh_until: now,
            asking: None,
            waiting: Vec::new(),
        });
        let asked = neighbour.asking.is_some();
        if let Some(mac) = neighbour.mac {
            if now < neighbour.fresh_until || asked {
                return Lookup::Known(mac, packet);
            }
            neighbour.asking = Some((now + PATIENCE, 1));
            return Lookup::Stale(mac, packet);
        }
        if neighbour.waiting.len() == WAITING {
            return Lookup::Full;
        }
        neighbour.waiting.push(packet);
        if asked {
            return Lookup::Waits;
        }
        neighbour.asking = Some((now + PATIENCE, 1));
        Lookup::Ask
    }

    /// Believes an answer if somebody has asked, and gives what has waited for it.
    pub(super) fn answered(&mut self, now: Instant, about: IpAddr, mac: MacAddr) -> Vec<Vec<u8>> {
        match self.0.get_mut(&about) {
            Some(neighbour) if neighbour.asking.is_some() => {
                neighbour.mac = Some(mac);
                neighbour.fresh_until = now + FRESH;
                neighbour.asking = None;
                std::mem::take(&mut neighbour.waiting)
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.0.values().filter_map(|neighbour| neighbour.asking).map(|(until, _)| until).min()
    }

    /// Whom to ask again; and how many packets are given up with their neighbour.
    pub(super) fn handle_timeout(&mut self, now: Instant, again: &mut Vec<IpAddr>) -> u64 {
        let mut given_up = 0;
        self.0.retain(|hop, neighbour| match &mut neighbour.asking {
            Some((until, tries)) if *until <= now => {
                if *tries == TRIES {
                    given_up += neighbour.waiting.len() as u64;
                    return false;
                }
                *tries += 1;
                *until = now + PATIENCE;
                again.push(*hop);
                true
            }
            // Nobody has sent there for long: there is room for others.
            None => now < neighbour.fresh_until + FRESH,
            Some(_) => true,
        });
        given_up
    }
}
