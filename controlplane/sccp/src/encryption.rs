//! Media keys on their way to telephones.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::body::{Field, Input, Output};
use crate::codes::SrtpAlgorithm;

/// Secrets of a fixed size.
macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident [$size:literal])*) => {$(
        $(#[$doc])*
        #[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; $size]);

        impl $name {
            /// The secret of these bytes. The caller erases his own copy.
            pub fn new(bytes: &[u8; $size]) -> Self {
                Self(*bytes)
            }

            /// The bytes, in the order in which they travel.
            pub fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }

            fn is_zero(&self) -> bool {
                self.0.ct_eq(&[0; $size]).into()
            }
        }

        impl PartialEq for $name {
            /// In constant time.
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            /// Its name only.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

secrets! {
    /// An SRTP master key.
    MasterKey[16]
    /// An SRTP master salt.
    MasterSalt[14]
}

/// The block in OpenReceiveChannel and StartMediaTransmission that says how a stream is encrypted.
///
/// A server makes it by [`EncryptionInfo::none`] or [`EncryptionInfo::keyed`]; a telephone takes
/// it apart by [`EncryptionInfo::keying`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionInfo {
    algorithm: SrtpAlgorithm,
    key_length: u16,
    salt_length: u16,
    key: MasterKey,
    salt: MasterSalt,
    mki_present: u32,
    key_derivation_rate: u32,
}

/// What a telephone needs to encrypt or decrypt a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keying {
    /// How.
    pub algorithm: SrtpAlgorithm,
    /// The master key.
    pub key: MasterKey,
    /// The master salt.
    pub salt: MasterSalt,
}

/// Why a telephone cannot encrypt as it is told: it answers
/// [`MediaStatus::ENCRYPTION_FAILED`](crate::codes::MediaStatus::ENCRYPTION_FAILED).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyingError {
    /// Not one of the algorithms with a key of 128 bits.
    #[error("SRTP algorithm {0} is not known")]
    Algorithm(SrtpAlgorithm),
    /// Not 16 and 14 bytes (12 for GCM).
    #[error("a key of {key} and a salt of {salt} bytes do not fit the algorithm")]
    Lengths {
        /// Bytes of the key, as announced.
        key: u16,
        /// Bytes of the salt, as announced.
        salt: u16,
    },
    /// Packets would carry a master key identifier.
    #[error("master key identifiers are not supported")]
    Mki,
    /// Session keys would be derived more than once.
    #[error("a key derivation rate is not supported")]
    DerivationRate,
}

impl EncryptionInfo {
    /// A stream that is not encrypted.
    pub fn none() -> Self {
        Self::default()
    }

    /// A stream that is.
    pub fn keyed(keying: Keying) -> Self {
        let Keying { algorithm, key, salt } = keying;
        let (key_length, salt_length) = lengths(algorithm).unwrap_or((16, 14));
        Self { algorithm, key_length, salt_length, key, salt, ..Self::default() }
    }

    /// How the stream is encrypted; `None` if it is not.
    pub fn keying(&self) -> Result<Option<Keying>, KeyingError> {
        let Self { algorithm, key_length, salt_length, .. } = *self;
        if algorithm == SrtpAlgorithm::NONE {
            return Ok(None);
        }
        let expected = lengths(algorithm).ok_or(KeyingError::Algorithm(algorithm))?;
        if expected != (key_length, salt_length) {
            return Err(KeyingError::Lengths { key: key_length, salt: salt_length });
        }
        if self.mki_present != 0 {
            return Err(KeyingError::Mki);
        }
        if self.key_derivation_rate != 0 {
            return Err(KeyingError::DerivationRate);
        }
        Ok(Some(Keying { algorithm, key: self.key.clone(), salt: self.salt.clone() }))
    }
}

/// Bytes of key and salt.
fn lengths(algorithm: SrtpAlgorithm) -> Option<(u16, u16)> {
    match algorithm {
        SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32
        | SrtpAlgorithm::AES_CM_128_HMAC_SHA1_80
        | SrtpAlgorithm::F8_128_HMAC_SHA1_32
        | SrtpAlgorithm::F8_128_HMAC_SHA1_80 => Some((16, 14)),
        SrtpAlgorithm::AEAD_AES_128_GCM => Some((16, 12)),
        _ => None,
    }
}

/// Body bytes: algorithm 4, lengths 2 + 2, key 16, salt 14 and 2 of padding, MKI 4, rate 4.
impl Field for EncryptionInfo {
    fn read(input: &mut Input<'_>) -> Self {
        let mut info = Self {
            algorithm: Field::read(input),
            key_length: Field::read(input),
            salt_length: Field::read(input),
            ..Self::default()
        };
        input.fill(&mut info.key.0);
        input.fill(&mut info.salt.0);
        input.take(2);
        info.mki_present = Field::read(input);
        info.key_derivation_rate = Field::read(input);
        info
    }

    fn write(&self, output: &mut Output) {
        if self.algorithm != SrtpAlgorithm::NONE || !self.key.is_zero() || !self.salt.is_zero() {
            output.holds_key();
        }
        self.algorithm.write(output);
        self.key_length.write(output);
        self.salt_length.write(output);
        output.put(&self.key.0);
        output.put(&self.salt.0);
        output.zeros(2);
        self.mki_present.write(output);
        self.key_derivation_rate.write(output);
    }
}

impl fmt::Display for EncryptionInfo {
    /// The algorithm.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.algorithm.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyed() -> EncryptionInfo {
        EncryptionInfo::keyed(Keying {
            algorithm: SrtpAlgorithm::AES_CM_128_HMAC_SHA1_32,
            key: MasterKey::new(&[0xab; 16]),
            salt: MasterSalt::new(&[0xcd; 14]),
        })
    }

    #[test]
    fn what_a_server_says_a_telephone_understands() {
        assert_eq!(EncryptionInfo::none().keying(), Ok(None));
        let keying = keyed().keying().unwrap().unwrap();
        assert_eq!(EncryptionInfo::keyed(keying), keyed());
    }

    #[test]
    fn a_telephone_refuses_what_it_cannot_do() {
        for (change, expected) in [
            (
                (|info| info.algorithm = SrtpAlgorithm(9)) as fn(&mut EncryptionInfo),
                KeyingError::Algorithm(SrtpAlgorithm(9)),
            ),
            (|info| info.key_length = 0xffff, KeyingError::Lengths { key: 0xffff, salt: 14 }),
            (|info| info.salt_length = 15, KeyingError::Lengths { key: 16, salt: 15 }),
            (|info| info.mki_present = 1, KeyingError::Mki),
            (|info| info.key_derivation_rate = 1, KeyingError::DerivationRate),
        ] {
            let mut info = keyed();
            change(&mut info);
            assert_eq!(info.keying(), Err(expected));
        }
    }

    #[test]
    fn keys_are_not_printed() {
        let shown = format!("{:?} {}", keyed(), keyed());
        assert!(shown.contains("MasterKey") && shown.contains("AES_CM_128_HMAC_SHA1_32"));
        assert!(!shown.contains("171") && !shown.to_lowercase().contains("abab"), "{shown}");
    }
}
