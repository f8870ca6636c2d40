//! Keys and certificates of a server and of telephones.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use openssl::ssl::{SslContext, SslVerifyMode};
use pki::issue::{Template, Usage, issued, self_signed};
use pki::{Certificate, Hash, Identity, KeyKind, Name, PrivateKey, Signer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tempfile::TempDir;
use tftp::DeviceName;

use crate::common::Holder;

/// A server with a certificate, and an authority for telephones.
pub struct Site {
    pub server: Certificate,
    authority: Identity,
    home: TempDir,
}

fn template(subject: &str, usage: Usage) -> Template {
    Template {
        subject: Name::common(subject),
        not_before: SystemTime::now(),
        validity: Duration::from_secs(86_400),
        usage,
        alternative_names: vec![],
    }
}

impl Site {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let server = self_signed(&template("cm1", Usage::Server), Hash::Sha256, &key).unwrap();
        key.save(&home.path().join("server.pem"), Some(&server)).unwrap();
        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let authority =
            self_signed(&template("CAPF", Usage::Authority), Hash::Sha256, &key).unwrap();
        let authority = Identity::new(authority, key).unwrap();
        Self { server, authority, home }
    }

    /// The file with the certificate and key of a telephone.
    pub fn identity(&self, device: DeviceName) -> PathBuf {
        let key = PrivateKey::generate(KeyKind::Rsa2048);
        let template = template(&device.to_string(), Usage::Phone);
        let certificate =
            issued(&template, key.public_key(), Hash::Sha256, &self.authority).unwrap();
        let file = self.home.path().join(format!("{device}.pem"));
        key.save(&file, Some(&certificate)).unwrap();
        file
    }

    /// The server, for a trust list.
    pub fn holder(&self) -> Holder {
        let key = PrivateKey::read(&self.server_file()).unwrap();
        Holder(Arc::new(Identity::new(self.server.clone(), key).unwrap()))
    }

    fn server_file(&self) -> PathBuf {
        self.home.path().join("server.pem")
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }

    /// TLS 1.0 with these suites; telephones must show a certificate of the authority.
    pub fn legacy(&self, suites: &str) -> SslContext {
        let mut context = crate::house::legacy(&self.server_file(), suites);
        let authority = self.authority.certificate().der();
        let authority = openssl::x509::X509::from_der(authority).unwrap();
        context.cert_store_mut().add_cert(authority).unwrap();
        context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        context.build()
    }

    /// TLS of today, the same way; also without encryption.
    pub fn modern(&self) -> Arc<rustls::ServerConfig> {
        let provider = Arc::new(integritytls::offer(rustls::crypto::ring::default_provider()));
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(self.authority.certificate().der().to_vec())).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .unwrap();
        let pem = std::fs::read(self.server_file()).unwrap();
        let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, PrivateKeyDer::from_pem_slice(&pem).unwrap())
            .unwrap();
        Arc::new(config)
    }
}
