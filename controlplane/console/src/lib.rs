//! What administrators ask `ringfence-controld`, and how.
//!
//! The daemon listens on a Unix stream socket. A client sends one line, gets one line, and the
//! daemon closes:
//!
//! ```text
//! {"language":"ja","request":"set-parameter","with":{"node":null,"name":"tftp.caching","value":"off"}}
//! {"ok":{"revision":7,"actions":[{"action":"restart-tftp"}],"notes":[]}}
//! {"failed":{"kind":"refused","text":"混合モードでは自動登録を使えません。"}}
//! ```
//!
//! Every [`Request`] is a type of its own with the type of its answer, so that neither side can
//! mistake one for another. Who asks is what the kernel says of the socket's other end.
//!
//! Invariants:
//! - Names of requests and fields are an interface: add, do not rename.
//! - A [`Secret`] shows in no `Debug` output, and lines that may hold one are wiped.
//!
//! This crate must not know how a request is carried out.

#![forbid(unsafe_code)]

mod audit;
mod backup;
mod call;
mod capf;
mod capture;
mod client;
mod diagnosis;
mod gateway;
mod phone;
mod plan;
mod request;
mod secret;
pub mod sheet;
mod srst;
mod trust;
mod voicemail;
mod watch;
mod wire;

pub use audit::{AuditCheck, AuditReport, AuditReportView, Severity};
pub use backup::{
    BackupDetail, BackupEnded, BackupLock, BackupRow, BackupStarted, BackupUnlock, BackupWork,
    BackupWorkView, BackupsView, CreateBackup, ListBackups, RestoreBackup, VerifyBackup,
};
pub use call::{
    CallPartyView, CallRecordView, CallView, LadderSecurity, LadderStep, LadderView,
    ListCallRecords, ListCalls, PerStatusView, ShowCall, TelephonyView,
};
pub use capf::{
    CapfChanges, CapfCount, CapfDetail, CapfDone, CapfService, CapfServiceView, CapfView,
    CertificateView, DistrustIssuer, ImportCapf, ImportView, IssuerKind, IssuerView, OldFileView,
    RenewCapf, ReportCapf, RevokeLsc, SetCapf, ShowCapf, TrustIssuer,
};
pub use capture::{
    CaptureDeviceView, CaptureFileView, CapturePiece, CaptureToolView, CaptureView, FetchCapture,
    PutCaptureTool, RemoveCaptureTool, SetCapture, ShowCapture,
};
pub use client::{AskError, ask};
pub use diagnosis::{DiagnosePhone, DiagnosisView, EventView, FindingView};
pub use gateway::{
    AddGateway, CheckGateway, GatewayChanges, GatewayStatus, GatewayView, ListGateways,
    PortChanges, PortStatus, RemoveGateway, RemoveGatewayPort, ResetGateway, SetGateway,
    SetGatewayPort, ShowGateway,
};
pub use phone::{
    AddPhoneLine, AddSpeedDial, FindPhones, ImportPhones, ListModels, ListPhones, ModelView,
    PhoneFilter, PhoneImport, PhoneImported, PhoneRefused, PhoneRow, PhoneView, PhonesChanged,
    PhonesFound, PhonesImported, PhonesReset, RegistrationView, RemovePhoneLine, RemoveSpeedDial,
    ResetKind, ResetPhones, SetPhones, ShowPhone,
};
pub use plan::{
    AddLine, AddPool, AddRegion, AddRoute, LimitRegion, LineChanges, LineView, ListLines,
    ListPools, ListRegions, ListRoutes, PoolChanges, PoolView, RemoveLine, RemovePool,
    RemoveRegion, RemoveRoute, SetLine, SetPool, ShowLine,
};
pub use request::{
    ActivateService, AddDevice, AddNode, AuditTrail, AuditView, CheckItem, CheckState,
    CreateCluster, CreateToken, DeviceChanges, DeviceErased, DeviceLog, DeviceView, Done,
    FileRequestView, History, InventoryView, ListAdministrators, ListCertificates, ListDevices,
    ListDue, ListNodes, ListParameters, ListTokens, NewestRevision, ParameterView, PromoteNode,
    PutAdministrator, RemoveAdministrator, RemoveDevice, RemoveNode, RemoveToken, Request,
    ResetDevices, RestartService, RevisionView, SetDevice, SetParameter, ShowDevice, Status,
    StatusReport, TokenCreated, TokenView,
};
pub use secret::Secret;
pub use srst::{
    AcceptSrst, AddSrst, FetchSrst, FetchedSrst, ListSrst, RemoveSrst, ResetSrst, SetSrst,
    ShowSrstStatus, SrstCertificateView, SrstChanges, SrstGatewayView, SrstOwnView, SrstStatusView,
    SrstView, WithdrawSrst,
};
pub use trust::{
    MakeSecurityToken, SecurityTokenMade, ShowTrustList, SignTrustList, TrustEntryView,
    TrustFileView, TrustListSigned, TrustListView, TrustServerView, TrustVersionView,
};
pub use voicemail::{
    AddVoicemail, AddVoicemailPorts, CopyVoicemailRoot, ListVoicemail, ListVoicemailPorts,
    NewVoicemailPorts, RemoveVoicemail, RemoveVoicemailPort, RemoveVoicemailRoot, ResetVoicemail,
    SetVoicemail, SetVoicemailPort, VoicemailPortChanges, VoicemailPortView, VoicemailRootView,
    VoicemailView,
};
pub use watch::{
    ListMetrics, ListSamples, MetricView, SampleView, ShowTraffic, TrafficPortView, TrafficView,
};
pub use wire::{Answer, Call, Failure, FailureKind, MAX_LINE};

/// Where the daemon listens unless its configuration says otherwise.
pub const DEFAULT_SOCKET: &str = "/run/ringfence/controld.sock";
