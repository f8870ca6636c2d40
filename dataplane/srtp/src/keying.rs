//! What two peers agree on for one direction: suite, master keys and how long they may be used.

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::packet::Protocol;
use crate::suite::Suite;

/// Longest master key identifier, RFC 4568 §6.1.
pub const MAX_MKI_LEN: usize = 128;
/// Most master keys one direction may have at a time.
pub const MAX_MASTER_KEYS: usize = 16;
/// Smallest replay window, in packets; also the default.
pub const MIN_WINDOW: u16 = 128;
/// Largest replay window, in packets.
pub const MAX_WINDOW: u16 = 4096;

/// Largest exponent of a key derivation rate, RFC 3711 §4.3.1.
const MAX_RATE_EXPONENT: u8 = 24;

/// Packets one master key may protect, RFC 3711 §9.2.
const MAX_RTP_LIFETIME: u64 = 1 << 48;
const MAX_RTCP_LIFETIME: u64 = 1 << 31;

const MAX_KEY_LEN: usize = 32;
const MAX_SALT_LEN: usize = 14;

/// A master key and its master salt.
///
/// Erased when dropped, compared in constant time, and its `Debug` prints only the name.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey {
    key: [u8; MAX_KEY_LEN],
    salt: [u8; MAX_SALT_LEN],
    #[zeroize(skip)]
    key_len: u8,
    #[zeroize(skip)]
    salt_len: u8,
}

impl MasterKey {
    /// A master key for `suite`, key and salt given apart.
    pub fn new(suite: Suite, key: &[u8], salt: &[u8]) -> Result<Self, KeyError> {
        if key.len() != suite.master_key_len() {
            return Err(KeyError::KeyLength {
                suite,
                expected: suite.master_key_len(),
                got: key.len(),
            });
        }
        if salt.len() != suite.master_salt_len() {
            return Err(KeyError::SaltLength {
                suite,
                expected: suite.master_salt_len(),
                got: salt.len(),
            });
        }
        let mut master = Self {
            key: [0; MAX_KEY_LEN],
            salt: [0; MAX_SALT_LEN],
            key_len: key.len() as u8,
            salt_len: salt.len() as u8,
        };
        master.key[..key.len()].copy_from_slice(key);
        master.salt[..salt.len()].copy_from_slice(salt);
        Ok(master)
    }

    /// A master key from key and salt joined, as `inline:` carries them (RFC 4568 §6.1).
    pub fn from_key_salt(suite: Suite, key_salt: &[u8]) -> Result<Self, KeyError> {
        let expected = suite.master_key_len() + suite.master_salt_len();
        if key_salt.len() != expected {
            return Err(KeyError::KeySaltLength { suite, expected, got: key_salt.len() });
        }
        let (key, salt) = key_salt.split_at(suite.master_key_len());
        Self::new(suite, key, salt)
    }

    /// The key, without the salt.
    pub fn key(&self) -> &[u8] {
        &self.key[..usize::from(self.key_len)]
    }

    /// The salt.
    pub fn salt(&self) -> &[u8] {
        &self.salt[..usize::from(self.salt_len)]
    }

    /// The salt as key derivation wants it: 112 bits, shorter ones filled up with zeros at the
    /// end (RFC 7714 §11).
    pub(crate) fn derivation_salt(&self) -> &[u8; MAX_SALT_LEN] {
        &self.salt
    }

    fn fits(&self, suite: Suite) -> bool {
        self.key().len() == suite.master_key_len() && self.salt().len() == suite.master_salt_len()
    }
}

impl PartialEq for MasterKey {
    fn eq(&self, other: &Self) -> bool {
        let same = self.key.ct_eq(&other.key) & self.salt.ct_eq(&other.salt);
        self.key_len == other.key_len && self.salt_len == other.salt_len && same.into()
    }
}

