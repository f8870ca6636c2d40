//! Whether keys may go to a gateway: what protects the way to it, and what the policy says.

use std::net::SocketAddr;
use std::time::Instant;

use super::config::{GatewayConfig, KeyPolicy, PathSource};

/// Knows what IPsec protects on this host.
pub trait Paths: Send {
    /// Whether datagrams between us and a gateway are protected, both ways, at this moment.
    fn look(&mut self, now: Instant, way: &Way<'_>) -> Cover;
}

/// The way between us and a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way<'a> {
    /// Our end, UDP.
    pub ours: SocketAddr,
    /// The gateway's.
    pub theirs: SocketAddr,
    /// Who the gateway must have proven to be.
    pub identity: Option<&'a str>,
}

/// What is known of a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cover {
    /// It is covered.
    Covered {
        /// By this association, for audit records.
        association: String,
    },
    /// It is not, or nobody knows.
    Open {
        /// Why, in English.
        reason: String,
    },
}

/// On a host without IPsec no way is covered.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPaths;

impl Paths for NoPaths {
    fn look(&mut self, _: Instant, _: &Way<'_>) -> Cover {
        Cover::Open { reason: "no IKE daemon is asked on this node".to_owned() }
    }
}

/// What lets keys go, or holds them back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// IPsec covers the way.
    Covered {
        /// By this association.
        association: String,
    },
    /// The way does not leave this host, or the operator vouches for it.
    Trusted {
        /// Which of both.
        why: &'static str,
    },
    /// Nothing covers it, and the policy lets keys go nevertheless.
    InClear {
        /// Why it is not covered.
        reason: String,
    },
    /// Nothing covers it.
    Refused {
        /// Why it is not covered.
        reason: String,
    },
}

impl Verdict {
    /// Whether keys may go.
    pub fn lets_keys_go(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }

    /// Why nothing covers the way, if that is so.
    pub fn open(&self) -> Option<&str> {
        match self {
            Self::Covered { .. } | Self::Trusted { .. } => None,
            Self::InClear { reason } | Self::Refused { reason } => Some(reason),
        }
    }

    /// What protects the way, for records.
    pub fn detail(&self) -> String {
        match self {
            Self::Covered { association } => format!("IPsec association {association}"),
            Self::Trusted { why } => (*why).to_owned(),
            Self::InClear { reason } => format!("in clear: {reason}"),
            Self::Refused { reason } => format!("held back: {reason}"),
        }
    }
}

/// Judges the way to a gateway.
pub(super) fn judge(
    paths: &mut dyn Paths,
    now: Instant,
    gateway: &GatewayConfig,
    ours: SocketAddr,
    theirs: SocketAddr,
) -> Verdict {
    if theirs.ip().to_canonical().is_loopback() {
        return Verdict::Trusted { why: "the way does not leave this host" };
    }
    if gateway.key_policy == KeyPolicy::TrustedPath {
        return Verdict::Trusted { why: "the operator vouches for the way" };
    }
    let cover = match &gateway.path {
        PathSource::Elsewhere => {
            Cover::Open { reason: "IPsec ends in another box, which cannot be asked".to_owned() }
        }
        PathSource::Here { identity } => {
            paths.look(now, &Way { ours, theirs, identity: identity.as_deref() })
        }
    };
    match (cover, gateway.key_policy) {
        (Cover::Covered { association }, _) => Verdict::Covered { association },
        (Cover::Open { reason }, KeyPolicy::Require) => Verdict::Refused { reason },
        (Cover::Open { reason }, _) => Verdict::InClear { reason },
    }
}
