//! What is recorded of a phone.

use std::time::SystemTime;

use cluster::preflight::PhoneList;
use cluster::required::Inventory;
use store::{
    Capf, Certificate, Device, DeviceName, EffectiveMode, Node, PhoneCertificate, SecurityMode,
    Service,
};
use tftp::Record;
use tlv::VerifiedCtl;

/// Everything that a node knows of a phone, and of the cluster around it.
#[derive(Clone, Debug)]
pub struct Records {
    /// The phone.
    pub phone: DeviceName,
    /// Now.
    pub now: SystemTime,
    /// It as it is configured, and the mode that is in force for it; `None` if nobody entered it.
    pub device: Option<(Device, EffectiveMode)>,
    /// The cluster's mode.
    pub mode: SecurityMode,
    /// The servers of the cluster.
    pub nodes: Vec<Node>,
    /// Name of the node that these records are from.
    pub node: String,
    /// What the trust list should hold today.
    pub inventory: Inventory,
    /// The trust list that is served.
    pub list: Option<VerifiedCtl>,
    /// What the phone asked this node for, oldest first.
    pub requests: Vec<Record>,
    /// The trust list that the phone holds, as far as is known.
    pub held: Option<PhoneList>,
    /// What CAPF is to do and did with the phone.
    pub capf: Option<Capf>,
    /// The phone's certificates that CAPF issued or saw.
    pub certificates: Vec<PhoneCertificate>,
    /// Whose LSCs are trusted.
    pub lsc_issuers: Vec<Certificate>,
    /// Whether this node has a copy of CAPF's certificate.
    pub has_capf_certificate: bool,
}

impl Records {
    /// The node that these records are from.
    pub(crate) fn me(&self) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == self.node)
    }

    /// Whether a service is active anywhere.
    pub(crate) fn runs(&self, service: Service) -> bool {
        self.nodes.iter().any(|node| node.services.contains(&service))
    }

    /// The requests since the phone last began: phones ask for the trust list first.
    pub(crate) fn last_start(&self) -> &[Record] {
        let first = self.requests.iter().rposition(|record| is_ctl(&record.name));
        &self.requests[first.unwrap_or_default()..]
    }

    /// The LSC that the phone has.
    pub(crate) fn lsc(&self) -> Option<&PhoneCertificate> {
        let lsc = |c: &&PhoneCertificate| c.kind == store::PhoneCertificateKind::Lsc && c.present;
        self.certificates.iter().rev().find(lsc)
    }
}

/// Whether a file is a trust list for phones.
pub(crate) fn is_ctl(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("ctl") && name.ends_with(".tlv")
}
