//! Proof, in a TLS handshake, that the other side has the key of the certificate it shows: what all
//! verifiers for rustls have in common, whatever they demand of the certificate itself.
//!
//! OpenSSL verifies, since locally significant certificates of telephones have keys of 1024 bits,
//! which today's stacks do not take. Whether such a certificate may be used at all is for others
//! to decide.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible,
    PeerMisbehaved, SignatureScheme,
};

use crate::certificate::Certificate;
use crate::key::{Hash, PublicKey};

/// Decides whether a server's certificate is the right one.
pub trait JudgeServer: fmt::Debug + Send + Sync {
    /// `name` is what the client has called. An error ends the handshake.
    fn judge(&self, shown: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error>;
}

/// Decides whether a client's certificate is a right one.
pub trait JudgeClient: fmt::Debug + Send + Sync {
    /// `others` came with it. An error ends the handshake.
    fn judge(
        &self,
        shown: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error>;
}

/// A verifier for rustls: certificates as the judge says, and the proof of their keys as here.
#[derive(Debug)]
pub struct Judged<J>(pub J);

impl<J: JudgeServer + ?Sized> JudgeServer for Arc<J> {
    fn judge(&self, shown: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
        (**self).judge(shown, name)
    }
}

impl<J: JudgeServer> ServerCertVerifier for Judged<J> {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.0.judge(shown, name).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}

impl<J: JudgeClient> ClientCertVerifier for Judged<J> {
    /// Clients have one certificate or two, and do not choose by issuer.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        shown: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0.judge(shown, others, now).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}

/// The schemes that can be verified, the preferred ones first.
const SCHEMES: [SignatureScheme; 8] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// `certificate` is in DER.
fn verify_tls12_signature(
    message: &[u8],
    certificate: &[u8],
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let certificate = Certificate::parse(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let holds = verify(certificate.public_key(), signature.scheme, message, signature.signature());
    match holds {
        Some(true) => Ok(HandshakeSignatureValid::assertion()),
        Some(false) => Err(CertificateError::BadSignature.into()),
        None => Err(PeerIncompatible::NoSignatureSchemesInCommon.into()),
    }
}

/// `certificate` is in DER.
fn verify_tls13_signature(
    message: &[u8],
    certificate: &[u8],
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    // RFC 8446 §4.2.3
    if matches!(signature.scheme.as_str(), Some(name) if name.starts_with("RSA_PKCS1")) {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    verify_tls12_signature(message, certificate, signature)
}

/// `None`: the scheme is not one of ours, or not for such a key.
fn verify(
    key: &PublicKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Option<bool> {
    use SignatureScheme as S;
    let hash = match scheme {
        S::ECDSA_NISTP256_SHA256 | S::RSA_PSS_SHA256 | S::RSA_PKCS1_SHA256 => Hash::Sha256,
        S::ECDSA_NISTP384_SHA384 | S::RSA_PSS_SHA384 | S::RSA_PKCS1_SHA384 => Hash::Sha384,
        S::RSA_PSS_SHA512 | S::RSA_PKCS1_SHA512 => Hash::Sha512,
        _ => return None,
    };
    match scheme {
        S::RSA_PSS_SHA256 | S::RSA_PSS_SHA384 | S::RSA_PSS_SHA512 => {
            key.is_rsa().then(|| key.verify_pss(hash, message, signature))
        }
        S::RSA_PKCS1_SHA256 | S::RSA_PKCS1_SHA384 | S::RSA_PKCS1_SHA512 => {
            key.is_rsa().then(|| key.verify(hash, message, signature))
        }
        _ => (!key.is_rsa()).then(|| key.verify(hash, message, signature)),
    }
}
