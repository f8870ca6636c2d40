//! Keys straight from the IKE daemon, for machines whose kernel has no ESP.
//!
//! Strongswan's charon hands associations and policies to whatever does ESP through its kernel
//! interface. `ringfence-charon-plugin` is one: it puts each call into an [`Order`], sends that
//! over a Unix socket and waits for the [`Answer`]. Here a [`Feed`] does what orders say with an
//! [`esp::Ipsec`], and tells the daemon what happens to associations ([`Notice`]): that they want
//! successors, that packets want some, that a peer has moved.
//!
//! Frames are a length of 32 bits, a kind, and numbers with their highest octet first. Who may be at
//! the other end is for the owners of the socket to check; they erase what they have read.

mod apply;
mod order;
mod wire;

pub use apply::{Feed, Refusal};
pub use order::{Answer, Notice, Order, PolicyRecord, SaRecord, Secret, Side, Word};
pub use wire::{BadFrame, FrameReader, MAX_FRAME};

/// Where the data plane listens unless its settings say otherwise.
pub const DEFAULT_SOCKET: &str = "/run/ringfence/keys.sock";

/// Of the frames. It grows when their meaning changes, and both ends must have the same.
pub const VERSION: u16 = 1;
