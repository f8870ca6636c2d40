//! What the fronts of the relay have in common: the media networks, the ports that are lent from
//! them, and the keys of SRTP as SDP carries them (RFC 4568).
//!
//! The fronts are the MGCP gateway and the `ng` front. They command one engine over one set of
//! addresses, so a pair of ports that one has lent is not the other's: clones of [`Ports`] lend from
//! the same pools.
//!
//! This crate must not know of any protocol that commands a relay, nor of calls.

#![forbid(unsafe_code)]

mod network;
mod ports;
mod sdes;

pub use network::{Network, NetworkError, Prefix, PrefixError, check};
pub use ports::{Ports, Rotation};
pub use sdes::{are_terms_supported, fresh_key, keying, same_key};
