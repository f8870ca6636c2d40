//! What a phone says while it starts: on its status page, and as alarms to its CallManager.

use std::fmt;
use std::net::IpAddr;

/// A status message or an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The server has no such file.
    FileNotFound(String),
    /// The server does not answer.
    TftpTimeout(String),
    /// The server refused, or the transfer broke.
    TftpError(String, String),
    /// A first trust list was stored, taken on faith.
    ListInstalled(&'static str),
    /// A trust list replaced the stored one.
    ListUpdated(&'static str),
    /// A trust list was refused; the stored one stays.
    ListUpdateFailed(&'static str, String),
    /// The stored trust list is damaged and was not used.
    ListDamaged(&'static str, String),
    /// The TFTP server has no entry in the trust list.
    TftpNotAuthorized(IpAddr),
    /// A signed file did not verify.
    FileAuthFailed(String, String),
    /// A configuration that cannot be read.
    ConfigurationInvalid(String, String),
    /// A firmware image did not verify.
    LoadAuthFailed(String, String),
    /// A firmware image was stored.
    LoadInstalled(String),
}

impl Event {
    /// True for what is sent to the CallManager as an alarm, or would be if there were one.
    pub fn is_alarm(&self) -> bool {
        match self {
            Self::ListUpdateFailed(..)
            | Self::ListDamaged(..)
            | Self::TftpNotAuthorized(_)
            | Self::FileAuthFailed(..)
            | Self::ConfigurationInvalid(..)
            | Self::LoadAuthFailed(..) => true,
            Self::FileNotFound(_)
            | Self::TftpTimeout(_)
            | Self::TftpError(..)
            | Self::ListInstalled(_)
            | Self::ListUpdated(_)
            | Self::LoadInstalled(_) => false,
        }
    }
}

impl Event {
    /// The text of its alarm, as servers know it.
    pub fn alarm(&self) -> String {
        match self {
            Self::FileAuthFailed(..) => "File Auth Failed".to_owned(),
            Self::LoadAuthFailed(..) => "Load Auth Failed".to_owned(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileNotFound(name) => write!(f, "File Not Found <{name}>"),
            Self::TftpTimeout(name) => write!(f, "TFTP timeout: {name}"),
            Self::TftpError(name, cause) => write!(f, "TFTP access error: {name}: {cause}"),
            Self::ListInstalled(list) => write!(f, "{list} installed"),
            Self::ListUpdated(list) => write!(f, "{list} updated"),
            Self::ListUpdateFailed(list, cause) => write!(f, "{list} update failed: {cause}"),
            Self::ListDamaged(list, cause) => write!(f, "stored {list} not usable: {cause}"),
            Self::TftpNotAuthorized(server) => write!(f, "TFTP Not Authorized: {server}"),
            Self::FileAuthFailed(name, cause) => write!(f, "File Auth Failed: {name}: {cause}"),
            Self::ConfigurationInvalid(name, cause) => {
                write!(f, "CFG file invalid: {name}: {cause}")
            }
            Self::LoadAuthFailed(name, cause) => write!(f, "Load Auth Failed: {name}: {cause}"),
            Self::LoadInstalled(name) => write!(f, "Load installed: {name}"),
        }
    }
}
