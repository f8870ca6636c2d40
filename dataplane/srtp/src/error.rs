//! Why a packet was not transformed.

use thiserror::Error;

/// Why a packet was not transformed. Whatever it says, no context has changed, unless the variant
/// tells otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[repr(u8)]
pub enum Error {
    /// Shorter than its fixed header, tag, index word and master key identifier need.
    #[error("packet shorter than its header and trailer")]
    TooShort,
    /// A version other than 2, or a CSRC, extension or RTCP length beyond the packet.
    ///
    /// For RTCP the lengths inside the encrypted part show only after authentication: such a
    /// packet has then been counted in its context, for it is its authentic sender who lies.
    #[error("header lengths that contradict the packet")]
    Malformed,
    /// No master key of the session has the identifier in the packet.
    #[error("unknown master key identifier")]
    UnknownMki,
    /// The index has been seen before.
    #[error("replayed packet")]
    Replayed,
    /// The index lies before the replay window.
    #[error("packet older than the replay window")]
    TooOld,
    /// The tag does not verify.
    #[error("authentication failed")]
    AuthFailed,
    /// SRTCP in the clear where encryption was agreed, or the reverse.
    #[error("SRTCP encryption differs from what was agreed")]
    EncryptionMismatch,
    /// Each master key has protected all the packets it may.
    #[error("master key lifetime spent")]
    KeyExpired,
    /// The session has as many SSRCs as it may.
    #[error("too many SSRCs in one session")]
    TooManySsrcs,
    /// The session was removed, or never was.
    #[error("no such session")]
    NoSession,
    /// An inbound session cannot protect, an outbound one cannot unprotect.
    #[error("session of the other direction")]
    WrongDirection,
    /// The buffer behind the packet is too small for tag, index word and identifier.
    #[error("no room behind the packet")]
    NoRoom,
}

impl Error {
    /// Every reason, in the order of [`Error::index`].
    pub const ALL: [Self; 12] = [
        Self::TooShort,
        Self::Malformed,
        Self::UnknownMki,
        Self::Replayed,
        Self::TooOld,
        Self::AuthFailed,
        Self::EncryptionMismatch,
        Self::KeyExpired,
        Self::TooManySsrcs,
        Self::NoSession,
        Self::WrongDirection,
        Self::NoRoom,
    ];

    /// Position in [`Error::ALL`], for arrays of counters.
    pub const fn index(self) -> usize {
        self as usize
    }
}
