//! GCM tags with four blocks a register.

use std::arch::x86_64::*;

use super::super::aes;
use super::super::cpu::Vaes;
use super::{HashKey, Tag, TagJob};

/// Bytes and blocks of a register.
const REGISTER: usize = 64;
const BLOCKS: usize = 4;
/// Steps that share a reduction in long packets, and from how many steps on their powers are worth making.
const WIDTH: usize = 4;
const LONG: usize = 2 * WIDTH + 1;

#[inline]
pub(super) fn compute(_: Vaes, tag_iv: u128, job: &TagJob<'_>) -> Tag {
    // SAFETY: the token proves the features.
    unsafe { tag_of(tag_iv, job) }
}

/// What is hashed is seen as one stream: empty blocks, which change nothing at the start, so many that the rest ends with
/// a register; associated data; ciphertext; lengths. Each lane of the register is a hash of its own with the fourth power
/// as key, until the last step gives each lane the power that its place asks for. In long packets steps go four at a time
/// with higher powers, so that only every fourth waits for a reduction.
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
    let mut step = 0;
    if steps >= LONG {
        let eighth = multiply(fourth, fourth);
        let wide = [multiply(eighth, eighth), multiply(eighth, fourth), eighth, fourth];
        while step + WIDTH < steps {
            let text = reflect(stream(&associated, &ciphertext, step));
            let mut sum = Product::of(_mm512_xor_si512(text, hash), wide[0]);
            for (ahead, power) in wide.into_iter().enumerate().skip(1) {
                let text = reflect(stream(&associated, &ciphertext, step + ahead));
                sum = sum.plus(Product::of(text, power));
            }
            hash = sum.reduce();
            step += WIDTH;
        }
    }
    while step < steps {
        let text = stream(&associated, &ciphertext, step);
        hash = _mm512_xor_si512(hash, reflect(text));
        step += 1;
        if step < steps {
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

/// What the stream's register number `step` holds.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,bmi2")]
fn stream(associated: &Part<'_>, ciphertext: &Part<'_>, step: usize) -> __m512i {
    let text = ciphertext.at(step);
    if REGISTER * step < ciphertext.position {
        _mm512_or_si512(text, associated.at(step))
    } else {
        text
    }
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
    Product::of(hash, power).reduce()
}

/// A sum of products in every lane, not reduced yet, in three overlapping parts.
struct Product {
    low: __m512i,
    /// 64 bits up.
    middle: __m512i,
    /// 128 bits up.
    high: __m512i,
}

impl Product {
    #[inline]
    #[target_feature(enable = "vpclmulqdq,avx512f")]
    fn of(hash: __m512i, power: __m512i) -> Self {
        let cross = (
            _mm512_clmulepi64_epi128::<0x01>(hash, power),
            _mm512_clmulepi64_epi128::<0x10>(hash, power),
        );
        Self {
            low: _mm512_clmulepi64_epi128::<0x00>(hash, power),
            middle: _mm512_xor_si512(cross.0, cross.1),
            high: _mm512_clmulepi64_epi128::<0x11>(hash, power),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn plus(self, other: Self) -> Self {
        Self {
            low: _mm512_xor_si512(self.low, other.low),
            middle: _mm512_xor_si512(self.middle, other.middle),
            high: _mm512_xor_si512(self.high, other.high),
        }
    }

    #[inline]
    #[target_feature(enable = "vpclmulqdq,avx512f")]
    fn reduce(self) -> __m512i {
        let middle = _mm512_xor_si512(self.middle, fold(self.low));
        _mm512_xor_si512(self.high, fold(middle))
    }
}

#[inline]
#[target_feature(enable = "vpclmulqdq,avx512f")]
fn fold(part: __m512i) -> __m512i {
    let polynomial = _mm512_set1_epi64(0xc2 << 56);
    let lower = _mm512_clmulepi64_epi128::<0x00>(part, polynomial);
    _mm512_xor_si512(lower, _mm512_shuffle_epi32::<0x4e>(part))
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
