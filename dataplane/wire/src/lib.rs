//! Views over packet bytes: where the headers are and what they say.
//!
//! One file per protocol. `Packet::new_checked` looks at lengths once; after it no accessor can
//! panic, whatever the bytes are, because every accessor reads only what the check covered.
//! [`datagram`] puts the views together for the one question the packet path asks: which UDP
//! payload is this, from whom, for whom.
//!
//! This crate must not know of flows, keys or ports. It allocates nothing.

#![no_std]
#![forbid(unsafe_code)]

pub mod checksum;
pub mod datagram;
pub mod ethernet;
pub mod ip;
pub mod rtcp;
pub mod rtp;
pub mod udp;

mod error;

pub use error::WireError;

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
