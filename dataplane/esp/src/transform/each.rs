//! One packet after the other, on any processor: RustCrypto.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::consts::{U12, U16};
use aes::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser,
    InnerIvInit, KeyInit,
};
use aes::{Aes128, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{Parts, associated_data, split_icv};
use crate::{Keys, Suite};

/// One way to seal and open packets, with its keys; as [`Transform`](super::Transform) says.
pub(crate) trait Each: Send {
    fn write_iv(&self, number: u64, iv: &mut [u8]);
    fn seal(&self, high: Option<u32>, packet: &mut [u8]);
    #[must_use]
    fn open(&self, high: Option<u32>, packet: &mut [u8]) -> bool;
}

pub(super) fn transform(keys: &Keys, seed: [u8; 16]) -> Box<dyn Each> {
    let sha1 = || HmacSha1_96(new(keys.integrity()));
    let sha256 = || HmacSha256_128(new(keys.integrity()));
    let cbc128 = || Cbc { aes: new::<Aes128>(keys.encryption()), seed };
    let cbc256 = || Cbc { aes: new::<Aes256>(keys.encryption()), seed };
    match keys.suite() {
        Suite::AesGcm128 => Box::new(Gcm::<Aes128>::new(keys)),
        Suite::AesGcm256 => Box::new(Gcm::<Aes256>::new(keys)),
        Suite::AesCbc128Sha1 => Box::new(Composed(cbc128(), sha1())),
        Suite::AesCbc256Sha1 => Box::new(Composed(cbc256(), sha1())),
        Suite::AesCbc128Sha256 => Box::new(Composed(cbc128(), sha256())),
        Suite::AesCbc256Sha256 => Box::new(Composed(cbc256(), sha256())),
        Suite::NullSha1 => Box::new(Composed(Null, sha1())),
        Suite::NullSha256 => Box::new(Composed(Null, sha256())),
    }
}

fn new<T: KeyInit>(key: &[u8]) -> T {
    T::new_from_slice(key).expect("keys have the lengths of their suite")
}

/// AES-GCM with an ICV of 16 octets (RFC 4106).
struct Gcm<Aes> {
    aead: AesGcm<Aes, U12>,
    salt: [u8; 4],
}

const GCM_IV: usize = 8;
const GCM_ICV: usize = 16;

impl<Aes> Gcm<Aes>
where
    AesGcm<Aes, U12>: KeyInit,
{
    fn new(keys: &Keys) -> Self {
        let (key, salt) = keys.encryption().split_last_chunk().expect("a salt ends the key");
        Self { aead: new(key), salt: *salt }
    }
}

impl<Aes> Gcm<Aes> {
    fn nonce(&self, iv: &[u8]) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&self.salt);
        nonce[4..].copy_from_slice(iv);
        nonce
    }
}

impl<Aes> Each for Gcm<Aes>
where
    Aes: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send,
    AesGcm<Aes, U12>: AeadInOut<NonceSize = U12, TagSize = U16>,
{
    fn write_iv(&self, number: u64, iv: &mut [u8]) {
        iv.copy_from_slice(&number.to_be_bytes());
    }

    fn seal(&self, high: Option<u32>, packet: &mut [u8]) {
        let parts = Parts::of(packet, GCM_IV, GCM_ICV);
        let (aad, len) = associated_data(high, parts.header);
        let nonce = self.nonce(parts.iv).into();
        let icv = self
            .aead
            .encrypt_inout_detached(&nonce, &aad[..len], parts.data.into())
            .expect("a packet is shorter than GCM's 64 GiB");
        parts.icv.copy_from_slice(&icv);
    }

    fn open(&self, high: Option<u32>, packet: &mut [u8]) -> bool {
        let parts = Parts::of(packet, GCM_IV, GCM_ICV);
        let (aad, len) = associated_data(high, parts.header);
        let nonce = self.nonce(parts.iv).into();
        let icv = (&*parts.icv).try_into().expect("the ICV has 16 octets");
        self.aead.decrypt_inout_detached(&nonce, &aad[..len], parts.data.into(), icv).is_ok()
    }
}

/// A cipher and a MAC of the ciphertext.
struct Composed<C, M>(C, M);

impl<C: Cipher, M: Integrity> Each for Composed<C, M> {
    fn write_iv(&self, number: u64, iv: &mut [u8]) {
        self.0.write_iv(number, iv);
    }

