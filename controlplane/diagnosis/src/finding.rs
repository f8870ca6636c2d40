//! What can be wrong, with cause and cure.

use std::net::IpAddr;

use messages::{Explain, Message, diagnosis};
use store::CapfReason;

/// Something wrong, or something that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The phone.
    pub phone: String,
    /// What it is.
    pub trouble: Trouble,
}

/// The kinds of trouble, in the order of a phone's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody has entered the phone.
    NotConfigured,
    /// This node serves no files.
    NoTftpHere {
        /// Which.
        node: String,
    },
    /// There is not a single request.
    NeverAsked {
        /// Which node was never asked.
        node: String,
        /// Where files are served.
        servers: Vec<IpAddr>,
    },
    /// Acknowledgements stopped.
    FellSilent {
        /// Of which file.
        file: String,
        /// Where the phone is.
        from: IpAddr,
    },
    /// The phone ended a transfer with an error.
    RefusedFile {
        /// Which.
        file: String,
        /// What it said.
        detail: String,
    },
    /// The server refused, or could not make the file.
    NotServed {
        /// Which.
        file: String,
        /// Why.
        detail: String,
    },
    /// There is no configuration for it.
    NoConfiguration {
        /// What it asked for.
        file: String,
    },
    /// It wants signed files of a cluster that signs none.
    AsksSigned {
        /// What it asked for.
        file: String,
    },
    /// Firmware that is not there.
    LoadMissing {
        /// Which file.
        file: String,
    },
    /// It cannot authenticate the present trust list.
    CannotAuthenticateCtl {
        /// The tokens that it knows.
        tokens: Vec<String>,
    },
    /// Nobody knows what list it holds.
    CtlUnknown,
    /// It has not fetched the present list.
    CtlOld {
        /// When it last asked.
        asked: String,
    },
    /// Its list has no entry for the TFTP server that it asks.
    TftpNotAuthorized {
        /// Name of the server.
        node: String,
        /// Its address.
        address: IpAddr,
    },
    /// Its list has another certificate of the TFTP server than it signs with.
    CannotAuthenticateFiles {
        /// Name of the server.
        node: String,
    },
    /// Its list has no certificate to verify files with, so it asks for unsigned ones.
    AsksUnsigned,
    /// Its list does not fit these CallManagers.
    CallManagerDiffers {
        /// Their names.
        servers: Vec<String>,
    },
    /// Its list does not fit the CAPF service.
    WrongCapf {
        /// Where that is.
        server: String,
    },
    /// It is to be secure and has no certificate.
    NoCertificate {
        /// The mode in force.
        mode: String,
        /// What it is.
        model: String,
    },
    /// An operation waits and CAPF does not run.
    CapfNotActive,
    /// An operation waits for somebody to type.
    CapfWaitsForUser,
    /// An operation waits for the phone.
    CapfWaitsForPhone,
    /// An operation failed, or its last attempt did.
    CapfFailed {
        /// Why.
        reason: CapfReason,
        /// More of it.
        detail: String,
    },
    /// Its LSC is of an issuer that is not trusted.
    LscOtherIssuer {
        /// Who that is.
        issuer: String,
    },
    /// A node cannot verify its LSC.
    CapfCertificateMissing {
        /// Which.
        node: String,
    },
    /// Its LSC is out of date.
    LscExpired {
        /// Until when it was valid.
        until: String,
    },
}

