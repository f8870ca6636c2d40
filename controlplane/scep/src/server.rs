//! Where a certificate authority is, and the URLs of its operations.

use std::net::IpAddr;

use messages::{Explain, Message, scep};
use serde::{Deserialize, Serialize};

/// Products with a URL of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Product {
    /// Microsoft Certificate Services with the SCEP add-on, and its successor NDES.
    Microsoft,
    /// RSA Keon, whose path is a jurisdiction id of 32 to 64 hexadecimal digits.
    Keon {
        /// The jurisdiction.
        jurisdiction: String,
    },
    /// Any other; [`DEFAULT_PATH`] if no path is given.
    Generic {
        /// From `/` on.
        path: Option<String>,
    },
}

/// The path that most servers have.
pub const DEFAULT_PATH: &str = "/cgi-bin/pkiclient.exe";
const MICROSOFT_PATH: &str = "/certsrv/mscep/mscep.dll";

/// A SCEP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    authority: String,
    path: String,
    identifier: String,
}

/// Why this is no server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerFault {
    /// Neither a host name nor an address.
    Address(String),
    /// Not a port.
    Port(u16),
    /// Not a path.
    Path(String),
    /// Not a jurisdiction id.
    Jurisdiction(String),
}

impl Server {
    /// A server at an address; the product's own port if none is given. `identifier` chooses among
    /// the authorities of one server; Keon takes its jurisdiction if it is empty.
    pub fn new(
        product: &Product,
        address: &str,
        port: Option<u16>,
        identifier: &str,
    ) -> Result<Self, ServerFault> {
        let host = host(address).ok_or_else(|| ServerFault::Address(address.into()))?;
        let (default_port, path, identifier) = match product {
            Product::Microsoft => (80, MICROSOFT_PATH.to_owned(), identifier),
            Product::Keon { jurisdiction } => {
                let digits = jurisdiction.bytes().all(|byte| byte.is_ascii_hexdigit());
                if !digits || !(32..=64).contains(&jurisdiction.len()) {
                    return Err(ServerFault::Jurisdiction(jurisdiction.clone()));
                }
                let identifier = if identifier.is_empty() { jurisdiction } else { identifier };
                (446, format!("/{jurisdiction}"), identifier)
            }
            Product::Generic { path } => {
                let path = path.as_deref().unwrap_or(DEFAULT_PATH);
                let plain = path.bytes().all(|b| b.is_ascii_graphic() && !b"?#\"<>\\".contains(&b));
                if !path.starts_with('/') || !plain {
                    return Err(ServerFault::Path(path.into()));
                }
                (80, path.to_owned(), identifier)
            }
        };
        let authority = match port.unwrap_or(default_port) {
            0 => return Err(ServerFault::Port(0)),
            port => format!("{host}:{port}"),
        };
        Ok(Self { authority, path, identifier: identifier.to_owned() })
    }

    /// Host and port, for people.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The URL of an operation.
    pub(crate) fn url(&self, operation: &Operation) -> String {
        let Self { authority, path, identifier } = self;
        let base = format!("http://{authority}{path}?operation={}", operation.name());
        match operation {
            Operation::GetCaCaps | Operation::GetCaCert => {
                format!("{base}&message={}", percent_encoded(identifier))
            }
            Operation::Post(_) => base,
            Operation::Get(message) => {
                let base64 = openssl::base64::encode_block(message);
                format!("{base}&message={}", percent_encoded(&base64))
            }
        }
    }
}

/// What a SCEP server is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// What it can do.
    GetCaCaps,
    /// Its certificates.
    GetCaCert,
    /// PKIOperation with the message in the body.
    Post(Vec<u8>),
    /// PKIOperation with the message in the URL.
    Get(Vec<u8>),
}

impl Operation {
    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::GetCaCaps => "GetCACaps",
            Self::GetCaCert => "GetCACert",
            Self::Post(_) | Self::Get(_) => "PKIOperation",
        }
    }
}

