//! Telephone audio: making it, writing it down, and telling whether it is the same.
//!
//! Audio here is 8,000 samples a second, one channel, 16 bits: what G.711 carries.

mod compare;
pub mod mulaw;
mod voice;
mod wav;

pub use compare::{Comparison, compare};
pub use voice::speak;
pub use wav::{samples_of, write_wav};

/// Samples in a second.
pub const RATE: usize = 8000;
