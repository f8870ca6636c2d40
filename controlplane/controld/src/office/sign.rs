//! The CTL file signed at this node, for those who have no computer with a CTL client: this is one,
//! whose tokens are files that somebody hands in for the moment.

use std::net::{IpAddr, Ipv4Addr};

use cluster::client::{
    ClientFault, Cluster, Credentials, KnownServers, OperationFault, PushReport, Server, Stranding,
    TlsTransport,
};
use cluster::list::{Draft, ListFault};
use console::{Done, Failure, FailureKind, SignTrustList, TrustListSigned, TrustServerView};
use lang::{Say, Text};
use messages::Explain;
use pki::token;
use store::{CertificateRole, NodeRole, Password, RESET_ENDS_CALLS, SecurityMode, Service};

use super::security_token::{Held, TokenHome};
use super::{Caller, Handle, Office};

impl Handle<SignTrustList> for Office {
    fn handle(&self, caller: &Caller, request: SignTrustList) -> Result<TrustListSigned, Failure> {
        self.may_change(caller)?;
        let home = TokenHome(&self.services.config().key_directory);
        let held: Vec<_> = request
            .tokens
            .iter()
            .map(|file| home.present(&self.node, caller, file))
            .collect::<Result<_, _>>()?;
        let transport = TlsTransport::new(KnownServers::default(), |_, _| false);
        let credentials = Credentials {
            user: request.user.clone(),
            password: Password::new(request.password.expose()),
            client: format!("{} {}", self.node, caller.author.who),
        };
        let cluster = Cluster::connect(&transport, self.publisher(caller)?, &credentials)
            .map_err(|fault| failure(caller, &OperationFault::Client(fault)))?;
        let signed = sign(&cluster, caller, &request, &held);
        cluster.leave();
        signed
    }
}

impl Office {
    /// The CTL Provider of the publisher, whose certificate the database knows.
    fn publisher(&self, caller: &Caller) -> Result<Server, Failure> {
        let (node, port, fingerprint) = self.read(caller, |view| {
            let nodes = view.nodes()?;
            let Some(node) = nodes.into_iter().find(|node| node.role == NodeRole::Publisher) else {
                return Ok((None, 0, None));
            };
            let port = view.parameter(Some(&node.name), "ctl-provider.port")?.integer()?;
            let certificates = view.certificates()?;
            let own = certificates.iter().rfind(|certificate| {
                certificate.role == CertificateRole::CallManager && certificate.owner == node.name
            });
            Ok((Some(node), port, own.map(store::Certificate::fingerprint)))
        })?;
        let active = node.filter(|node| node.services.contains(&Service::CtlProvider));
        let Some(node) = active.filter(|_| fingerprint.is_some()) else {
            let text = NO_PROVIDER.say(caller.language);
            return Err(Failure { kind: FailureKind::Refused, text });
        };
        // Its own address may be one that only others reach it by.
        let host = match self.services.config().ctl_provider {
            _ if node.name != self.node => node.address,
            any if any.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            address => address,
        };
        Ok(Server { name: node.name, host: host.to_string(), port, fingerprint })
    }
}

fn sign(
    cluster: &Cluster<'_>,
    caller: &Caller,
    request: &SignTrustList,
    held: &[Held],
) -> Result<TrustListSigned, Failure> {
    let failed = |fault: OperationFault| failure(caller, &fault);
    let refused = |fault: ListFault| caller.refused(&fault);
    let Some((signer, _)) = held.split_last() else {
        return Err(refused(ListFault::TwoTokensNeeded(0)));
    };
    let found = cluster.discover(caller.now).map_err(failed)?;
    let draft = match (cluster.present().map_err(failed)?, request.mode) {
        (None, mode) => Draft::create(mode.unwrap_or(SecurityMode::Mixed), &found),
        (Some(base), Some(mode)) => Draft::set_mode(base, mode, &found),
        (Some(base), None) => Draft::update(base, &found),
    };
    let mut draft = draft.map_err(refused)?;
    for token in held {
        match draft.add_token(&token.token.info().certificate) {
            Ok(()) | Err(ListFault::TokenExists(_)) => {}
            Err(fault) => return Err(refused(fault)),
        }
    }
    if !draft.is_changed() {
        return Ok(unwritten(Vec::new(), UP_TO_DATE.say(caller.language)));
    }
    draft.check().map_err(refused)?;
    draft.may_sign(&signer.token.info().certificate).map_err(refused)?;
    let password = token::Password::new(request.token_password.expose());
    let identity = password.and_then(|password| signer.token.login(&password));
    let identity = identity.map_err(|fault| caller.refused(&fault))?;
    if request.dry_run {
        let new = draft.finish(&identity, caller.now).map_err(refused)?;
        let preflight = cluster.preflight(&new.list);
        let preflight = preflight.map_err(|fault| failed(OperationFault::Client(fault)))?;
        let refusing = preflight.check().err().map_or_else(Vec::new, |stranded| {
            stranded.phones.into_iter().map(|(phone, why)| format!("{phone}: {why}")).collect()
        });
        let values: [(&str, &dyn std::fmt::Display); 2] =
            [("all", &preflight.phones.len()), ("refusing", &refusing.len())];
        return Ok(unwritten(refusing, TRIED.fill(caller.language, &values)));
    }
    let stranding = match request.strand_phones {
        true => Stranding::Accepted,
        false => Stranding::Refused,
    };
    let (_, report) = cluster.finish(&draft, &identity, stranding, caller.now).map_err(failed)?;
    Ok(written(&report, caller))
}

/// What a provider refuses is for whoever asks to put right; one that does not answer is not.
fn failure(caller: &Caller, fault: &OperationFault) -> Failure {
    match fault {
        OperationFault::Client(ClientFault::Transport { .. }) => caller.explained(fault),
        _ => caller.refused(fault),
    }
}

fn unwritten(refusing: Vec<String>, note: String) -> TrustListSigned {
    let done = Done { revision: None, actions: Vec::new(), notes: vec![note] };
    TrustListSigned { complete: true, servers: Vec::new(), refusing, done }
}

fn written(report: &PushReport, caller: &Caller) -> TrustListSigned {
    let language = caller.language;
    let servers = report.results.iter().map(|result| TrustServerView {
        server: result.server.clone(),
        path: result.path.clone(),
        problem: result.fault.as_ref().map(|fault| fault.explain(language).to_string()),
    });
    let mut notes = vec![report.explain(language).to_string()];
    notes.extend(report.follow_up().map(|message| message.explain(language).to_string()));
    if report.actions.iter().any(store::Action::resets_phones) {
        notes.push(RESET_ENDS_CALLS.say(language));
    }
    let done = Done { revision: None, actions: report.actions.clone(), notes };
    TrustListSigned {
        complete: report.is_complete(),
        servers: servers.collect(),
        refusing: Vec::new(),
        done,
    }
}

const NO_PROVIDER: Text = Text::new(
    "The CTL Provider of the publisher does not run: activate it first.",
    "パブリッシャの CTL Provider が動作していません。先に有効にしてください。",
);
const UP_TO_DATE: Text = Text::new(
    "The CTL file fits the cluster; there is nothing to sign.",
    "CTL ファイルはクラスタの現状と一致しています。署名は不要です。",
);
const TRIED: Text = Text::new(
    "Nothing was written. Of {all} phones whose CTL file is known, {refusing} would refuse the new one.",
    "何も書き込んでいません。CTL ファイルが判明している電話機 {all} 台のうち、{refusing} 台が新しいファイルを拒否します。",
);
