//! Ciphers and MACs for bursts of packets, as SRTP and ESP need them, by what the processor has.
//!
//! All kernels of a kind give the same octets; only the speed differs. What a processor without any
//! of them does is for the crates above to say: they have RustCrypto for that, against which the
//! kernels are tested.
//!
//! # Invariants
//!
//! - No allocation, lock or system call.
//! - Nothing depends on the value of keys or texts but the result: neither time nor addresses.
//! - `unsafe` appears in `x86` alone, with two reasons that are named there.
//!
//! This crate must not know sessions, packet formats, sequence numbers, replay. It sees octets, keys
//! and counters.

#![deny(unsafe_code)]

mod hmac;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86;

pub use hmac::{Digest, MacJob, MacKey};
#[cfg(target_arch = "x86_64")]
pub use x86::{
    AesCbc, AesCtr, Block, CbcJob, Completed, GcmTag, HashKey, HmacSha1, KEPT, Tag, TagJob,
    expand_key, hash_key, invert_key, payload_iv, prefetch,
};
