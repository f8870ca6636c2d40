//! Numbers that travel, and the names of lines.

use std::fmt;

use crate::body::{Field, Input, Output};
use crate::text::{Characters, Text};
use crate::version::Version;

/// Little-endian numbers.
macro_rules! little_endian {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn read(input: &mut Input<'_>) -> Self {
                Self::from_le_bytes(input.array())
            }

            fn write(&self, output: &mut Output) {
                output.put(&self.to_le_bytes());
            }
        }
    )*};
}

little_endian!(u8, u16, u32);

/// Identifiers that CallManager chooses and telephones repeat.
macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl Field for $name {
            fn read(input: &mut Input<'_>) -> Self {
                Self(Field::read(input))
            }

            fn write(&self, output: &mut Output) {
                self.0.write(output);
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

identifiers! {
    /// A line button of a telephone, counted from 1. 0 is the telephone itself, or whichever line
    /// is active.
    LineInstance
    /// A leg of a call, unique per telephone while it lasts, never 0. 0 in messages of telephones
    /// is the active call.
    CallRef
    /// The media streams of one call.
    ConferenceId
    /// A media stream of a telephone, which repeats it in its acknowledgements.
    PassThruPartyId
}

/// A directory number: digits, `*`, `#`, `A` to `D`, `+`. 24 bytes on the wire, 25 from version 18
/// on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Number(Characters);

impl Number {
    /// At most 23 bytes of it.
    pub fn new(digits: &str) -> Self {
        Self(Text::<24>::from(digits).into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn width(version: Version) -> usize {
        if version < Version::of(18) { 24 } else { 25 }
    }
}

impl Field for Number {
    fn read(input: &mut Input<'_>) -> Self {
        Self(Characters::until_nul(input.take(Self::width(input.version))))
    }

    fn write(&self, output: &mut Output) {
        let width = Self::width(output.session.version);
        self.0.write_fixed(width, output);
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Bytes that nobody here interprets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes<const N: usize>(pub [u8; N]);

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Field for Bytes<N> {
    fn read(input: &mut Input<'_>) -> Self {
        Self(input.array())
    }

    fn write(&self, output: &mut Output) {
        output.put(&self.0);
    }
}

impl<const N: usize> fmt::Display for Bytes<N> {
    /// Hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}

/// Writes bytes in hexadecimal; of long ones only how many there are.
pub(crate) fn hexadecimal(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match bytes.len() {
        0..=16 => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        long => write!(f, "({long} bytes)"),
    }
}

/// What a telephone or server can do, as 24 bits. Bits for authenticated signalling and media
/// encryption are not publicly known: nothing about security may be concluded from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(pub [u8; 3]);

impl Features {
    /// What servers of a version say of themselves.
    pub fn of_server(version: Version) -> Self {
        match version.number() {
            0..=3 => Self([0, 0, 0]),
            4..=10 => Self([0x20, 0xf1, 0xfe]),
            _ => Self([0x20, 0xf1, 0xff]),
        }
    }

    /// Text in UTF-8.
    pub fn utf8(self) -> bool {
        self.0[1] & 0x10 != 0
    }

    /// Messages with strings of variable length.
    pub fn dynamic_messages(self) -> bool {
        self.0[2] & 0x01 != 0
    }

    /// Digits as RTP events, RFC 2833.
    pub fn rfc2833(self) -> bool {
        self.0[2] & 0x04 != 0
    }

    /// Abbreviated dialling.
    pub fn abbreviated_dial(self) -> bool {
        self.0[2] & 0x80 != 0
    }
}

impl Field for Features {
    fn read(input: &mut Input<'_>) -> Self {
        Self(input.array())
    }

    fn write(&self, output: &mut Output) {
        output.put(&self.0);
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}
