//! CAPF's own certificate, and whose certificates phones may show.
//!
//! The issuers that are trusted are in the database's inventory, so that every node has them: as
//! [`CertificateRole::LscIssuer`] CAPF's own certificate and those it had before, as
//! [`CertificateRole::MicIssuer`] the manufacturers. Taking one out ends the trust.

use std::fs;
use std::io;
use std::time::SystemTime;

use capf::server::Anchors;
use cluster::inventory;
use cluster::provider::NodeFiles;
use lang::Language;
use messages::{Explain, Message, capf as capf_messages};
use pki::capf::CapfFiles;
use pki::check::{self, Keys};
use pki::keydir::KeyDirFault;
use pki::{Certificate, CertificateFault, Identity};
use store::{Author, CertificateRole, Change, Store, View};

/// Why CAPF has no certificate to work with.
#[derive(Debug)]
pub enum AuthorityFault {
    /// Its key or certificate cannot be used.
    Files(KeyDirFault),
    /// Its certificate is not fit for a trust list.
    Certificate(CertificateFault),
    /// Its certificate cannot be copied to where others read it.
    Copy(io::Error),
    /// The database does not take it.
    Store(store::Error),
}

impl Explain for AuthorityFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::Files(fault) => fault.message(),
            Self::Certificate(fault) => fault.message(),
            Self::Copy(_) | Self::Store(_) => &capf_messages::NO_OWN_CERTIFICATE,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Files(fault) => fault.values(),
            Self::Certificate(fault) => fault.values(),
            Self::Copy(error) => vec![("detail", error.to_string())],
            Self::Store(error) => vec![("detail", error.to_string())],
        }
    }
}

impl std::fmt::Display for AuthorityFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let said = self.explain(Language::English);
        write!(f, "{}: {}", said.text, said.cause)
    }
}

impl std::error::Error for AuthorityFault {}

impl From<store::Error> for AuthorityFault {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// Opens CAPF's identity on the node called `node`, or makes it when CAPF is new there, and sees to
/// it that the files for others and the inventory have it.
pub fn open(
    files: &NodeFiles,
    store: &Store,
    node: &str,
    now: SystemTime,
) -> Result<Identity, AuthorityFault> {
    for directory in [&files.certificates, &files.keys] {
        fs::create_dir_all(directory).map_err(AuthorityFault::Copy)?;
    }
    let cluster = cluster_name(store)?;
    let identity = own(files).open_or_create(&cluster, now).map_err(AuthorityFault::Files)?;
    publish(files, store, node, &identity, now)?;
    Ok(identity)
}

/// Makes a new key and certificate in the place of CAPF's old ones. The old certificate is kept as
/// a file and stays trusted; its key is gone. The trust list of phones has to be updated.
pub fn renew(
    files: &NodeFiles,
    store: &Store,
    node: &str,
    now: SystemTime,
) -> Result<Identity, AuthorityFault> {
    // Whatever there is must be known as an issuer before it goes.
    open(files, store, node, now)?;
    let identity = own(files).renew(&cluster_name(store)?, now).map_err(AuthorityFault::Files)?;
    publish(files, store, node, &identity, now)?;
    Ok(identity)
}

fn own(files: &NodeFiles) -> CapfFiles {
    CapfFiles { certificates: files.certificates.clone(), keys: files.keys.clone() }
}

fn cluster_name(store: &Store) -> store::Result<String> {
    Ok(store.read(|view| view.cluster())?.map(|cluster| cluster.name).unwrap_or_default())
}

fn publish(
    files: &NodeFiles,
    store: &Store,
    node: &str,
    identity: &Identity,
    now: SystemTime,
) -> Result<(), AuthorityFault> {
    let certificate = identity.certificate();
    let fit = check::server_certificate(certificate.der(), now, Keys::RsaOnly)
        .map_err(AuthorityFault::Certificate)?;
    files.put_capf(&fit).map_err(AuthorityFault::Copy)?;
    let author = Author::new("CAPF", node);
    store.change(&author, now, |change| {
        for old in change.certificates()? {
            let is_old = old.role == CertificateRole::Capf && old.der != certificate.der();
            if is_old && old.owner == node {
                change.remove_certificate(&old)?;
            }
        }
        let own = inventory::entry(CertificateRole::Capf, node, certificate);
        change.put_certificate(&own)?;
        trust(change, CertificateRole::LscIssuer, certificate)
    })?;
    Ok(())
}

/// Trusts an issuer of phones' certificates from now on.
pub fn trust(
    change: &mut Change<'_>,
    role: CertificateRole,
    issuer: &Certificate,
) -> store::Result<()> {
    let owner = issuer.subject().common_name().unwrap_or_default().to_owned();
    change.put_certificate(&inventory::entry(role, &owner, issuer))
}

/// The issuers that are trusted.
pub fn anchors(view: &mut View<'_>) -> store::Result<Anchors> {
    let mut anchors = Anchors::default();
    for entry in view.certificates()? {
        let Ok(certificate) = Certificate::parse(&entry.der) else { continue };
        match entry.role {
            CertificateRole::LscIssuer => anchors.lsc.push(certificate),
            CertificateRole::MicIssuer => {
                anchors.sudi.push(certificate.clone());
                anchors.mic.push(certificate);
            }
            _ => {}
        }
    }
    // What stands in SUDI_DATA may be any certificate that the phone has.
    anchors.sudi.extend(anchors.lsc.iter().cloned());
    Ok(anchors)
}
