//! What HMAC-SHA1 computes once per key: the states after the padded key block, RFC 2104 §4.

use sha1::block_api::compress;
use zeroize::{Zeroize, ZeroizeOnDrop};

const INITIAL: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// SHA-1 states after the inner and the outer key block.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[repr(C)]
pub(crate) struct HmacKey {
    pub(crate) inner: [u32; 5],
    pub(crate) outer: [u32; 5],
}

impl HmacKey {
    pub(crate) fn new(key: &[u8; 20]) -> Self {
        Self { inner: keyed_state(key, 0x36), outer: keyed_state(key, 0x5c) }
    }
}

fn keyed_state(key: &[u8; 20], pad: u8) -> [u32; 5] {
    let mut block = [pad; 64];
    for (byte, key) in block.iter_mut().zip(key) {
        *byte ^= key;
    }
    let mut state = INITIAL;
    compress(&mut state, &[block]);
    block.zeroize();
    state
}
