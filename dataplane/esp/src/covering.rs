//! Does a live association cover this path?
//!
//! Who holds keys that must not travel in clear asks here before they are put into a message, flow
//! by flow. That an answer was right for a packet received is told by its verdict alone.

use std::fmt;
use std::time::Instant;

use crate::associations::Associations;
use crate::policy::{Action, Policies};
use crate::sa::SaState;
use crate::selector::{Direction, Flow, Match};
use crate::{SaId, Suite};

/// A flow is covered, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The association that packets to the peer leave under.
    pub outbound: Ward,
    /// The newest one that packets from the peer may come under.
    pub inbound: Ward,
}

/// One direction of a covered flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ward {
    /// The association.
    pub sa: SaId,
    /// Its number in packets.
    pub spi: u32,
    /// Its suite, which encrypts.
    pub suite: Suite,
    /// Since when there is one.
    pub since: Instant,
    /// When the last packet went through it.
    pub last_used: Option<Instant>,
}

/// Why a flow is not covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncovered {
    /// In which direction.
    pub direction: Direction,
    /// What is missing.
    pub why: Gap,
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// No policy is for the flow, so it does not pass at all.
    NoPolicy,
    /// Policy lets it pass in clear.
    Bypass,
    /// Policy discards it.
    Discard,
    /// Policy demands protection, and no association is there.
    NoSa,
    /// There was one, and its lifetime is over.
    Expired,
    /// The association does not encrypt.
    NullCipher,
}

impl fmt::Display for Uncovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Gap::NoPolicy => "no policy",
            Gap::Bypass => "policy lets it pass in clear",
            Gap::Discard => "policy discards it",
            Gap::NoSa => "no association",
            Gap::Expired => "the association's lifetime is over",
            Gap::NullCipher => "the association does not encrypt",
        };
        write!(f, "{}: {why}", self.direction)
    }
}

pub(crate) fn covers(
    now: Instant,
    policies: &Policies,
    associations: &Associations,
    flow: &Flow,
) -> Result<Cover, Uncovered> {
    let ward = |direction| {
        ward(now, policies, associations, direction, flow)
            .map_err(|why| Uncovered { direction, why })
    };
    Ok(Cover { outbound: ward(Direction::Outbound)?, inbound: ward(Direction::Inbound)? })
}

fn ward(
    now: Instant,
    policies: &Policies,
    associations: &Associations,
    direction: Direction,
    flow: &Flow,
) -> Result<Ward, Gap> {
    let request = match policies.find(direction, flow) {
        Some(Action::Protect(request)) => request,
        Some(Action::Bypass) => return Err(Gap::Bypass),
        Some(Action::Discard) => return Err(Gap::Discard),
        None => return Err(Gap::NoPolicy),
    };
    let mut why = Gap::NoSa;
    let all = associations.of_request(direction, request);
    for sa in all.filter(|sa| sa.matches(flow) == Match::Yes) {
        if sa.state == SaState::Expired || !sa.is_usable(now) {
            why = Gap::Expired;
            continue;
        }
        let suite = sa.spec.keys.suite();
        // Packets may come under any of several, go under the first: none of them may be readable.
        if !suite.encrypts() {
            return Err(Gap::NullCipher);
        }
        return Ok(Ward {
            sa: sa.id,
            spi: sa.spec.spi,
            suite,
            since: sa.added,
            last_used: sa.last_used,
        });
    }
    Err(why)
}
