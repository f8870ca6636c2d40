//! Which interfaces send frames of XDP programs: what the kernel says ([`netdev`]).
//!
//! It must be asked, and again from time to time: a frame that is redirected to an interface that
//! sends none is lost without a word.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use netdev::Netdev;
use port::PortId;

/// How often interfaces are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// What is known of the interfaces of a worker's ports.
pub struct XdpFeatures {
    /// None where it is too old.
    kernel: Option<Netdev>,
    ports: Vec<Watched>,
    next_look: Instant,
}

struct Watched {
    port: PortId,
    name: String,
    interface: u32,
    takes: Takes,
}

/// Whether an interface sends frames of XDP programs; if not, why.
pub type Takes = Result<(), Cow<'static, str>>;

impl XdpFeatures {
    /// Watches these interfaces, by name and number.
    pub fn new(now: Instant, interfaces: Vec<(PortId, String, u32)>) -> Self {
        let mut features =
            Self { kernel: Netdev::open().ok(), ports: Vec::new(), next_look: now + EVERY };
        for (port, name, interface) in interfaces {
            let takes = features.ask(&name, interface);
            features.ports.push(Watched { port, name, interface, takes });
        }
        features
    }

    /// What is known of the interface of a port.
    pub fn of(&self, port: PortId) -> Takes {
        let watched = self.ports.iter().find(|watched| watched.port == port);
        watched.map_or_else(|| Err("packets do not leave by XDP".into()), |it| it.takes.clone())
    }

    /// When [`XdpFeatures::changes`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.ports.is_empty() && self.kernel.is_some()).then_some(self.next_look)
    }

    /// Looks again, when it is time, and tells what has changed.
    pub fn changes(&mut self, now: Instant) -> Vec<(PortId, Takes)> {
        if now < self.next_look {
            return Vec::new();
        }
        self.next_look = now + EVERY;
        let mut changes = Vec::new();
        for at in 0..self.ports.len() {
            let Watched { name, interface, .. } = &self.ports[at];
            let takes = self.ask(name, *interface);
            let watched = &mut self.ports[at];
            if watched.takes != takes {
                watched.takes = takes.clone();
                changes.push((watched.port, takes));
            }
        }
        changes
    }

    fn ask(&self, name: &str, interface: u32) -> Takes {
        match self.kernel.as_ref().map(|kernel| kernel.features(interface)) {
            Some(Ok(features)) if features.sends_frames() => Ok(()),
            Some(Ok(_)) => Err(format!(
                "{name} sends no frames of XDP programs; on a veth, its other end needs GRO \
                 (`ethtool -K … gro on`) or an XDP program"
            )
            .into()),
            Some(Err(error)) => Err(format!("the kernel does not describe {name}: {error}").into()),
            None => Err("the kernel does not tell which interfaces send frames of XDP programs; \
                         Linux 6.3 does"
                .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_sends_none_and_says_why() {
        let now = Instant::now();
        let mut features = XdpFeatures::new(now, vec![(PortId(0), "lo".into(), 1)]);
        let why = features.of(PortId(0)).unwrap_err();
        assert!(why.contains("XDP"), "{why}");
        assert!(features.changes(now + 2 * EVERY).is_empty(), "it has not changed");
        assert!(features.of(PortId(1)).is_err());
    }
}
