//! The fastest packets a Linux machine makes by itself, and what becomes of them.
//!
//! The generator is an XDP program that the kernel runs again and again over a recycled frame
//! (`BPF_PROG_TEST_RUN` with live frames): many millions of packets a second, paced inside the
//! program. The sink is another one on the interface where they arrive: it counts, and measures how
//! long sampled packets took. Both share their maps, so the two interfaces may be in different
//! network namespaces of one machine.
//!
//! [`Kit`] holds the programs, [`Stream`] says what the packets look like, [`srtp`] makes
//! protected payloads beforehand.
//!
//! Nothing here is part of the product.

pub mod drive;
pub mod export;
mod kit;
mod latency;
mod pace;
mod prepared;
pub mod probe;
pub mod reception;
pub mod search;
pub mod sink;
pub mod source;
pub mod srtp;
mod stream;

pub use kit::{Attached, Kit, Role};
pub use latency::Latencies;
pub use pace::{Content, Order, Sent};
pub use prepared::Prepared;
pub use stream::{Stream, prepare_plain};
