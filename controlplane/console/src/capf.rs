use serde::{Deserialize, Serialize};
use store::{
    CapfAuthMode, CapfOperation, CapfReason, CapfStatus, DeviceName, KeySize, Model,
    PhoneCertificateKind,
};

use crate::Secret;
use crate::request::{Done, Request, requests};

requests! {
    /// Changes what CAPF shall do with a phone.
    SetCapf = "set-capf" -> CapfDone {
        /// Which phone.
        name: DeviceName,
        /// What changes.
        changes: CapfChanges,
        /// Only tell what would come of it.
        dry_run: bool,
    }

    /// Everything that CAPF knows of a phone.
    ShowCapf = "show-capf" -> CapfDetail {
        /// Which phone.
        name: DeviceName,
    }

    /// What CAPF knows of all phones that can have certificates.
    ReportCapf = "report-capf" -> Vec<CapfView> {}

    /// How CAPF itself stands.
    CapfService = "capf-service" -> CapfServiceView {}

    /// Declares the LSC that a phone has worthless, and cuts its connection.
    RevokeLsc = "revoke-lsc" -> Done {
        /// Which phone.
        name: DeviceName,
    }

    /// Gives CAPF a new key and certificate, and restarts it.
    RenewCapf = "renew-capf" -> Done {}

    /// Trusts an issuer of phones' certificates.
    TrustIssuer = "trust-issuer" -> Done {
        /// Of which certificates.
        kind: IssuerKind,
        /// Its certificate in PEM.
        certificate: String,
    }

    /// Ends the trust in an issuer.
    DistrustIssuer = "distrust-issuer" -> Done {
        /// SHA-256 of its certificate, in hexadecimal.
        fingerprint: String,
    }

    /// Takes over the data of CAPF 1.0.
    ImportCapf = "import-capf" -> ImportView {
        /// Its files.
        files: Vec<OldFileView>,
        /// Only tell what would come of it.
        dry_run: bool,
    }
}

/// Settings of CAPF for a phone; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct CapfChanges {
    /// none, install, delete or troubleshoot
    #[cfg_attr(feature = "clap", arg(long))]
    pub operation: Option<CapfOperation>,
    /// authentication-string, null-string, existing-lsc or existing-mic
    #[cfg_attr(feature = "clap", arg(long = "auth", value_name = "MODE"))]
    pub auth_mode: Option<CapfAuthMode>,
    /// The authentication string.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub auth_string: Option<Secret>,
    /// Make an authentication string
    #[serde(default)]
    #[cfg_attr(feature = "clap", arg(long))]
    pub generate_string: bool,
    /// 512, 1024 or 2048
    #[cfg_attr(feature = "clap", arg(long, value_name = "BITS"))]
    pub key_size: Option<KeySize>,
    /// Year, month, day and hour on the publisher's clock: YYYY:MM:DD:HH
    #[cfg_attr(feature = "clap", arg(long, value_name = "TIME"))]
    pub complete_by: Option<String>,
}

/// What came of a change of CAPF's settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CapfDone {
    /// What came of it.
    #[serde(flatten)]
    pub done: Done,
    /// The settings as they are now.
    pub capf: CapfView,
}

/// CAPF's settings and state of a phone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CapfView {
    /// Which phone.
    pub device: DeviceName,
    /// What it is.
    pub model: Model,
    /// For people.
    pub description: String,
    /// What is to be done.
    pub operation: CapfOperation,
    /// How the phone authenticates.
    pub auth_mode: CapfAuthMode,
    /// The digits to be told to its user.
    pub auth_string: Option<Secret>,
    /// Bits of its key.
    pub key_size: KeySize,
    /// Until when, on the publisher's clock: `YYYY:MM:DD:HH`.
    pub complete_by: Option<String>,
    /// What came of the last operation.
    pub status: CapfStatus,
    /// The same, in the caller's language.
    pub status_text: String,
    /// Why.
    pub reason: Option<CapfReason>,
    /// The same, in the caller's language.
    pub reason_text: Option<String>,
    /// When, RFC 3339, UTC.
    pub result_at: Option<String>,
    /// The LSC that the phone has.
    pub lsc: Option<CertificateView>,
}

/// Everything that CAPF knows of a phone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CapfDetail {
    /// Its settings and state.
    #[serde(flatten)]
    pub capf: CapfView,
    /// Numbers and errors of the last session, in English.
    pub detail: Option<String>,
    /// Its certificates, those it had before too.
    pub certificates: Vec<CertificateView>,
    /// Why its LSC may not be accepted, in the caller's language.
    pub problems: Vec<String>,
}

/// A phone's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CertificateView {
    /// Who made it.
    pub kind: PhoneCertificateKind,
    /// Whether the phone has it.
    pub present: bool,
    /// When it was revoked, RFC 3339, UTC.
    pub revoked: Option<String>,
    /// Subject name.
    pub subject: String,
    /// Issuer name.
    pub issuer: String,
    /// Serial number, in hexadecimal.
    pub serial: String,
    /// Valid from, RFC 3339, UTC.
    pub not_before: String,
    /// Valid until, RFC 3339, UTC.
    pub not_after: String,
    /// SHA-256, in hexadecimal.
    pub fingerprint: String,
    /// SHA-256 of the certificate that issued it, where it is trusted.
    pub issued_by: Option<String>,
}

/// How CAPF itself stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CapfServiceView {
    /// The node it is active on; absent: none.
    pub node: Option<String>,
    /// Whether it runs on the node that was asked.
    pub running: bool,
    /// Why it does not run, in English.
    pub problem: Option<String>,
    /// Its port for phones.
    pub port: u16,
    /// Who issues: `capf`, `microsoft` or `keon`.
    pub issuer: String,
    /// SHA-256 of its certificate.
    pub certificate: Option<String>,
    /// Whose certificates are trusted in phones, its own among them.
    pub trusted: Vec<IssuerView>,
    /// How many phones there are of each status.
    pub phones: Vec<CapfCount>,
    /// Operations that wait.
    pub pending: usize,
}

/// How many phones have a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CapfCount {
    /// Which.
    pub status: CapfStatus,
    /// In the caller's language.
    pub text: String,
    /// How many.
    pub phones: usize,
}

/// A trusted issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssuerView {
    /// Of which certificates.
    pub kind: IssuerKind,
    /// Its name.
    pub subject: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// Valid until, RFC 3339, UTC.
    pub not_after: String,
    /// SHA-256, in hexadecimal.
    pub fingerprint: String,
    /// Present LSCs that it issued.
    pub certificates: usize,
}

/// Which certificates an issuer makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum IssuerKind {
    /// Locally significant ones.
    Lsc,
    /// A manufacturer's.
    Mic,
}

/// A file of CAPF 1.0.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OldFileView {
    /// Its name without directory.
    pub name: String,
    /// Its text; a certificate in PEM.
    pub text: String,
}

/// What came of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportView {
    /// The revision it made; absent if all was so already.
    pub revision: Option<u64>,
    /// Issuers that are trusted now.
    pub issuers: usize,
    /// LSCs in the inventory.
    pub certificates: usize,
    /// Phones whose state was taken over.
    pub phones: usize,
    /// Parameters that were set.
    pub parameters: usize,
    /// Phones that nobody administers here.
    pub unknown: Vec<DeviceName>,
    /// What cannot be read, in the caller's language.
    pub faults: Vec<String>,
}
