//! What can go wrong between client and provider.

use messages::{Explain, Message, input, provider, trust_list};
use pki::CertificateFault;

use crate::http::{HttpFault, MAX_BODY};
use crate::provider::Problem;
use crate::provider::api::Operation;
use crate::provider::tls::TlsFault;

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportFault {
    /// The name does not resolve, or there is no way to the address.
    Address(String),
    /// Nobody listens, or nobody answers.
    Connect(String),
    /// TLS cannot be set up on this side.
    Tls(TlsFault),
    /// TLS did not come about.
    Handshake(String),
    /// The server has another certificate than the known one.
    Certificate(CertificateFault),
    /// The connection broke before the answer was complete.
    Broken(String),
    /// The answer is not HTTP.
    Malformed(String),
    /// The answer is longer than what is set aside for it: its bytes.
    TooLarge(u64),
}

impl From<HttpFault> for TransportFault {
    fn from(fault: HttpFault) -> Self {
        match fault {
            HttpFault::Io(error) => Self::Broken(error.to_string()),
            HttpFault::Malformed(what) => Self::Malformed(what.into()),
            HttpFault::TooLarge(bytes) => Self::TooLarge(bytes),
        }
    }
}

/// Why an operation with a provider failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFault {
    /// Not a number.
    InvalidPort(String),
    /// A number no provider listens on.
    PortRange(String),
    /// Not an address.
    InvalidAddress(String),
    /// Not a host name.
    InvalidHost(String),
    /// A node's name is too long: its length.
    NameTooLong(usize),
    /// There was no answer.
    Transport {
        /// Which server.
        server: String,
        /// What was asked.
        operation: Operation,
        /// Why.
        fault: TransportFault,
    },
    /// The provider failed and did not say how.
    Failed {
        /// Which server.
        server: String,
        /// What was asked.
        operation: Operation,
        /// The status of its answer.
        status: u16,
    },
    /// The answer does not fit the question.
    InvalidResponse {
        /// Which server.
        server: String,
        /// What was asked.
        operation: Operation,
        /// What does not fit.
        detail: String,
    },
    /// The answer is not JSON.
    NotJson {
        /// Which server.
        server: String,
        /// Where parsing stopped.
        detail: String,
    },
    /// Client and provider do not understand each other.
    Version {
        /// Which server.
        server: String,
        /// What this client speaks.
        client: u32,
        /// What the provider speaks.
        provider: u32,
    },
    /// The provider refused, and said why.
    Refused(Problem),
}

impl Explain for ClientFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::InvalidPort(_) => &input::INVALID_PORT_NUMBER,
            Self::PortRange(_) => &input::INVALID_PORT_RANGE,
            Self::InvalidAddress(_) => &input::INVALID_IP_ADDRESS,
            Self::InvalidHost(_) => &input::INVALID_HOST_NAME,
            Self::NameTooLong(_) => &provider::CALLMANAGER_NAME_TOO_LONG,
            Self::Transport { operation, fault, .. } => match fault {
                TransportFault::Address(_) => &provider::TLS_CONNECT_ERROR,
                TransportFault::Connect(_) => &provider::COULD_NOT_CONNECT,
                TransportFault::Tls(fault) => fault.message(),
                TransportFault::Handshake(_) => &provider::HANDSHAKE_FAILED,
                TransportFault::Certificate(fault) => fault.message(),
                TransportFault::Broken(_) => during(*operation),
                TransportFault::Malformed(_) => &provider::PARSING_FAILED,
                TransportFault::TooLarge(_) => &input::NOT_ENOUGH_MEMORY,
            },
            Self::Failed { operation, .. } => during(*operation),
            Self::InvalidResponse { operation, .. } => invalid_response(*operation),
            Self::NotJson { .. } => &provider::PARSING_FAILED,
            Self::Version { .. } => &trust_list::VERSION_INCOMPATIBLE,
            Self::Refused(problem) => problem.message(),
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let of_server = |server: &String, detail: &dyn ToString| {
            vec![("server", server.clone()), ("detail", detail.to_string())]
        };
        match self {
            Self::InvalidPort(port) | Self::PortRange(port) => {
                [Self::ports(), vec![("port", port.clone())]].concat()
            }
            Self::InvalidAddress(address) => vec![("address", address.clone())],
            Self::InvalidHost(host) => vec![("host", host.clone())],
            Self::NameTooLong(count) => vec![("count", count.to_string())],
            Self::Transport { server, fault, .. } => match fault {
                TransportFault::Address(detail)
                | TransportFault::Connect(detail)
                | TransportFault::Handshake(detail)
                | TransportFault::Broken(detail)
                | TransportFault::Malformed(detail) => of_server(server, detail),
                TransportFault::Tls(fault) => fault.values(),
                TransportFault::Certificate(fault) => fault.values(),
                TransportFault::TooLarge(bytes) => {
                    vec![("bytes", bytes.to_string()), ("limit", MAX_BODY.to_string())]
                }
            },
            Self::Failed { server, status, .. } => {
                of_server(server, &format!("it answered with status {status}"))
            }
            Self::InvalidResponse { server, detail, .. } | Self::NotJson { server, detail } => {
                of_server(server, detail)
            }
            Self::Version { server, client, provider } => vec![
                ("server", server.clone()),
                ("client", client.to_string()),
                ("provider", provider.to_string()),
            ],
            Self::Refused(problem) => problem.values(),
        }
    }
}

crate::error_by_message!(ClientFault);

/// The message for an operation that failed without a better reason.
fn during(operation: Operation) -> &'static Message {
    match operation {
        Operation::AuthenticateUser => &provider::DURING_AUTHENTICATE_USER,
        Operation::PostCtlFile | Operation::DeleteCtlFile => &provider::DURING_POST_CTL_FILE,
        Operation::GetCapfFile | Operation::PostCapfFile => &provider::DURING_GET_CAPF_FILE,
        Operation::GetCcmCertificate => &provider::DURING_GET_CCM_CERTIFICATE,
        Operation::GetCapfCertificate => &provider::DURING_GET_CAPF_CERTIFICATE,
        Operation::SetClusterSecurityMode => &provider::MODE_NOT_SET,
        _ => &input::UNKNOWN_CTL_ERROR,
    }
}

/// The message for an answer that does not fit.
fn invalid_response(operation: Operation) -> &'static Message {
    match operation {
        Operation::AuthenticateUser => &provider::RESPONSE_AUTHENTICATE_USER,
        Operation::GetCcmList => &provider::RESPONSE_GET_CCM_LIST,
        Operation::GetCcmCertificate => &provider::RESPONSE_GET_CCM_CERTIFICATE,
        Operation::GetCapfCertificate => &provider::RESPONSE_GET_CAPF_CERTIFICATE,
        Operation::GetCtlFile | Operation::GetAcceptedCtlFile => &provider::RESPONSE_GET_CTL_FILE,
        Operation::GetCapfFile => &provider::RESPONSE_GET_CAPF_FILE,
        Operation::GetClusterSecurityMode => &provider::RESPONSE_GET_CLUSTER_SECURITY_MODE,
        Operation::GetCtlVersion => &provider::RESPONSE_GET_CTL_VERSION,
        Operation::GetAlternatePaths => &provider::RESPONSE_GET_ALTERNATE_PATHS,
        _ => &provider::PARSING_FAILED,
    }
}
