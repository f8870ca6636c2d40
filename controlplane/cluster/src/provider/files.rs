//! Certificate files of a node.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use durable::Readers;
use pki::check::{self, Keys, ServerCertificate};
use pki::{CertificateFault, export, node};

/// The certificate of the CAPF service, DER: made by the service on the publisher, copied to
/// every subscriber.
pub use pki::capf::CERTIFICATE_FILE as CAPF_FILE;

/// Where a node keeps certificates.
#[derive(Clone, Debug)]
pub struct NodeFiles {
    /// The directory of the node's own key and certificate.
    pub keys: PathBuf,
    /// The directory of certificates of the cluster's services.
    pub certificates: PathBuf,
}

impl NodeFiles {
    /// The node's certificate, checked.
    pub fn call_manager(&self, now: SystemTime) -> Result<ServerCertificate, CertificateFault> {
        let der = check::read(&self.keys.join(node::CERTIFICATE_FILE))?;
        check::server_certificate(&der, now, Keys::RsaAndEc)
    }

    /// The certificate of CAPF, checked.
    pub fn capf(&self, now: SystemTime) -> Result<ServerCertificate, CertificateFault> {
        let der = check::read(&self.certificates.join(CAPF_FILE))?;
        check::server_certificate(&der, now, Keys::RsaAndEc)
    }

    /// Takes a copy of CAPF's certificate, and its PEM form under the name of its subject.
    pub fn put_capf(&self, certificate: &ServerCertificate) -> io::Result<Vec<PathBuf>> {
        let der = self.certificates.join(CAPF_FILE);
        durable::replace(&der, certificate.der(), Readers::Everybody)?;
        let mut written = vec![der];
        if let Some(name) = export::dot_zero_name(certificate) {
            let pem = self.certificates.join(name);
            durable::replace(&pem, export::pem(certificate).as_bytes(), Readers::Everybody)?;
            written.push(pem);
        }
        Ok(written)
    }
}
