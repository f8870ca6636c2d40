//! The form of a bundle.

use std::io::{self, Read, Write};

use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::{Signer, Verifier};
use openssl::x509::X509;
use serde::{Deserialize, Serialize};

use crate::Version;

/// The first octets.
pub const MAGIC: [u8; 16] = *b"ringfence-update";

/// Most octets of a manifest and of a signature: whoever claims more is wrong.
const MOST: u32 = 64 * 1024;

/// What a bundle says of itself; everything that follows is proven by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Which version it brings.
    pub version: Version,
    /// Its kernel.
    pub kernel: Part,
    /// Its root partition.
    pub root: Part,
}

/// A part of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// In octets.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is something else.
    #[error("this is no update of the appliance")]
    NoBundle,
    /// It says impossible things.
    #[error("the update is damaged: {0}")]
    Damaged(String),
    /// Nobody whom this appliance believes has signed it.
    #[error("the update is not signed with the key that this appliance was built with")]
    Signature,
    /// It cannot be read.
    #[error("the update cannot be read: {0}")]
    Read(#[from] io::Error),
    /// OpenSSL fails.
    #[error("the signature cannot be checked: {0}")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}

/// Reads what stands before the parts, and verifies it. Afterwards `from` is at the kernel.
pub fn open(from: &mut impl Read, certificate: &X509) -> Result<Manifest, BundleError> {
    let mut magic = [0; MAGIC.len()];
    from.read_exact(&mut magic).map_err(|_| BundleError::NoBundle)?;
    if magic != MAGIC {
        return Err(BundleError::NoBundle);
    }
    let manifest = field(from)?;
    let signature = field(from)?;
    let key = certificate.public_key()?;
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key)?;
    verifier.update(&MAGIC)?;
    verifier.update(&manifest)?;
    if !verifier.verify(&signature).unwrap_or(false) {
        return Err(BundleError::Signature);
    }
    serde_json::from_slice(&manifest).map_err(|error| BundleError::Damaged(error.to_string()))
}

/// Writes what stands before the parts.
pub fn seal(to: &mut impl Write, manifest: &Manifest, key: &PKey<Private>) -> io::Result<()> {
    let manifest = serde_json::to_vec(manifest)?;
    let mut signer = Signer::new(MessageDigest::sha256(), key)?;
    signer.update(&MAGIC)?;
    signer.update(&manifest)?;
    let signature = signer.sign_to_vec()?;
    to.write_all(&MAGIC)?;
    for field in [&manifest, &signature] {
        let len = u32::try_from(field.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        to.write_all(&len.to_be_bytes())?;
        to.write_all(field)?;
    }
    Ok(())
}

fn field(from: &mut impl Read) -> Result<Vec<u8>, BundleError> {
    let mut len = [0; 4];
    from.read_exact(&mut len)?;
    let len = u32::from_be_bytes(len);
    if len > MOST {
        return Err(BundleError::Damaged(format!("a header of {len} octets")));
    }
    let mut field = vec![0; len as usize];
    from.read_exact(&mut field)?;
    Ok(field)
}
