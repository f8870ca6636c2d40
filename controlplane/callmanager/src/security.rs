//! How secure a call is: what its parties are shown, and who may barge into it.

use std::fmt;

use thiserror::Error;

/// How well something is protected. A chain is as strong as its weakest link, so the security of
/// a call is the least of those in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Security {
    /// Nothing is.
    NonSecure,
    /// Signalling is authenticated; media is plain.
    Authenticated,
    /// Signalling and media are encrypted.
    Encrypted,
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NonSecure => "non-secure",
            Self::Authenticated => "authenticated",
            Self::Encrypted => "encrypted",
        })
    }
}

impl Security {
    /// The status of a call between `parties`, who are devices and media resources alike (music
    /// on hold, a conference bridge, a transcoder are non-secure). A call of nobody is non-secure.
    pub fn of_call(parties: impl IntoIterator<Item = Self>) -> Self {
        parties.into_iter().min().unwrap_or(Self::NonSecure)
    }
}

/// What a telephone's built-in bridge can mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bridge {
    /// Plain media only: 7940 and 7960.
    Plain,
    /// Encrypted media too: 7970 and 7971.
    Encrypted,
}

/// A barge that must fail, and how its initiator hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BargeRefused {
    /// The call is encrypted and the initiator is not: busy tone.
    #[error("the call is encrypted and the telephone that barges in is not")]
    InitiatorNotEncrypted,
    /// The telephone barged into cannot mix encrypted media: failure tone.
    #[error("the telephone in the encrypted call cannot mix encrypted media")]
    TargetCannotMix,
}

/// A call after somebody barged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Barged {
    /// The call's status.
    pub status: Security,
    /// What those who were in the call before are shown.
    pub shown_to_parties: Security,
}

/// Barges into `call` through the built-in bridge of one of its telephones.
///
/// `call` is the status before, `initiator` that of the telephone that barges in, `bridge` that
/// of the telephone whose bridge mixes.
pub fn barge(call: Security, initiator: Security, bridge: Bridge) -> Result<Barged, BargeRefused> {
    use Security::{Authenticated, Encrypted, NonSecure};
    let all = |status| Ok(Barged { status, shown_to_parties: status });
    match (call, initiator, bridge) {
        (Encrypted, NonSecure | Authenticated, _) => Err(BargeRefused::InitiatorNotEncrypted),
        (Encrypted, Encrypted, Bridge::Plain) => Err(BargeRefused::TargetCannotMix),
        (Encrypted, Encrypted, Bridge::Encrypted) => all(Encrypted),
        // The initiator's own leg cannot be encrypted here, so the call is classed non-secure.
        (NonSecure | Authenticated, Encrypted, _) => all(NonSecure),
        (Authenticated, Authenticated, _) => all(Authenticated),
        // Those who are authenticated keep their icon, although the newcomer has none.
        (Authenticated, NonSecure, _) => {
            Ok(Barged { status: NonSecure, shown_to_parties: Authenticated })
        }
        (NonSecure, _, _) => all(NonSecure),
    }
}