    fn seal(&self, high: Option<u32>, packet: &mut [u8]) {
        let parts = Parts::of(packet, C::IV, M::ICV);
        self.0.encrypt(parts.iv, parts.data);
        let (message, icv) = split_icv(packet, M::ICV);
        self.1.sign(message, high, icv);
    }

    fn open(&self, high: Option<u32>, packet: &mut [u8]) -> bool {
        let (message, icv) = split_icv(packet, M::ICV);
        if !self.1.verifies(message, high, icv) {
            return false;
        }
        let parts = Parts::of(packet, C::IV, M::ICV);
        self.0.decrypt(parts.iv, parts.data);
        true
    }
}

trait Cipher: Send {
    /// Octets of the initialization vector.
    const IV: usize;

    fn write_iv(&self, number: u64, iv: &mut [u8]);
    fn encrypt(&self, iv: &[u8], data: &mut [u8]);
    fn decrypt(&self, iv: &[u8], data: &mut [u8]);
}

/// AES in CBC mode (RFC 3602).
struct Cbc<Aes> {
    aes: Aes,
    seed: [u8; 16],
}

impl<Aes> Cipher for Cbc<Aes>
where
    Aes: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + Send,
{
    const IV: usize = 16;

    /// The packet's number, encrypted (NIST SP 800-38A, appendix C).
    fn write_iv(&self, number: u64, iv: &mut [u8]) {
        let mut block = self.seed;
        for (octet, number) in block[8..].iter_mut().zip(number.to_be_bytes()) {
            *octet ^= number;
        }
        let mut block = block.into();
        self.aes.encrypt_block(&mut block);
        iv.copy_from_slice(&block);
    }

    fn encrypt(&self, iv: &[u8], data: &mut [u8]) {
        let iv = iv.try_into().expect("the vector has a block's length");
        let len = data.len();
        cbc::Encryptor::<&Aes>::inner_iv_init(&self.aes, iv)
            .encrypt_padded::<NoPadding>(data, len)
            .expect("padding fills the last block");
    }

    fn decrypt(&self, iv: &[u8], data: &mut [u8]) {
        let iv = iv.try_into().expect("the vector has a block's length");
        cbc::Decryptor::<&Aes>::inner_iv_init(&self.aes, iv)
            .decrypt_padded::<NoPadding>(data)
            .expect("lengths are checked before");
    }
}

/// No encryption (RFC 2410).
struct Null;

impl Cipher for Null {
    const IV: usize = 0;

    fn write_iv(&self, _number: u64, _iv: &mut [u8]) {}
    fn encrypt(&self, _iv: &[u8], _data: &mut [u8]) {}
    fn decrypt(&self, _iv: &[u8], _data: &mut [u8]) {}
}

trait Integrity: Send {
    /// Octets of the ICV.
    const ICV: usize;

    fn sign(&self, message: &[u8], high: Option<u32>, icv: &mut [u8]);
    fn verifies(&self, message: &[u8], high: Option<u32>, icv: &[u8]) -> bool;
}

/// HMAC-SHA1 cut to 96 bits (RFC 2404).
struct HmacSha1_96(Hmac<Sha1>);

/// HMAC-SHA2-256 cut to 128 bits (RFC 4868).
struct HmacSha256_128(Hmac<Sha256>);

macro_rules! integrity {
    ($name:ty, $icv:literal) => {
        impl Integrity for $name {
            const ICV: usize = $icv;

            fn sign(&self, message: &[u8], high: Option<u32>, icv: &mut [u8]) {
                icv.copy_from_slice(&mac(&self.0, message, high)[..$icv]);
            }

            fn verifies(&self, message: &[u8], high: Option<u32>, icv: &[u8]) -> bool {
                mac(&self.0, message, high)[..$icv].ct_eq(icv).into()
            }
        }
    };
}

integrity!(HmacSha1_96, 12);
integrity!(HmacSha256_128, 16);

/// The MAC of a message and the half of the sequence number that follows it unsent (RFC 4303
/// §2.2.1).
fn mac<M: Mac + Clone>(keyed: &M, message: &[u8], high: Option<u32>) -> hmac::digest::Output<M> {
    let mut mac = keyed.clone();
    mac.update(message);
    if let Some(high) = high {
        mac.update(&high.to_be_bytes());
    }
    mac.finalize().into_bytes()
}
