//! The cluster as the client sees it, and its operations.

use std::time::SystemTime;

use messages::{Explain, Message, trust_list};
use pki::Identity;
use pki::check::{self, Keys, ServerCertificate};
use store::SecurityMode;
use tlv::VerifiedCtl;

use super::push::{PushReport, push};
use super::remote::{Credentials, Remote};
use super::{ClientFault, Server, Transport, TransportFault};
use crate::list::{
    Discovery, Draft, FoundCapf, FoundServer, ListFault, NewList, mode_of, present_list,
};
use crate::preflight::{PhoneLists, Preflight, WouldStrand};
use crate::provider::api::{self, Operation};

/// All nodes of a cluster, logged in to as far as they answer.
pub struct Cluster<'a> {
    publisher: Remote<'a>,
    nodes: Vec<Node<'a>>,
}

/// A node other than the one that was named.
pub(super) struct Node<'a> {
    pub(super) info: api::NodeInfo,
    /// `None` for the publisher itself.
    pub(super) remote: Option<Result<Remote<'a>, ClientFault>>,
}

/// Whether telephones may be left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranding {
    /// The operation is refused if any would be.
    Refused,
    /// Their lists will be erased by hand.
    Accepted,
}

/// Why an operation changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationFault {
    /// A provider did not do its part.
    Client(ClientFault),
    /// The list cannot be read, changed or signed.
    List(ListFault),
    /// Telephones would be left behind.
    WouldStrand(WouldStrand),
    /// The cluster is in mixed mode and has no list.
    NoFileInMixedMode,
}

/// A node with another TFTP File Location than the publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathDiffers {
    /// Which node.
    pub server: String,
    /// Its location.
    pub path: String,
}

impl Explain for PathDiffers {
    fn message(&self) -> &'static Message {
        &trust_list::PATHS_DIFFER
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![("server", self.server.clone()), ("path", self.path.clone())]
    }
}

impl From<ClientFault> for OperationFault {
    fn from(fault: ClientFault) -> Self {
        Self::Client(fault)
    }
}

impl From<ListFault> for OperationFault {
    fn from(fault: ListFault) -> Self {
        Self::List(fault)
    }
}

impl From<WouldStrand> for OperationFault {
    fn from(fault: WouldStrand) -> Self {
        Self::WouldStrand(fault)
    }
}

impl Explain for OperationFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::Client(fault) => fault.message(),
            Self::List(fault) => fault.message(),
            Self::WouldStrand(fault) => fault.message(),
            Self::NoFileInMixedMode => &trust_list::NO_FILE_IN_MIXED_MODE,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Client(fault) => fault.values(),
            Self::List(fault) => fault.values(),
            Self::WouldStrand(fault) => fault.values(),
            Self::NoFileInMixedMode => Vec::new(),
        }
    }
}

crate::error_by_message!(OperationFault);

impl<'a> Cluster<'a> {
    /// Logs in to the publisher and, with the same credentials, to every node it names. A node
    /// that does not answer is remembered with its reason.
    pub fn connect(
        transport: &'a dyn Transport,
        publisher: Server,
        credentials: &Credentials,
    ) -> Result<Self, ClientFault> {
        let publisher = Remote::login(transport, publisher, credentials)?;
        let nodes = publisher.nodes()?.into_iter().map(|info| {
            let remote = (!info.publisher).then(|| {
                let server = server_of(&info)?;
                Remote::login(transport, server, credentials)
            });
            Node { info, remote }
        });
        let nodes = nodes.collect();
        Ok(Self { publisher, nodes })
    }

