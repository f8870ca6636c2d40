//! The keys the laboratory gives to telephones and to the relay.

use std::fmt;
use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result, ensure};
use base64ct::{Base64, Encoding};
use srtp::{Keying, MasterKey, Suite};

/// A master key and salt. One direction of one leg uses it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    suite: Suite,
    octets: Vec<u8>,
}

impl Key {
    /// Key and salt as somebody else gave them.
    pub fn new(suite: Suite, octets: &[u8]) -> Result<Self> {
        let len = suite.master_key_len() + suite.master_salt_len();
        ensure!(octets.len() == len, "a key of {suite} has {len} octets");
        Ok(Self { suite, octets: octets.to_owned() })
    }

    /// A fresh one of the suite that everybody has, AES_CM_128_HMAC_SHA1_80.
    pub fn random() -> Result<Self> {
        Self::random_for(Suite::AesCm128HmacSha1_80)
    }

    /// A fresh one, from the kernel's random source.
    pub fn random_for(suite: Suite) -> Result<Self> {
        let mut octets = vec![0; suite.master_key_len() + suite.master_salt_len()];
        File::open("/dev/urandom")
            .and_then(|mut random| random.read_exact(&mut octets))
            .context("cannot read /dev/urandom")?;
        Ok(Self { suite, octets })
    }

    /// What it is a key of.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Key and salt, as SDP and ffmpeg want them.
    pub fn base64(&self) -> String {
        Base64::encode_string(&self.octets)
    }

    /// Key and salt.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// For our own SRTP.
    pub fn keying(&self) -> Keying {
        let master = MasterKey::from_key_salt(self.suite, &self.octets);
        Keying::new(self.suite, master.expect("the length is the suite's"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}
