//! The control-plane daemon: it puts the parts together and keeps them running.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | its section of `/etc/ringfence/ringfence.toml` |
//! | [`activation`] | sockets that systemd opened |
//! | [`office`] | what administrators ask, carried out: one handler for each request of `console` |
//! | [`socket`] | the administration socket |
//! | [`services`] | the services of this node: started and stopped as the database says |
//! | [`telephony`] | call processing, as the office sees it |
//! | [`syslog`] | the audit log, told to a collector |
//! | [`trends`] | phones and calls over the last day |
//! | [`administration`] | the office behind HTTPS |
//! | [`capf`] | CAPF, put together out of this node's settings |
//! | [`srst`] | gateways of branches: the centre's end, and the gateway itself |
//! | [`metrics`] | what Prometheus is told |
//! | [`archivist`] | backups: made, kept, checked, restored |
//! | [`phones`] | what phones ask and hold |
//! | [`identity`] | this node's own certificate |
//! | [`privilege`] | giving up root |
//!
//! Invariants:
//! - It runs without privilege: sockets below port 1024 are passed by systemd, or opened first, and
//!   then root is given up.
//! - Every change goes through the store with the name of the person who asked.
//!
//! This crate must not know formats or protocols: those are in the crates it starts.

#![forbid(unsafe_code)]

pub mod activation;
pub mod administration;
pub mod archivist;
pub mod callmanager;
pub mod capf;
pub mod config;
pub mod database;
pub mod identity;
pub mod metrics;
pub mod office;
pub mod phones;
pub mod privilege;
pub mod services;
pub mod socket;
pub mod srst;
pub mod syslog;
pub mod telephony;
pub mod trends;
