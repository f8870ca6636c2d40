//! The keys the laboratory gives to telephones and to the relay.

use std::fmt;
use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use base64ct::{Base64, Encoding};
use srtp::{Keying, MasterKey, Suite};

/// A fresh master key and salt of AES_CM_128_HMAC_SHA1_80, the one suite ffmpeg and everybody else
/// have. One direction of one leg uses it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; Self::LEN]);

impl Key {
    /// Master key and salt.
    pub const LEN: usize = 16 + 14;

    /// The suite's RFC 4568 name.
    pub const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";

    /// Key and salt as somebody else gave them.
    pub fn new(octets: &[u8]) -> Result<Self> {
        let octets = octets.try_into();
        Ok(Self(
            octets.with_context(|| format!("a key of {} has {} octets", Self::SUITE, Self::LEN))?,
        ))
    }

    /// From the kernel's random source.
    pub fn random() -> Result<Self> {
        let mut key_salt = [0; Self::LEN];
        File::open("/dev/urandom")
            .and_then(|mut random| random.read_exact(&mut key_salt))
            .context("cannot read /dev/urandom")?;
        Ok(Self(key_salt))
    }

    /// Key and salt, as SDP and ffmpeg want them.
    pub fn base64(&self) -> String {
        Base64::encode_string(&self.0)
    }

    /// Key and salt.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// For our own SRTP.
    pub fn keying(&self) -> Keying {
        let suite = Suite::AesCm128HmacSha1_80;
        let master = MasterKey::from_key_salt(suite, &self.0).expect("the length is the suite's");
        Keying::new(suite, master)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}
