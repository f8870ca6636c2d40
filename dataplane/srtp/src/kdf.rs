//! Session keys from master keys, RFC 3711 §4.3, with the pseudo-random functions of RFC 6188 §2.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::keying::MasterKey;
use crate::packet::Protocol;
use crate::suite::{Cipher, Suite};

/// The session keys of RTP or of RTCP under one master key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct SessionKeys {
    #[zeroize(skip)]
    pub(crate) suite: Suite,
    cipher: [u8; 32],
    /// Starts the first 14 octets of every initialization vector; GCM has 12, the rest is zero.
    pub(crate) salt: [u8; 14],
    pub(crate) auth: [u8; 20],
}

impl SessionKeys {
    /// Derives the keys of `protocol`; `r` is the packet index divided by the key derivation rate,
    /// or zero without one.
    pub(crate) fn derive(suite: Suite, master: &MasterKey, protocol: Protocol, r: u64) -> Self {
        let prf = Prf::new(master.key());
        let base = match protocol {
            Protocol::Rtp => 0,
            Protocol::Rtcp => 3,
        };
        let mut keys = Self { suite, cipher: [0; 32], salt: [0; 14], auth: [0; 20] };
        prf.fill(master.derivation_salt(), base, r, &mut keys.cipher[..suite.master_key_len()]);
        prf.fill(master.derivation_salt(), base + 1, r, &mut keys.auth);
        prf.fill(master.derivation_salt(), base + 2, r, &mut keys.salt[..suite.master_salt_len()]);
        keys
    }

    /// Session keys given as such, for examples that do not start from a master key.
    #[cfg(test)]
    pub(crate) fn from_parts(suite: Suite, cipher: &[u8], salt: &[u8], auth: &[u8; 20]) -> Self {
        let mut keys = Self { suite, cipher: [0; 32], salt: [0; 14], auth: *auth };
        keys.cipher[..cipher.len()].copy_from_slice(cipher);
        keys.salt[..salt.len()].copy_from_slice(salt);
        keys
    }

    /// The key of the block cipher; empty for the NULL suites.
    pub(crate) fn cipher(&self) -> &[u8] {
        match self.suite.cipher() {
            Cipher::Null => &[],
            Cipher::AesCm | Cipher::AesGcm => &self.cipher[..self.suite.master_key_len()],
        }
    }
}

/// AES in counter mode under the master key; its size follows the master key's (RFC 6188 §2).
enum Prf {
    Aes128(Aes128Enc),
    Aes192(Aes192Enc),
    Aes256(Aes256Enc),
}

impl Prf {
    fn new(key: &[u8]) -> Self {
        const LENGTH: &str = "a master key has 16, 24 or 32 octets";
        match key.len() {
            16 => Self::Aes128(Aes128Enc::new_from_slice(key).expect(LENGTH)),
            24 => Self::Aes192(Aes192Enc::new_from_slice(key).expect(LENGTH)),
            _ => Self::Aes256(Aes256Enc::new_from_slice(key).expect(LENGTH)),
        }
    }

    fn fill(&self, salt: &[u8; 14], label: u8, r: u64, out: &mut [u8]) {
        // x = (label || r) XOR salt, where r has 48 bits and both end at the same bit.
        let mut x = [0; 16];
        x[..14].copy_from_slice(salt);
        x[7] ^= label;
        for (byte, r) in x[8..14].iter_mut().zip(&r.to_be_bytes()[2..]) {
            *byte ^= r;
        }
        for (counter, chunk) in out.chunks_mut(16).enumerate() {
            x[15] = counter as u8;
            let mut block = x.into();
            match self {
                Self::Aes128(aes) => aes.encrypt_block(&mut block),
                Self::Aes192(aes) => aes.encrypt_block(&mut block),
                Self::Aes256(aes) => aes.encrypt_block(&mut block),
            }
            chunk.copy_from_slice(&block[..chunk.len()]);
            block.zeroize();
        }
        x.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    fn derives(suite: Suite, master: (&[u8], [u8; 14]), session: (&[u8], [u8; 14], [u8; 20])) {
        let master = MasterKey::new(suite, master.0, &master.1).unwrap();
        let keys = SessionKeys::derive(suite, &master, Protocol::Rtp, 0);
        assert_eq!((keys.cipher(), keys.salt, keys.auth), session);
    }

    #[test]
    fn rfc_3711_appendix_b_3() {
        derives(
            Suite::AesCm128HmacSha1_80,
            (&hex!("e1f97a0d3e018be0d64fa32c06de4139"), hex!("0ec675ad498afeebb6960b3aabe6")),
            (
                &hex!("c61e7a93744f39ee10734afe3ff7a087"),
                hex!("30cbbc08863d8c85d49db34a9ae1"),
                hex!("cebe321f6ff7716b6fd4ab49af256a156d38baa4"),
            ),
        );
    }

    #[test]
    fn rfc_6188_section_7_2() {
        derives(
            Suite::AesCm256HmacSha1_80,
            (
                &hex!("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"),
                hex!("3b04803de51ee7c96423ab5b78d2"),
            ),
            (
                &hex!("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"),
                hex!("fa31791685ca444a9e07c6c64e93"),
                hex!("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"),
            ),
        );
    }

    #[test]
    fn rfc_6188_section_7_4() {
        derives(
            Suite::AesCm192HmacSha1_80,
            (
                &hex!("73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1"),
                hex!("c8522f3acd4ce86d5add78edbb11"),
            ),
            (
                &hex!("31874736a8f1143870c26e4857d8a5b2c4a354407faadabb"),
                hex!("2372b82d639b6d8503a47adc0a6c"),
                hex!("355b10973cd95b9eacf4061c7e1a7151e7cfbfcb"),
            ),
        );
    }

    #[test]
    fn the_derivation_number_changes_every_key() {
        let suite = Suite::AesCm128HmacSha1_80;
        let master = MasterKey::new(suite, &[1; 16], &[2; 14]).unwrap();
        let [first, second] = [0, 1].map(|r| SessionKeys::derive(suite, &master, Protocol::Rtp, r));
        assert_ne!(first.cipher(), second.cipher());
        assert_ne!(first.salt, second.salt);
        assert_ne!(first.auth, second.auth);
        // The number ends where the salt ends: r = 1 is salt + 1, RFC 3711 §4.3.1.
        let mut salt = [2; 14];
        salt[13] ^= 1;
        let master = MasterKey::new(suite, &[1; 16], &salt).unwrap();
        let same = SessionKeys::derive(suite, &master, Protocol::Rtp, 0);
        assert_eq!(second.cipher(), same.cipher());
    }
}
