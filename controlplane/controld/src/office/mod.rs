//! What administrators ask, carried out.

mod administrator;
mod audit;
mod backup;
mod call;
mod capf;
mod capture;
mod certificate;
mod checklist;
mod cluster;
mod device;
mod diagnosis;
mod gateway;
mod history;
mod import;
mod line;
mod node;
mod parameter;
mod phone;
mod phonebook;
mod plan;
mod reset;
mod security_token;
mod service;
mod sign;
mod srst;
mod status;
mod token;
mod trust;
mod voicemail;
mod watch;

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use console::{Answer, Call, Done, Failure, FailureKind, Request};
use lang::{Language, Say, Text};
use messages::Explain;
use serde_json::Value as Json;
use store::{Author, Change, Changed, Latest, RESET_ENDS_CALLS, Refusal, Revision, Store};

use crate::archivist::Archivist;
use crate::services::Services;
use phonebook::Phonebook;

/// Carries out requests.
pub struct Office {
    store: Arc<Store>,
    node: String,
    services: Arc<Services>,
    read_only: bool,
    archivist: Archivist,
    phonebook: Mutex<Option<Arc<Latest<Phonebook>>>>,
}

/// Who asks, in which language, and when.
pub struct Caller {
    /// Who, and from where.
    pub author: Author,
    /// The language of the answer.
    pub language: Language,
    /// The time of the change.
    pub now: SystemTime,
    /// A change is made only if this revision is still the newest.
    pub unchanged_since: Option<Revision>,
}

/// Carries out one kind of request.
trait Handle<R: Request> {
    fn handle(&self, caller: &Caller, request: R) -> Result<R::Answer, Failure>;
}

type Handler = fn(&Office, &Caller, Json) -> Result<Json, Failure>;

