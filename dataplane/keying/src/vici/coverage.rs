//! Is this flow protected, as far as charon knows?

use std::fmt;
use std::time::Instant;

use esp::{Flow, Mode};

use super::association::{ChildSa, ChildState, IkeSa};
use super::charon::Picture;

/// What a path must be like beside being protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected<'a> {
    /// Who the peer must have proven to be, as charon writes identities: `gw1.example`, or a
    /// distinguished name. None: anybody whom charon trusts.
    pub peer: Option<&'a str>,
    /// Transport or tunnel, if it matters.
    pub mode: Option<Mode>,
}

/// The association that covers a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// The connection and the child, as charon is configured.
    pub connection: String,
    /// The child's name.
    pub child: String,
    /// Charon's number for the pair; with the SPIs it is what an audit record should tell.
    pub id: u32,
    /// The number in packets from the peer.
    pub spi_in: u32,
    /// The number in packets to the peer.
    pub spi_out: u32,
    /// Who the peer has proven to be.
    pub peer: String,
    /// Cipher and integrity in charon's words.
    pub suite: String,
    /// When the pair dies, unless it is replaced.
    pub dies_at: Option<Instant>,
}

/// Why a flow is not covered. The order is that of nearness: of several reasons the last is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Charon is not heard; why.
    Unknown(String),
    /// No association is for it.
    NoAssociation,
    /// There is one that is not installed; charon's word for how far it is.
    NotInstalled(String),
    /// There was one, and its lifetime is over.
    Expired,
    /// It is in transport mode where a tunnel is expected, or the reverse.
    WrongMode,
    /// The association does not encrypt.
    NullCipher,
    /// Nothing shows whether packets were changed.
    NoIntegrity,
    /// The peer has proven to be somebody else: whom.
    WrongPeer(String),
    /// A policy of this name lets it pass in clear, or drops it.
    Shunted(String),
}

impl Gap {
    /// A word for reports and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown",
            Self::NoAssociation => "no-association",
            Self::NotInstalled(_) => "not-installed",
            Self::Expired => "expired",
            Self::WrongMode => "wrong-mode",
            Self::NullCipher => "null-cipher",
            Self::NoIntegrity => "no-integrity",
            Self::WrongPeer(_) => "wrong-identity",
            Self::Shunted(_) => "no-policy",
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(why) => write!(f, "the IKE daemon is not heard: {why}"),
            Self::NoAssociation => f.write_str("no association"),
            Self::NotInstalled(state) => write!(f, "the association is {state}"),
            Self::Expired => f.write_str("the association's lifetime is over"),
            Self::WrongMode => f.write_str("the association is in the wrong mode"),
            Self::NullCipher => f.write_str("the association does not encrypt"),
            Self::NoIntegrity => f.write_str("the association has no integrity protection"),
            Self::WrongPeer(peer) => write!(f, "the peer has proven to be {peer}"),
            Self::Shunted(name) => write!(f, "the policy {name} takes it out of protection"),
        }
    }
}

impl Picture {
    /// Whether a live pair of associations, negotiated with the right peer, covers a flow.
    pub fn coverage(
        &self,
        now: Instant,
        flow: &Flow,
        expected: &Expected<'_>,
    ) -> Result<Covered, Gap> {
        self.freshness(now)?;
        if let Some(shunt) = self.shunts.iter().find(|shunt| shunt.is_for(flow)) {
            return Err(Gap::Shunted(shunt.name.clone()));
        }
        let mut nearest = Gap::NoAssociation;
        for ike in &self.associations {
            for child in ike.children.iter().filter(|child| child.is_for(flow)) {
                match check(now, ike, child, expected) {
                    Ok(covered) => return Ok(covered),
                    Err(gap) => nearest = nearest.max(gap),
                }
            }
        }
        Err(nearest)
    }
}

fn check(
    now: Instant,
    ike: &IkeSa,
    child: &ChildSa,
    expected: &Expected<'_>,
) -> Result<Covered, Gap> {
    match &child.state {
        ChildState::Installed | ChildState::Rekeying => {}
        ChildState::Other(state) => return Err(Gap::NotInstalled(state.clone())),
    }
    if child.dies_at.is_some_and(|end| end <= now) {
        return Err(Gap::Expired);
    }
    if child.mode.is_none() || expected.mode.is_some_and(|mode| child.mode != Some(mode)) {
        return Err(Gap::WrongMode);
    }
    if !child.esp || child.cipher.is_empty() || child.cipher == "NULL" {
        return Err(Gap::NullCipher);
    }
    if child.integrity.is_empty() && !brings_integrity(&child.cipher) {
        return Err(Gap::NoIntegrity);
    }
    if expected.peer.is_some_and(|peer| !is_same_identity(peer, &ike.remote_id)) {
        return Err(Gap::WrongPeer(ike.remote_id.clone()));
    }
    Ok(Covered {
        connection: ike.name.clone(),
        child: child.name.clone(),
        id: child.id,
        spi_in: child.spi_in,
        spi_out: child.spi_out,
        peer: ike.remote_id.clone(),
        suite: child.suite(),
        dies_at: child.dies_at,
    })
}

fn brings_integrity(cipher: &str) -> bool {
    ["AES_GCM", "AES_CCM", "CHACHA20_POLY1305", "CAMELLIA_CCM", "NULL_AES_GMAC"]
        .iter()
        .any(|aead| cipher.starts_with(aead))
}

/// Names of hosts do not care for case; distinguished names not for spaces behind commas.
fn is_same_identity(expected: &str, proven: &str) -> bool {
    let parts = |name: &str| -> Vec<String> {
        name.split(',').map(|part| part.trim().to_owned()).collect()
    };
    if expected.contains('=') {
        parts(expected) == parts(proven)
    } else {
        expected.eq_ignore_ascii_case(proven)
    }
}
