//! Text that may hold keys.

use std::fmt;

use zeroize::Zeroizing;

/// Text from a message that may hold a key: erased on drop, hidden from `Debug`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Opaque(Zeroizing<String>);

impl Opaque {
    /// The text. Do not log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Opaque {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opaque({} octets)", self.0.len())
    }
}