impl Explain for Finding {
    fn message(&self) -> &'static Message {
        match &self.trouble {
            Trouble::NotConfigured => &diagnosis::PHONE_NOT_CONFIGURED,
            Trouble::NoTftpHere { .. } => &diagnosis::PHONE_NO_TFTP_HERE,
            Trouble::NeverAsked { .. } => &diagnosis::PHONE_NEVER_ASKED,
            Trouble::FellSilent { .. } => &diagnosis::PHONE_FELL_SILENT,
            Trouble::RefusedFile { .. } => &diagnosis::PHONE_REFUSED_FILE,
            Trouble::NotServed { .. } => &diagnosis::PHONE_FILE_NOT_SERVED,
            Trouble::NoConfiguration { .. } => &diagnosis::PHONE_NO_CONFIGURATION,
            Trouble::AsksSigned { .. } => &diagnosis::PHONE_ASKS_SIGNED,
            Trouble::LoadMissing { .. } => &diagnosis::PHONE_LOAD_MISSING,
            Trouble::CannotAuthenticateCtl { .. } => &diagnosis::PHONE_CANNOT_AUTHENTICATE_CTL,
            Trouble::CtlUnknown => &diagnosis::PHONE_CTL_UNKNOWN,
            Trouble::CtlOld { .. } => &diagnosis::PHONE_CTL_OLD,
            Trouble::TftpNotAuthorized { .. } => &diagnosis::PHONE_TFTP_NOT_AUTHORIZED,
            Trouble::CannotAuthenticateFiles { .. } => &diagnosis::PHONE_CANNOT_AUTHENTICATE_FILES,
            Trouble::AsksUnsigned => &diagnosis::PHONE_ASKS_UNSIGNED,
            Trouble::CallManagerDiffers { .. } => &diagnosis::PHONE_CALLMANAGER_DIFFERS,
            Trouble::WrongCapf { .. } => &diagnosis::PHONE_WRONG_CAPF,
            Trouble::NoCertificate { .. } => &diagnosis::PHONE_NO_CERTIFICATE,
            Trouble::CapfNotActive => &diagnosis::PHONE_CAPF_NOT_ACTIVE,
            Trouble::CapfWaitsForUser => &diagnosis::PHONE_CAPF_WAITS_FOR_USER,
            Trouble::CapfWaitsForPhone => &diagnosis::PHONE_CAPF_WAITS_FOR_PHONE,
            Trouble::CapfFailed { reason, .. } => capf(*reason),
            Trouble::LscOtherIssuer { .. } => &diagnosis::PHONE_LSC_OTHER_ISSUER,
            Trouble::CapfCertificateMissing { .. } => &diagnosis::PHONE_CAPF_CERTIFICATE_MISSING,
            Trouble::LscExpired { .. } => &diagnosis::PHONE_LSC_EXPIRED,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let mut values = vec![("phone", self.phone.clone())];
        values.extend(match &self.trouble {
            Trouble::NotConfigured
            | Trouble::CtlUnknown
            | Trouble::AsksUnsigned
            | Trouble::CapfNotActive
            | Trouble::CapfWaitsForUser
            | Trouble::CapfWaitsForPhone => vec![],
            Trouble::NoTftpHere { node }
            | Trouble::CannotAuthenticateFiles { node }
            | Trouble::CapfCertificateMissing { node } => vec![("node", node.clone())],
            Trouble::NeverAsked { node, servers } => vec![
                ("node", node.clone()),
                ("servers", list(servers)),
                ("option", option_150(servers)),
            ],
            Trouble::FellSilent { file, from } => {
                vec![("file", file.clone()), ("from", from.to_string())]
            }
            Trouble::RefusedFile { file, detail } | Trouble::NotServed { file, detail } => {
                vec![("file", file.clone()), ("detail", detail.clone())]
            }
            Trouble::NoConfiguration { file }
            | Trouble::AsksSigned { file }
            | Trouble::LoadMissing { file } => vec![("file", file.clone())],
            Trouble::CannotAuthenticateCtl { tokens } => vec![("tokens", list(tokens))],
            Trouble::CtlOld { asked } => vec![("asked", asked.clone())],
            Trouble::TftpNotAuthorized { node, address } => {
                vec![("node", node.clone()), ("address", address.to_string())]
            }
            Trouble::CallManagerDiffers { servers } => vec![("servers", list(servers))],
            Trouble::WrongCapf { server } => vec![("server", server.clone())],
            Trouble::NoCertificate { mode, model } => {
                vec![("mode", mode.clone()), ("model", model.clone())]
            }
            Trouble::CapfFailed { detail, .. } => {
                let detail = if detail.is_empty() { "-" } else { detail };
                vec![("detail", detail.to_owned())]
            }
            Trouble::LscOtherIssuer { issuer } => vec![("issuer", issuer.clone())],
            Trouble::LscExpired { until } => vec![("until", until.clone())],
        });
        values
    }
}

/// The message for the end of a session that went wrong.
fn capf(reason: CapfReason) -> &'static Message {
    match reason {
        CapfReason::Expired => &diagnosis::PHONE_CAPF_EXPIRED,
        CapfReason::WrongString => &diagnosis::PHONE_CAPF_WRONG_STRING,
        CapfReason::Locked => &diagnosis::PHONE_CAPF_LOCKED,
        CapfReason::Certificate => &diagnosis::PHONE_CAPF_NO_PROOF,
        CapfReason::Key => &diagnosis::PHONE_CAPF_KEY,
        CapfReason::AuthorityPending => &diagnosis::PHONE_CAPF_AUTHORITY_PENDING,
        CapfReason::Authority => &diagnosis::PHONE_CAPF_AUTHORITY,
        CapfReason::Connection => &diagnosis::PHONE_CAPF_CONNECTION,
        CapfReason::Protocol => &diagnosis::PHONE_CAPF_PROTOCOL,
        // These two say that all went well; a failed status with them is the phone's word.
        CapfReason::Phone | CapfReason::Success | CapfReason::Imported => {
            &diagnosis::PHONE_CAPF_PHONE
        }
    }
}

fn list(items: &[impl ToString]) -> String {
    match items {
        [] => "-".into(),
        items => items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// The bytes of DHCP option 150 (RFC 5859): code, length, IPv4 addresses.
fn option_150(servers: &[IpAddr]) -> String {
    let v4 = servers.iter().filter_map(|server| match server {
        IpAddr::V4(v4) => Some(v4.octets()),
        IpAddr::V6(_) => None,
    });
    // Phones use the first two.
    let addresses: Vec<_> = v4.take(2).flatten().collect();
    let header = [150, addresses.len() as u8];
    let hex = header.iter().chain(&addresses).map(|byte| format!("{byte:02x}"));
    hex.collect::<Vec<_>>().join(" ")
}
