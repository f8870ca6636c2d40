//! Which codec a call uses.

use crate::security::Security;

/// A codec, by its number in SCCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Codec(pub u32);

impl Codec {
    /// G.711 A-law, 64 kbit/s.
    pub const G711_ALAW: Self = Self(2);
    /// G.711 µ-law, 64 kbit/s.
    pub const G711_ULAW: Self = Self(4);
    /// G.729.
    pub const G729: Self = Self(11);
    /// G.729 annex A.
    pub const G729A: Self = Self(12);
    /// 16-bit linear at 16 kHz, 256 kbit/s.
    pub const WIDEBAND: Self = Self(25);

    /// The net bit rate in kbit/s, for those a region can ask for.
    pub fn rate(self) -> Option<u32> {
        match self {
            Self::G711_ALAW | Self::G711_ULAW => Some(64),
            Self::G729 | Self::G729A => Some(8),
            Self::WIDEBAND => Some(256),
            _ => None,
        }
    }
}

/// One side of a stream that looks for a codec.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What it can do, the best first.
    pub codecs: &'a [Codec],
    /// Whether it can do wideband in an encrypted call: 7940 and 7960 cannot.
    pub encrypts_wideband: bool,
}

/// The codec for a stream between two sides in regions that allow `limit` kbit/s: the first of
/// `a` that `b` has too, the richest first. `None` if they have none in common.
pub fn choose(a: Side<'_>, b: Side<'_>, limit: u32, call: Security) -> Option<Codec> {
    let wideband = call != Security::Encrypted || (a.encrypts_wideband && b.encrypts_wideband);
    let usable = |codec: &&Codec| {
        b.codecs.contains(codec)
            && codec.rate().is_some_and(|rate| rate <= limit)
            && (wideband || **codec != Codec::WIDEBAND)
    };
    let common = a.codecs.iter().filter(usable);
    // Of equally rich ones the first that `a` names.
    common.rev().max_by_key(|codec| codec.rate()).copied()
}
