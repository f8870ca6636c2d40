//! Names of phones.

use std::fmt;

/// `SEP` and the MAC address in upper-case hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceName([u8; 6]);

impl DeviceName {
    /// Characters of a name.
    pub const LEN: usize = PREFIX.len() + 12;

    /// The phone with this MAC address.
    pub fn from_mac(mac: [u8; 6]) -> Self {
        Self(mac)
    }

    /// Reads a name, in upper or lower case.
    pub fn parse(name: &str) -> Option<Self> {
        let (prefix, digits) = name.split_at_checked(PREFIX.len())?;
        let hex = digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hex || !prefix.eq_ignore_ascii_case(PREFIX) {
            return None;
        }
        let number = u64::from_str_radix(digits, 16).ok()?.to_be_bytes();
        let [_, _, mac @ ..] = number;
        Some(Self(mac))
    }

    /// The MAC address.
    pub fn mac(self) -> [u8; 6] {
        self.0
    }
}

const PREFIX: &str = "SEP";

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}
