//! The kernels of `x86` as backends.
//!
//! Expanded keys take 216 octets in every suite: round keys as far as AES-128 has them, from which
//! those of longer keys are completed, and what authenticates.
//!
//! The first round key absorbs the salt and the SSRC. AES begins by adding it to the block, so a
//! block with only packet index and block counter in it comes out as if they had been there too.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::x86::{
    self, AesCtr, Block, Completed, CtrJob, GcmTag, HashKey, HmacSha1, KEPT, TagJob, payload_iv,
};
use super::{Backend, CmJob, Digest, GcmJob, MacJob, MacKey, index_at, salt_iv, same_tag, turn_iv};
use crate::kdf::SessionKeys;
use crate::suite::{Cipher, Suite};

/// Kernels for one generation of processors.
pub(crate) struct Vector {
    name: &'static str,
    hmac: HmacSha1,
    ctr: AesCtr,
    gcm: GcmTag,
}

impl Vector {
    /// Sixteen packets side by side: AVX-512, VAES, VPCLMULQDQ.
    pub(crate) fn avx512() -> Option<Self> {
        Some(Self {
            name: "avx512",
            hmac: HmacSha1::avx512()?,
            ctr: AesCtr::vaes()?,
            gcm: GcmTag::vpclmulqdq()?,
        })
    }

    /// Two packets at a time: SHA and AES instructions.
    pub(crate) fn sha_ni() -> Option<Self> {
        Self::with_aes_ni("sha-ni", HmacSha1::sha_ni()?)
    }

    /// Eight packets side by side, for processors with AES but without SHA instructions.
    pub(crate) fn avx2() -> Option<Self> {
        Self::with_aes_ni("avx2", HmacSha1::avx2()?)
    }

    fn with_aes_ni(name: &'static str, hmac: HmacSha1) -> Option<Self> {
        Some(Self { name, hmac, ctr: AesCtr::aes_ni()?, gcm: GcmTag::pclmulqdq()? })
    }
}

/// Expanded keys, turned to an SSRC.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
#[repr(C)]
pub(crate) struct Keys {
    round_keys: [Block; KEPT],
    /// For GCM its words are those of a [`HashKey`].
    mac: MacKey,
}

const _: () = assert!(size_of::<Keys>() == 216);

impl Backend for Vector {
    type Keys = Keys;

    fn name(&self) -> &'static str {
        self.name
    }

    fn expand(&self, keys: &SessionKeys) -> Keys {
        let key = keys.cipher();
        let mut whole = [[0; 16]; 15];
        if !key.is_empty() {
            let expanded = x86::expand_key(key, &mut whole[..key.len() / 4 + 7]);
            assert!(expanded, "whoever has the kernels has AES");
        }
        let mac = match keys.suite.cipher() {
            Cipher::AesGcm => {
                let hash_key = HashKey::new(&whole[..key.len() / 4 + 7]);
                pack(&hash_key.expect("whoever has the kernels has PCLMULQDQ"))
            }
            Cipher::AesCm | Cipher::Null => MacKey::new(&keys.auth),
        };
        let mut round_keys = [[0; 16]; KEPT];
        round_keys.copy_from_slice(&whole[..KEPT]);
        whole.zeroize();
        for (octet, salt) in round_keys[0].iter_mut().zip(salt_iv(&keys.salt)) {
            *octet ^= salt;
        }
        Keys { round_keys, mac }
    }

    fn turn(&self, keys: &mut Keys, suite: Suite, change: u32) {
        turn_iv(&mut keys.round_keys[0], suite, change);
    }

    fn mac_key(keys: &Keys) -> &MacKey {
        &keys.mac
    }

    fn hmac_sha1(&self, jobs: &[MacJob<'_>], digests: &mut [Digest]) {
        self.hmac.digest(jobs, digests);
    }

    fn aes_cm<'a>(&self, jobs: impl Iterator<Item = CmJob<'a, Keys>>) {
        for CmJob { keys, suite, index, data } in jobs {
            let iv = index_block(Cipher::AesCm, index);
            keys.with_all(suite, |round_keys| {
                self.ctr.apply(&mut [CtrJob { round_keys, iv, data }]);
            });
        }
    }

    fn gcm_seal(&self, jobs: &mut [GcmJob<'_, Keys>]) {
        for job in jobs {
            job.keys.with_all(job.suite, |round_keys| {
                self.gcm_payload(job, round_keys);
                job.tag = self.gcm_tag(job, round_keys);
            });
        }
    }

    fn gcm_open(&self, jobs: &mut [GcmJob<'_, Keys>]) {
        for job in jobs {
            job.keys.with_all(job.suite, |round_keys| {
                job.good = same_tag(&self.gcm_tag(job, round_keys), &job.tag);
                if job.good {
                    self.gcm_payload(job, round_keys);
                }
            });
        }
    }

    fn prefetch<T>(&self, value: &T) {
        x86::prefetch(value);
    }
}

impl Vector {
    fn gcm_payload(&self, job: &mut GcmJob<'_, Keys>, round_keys: &[Block]) {
        let iv = payload_iv(&gcm_nonce(job.index));
        self.ctr.apply(&mut [CtrJob { round_keys, iv, data: job.data }]);
    }

    fn gcm_tag(&self, job: &GcmJob<'_, Keys>, round_keys: &[Block]) -> Block {
        let mut tags = [[0; 16]];
        let hash_key = &unpack(&job.keys.mac);
        let nonce = gcm_nonce(job.index);
        let (associated, ciphertext) = (job.aad, &*job.data);
        self.gcm
            .compute(&[TagJob { round_keys, hash_key, nonce, associated, ciphertext }], &mut tags);
        tags[0]
    }
}

impl Keys {
    /// Lends all round keys of the suite.
    #[inline]
    fn with_all(&self, suite: Suite, work: impl FnOnce(&[Block])) {
        match suite.master_key_len() {
            16 => work(&self.round_keys),
            24 => work(Completed::aes_192(&self.round_keys).as_slice()),
            _ => work(Completed::aes_256(&self.round_keys).as_slice()),
        }
    }
}

/// A block with the packet index alone.
#[inline]
fn index_block(cipher: Cipher, index: u64) -> Block {
    let shift = 8 * (10 - index_at(cipher));
    (u128::from(index) << shift).to_be_bytes()
}

fn gcm_nonce(index: u64) -> [u8; 12] {
    *index_block(Cipher::AesGcm, index).first_chunk().expect("a nonce is shorter than a block")
}

fn pack(key: &HashKey) -> MacKey {
    let mut words = [0; 10];
    for (word, octets) in words.iter_mut().zip(key.as_blocks().as_flattened().as_chunks().0) {
        *word = u32::from_ne_bytes(*octets);
    }
    let [a, b, c, d, e, f, g, h, i, j] = words;
    MacKey { inner: [a, b, c, d, e], outer: [f, g, h, i, j] }
}

fn unpack(key: &MacKey) -> HashKey {
    let mut blocks = [[0; 16]; 2];
    let octets = blocks.as_flattened_mut().as_chunks_mut::<4>().0;
    for (octets, word) in octets.iter_mut().zip(key.inner.iter().chain(&key.outer)) {
        *octets = word.to_ne_bytes();
    }
    HashKey::from_blocks(blocks)
}
