//! The `kernels` as backends.
//!
//! Expanded keys take 216 octets in every suite: round keys as far as AES-128 has them, from which
//! those of longer keys are completed, and what authenticates.
//!
//! The first round key absorbs the salt and the SSRC. AES begins by adding it to the block, so a
//! block with only packet index and block counter in it comes out as if they had been there too.

use kernels::{AesCtr, Block, Completed, GcmTag, HmacSha1, KEPT, TagJob, payload_iv};
use zeroize::{Zeroize, ZeroizeOnDrop};

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
    /// Up to 32 packets side by side: AVX-512, VAES, VPCLMULQDQ.
    pub(crate) fn avx512() -> Option<Self> {
        Some(Self {
            name: "avx512",
            hmac: HmacSha1::avx512()?,
            ctr: AesCtr::vaes()?,
            gcm: GcmTag::vpclmulqdq()?,
        })
    }

    /// Four packets at a time: SHA and AES instructions.
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
    /// For GCM its first words are the hash key.
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
            let expanded = kernels::expand_key(key, &mut whole[..key.len() / 4 + 7]);
            assert!(expanded, "whoever has the kernels has AES");
        }
        let mac = match keys.suite.cipher() {
            Cipher::AesGcm => {
                let hash_key = kernels::hash_key(&whole[..key.len() / 4 + 7]);
                let mut words = [0; 10];
                words[..8]
                    .copy_from_slice(&hash_key.expect("whoever has the kernels has PCLMULQDQ"));
                MacKey { words }
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
            keys.with_all(suite, |round_keys| self.ctr.apply(round_keys, iv, data));
        }
    }

    fn gcm_seal(&self, jobs: &mut [GcmJob<'_, Keys>]) {
        for job in &mut *jobs {
            self.gcm_payload(job);
        }
        for job in jobs {
            job.tag = self.gcm_tag(job);
        }
    }

    fn gcm_open(&self, jobs: &mut [GcmJob<'_, Keys>]) {
        for job in jobs {
            job.good = same_tag(&self.gcm_tag(job), &job.tag);
            if job.good {
                self.gcm_payload(job);
            }
        }
    }

    fn prefetch<T>(&self, value: &T) {
        kernels::prefetch(value);
    }
}

impl Vector {
    fn gcm_payload(&self, job: &mut GcmJob<'_, Keys>) {
        let iv = payload_iv(gcm_nonce(job.index));
        job.keys.with_all(job.suite, |round_keys| self.ctr.apply(round_keys, iv, job.data));
    }

    fn gcm_tag(&self, job: &GcmJob<'_, Keys>) -> Block {
        let hash_key = job.keys.mac.words.first_chunk().expect("ten words");
        let nonce = gcm_nonce(job.index);
        let (associated, ciphertext) = (job.aad, &*job.data);
        job.keys.with_all(job.suite, |round_keys| {
            self.gcm.compute(nonce, &TagJob { round_keys, hash_key, associated, ciphertext })
        })
    }
}

impl Keys {
    /// Lends all round keys of the suite.
    #[inline]
    fn with_all<T>(&self, suite: Suite, work: impl FnOnce(&[Block]) -> T) -> T {
        match suite.master_key_len() {
            16 => work(&self.round_keys),
            24 => work(Completed::aes_192(&self.round_keys).as_slice()),
            _ => work(Completed::aes_256(&self.round_keys).as_slice()),
        }
    }
}

/// A block with the packet index alone, as a number.
#[inline]
fn index_block(cipher: Cipher, index: u64) -> u128 {
    u128::from(index) << (8 * (10 - index_at(cipher)))
}

#[inline]
fn gcm_nonce(index: u64) -> u128 {
    index_block(Cipher::AesGcm, index) >> 32
}
