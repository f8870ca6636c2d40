use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Invalid, Result};

/// `SEP` and the twelve upper-case hexadecimal digits of a MAC address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(String);

impl DeviceName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The MAC address: twelve upper-case hexadecimal digits.
    pub fn mac(&self) -> &str {
        &self.0[3..]
    }
}

impl FromStr for DeviceName {
    type Err = Error;

    /// Takes upper and lower case, with or without `SEP`, with or without `:`, `-` and `.` between
    /// the digits.
    fn from_str(given: &str) -> Result<Self> {
        let invalid = || Invalid::DeviceName(given.to_owned()).into();
        if given.len() > 32 || !given.is_ascii() {
            return Err(invalid());
        }
        let upper = given.to_ascii_uppercase();
        let mac = upper.strip_prefix("SEP").unwrap_or(&upper).replace([':', '-', '.'], "");
        if mac.len() == 12 && mac.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            Ok(Self(format!("SEP{mac}")))
        } else {
            Err(invalid())
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
