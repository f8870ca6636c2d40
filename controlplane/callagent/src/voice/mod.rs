//! The call agent for voice gateways: telephones on analog lines, and trunks.
//!
//! ```text
//!  callmanager ─ PortOrder ─▶ Agent ─ MGCP ─▶ gateway
//!              ◀─── Report ──       ◀───────
//! ```
//!
//! A port of a gateway is a device of the switchboard like a telephone. What a telephone would
//! show becomes signals (RQNT), what is observed (NTFY) becomes keys that a user presses, and
//! streams become connections (CRCX, MDCX, DLCX). [`Agent`] is the whole of it without I/O;
//! [`VoiceAgent`] is an agent with a socket, in a thread of its own.
//!
//! | module | holds |
//! |---|---|
//! | `config` | which gateways there are, and times |
//! | `agent` | the surface, and who hears what |
//! | `gateway` | gateways: registered, audited, lost |
//! | `port` | ports: what each is to be asked next |
//! | `line` | what is observed at a port, and what it plays |
//! | `media` | connections and their keys |
//! | `message` | what commands say, and what answers must say |
//! | `path` | whether keys may go |
//! | `report` | what comes of it |
//! | `service` | the thread and its socket |
//!
//! Invariants:
//! - A key goes into a message only while the policy of its gateway lets it go over the way as it
//!   is at that moment; each time is in the audit log, with what protects the way.
//! - A port has one command under way; the next follows from how things are then. So a change that
//!   is overtaken by another is never sent, and no repeat arrives behind what came after it.
//! - Keys serve one opening and are forgotten once the gateway has confirmed them.
//! - Whatever gateways do or fail to do, each order to open a stream is answered or ends by the
//!   switchboard's own timer, and nothing grows without bound.
//! - Nobody is believed but the gateways that are configured, each about itself only.
//!
//! # Where this is decided
//!
//! A call's connection lasts as long as its leg: on hold it is `inactive`, and what comes next is
//! an MDCX with new keys. It is made anew when the port is to hear music, since that comes from who
//! is not described to it, and when the gateway makes its own keys: the other end is to have the key
//! before the gateway hears of that end. That a gateway does is learned from its refusal (525) of
//! the first key that it is given; two such ports speak with each other in clear.

mod agent;
mod config;
mod gateway;
mod line;
mod media;
mod message;
mod path;
mod port;
mod report;
mod service;

pub use agent::Agent;
pub use config::{Config, GatewayConfig, KeyPolicy, PathSource, Plan, PlanError, PortConfig};
pub use path::{Cover, NoPaths, Paths, Verdict, Way};
pub use report::{Counters, GatewayAlarm, GatewayState, GatewayView, PortView, Report};
pub use service::VoiceAgent;
