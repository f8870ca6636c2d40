//! The reference: RustCrypto, one packet after the other, on any processor.

use aes::cipher::{
    BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipherCore, consts::U16,
};
use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use aes_gcm::AesGcm;
use aes_gcm::aead::{AeadInOut, consts::U12};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use sha1::block_api::compress;
use zeroize::Zeroize;

use super::{Backend, CmJob, Digest, GcmJob, MacJob, MacKey, index_at, salt_iv, turn_iv};
use crate::kdf::SessionKeys;
use crate::suite::{Cipher, Suite};

/// RustCrypto's `aes`, `ctr`, `aes-gcm` and `sha1`.
pub(crate) struct Portable;

#[derive(Clone)]
pub(crate) struct Keys {
    mac: MacKey,
    iv: [u8; 16],
    cipher: Expanded,
}

/// Expanded cipher keys.
#[derive(Clone)]
enum Expanded {
    None,
    Cm128(Aes128Enc),
    Cm192(Aes192Enc),
    Cm256(Aes256Enc),
    Gcm128(AesGcm<Aes128Enc, U12>),
    Gcm256(AesGcm<Aes256Enc, U12>),
}

impl Backend for Portable {
    type Keys = Keys;

    fn name(&self) -> &'static str {
        "portable"
    }

    fn expand(&self, keys: &SessionKeys) -> Keys {
        Keys { mac: MacKey::new(&keys.auth), iv: salt_iv(&keys.salt), cipher: Expanded::new(keys) }
    }

    fn turn(&self, keys: &mut Keys, suite: Suite, change: u32) {
        turn_iv(&mut keys.iv, suite, change);
    }

    fn mac_key(keys: &Keys) -> &MacKey {
        &keys.mac
    }

    fn hmac_sha1(&self, jobs: &[MacJob<'_>], digests: &mut [Digest]) {
        for (job, digest) in jobs.iter().zip(digests) {
            *digest = hmac_sha1(job);
        }
    }

    fn aes_cm<'a>(&self, jobs: impl Iterator<Item = CmJob<'a, Keys>>) {
        for job in jobs {
            let iv = job.keys.iv_of(job.suite, job.index);
            match &job.keys.cipher {
                Expanded::Cm128(aes) => counter_mode(aes, &iv, job.data),
                Expanded::Cm192(aes) => counter_mode(aes, &iv, job.data),
                Expanded::Cm256(aes) => counter_mode(aes, &iv, job.data),
                Expanded::None | Expanded::Gcm128(_) | Expanded::Gcm256(_) => {}
            }
        }
    }

    fn gcm_seal(&self, jobs: &mut [GcmJob<'_, Keys>]) {
        for job in jobs {
            let nonce = job.keys.nonce(job.suite, job.index).into();
            let tag = match &job.keys.cipher {
                Expanded::Gcm128(gcm) => {
                    gcm.encrypt_inout_detached(&nonce, job.aad, (&mut *job.data).into())
                }
                Expanded::Gcm256(gcm) => {
                    gcm.encrypt_inout_detached(&nonce, job.aad, (&mut *job.data).into())
                }
                _ => continue,
            };
            job.tag = tag.expect("a packet is shorter than GCM's 64 GiB").into();
        }
    }

    fn gcm_open(&self, jobs: &mut [GcmJob<'_, Keys>]) {
        for job in jobs {
            let nonce = job.keys.nonce(job.suite, job.index).into();
            let tag = job.tag.into();
            let opened = match &job.keys.cipher {
                Expanded::Gcm128(gcm) => {
                    gcm.decrypt_inout_detached(&nonce, job.aad, (&mut *job.data).into(), &tag)
                }
                Expanded::Gcm256(gcm) => {
                    gcm.decrypt_inout_detached(&nonce, job.aad, (&mut *job.data).into(), &tag)
                }
                _ => continue,
            };
            job.good = opened.is_ok();
        }
    }

    fn prefetch<T>(&self, _value: &T) {}
}

impl Zeroize for Keys {
    fn zeroize(&mut self) {
        self.iv.zeroize();
        self.mac.zeroize();
        // RustCrypto's types erase themselves when dropped.
        self.cipher = Expanded::None;
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl Keys {
    fn iv_of(&self, suite: Suite, index: u64) -> [u8; 16] {
        let mut iv = self.iv;
        let at = index_at(suite.cipher());
        for (byte, index) in iv[at..at + 6].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= index;
        }
        iv
    }

    fn nonce(&self, suite: Suite, index: u64) -> [u8; 12] {
        let iv = self.iv_of(suite, index);
        *iv.first_chunk().expect("a nonce is shorter than a block")
    }
}

impl Expanded {
    fn new(keys: &SessionKeys) -> Self {
        const LENGTH: &str = "the key has its suite's length";
        let key = keys.cipher();
        match (keys.suite.cipher(), key.len()) {
            (Cipher::Null, _) => Self::None,
            (Cipher::AesCm, 16) => Self::Cm128(KeyInit::new_from_slice(key).expect(LENGTH)),
            (Cipher::AesCm, 24) => Self::Cm192(KeyInit::new_from_slice(key).expect(LENGTH)),
            (Cipher::AesCm, _) => Self::Cm256(KeyInit::new_from_slice(key).expect(LENGTH)),
            (Cipher::AesGcm, 16) => Self::Gcm128(KeyInit::new_from_slice(key).expect(LENGTH)),
            (Cipher::AesGcm, _) => Self::Gcm256(KeyInit::new_from_slice(key).expect(LENGTH)),
        }
    }
}

fn counter_mode<Aes>(aes: &Aes, iv: &[u8; 16], data: &mut [u8])
where
    Aes: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    CtrCore::<&Aes, Ctr128BE>::inner_iv_init(aes, iv.into()).apply_keystream_partial(data.into());
}

fn hmac_sha1(job: &MacJob<'_>) -> Digest {
    let mut state = *job.key.inner();
    let (blocks, rest) = job.message.as_chunks::<64>();
    compress(&mut state, blocks);

    // The rest, the suffix, the bit 1 and the length fill one block or two.
    let mut last = [0; 128];
    let mut len = rest.len();
    last[..len].copy_from_slice(rest);
    if let Some(suffix) = job.suffix {
        last[len..len + 4].copy_from_slice(&suffix);
        len += 4;
    }
    last[len] = 0x80;
    let end = if len < 56 { 64 } else { 128 };
    let bits = 8 * (64 + blocks.len() * 64 + len) as u64;
    last[end - 8..end].copy_from_slice(&bits.to_be_bytes());
    compress(&mut state, last[..end].as_chunks().0);

    let mut block = [0; 64];
    store(&state, &mut block[..20]);
    block[20] = 0x80;
    block[56..].copy_from_slice(&(8 * (64 + 20u64)).to_be_bytes());
    let mut state_of_outer = *job.key.outer();
    compress(&mut state_of_outer, &[block]);
    let mut digest = [0; 20];
    store(&state_of_outer, &mut digest);
    digest
}

fn store(state: &[u32; 5], octets: &mut [u8]) {
    for (octets, word) in octets.chunks_exact_mut(4).zip(state) {
        octets.copy_from_slice(&word.to_be_bytes());
    }
}
