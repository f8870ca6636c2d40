//! Syslog: messages in the form of RFC 5424, sent over TLS (RFC 5425) to a collector.
//!
//! | module | holds |
//! |---|---|
//! | [`message`] | a message and its octets; without I/O |
//! | [`sender`] | the connection, which comes again when it is lost |
//! | [`testing`] | a collector |
//!
//! Invariants:
//! - Whatever the values hold, a message stays one message: nobody writes a line of his own.
//! - The collector shows a certificate that an authority of the configuration vouches for, or it is
//!   told nothing.
//! - Who sends never waits; what finds no room while the collector is away is counted.
//!
//! What was on its way when a collector went is lost: RFC 5425 knows no receipts. Messages that are
//! numbered let it see that some are missing.
//!
//! This crate must not know what messages are about.

#![forbid(unsafe_code)]

pub mod message;
pub mod sender;
pub mod testing;
