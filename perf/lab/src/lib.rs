//! The veth laboratory: a telephone network inside one machine.
//!
//! [`net`] makes the network (namespaces, veth pairs, bridges) and removes it whatever happens;
//! [`program`] runs real programs in it; [`report`] tells, step by step, what was proven. The
//! inhabitants: [`phone`] joins two ffmpeg processes into a telephone, [`probe`] sends single
//! packets made to measure, [`rtpw`] is a telephone on libsrtp, [`agent`] commands the gateway,
//! [`relay`] is the product under test. [`crew`] gives orders to telephones of the emulator,
//! [`capture`] asks Wireshark what was on a wire, [`ike`] runs IKE daemons. The crate `speech` says whether what was heard is what was said.
//! [`scenario`] lists what can be played.
//!
//! Invariants: everything a run makes is named `rf-lab-…` and removed at its end, after a failure,
//! a panic or Ctrl-C too; what a killed run left is removed by the next. A step is ok only if what
//! it names was observed.
//!
//! Nothing here is part of the product: it sees only what a stranger sees, packets, MGCP and the
//! daemon's status.
#![forbid(unsafe_code)]

pub mod agent;
pub mod capture;
pub mod crew;
pub mod ike;
pub mod key;
pub mod net;
pub mod phone;
pub mod probe;
pub mod program;
pub mod relay;
pub mod report;
pub mod rtpw;
pub mod scenario;
