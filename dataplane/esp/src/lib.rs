//! IPsec's data plane: ESP (RFC 4303) in tunnel and transport mode, its associations and policies
//! (RFC 4301), without I/O and in place.
//!
//! An [`Ipsec`] is one worker's. Whoever manages keys adds associations ([`SaSpec`]) and
//! policies ([`Policy`]); packets come in bursts, each in a buffer with room on both sides
//! ([`Packet`]), and leave with a [`Verdict`].
//!
//! # The order of things
//!
//! From the peer: find the association by SPI and destination, look whether it lives, infer the
//! number, check for replay, verify the ICV, commit the number, count against the lifetime, decrypt,
//! check padding and next header, and at last whether the association is for what came out and
//! policy demands it. To the peer: find the policy, the newest live association, see whether the
//! packet fits, give it the next number, encrypt, authenticate.
//!
//! The ciphers get all packets of a burst at once, whatever associations they are of. Each packet's
//! number and its association's limits are looked at once more behind them, in the packets' order.
//!
//! # What there is
//!
//! | what | rule | from |
//! |---|---|---|
//! | suites | AES-GCM-16, AES-CBC or NULL with HMAC-SHA1-96 or HMAC-SHA2-256-128 ([`Suite`]) | RFC 8221 |
//! | numbers | 32 bits, or 64 of which 32 travel; they end before they wrap | RFC 4303 §2.2.1 |
//! | replay window | 64 to 4,096 packets | RFC 4303 §3.4.3 |
//! | ESP in UDP | keepalives, and a peer that moves | RFC 3948 |
//! | service class, congestion | copied or set; the table | RFC 4301 §5.1.2, RFC 6040 |
//! | long packets | inner fragments in a tunnel, outer ones else, or an ICMP answer; what a path takes is learned and forgotten again | RFC 4301 §8 |
//! | lifetime | time, octets, packets; soft, hard | RFC 4301 §4.4.2.1 |
//! | concealment | TFC padding, dummy packets | RFC 4303 §2.6, §2.7 |
//!
//! # Covering
//!
//! [`Ipsec::covers`] tells whether a flow is protected both ways; [`Verdict::Protected`] that a packet
//! was. Nothing else is a proof.
//!
//! # What is not here
//!
//! IKE, AH, compression, multicast. In transport mode through address translation transport
//! checksums come out as the peer made them: tunnels are for that. A packet that finds no
//! association is dropped, not held: whoever sends it says it again.
//!
//! # Invariants
//!
//! - Time is an argument; nothing here reads a clock or a socket.
//! - No allocation, lock or system call per packet; joining fragments is bounded.
//! - A stranger's packet changes nothing but counters.
//! - No initialization vector is used twice under a key: numbers only go up, and no second outbound
//!   association counts under the same GCM key at the same time. Keys that outlive the process are
//!   not for GCM.
//! - One answer, and one way to it, for a wrong ICV whatever is behind it: padding is looked at only
//!   when the ICV verified.
//! - Key material is erased when dropped and never printed.
//!
//! This crate must not know who brings keys, calls, or ports of the machine.

#![forbid(unsafe_code)]

pub mod encapsulation;
pub mod fragment;
pub mod icmp;

mod associations;
mod covering;
mod event;
mod inbound;
mod inner_fragments;
mod ip;
mod ipsec;
mod keys;
mod lifetime;
mod outbound;
mod packet;
mod policy;
mod reassembly;
mod replay;
mod report;
#[cfg(test)]
mod rollover;
mod sa;
mod selector;
mod suite;
mod transform;
mod tunnel;
#[cfg(test)]
mod vectors;
mod verdict;

pub use covering::{Cover, Gap, Uncovered, Ward};
pub use event::Event;
pub use ipsec::{Config, Counters, Ipsec, SaId};
pub use keys::{KeyError, Keys};
pub use lifetime::{Lifetime, LimitKind, Limits};
pub use packet::{HEADROOM, Packet, TAILROOM};
pub use policy::{Action, Policy, RequestId};
pub use reassembly::Reassembler;
pub use replay::{MAX_WINDOW, MIN_WINDOW};
pub use report::SaReport;
pub use sa::{Encapsulation, Mode, SaError, SaSpec, SaState, SaStats};
pub use selector::{AddressRange, Direction, Flow, Selector};
pub use suite::Suite;
pub use tunnel::{DontFragment, Dscp, OuterRules};
pub use verdict::{DropReason, Drops, Verdict};
