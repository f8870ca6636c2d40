//! Servers as people name them.

use std::fmt;
use std::net::IpAddr;

use super::ClientFault;
use crate::provider::api::DEFAULT_PORT;

/// Ports a provider may listen on.
const PORTS: std::ops::RangeInclusive<u16> = 1026..=32767;

/// A provider to talk to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// What it is called in reports and in the list.
    pub name: String,
    /// Host name or address to connect to.
    pub host: String,
    /// Port.
    pub port: u16,
    /// SHA-256 of its certificate in hex, where it is known from a trusted source.
    pub fingerprint: Option<String>,
}

impl Server {
    /// Reads `HOST` or `HOST:PORT` as a person typed it; an IPv6 address with a port in brackets.
    pub fn parse(text: &str) -> Result<Self, ClientFault> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        let port = port.map_or(Ok(DEFAULT_PORT), parse_port)?;
        check_host(host)?;
        Ok(Self { name: host.into(), host: host.into(), port, fingerprint: None })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Reads a port and checks its range.
fn parse_port(text: &str) -> Result<u16, ClientFault> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(ClientFault::InvalidPort(text.into()));
    }
    let port = text.parse().ok().filter(|port| PORTS.contains(port));
    port.ok_or_else(|| ClientFault::PortRange(text.into()))
}

fn check_host(host: &str) -> Result<(), ClientFault> {
    let numeric = host.contains(':')
        || !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if numeric {
        let address: Result<IpAddr, _> = host.parse();
        return address.map(drop).map_err(|_| ClientFault::InvalidAddress(host.into()));
    }
    let label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(allowed)
    };
    match host.len() <= 253 && host.split('.').all(label) {
        true => Ok(()),
        false => Err(ClientFault::InvalidHost(host.into())),
    }
}

impl ClientFault {
    /// The ports a provider may have, for messages.
    pub(super) fn ports() -> Vec<(&'static str, String)> {
        vec![("low", PORTS.start().to_string()), ("high", PORTS.end().to_string())]
    }
}
