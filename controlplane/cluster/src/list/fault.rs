//! Why a list cannot be read, changed or signed.

use std::io::{self, ErrorKind};
use std::path::Path;

use messages::{Explain, Message, input, token, trust_list};
use pki::{CertificateFault, SignError};

/// Why a list cannot be read, changed or signed. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListFault {
    /// There is none.
    NoFile,
    /// It is there and cannot be opened: file and reason.
    CannotOpen(String, String),
    /// It was opened and cannot be read: file and reason.
    CannotRead(String, String),
    /// The bytes are no list; where parsing stopped.
    Unparsable(String),
    /// It was signed under another name, or has no entries: the name.
    NameOrContents(String),
    /// Its signature does not hold.
    SignatureInvalid(String),
    /// It is well-formed and still no CTL file of a cluster.
    NotValid(String),
    /// It names no token.
    NoTokens,
    /// Nothing else helps than a new one.
    MustRecreate,
    /// It cannot be built.
    CannotCreate(String),
    /// More records than allowed.
    TooManyRecords(usize),
    /// More bytes than allowed.
    TooLarge(usize),
    /// Fewer than two tokens: how many.
    TwoTokensNeeded(usize),
    /// No CallManager.
    CallManagerNeeded,
    /// No usable certificate of a CallManager: server, and why.
    NoCallManagerCertificate(String, String),
    /// A server has certificates, and none of them can be used.
    NoValidCertificate(String),
    /// CAPF runs and has no certificate.
    NoCapfCertificate,
    /// A certificate of a server is not acceptable.
    Certificate(CertificateFault),
    /// The token is in the list.
    TokenExists(String),
    /// The server is in the list.
    ServerExists(String),
    /// The certificate is in the list, under another server.
    CertificateExists(String),
    /// The entry of an alternate TFTP server cannot be used: server, and why.
    AlternateTftp(String, &'static str),
    /// The token is not in the present list: its serial number.
    TokenCannotSign(String),
    /// The token was added by this very update.
    NewTokenCannotSign,
    /// Nothing was selected.
    NothingSelected,
    /// The entry belongs to the cluster.
    CannotDelete(String),
    /// The signature did not come about.
    CannotSign(SignError),
}

impl ListFault {
    /// What an error of the kernel means.
    pub(crate) fn of_file(file: &Path, error: &io::Error) -> Self {
        let (shown, detail) = (file.display().to_string(), error.to_string());
        match error.kind() {
            ErrorKind::FileTooLarge => Self::Unparsable("it is longer than 75 KB".to_owned()),
            ErrorKind::PermissionDenied | ErrorKind::NotADirectory => {
                Self::CannotOpen(shown, detail)
            }
            _ => Self::CannotRead(shown, detail),
        }
    }
}

impl Explain for ListFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::NoFile => &trust_list::NO_FILE,
            Self::CannotOpen(..) => &trust_list::CANNOT_OPEN_FILE,
            Self::CannotRead(..) => &trust_list::CANNOT_READ_FILE,
            Self::Unparsable(_) => &trust_list::UNPARSABLE,
            Self::NameOrContents(_) => &trust_list::NAME_OR_CONTENTS_INVALID,
            Self::SignatureInvalid(_) => &trust_list::SIGNATURE_INVALID_OR_CORRUPT,
            Self::NotValid(_) => &trust_list::FILE_NOT_VALID,
            Self::NoTokens => &trust_list::NO_TOKENS_IN_FILE,
            Self::MustRecreate => &trust_list::MUST_RECREATE,
            Self::CannotCreate(_) => &trust_list::FAILED_TO_CREATE,
            Self::TooManyRecords(_) => &trust_list::TOO_MANY_RECORDS,
            Self::TooLarge(_) => &trust_list::FILE_TOO_LARGE,
            Self::TwoTokensNeeded(_) => &trust_list::TWO_TOKENS_NEEDED,
            Self::CallManagerNeeded => &trust_list::CALLMANAGER_NEEDED,
            Self::NoCallManagerCertificate(..) => &trust_list::NO_CALLMANAGER_CERTIFICATE,
            Self::NoValidCertificate(_) => &messages::certificate::NO_VALID_SERVER_CERTIFICATE,
            Self::NoCapfCertificate => &messages::provider::NO_CAPF_CERTIFICATES,
            Self::Certificate(fault) => fault.message(),
            Self::TokenExists(_) => &token::TOKEN_ALREADY_IN_FILE,
            Self::ServerExists(_) => &trust_list::SERVER_EXISTS,
            Self::CertificateExists(_) => &trust_list::CERTIFICATE_EXISTS,
            Self::AlternateTftp(..) => &trust_list::ALTERNATE_TFTP_INVALID,
            Self::TokenCannotSign(_) => &token::TOKEN_CANNOT_SIGN,
            Self::NewTokenCannotSign => &token::NEW_TOKEN_CANNOT_SIGN,
            Self::NothingSelected => &input::NOTHING_SELECTED,
            Self::CannotDelete(_) => &trust_list::CANNOT_DELETE,
            Self::CannotSign(SignError::DoesNotVerify) => &token::COULD_NOT_VERIFY,
            Self::CannotSign(SignError::Refused(_)) => &token::COULD_NOT_SIGN_FILE,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let one = |name, value: &dyn ToString| vec![(name, value.to_string())];
        match self {
            Self::NoFile
            | Self::NoTokens
            | Self::MustRecreate
            | Self::CallManagerNeeded
            | Self::NoCapfCertificate
            | Self::NewTokenCannotSign
            | Self::NothingSelected => Vec::new(),
            Self::CannotOpen(file, detail) | Self::CannotRead(file, detail) => {
                vec![("file", file.clone()), ("detail", detail.clone())]
            }
            Self::Unparsable(detail)
            | Self::SignatureInvalid(detail)
            | Self::NotValid(detail)
            | Self::CannotCreate(detail) => one("detail", detail),
            Self::NameOrContents(name) => one("name", name),
            Self::TooManyRecords(count) | Self::TwoTokensNeeded(count) => one("count", count),
            Self::TooLarge(bytes) => one("bytes", bytes),
            Self::NoCallManagerCertificate(server, detail) => {
                vec![("server", server.clone()), ("detail", detail.clone())]
            }
            Self::Certificate(fault) => fault.values(),
            Self::TokenExists(serial) | Self::TokenCannotSign(serial) => one("serial", serial),
            Self::ServerExists(server)
            | Self::CertificateExists(server)
            | Self::NoValidCertificate(server) => one("server", server),
            Self::AlternateTftp(server, detail) => {
                vec![("server", server.clone()), ("detail", (*detail).into())]
            }
            Self::CannotDelete(entry) => one("entry", entry),
            Self::CannotSign(error) => one("detail", error),
        }
    }
}

crate::error_by_message!(ListFault);