    /// The publisher.
    pub fn publisher(&self) -> &Remote<'a> {
        &self.publisher
    }

    /// Every node, and why it cannot be talked to.
    pub fn nodes(&self) -> impl Iterator<Item = (&api::NodeInfo, Option<&ClientFault>)> {
        self.nodes.iter().map(|node| {
            let fault = node.remote.as_ref().and_then(|remote| remote.as_ref().err());
            (&node.info, fault)
        })
    }

    /// The provider of a node.
    pub fn node(&self, name: &str) -> Option<Result<&Remote<'a>, &ClientFault>> {
        let node = self.nodes.iter().find(|node| node.info.name == name)?;
        Some(self.remote_of(node))
    }

    /// Finds the servers of the cluster and their certificates.
    pub fn discover(&self, now: SystemTime) -> Result<Discovery, OperationFault> {
        let mut found = Discovery::default();
        for node in &self.nodes {
            let info = &node.info;
            if info.call_manager || info.tftp {
                let der = self
                    .remote_of(node)
                    .map_err(Clone::clone)
                    .and_then(Remote::call_manager_certificate)
                    .map_err(|fault| no_certificate(&info.name, fault))?;
                let certificate = check::server_certificate(&der, now, Keys::RsaOnly)
                    .map_err(ListFault::Certificate)?;
                found.servers.push(FoundServer {
                    name: info.name.clone(),
                    address: info.address,
                    call_manager: info.call_manager,
                    tftp: info.tftp,
                    certificate,
                });
            }
            if info.capf {
                let remote = self.remote_of(node).map_err(Clone::clone)?;
                let certificate = first_valid(&info.name, &remote.capf_certificates()?, now)?;
                let (server, address) = (info.name.clone(), info.address);
                found.capf.push(FoundCapf { server, address, certificate });
            }
        }
        Ok(found)
    }

    /// The list of the publisher; `None` if there is none. A cluster in mixed mode must have one.
    pub fn present(&self) -> Result<Option<VerifiedCtl>, OperationFault> {
        match self.publisher.ctl_file()? {
            Some(file) => Ok(Some(present_list(&file)?)),
            None => match self.publisher.mode()? {
                SecurityMode::Mixed => Err(OperationFault::NoFileInMixedMode),
                SecurityMode::NonSecure => Ok(None),
            },
        }
    }

    /// The list to be updated: it must be there, and intact.
    pub fn present_for_update(&self) -> Result<VerifiedCtl, OperationFault> {
        self.present()?.ok_or(OperationFault::List(ListFault::NoFile))
    }

    /// The nodes whose TFTP File Location is not the publisher's: telephones would not find the
    /// file wherever they ask.
    pub fn paths_that_differ(&self) -> Result<Vec<PathDiffers>, ClientFault> {
        let expected = self.publisher.paths()?.primary;
        let mut differ = Vec::new();
        for remote in self.nodes.iter().filter_map(|node| node.remote.as_ref()?.as_ref().ok()) {
            let path = remote.paths()?.primary;
            if path != expected {
                differ.push(PathDiffers { server: remote.server().name.clone(), path });
            }
        }
        Ok(differ)
    }

    /// What the telephones hold, as far as the nodes that answer know.
    pub fn phones(&self) -> Result<PhoneLists, ClientFault> {
        self.ask_for_phones().map(|(phones, _)| phones)
    }

    /// What the telephones would do with a list, as far as the nodes that answer know; those that
    /// do not are named in the answer.
    pub fn preflight(&self, list: &VerifiedCtl) -> Result<Preflight, ClientFault> {
        let (phones, silent) = self.ask_for_phones()?;
        Ok(Preflight { silent, ..phones.preflight(list) })
    }

    /// What the telephones hold, and the nodes that did not answer.
    fn ask_for_phones(&self) -> Result<(PhoneLists, Vec<String>), ClientFault> {
        let mut phones = PhoneLists::default();
        let mut silent = Vec::new();
        for node in &self.nodes {
            match self.remote_of(node).map_err(Clone::clone).and_then(Remote::phones) {
                Ok(known) => phones.merge(known),
                Err(ClientFault::Transport { server, .. }) => silent.push(server),
                Err(fault) => return Err(fault),
            }
        }
        Ok((phones, silent))
    }

    /// Signs a draft and pushes the list to every server. Nothing is written if the draft is not
    /// complete, if the token may not sign, or if telephones would be left behind.
    pub fn finish(
        &self,
        draft: &Draft,
        token: &Identity,
        stranding: Stranding,
        now: SystemTime,
    ) -> Result<(NewList, PushReport), OperationFault> {
        let new = draft.finish(token, now)?;
        if stranding == Stranding::Refused {
            self.preflight(&new.list)?.check()?;
        }
        // An update is refused if the list is no longer the one the draft was made on.
        match draft.base() {
            Some(base) => self.publisher.take_turn(Some(base.as_bytes()))?,
            None => self.publisher.take_turn(self.publisher.accepted_ctl_file()?.as_deref())?,
        }
        let report = push(self, new.list.as_bytes(), new.mode, draft.base().is_none());
        self.end_turn();
        if report.is_complete() {
            // What cannot be forgotten now is asked for again next time; the list is written.
            let _ = self.publisher.forget();
        }
        Ok((new, report))
    }

    /// Brings every server to the list that was accepted last: finishes what an earlier push could
    /// not, and repairs a server that was away.
    pub fn push_again(&self) -> Result<PushReport, OperationFault> {
        let accepted = self.publisher.accepted_ctl_file()?;
        let file = accepted.ok_or(OperationFault::List(ListFault::NoFile))?;
        let list = present_list(&file)?;
        let mode = mode_of(&list);
        self.publisher.take_turn(Some(&file))?;
        // It was accepted once: a server that still holds a list of lost tokens takes it too.
        let report = push(self, &file, mode, true);
        self.end_turn();
        Ok(report)
    }

    /// Removes the list from every server and sets the mode to Non-Secure: all tokens are lost.
    /// Telephones must be erased by hand before a new list is created.
    pub fn forget_all(&self) -> Result<PushReport, OperationFault> {
        let base = self.publisher.accepted_ctl_file()?;
        self.publisher.take_turn(base.as_deref())?;
        let report = super::push::remove(self);
        self.end_turn();
        Ok(report)
    }

    /// A turn that cannot be given back ends by itself; what was written stays written.
    fn end_turn(&self) {
        let _ = self.publisher.end_turn();
    }

    /// Ends all sessions.
    pub fn leave(&self) {
        // A session that cannot be ended ends by itself.
        let _ = self.publisher.leave();
        for remote in self.nodes.iter().filter_map(|node| node.remote.as_ref()?.as_ref().ok()) {
            let _ = remote.leave();
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.iter()
    }

    pub(super) fn remote_of<'n>(
        &'n self,
        node: &'n Node<'a>,
    ) -> Result<&'n Remote<'a>, &'n ClientFault> {
        match &node.remote {
            None => Ok(&self.publisher),
            Some(remote) => remote.as_ref(),
        }
    }
}

