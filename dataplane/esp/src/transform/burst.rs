//! Several packets at once, by the kernels of this processor: AES-GCM, and AES-CBC with HMAC-SHA1.
//!
//! What takes long in a packet is a chain, in which each step waits for the one before: CBC while
//! encrypting, SHA-1 always. Packets do not wait for each other, whatever associations they are of.

use arrayvec::ArrayVec;
use kernels::{
    AesCbc, AesCtr, Block, CbcJob, Digest, GcmTag, HashKey, HmacSha1, MacJob, MacKey, TagJob,
    expand_key, hash_key, invert_key, payload_iv,
};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{BURST, HEADER_LEN, Job, Parts, Transform, associated_data, split_icv};
use crate::{Keys, Suite};

/// AES-GCM with an ICV of 16 octets (RFC 4106).
pub(crate) struct GcmKeys {
    tag: GcmTag,
    ctr: AesCtr,
    round_keys: RoundKeys,
    hash_key: HashKey,
    salt: [u8; 4],
}

/// AES-CBC (RFC 3602) with HMAC-SHA1-96 (RFC 2404).
pub(crate) struct CbcSha1Keys {
    cbc: AesCbc,
    hmac: HmacSha1,
    encrypt: RoundKeys,
    decrypt: RoundKeys,
    mac: MacKey,
    seed: [u8; 16],
}

/// The keys of AES's rounds.
#[derive(Zeroize, ZeroizeOnDrop)]
struct RoundKeys {
    keys: [Block; 15],
    #[zeroize(skip)]
    count: usize,
}

const GCM_IV: usize = 8;
const GCM_ICV: usize = 16;
const SHA1_ICV: usize = 12;

/// The transform for keys, if there are kernels for their suite on this processor.
pub(super) fn transform(keys: &Keys, seed: [u8; 16]) -> Option<Transform> {
    match keys.suite() {
        Suite::AesGcm128 | Suite::AesGcm256 => GcmKeys::new(keys).map(Box::new).map(Transform::Gcm),
        Suite::AesCbc128Sha1 | Suite::AesCbc256Sha1 => {
            CbcSha1Keys::new(keys, seed).map(Box::new).map(Transform::CbcSha1)
        }
        _ => None,
    }
}

impl RoundKeys {
    fn new(key: &[u8]) -> Option<Self> {
        let mut made = Self { keys: [[0; 16]; 15], count: key.len() / 4 + 7 };
        expand_key(key, &mut made.keys[..made.count]).then_some(made)
    }

    fn inverted(&self) -> Option<Self> {
        let mut made = Self { keys: [[0; 16]; 15], count: self.count };
        invert_key(self.as_slice(), &mut made.keys[..made.count]).then_some(made)
    }

    fn as_slice(&self) -> &[Block] {
        &self.keys[..self.count]
    }
}

impl GcmKeys {
    fn new(keys: &Keys) -> Option<Self> {
        let vector = GcmTag::vpclmulqdq().zip(AesCtr::vaes());
        let (tag, ctr) = vector.or_else(|| GcmTag::pclmulqdq().zip(AesCtr::aes_ni()))?;
        let (key, salt) = keys.encryption().split_last_chunk().expect("a salt ends the key");
        let round_keys = RoundKeys::new(key)?;
        let hash_key = hash_key(round_keys.as_slice())?;
        Some(Self { tag, ctr, round_keys, hash_key, salt: *salt })
    }

    fn nonce(&self, iv: &[u8]) -> u128 {
        let iv = iv.first_chunk().copied().map(u64::from_be_bytes);
        let iv = iv.expect("the vector has eight octets");
        u128::from(u32::from_be_bytes(self.salt)) << 64 | u128::from(iv)
    }

    fn crypt(&self, packet: &mut [u8]) {
        let parts = Parts::of(packet, GCM_IV, GCM_ICV);
        self.ctr.apply(self.round_keys.as_slice(), payload_iv(self.nonce(parts.iv)), parts.data);
    }

    fn icv(&self, high: Option<u32>, parts: &Parts<'_>) -> [u8; GCM_ICV] {
        let (associated, len) = associated_data(high, parts.header);
        let job = TagJob {
            round_keys: self.round_keys.as_slice(),
            hash_key: &self.hash_key,
            associated: &associated[..len],
            ciphertext: parts.data,
        };
        self.tag.compute(self.nonce(parts.iv), &job)
    }

    fn sign(&self, high: Option<u32>, packet: &mut [u8]) {
        let parts = Parts::of(packet, GCM_IV, GCM_ICV);
        let icv = self.icv(high, &parts);
        parts.icv.copy_from_slice(&icv);
    }

    fn verifies(&self, high: Option<u32>, packet: &mut [u8]) -> bool {
        let parts = Parts::of(packet, GCM_IV, GCM_ICV);
        self.icv(high, &parts).ct_eq(parts.icv).into()
    }
}