/// Every request that there is a [`Handle`] for.
const HANDLERS: &[(&str, Handler)] = &[
    entry::<console::CreateCluster>(),
    entry::<console::PromoteNode>(),
    entry::<console::Status>(),
    entry::<console::ListNodes>(),
    entry::<console::AddNode>(),
    entry::<console::ActivateService>(),
    entry::<console::RemoveNode>(),
    entry::<console::ListParameters>(),
    entry::<console::SetParameter>(),
    entry::<console::ListDevices>(),
    entry::<console::ShowDevice>(),
    entry::<console::AddDevice>(),
    entry::<console::SetDevice>(),
    entry::<console::RemoveDevice>(),
    entry::<console::ResetDevices>(),
    entry::<console::ListPhones>(),
    entry::<console::FindPhones>(),
    entry::<console::ShowPhone>(),
    entry::<console::SetPhones>(),
    entry::<console::ImportPhones>(),
    entry::<console::AddPhoneLine>(),
    entry::<console::RemovePhoneLine>(),
    entry::<console::AddSpeedDial>(),
    entry::<console::RemoveSpeedDial>(),
    entry::<console::ResetPhones>(),
    entry::<console::ListModels>(),
    entry::<console::ListLines>(),
    entry::<console::ShowLine>(),
    entry::<console::AddLine>(),
    entry::<console::SetLine>(),
    entry::<console::RemoveLine>(),
    entry::<console::ListPools>(),
    entry::<console::AddPool>(),
    entry::<console::SetPool>(),
    entry::<console::RemovePool>(),
    entry::<console::ListRegions>(),
    entry::<console::AddRegion>(),
    entry::<console::LimitRegion>(),
    entry::<console::RemoveRegion>(),
    entry::<console::ListRoutes>(),
    entry::<console::AddRoute>(),
    entry::<console::RemoveRoute>(),
    entry::<console::ListGateways>(),
    entry::<console::ShowGateway>(),
    entry::<console::AddGateway>(),
    entry::<console::SetGateway>(),
    entry::<console::RemoveGateway>(),
    entry::<console::SetGatewayPort>(),
    entry::<console::RemoveGatewayPort>(),
    entry::<console::ResetGateway>(),
    entry::<console::CheckGateway>(),
    entry::<console::ListCalls>(),
    entry::<console::ShowCall>(),
    entry::<console::ListCallRecords>(),
    entry::<console::DeviceLog>(),
    entry::<console::DeviceErased>(),
    entry::<console::DiagnosePhone>(),
    entry::<console::RestartService>(),
    entry::<console::SetCapf>(),
    entry::<console::ShowCapf>(),
    entry::<console::ReportCapf>(),
    entry::<console::CapfService>(),
    entry::<console::RevokeLsc>(),
    entry::<console::RenewCapf>(),
    entry::<console::TrustIssuer>(),
    entry::<console::DistrustIssuer>(),
    entry::<console::ImportCapf>(),
    entry::<console::ListSrst>(),
    entry::<console::AddSrst>(),
    entry::<console::SetSrst>(),
    entry::<console::RemoveSrst>(),
    entry::<console::FetchSrst>(),
    entry::<console::AcceptSrst>(),
    entry::<console::WithdrawSrst>(),
    entry::<console::ResetSrst>(),
    entry::<console::ShowSrstStatus>(),
    entry::<console::ListVoicemail>(),
    entry::<console::AddVoicemail>(),
    entry::<console::AddVoicemailPorts>(),
    entry::<console::SetVoicemail>(),
    entry::<console::RemoveVoicemail>(),
    entry::<console::CopyVoicemailRoot>(),
    entry::<console::RemoveVoicemailRoot>(),
    entry::<console::ListVoicemailPorts>(),
    entry::<console::SetVoicemailPort>(),
    entry::<console::RemoveVoicemailPort>(),
    entry::<console::ResetVoicemail>(),
    entry::<console::CreateBackup>(),
    entry::<console::ListBackups>(),
    entry::<console::VerifyBackup>(),
    entry::<console::RestoreBackup>(),
    entry::<console::BackupWork>(),
    entry::<console::ShowCapture>(),
    entry::<console::SetCapture>(),
    entry::<console::FetchCapture>(),
    entry::<console::PutCaptureTool>(),
    entry::<console::RemoveCaptureTool>(),
    entry::<console::ListAdministrators>(),
    entry::<console::PutAdministrator>(),
    entry::<console::RemoveAdministrator>(),
    entry::<console::ListTokens>(),
    entry::<console::CreateToken>(),
    entry::<console::RemoveToken>(),
    entry::<console::ListCertificates>(),
    entry::<console::ListDue>(),
    entry::<console::ShowTrustList>(),
    entry::<console::MakeSecurityToken>(),
    entry::<console::SignTrustList>(),
    entry::<console::ListSamples>(),
    entry::<console::ListMetrics>(),
    entry::<console::ShowTraffic>(),
    entry::<console::NewestRevision>(),
    entry::<console::History>(),
    entry::<console::AuditTrail>(),
    entry::<console::AuditReport>(),
];

