//! The cell: TLS of telephones that know nothing better than TLS 1.0, ended in a process of its
//! own, so that OpenSSL at security level 0 is nowhere near the database, the keys of the cluster
//! or the calls.
//!
//! | module | holds |
//! |---|---|
//! | [`client`] | controld's half: services are given to the cell, connections come back |
//! | [`link`] | what the two say to each other |
//! | [`cell`] | the process: handshakes, certificates, limits, the sandbox |
//! | [`certificate`] | whose certificate it is, and whether it may be used |
//! | [`hello`] | what a client offers, read before anybody answers |
//!
//! A connection's way: the cell accepts it, shakes hands, checks the certificate, and makes a pair
//! of sockets; one end goes to controld with everything that TLS knows of the peer, between the
//! other end and TLS the cell moves bytes. So a telephone's connection is an ordinary
//! [`UnixStream`](std::os::unix::net::UnixStream) to whoever serves it.
//!
//! Invariants:
//! - After start the cell opens no file, no socket and no process; it has the listening sockets and
//!   the key that controld handed in, and nothing else.
//! - A connection reaches controld only after every check of its service was passed.
//! - Either side may be started anew at any time. The listening sockets are controld's: while the
//!   cell is away, telephones wait in their queues.
//! - What strangers send costs bounded memory, and is reported at a bounded rate.
//!
//! This crate must not know SCCP, CAPF, devices or their settings.

#![forbid(unsafe_code)]

pub mod cell;
pub mod certificate;
mod channel;
pub mod client;
pub mod hello;
pub mod link;
