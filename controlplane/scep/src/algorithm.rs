//! Digests and ciphers of messages, and how weak they may be.

use std::fmt;

use der::asn1::ObjectIdentifier;
use openssl::symm::{Cipher as Openssl, Crypter, Mode};
use pki::asn1;
use pki::{Hash, PublicKey, legacy_md5};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::capability::Capabilities;

/// Hash functions of messages, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// MD5: the first generation.
    Md5,
    /// SHA-1: before RFC 8894.
    Sha1,
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

impl Digest {
    /// Digest, its OID, and its OID together with RSA.
    const KNOWN: [(Self, &'static str, &'static str); 5] = [
        (Self::Md5, "1.2.840.113549.2.5", "1.2.840.113549.1.1.4"),
        (Self::Sha1, "1.3.14.3.2.26", "1.2.840.113549.1.1.5"),
        (Self::Sha256, "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.11"),
        (Self::Sha384, "2.16.840.1.101.3.4.2.2", "1.2.840.113549.1.1.12"),
        (Self::Sha512, "2.16.840.1.101.3.4.2.3", "1.2.840.113549.1.1.13"),
    ];

    fn known(self) -> &'static (Self, &'static str, &'static str) {
        Self::KNOWN.iter().find(|(digest, ..)| *digest == self).expect("each is in the table")
    }

    pub(crate) fn oid(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(self.known().1)
    }

    /// The OID of an RSA signature with this digest.
    pub(crate) fn with_rsa(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(self.known().2)
    }

    pub(crate) fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        let known = Self::KNOWN.iter();
        known.map(|(digest, ..)| *digest).find(|digest| digest.oid() == oid)
    }

    /// As the rest of the system knows it; MD5 has no place there.
    pub(crate) fn hash(self) -> Option<Hash> {
        match self {
            Self::Md5 => None,
            Self::Sha1 => Some(Hash::LegacySha1),
            Self::Sha256 => Some(Hash::Sha256),
            Self::Sha384 => Some(Hash::Sha384),
            Self::Sha512 => Some(Hash::Sha512),
        }
    }

    /// The digest of `data`.
    pub fn of(self, data: &[u8]) -> Vec<u8> {
        match self.hash() {
            Some(hash) => hash.of(data),
            None => legacy_md5::md5(data),
        }
    }

    pub(crate) fn verify(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        match self.hash() {
            Some(hash) => key.verify(hash, message, signature),
            None => key.verify_md5(message, signature),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// Ciphers of messages, all in CBC, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cipher {
    /// Single DES: the first generation.
    Des,
    /// Triple DES: before RFC 8894.
    TripleDes,
    /// AES with 128 bits.
    Aes128,
    /// AES with 192 bits.
    Aes192,
    /// AES with 256 bits.
    Aes256,
}

impl Cipher {
    const KNOWN: [(Self, &'static str); 5] = [
        (Self::Des, "1.3.14.3.2.7"),
        (Self::TripleDes, "1.2.840.113549.3.7"),
        (Self::Aes128, "2.16.840.1.101.3.4.1.2"),
        (Self::Aes192, "2.16.840.1.101.3.4.1.22"),
        (Self::Aes256, "2.16.840.1.101.3.4.1.42"),
    ];

    pub(crate) fn oid(self) -> ObjectIdentifier {
        let known = Self::KNOWN.iter().find(|(cipher, _)| *cipher == self);
        ObjectIdentifier::new_unwrap(known.expect("each is in the table").1)
    }

    pub(crate) fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        let known = Self::KNOWN.iter();
        known.map(|(cipher, _)| *cipher).find(|cipher| cipher.oid() == oid)
    }

    /// Bytes of a key.
    pub(crate) fn key_size(self) -> usize {
        match self {
            Self::Des => 8,
            Self::Aes128 => 16,
            Self::TripleDes | Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// Bytes of a block, and of an initialisation vector.
    pub(crate) fn block_size(self) -> usize {
        match self {
            Self::Des | Self::TripleDes => 8,
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
        }
    }

    pub(crate) fn encrypt(self, key: &[u8], iv: &[u8], plain: &[u8]) -> Vec<u8> {
        let encrypted = self.run(Mode::Encrypt, key, iv, plain);
        encrypted.expect("key and vector have the sizes of the cipher").to_vec()
    }

    /// `None` if the padding is wrong: almost always, with a wrong key.
    pub(crate) fn decrypt(
        self,
        key: &[u8],
        iv: &[u8],
        encrypted: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        self.run(Mode::Decrypt, key, iv, encrypted)
    }

    fn run(self, mode: Mode, key: &[u8], iv: &[u8], from: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (openssl, key) = match self {
            // Triple DES with one key three times is single DES, which OpenSSL 3 left out.
            Self::Des => (Openssl::des_ede3_cbc(), [key; 3].concat()),
            Self::TripleDes => (Openssl::des_ede3_cbc(), key.to_vec()),
            Self::Aes128 => (Openssl::aes_128_cbc(), key.to_vec()),
            Self::Aes192 => (Openssl::aes_192_cbc(), key.to_vec()),
            Self::Aes256 => (Openssl::aes_256_cbc(), key.to_vec()),
        };
        let key = Zeroizing::new(key);
        let mut into = Zeroizing::new(vec![0; from.len() + openssl.block_size()]);
        let mut crypter = Crypter::new(openssl, mode, &key, Some(iv)).ok()?;
        let written = crypter.update(from, &mut into).ok()?;
        let last = crypter.finalize(&mut into[written..]).ok()?;
        into.truncate(written + last);
        Some(into)
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Des => "DES",
            Self::TripleDes => "3DES",
            Self::Aes128 => "AES-128",
            Self::Aes192 => "AES-192",
            Self::Aes256 => "AES-256",
        })
    }
}

/// The weakest algorithms that an administrator allows with a certificate authority.
///
/// What an authority offers comes unprotected, so that somebody in between can take the better half
/// away; and answers come in other algorithms than their requests. Nothing below the floor is sent
/// or believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Floor {
    /// MD5 and single DES. With it an authority that offers nothing is spoken to in these.
    Ancient,
    /// SHA-1 and triple DES: Windows 2003 with the SCEP add-on, Keon.
    Legacy,
    /// SHA-256 and triple DES: Microsoft's later service.
    #[default]
    Transitional,
    /// SHA-256 and AES: RFC 8894.
    Modern,
}

