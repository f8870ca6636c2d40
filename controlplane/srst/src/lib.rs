//! Survivable remote site telephony: what centre and gateway have to do with each other.
//!
//! ```text
//!            centre                                    gateway at the branch
//!   update-certificate ── TLS, 2445 ──────────────────▶ provider: its certificate
//!   centre ◀── TLS, both show their certificates ────── agent: "I am here, I have this"
//!          ─── signed bundle: phones, lines, issuers ─▶ vault (encrypted) ─▶ branch (a store)
//!                                                       watch: is the centre there?
//!                                                       homecoming: who is sent back when
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`certificate`] | what a gateway's certificate must be; fetching it |
//! | [`provider`] | a gateway shows its certificate |
//! | [`bundle`] | what a gateway needs of the centre, signed |
//! | [`branch`] | a bundle becomes a store that call processing runs on |
//! | [`vault`] | a bundle on disk, encrypted |
//! | [`link`] | what centre and gateway say to each other |
//! | [`centre`] | the centre's end: gateways that report, bundles for them |
//! | [`agent`] | the gateway's end: reports to one centre after another |
//! | [`watch`] | whether the centre is there; without I/O |
//! | [`homecoming`] | phones go home in order; without I/O |
//! | [`tls`] | TLS between them: both know the very certificate of the other |
//!
//! Invariants:
//! - A certificate that a person did not accept replaces none.
//! - A gateway gets phones of its own reference only, and only after it has proved that it has the
//!   key of the reference's certificate.
//! - A gateway believes a bundle only if a centre that it was told of has signed it.
//! - What a gateway was given is on disk only under a key of its own.
//!
//! This crate must not know SCCP, or how calls are processed.

#![forbid(unsafe_code)]

pub mod agent;
pub mod branch;
pub mod bundle;
pub mod centre;
pub mod certificate;
pub mod homecoming;
pub mod link;
pub mod provider;
pub mod tls;
pub mod vault;
pub mod watch;
