//! When the list is out of date: what changed in the cluster since it was signed.

use std::fmt;
use std::net::IpAddr;

use messages::{Explain, Message, trust_list};
use pki::certificate::hex;
use store::{CertificateRole, Service, Store};
use tlv::{CtlFile, Record, Role};

use crate::list::{Discovery, mode_of};

/// What the cluster consists of now, as far as its list is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Its servers, one entry for each that the list should have.
    pub servers: Vec<Listed>,
}

/// A server that the list should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its function.
    pub role: Role,
    /// Its host name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// Its certificate, DER, where it is known.
    pub certificate: Option<Vec<u8>>,
}

/// Why an update of the list is required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A node joined, or CAPF was activated.
    Added(Role, String),
    /// A node left, or CAPF was deactivated.
    Removed(Role, String),
    /// A node has another name, address or function: old and new name.
    Changed(String, String),
    /// A node has another certificate.
    Certificate(String),
    /// The file of a server is not the one the database knows: one of the two was restored.
    Restored(String),
    /// Somebody entered tokens or servers and has not signed them.
    Unsigned(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added(role, name) => write!(f, "{role} {name} was added"),
            Self::Removed(role, name) => write!(f, "{role} {name} was removed"),
            Self::Changed(old, new) if old == new => write!(f, "{old} has another address"),
            Self::Changed(old, new) => write!(f, "{old} is now {new}"),
            Self::Certificate(name) => write!(f, "{name} has another certificate"),
            Self::Restored(name) => write!(f, "{name} or the database was restored"),
            Self::Unsigned(user) => write!(f, "the entries of {user} are not signed yet"),
        }
    }
}

impl Explain for Reason {
    fn message(&self) -> &'static Message {
        &trust_list::UPDATE_REQUIRED
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![("detail", self.to_string())]
    }
}

impl Inventory {
    /// From the database: what status pages ask.
    pub fn of_store(store: &Store) -> store::Result<Self> {
        let (nodes, certificates) = store.read(|view| Ok((view.nodes()?, view.certificates()?)))?;
        let newest = |role, owner: &str| {
            let mut all = certificates.iter().filter(|c| c.role == role && c.owner == owner);
            all.next_back().map(|certificate| certificate.der.clone())
        };
        let mut servers = Vec::new();
        for node in &nodes {
            let runs = |service| node.services.contains(&service);
            let listed = |role, certificate| Listed {
                role,
                name: node.name.clone(),
                address: node.address,
                certificate,
            };
            if let Some(role) = role_of(runs(Service::CallManager), runs(Service::Tftp)) {
                servers.push(listed(role, newest(CertificateRole::CallManager, &node.name)));
            }
            if runs(Service::Capf) {
                servers.push(listed(Role::Capf, newest(CertificateRole::Capf, &node.name)));
            }
        }
        Ok(Self { servers })
    }

    /// From what a client found.
    pub fn of_discovery(found: &Discovery) -> Self {
        let servers = found.servers.iter().filter_map(|server| {
            Some(Listed {
                role: role_of(server.call_manager, server.tftp)?,
                name: server.name.clone(),
                address: server.address,
                certificate: Some(server.certificate.der().to_vec()),
            })
        });
        let capf = found.capf.iter().map(|capf| Listed {
            role: Role::Capf,
            name: capf.server.clone(),
            address: capf.address,
            certificate: Some(capf.certificate.der().to_vec()),
        });
        Self { servers: servers.chain(capf).collect() }
    }
}

/// The function of a node that runs these services.
pub(crate) fn role_of(call_manager: bool, tftp: bool) -> Option<Role> {
    match (call_manager, tftp) {
        (true, true) => Some(Role::CcmTftp),
        (true, false) => Some(Role::Ccm),
        (false, true) => Some(Role::Tftp),
        (false, false) => None,
    }
}

/// Why `list` must be updated; nothing if it fits the cluster.
pub fn update_required(list: &CtlFile, now: &Inventory) -> Vec<Reason> {
    let has_certificates = mode_of(list) == store::SecurityMode::Mixed;
    let mut reasons = Vec::new();
    let mut matched: Vec<&Record> = Vec::new();
    for server in &now.servers {
        let capf = server.role == Role::Capf;
        let mut candidates = list.records().iter().filter(|record| {
            record.role != Role::Sast && (record.role == Role::Capf) == capf && {
                is_named(record, &server.name) || record.address == Some(server.address)
            }
        });
        let Some(record) = candidates.next() else {
            reasons.push(Reason::Added(server.role, server.name.clone()));
            continue;
        };
        matched.push(record);
        let same = is_named(record, &server.name)
            && record.address == Some(server.address)
            && record.role == server.role;
        let known = server.certificate.is_some() && has_certificates;
        if !same {
            reasons.push(Reason::Changed(name_of(record), server.name.clone()));
        } else if known && record.certificate != server.certificate {
            reasons.push(Reason::Certificate(server.name.clone()));
        }
    }
    for record in list.records() {
        // Tokens and alternate TFTP servers are not the cluster's: they come and go by hand.
        let own = record.role.is_call_manager() || record.role == Role::Capf;
        if own && !matched.contains(&record) {
            reasons.push(Reason::Removed(record.role, name_of(record)));
        }
    }
    reasons
}

/// Whether the file of a server is the one that the database holds (SHA-256 in hex).
pub fn restored(server: &str, file: &CtlFile, known_sha256: &str) -> Option<Reason> {
    let sha256 = hex(&pki::Hash::Sha256.of(file.as_bytes()));
    (sha256 != known_sha256).then(|| Reason::Restored(server.to_owned()))
}

fn is_named(record: &Record, name: &str) -> bool {
    record.dns_name.as_ref().is_some_and(|dns| dns.as_bytes() == name.as_bytes())
}

fn name_of(record: &Record) -> String {
    record.dns_name.as_ref().map(ToString::to_string).unwrap_or_default()
}
