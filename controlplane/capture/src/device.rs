//! Which devices are captured.

use std::fmt;
use std::str::FromStr;

/// A device whose signalling can be captured, by its name: a phone, or MGCP endpoints of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Device {
    /// A phone, `SEP001122334455`.
    Phone(String),
    /// An endpoint, `aaln/S1/SU0/0@gw1`, or all of a gateway, `*@gw1`.
    Endpoint {
        /// The local name; `*` is every one.
        local: String,
        /// The gateway's name.
        gateway: String,
    },
}

/// Not the name of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write SEP and twelve hexadecimal digits, ENDPOINT@GATEWAY, or *@GATEWAY")]
pub struct NoDevice;

/// Longest name of an MGCP endpoint (RFC 3435 §2.1.2).
const MAX_NAME: usize = 255;

impl Device {
    /// Whether an MGCP message about an endpoint is this device's.
    pub fn is_endpoint(&self, endpoint: &str) -> bool {
        let Self::Endpoint { local, gateway } = self else { return false };
        let Some((its_local, its_gateway)) = endpoint.rsplit_once('@') else { return false };
        its_gateway.eq_ignore_ascii_case(gateway)
            && (local == "*" || its_local.eq_ignore_ascii_case(local))
    }
}

impl FromStr for Device {
    type Err = NoDevice;

    fn from_str(name: &str) -> Result<Self, NoDevice> {
        let printable = name.bytes().all(|octet| octet.is_ascii_graphic());
        if name.len() > MAX_NAME || !printable {
            return Err(NoDevice);
        }
        if let Some((local, gateway)) = name.rsplit_once('@') {
            let whole = !local.is_empty() && !gateway.is_empty();
            let (local, gateway) = (local.to_owned(), gateway.to_owned());
            return whole.then_some(Self::Endpoint { local, gateway }).ok_or(NoDevice);
        }
        let digits = name.get(..3).filter(|prefix| prefix.eq_ignore_ascii_case("SEP"));
        let digits = digits.and_then(|_| name.get(3..)).ok_or(NoDevice)?;
        let is_mac = digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_mac.then(|| Self::Phone(name.to_ascii_uppercase())).ok_or(NoDevice)
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(name) => f.write_str(name),
            Self::Endpoint { local, gateway } => write!(f, "{local}@{gateway}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // R: CAP-02
    #[test]
    fn names_of_phones_and_endpoints() {
        for name in ["SEP001122334455", "aaln/S1/SU0/0@gw1", "*@relay1"] {
            assert_eq!(name.parse::<Device>().unwrap().to_string(), name);
        }
        assert_eq!("sepaabbccddeeff".parse::<Device>().unwrap().to_string(), "SEPAABBCCDDEEFF");
        for name in ["", "SEP", "SEP00112233445g", "@gw", "a@", "a b@gw", "phone"] {
            assert_eq!(name.parse::<Device>(), Err(NoDevice), "{name}");
        }
    }

    // R: CAP-02
    #[test]
    fn an_endpoint_or_all_of_a_gateway() {
        let is = |device: &str, name: &str| device.parse::<Device>().unwrap().is_endpoint(name);
        assert!(is("*@relay1", "pr/7@relay1") && is("pr/7@relay1", "PR/7@Relay1"));
        assert!(!is("*@relay1", "pr/7@relay2") && !is("pr/7@relay1", "pr/8@relay1"));
        assert!(!is("SEP001122334455", "pr/7@relay1"));
    }
}
