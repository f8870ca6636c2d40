//! AF_XDP ports: the loader of the XDP program, and the rings.
//!
//! A [`Program`] belongs to an interface, an [`XdpPort`] to one of its queues:
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use port::Pool;
//! # use ringfence_port_xdp::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut pool = Pool::new(4 * 2048 + 1024, 2048)?;
//! let mut inside = ProgramConfig::new("eth0");
//! inside.media.push(("192.0.2.1".parse()?, 16384..=32767));
//! let outside = ProgramConfig::new("eth1");
//!
//! let inside = Arc::new(Program::attach(&inside)?);
//! let outside = Arc::new(Program::attach(&outside)?);
//! let inside = XdpPort::open(&mut pool, inside, &PortConfig::default(), None)?;
//! let outside = XdpPort::open(&mut pool, outside, &PortConfig::default(), Some(&inside))?;
//! # Ok(())
//! # }
//! ```
//!
//! The rings are our own rather than those of the crate `xdp`: that one brings a umem and packet type
//! of its own, which would stand beside [`port::Pool`] and [`port::Frame`] or be copied into them,
//! and does not share a umem between sockets. What remains of AF_XDP then is four rings.
//!
//! Invariants:
//! - Every chunk the kernel has is known ([`port::Port::held`]); one that comes back without having
//!   been given is a panic, not a second owner.
//! - Dropping a [`Program`] detaches it, however the process ends, unless it was given a place to
//!   outlive it ([`ProgramConfig::pins`]).
//! - `unsafe` is in `ring`, `socket`, and one line of `held`.
//!
//! This crate must not know what calls are; it moves frames, keeps the lists of open ports and of
//! associations whose ESP is for sockets of ours ([`Program::steer_esp`]), and has the XDP program
//! write the headers that the engine names ([`XdpTier`]).

mod error;
mod flows;
mod held;
mod left;
mod pins;
mod port;
mod program;
mod ring;
mod signalling;
mod socket;
mod tier;

pub use crate::port::{PortConfig, XdpPort, XdpStats};
pub use error::XdpError;
pub use program::{Program, ProgramConfig, XdpMode};
pub use socket::BusyPoll;
pub use tier::{Place, XdpTier};
