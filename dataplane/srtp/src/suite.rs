//! Crypto suites: what is combined with what, and how long everything is.

use std::fmt;

/// A crypto suite: a cipher, an authenticator and their lengths.
///
/// Names are those of the SDP registry (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.2). The two NULL
/// suites have no registered name: they authenticate without encrypting and exist for the
/// laboratory, where a capture must stay readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Suite {
    /// AES-128 in counter mode, HMAC-SHA1 cut to 80 bits.
    AesCm128HmacSha1_80,
    /// AES-128 in counter mode, HMAC-SHA1 cut to 32 bits (80 for SRTCP).
    AesCm128HmacSha1_32,
    /// AES-192 in counter mode, HMAC-SHA1 cut to 80 bits.
    AesCm192HmacSha1_80,
    /// AES-192 in counter mode, HMAC-SHA1 cut to 32 bits (80 for SRTCP).
    AesCm192HmacSha1_32,
    /// AES-256 in counter mode, HMAC-SHA1 cut to 80 bits.
    AesCm256HmacSha1_80,
    /// AES-256 in counter mode, HMAC-SHA1 cut to 32 bits (80 for SRTCP).
    AesCm256HmacSha1_32,
    /// AES-128 in Galois/counter mode, 128-bit tags.
    AeadAes128Gcm,
    /// AES-256 in Galois/counter mode, 128-bit tags.
    AeadAes256Gcm,
    /// Laboratory only: no encryption, HMAC-SHA1 cut to 80 bits.
    NullHmacSha1_80,
    /// Laboratory only: no encryption, HMAC-SHA1 cut to 32 bits (80 for SRTCP).
    NullHmacSha1_32,
}

/// The block cipher of a suite and its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cipher {
    Null,
    AesCm,
    AesGcm,
}

impl Suite {
    /// Every suite, strongest authentication of each cipher first.
    pub const ALL: [Self; 10] = [
        Self::AesCm128HmacSha1_80,
        Self::AesCm128HmacSha1_32,
        Self::AesCm192HmacSha1_80,
        Self::AesCm192HmacSha1_32,
        Self::AesCm256HmacSha1_80,
        Self::AesCm256HmacSha1_32,
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
        Self::NullHmacSha1_80,
        Self::NullHmacSha1_32,
    ];

    /// The name used in SDP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AesCm192HmacSha1_80 => "AES_192_CM_HMAC_SHA1_80",
            Self::AesCm192HmacSha1_32 => "AES_192_CM_HMAC_SHA1_32",
            Self::AesCm256HmacSha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AesCm256HmacSha1_32 => "AES_256_CM_HMAC_SHA1_32",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Self::NullHmacSha1_80 => "NULL_HMAC_SHA1_80",
            Self::NullHmacSha1_32 => "NULL_HMAC_SHA1_32",
        }
    }

    /// The suite of that name. Names are case-insensitive (RFC 4568 §9.2 inherits SDP tokens,
    /// which peers write in either case).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))
    }

    /// Whether packets leave readable: laboratory suites only.
    pub const fn is_null(self) -> bool {
        matches!(self.cipher(), Cipher::Null)
    }

    /// Octets in a master key.
    pub const fn master_key_len(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80
            | Self::AesCm128HmacSha1_32
            | Self::AeadAes128Gcm
            | Self::NullHmacSha1_80
            | Self::NullHmacSha1_32 => 16,
            Self::AesCm192HmacSha1_80 | Self::AesCm192HmacSha1_32 => 24,
            Self::AesCm256HmacSha1_80 | Self::AesCm256HmacSha1_32 | Self::AeadAes256Gcm => 32,
        }
    }

    /// Octets in a master salt.
    pub const fn master_salt_len(self) -> usize {
        match self.cipher() {
            Cipher::AesGcm => 12,
            Cipher::AesCm | Cipher::Null => 14,
        }
    }

    /// Octets the tag adds to an RTP packet.
    pub const fn rtp_tag_len(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_32
            | Self::AesCm192HmacSha1_32
            | Self::AesCm256HmacSha1_32
            | Self::NullHmacSha1_32 => 4,
            _ => self.rtcp_tag_len(),
        }
    }

    /// Octets the tag adds to an RTCP packet, the index word not included. Never fewer than 80
    /// bits (RFC 4568 §6.2.2).
    pub const fn rtcp_tag_len(self) -> usize {
        match self.cipher() {
            Cipher::AesGcm => 16,
            Cipher::AesCm | Cipher::Null => 10,
        }
    }

    pub(crate) const fn cipher(self) -> Cipher {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => Cipher::AesGcm,
            Self::NullHmacSha1_80 | Self::NullHmacSha1_32 => Cipher::Null,
            _ => Cipher::AesCm,
        }
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
            assert_eq!(Suite::from_name(&suite.name().to_lowercase()), Some(suite));
        }
        assert_eq!(Suite::from_name("F8_128_HMAC_SHA1_80"), None);
    }

    #[test]
    fn lengths_follow_the_registrations() {
        // RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §12: key, salt, SRTP tag, SRTCP tag.
        let expected = [
            (16, 14, 10, 10),
            (16, 14, 4, 10),
            (24, 14, 10, 10),
            (24, 14, 4, 10),
            (32, 14, 10, 10),
            (32, 14, 4, 10),
            (16, 12, 16, 16),
            (32, 12, 16, 16),
            (16, 14, 10, 10),
            (16, 14, 4, 10),
        ];
        for (suite, lengths) in Suite::ALL.into_iter().zip(expected) {
            let got = (
                suite.master_key_len(),
                suite.master_salt_len(),
                suite.rtp_tag_len(),
                suite.rtcp_tag_len(),
            );
            assert_eq!(got, lengths, "{suite}");
        }
    }
}
