//! Certificates as the database's inventory has them.

use pki::Certificate;
use pki::certificate::hex;
use store::CertificateRole;
use tlv::{CtlFile, Record, Role};

/// The inventory's entry of a certificate.
pub fn entry(role: CertificateRole, owner: &str, certificate: &Certificate) -> store::Certificate {
    store::Certificate {
        role,
        owner: owner.to_owned(),
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: hex(certificate.serial()),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        der: certificate.der().to_vec(),
    }
}

/// The nodes whose databases are original and copies of one, the publisher first, each with the
/// certificate of its database.
pub fn databases(
    view: &mut store::View<'_>,
) -> store::Result<Vec<(store::Node, store::Certificate)>> {
    let mut certificates = view.certificates()?;
    certificates.retain(|certificate| certificate.role == CertificateRole::Database);
    let with = |node: store::Node| {
        let own = certificates.iter().rfind(|certificate| certificate.owner == node.name)?;
        Some((node, own.clone()))
    };
    Ok(view.nodes()?.into_iter().filter_map(with).collect())
}

/// The database of a node has this certificate from now on, and no other.
pub fn put_database(
    change: &mut store::Change<'_>,
    node: &str,
    certificate: &Certificate,
) -> store::Result<()> {
    let entry = entry(CertificateRole::Database, node, certificate);
    let of_node = |it: &store::Certificate| it.role == entry.role && it.owner == entry.owner;
    for old in change.certificates()?.into_iter().filter(of_node).filter(|it| it.der != entry.der) {
        change.remove_certificate(&old)?;
    }
    change.put_certificate(&entry)
}

/// The entries of all certificates in a list: so the publisher learns those of nodes that cannot
/// write to its database. `nodes` tells the cluster's own TFTP servers from alternate ones.
pub(crate) fn of_list(list: &CtlFile, nodes: &[store::Node]) -> Vec<store::Certificate> {
    let entries = list.records().iter().filter_map(|record| {
        let certificate = Certificate::parse(record.certificate.as_ref()?).ok()?;
        let host = record.dns_name.as_ref().map(ToString::to_string).unwrap_or_default();
        let role = role_of(record, nodes.iter().any(|node| node.name == host))?;
        let owner = match role {
            CertificateRole::Sast => certificate.subject().to_string(),
            _ => host,
        };
        Some(entry(role, &owner, &certificate))
    });
    entries.collect()
}

fn role_of(record: &Record, own: bool) -> Option<CertificateRole> {
    match record.role {
        Role::Sast => Some(CertificateRole::Sast),
        Role::Ccm | Role::CcmTftp => Some(CertificateRole::CallManager),
        Role::Tftp if own => Some(CertificateRole::CallManager),
        Role::Tftp => Some(CertificateRole::AlternateTftp),
        Role::Capf => Some(CertificateRole::Capf),
        Role::AppServer | Role::Tvs | Role::Other(_) => None,
    }
}
