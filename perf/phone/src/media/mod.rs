//! Media of calls: RTP and SRTP with speech in it, and what there is to say of what came.
//!
//! A [`Session`] is one stream of a call as SCCP knows streams: opened to receive, told to send,
//! with a key for each direction or none. It knows no socket and no clock; [`Media`] gives
//! hundreds of them sockets and a thread, and does what a [station](crate::station) orders.
//!
//! ```text
//!  Order::Open  ──▶ Reception ────┐             ┌──▶ RTP, RTCP
//!                                 ├─▶ Session ──┤
//!  Order::Start ──▶ Transmission ─┘      ▲      └──▶ Statistics, Sound, a recording
//!                                      Track: what is said
//! ```
//!
//! Invariants:
//! - Where a key was given nothing leaves unencrypted, and nothing is heard or measured whose tag
//!   did not verify.
//! - Keys live as long as the direction they were given for, and are erased with it.
//! - What strangers send is counted; it allocates nothing.
//! - Each start of a direction is a stream of its own: new SSRC, new counters.

mod arrival;
mod coding;
mod heard;
mod inbound;
mod order;
mod outbound;
mod ports;
mod protection;
mod rtcp;
mod session;
mod sockets;
mod sound;
mod statistics;
mod track;

pub use coding::Coding;
pub use order::{Format, Reception, Refused, Transmission};
pub use session::{Channel, Habits, Origin, Session};
pub use sockets::{Answer, Media, StreamId};
pub use sound::{Sound, recognise};
pub use statistics::{Received, Rejected, Sent, Statistics};
pub use track::{Track, TrackError};
