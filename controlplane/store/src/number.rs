use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Invalid, Result};

/// A number that can be dialled: 1 to 24 of `0`–`9`, `*`, `#`, `A`–`D` and `+`. 24 are what a
/// telephone's messages have room for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
#[serde(try_from = "String", into = "String")]
pub struct Number(String);

impl Number {
    /// The longest.
    pub const MAX: usize = 24;

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// So many numbers from this one on, all of its length.
    pub(crate) fn following(&self, count: usize) -> Result<Vec<Self>> {
        let width = self.0.len();
        let first = self.0.parse::<u64>().ok().filter(|_| !self.0.starts_with('+'));
        let numbers =
            first.into_iter().flat_map(|first| (0..).map_while(move |n| first.checked_add(n)));
        let numbers = numbers.map(|number| format!("{number:0width$}")).take(count);
        let numbers: Vec<_> = numbers.filter(|it| it.len() == width).map(Self).collect();
        match numbers.len() == count {
            true => Ok(numbers),
            false => Err(Invalid::NumbersFrom(self.0.clone()).into()),
        }
    }
}

impl FromStr for Number {
    type Err = Error;

    fn from_str(given: &str) -> Result<Self> {
        let upper = given.to_ascii_uppercase();
        let digit = |byte: u8| byte.is_ascii_digit() || b"*#ABCD+".contains(&byte);
        if (1..=Self::MAX).contains(&upper.len()) && upper.bytes().all(digit) {
            Ok(Self(upper))
        } else {
            Err(Invalid::Number(given.to_owned()).into())
        }
    }
}

impl TryFrom<String> for Number {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Number> for String {
    fn from(number: Number) -> Self {
        number.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
