//! What provider and client say to each other, in JSON.
//!
//! `openapi.json` beside this file describes the same for others; a test keeps the two together.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Version of this interface. It changes whenever an old client would misunderstand an answer.
pub const API_VERSION: u32 = 1;
/// Default port.
pub const DEFAULT_PORT: u16 = 2444;
/// The document that describes the interface (OpenAPI 3.1).
pub const OPENAPI: &str = include_str!("openapi.json");

/// What can be asked of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Which interface is spoken. Needs no session.
    GetCtlVersion,
    /// The OpenAPI document. Needs no session.
    GetDocument,
    /// Log in.
    AuthenticateUser,
    /// Log out.
    Leave,
    /// The nodes of the cluster.
    GetCcmList,
    /// The node's certificate.
    GetCcmCertificate,
    /// Certificates of the CAPF services of this node.
    GetCapfCertificate,
    /// The file CAPF.cer and its PEM copy.
    GetCapfFile,
    /// Take a copy of CAPF.cer.
    PostCapfFile,
    /// The CTL file as it lies in the TFTP File Location.
    GetCtlFile,
    /// The CTL file that was accepted last, which every server should have.
    GetAcceptedCtlFile,
    /// Take a CTL file.
    PostCtlFile,
    /// Remove the CTL file: all tokens are lost.
    DeleteCtlFile,
    /// The cluster security mode.
    GetClusterSecurityMode,
    /// Set the cluster security mode.
    SetClusterSecurityMode,
    /// The directories the CTL file is written to.
    GetAlternatePaths,
    /// Which telephone holds which list.
    GetPhones,
    /// What this client entered and has not finished.
    GetConfiguration,
    /// Keep what this client entered.
    PutConfiguration,
    /// Forget it.
    DeleteConfiguration,
    /// Ask for the right to write.
    TakeTurn,
    /// Give it back.
    EndTurn,
    /// Let a node have a copy of the publisher's database.
    JoinDatabase,
}

impl Operation {
    /// Every operation with its method and path.
    pub const ALL: [(Self, &'static str, &'static str); 23] = [
        (Self::GetCtlVersion, "GET", "/v1/version"),
        (Self::GetDocument, "GET", "/v1/openapi.json"),
        (Self::AuthenticateUser, "POST", "/v1/session"),
        (Self::Leave, "DELETE", "/v1/session"),
        (Self::GetCcmList, "GET", "/v1/nodes"),
        (Self::GetCcmCertificate, "GET", "/v1/certificates/callmanager"),
        (Self::GetCapfCertificate, "GET", "/v1/certificates/capf"),
        (Self::GetCapfFile, "GET", "/v1/capf-file"),
        (Self::PostCapfFile, "PUT", "/v1/capf-file"),
        (Self::GetCtlFile, "GET", "/v1/ctl"),
        (Self::GetAcceptedCtlFile, "GET", "/v1/ctl/accepted"),
        (Self::PostCtlFile, "PUT", "/v1/ctl"),
        (Self::DeleteCtlFile, "DELETE", "/v1/ctl"),
        (Self::GetClusterSecurityMode, "GET", "/v1/mode"),
        (Self::SetClusterSecurityMode, "PUT", "/v1/mode"),
        (Self::GetAlternatePaths, "GET", "/v1/paths"),
        (Self::GetPhones, "GET", "/v1/phones"),
        (Self::GetConfiguration, "GET", "/v1/configuration"),
        (Self::PutConfiguration, "PUT", "/v1/configuration"),
        (Self::DeleteConfiguration, "DELETE", "/v1/configuration"),
        (Self::TakeTurn, "POST", "/v1/turn"),
        (Self::EndTurn, "DELETE", "/v1/turn"),
        (Self::JoinDatabase, "POST", "/v1/databases"),
    ];

    /// The operation of a method and path.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, m, p)| *m == method && *p == path)?;
        Some(found.0)
    }

    /// Method and path.
    pub fn route(self) -> (&'static str, &'static str) {
        let found = Self::ALL.iter().find(|(operation, ..)| *operation == self);
        let (_, method, path) = found.expect("every operation is in the table");
        (method, path)
    }

    /// Whether it is answered without a session.
    pub fn is_public(self) -> bool {
        matches!(self, Self::GetCtlVersion | Self::GetDocument | Self::AuthenticateUser)
    }
}

/// Bytes in base 64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bytes(pub Vec<u8>);

impl TryFrom<String> for Bytes {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        openssl::base64::decode_block(&text).map(Self).map_err(|_| "not base 64")
    }
}

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> Self {
        openssl::base64::encode_block(&bytes.0)
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// Answer to [`Operation::GetCtlVersion`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// [`API_VERSION`] of the provider.
    pub api: u32,
    /// Its release, for people.
    pub release: String,
}

