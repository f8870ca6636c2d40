//! The data-plane daemon `ringfence-datad`.
//!
//! Four kinds of threads:
//!
//! - the *packet worker* (`worker.rs`), pinned to a core, owns the engine, the packet memory and the
//!   ports, and shares nothing;
//! - the *control loop* (`control.rs`) owns the MGCP gateway and the `ng` front (`ng/`), follows the kernel's routes and
//!   neighbours (`neighbours.rs`) and talks to the worker through queues.
//!   MGCP that must be protected ends there too, in `ipsec/`, and so does its backhaul
//!   (`backhaul.rs`); ESP that comes past the kernel the worker lays aside for it (`aside.rs`);
//! - the *telephones* behind voice endpoints (`lines/`), where there are any: to the worker they are
//!   one more port, to the control loop a source of events;
//! - *reporters* (`status_server.rs`, `metrics.rs`, `tap.rs`) ask both and answer operators.
//!
//! Invariants:
//! - Everything that needs privilege is opened first (`ports.rs`); then privileges are given up
//!   (`privilege.rs`); then threads are started.
//! - A clean stop says so to the call agents, erases the keys and detaches XDP. After an unclean one
//!   the kernel detaches it, or, where `pins` are configured, it goes on with what it forwards until the
//!   next start (`left.rs`).
//! - Nothing here decides about packets or calls: the engine and the gateway do.

pub mod config;
pub mod testing;

mod aside;
mod backhaul;
mod control;
mod flood;
mod ipsec;
mod left;
pub mod lines;
mod metrics;
mod neighbours;
mod netlink;
mod ng;
mod ports;
mod privilege;
mod queues;
mod reports;
mod run;
mod status_server;
mod tap;
mod unreachable;
mod worker;
mod xdp_features;

pub use run::run;
