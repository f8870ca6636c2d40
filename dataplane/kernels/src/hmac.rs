//! HMAC-SHA1 as all backends see it.

use sha1::block_api::compress;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What HMAC needs of a key: SHA-1 states after the key block (RFC 2104 §4), so that a short
/// message costs no more than its own blocks and one more. 40 octets, read together.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MacKey {
    /// The state after key ⊕ ipad, then that after key ⊕ opad.
    pub words: [u32; 10],
}

impl MacKey {
    /// From a key of at most 64 octets; SRTP's has 20.
    ///
    /// # Panics
    /// If it is longer.
    pub fn new(key: &[u8]) -> Self {
        let [a, b, c, d, e] = state_after(key, 0x36);
        let [f, g, h, i, j] = state_after(key, 0x5c);
        Self { words: [a, b, c, d, e, f, g, h, i, j] }
    }

    /// State after key ⊕ ipad.
    #[inline]
    pub fn inner(&self) -> &[u32; 5] {
        self.words.first_chunk().expect("ten words")
    }

    /// State after key ⊕ opad.
    #[inline]
    pub fn outer(&self) -> &[u32; 5] {
        self.words.last_chunk().expect("ten words")
    }
}

fn state_after(key: &[u8], pad: u8) -> [u32; 5] {
    let mut block = [pad; 64];
    for (byte, key) in block[..key.len()].iter_mut().zip(key) {
        *byte ^= key;
    }
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    compress(&mut state, &[block]);
    block.zeroize();
    state
}

/// One message to authenticate.
#[derive(Clone, Copy)]
pub struct MacJob<'a> {
    /// The key.
    pub key: &'a MacKey,
    /// The message where it lies, usually in the packet.
    pub message: &'a [u8],
    /// Four octets that follow the message: SRTP's rollover counter, big-endian (RFC 3711 §4.2).
    pub suffix: Option<[u8; 4]>,
}

/// A full SHA-1 digest; SRTP sends its first ten or four octets.
pub type Digest = [u8; 20];
