//! X.509 certificates, private keys and security tokens.
//!
//! What the control plane knows of public-key cryptography, with OpenSSL doing the arithmetic:
//!
//! | module | holds |
//! |---|---|
//! | [`name`], [`certificate`] | distinguished names and certificates, decoded field by field so that each broken one is called by its name |
//! | [`check`] | what a server certificate must be before it enters a trust list |
//! | [`purpose`] | what a certificate says its key is for |
//! | [`key`], [`signer`] | keys, and the one trait behind which a file, a token or a smart card signs; how telephones prove that they hold a key, how a message's key is encrypted |
//! | [`handshake`] | verifying, for rustls, that a TLS peer has the key of its certificate |
//! | [`legacy_md5`] | MD5, for certificate authorities that know nothing newer |
//! | [`asn1`] | encoding and reading DER |
//! | [`issue`], [`export`] | making certificates; DER, PEM, PKCS#7 |
//! | [`node`], [`keydir`] | a node's own key and certificate, made once and never replaced |
//! | [`capf`] | CAPF's own key and certificate, and the certificates it issues to phones |
//! | [`token`] | security tokens: PKCS#11 and encrypted files |
//!
//! Invariants:
//! - A private key leaves this crate only encrypted or into a file that its owner alone can read.
//!   Nothing here prints one.
//! - The key of an [`signer::Identity`] belongs to its certificate; a [`check::ServerCertificate`]
//!   passed every check.
//! - SHA-1 is called [`key::Hash::LegacySha1`]: it stands where telephones of the 79xx family know
//!   nothing newer, and nowhere else. MD5 is in a module of its own and verifies no certificate.
//! - Bytes of strangers never panic and cost memory in proportion to their length only.
//!
//! This crate must not know trust lists, the network or the database.

#![forbid(unsafe_code)]

pub mod asn1;
mod bare;
pub mod capf;
pub mod certificate;
pub mod check;
pub mod export;
pub mod fault;
pub mod handshake;
pub mod ike;
pub mod issue;
pub mod key;
mod key_transport;
pub mod keydir;
pub mod legacy_md5;
pub mod name;
pub mod node;
pub mod purpose;
pub mod signer;
pub mod token;

pub use certificate::Certificate;
pub use fault::{CertificateFault, Field};
pub use key::{Hash, KeyKind, PrivateKey, PublicKey};
pub use name::Name;
pub use signer::{Identity, SignError, Signer};
