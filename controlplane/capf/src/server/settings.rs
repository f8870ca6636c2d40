//! What the service's administrator decides for all phones.

use std::time::Duration;

use super::Anchors;

/// Settings of the service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long what may take.
    pub timers: Timers,
    /// Maximum Allowable Attempts for Key Generation.
    pub key_attempts: u32,
    /// Prefixes of device names that are served.
    pub prefixes: Vec<String>,
    /// Whose certificates phones may show.
    pub anchors: Anchors,
    /// Which proofs a phone must make over its certificate.
    pub proofs: Proofs,
    /// What a phone is told that should come back.
    pub when_not_now: WhenNotNow,
}

impl Default for Settings {
    /// As vendors ship it; no certificate is accepted until there are anchors.
    fn default() -> Self {
        Self {
            timers: Timers::default(),
            key_attempts: 3,
            prefixes: vec!["SEP".to_owned()],
            anchors: Anchors::default(),
            proofs: Proofs::default(),
            when_not_now: WhenNotNow::RetryLater,
        }
    }
}

/// How long what may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timers {
    /// The phone, to answer anything but a key request.
    pub idle: Duration,
    /// Maximum Allowable Time for Key Generation, per attempt.
    pub key_generation: Duration,
    /// Whoever answers questions about devices and strings, and keeps records.
    pub answer: Duration,
    /// Whoever issues; after that the phone is told to come back.
    pub issue: Duration,
    /// The whole session.
    pub session: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30),
            key_generation: Duration::from_secs(30 * 60),
            answer: Duration::from_secs(30),
            issue: Duration::from_secs(30),
            session: Duration::from_secs(100 * 60),
        }
    }
}

/// Which proofs a phone must make over its certificate. SIGNED_DATA is always one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proofs {
    /// SHA2_SIGNED_DATA too. Never asked of [`super::Profile::Legacy`] phones, nor of keys too
    /// short to make it; whoever sends it must have made it right.
    pub sha2: bool,
    /// SUDI_DATA too, the one proof that is worth nothing in any other session. Whoever sends it
    /// must have made it right.
    pub sudi: bool,
}

impl Default for Proofs {
    fn default() -> Self {
        Self { sha2: true, sudi: false }
    }
}

/// What a phone is told that should come back: because its certificate is not there yet, or
/// because there is no time for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenNotNow {
    /// RETRY_LATER with a delay. How phones read its body is not known.
    RetryLater,
    /// END_SESSION with "no action"; the operation stays pending, and the phone comes again at its
    /// next reset.
    EndSession,
}
