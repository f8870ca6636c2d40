//! TLS as phones of the 79xx family speak it.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslMode, SslRef, SslVerifyMode, SslVersion};
use sccp::Secrecy;

use super::{KeyLog, TlsError, TlsIdentity};
use crate::SecurityMode;

/// A telephone that speaks TLS 1.0.
pub struct Legacy {
    context: SslContext,
    identity: TlsIdentity,
}

/// What all telephones of a mode have in common.
#[derive(Clone)]
pub struct Manner(SslContext);

impl Legacy {
    /// A manner for telephones of this mode: NULL-SHA where signalling is authenticated, AES128-SHA
    /// where it is encrypted.
    pub fn manner(mode: SecurityMode, log: Option<&KeyLog>) -> Result<Manner, TlsError> {
        context(mode, log).map(Manner).map_err(|error| TlsError(error.to_string()))
    }

    /// A telephone with a certificate.
    pub fn new(manner: &Manner, identity: &TlsIdentity) -> Self {
        Self { context: manner.0.clone(), identity: identity.clone() }
    }

    pub(super) fn ssl(&self) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.context)?;
        ssl.set_certificate(&self.identity.certificate)?;
        ssl.set_private_key(&self.identity.key)?;
        Ok(ssl)
    }
}

impl fmt::Debug for Legacy {
    /// Its name only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Legacy")
    }
}

/// What a suite promises.
pub(super) fn secrecy(ssl: &SslRef) -> Secrecy {
    match ssl.current_cipher() {
        Some(cipher) if !cipher.name().contains("NULL") => Secrecy::Confidential,
        _ => Secrecy::Exposed,
    }
}

fn context(mode: SecurityMode, log: Option<&KeyLog>) -> Result<SslContext, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    // SHA-1, RSA key exchange, NULL and short keys belong to these phones.
    context.set_security_level(0);
    context.set_min_proto_version(Some(SslVersion::TLS1))?;
    context.set_max_proto_version(Some(SslVersion::TLS1))?;
    context.set_cipher_list(match mode {
        SecurityMode::NonSecure | SecurityMode::Authenticated => "NULL-SHA",
        SecurityMode::Encrypted => "AES128-SHA",
    })?;
    // A phone knows the very certificate that it expects: chains are not looked at.
    context.set_verify(SslVerifyMode::NONE);
    // Thousands of phones that are silent most of the time.
    context.set_mode(
        SslMode::RELEASE_BUFFERS
            | SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER,
    );
    if let Some(log) = log.cloned() {
        context.set_keylog_callback(move |_, line| log.line(line));
    }
    Ok(context.build())
}
