//! Passwords of tokens.

use std::fmt;

use zeroize::Zeroizing;

use super::TokenError;

/// The password a token has when it is new. Case matters.
pub const DEFAULT_PASSWORD: &str = "Cisco123";

/// A password. Wiped on drop, never printed.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Most bytes of a password.
    pub const MAX_LENGTH: usize = 255;
    /// Fewest characters of a new password.
    pub const MIN_LENGTH: usize = 8;

    /// Takes a password as it was typed; empty and over-long ones are none.
    pub fn new(text: impl Into<String>) -> Result<Self, TokenError> {
        let text = Zeroizing::new(text.into());
        let fits = !text.is_empty() && text.len() <= Self::MAX_LENGTH && !text.contains('\0');
        fits.then_some(Self(text)).ok_or(TokenError::InvalidPassword)
    }

    /// [`DEFAULT_PASSWORD`].
    pub fn default_one() -> Self {
        Self(Zeroizing::new(DEFAULT_PASSWORD.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Refuses as a new password what is too short or the default one.
    pub(super) fn check_as_new(&self) -> Result<(), TokenError> {
        let good = self.0.chars().count() >= Self::MIN_LENGTH && self.as_str() != DEFAULT_PASSWORD;
        good.then_some(()).ok_or(TokenError::InvalidPassword)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Whether the default password is good enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PasswordPolicy {
    /// It is.
    #[default]
    DefaultAllowed,
    /// It must be changed before the token signs.
    ChangeRequired,
}

impl PasswordPolicy {
    pub(super) fn check(self, password: &Password) -> Result<(), TokenError> {
        match self {
            Self::ChangeRequired if password.as_str() == DEFAULT_PASSWORD => {
                Err(TokenError::PasswordChange)
            }
            _ => Ok(()),
        }
    }
}
