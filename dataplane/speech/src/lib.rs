//! Telephone audio: making it, coding it, writing it down, and telling whether it is the same.
//!
//! Audio here is [`RATE`] samples a second, one channel, 16 bits: what G.711 carries. Files may have
//! more; [`wav::Recording::telephone`] makes telephone audio of them.
//!
//! | module | holds |
//! |---|---|
//! | [`g711`] | µ-law and A-law |
//! | [`wav`] | WAV files, read and written |
//! | [`tone`] | tones, made and found |
//! | [`speak`] | something that is as hard to mistake as speech |
//! | [`compare`] | whether what was heard is what was said |
//!
//! This crate must not know packets, files or clocks.

#![forbid(unsafe_code)]

mod compare;
pub mod g711;
mod resample;
pub mod tone;
mod voice;
pub mod wav;

pub use compare::{Comparison, compare};
pub use voice::speak;

/// Samples in a second.
pub const RATE: usize = 8000;
