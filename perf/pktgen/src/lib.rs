//! The fastest packets a Linux machine makes by itself, and what becomes of them.
//!
//! The generator is an XDP program that the kernel runs again and again over a recycled frame
//! (`BPF_PROG_TEST_RUN` with live frames): many millions of packets a second, paced inside the
//! program. The sink is another one on the interface where they arrive: it counts, and measures how
//! long sampled packets took. Both share their maps, so the two interfaces may be in different
//! network namespaces of one machine.
//!
//! [`Kit`] holds the programs, [`Stream`] says what the packets look like, [`srtp`](mod@srtp) makes
//! protected payloads beforehand.
//!
//! Where every packet shall be judged, not only counted, packets are made and taken one by one on a
//! [`port::Port`] (AF_XDP or sockets): [`source`] makes them with a stamp inside ([`probe`]), [`sink`]
//! tells loss, order, jitter ([`reception`]) and latency, [`drive`] lends both a clock. [`search`] finds
//! the rate without loss, whoever does the trials; [`export`] has other generators send the same.
//! `source`, `sink`, `reception`, `search` and `export` know neither clock nor sockets.
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
