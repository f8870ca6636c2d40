//! Kernels for x86-64: bursts of packets of many keys.
//!
//! | Work | best | then | then |
//! |---|---|---|---|
//! | [`HmacSha1`] | 32 packets side by side, AVX-512 | four streams, SHA-NI | 8 packets side by side, AVX2 |
//! | [`AesCtr`] | four blocks a register, VAES | AES-NI, eight blocks in flight | |
//! | [`AesCbc`] encrypts | eight messages side by side, AES-NI | the same | |
//! | [`AesCbc`] decrypts | four blocks a register, VAES | AES-NI, eight blocks in flight | |
//! | [`GcmTag`] | four blocks a register, VPCLMULQDQ | PCLMULQDQ, four blocks a reduction | |
//!
//! A value of one of these types exists only if the processor has what it needs, so calling it is always sound. All of
//! them give the same answers; only the speed differs. GCM is made of two of them, [`GcmTag`] over the ciphertext and
//! [`AesCtr`] with [`payload_iv`], so that a receiver can verify a whole burst before it decrypts any of it.
//!
//! What this module must not know: sessions, packet formats, indices, replay. It sees bytes, keys and counters.
//!
//! All `unsafe` of the crate is here. It has two reasons: an intrinsic needs a CPU feature (the proof is a token from
//! `cpu`), and a kernel reads the packet's bytes through raw pointers (each is derived from a slice that is borrowed for
//! the whole call, with the bounds argued where it is made).

mod aes;
mod cbc;
mod cpu;
mod gcm;
mod hmac_sha1;
#[cfg(test)]
mod tests;

pub use aes::{AesCtr, Block, Completed, KEPT, expand_key};
pub use cbc::{AesCbc, CbcJob, invert_key};
pub use cpu::prefetch;
pub use gcm::{GcmTag, HashKey, Tag, TagJob, hash_key, payload_iv};
pub use hmac_sha1::HmacSha1;
