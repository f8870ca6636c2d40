//! The files that tell a Cisco IP phone whom to trust: `CTLFile.tlv`, `ITLFile.tlv`, and every
//! `.sgn` file whose signature a phone checks against them.
//!
//! All of them start with the same signed [`Header`] of tag–length–value elements. Behind it a
//! trust list has certificate [`Record`]s, a signed file has the original bytes.
//!
//! ```text
//!  VERSION HEADER_LENGTH [SIGNER_VERSION] SIGNER_ID{…} SIGNATURE_INFO{…} │ SIGNATURE │ FILENAME TIMESTAMP PAD* │ body
//!  └──────────────────────────── signed ───────────────────────────────┘             └──────── signed ─────────────┘
//! ```
//!
//! Reading: [`CtlFile::parse`] gives an *unverified* list, [`TrustList::verify`] turns it into a
//! [`VerifiedCtl`] if a token of an already trusted list signed it. Writing: [`CtlFile::unsigned`]
//! gives the bytes to sign, [`Unsigned::attach`] takes the signature, and checks that of a list.
//!
//! Invariants:
//! - A parsed file keeps its exact bytes; what is served or hashed is never a re-encoding.
//! - A [`Verified`] value exists only after its signature held, so "unverified" cannot be passed
//!   where trust is needed.
//! - No input panics, and nothing is allocated beyond the size of the input.
//!
//! This crate must not know X.509 (a certificate is opaque bytes here), files, sockets, clocks or
//! private keys.

#![forbid(unsafe_code)]

mod diff;
mod element;
mod error;
mod field;
mod header;
mod record;
mod signature;
mod signed_file;
mod trust;
mod trust_list;
mod unsigned;

pub use diff::{Change, Difference, diff};
pub use error::{BuildError, Defect, FieldError, ParseError, VerifyError};
pub use field::{PublicKey, Serial, Text};
pub use header::{Header, SignerId, Strictness, Version};
pub use record::{Record, RecordField, Role};
pub use signature::{DigestAlgorithm, SignatureModulus};
pub use signed_file::{FileKind, SignedFile};
pub use trust::{Trust, Verified, VerifiedCtl, VerifiedFile, VerifiedItl};
pub use trust_list::{
    Ctl, CtlFile, Itl, ItlFile, Kind, MAX_LIST_BYTES, MAX_RECORDS, NO_ISSUER_NAME, NO_SUBJECT_NAME,
    TrustList,
};
pub use unsigned::{Signing, Unsigned};
