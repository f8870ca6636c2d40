//! TLS as phones of the 79xx family speak it.

use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslMethod, SslVerifyMode, SslVersion};

use crate::Model;

/// Which TLS a phone offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsManner {
    /// The oldest version.
    pub oldest: SslVersion,
    /// The newest version.
    pub newest: SslVersion,
    /// Cipher suites up to TLS 1.2, in OpenSSL's words.
    pub suites: String,
}

impl TlsManner {
    /// As the model does it: TLS 1.0, RSA key exchange, AES.
    pub fn of(model: Model) -> Self {
        match model {
            Model::M7940 | Model::M7960 | Model::M7970 | Model::M7971 | Model::Port => Self {
                oldest: SslVersion::TLS1,
                newest: SslVersion::TLS1,
                suites: "AES256-SHA:AES128-SHA".to_owned(),
            },
        }
    }

    /// As a phone of our days does it.
    pub fn modern() -> Self {
        Self {
            oldest: SslVersion::TLS1_2,
            newest: SslVersion::TLS1_3,
            suites: "ECDHE+AESGCM".to_owned(),
        }
    }

    /// A context for connections. Chains are not looked at: a phone knows the very certificate
    /// that it expects.
    pub fn context(&self) -> Result<SslContext, ErrorStack> {
        let mut context = SslContext::builder(SslMethod::tls_client())?;
        // SHA-1, RSA key exchange and short keys belong to these phones.
        context.set_security_level(0);
        context.set_min_proto_version(Some(self.oldest))?;
        context.set_max_proto_version(Some(self.newest))?;
        context.set_cipher_list(&self.suites)?;
        context.set_verify(SslVerifyMode::NONE);
        Ok(context.build())
    }
}
