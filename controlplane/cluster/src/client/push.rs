//! Bringing every server to one list.
//!
//! A push describes the desired state and reports what came of it, server by server. Nothing needs
//! to be remembered in between: pushing again brings the rest.

use std::collections::HashMap;

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
    let mut push = Push::begin(cluster);
    for node in push.in_order() {
        push.perform(node, What::CtlFile, |remote| remote.post_ctl_file(file, recreate));
    }
    push.copy_capf_certificate();
    push.finish(mode, true)
}

/// Removes the list from every node and ends mixed mode. The caller has the turn.
pub(super) fn remove(cluster: &Cluster<'_>) -> PushReport {
    let mut push = Push::begin(cluster);
    for node in push.in_order() {
        push.perform(node, What::CtlFile, Remote::delete_ctl_file);
    }
    push.finish(SecurityMode::NonSecure, false)
}

/// A push under way.
struct Push<'c, 'a> {
    cluster: &'c Cluster<'a>,
    report: PushReport,
    mode_before: Result<SecurityMode, ClientFault>,
    /// Nodes that could not be reached, and why: nobody waits for one twice.
    away: HashMap<&'c str, Problem>,
}

impl<'c, 'a> Push<'c, 'a> {
    fn begin(cluster: &'c Cluster<'a>) -> Self {
        let mode_before = cluster.publisher().mode();
        Self { cluster, report: PushReport::default(), mode_before, away: HashMap::new() }
    }

    /// The publisher first: what it accepted can be pushed again, what it refused goes nowhere.
    fn in_order(&self) -> Vec<&'c Node<'a>> {
        let mut nodes: Vec<_> = self.cluster.all().filter(|node| has_list(node)).collect();
        nodes.sort_by_key(|node| !node.info.publisher);
        nodes
    }

    fn copy_capf_certificate(&mut self) {
        let Some(source) = self.cluster.all().find(|node| node.info.capf) else { return };
        let file = match self.ask(source, Remote::capf_file) {
            Ok(file) => file,
            Err(problem) => {
                let server = &source.info.name;
                return self.report.note(server, What::CapfCertificate, Err(problem));
            }
        };
        for node in self.cluster.all().filter(|node| !node.info.publisher && has_list(node)) {
            self.perform(node, What::CapfCertificate, |remote| {
                let written = |path| PathResult { path, problem: None };
                Ok(remote.post_capf_file(&file)?.into_iter().map(written).collect())
            });
        }
    }

    /// Sets the mode if every server did its part, and says what has to follow.
    fn finish(mut self, mode: SecurityMode, written: bool) -> PushReport {
        let accepted = self.report.results.iter().any(|result| result.fault.is_none());
        if self.report.is_complete() {
            // Setting the mode to what it is has its meaning: a client has set it.
            let set = self.cluster.publisher().set_mode(mode);
            let fault = set.err().map(|fault| Problem::of(&fault));
            let server = self.cluster.all().find(|node| node.info.publisher);
            let server = server.map(|node| node.info.name.clone()).unwrap_or_default();
            let result = ServerResult { server, what: What::Mode, path: None, fault };
            self.report.results.push(result);
        }
        if accepted && (written || self.mode_before.is_ok_and(|before| before != mode)) {
            self.report.actions = Trigger::CtlFile.actions();
        }
        self.report
    }

    /// Does something on a node and notes what came of it.
    fn perform(
        &mut self,
        node: &'c Node<'a>,
        what: What,
        act: impl FnOnce(&Remote<'a>) -> Result<Vec<PathResult>, ClientFault>,
    ) {
        let result = self.ask(node, act);
        self.report.note(&node.info.name, what, result);
    }

    fn ask<T>(
        &mut self,
        node: &'c Node<'a>,
        act: impl FnOnce(&Remote<'a>) -> Result<T, ClientFault>,
    ) -> Result<T, Problem> {
        if let Some(problem) = self.away.get(&*node.info.name) {
            return Err(problem.clone());
        }
        let remote = self.cluster.remote_of(node).map_err(|fault| Problem::of(fault))?;
        act(remote).map_err(|fault| {
            let problem = Problem::of(&fault);
            if matches!(fault, ClientFault::Transport { .. }) {
                self.away.insert(&node.info.name, problem.clone());
            }
            problem
        })
    }
}

fn has_list(node: &Node<'_>) -> bool {
    node.info.call_manager || node.info.tftp
}
