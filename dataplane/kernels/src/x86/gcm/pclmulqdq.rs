//! GCM tags with one block a register, and hash keys for all.

use std::arch::x86_64::*;

use super::super::aes::{self, Block, load, load_number, store};
use super::super::cpu::AesNi;
use super::{HashKey, POWERS, Tag, TagJob};

#[inline]
pub(super) fn compute(_: AesNi, tag_iv: u128, job: &TagJob<'_>) -> Tag {
    // SAFETY: the token proves the features.
    unsafe { tag_of(tag_iv, job) }
}

pub(super) fn hash_key(_: AesNi, round_keys: &[Block]) -> HashKey {
    aes::check_rounds(round_keys);
    // SAFETY: the token proves the features.
    unsafe { powers(round_keys) }
}

#[target_feature(enable = "aes,pclmulqdq,ssse3,sse4.1")]
fn powers(round_keys: &[Block]) -> HashKey {
    let first = u128::from_be_bytes(store(aes::encrypt_block(round_keys, load(&[0; 16]))));
    let carry = first >> 127;
    let first = load_number((first << 1) ^ (carry * 0xc200_0000_0000_0000_0000_0000_0000_0001));
    let powers = [Product::of(first, first).reduce(), first];
    let mut key = [0; 8];
    for (word, octets) in
        key.iter_mut().zip(powers.map(|power| store(power)).as_flattened().as_chunks().0)
    {
        *word = u32::from_ne_bytes(*octets);
    }
    key
}

/// The four powers, highest first.
#[inline]
#[target_feature(enable = "pclmulqdq,ssse3")]
fn load_powers(key: &HashKey) -> [__m128i; POWERS] {
    let address = key.as_ptr().cast::<__m128i>();
    // SAFETY: the key is as long as two registers, and the loads need no alignment.
    let (second, first) = unsafe { (_mm_loadu_si128(address), _mm_loadu_si128(address.add(1))) };
    let higher = |power| Product::of(second, power).reduce();
    [higher(second), higher(first), second, first]
}

#[target_feature(enable = "aes,pclmulqdq,ssse3,sse4.1")]
fn tag_of(tag_iv: u128, job: &TagJob<'_>) -> Tag {
    let powers = load_powers(job.hash_key);
    let mut hash = _mm_setzero_si128();
    for part in [job.associated, job.ciphertext] {
        let (blocks, rest) = part.as_chunks();
        for group in blocks.chunks(POWERS) {
            hash = absorb(&powers, hash, group);
        }
        if !rest.is_empty() {
            let mut last = [0; 16];
            last[..rest.len()].copy_from_slice(rest);
            hash = absorb(&powers, hash, &[last]);
        }
    }
    hash = absorb(&powers, hash, &[job.lengths().to_be_bytes()]);

    let mask = aes::encrypt_block(job.round_keys, reflect(load_number(tag_iv)));
    store(_mm_xor_si128(mask, reflect(hash)))
}

/// The hash after up to four more blocks.
#[inline]
#[target_feature(enable = "pclmulqdq,ssse3")]
fn absorb(powers: &[__m128i; POWERS], hash: __m128i, blocks: &[Block]) -> __m128i {
    let mut sum: Option<Product> = None;
    for (block, power) in blocks.iter().zip(&powers[POWERS - blocks.len()..]) {
        let block = reflect(load(block));
        sum = Some(match sum {
            None => Product::of(_mm_xor_si128(block, hash), *power),
            Some(sum) => sum.plus(Product::of(block, *power)),
        });
    }
    sum.map_or(hash, |sum| sum.reduce())
}

/// A carry-less product of two blocks before reduction, in three overlapping parts.
struct Product {
    low: __m128i,
    /// 64 bits up.
    middle: __m128i,
    /// 128 bits up.
    high: __m128i,
}

impl Product {
    #[inline]
    #[target_feature(enable = "pclmulqdq,ssse3")]
    fn of(a: __m128i, b: __m128i) -> Self {
        let cross = (_mm_clmulepi64_si128::<0x01>(a, b), _mm_clmulepi64_si128::<0x10>(a, b));
        Self {
            low: _mm_clmulepi64_si128::<0x00>(a, b),
            middle: _mm_xor_si128(cross.0, cross.1),
            high: _mm_clmulepi64_si128::<0x11>(a, b),
        }
    }

    #[inline]
    #[target_feature(enable = "pclmulqdq,ssse3")]
    fn plus(self, other: Self) -> Self {
        Self {
            low: _mm_xor_si128(self.low, other.low),
            middle: _mm_xor_si128(self.middle, other.middle),
            high: _mm_xor_si128(self.high, other.high),
        }
    }

    /// Modulo x¹²⁸ + x⁷ + x² + x + 1, which reflected takes the lowest 64 bits away, twice.
    #[inline]
    #[target_feature(enable = "pclmulqdq,ssse3")]
    fn reduce(self) -> __m128i {
        let middle = _mm_xor_si128(self.middle, fold(self.low));
        _mm_xor_si128(self.high, fold(middle))
    }
}

/// What the lower half of `part` adds 64 bits up, joined with the upper half, which is there already.
#[inline]
#[target_feature(enable = "pclmulqdq,ssse3")]
fn fold(part: __m128i) -> __m128i {
    let polynomial = _mm_set_epi64x(0, 0xc2 << 56);
    let lower = _mm_clmulepi64_si128::<0x00>(part, polynomial);
    _mm_xor_si128(lower, _mm_shuffle_epi32::<0x4e>(part))
}

/// Between the order of bytes in a packet and that of the powers.
#[inline]
#[target_feature(enable = "ssse3")]
fn reflect(block: __m128i) -> __m128i {
    _mm_shuffle_epi8(block, _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f))
}
