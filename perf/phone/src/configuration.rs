//! What a phone reads out of its configuration file.

use std::fmt;

use base64ct::{Base64, Encoding};

/// The elements that decide how a phone registers. Unknown ones are ignored, as phones do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Configuration {
    /// Changes when the file does.
    pub version_stamp: String,
    /// The firmware the phone should run, without `.loads`; empty: the one it has.
    pub load: String,
    /// How it connects.
    pub mode: SecurityMode,
    /// Call managers by priority: address and clear SCCP port.
    pub call_managers: Vec<(String, u16)>,
    /// Who serves it when none of them answers.
    pub srst: Option<Srst>,
    /// How it shall authenticate to CAPF; [`CapfMode::Nothing`] if it has no business there.
    pub capf_mode: CapfMode,
    /// CAPF servers in order: address and port.
    pub capf_servers: Vec<(String, u16)>,
    /// The settings below `vendorConfig`, by element name.
    pub vendor: Vec<(String, String)>,
}

/// An SRST gateway, as a configuration file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srst {
    /// Where it is.
    pub address: String,
    /// Its clear SCCP port.
    pub port: u16,
    /// Whether TLS is spoken to it.
    pub secure: bool,
    /// The certificate that is to be found there, DER.
    pub certificate: Option<Vec<u8>>,
}

/// Device security mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SecurityMode {
    /// 1: TCP.
    #[default]
    NonSecure,
    /// 2: TLS without encryption.
    Authenticated,
    /// 3: TLS with encryption, SRTP offered.
    Encrypted,
}

impl fmt::Display for SecurityMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NonSecure => "non-secure",
            Self::Authenticated => "authenticated",
            Self::Encrypted => "encrypted",
        })
    }
}

/// `capfAuthMode`: whether a CAPF operation is pending, and how the phone proves itself for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CapfMode {
    /// 0: no operation is pending.
    #[default]
    Nothing,
    /// 1: by authentication string, when its user types one.
    String,
    /// 2: by null string.
    NullString,
    /// 3: by existing certificate, the LSC first.
    ExistingLsc,
    /// 4: by existing certificate, the MIC first.
    ExistingMic,
}

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// Not XML.
    #[error("it is not XML: {0}")]
    Xml(#[from] roxmltree::Error),
    /// Not text.
    #[error("it is not UTF-8")]
    Encoding,
    /// XML of something else.
    #[error("its root is <{0}>, not <device> or <Default>")]
    Root(String),
    /// An element with a value that is not allowed.
    #[error("<{element}> is {value:?}")]
    Value {
        /// The element.
        element: &'static str,
        /// What it says.
        value: String,
    },
}

/// Clear SCCP, if the file names no port.
const SCCP_PORT: u16 = 2000;
/// CAPF, if the file names no port.
const CAPF_PORT: u16 = 3804;

impl Configuration {
    /// Reads `SEP<MAC>.cnf.xml` or `XMLDefault.cnf.xml`.
    pub fn parse(file: &[u8]) -> Result<Self, ConfigurationError> {
        let text = std::str::from_utf8(file).map_err(|_| ConfigurationError::Encoding)?;
        let document = roxmltree::Document::parse(text)?;
        let root = document.root_element();
        if !matches!(root.tag_name().name(), "device" | "Default") {
            return Err(ConfigurationError::Root(root.tag_name().name().to_owned()));
        }
        let text = |name| find(root, name).and_then(|node| node.text()).unwrap_or_default().trim();
        let vendor = find(root, "vendorConfig").into_iter().flat_map(|node| node.children());
        Ok(Self {
            version_stamp: text("versionStamp").to_owned(),
            load: text("loadInformation").to_owned(),
            mode: security_mode(text("deviceSecurityMode"))?,
            call_managers: call_managers(root)?,
            srst: srst(root)?,
            capf_mode: capf_mode(text("capfAuthMode"))?,
            capf_servers: capf_servers(root)?,
            vendor: vendor
                .filter(|node| node.is_element())
                .map(|node| (node.tag_name().name().to_owned(), value(node)))
                .collect(),
        })
    }
}

fn security_mode(value: &str) -> Result<SecurityMode, ConfigurationError> {
    match value {
        "" | "1" => Ok(SecurityMode::NonSecure),
        "2" => Ok(SecurityMode::Authenticated),
        "3" => Ok(SecurityMode::Encrypted),
        other => Err(ConfigurationError::Value {
            element: "deviceSecurityMode",
            value: other.to_owned(),
        }),
    }
}

fn capf_mode(value: &str) -> Result<CapfMode, ConfigurationError> {
    match value {
        "" | "0" => Ok(CapfMode::Nothing),
        "1" => Ok(CapfMode::String),
        "2" => Ok(CapfMode::NullString),
        "3" => Ok(CapfMode::ExistingLsc),
        "4" => Ok(CapfMode::ExistingMic),
        other => {
            Err(ConfigurationError::Value { element: "capfAuthMode", value: other.to_owned() })
        }
    }
}

fn capf_servers(root: roxmltree::Node<'_, '_>) -> Result<Vec<(String, u16)>, ConfigurationError> {
    let Some(list) = find(root, "capfList") else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for capf in list.children().filter(|node| node.has_tag_name("capf")) {
        let server = find(capf, "processNodeName").map(value).unwrap_or_default();
        if !server.is_empty() {
            found.push((server, port(capf, "phonePort", CAPF_PORT)?));
        }
    }
    Ok(found)
}

fn call_managers(root: roxmltree::Node<'_, '_>) -> Result<Vec<(String, u16)>, ConfigurationError> {
    let Some(members) = find(root, "members") else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for member in members.children().filter(|node| node.has_tag_name("member")) {
        let Some(server) = find(member, "processNodeName").map(value) else { continue };
        let port = port(member, "ethernetPhonePort", SCCP_PORT)?;
        let priority = member.attribute("priority").and_then(|priority| priority.parse().ok());
        found.push((priority.unwrap_or(u32::MAX), server, port));
    }
    found.sort_by_key(|(priority, _, _)| *priority);
    Ok(found.into_iter().map(|(_, server, port)| (server, port)).collect())
}

/// The first gateway of `srstInfo`. A certificate that is none is none.
fn srst(root: roxmltree::Node<'_, '_>) -> Result<Option<Srst>, ConfigurationError> {
    let Some(info) = find(root, "srstInfo") else { return Ok(None) };
    let text = |name| find(info, name).map(value).unwrap_or_default();
    let address = text("ipAddr1");
    if text("srstOption") != "Enable" || address.is_empty() {
        return Ok(None);
    }
    let certificate = Base64::decode_vec(&text("srstCertificate")).ok();
    let certificate = certificate.filter(|der| openssl::x509::X509::from_der(der).is_ok());
    let port = port(info, "port1", SCCP_PORT)?;
    Ok(Some(Srst { address, port, secure: text("isSecure") == "true", certificate }))
}

fn port(
    node: roxmltree::Node<'_, '_>,
    element: &'static str,
    default: u16,
) -> Result<u16, ConfigurationError> {
    match find(node, element).map(value) {
        None => Ok(default),
        Some(port) => port.parse().map_err(|_| ConfigurationError::Value { element, value: port }),
    }
}

fn find<'a, 'i>(root: roxmltree::Node<'a, 'i>, name: &str) -> Option<roxmltree::Node<'a, 'i>> {
    root.descendants().find(|node| node.has_tag_name(name))
}

fn value(node: roxmltree::Node<'_, '_>) -> String {
    node.text().unwrap_or_default().trim().to_owned()
}