impl Floor {
    /// The weakest digest.
    pub fn digest(self) -> Digest {
        match self {
            Self::Ancient => Digest::Md5,
            Self::Legacy => Digest::Sha1,
            Self::Transitional | Self::Modern => Digest::Sha256,
        }
    }

    /// The weakest cipher.
    pub fn cipher(self) -> Cipher {
        match self {
            Self::Ancient => Cipher::Des,
            Self::Legacy | Self::Transitional => Cipher::TripleDes,
            Self::Modern => Cipher::Aes128,
        }
    }
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.digest(), self.cipher())
    }
}

/// How requests are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The digest of signatures.
    pub digest: Digest,
    /// The cipher of envelopes.
    pub cipher: Cipher,
    /// Whether messages go by POST; otherwise inside the URL of a GET.
    pub post: bool,
}

impl Profile {
    /// The best that is offered; `Err` with it if that is below the floor.
    pub fn choose(offered: &Capabilities, floor: Floor) -> Result<Self, Self> {
        let digest = match () {
            () if offered.standard || offered.sha256 => Digest::Sha256,
            () if offered.sha512 => Digest::Sha512,
            () if floor == Floor::Ancient && offered.is_empty() => Digest::Md5,
            () => Digest::Sha1,
        };
        let cipher = match () {
            () if offered.standard || offered.aes => Cipher::Aes128,
            () if floor == Floor::Ancient && offered.is_empty() => Cipher::Des,
            () => Cipher::TripleDes,
        };
        let profile = Self { digest, cipher, post: offered.standard || offered.post };
        match digest >= floor.digest() && cipher >= floor.cipher() {
            true => Ok(profile),
            false => Err(profile),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.digest, self.cipher)
    }
}

/// An AlgorithmIdentifier without parameters but NULL.
pub(crate) fn identifier(oid: ObjectIdentifier) -> Vec<u8> {
    asn1::sequence(&[&asn1::oid(oid), &asn1::element(der::Tag::Null, [])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_follows_what_is_offered_and_the_floor() {
        let choose = |text: &str, floor| {
            let profile = Profile::choose(&Capabilities::parse(text.as_bytes()), floor);
            profile.map(|p| (p.to_string(), p.post)).map_err(|p| p.to_string())
        };
        let is = |name: &str, post| Ok((name.to_owned(), post));
        let refused = |name: &str| Err(name.to_owned());
        use Floor::*;
        assert_eq!(choose("SCEPStandard", Modern), is("SHA-256, AES-128", true));
        assert_eq!(choose("AES\nSHA-256\nPOSTPKIOperation", Modern), is("SHA-256, AES-128", true));
        assert_eq!(choose("SHA-256\nDES3", Transitional), is("SHA-256, 3DES", false));
        assert_eq!(choose("SHA-512\nAES", Modern), is("SHA-512, AES-128", false));
        assert_eq!(choose("SHA-1\nDES3\nPOSTPKIOperation", Legacy), is("SHA-1, 3DES", true));
        assert_eq!(choose("", Legacy), is("SHA-1, 3DES", false));
        assert_eq!(choose("", Ancient), is("MD5, DES", false));
        assert_eq!(choose("SHA-256", Ancient), is("SHA-256, 3DES", false));
        // Stripped on the way.
        assert_eq!(choose("SHA-256\nDES3", Modern), refused("SHA-256, 3DES"));
        assert_eq!(choose("SHA-1\nDES3", Transitional), refused("SHA-1, 3DES"));
        assert_eq!(choose("AES\nSHA-1", Transitional), refused("SHA-1, AES-128"));
    }

    #[test]
    fn des_is_des() {
        // FIPS 81, appendix C: CBC with this key and vector, first block.
        let key = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        let iv = [0x12, 0x34, 0x56, 0x78, 0x90, 0xab, 0xcd, 0xef];
        let encrypted = Cipher::Des.encrypt(&key, &iv, b"Now is the time for all ");
        assert_eq!(encrypted[..8], [0xe5, 0xc7, 0xcd, 0xde, 0x87, 0x2b, 0xf2, 0x7c]);
        let plain = Cipher::Des.decrypt(&key, &iv, &encrypted).unwrap();
        assert_eq!(**plain, *b"Now is the time for all ");
        assert!(Cipher::Des.decrypt(&key, &iv, &encrypted[..7]).is_none());
    }
}