impl Eq for MasterKey {}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// Why key material was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The master key has the wrong length.
    #[error("{suite} needs a master key of {expected} octets, this one has {got}")]
    KeyLength {
        /// The suite it was given for.
        suite: Suite,
        /// Octets it needs.
        expected: usize,
        /// Octets given.
        got: usize,
    },
    /// The master salt has the wrong length.
    #[error("{suite} needs a master salt of {expected} octets, this one has {got}")]
    SaltLength {
        /// The suite it was given for.
        suite: Suite,
        /// Octets it needs.
        expected: usize,
        /// Octets given.
        got: usize,
    },
    /// Key and salt joined have the wrong length.
    #[error("{suite} needs key and salt of together {expected} octets, these have {got}")]
    KeySaltLength {
        /// The suite they were given for.
        suite: Suite,
        /// Octets it needs.
        expected: usize,
        /// Octets given.
        got: usize,
    },
    /// A master key identifier is empty or too long.
    #[error("a master key identifier has 1 to {MAX_MKI_LEN} octets, this one has {0}")]
    MkiLength(usize),
    /// Identifiers of one direction must all have the same length (RFC 4568 §6.1).
    #[error(
        "master key identifiers of one direction have one length: {expected} octets, not {got}"
    )]
    MkiLengthsDiffer {
        /// Octets of the first.
        expected: usize,
        /// Octets of this one.
        got: usize,
    },
    /// Several master keys need identifiers to tell them apart.
    #[error("with several master keys each needs an identifier of its own")]
    MkiMissing,
    /// Two master keys have the same identifier.
    #[error("two master keys have the same identifier")]
    MkiTwice,
    /// More master keys than a direction may have.
    #[error("at most {MAX_MASTER_KEYS} master keys may be given for a direction")]
    TooManyKeys,
    /// A lifetime of no packets, or of more than RFC 3711 §9.2 allows.
    #[error("a master key may protect 1 to 2^48 packets")]
    Lifetime,
    /// The replay window is out of range.
    #[error("the replay window must be {MIN_WINDOW} to {MAX_WINDOW} packets, not {0}")]
    Window(u16),
    /// The exponent of the key derivation rate is out of range.
    #[error("the key derivation rate is at most 2^{MAX_RATE_EXPONENT}, not 2^{0}")]
    DerivationRate(u8),
}

/// Packets a master key may protect before it must be replaced.
///
/// SRTP and SRTCP packets are counted apart; the key is spent when either count reaches its
/// limit (RFC 3711 §9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime(u64);

impl Lifetime {
    /// The longest there is: 2^48 SRTP packets, 2^31 SRTCP packets.
    pub const MAX: Self = Self(MAX_RTP_LIFETIME);

    /// A lifetime of `packets`, as `inline:…|2^20` gives it (RFC 4568 §6.1).
    pub fn packets(packets: u64) -> Result<Self, KeyError> {
        if packets == 0 || packets > MAX_RTP_LIFETIME {
            return Err(KeyError::Lifetime);
        }
        Ok(Self(packets))
    }

    pub(crate) fn of(self, protocol: Protocol) -> u64 {
        match protocol {
            Protocol::Rtp => self.0,
            Protocol::Rtcp => self.0.min(MAX_RTCP_LIFETIME),
        }
    }
}

/// One master key of a direction.
#[derive(Clone, Debug)]
pub(crate) struct KeyEntry {
    pub(crate) master: MasterKey,
    pub(crate) mki: Option<Box<[u8]>>,
    pub(crate) lifetime: Lifetime,
}

impl PartialEq for KeyEntry {
    fn eq(&self, other: &Self) -> bool {
        // The identifier and the lifetime are public; the key is not.
        self.mki == other.mki && self.lifetime == other.lifetime && self.master == other.master
    }
}

/// Everything both ends of one direction must share.
///
/// ```
/// use ringfence_srtp::{Keying, Lifetime, MasterKey, Suite};
///
/// let suite = Suite::AesCm128HmacSha1_80;
/// let master = MasterKey::from_key_salt(suite, &[7; 30])?;
/// let keying = Keying::new(suite, master).with_mki(&[1])?.with_window(1024)?;
/// assert_eq!(format!("{keying:?}").find("7, 7"), None);
/// # Ok::<(), ringfence_srtp::KeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Keying {
    suite: Suite,
    keys: Vec<KeyEntry>,
    window: u16,
    derivation_rate: u32,
    services: Services,
}

