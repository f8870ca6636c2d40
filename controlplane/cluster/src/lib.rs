//! The cluster's trust: the CTL file, those who make it and those who keep it.
//!
//! | module | holds |
//! |---|---|
//! | [`list`] | the list as its client edits it: reading, changing, signing |
//! | [`inventory`] | certificates as the database has them |
//! | [`required`] | when the list is out of date |
//! | [`preflight`] | which telephones would refuse a new list |
//! | [`locations`] | the directories of a node that hold the file |
//! | [`provider`] | what runs on every node: JSON over HTTP over TLS 1.3 |
//! | [`client`] | what an administrator runs: discovery, operations, push |
//!
//! Invariants:
//! - A list reaches a node only verified, and a file location only whole.
//! - An update is signed by a token that telephones know already, or the telephones that would be
//!   stranded are named first.
//! - The mode changes after the file is everywhere it can be, and only through the provider.
//! - Nothing here holds a token's password or a private key longer than an operation.
//!
//! This crate must not know how phones fetch files, SCCP, or how a person is asked.

#![forbid(unsafe_code)]

pub mod client;
pub mod http;
pub mod inventory;
pub mod list;
pub mod locations;
pub mod preflight;
pub mod provider;
pub mod required;

/// Implements `Display` and `Error` of a type by its message in English.
macro_rules! error_by_message {
    ($($error:ty),*) => {$(
        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let said = messages::Explain::explain(self, lang::Language::English);
                write!(f, "{}: {}", said.text, said.cause)
            }
        }
        impl std::error::Error for $error {}
    )*};
}
pub(crate) use error_by_message;
