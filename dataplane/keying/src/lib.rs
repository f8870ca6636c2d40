//! How keys come to [`esp`]: three ways, and none is an IKE daemon of our own.
//!
//! *From the daemon* ([`feed`]): its plugin hands over what it has negotiated. This is what
//! `ringfence-datad` uses; the kernel needs no ESP.
//!
//! *From the kernel* ([`xfrm`], [`Mirror`]): strongSwan's charon negotiates and installs associations
//! and policies in the kernel, as it does everywhere; the kernel announces them, keys included,
//! to whoever has CAP_NET_ADMIN. The mirror repeats in an [`esp::Ipsec`] what is announced. The
//! kernel must have ESP (CONFIG_INET_ESP), or it refuses what charon installs. The kernel and we must
//! not both send under an association: packets of its flows are ours.
//!
//! *By hand* ([`manual`]): from the configuration, for laboratories. Such keys are never replaced, and
//! after a restart numbers begin anew: the peer then refuses packets until it forgets, and suites
//! whose vectors count (GCM) would betray their key, so they are refused.
//!
//! Who the peer is, the daemon alone knows: [`vici`] asks it.
//!
//! # Invariants
//!
//! - Messages are read by pure functions and applied to an `Ipsec`; only [`Socket`] does I/O.
//! - An association that was there before us is not used: nobody tells how far its numbers have
//!   come. [`Outcome::Older`] says that it needs a successor.
//! - Octets that held keys are erased when they have been read.
//!
//! This crate must not know of packets, calls and call agents.

#![forbid(unsafe_code)]

pub mod feed;
pub mod manual;
pub mod vici;
pub mod xfrm;

mod mirror;
mod socket;

pub use mirror::{Mirror, Origin, Outcome};
pub use socket::Socket;
