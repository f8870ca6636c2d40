//! Proofs that a phone holds the private key of a certificate.
//!
//! A proof is a signature of a bare hash (see [`pki::PublicKey::verify_bare`]), once with SHA-1 and
//! once with SHA-512, over one of two things:
//!
//! - SIGNED_DATA and SHA2_SIGNED_DATA: the device name as it travels, NUL included, and the
//!   certificate. Nothing in it changes from session to session.
//! - SUDI_DATA: the session's number and the certificate. The number is written with its low byte
//!   first, the one such field of the protocol. A proof of another session is worth nothing.

use pki::{Certificate, Hash, PrivateKey, PublicKey, SignError};

use crate::codec::{Digest, SessionId, Signed, Sudi, Text};

/// What SIGNED_DATA is made over.
pub fn device_data(name: &Text, certificate: &[u8]) -> Vec<u8> {
    [name.as_bytes(), certificate].concat()
}

/// What the proofs in SUDI_DATA are made over.
pub fn session_data(session: SessionId, certificate: &[u8]) -> Vec<u8> {
    [&session.0.to_le_bytes(), certificate].concat()
}

/// Whether a key can sign a SHA-512 hash in this way: RSA of 512 bits cannot.
pub fn can_sign_sha512(key: &PublicKey) -> bool {
    !key.is_rsa() || key.bits() >= 600
}

/// SIGNED_DATA, and SHA2_SIGNED_DATA if the key is long enough.
pub fn prove_device(
    name: &Text,
    certificate: &Certificate,
    key: &PrivateKey,
) -> Result<(Vec<u8>, Option<Signed>), SignError> {
    let data = device_data(name, certificate.der());
    let sha1 = key.sign_bare(Hash::LegacySha1, &data)?;
    let sha512 = can_sign_sha512(certificate.public_key())
        .then(|| key.sign_bare(Hash::Sha512, &data))
        .transpose()?;
    Ok((sha1, sha512.map(|signature| Signed { digest: Digest::SHA512, signature })))
}

/// SUDI_DATA.
pub fn prove_session(
    session: SessionId,
    certificate: &Certificate,
    key: &PrivateKey,
) -> Result<Sudi, SignError> {
    let data = session_data(session, certificate.der());
    Ok(Sudi {
        certificate: certificate.der().to_vec(),
        sha1: key.sign_bare(Hash::LegacySha1, &data)?,
        sha512: key.sign_bare(Hash::Sha512, &data)?,
    })
}
