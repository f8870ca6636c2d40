//! Numbers and names of transactions, calls, connections and requests.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use arrayvec::ArrayString;

use crate::{ReturnCode, ValueError};

/// Number of a transaction, 1 to 999 999 999 (RFC 3435 §3.2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransactionId(u32);

impl TransactionId {
    /// The largest one.
    pub const MAX: Self = Self(999_999_999);

    /// The id of this number, if it is a legal one.
    pub fn new(number: u32) -> Option<Self> {
        (1..=Self::MAX.0).contains(&number).then_some(Self(number))
    }

    /// The number.
    pub fn value(self) -> u32 {
        self.0
    }

    /// The one after it; 1 follows the largest.
    pub fn next(self) -> Self {
        Self(self.0 % Self::MAX.0 + 1)
    }
}

impl FromStr for TransactionId {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let digits = (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let number = if digits { text.parse().ok() } else { None };
        number.and_then(Self::new).ok_or(ValueError::protocol("transaction id out of range"))
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $code:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// 1 to 32 hexadecimal digits, opaque; compared as text without case.
        #[derive(Clone, Copy)]
        pub struct $name(ArrayString<32>);

        impl $name {
            /// The digits, as received.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                let legal = !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
                let id = if legal { ArrayString::from(text).ok() } else { None };
                id.map(Self).ok_or(ValueError::new(ReturnCode::$code, $what))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.eq_ignore_ascii_case(&other.0)
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.bytes().for_each(|b| state.write_u8(b.to_ascii_lowercase()));
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

hex_id! {
    /// Name of a call, chosen by the call agent (`C:`).
    CallId, WRONG_CALL, "call id is not 1 to 32 hexadecimal digits"
}
hex_id! {
    /// Name of a connection, chosen by the gateway (`I:`).
    ConnectionId, WRONG_CONNECTION, "connection id is not 1 to 32 hexadecimal digits"
}
hex_id! {
    /// Name of a notification request, chosen by the call agent (`X:`).
    RequestId, PROTOCOL_ERROR, "request id is not 1 to 32 hexadecimal digits"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transaction_ids_are_numbers() {
        let id = |text: &str| text.parse::<TransactionId>().ok().map(TransactionId::value);
        assert_eq!(id("000000007"), Some(7));
        assert_eq!(id("999999999"), Some(999_999_999));
        for bad in ["", "0", "1000000000", "0000000007", "-1", "+1", "1a"] {
            assert_eq!(id(bad), None, "{bad}");
        }
        assert_eq!(TransactionId::MAX.next().value(), 1);
    }

    #[test]
    fn hexadecimal_ids_compare_without_case_and_as_text() {
        let id = |text: &str| text.parse::<CallId>().unwrap();
        assert_eq!(id("a1B2"), id("A1b2"));
        assert_ne!(id("01"), id("1"));
        assert_eq!(id("aB").to_string(), "aB");
        assert_eq!("".parse::<CallId>().unwrap_err().code, ReturnCode::WRONG_CALL);
        assert_eq!("xyz".parse::<ConnectionId>().unwrap_err().code, ReturnCode::WRONG_CONNECTION);
        let long = "1".repeat(33);
        assert_eq!(long.parse::<RequestId>().unwrap_err().code, ReturnCode::PROTOCOL_ERROR);
    }
}
