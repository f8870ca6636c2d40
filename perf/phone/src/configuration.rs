//! What a phone reads out of its configuration file.

use std::fmt;

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
    /// The settings below `vendorConfig`, by element name.
    pub vendor: Vec<(String, String)>,
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

fn call_managers(root: roxmltree::Node<'_, '_>) -> Result<Vec<(String, u16)>, ConfigurationError> {
    let Some(members) = find(root, "members") else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for member in members.children().filter(|node| node.has_tag_name("member")) {
        let Some(server) = find(member, "processNodeName").map(value) else { continue };
        let port = match find(member, "ethernetPhonePort").map(value) {
            None => SCCP_PORT,
            Some(port) => port.parse().map_err(|_| ConfigurationError::Value {
                element: "ethernetPhonePort",
                value: port,
            })?,
        };
        let priority = member.attribute("priority").and_then(|priority| priority.parse().ok());
        found.push((priority.unwrap_or(u32::MAX), server, port));
    }
    found.sort_by_key(|(priority, _, _)| *priority);
    Ok(found.into_iter().map(|(_, server, port)| (server, port)).collect())
}

fn find<'a, 'i>(root: roxmltree::Node<'a, 'i>, name: &str) -> Option<roxmltree::Node<'a, 'i>> {
    root.descendants().find(|node| node.has_tag_name(name))
}

fn value(node: roxmltree::Node<'_, '_>) -> String {
    node.text().unwrap_or_default().trim().to_owned()
}