const fn entry<R: Request>() -> (&'static str, Handler)
where
    Office: Handle<R>,
{
    fn run<R: Request>(office: &Office, caller: &Caller, with: Json) -> Result<Json, Failure>
    where
        Office: Handle<R>,
    {
        let request = serde_json::from_value::<R>(with).map_err(|error| Failure {
            kind: FailureKind::Usage,
            text: format!("{}: {error}", R::NAME),
        })?;
        let answer = office.handle(caller, request)?;
        Ok(serde_json::to_value(answer).expect("answers have string keys"))
    }
    (R::NAME, run::<R>)
}

impl Office {
    /// An office for this node.
    pub fn new(store: Arc<Store>, node: String, services: Arc<Services>) -> Self {
        let archivist = Archivist::new(Arc::clone(&store), Arc::clone(&services));
        let phonebook = Mutex::default();
        Self { store, node, services, archivist, read_only: false, phonebook }
    }

    /// An office of a gateway: what it knows comes from the centre, and is changed there.
    pub fn of_gateway(store: Arc<Store>, node: String, services: Arc<Services>) -> Self {
        Self { read_only: true, ..Self::new(store, node, services) }
    }

    /// Who makes and restores backups.
    pub fn archivist(&self) -> &Archivist {
        &self.archivist
    }

    /// Carries out a request.
    pub fn answer(&self, caller: &Caller, call: Call) -> Answer {
        let handler = HANDLERS.iter().find(|(name, _)| *name == call.request);
        let result = match handler {
            Some((_, run)) => run(self, caller, call.with),
            None => Err(Failure {
                kind: FailureKind::Usage,
                text: UNKNOWN_REQUEST.fill(caller.language, &[("name", &call.request)]),
            }),
        };
        match result {
            Ok(json) => Answer::Ok(json),
            Err(failure) => Answer::Failed(failure),
        }
    }

    /// Makes a change in the caller's name.
    fn change<T>(
        &self,
        caller: &Caller,
        make: impl FnOnce(&mut Change<'_>) -> store::Result<T>,
    ) -> Result<Changed<T>, Failure> {
        self.may_change(caller)?;
        let changed = self.store.change(&caller.author, caller.now, |change| {
            caller.is_still_so(change)?;
            make(change)
        });
        changed.map_err(|error| caller.failure(&error))
    }

    /// Tells what would come of a change.
    fn try_out<T>(
        &self,
        caller: &Caller,
        make: impl FnOnce(&mut Change<'_>) -> store::Result<T>,
    ) -> Result<Changed<T>, Failure> {
        self.may_change(caller)?;
        let tried = self.store.try_out(&caller.author, caller.now, make);
        tried.map_err(|error| caller.failure(&error))
    }

    fn may_change(&self, caller: &Caller) -> Result<(), Failure> {
        match self.read_only {
            false => Ok(()),
            true => {
                let text = AT_THE_CENTRE.say(caller.language);
                Err(Failure { kind: FailureKind::Refused, text })
            }
        }
    }

    /// Looks, in the caller's name.
    fn read<T>(
        &self,
        caller: &Caller,
        look: impl FnOnce(&mut store::View<'_>) -> store::Result<T>,
    ) -> Result<T, Failure> {
        self.store.read(look).map_err(|error| caller.failure(&error))
    }
}

impl Caller {
    /// Refuses if somebody else was quicker.
    fn is_still_so(&self, change: &Change<'_>) -> store::Result<()> {
        let next = self.unchanged_since.map(|seen| Revision(seen.0 + 1));
        match next.is_none_or(|next| next == change.number()) {
            true => Ok(()),
            false => Err(Refusal::ChangedMeanwhile.into()),
        }
    }

    fn failure(&self, error: &store::Error) -> Failure {
        let kind = match error {
            store::Error::Invalid(_) => FailureKind::Usage,
            store::Error::Refused(Refusal::ChangedMeanwhile) => FailureKind::Changed,
            store::Error::Refused(_) => FailureKind::Refused,
            store::Error::Unknown { .. } => FailureKind::Unknown,
            store::Error::Exists { .. } | store::Error::InUse { .. } => FailureKind::Conflict,
            _ => FailureKind::Failed,
        };
        Failure { kind, text: error.say(self.language) }
    }

    /// What has a message of its own, in the caller's language with its cause and what to do.
    fn explained(&self, fault: &dyn Explain) -> Failure {
        let text = format!("{:#}", fault.explain(self.language));
        Failure { kind: FailureKind::Failed, text }
    }

    /// The same of what whoever asks can put right.
    fn refused(&self, fault: &dyn Explain) -> Failure {
        Failure { kind: FailureKind::Refused, ..self.explained(fault) }
    }

    /// The answer to a change, with the warnings that belong to it and to its actions.
    fn done<T>(&self, changed: Changed<T>) -> Done {
        let mut notes: Vec<_> =
            changed.warnings.iter().map(|warning| warning.say(self.language)).collect();
        if changed.actions.iter().any(store::Action::resets_phones) {
            notes.push(RESET_ENDS_CALLS.say(self.language));
        }
        let revision = changed.revision.map(|revision| revision.0);
        Done { revision, actions: changed.actions, notes }
    }
}

const AT_THE_CENTRE: Text = Text::new(
    "This is the SRST gateway of a branch: make the change at the centre, it comes here by itself.",
    "これは拠点の SRST ゲートウェイです。変更はセンターで行ってください。自動的に反映されます。",
);
const UNKNOWN_REQUEST: Text = Text::new(
    "ringfence-controld knows no request {name}: it is older than the command. Restart it after an upgrade.",
    "ringfence-controld は要求 {name} に対応していません。コマンドより古いため、アップグレード後に再起動してください。",
);