/// What is done to packets. All of it, unless session parameters take something away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Services {
    pub(crate) encrypt_rtp: bool,
    pub(crate) encrypt_rtcp: bool,
    pub(crate) authenticate_rtp: bool,
}

impl Services {
    pub(crate) const ALL: Self =
        Self { encrypt_rtp: true, encrypt_rtcp: true, authenticate_rtp: true };
}

impl Keying {
    /// One master key without identifier, the longest lifetime, the smallest replay window.
    ///
    /// # Panics
    /// If `master` was made for a suite with other lengths.
    pub fn new(suite: Suite, master: MasterKey) -> Self {
        assert!(master.fits(suite), "a master key of another length than {suite} has");
        let entry = KeyEntry { master, mki: None, lifetime: Lifetime::MAX };
        Self {
            suite,
            keys: vec![entry],
            window: MIN_WINDOW,
            derivation_rate: 0,
            services: Services::ALL,
        }
    }

    /// Gives the newest master key an identifier, which then travels in every packet.
    pub fn with_mki(mut self, mki: &[u8]) -> Result<Self, KeyError> {
        if mki.is_empty() || mki.len() > MAX_MKI_LEN {
            return Err(KeyError::MkiLength(mki.len()));
        }
        let (newest, others) = self.keys.split_last_mut().expect("a keying has a master key");
        for other in others.iter().filter_map(|entry| entry.mki.as_deref()) {
            if other.len() != mki.len() {
                return Err(KeyError::MkiLengthsDiffer { expected: other.len(), got: mki.len() });
            }
            if other == mki {
                return Err(KeyError::MkiTwice);
            }
        }
        newest.mki = Some(mki.into());
        Ok(self)
    }

    /// Adds a further master key under its identifier. The first key is the one that protects.
    ///
    /// # Panics
    /// If `master` was made for a suite with other lengths.
    pub fn with_key(mut self, mki: &[u8], master: MasterKey) -> Result<Self, KeyError> {
        assert!(master.fits(self.suite), "a master key of another length than {} has", self.suite);
        if self.keys.iter().any(|entry| entry.mki.is_none()) {
            return Err(KeyError::MkiMissing);
        }
        if self.keys.len() == MAX_MASTER_KEYS {
            return Err(KeyError::TooManyKeys);
        }
        self.keys.push(KeyEntry { master, mki: None, lifetime: Lifetime::MAX });
        self.with_mki(mki)
    }

    /// Limits the newest master key to a lifetime.
    pub fn with_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.keys.last_mut().expect("a keying has a master key").lifetime = lifetime;
        self
    }

    /// Sets the replay window in packets, [`MIN_WINDOW`] to [`MAX_WINDOW`]; rounded up to a
    /// multiple of 64.
    pub fn with_window(mut self, packets: u16) -> Result<Self, KeyError> {
        if !(MIN_WINDOW..=MAX_WINDOW).contains(&packets) {
            return Err(KeyError::Window(packets));
        }
        self.window = packets.next_multiple_of(64);
        Ok(self)
    }

    /// Derives session keys anew every 2^`exponent` packets, RFC 3711 §4.3.1; `exponent` is at
    /// most 24.
    pub fn with_derivation_rate(mut self, exponent: u8) -> Result<Self, KeyError> {
        if exponent > MAX_RATE_EXPONENT {
            return Err(KeyError::DerivationRate(exponent));
        }
        self.derivation_rate = 1 << exponent;
        Ok(self)
    }

    pub(crate) fn with_services(mut self, services: Services) -> Self {
        self.services = services;
        self
    }

    /// The suite.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Octets of the master key identifier in each packet; 0 without one.
    pub fn mki_len(&self) -> usize {
        self.keys[0].mki.as_ref().map_or(0, |mki| mki.len())
    }

    pub(crate) fn keys(&self) -> &[KeyEntry] {
        &self.keys
    }

    pub(crate) fn window(&self) -> u16 {
        self.window
    }

    /// Packets between derivations; 0 if there is only the first.
    pub(crate) fn derivation_rate(&self) -> u32 {
        self.derivation_rate
    }

    pub(crate) fn services(&self) -> Services {
        self.services
    }
}
