//! The CTL file.

use serde::{Deserialize, Serialize};
use store::SecurityMode;

use crate::request::{Request, requests};
use crate::{Done, Secret};

requests! {
    /// The CTL file in force, those before it, and why it has to be updated.
    ShowTrustList = "show-trust-list" -> TrustListView {}

    /// Makes a security token that is a file, issued by this node's token authority. The node does
    /// not keep it.
    MakeSecurityToken = "make-security-token" -> SecurityTokenMade {
        /// Its name: letters, digits, `-` and `_`.
        label: String,
        /// Its password.
        password: Secret,
    }

    /// Creates the CTL file, or updates it, with tokens that this node's token authority issued.
    SignTrustList = "sign-trust-list" -> TrustListSigned {
        /// The administrator that logs in to the CTL Providers.
        user: String,
        /// Its password.
        password: Secret,
        /// The cluster security mode; absent: it stays, or a new file is for mixed mode.
        mode: Option<SecurityMode>,
        /// The token files in base 64: at least two for a new file. Those that the file does not
        /// name are added; the last one signs.
        tokens: Vec<Secret>,
        /// The password of the one that signs.
        token_password: Secret,
        /// Go on though phones would refuse the new file: they will be erased by hand.
        strand_phones: bool,
        /// Only tell what would come of it.
        dry_run: bool,
    }
}

/// A security token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecurityTokenMade {
    /// Its file in base 64, encrypted with its password. It is told this once.
    pub file: Secret,
    /// Subject of its certificate.
    pub subject: String,
    /// Serial number of its certificate, in hexadecimal.
    pub serial: String,
}

/// What came of signing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrustListSigned {
    /// Whether every server has the file.
    pub complete: bool,
    /// What came of it on each server; none: nothing was written.
    pub servers: Vec<TrustServerView>,
    /// Phones that would refuse the file.
    pub refusing: Vec<String>,
    /// What has to follow.
    pub done: Done,
}

/// What came of a push on a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrustServerView {
    /// The server.
    pub server: String,
    /// The directory or file, where it is known.
    pub path: Option<String>,
    /// Why it failed, in the caller's language; absent if it did not.
    pub problem: Option<String>,
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
