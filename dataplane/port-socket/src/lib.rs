//! A port over ordinary UDP sockets: the way that works without privilege, everywhere.
//!
//! There is one socket for each open media address. A received datagram is presented as the IP
//! packet it may have come in, with headers written in front of the payload; what is sent gives its
//! headers to the socket that is bound to its source address. So what lies above needs no second
//! way of thinking.
//!
//! What gets lost on the way through a socket: IP options, fragmentation, identification, and the
//! TTL of what is sent, which is the kernel's choice. The UDP checksum of what is received is zero
//! over IPv4, "the kernel has looked", and computed anew over IPv6, where zero is not allowed.
//!
//! Readiness comes from an epoll descriptor of the port's own, level-triggered: what one burst
//! leaves behind makes the next wait return at once.
//!
//! `unsafe` is in `messages`. This crate must not know what a payload means.

mod messages;
mod port;

pub use crate::port::SocketPort;
