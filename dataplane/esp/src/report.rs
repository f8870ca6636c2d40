//! What is told about an association. Never its keys.

use std::net::IpAddr;
use std::time::Instant;

use crate::policy::RequestId;
use crate::sa::{Encapsulation, Mode, Sa, SaState, SaStats};
use crate::selector::{Direction, Selector};
use crate::{SaId, Suite};

/// An association as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaReport {
    /// Its handle.
    pub id: SaId,
    /// Which way.
    pub direction: Direction,
    /// Its number in packets.
    pub spi: u32,
    /// The end that sends.
    pub source: IpAddr,
    /// The end that receives.
    pub destination: IpAddr,
    /// Transport or tunnel.
    pub mode: Mode,
    /// Its suite.
    pub suite: Suite,
    /// The policy it is for.
    pub request: RequestId,
    /// The traffic it is for.
    pub selectors: Vec<Selector>,
    /// Whether its packets travel in UDP.
    pub encapsulation: Option<Encapsulation>,
    /// Whether numbers have 64 bits.
    pub extended_sequence: bool,
    /// How far it has come.
    pub state: SaState,
    /// When it was added.
    pub added: Instant,
    /// When the last packet went through.
    pub last_used: Option<Instant>,
    /// The last number sent, or the highest received.
    pub sequence: u64,
    /// Its figures.
    pub stats: SaStats,
}

impl SaReport {
    pub(crate) fn of(sa: &Sa) -> Self {
        let spec = &sa.spec;
        Self {
            id: sa.id,
            direction: spec.direction,
            spi: spec.spi,
            source: spec.source,
            destination: spec.destination,
            mode: spec.mode,
            suite: spec.keys.suite(),
            request: spec.request,
            selectors: spec.selectors.clone(),
            encapsulation: spec.encapsulation,
            extended_sequence: spec.extended_sequence,
            state: sa.state,
            added: sa.added,
            last_used: sa.last_used,
            sequence: match spec.direction {
                Direction::Outbound => sa.sequence,
                Direction::Inbound => sa.window.highest(),
            },
            stats: sa.stats,
        }
    }
}
