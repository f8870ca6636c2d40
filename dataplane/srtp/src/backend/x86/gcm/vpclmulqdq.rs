//! GCM tags with four blocks a register.

use std::arch::x86_64::*;

use super::super::aes;
use super::super::cpu::Vaes;
use super::{HashKey, Tag, TagJob};

/// Bytes and blocks of a register.
const REGISTER: usize = 64;
const BLOCKS: usize = 4;

#[inline]
pub(super) fn compute(_: Vaes, tag_iv: u128, job: &TagJob<'_>) -> Tag {
    // SAFETY: the token proves the features.
    unsafe { tag_of(tag_iv, job) }
}

/// What is hashed is seen as one stream: empty blocks, which change nothing at the start, so many that the rest ends with
/// a register; associated data; ciphertext; lengths. Each lane of the register is a hash of its own with the fourth power
/// as key, until the last step gives each lane the power that its place asks for.
#[target_feature(enable = "aes,vaes,vpclmulqdq,avx512f,avx512bw,avx512vl,bmi2")]
fn tag_of(tag_iv: u128, job: &TagJob<'_>) -> Tag {
    let mask = aes::encrypt_block(job.round_keys, reflect_block(aes::load_number(tag_iv)));

    let associated_blocks = job.associated.len().div_ceil(16);
    let blocks = associated_blocks + job.ciphertext.len().div_ceil(16) + 1;
    let steps = blocks.div_ceil(BLOCKS);
    let empty = BLOCKS * steps - blocks;
    let associated = Part { bytes: job.associated, position: 16 * empty };
    let ciphertext = Part { bytes: job.ciphertext, position: 16 * (empty + associated_blocks) };

    let powers = load_powers(job.hash_key);
    let fourth = _mm512_shuffle_i32x4::<0x00>(powers, powers);
    let mut hash = _mm512_setzero_si512();
    for step in 0..steps {
        let mut text = ciphertext.at(step);
        if REGISTER * step < ciphertext.position {
            text = _mm512_or_si512(text, associated.at(step));
        }
        hash = _mm512_xor_si512(hash, reflect(text));
        if step < steps - 1 {
            hash = multiply(hash, fourth);
        }
    }
    let lengths = aes::load_number(job.lengths());
    hash = _mm512_xor_si512(hash, _mm512_inserti32x4::<3>(_mm512_setzero_si512(), lengths));
    hash = multiply(hash, powers);
    let half = _mm256_xor_si256(_mm512_castsi512_si256(hash), _mm512_extracti64x4_epi64::<1>(hash));
    let whole = _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));

    aes::store(_mm_xor_si128(mask, reflect_block(whole)))
}

/// Bytes that begin somewhere in the stream, with zeros before and after them.
struct Part<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Part<'_> {
    /// The stream's register number `step`, as far as this part fills it.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,bmi2")]
    fn at(&self, step: usize) -> __m512i {
        let start = REGISTER * step;
        let ahead = self.position.saturating_sub(start).min(REGISTER);
        let until = (self.position + self.bytes.len()).saturating_sub(start).min(REGISTER);
        let filled = lowest(until) & !lowest(ahead);
        let address = self.bytes.as_ptr().wrapping_add(start).wrapping_sub(self.position);
        // SAFETY: the mask keeps the load within `bytes`: bit i stands for stream byte start + i, and is set only where
        // that lies at or after `position` and before the end.
        unsafe { _mm512_maskz_loadu_epi8(filled, address.cast()) }
    }
}

/// The lowest `count` bits set.
#[inline]
#[target_feature(enable = "bmi2")]
fn lowest(count: usize) -> u64 {
    _bzhi_u64(u64::MAX, count as u32)
}

/// In every lane the product of a reflected hash and a power, reduced; see [`HashKey`] and `pclmulqdq`.
#[inline]
#[target_feature(enable = "vpclmulqdq,avx512f")]
fn multiply(hash: __m512i, power: __m512i) -> __m512i {
    let low = _mm512_clmulepi64_epi128::<0x00>(hash, power);
    let cross = (
        _mm512_clmulepi64_epi128::<0x01>(hash, power),
        _mm512_clmulepi64_epi128::<0x10>(hash, power),
    );
    let high = _mm512_clmulepi64_epi128::<0x11>(hash, power);
    let middle = xor3(cross.0, cross.1, fold(low));
    _mm512_xor_si512(high, fold(middle))
}

#[inline]
#[target_feature(enable = "vpclmulqdq,avx512f")]
fn fold(part: __m512i) -> __m512i {
    let polynomial = _mm512_set1_epi64(0xc2 << 56);
    let lower = _mm512_clmulepi64_epi128::<0x00>(part, polynomial);
    _mm512_xor_si512(lower, _mm512_shuffle_epi32::<0x4e>(part))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0x96>(a, b, c)
}

/// Between the order of bytes in a packet and that of the powers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn reflect(blocks: __m512i) -> __m512i {
    let order = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
    _mm512_shuffle_epi8(blocks, _mm512_broadcast_i32x4(order))
}

/// [`reflect`] for one block.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn reflect_block(block: __m128i) -> __m128i {
    _mm512_castsi512_si128(reflect(_mm512_castsi128_si512(block)))
}

/// The four powers, highest in the first lane.
#[inline]
#[target_feature(enable = "vpclmulqdq,avx512f")]
fn load_powers(key: &HashKey) -> __m512i {
    // SAFETY: the key is as long as half a register, and the load needs no alignment.
    let stored = unsafe { _mm256_loadu_si256(key.as_ptr().cast()) };
    let twice = _mm512_broadcast_i64x4(stored);
    let second = _mm512_shuffle_i32x4::<0x00>(twice, twice);
    _mm512_mask_blend_epi64(0xf0, multiply(twice, second), twice)
}
