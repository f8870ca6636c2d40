//! Files for phones: a TFTP server (RFC 1350, options of RFC 2347, 2348, 2349 and 7440), an HTTP
//! server over the same files, and a TFTP client.
//!
//! ```text
//!  sockets          sans-IO                              what is served
//!  server::udp ──── Engine ─ Sending (one per transfer) ─┐
//!                                                        ├─ FileSource ─ Directory, others'
//!  server::http ─── http::Connection ────────────────────┘
//!  fetch ────────── Receiving
//! ```
//!
//! Invariants:
//! - Read only. A name that reaches a [`FileSource`] is a [`FileName`]: relative, without `..`,
//!   hidden parts or control characters.
//! - Strangers cost little: requests are counted against their source, transfers are bounded in
//!   number, an answer that nobody acknowledges is repeated a few times only.
//! - A packet from another port than the peer's never changes a transfer.
//! - Every answered request gives one [`Record`], whatever became of it.
//!
//! This crate must not know what is in the files, who signed them, or where they come from.

#![forbid(unsafe_code)]

mod device;
mod directory;
mod engine;
mod fetch;
pub mod http;
mod limit;
mod location;
mod name;
mod options;
mod packet;
mod receive;
mod record;
mod send;
pub mod server;
mod source;

pub use device::DeviceName;
pub use directory::Directory;
pub use engine::{Config, Counters, Engine, Output, TransferId, Via};
pub use fetch::{FetchError, fetch};
pub use limit::{RateLimit, SourceLimiter};
pub use location::{Location, LocationError};
pub use name::{FileName, NameError};
pub use options::{Options, Tuning};
pub use packet::{ErrorCode, Packet, PacketError, ReadRequest};
pub use receive::{Failure, Progress, Receiving};
pub use record::{Observer, Outcome, Record, RequestLog};
pub use source::{FileRequest, FileSource, FirstOf, Protocol, Refusal, Served};
