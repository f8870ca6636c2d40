//! Flows of the fast tier that this daemon has left behind when it crashed.
//!
//! Nobody commands them any more: call agents hear of the restart and open their calls anew. Until
//! whoever talks has moved there, and fallen silent here, the old flows go on, and their ports are not
//! lent to others.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use media::Ports;
use port_xdp::Program;
use tracing::info;

const EVERY: Duration = Duration::from_secs(1);

/// Silence after which a flow that was left ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// Has charge of them.
pub struct Left {
    programs: Vec<Arc<Program>>,
    ports: Ports,
    /// Where they arrive, with the network it is on.
    reserved: Vec<(SocketAddr, usize)>,
    next_look: Instant,
}

impl Left {
    /// Finds what was left in these programs, and keeps the ports.
    pub fn new(now: Instant, programs: Vec<Arc<Program>>, ports: Ports) -> Self {
        let flows: Vec<_> = programs.iter().flat_map(|program| program.left()).collect();
        if !flows.is_empty() {
            info!(flows = flows.len(), "media goes on that was left by a crash");
        }
        let reserved = flows.into_iter().filter_map(|local| Some((local, ports.reserve(local)?)));
        Self { reserved: reserved.collect(), programs, ports, next_look: now + EVERY }
    }

    /// When [`Left::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.reserved.is_empty()).then_some(self.next_look)
    }

    /// Ends what has fallen silent, when it is time to look.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.reserved.is_empty() || now < self.next_look {
            return;
        }
        self.next_look = now + EVERY;
        for local in self.programs.iter().flat_map(|program| program.end_silent(PATIENCE)) {
            let ports = &self.ports;
            self.reserved.retain(|&(reserved, network)| {
                if reserved == local {
                    ports.give_back(network, local);
                }
                reserved != local
            });
        }
        if self.reserved.is_empty() {
            info!("the media that was left by a crash has ended");
        }
    }

    /// Nothing is to be left any more.
    pub fn retire(&self) {
        self.programs.iter().for_each(|program| program.retire());
    }
}