impl Drop for GcmKeys {
    fn drop(&mut self) {
        self.hash_key.zeroize();
        self.salt.zeroize();
    }
}

impl CbcSha1Keys {
    fn new(keys: &Keys, seed: [u8; 16]) -> Option<Self> {
        let encrypt = RoundKeys::new(keys.encryption())?;
        Some(Self {
            cbc: AesCbc::vaes().or_else(AesCbc::aes_ni)?,
            hmac: HmacSha1::avx512().or_else(HmacSha1::sha_ni).or_else(HmacSha1::avx2)?,
            decrypt: encrypt.inverted()?,
            encrypt,
            mac: MacKey::new(keys.integrity()),
            seed,
        })
    }

    /// The packet's number, encrypted (NIST SP 800-38A, appendix C).
    pub(super) fn write_iv(&self, number: u64, iv: &mut [u8]) {
        let mut block = self.seed;
        for (octet, number) in block[8..].iter_mut().zip(number.to_be_bytes()) {
            *octet ^= number;
        }
        iv.copy_from_slice(&self.cbc.encrypt_block(self.encrypt.as_slice(), block));
    }
}

impl Drop for CbcSha1Keys {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

/// Seals those of the jobs that are of this kind.
pub(super) fn seal(jobs: &mut [Job<'_>]) {
    // Ciphertext just written is slow to read again: first all are encrypted.
    for job in &mut *jobs {
        if let Some(keys) = gcm(job) {
            keys.crypt(job.packet);
        }
    }
    for job in &mut *jobs {
        if let Some(keys) = gcm(job) {
            keys.sign(job.high, job.packet);
        }
    }
    let Some(CbcSha1Keys { cbc, hmac, .. }) = jobs.iter().find_map(cbc_sha1) else { return };
    let texts = jobs.iter_mut().filter_map(|job| {
        let round_keys = cbc_sha1(job)?.encrypt.as_slice();
        Some(CbcJob { round_keys, text: text(job.packet) })
    });
    cbc.encrypt(&mut texts.collect::<ArrayVec<_, BURST>>());
    let mut digests = digests(*hmac, jobs);
    for job in &mut *jobs {
        if cbc_sha1(job).is_some() {
            let digest = digests.next().expect("there is a digest for each");
            split_icv(job.packet, SHA1_ICV).1.copy_from_slice(&digest[..SHA1_ICV]);
        }
    }
}

/// Opens those of the jobs that are of this kind.
pub(super) fn open(jobs: &mut [Job<'_>]) {
    for job in &mut *jobs {
        if let Some(keys) = gcm(job) {
            job.good = keys.verifies(job.high, job.packet);
        }
    }
    for job in &mut *jobs {
        if let Some(keys) = gcm(job)
            && job.good
        {
            keys.crypt(job.packet);
        }
    }
    let Some(CbcSha1Keys { cbc, hmac, .. }) = jobs.iter().find_map(cbc_sha1) else { return };
    let mut digests = digests(*hmac, jobs);
    for job in &mut *jobs {
        if cbc_sha1(job).is_some() {
            let digest = digests.next().expect("there is a digest for each");
            job.good = digest[..SHA1_ICV].ct_eq(split_icv(job.packet, SHA1_ICV).1).into();
        }
    }
    let texts = jobs.iter_mut().filter(|job| job.good).filter_map(|job| {
        let round_keys = cbc_sha1(job)?.decrypt.as_slice();
        Some(CbcJob { round_keys, text: text(job.packet) })
    });
    cbc.decrypt(&mut texts.collect::<ArrayVec<_, BURST>>());
}

/// What HMAC-SHA1 makes of the jobs that have it, in their order.
fn digests(hmac: HmacSha1, jobs: &[Job<'_>]) -> impl Iterator<Item = Digest> + use<> {
    let messages: ArrayVec<_, BURST> = jobs
        .iter()
        .filter_map(|job| {
            let message = &job.packet[..job.packet.len() - SHA1_ICV];
            // The half of the number that does not travel (RFC 4303 §2.2.1).
            let suffix = job.high.map(u32::to_be_bytes);
            Some(MacJob { key: &cbc_sha1(job)?.mac, message, suffix })
        })
        .collect();
    let mut digests = [[0; 20]; BURST];
    hmac.digest(&messages, &mut digests[..messages.len()]);
    digests.into_iter().take(messages.len())
}

/// Initialization vector and ciphertext.
fn text(packet: &mut [u8]) -> &mut [Block] {
    split_icv(packet, SHA1_ICV).0[HEADER_LEN..].as_chunks_mut().0
}

fn gcm<'a>(job: &Job<'a>) -> Option<&'a GcmKeys> {
    match job.transform {
        Transform::Gcm(keys) => Some(keys),
        _ => None,
    }
}

fn cbc_sha1<'a>(job: &Job<'a>) -> Option<&'a CbcSha1Keys> {
    match job.transform {
        Transform::CbcSha1(keys) => Some(keys),
        _ => None,
    }
}
