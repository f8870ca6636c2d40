//! Which key a phone is asked to make.

use std::fmt;

use super::element::{Elements, Writer};
use super::{Command, DecodeError, Tag};

/// A kind of key, and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySpec {
    /// RSA, with so many bits of modulus.
    Rsa(u16),
    /// A NIST curve. Needs a phone that knows EC, and a trust list of version 1.1.
    Ec(Curve),
}

/// A NIST curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// P-256
    P256,
    /// P-384
    P384,
    /// P-521
    P521,
}

/// KEY_TYPE.
const RSA: u8 = 0;
const EC: u8 = 1;

impl KeySpec {
    /// RSA sizes that phones can be asked for. Those of the 79xx family stop at 2048.
    pub const RSA_SIZES: [u16; 5] = [512, 1024, 2048, 3072, 4096];

    /// Reads KEY_TYPE, KEY_SIZE and CURVE; the second says whether there was a KEY_TYPE. Without
    /// one it is RSA.
    pub(super) fn read(elements: &mut Elements<'_>) -> Result<(Self, bool), DecodeError> {
        let missing = |tag| DecodeError::Missing { command: Command::KEY_GEN_REQ, tag };
        let kind = elements.u8(Tag::KEY_TYPE)?;
        let size = elements.u16(Tag::KEY_SIZE)?;
        let curve = elements.u8(Tag::CURVE)?.map(Curve::from_wire).transpose()?;
        let key = match kind.unwrap_or(RSA) {
            RSA => Self::Rsa(size.ok_or(missing(Tag::KEY_SIZE))?),
            EC => Self::Ec(curve.ok_or(missing(Tag::CURVE))?),
            value => return Err(DecodeError::Value { tag: Tag::KEY_TYPE, value }),
        };
        Ok((key, kind.is_some()))
    }

    pub(super) fn write(self, typed: bool, writer: &mut Writer) {
        match self {
            Self::Rsa(bits) => {
                writer.put(Tag::KEY_SIZE, &bits.to_be_bytes());
                writer.byte(Tag::KEY_TYPE, typed.then_some(RSA));
            }
            Self::Ec(curve) => {
                writer.put(Tag::KEY_TYPE, &[EC]).put(Tag::CURVE, &[curve.to_wire()]);
            }
        }
    }
}

impl Curve {
    fn from_wire(value: u8) -> Result<Self, DecodeError> {
        match value {
            0 => Ok(Self::P256),
            1 => Ok(Self::P384),
            2 => Ok(Self::P521),
            value => Err(DecodeError::Value { tag: Tag::CURVE, value }),
        }
    }

    fn to_wire(self) -> u8 {
        match self {
            Self::P256 => 0,
            Self::P384 => 1,
            Self::P521 => 2,
        }
    }

    /// Bits of its field.
    pub fn bits(self) -> u32 {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }
}

impl fmt::Display for KeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::Ec(curve) => write!(f, "EC {}", curve.bits()),
        }
    }
}
