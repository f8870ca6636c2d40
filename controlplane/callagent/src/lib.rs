//! The call agent: commands the relays that media of calls goes through, and voice gateways, by
//! MGCP (RFC 3435). What follows is about relays; gateways are in [`voice`].
//!
//! ```text
//!  callmanager ─ RelayOrder ─▶ CallAgent ─ MGCP ─▶ relay (ringfence-datad), another, …
//!              ◀─── Report ──            ◀───────
//! ```
//!
//! A stream through a relay is one endpoint `pr/$@name` with two connections, one towards each
//! device; its keys travel in session descriptions (RFC 4568) and in `x+srtptx`. [`Agent`] is the
//! whole of it without I/O: orders, datagrams and the time go in, datagrams and reports come out.
//! [`CallAgent`] is an agent with a socket, in a thread of its own.
//!
//! | module | holds |
//! |---|---|
//! | `config` | which relays there are, and times |
//! | `agent` | the surface, and who hears what |
//! | `stream` | streams: opened, failed over, closed |
//! | `session` | what CRCX says, and what its answer must say |
//! | `name` | names of calls, which say whose they are |
//! | `relay` | relays: up, down, leaving, restarted |
//! | `orphan` | connections that an earlier run of the agent has left on relays |
//! | `report` | what comes of it |
//! | `service` | the thread of an agent |
//! | `wire` | its socket |
//! | [`voice`] | the agent for voice gateways |
//!
//! Invariants:
//! - A stream is opened on one relay at most, under keys that no other stream has; an opening that
//!   comes too late is taken back. A stream that is to be encrypted is never opened in clear.
//! - Keys are forgotten once a stream is open or given up, never logged, and erased from buffers.
//! - Whatever relays do or fail to do, each order to open a stream is answered, in bounded time.
//! - Nobody is believed but the relays that are configured, each about itself only.
//! - Ending takes nothing down: calls that go through relays go on without us. The next run finds
//!   their connections, and deletes those that fall silent; those of other agents it leaves alone.
//!
//! # Where this is decided
//!
//! A relay that does not answer within [`Config::patience`] is passed over for new streams until it
//! is heard of; the same keys then go to another relay. That is sound: nothing has been sent under
//! them, for the devices learn where to send to only once a relay has answered. A relay that is
//! down, or leaving, keeps the streams it has while there is no other: the media may well flow.
//! As soon as there is one, they are reported lost and so opened anew there, under new keys. A
//! relay that has restarted has lost its streams.
//!
//! Which of its networks a relay uses towards a device it decides itself, by the device's address.
//! A stream is never changed once it is open (MDCX): whoever wants another one opens it under
//! another name, since it needs other keys.
//!
//! A relay may be a plain RTP gateway ([`PlainGateway`]): then it is told nothing that goes beyond
//! connections, gets streams in clear only, and one command in a datagram.
//!
//! This crate must not know what a call is, who is in it, nor how a relay carries packets.

#![forbid(unsafe_code)]

mod agent;
mod config;
mod name;
mod orphan;
mod relay;
mod report;
mod service;
mod session;
mod stream;
mod taps;
pub mod voice;
mod wire;

pub use agent::{Agent, Datagram};
pub use config::{Config, ConfigError, PlainGateway, RelayConfig};
pub use relay::RelayState;
pub use report::{Counters, EndStatistics, RelayAlarm, RelayView, Report};
pub use service::{CallAgent, StartError};
