//! Names of devices.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A name that a device may have: `SEP` and twelve upper-case hexadecimal digits for a phone;
/// other prefixes of capital letters where [`crate::server::Settings::prefixes`] allows them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(String);

impl DeviceName {
    /// Most characters of a prefix.
    const PREFIX: usize = 4;
    const DIGITS: usize = 12;

    /// Reads a name; `None` if it is none. Lower case is none.
    pub fn parse(name: &str) -> Option<Self> {
        let split = name.len().checked_sub(Self::DIGITS)?;
        let (prefix, digits) = name.split_at_checked(split)?;
        let letters = (1..=Self::PREFIX).contains(&prefix.len())
            && prefix.bytes().all(|byte| byte.is_ascii_uppercase());
        let hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
        (letters && hex).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the digits: `SEP`.
    pub fn prefix(&self) -> &str {
        &self.0[..self.0.len() - Self::DIGITS]
    }

    /// Whether a certificate with this common name is the device's: the bare name, or the name
    /// behind a model as in `CP-7970G-SEP001122334455`.
    pub fn owns(&self, common_name: &str) -> bool {
        common_name.strip_suffix(&self.0).is_some_and(|rest| rest.is_empty() || rest.ends_with('-'))
    }
}

impl TryFrom<String> for DeviceName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::parse(&name).ok_or_else(|| format!("{name:?} is no device name"))
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

impl fmt::Debug for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
