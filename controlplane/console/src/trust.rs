//! The CTL file.

use serde::{Deserialize, Serialize};

use crate::request::{Request, requests};

requests! {
    /// The CTL file in force, those before it, and why it has to be updated.
    ShowTrustList = "show-trust-list" -> TrustListView {}
}

/// The CTL file and its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrustListView {
    /// The file in force; absent without one, or if it cannot be read.
    pub file: Option<TrustFileView>,
    /// What is wrong with it, and why an update is required, in the caller's language.
    pub alarms: Vec<String>,
    /// All files and withdrawals, newest first.
    pub versions: Vec<TrustVersionView>,
}

/// A CTL file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrustFileView {
    /// Subject of the token that signed it.
    pub signer: String,
    /// Serial number of the token, in hexadecimal.
    pub signer_serial: String,
    /// The cluster security mode that it was made for, 0 or 1.
    pub security_mode: u8,
    /// MD5 of the file, as phones show it.
    pub md5: String,
    /// Its entries.
    pub entries: Vec<TrustEntryView>,
}

/// An entry of a CTL file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrustEntryView {
    /// What it stands for.
    pub function: String,
    /// The server.
    pub name: String,
    /// Subject of the certificate.
    pub subject: String,
    /// Issuer of the certificate.
    pub issuer: String,
    /// Serial number of the certificate, in hexadecimal.
    pub serial: String,
}

/// A CTL file that was accepted once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrustVersionView {
    /// Its number; the first is 1.
    pub number: u64,
    /// When it was accepted, RFC 3339, UTC.
    pub at: String,
    /// Who made it.
    pub made_by: String,
    /// Subject of the token that signed it; empty: the CTL file was withdrawn.
    pub signer: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}