/// Question of [`Operation::AuthenticateUser`].
#[derive(Clone, Serialize, Deserialize)]
pub struct Login {
    /// Who.
    pub user: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// The client, the same whenever it comes again: what it entered is kept under this name.
    pub client: String,
}

/// Answer to [`Operation::AuthenticateUser`].
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    /// To be shown with every request.
    pub token: String,
}

/// Answer to [`Operation::GetCcmList`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeList {
    /// The nodes, the publisher first.
    pub nodes: Vec<NodeInfo>,
    /// Whether the data was restored after the CTL file was signed: it has to be signed again.
    #[serde(default)]
    pub restored: bool,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// Its host name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
    /// Whether it is the publisher.
    pub publisher: bool,
    /// Whether CallManager runs there.
    pub call_manager: bool,
    /// Whether TFTP runs there.
    pub tftp: bool,
    /// Whether CAPF runs there.
    pub capf: bool,
    /// Port of its provider; `None` where the provider is not active.
    pub provider_port: Option<u16>,
    /// SHA-256 of its certificate in hex, where the database knows it.
    pub fingerprint: Option<String>,
}

/// Answer to [`Operation::GetCcmCertificate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateBody {
    /// DER.
    pub certificate: Bytes,
}

/// Answer to [`Operation::GetCapfCertificate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapfCertificates {
    /// DER; none where CAPF does not run.
    pub certificates: Vec<Bytes>,
}

/// Answer to [`Operation::GetCapfFile`], question of [`Operation::PostCapfFile`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapfFile {
    /// The content of CAPF.cer, DER.
    pub certificate: Bytes,
}

/// Answer to [`Operation::PostCapfFile`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapfFileWritten {
    /// The files that were written.
    pub paths: Vec<String>,
}

/// Answer to [`Operation::GetCtlFile`] and [`Operation::GetAcceptedCtlFile`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CtlFileBody {
    /// The file.
    pub file: Bytes,
}

/// Question of [`Operation::PostCtlFile`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostCtlFile {
    /// The file.
    pub file: Bytes,
    /// Whether it takes the place of one that did not sign it: telephones must be erased by hand.
    pub recreate: bool,
}

/// Answer to [`Operation::PostCtlFile`] and [`Operation::DeleteCtlFile`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathResults {
    /// Each directory and what came of it.
    pub paths: Vec<PathResult>,
}

/// What came of writing to one directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathResult {
    /// The directory.
    pub path: String,
    /// Why it failed; `None` if it did not.
    pub problem: Option<super::Problem>,
}

/// Answer to [`Operation::GetClusterSecurityMode`], question of
/// [`Operation::SetClusterSecurityMode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mode {
    /// 0 or 1.
    pub mode: u8,
}

/// Answer to [`Operation::GetAlternatePaths`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paths {
    /// The TFTP File Location.
    pub primary: String,
    /// The TFTP Alternate File Locations.
    pub alternates: Vec<String>,
}

/// Answer to [`Operation::GetPhones`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phones {
    /// The lists that telephones hold, each once.
    pub lists: Vec<Bytes>,
    /// The telephones.
    pub phones: Vec<PhoneHolds>,
}

/// What a telephone holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneHolds {
    /// Device name.
    pub phone: String,
    /// SHA-256 of its list in hex; `None` if it has none.
    pub sha256: Option<String>,
    /// When it last asked, in milliseconds since 1970.
    pub asked: u64,
}

/// What a client entered by hand and has not finished: kept by the publisher.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Certificates of added tokens, DER.
    pub tokens: Vec<Bytes>,
    /// Added TFTP servers of other clusters.
    pub alternates: Vec<AlternateTftp>,
    /// Entries to delete, as they are listed.
    pub deletions: Vec<String>,
}

/// A TFTP server of another cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlternateTftp {
    /// Its host name.
    pub server: String,
    /// Its address.
    pub address: IpAddr,
    /// Its certificate, DER.
    pub certificate: Bytes,
}

/// Question of [`Operation::TakeTurn`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeTurn {
    /// SHA-256 in hex of the list the changes were made on; `None` if there was none.
    pub base: Option<String>,
}

/// Question of [`Operation::JoinDatabase`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinDatabase {
    /// The node that asks for a copy.
    pub node: String,
    /// The certificate of its database, DER.
    pub certificate: Bytes,
}

/// Answer to [`Operation::JoinDatabase`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Databases {
    /// The databases of the cluster, the publisher's first.
    pub databases: Vec<Database>,
}

/// The database of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// The node.
    pub node: String,
    /// Its address.
    pub address: IpAddr,
    /// The certificate of its database, DER.
    pub certificate: Bytes,
}