fn host(address: &str) -> Option<String> {
    match address.parse() {
        Ok(IpAddr::V4(v4)) => return Some(v4.to_string()),
        Ok(IpAddr::V6(v6)) => return Some(format!("[{v6}]")),
        Err(_) => {}
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let is_name = address.len() <= 253 && address.split('.').all(label);
    // All digits and dots is a mistyped address, not a name.
    let is_number = address.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (is_name && !is_number).then(|| address.to_owned())
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

impl Explain for ServerFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::Address(_) => &scep::SCEP_INVALID_ADDRESS,
            Self::Port(_) => &scep::SCEP_INVALID_PORT,
            Self::Path(_) => &scep::SCEP_INVALID_PATH,
            Self::Jurisdiction(_) => &scep::SCEP_INVALID_JURISDICTION,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Address(address) => vec![("address", address.clone())],
            Self::Port(port) => vec![("port", port.to_string())],
            Self::Path(path) => vec![("path", path.clone())],
            Self::Jurisdiction(id) => vec![("id", id.clone())],
        }
    }
}

crate::error_by_message!(ServerFault);

#[cfg(test)]
mod tests {
    use super::*;

    const JURISDICTION: &str = "0123456789abcdef0123456789ABCDEF01234567";

    fn url(product: &Product, address: &str, port: Option<u16>, identifier: &str) -> String {
        Server::new(product, address, port, identifier).unwrap().url(&Operation::GetCaCert)
    }

    // R: CAPF-11
    #[test]
    fn products_have_their_urls() {
        let keon = Product::Keon { jurisdiction: JURISDICTION.into() };
        let generic = Product::Generic { path: None };
        assert_eq!(
            url(&Product::Microsoft, "ca.example", None, ""),
            "http://ca.example:80/certsrv/mscep/mscep.dll?operation=GetCACert&message="
        );
        assert_eq!(
            url(&keon, "10.0.0.1", None, ""),
            format!(
                "http://10.0.0.1:446/{JURISDICTION}?operation=GetCACert&message={JURISDICTION}"
            )
        );
        assert_eq!(
            url(&generic, "2001:db8::1", Some(8080), "my ca&x"),
            "http://[2001:db8::1]:8080/cgi-bin/pkiclient.exe?operation=GetCACert\
             &message=my%20ca%26x"
        );
    }

    #[test]
    fn what_is_no_server_is_refused() {
        let refused = |product: &Product, address: &str, port| {
            Server::new(product, address, port, "").unwrap_err()
        };
        for address in ["", "http://ca", "ca/x", "300.1.1.1", "a b", "-a", "a..b", "ca:80", "ca@x"]
        {
            let fault = refused(&Product::Microsoft, address, None);
            assert_eq!(fault, ServerFault::Address(address.into()));
        }
        assert_eq!(refused(&Product::Microsoft, "ca", Some(0)), ServerFault::Port(0));
        for id in ["", "0123", &"x".repeat(40), &"0".repeat(65)] {
            let keon = Product::Keon { jurisdiction: id.into() };
            assert_eq!(refused(&keon, "ca", None), ServerFault::Jurisdiction(id.into()));
        }
        for path in ["x", "/a b", "/a?b", "/a\r\nHost: b"] {
            let generic = Product::Generic { path: Some(path.into()) };
            assert_eq!(refused(&generic, "ca", None), ServerFault::Path(path.into()));
        }
    }

    #[test]
    fn a_message_in_a_url_comes_back() {
        let message = [0xfb, 0xff, 0xbf, 0x3e, 0x3f, 0xfa];
        let server = Server::new(&Product::Microsoft, "ca", None, "").unwrap();
        let url = server.url(&Operation::Get(message.to_vec()));
        let (_, encoded) = url.split_once("&message=").unwrap();
        assert_eq!(encoded, "%2B%2F%2B%2FPj%2F6");
        let base64 = encoded.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        assert_eq!(openssl::base64::decode_block(&base64).unwrap(), message);
    }
}
