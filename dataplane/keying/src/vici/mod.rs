//! What strongSwan's charon says about its associations: VICI, its Versatile IKE Configuration
//! Interface.
//!
//! Charon never says keys here, but it alone knows who the peer is: the identity that was proven when
//! the associations were negotiated. [`Charon`] keeps up with it, octets in and out; [`Watch`] gives it
//! a socket and a thread.
//!
//! Charon announces changes and is asked again upon each, and every few seconds. While it is not
//! heard nothing is known, and nothing counts as covered ([`Gap::Unknown`]).
//!
//! A word of charon is no proof about a packet: whether *this* one came protected is for the data
//! plane to say.

mod association;
mod charon;
mod coverage;
mod message;
mod packet;
mod traffic;
mod watch;

pub use association::{ChildSa, ChildState, Connection, IkeSa, Shunt};
pub use charon::{Charon, Picture, ProtocolError};
pub use coverage::{Covered, Expected, Gap};
pub use message::{Element, Malformed, Message};
pub use packet::{MAX_PACKET, Packet, Reader};
pub use traffic::Traffic;
pub use watch::Watch;

/// Where charon listens unless its settings say otherwise.
pub const DEFAULT_SOCKET: &str = "/run/charon.vici";
