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

    #[test]
    fn rfc_3711_appendix_b3() {
        let suite = Suite::AesCm128HmacSha1_80;
        let key = hex!("E1F97A0D3E018BE0D64FA32C06DE4139");
        let salt = hex!("0EC675AD498AFEEBB6960B3AABE6");
        let master = MasterKey::new(suite, &key, &salt).unwrap();
        let keys = SessionKeys::derive(suite, &master, Protocol::Rtp, 0);
        assert_eq!(keys.cipher(), hex!("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(keys.salt, hex!("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(keys.auth, hex!("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
    }
}
