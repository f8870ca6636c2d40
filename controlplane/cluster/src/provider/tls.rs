//! TLS 1.3 with the node's own certificate.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use messages::{Explain, Message, provider};
use pki::node;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why TLS cannot be set up on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFault(pub String);

impl Explain for TlsFault {
    fn message(&self) -> &'static Message {
        &provider::INIT_TLS_FAILED
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![("detail", self.0.clone())]
    }
}

crate::error_by_message!(TlsFault);

/// Sets TLS up with the node's key and certificate in `keys`. TLS 1.3 asks for an RSA key of 2048
/// bits or more, or an EC key.
pub fn server_config(keys: &Path, now: SystemTime) -> Result<Arc<ServerConfig>, TlsFault> {
    let identity = node::open(keys, now).map_err(|fault| TlsFault(fault.to_string()))?;
    let key_file = keys.join(node::KEY_FILE);
    let key = PrivateKeyDer::from_pem_file(&key_file)
        .map_err(|error| TlsFault(format!("{}: {error}", key_file.display())))?;
    let certificate = CertificateDer::from(identity.certificate().der().to_vec());
    let crypto = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(crypto)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| TlsFault(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .map_err(|error| {
            let kind = identity.certificate().public_key().describe();
            TlsFault(format!("the node's key ({kind}) cannot be used with TLS 1.3: {error}"))
        })?;
    Ok(Arc::new(config))
}
