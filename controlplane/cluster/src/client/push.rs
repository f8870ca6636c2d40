//! Bringing every server to one list.
//!
//! A push describes the desired state and reports what came of it, server by server. Nothing needs
//! to be remembered in between: pushing again brings the rest.

use messages::{Explain, Message, provider, trust_list};
use store::{Action, SecurityMode, Trigger};

use super::ClientFault;
use super::cluster::{Cluster, Node};
use super::remote::Remote;
use crate::provider::Problem;
use crate::provider::api::PathResult;

/// What came of a push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushReport {
    /// Each server and path.
    pub results: Vec<ServerResult>,
    /// What has to be restarted and reset now, in the order to do it.
    pub actions: Vec<Action>,
}

/// What came of one thing on one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerResult {
    /// The server.
    pub server: String,
    /// What was to be done there.
    pub what: What,
    /// The directory or file, where it is known.
    pub path: Option<String>,
    /// Why it failed; `None` if it did not.
    pub fault: Option<Problem>,
}

/// What is to be done on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Write or remove the CTL file.
    CtlFile,
    /// Copy the CAPF certificate.
    CapfCertificate,
    /// Set the cluster security mode.
    Mode,
}

impl PushReport {
    /// Whether everything was done.
    pub fn is_complete(&self) -> bool {
        self.results.iter().all(|result| result.fault.is_none())
    }

    /// The servers that did not do their part.
    pub fn failed(&self) -> Vec<&str> {
        let failed = self.results.iter().filter(|result| result.fault.is_some());
        let mut servers: Vec<_> = failed.map(|result| result.server.as_str()).collect();
        servers.dedup();
        servers
    }

    /// What has to follow: the request to restart, where something was written.
    pub fn follow_up(&self) -> Option<&'static Message> {
        (!self.actions.is_empty()).then_some(&trust_list::RESTART_NODES)
    }

    fn note(&mut self, server: &str, what: What, result: Result<Vec<PathResult>, Problem>) {
        let done = |path, fault| ServerResult { server: server.to_owned(), what, path, fault };
        match result {
            Ok(paths) => self
                .results
                .extend(paths.into_iter().map(|result| done(Some(result.path), result.problem))),
            Err(problem) => self.results.push(done(None, Some(problem))),
        }
    }
}

/// Success, or which servers are missing.
impl Explain for PushReport {
    fn message(&self) -> &'static Message {
        if self.is_complete() {
            return &trust_list::CREATED;
        }
        let only_mode = |result: &ServerResult| result.fault.is_none() || result.what == What::Mode;
        match self.results.iter().all(only_mode) {
            true => &provider::MODE_NOT_SET,
            false => &trust_list::FAILED_ON_SERVERS,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let mode = self.results.iter().rfind(|result| result.what == What::Mode);
        let fault = mode.and_then(|result| result.fault.as_ref());
        let detail = fault.map(ToString::to_string).unwrap_or_default();
        vec![("servers", self.failed().join(", ")), ("detail", detail)]
    }
}

/// Writes the list to the publisher, whose database remembers it, then to every other node, copies
/// the CAPF certificate, and sets the mode when every server has the list. The caller has the turn.
pub(super) fn push(
    cluster: &Cluster<'_>,
    file: &[u8],
    mode: SecurityMode,
    recreate: bool,
) -> PushReport {
    let mut report = PushReport::default();
    let before = cluster.publisher().mode();
    for node in in_order(cluster) {
        let posted = on(cluster, node, |remote| remote.post_ctl_file(file, recreate));
        report.note(&node.info.name, What::CtlFile, posted);
    }
    copy_capf_certificate(cluster, &mut report);
    finish(cluster, &mut report, before, mode, true);
    report
}

/// Removes the list from every node and ends mixed mode. The caller has the turn.
pub(super) fn remove(cluster: &Cluster<'_>) -> PushReport {
    let mut report = PushReport::default();
    let before = cluster.publisher().mode();
    for node in in_order(cluster) {
        let removed = on(cluster, node, Remote::delete_ctl_file);
        report.note(&node.info.name, What::CtlFile, removed);
    }
    finish(cluster, &mut report, before, SecurityMode::NonSecure, false);
    report
}

/// The publisher first: what it accepted can be pushed again, what it refused goes nowhere.
fn in_order<'n, 'a>(cluster: &'n Cluster<'a>) -> Vec<&'n Node<'a>> {
    let mut nodes: Vec<_> = cluster.all().filter(|node| has_list(node)).collect();
    nodes.sort_by_key(|node| !node.info.publisher);
    nodes
}

fn has_list(node: &Node<'_>) -> bool {
    node.info.call_manager || node.info.tftp
}

fn copy_capf_certificate(cluster: &Cluster<'_>, report: &mut PushReport) {
    let Some(source) = cluster.all().find(|node| node.info.capf) else { return };
    let file = match on(cluster, source, Remote::capf_file) {
        Ok(file) => file,
        Err(problem) => {
            return report.note(&source.info.name, What::CapfCertificate, Err(problem));
        }
    };
    for node in cluster.all().filter(|node| !node.info.publisher && has_list(node)) {
        let posted = on(cluster, node, |remote| remote.post_capf_file(&file));
        let written = |path| PathResult { path, problem: None };
        let posted = posted.map(|paths| paths.into_iter().map(written).collect());
        report.note(&node.info.name, What::CapfCertificate, posted);
    }
}

/// Sets the mode if every server did its part, and says what has to follow.
fn finish(
    cluster: &Cluster<'_>,
    report: &mut PushReport,
    before: Result<SecurityMode, ClientFault>,
    mode: SecurityMode,
    written: bool,
) {
    let accepted = report.results.iter().any(|result| result.fault.is_none());
    if report.is_complete() {
        // Setting the mode to what it is has its meaning: a client has set it.
        let fault = cluster.publisher().set_mode(mode).err().map(|fault| Problem::of(&fault));
        let server = cluster.all().find(|node| node.info.publisher);
        let server = server.map(|node| node.info.name.clone()).unwrap_or_default();
        report.results.push(ServerResult { server, what: What::Mode, path: None, fault });
    }
    if accepted && (written || before.is_ok_and(|before| before != mode)) {
        report.actions = Trigger::CtlFile.actions();
    }
}

fn on<'a, T>(
    cluster: &Cluster<'a>,
    node: &Node<'a>,
    act: impl FnOnce(&Remote<'a>) -> Result<T, ClientFault>,
) -> Result<T, Problem> {
    let remote = cluster.remote_of(node).map_err(|fault| Problem::of(fault))?;
    act(remote).map_err(|fault| Problem::of(&fault))
}
