//! What is combined with what, and how long everything is.

use std::fmt;

/// A cipher and an integrity algorithm, as they are used together.
///
/// Names are those of proposals in `swanctl.conf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// AES-GCM with 16 octets of ICV and a key of 128 bits (RFC 4106).
    AesGcm128,
    /// The same with a key of 256 bits.
    AesGcm256,
    /// AES-CBC-128 (RFC 3602) with HMAC-SHA1-96 (RFC 2404): for equipment of its time.
    AesCbc128Sha1,
    /// AES-CBC-256 with HMAC-SHA1-96.
    AesCbc256Sha1,
    /// AES-CBC-128 with HMAC-SHA2-256-128 (RFC 4868).
    AesCbc128Sha256,
    /// AES-CBC-256 with HMAC-SHA2-256-128.
    AesCbc256Sha256,
    /// No encryption (RFC 2410), HMAC-SHA1-96. Covers nothing: whoever listens reads.
    NullSha1,
    /// No encryption, HMAC-SHA2-256-128. Covers nothing.
    NullSha256,
}

impl Suite {
    /// Every suite, best first.
    pub const ALL: [Self; 8] = [
        Self::AesGcm128,
        Self::AesGcm256,
        Self::AesCbc128Sha256,
        Self::AesCbc256Sha256,
        Self::AesCbc128Sha1,
        Self::AesCbc256Sha1,
        Self::NullSha256,
        Self::NullSha1,
    ];

    /// Its name in a proposal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesGcm128 => "aes128gcm16",
            Self::AesGcm256 => "aes256gcm16",
            Self::AesCbc128Sha1 => "aes128-sha1",
            Self::AesCbc256Sha1 => "aes256-sha1",
            Self::AesCbc128Sha256 => "aes128-sha256",
            Self::AesCbc256Sha256 => "aes256-sha256",
            Self::NullSha1 => "null-sha1",
            Self::NullSha256 => "null-sha256",
        }
    }

    /// The suite of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// Whether nobody on the way can read what it protects.
    pub const fn encrypts(self) -> bool {
        !matches!(self, Self::NullSha1 | Self::NullSha256)
    }

    /// Whether it is one algorithm for both, whose initialization vectors must never repeat.
    pub const fn is_gcm(self) -> bool {
        matches!(self, Self::AesGcm128 | Self::AesGcm256)
    }

    /// Whether the cipher is AES-CBC, under whose key no more than 2^32 blocks should go.
    pub const fn is_cbc(self) -> bool {
        self.encrypts() && !self.is_gcm()
    }

    /// Octets of the encryption key; for GCM the salt's four are counted, they follow the key.
    pub const fn encryption_key_len(self) -> usize {
        match self {
            Self::AesGcm128 => 16 + 4,
            Self::AesGcm256 => 32 + 4,
            Self::AesCbc128Sha1 | Self::AesCbc128Sha256 => 16,
            Self::AesCbc256Sha1 | Self::AesCbc256Sha256 => 32,
            Self::NullSha1 | Self::NullSha256 => 0,
        }
    }

    /// Octets of the integrity key; GCM has none.
    pub const fn integrity_key_len(self) -> usize {
        match self {
            Self::AesGcm128 | Self::AesGcm256 => 0,
            Self::AesCbc128Sha1 | Self::AesCbc256Sha1 | Self::NullSha1 => 20,
            Self::AesCbc128Sha256 | Self::AesCbc256Sha256 | Self::NullSha256 => 32,
        }
    }

    /// Octets of the initialization vector in each packet.
    pub const fn iv_len(self) -> usize {
        match self {
            Self::AesGcm128 | Self::AesGcm256 => 8,
            Self::NullSha1 | Self::NullSha256 => 0,
            _ => 16,
        }
    }

    /// Octets of the integrity check value in each packet.
    pub const fn icv_len(self) -> usize {
        match self {
            Self::AesCbc128Sha1 | Self::AesCbc256Sha1 | Self::NullSha1 => 12,
            _ => 16,
        }
    }

    /// What payload, padding and trailer together are a multiple of.
    pub const fn alignment(self) -> usize {
        if self.is_cbc() { 16 } else { 4 }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_suite_again() {
        for suite in Suite::ALL {
            assert_eq!(Suite::from_name(suite.name()), Some(suite));
        }
        assert_eq!(Suite::from_name("3des-md5"), None);
    }
}
