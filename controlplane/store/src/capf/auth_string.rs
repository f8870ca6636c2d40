use std::fmt;

use rand::Rng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// 4 to 10 digits that a user types in on a phone, valid once.
#[derive(Clone)]
pub struct AuthString(Zeroizing<String>);

/// Why something is no authentication string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthStringFault {
    /// Something else than digits.
    NotDigits,
    /// Too short or too long.
    Length,
}

impl AuthString {
    /// Fewest digits.
    pub const MIN: usize = 4;
    /// Most digits.
    pub const MAX: usize = 10;
    /// Digits of a string that we make: guessed once in ten million tries, and ten are allowed.
    const MADE: usize = 8;

    /// Takes digits.
    pub fn parse(text: &str) -> Result<Self, AuthStringFault> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(AuthStringFault::NotDigits);
        }
        if !(Self::MIN..=Self::MAX).contains(&text.len()) {
            return Err(AuthStringFault::Length);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// A new one, by chance.
    pub fn random() -> Self {
        let mut random = rand::rng();
        let digit = |_| char::from(random.random_range(b'0'..=b'9'));
        Self(Zeroizing::new((0..Self::MADE).map(digit).collect()))
    }

    /// The digits, for the one who tells them to a user.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Takes as long for a near miss as for a far one.
impl PartialEq for AuthString {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for AuthString {}

impl fmt::Debug for AuthString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthString")
    }
}
