//! HMAC-SHA1 of several messages side by side, one per 32-bit lane of vectors of any width.
//!
//! Everything here is inlined into the caller, which enables the vectors' CPU features.

use super::{Digest, MacJob};

/// A vector of one 32-bit word from each of `N` messages. A value exists only where its CPU features do, hence the
/// `Proof` in every operation that makes one from nothing; so all operations are safe.
pub(super) trait Lanes<const N: usize>: Copy {
    type Proof: Copy;

    fn splat(proof: Self::Proof, word: u32) -> Self;
    /// What is kept of the messages while they are hashed.
    type Messages<'a>;
    fn messages<'a>(jobs: &[&'a MacJob<'a>; N]) -> Self::Messages<'a>;
    /// Whether it is known that all messages are equally long.
    #[inline(always)]
    fn alike(_: &Self::Messages<'_>) -> bool {
        false
    }
    /// The sixteen big-endian words of block `index`, padding included, from each message; anything from those that have
    /// fewer blocks.
    fn load_block(proof: Self::Proof, messages: &Self::Messages<'_>, index: usize) -> [Self; 16];
    /// The inner and the outer state from each job's key.
    fn load_keys(proof: Self::Proof, jobs: &[&MacJob<'_>; N]) -> [[Self; 5]; 2];
    fn store_digests(state: [Self; 5], digests: &mut [Digest; N]);

    /// [`compress`] as a function of its own: a second copy of it inlined, and instructions no longer fit the caches.
    fn compress(proof: Self::Proof, state: &mut [Self; 5], words: &[Self; 16]);

    fn add(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn rotate_left<const BITS: i32>(self) -> Self;
    /// `b` where `self` has ones, else `c`.
    fn choose(self, b: Self, c: Self) -> Self;
    fn parity(self, b: Self, c: Self) -> Self;
    fn majority(self, b: Self, c: Self) -> Self;
    /// `self` in the lanes whose bit is set, else `other`.
    fn select(self, lanes: u32, other: Self) -> Self;
    /// For vectors of several registers: keeps the compiler from computing ahead in one of them. It would, to save
    /// registers, and lose what the processor can do at the same time.
    #[inline(always)]
    fn in_step(self) -> Self {
        self
    }
}

/// Digests the jobs named by `order`, at most `N`, into the places of the same index.
#[inline(always)]
pub(super) fn hmac<const N: usize, V: Lanes<N>>(
    proof: V::Proof,
    jobs: &[MacJob<'_>],
    order: &[u8],
    digests: &mut [Digest],
) {
    // Lanes without a job repeat the first one.
    let mut lane_jobs = [&jobs[usize::from(order[0])]; N];
    for (lane, &index) in lane_jobs.iter_mut().zip(order) {
        *lane = &jobs[usize::from(index)];
    }

    let [mut inner, mut outer] = V::load_keys(proof, &lane_jobs);
    hash_messages(proof, &lane_jobs, &mut inner);
    V::compress(proof, &mut outer, &outer_block(proof, inner));

    let mut lane_digests = [[0; 20]; N];
    V::store_digests(outer, &mut lane_digests);
    for (digest, &index) in lane_digests.iter().zip(order) {
        digests[usize::from(index)] = *digest;
    }
}

#[inline(always)]
fn hash_messages<const N: usize, V: Lanes<N>>(
    proof: V::Proof,
    jobs: &[&MacJob<'_>; N],
    state: &mut [V; 5],
) {
    let messages = V::messages(jobs);
    let (mut fewest, mut most) = (jobs[0].block_count(), jobs[0].block_count());
    if !V::alike(&messages) {
        for job in jobs {
            fewest = fewest.min(job.block_count());
            most = most.max(job.block_count());
        }
    }
    for index in 0..most {
        let before = *state;
        V::compress(proof, state, &V::load_block(proof, &messages, index));
        if index >= fewest {
            let mut alive = 0;
            for (number, job) in jobs.iter().enumerate() {
                alive |= u32::from(index < job.block_count()) << number;
            }
            for (word, before) in state.iter_mut().zip(before) {
                *word = word.select(alive, before);
            }
        }
    }
}

/// The one block of the outer hash: the inner digest, the end mark, the length of key block and digest in bits.
#[inline(always)]
fn outer_block<const N: usize, V: Lanes<N>>(proof: V::Proof, inner: [V; 5]) -> [V; 16] {
    let mut words = [V::splat(proof, 0); 16];
    words[..5].copy_from_slice(&inner);
    words[5] = V::splat(proof, 0x8000_0000);
    words[15] = V::splat(proof, (64 + 20) * 8);
    words
}

/// The SHA-1 compression function (FIPS 180-4 §6.1.2) in every lane.
#[inline(always)]
pub(super) fn compress<const N: usize, V: Lanes<N>>(
    proof: V::Proof,
    state: &mut [V; 5],
    words: &[V; 16],
) {
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    let mut w = *words;

    macro_rules! round {
        ($a:ident $b:ident $c:ident $d:ident $e:ident, $f:ident, $k:ident, $t:expr) => {
            if $t >= 16 {
                let next = w[($t + 13) % 16].parity(w[($t + 8) % 16], w[($t + 2) % 16]);
                w[$t % 16] = next.xor(w[$t % 16]).rotate_left::<1>();
            }
            let sum = $e.add(w[$t % 16].add($k)).add($b.$f($c, $d));
            $e = sum.add($a.rotate_left::<5>()).in_step();
            $b = $b.rotate_left::<30>();
        };
    }
    macro_rules! twenty_rounds {
        ($f:ident, $k:literal, $($t:literal)*) => {
            let k = V::splat(proof, $k);
            $(
                round!(a b c d e, $f, k, $t);
                round!(e a b c d, $f, k, $t + 1);
                round!(d e a b c, $f, k, $t + 2);
                round!(c d e a b, $f, k, $t + 3);
                round!(b c d e a, $f, k, $t + 4);
            )*
        };
    }
    twenty_rounds!(choose, 0x5a82_7999, 0 5 10 15);
    twenty_rounds!(parity, 0x6ed9_eba1, 20 25 30 35);
    twenty_rounds!(majority, 0x8f1b_bcdc, 40 45 50 55);
    twenty_rounds!(parity, 0xca62_c1d6, 60 65 70 75);

    for (word, change) in state.iter_mut().zip([a, b, c, d, e]) {
        *word = word.add(change);
    }
}