fn server_of(info: &api::NodeInfo) -> Result<Server, ClientFault> {
    let port = info.provider_port.ok_or_else(|| ClientFault::Transport {
        server: info.name.clone(),
        operation: Operation::GetCtlVersion,
        fault: TransportFault::Connect("its CTL Provider is not active".into()),
    })?;
    let (name, host) = (info.name.clone(), info.address.to_string());
    Ok(Server { name, host, port, fingerprint: info.fingerprint.clone() })
}

/// A node's own words about its certificate are better than ours.
fn no_certificate(server: &str, fault: ClientFault) -> OperationFault {
    match &fault {
        ClientFault::Transport { .. } => {
            let detail = fault.explain(lang::Language::English);
            let detail = format!("{}: {}", detail.text, detail.cause);
            ListFault::NoCallManagerCertificate(server.into(), detail).into()
        }
        _ => fault.into(),
    }
}

fn first_valid(
    server: &str,
    certificates: &[Vec<u8>],
    now: SystemTime,
) -> Result<ServerCertificate, ListFault> {
    if certificates.is_empty() {
        return Err(ListFault::NoCapfCertificate);
    }
    let mut checked =
        certificates.iter().map(|der| check::server_certificate(der, now, Keys::RsaOnly));
    let valid = checked.find_map(Result::ok);
    valid.ok_or_else(|| ListFault::NoValidCertificate(server.into()))
}
