//! Key expansion (FIPS 197 §5.2) for keys of 128, 192 and 256 bits.

use std::arch::x86_64::*;

use super::super::cpu::AesNi;
use super::Block;

/// Expands `key` (16, 24 or 32 bytes) into `round_keys` (11, 13 or 15), in constant time and without copies elsewhere.
/// `false` if the processor has no AES instructions: then nothing is written.
///
/// # Panics
/// If the lengths do not belong together.
pub fn expand_key(key: &[u8], round_keys: &mut [Block]) -> bool {
    let key_words = key.len() / 4;
    assert!(matches!(key.len(), 16 | 24 | 32), "an AES key");
    assert_eq!(round_keys.len(), key_words + 7, "one key more than the cipher has rounds");
    let Some(AesNi { .. }) = AesNi::detect() else {
        return false;
    };

    let words = round_keys.as_flattened_mut().as_chunks_mut().0;
    words[..key_words].copy_from_slice(key.as_chunks().0);
    let mut round_constant = 1u8;
    for index in key_words..words.len() {
        let mut word = words[index - 1];
        if index % key_words == 0 {
            // SAFETY: `AesNi` was detected.
            word = unsafe { substitute(word) };
            word.rotate_left(1);
            word[0] ^= round_constant;
            round_constant = (round_constant << 1) ^ ((round_constant >> 7) * 0x1b);
        } else if key_words == 8 && index % 8 == 4 {
            // SAFETY: `AesNi` was detected.
            word = unsafe { substitute(word) };
        }
        let earlier = words[index - key_words];
        words[index] = std::array::from_fn(|byte| word[byte] ^ earlier[byte]);
    }
    true
}

/// The AES S-box on four bytes.
#[target_feature(enable = "aes")]
fn substitute(word: [u8; 4]) -> [u8; 4] {
    let second = _mm_set_epi32(0, 0, i32::from_ne_bytes(word), 0);
    _mm_cvtsi128_si32(_mm_aeskeygenassist_si128::<0>(second)).to_ne_bytes()
}
