//! What the XDP program and its loader share: map names, keys, values and the numbers of counters.
//!
//! Every key and value has alignment one or is a plain integer array, so that there is no padding
//! and both sides read the same bytes; the loader hands them to the kernel with `to_bytes` and
//! friends. Numbers that have once meant something are never given to something else.
//!
//! This crate must not know what either side does with the values.
#![no_std]
#![forbid(unsafe_code)]

pub mod lab;

mod esp;
mod flow;
mod limit;
mod media;
mod reason;
mod reception;

pub use esp::{ESP_PORT, EspKey};
pub use flow::{FlowCounters, Rewrite, Route, fold, hop_address, hop_value};
pub use limit::{Limits, Rate};
pub use media::{Address, MediaKey, PortRange};
pub use reason::{Verdict, XdpReason};
pub use reception::{Arrival, Reception};

/// Of what maps that outlive a process hold. It grows with every change of what keys and values of
/// [`maps::OPEN_MEDIA`], [`maps::FLOWS`], [`maps::HOPS`] and [`maps::DEVICES`] mean.
pub const LAYOUT: u32 = 1;

/// Name of the program in the object file.
pub const PROGRAM: &str = "ringfence_xdp";

/// Names of the maps in the object file.
pub mod maps {
    /// Hash map, [`crate::Address`] → [`crate::PortRange`]: the addresses media is received on, and
    /// which of their UDP ports are for media.
    pub const MEDIA_ADDRESSES: &str = "MEDIA_ADDRESSES";
    /// Hash map, [`crate::MediaKey`] → [`crate::Route`]: the media ports that a flow has now, and
    /// where their packets go.
    pub const OPEN_MEDIA: &str = "OPEN_MEDIA";
    /// Hash map, [`crate::EspKey`] → eight `u16`, the peer's address as words of a frame: associations
    /// that end at sockets of ours.
    pub const ESP: &str = "ESP";
    /// Hash map, [`crate::Address`] → `u32` that says nothing: addresses that only we have, and the
    /// kernel knows nothing of.
    pub const OWN_ADDRESSES: &str = "OWN_ADDRESSES";
    /// XSKMAP, receive queue → AF_XDP socket.
    pub const SOCKETS: &str = "SOCKETS";
    /// Per-CPU array of [`crate::FlowCounters`], indexed by [`crate::Route::number`].
    pub const FLOWS: &str = "FLOWS";
    /// Array of `u64`, indexed by [`crate::Route::hop`]: see [`crate::hop_address`].
    pub const HOPS: &str = "HOPS";
    /// Array of one [`crate::Limits`].
    pub const LIMITS: &str = "LIMITS";
    /// Array of `u64`, the state of [`crate::Limits::flow`], indexed by [`crate::Route::budget`].
    pub const BUDGETS: &str = "BUDGETS";
    /// LRU hash map, [`crate::Address`] → `u64`: the state of [`crate::Limits::stranger`].
    pub const STRANGERS: &str = "STRANGERS";
    /// Array of one `u64`: the state of [`crate::Limits::strangers`].
    pub const ALL_STRANGERS: &str = "ALL_STRANGERS";
    /// DEVMAP, [`crate::Route::device`] → interface.
    pub const DEVICES: &str = "DEVICES";
    /// Per-CPU array of `u64`, indexed by [`crate::XdpReason`].
    pub const COUNTERS: &str = "COUNTERS";
}

/// Sizes of the maps when the loader does not say otherwise.
pub mod sizes {
    /// Media addresses of an interface.
    pub const MEDIA_ADDRESSES: u32 = 256;
    /// Open media ports of an interface: RTP and RTCP of both legs of 16384 calls.
    pub const OPEN_MEDIA: u32 = 65536;
    /// Flows and next hops of the fast tier.
    pub const FLOWS: u32 = 1;
    /// Interfaces that the fast tier sends through.
    pub const DEVICES: u32 = 32;
    /// Strangers whose budgets are known; whoever was heard least lately is forgotten.
    pub const STRANGERS: u32 = 16384;
    /// Associations that end at sockets of ours.
    pub const ESP: u32 = 4096;
    /// Addresses that only we have.
    pub const OWN_ADDRESSES: u32 = 16;
    /// Receive queues of an interface.
    pub const SOCKETS: u32 = 64;
}
