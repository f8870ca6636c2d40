//! Whether, when and how a phone goes to CAPF.

use capf::codec::{CertificateType, Password};
use capf::phone::Credential;

use super::Pending;
use crate::{CapfMode, Configuration, SecurityMode};

/// What a phone does about CAPF after its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing is pending.
    Nothing,
    /// Its user has to type the authentication string first, in the menu behind `**#`.
    AwaitString,
    /// Its configuration names no server.
    NoServer,
    /// It goes there by itself.
    Enrol(Credential, Order),
}

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// A non-secure phone registers, then goes to CAPF, and starts again with its certificate.
    RegisterFirst,
    /// A secure phone does not register before CAPF has ended.
    EnrolFirst,
}

/// Decides by the configuration in force, by what the user typed, and by what was in hand when
/// the power failed: that goes on as it was begun, whatever the configuration says now.
pub fn plan(
    configuration: &Configuration,
    typed: Option<&Password>,
    pending: Option<&Pending>,
) -> Plan {
    let order = match configuration.mode {
        SecurityMode::NonSecure => Order::RegisterFirst,
        SecurityMode::Authenticated | SecurityMode::Encrypted => Order::EnrolFirst,
    };
    let credential = match (pending, configuration.capf_mode) {
        (Some(pending), _) => pending.credential.clone(),
        (None, CapfMode::Nothing) => return Plan::Nothing,
        (None, CapfMode::String) => match typed {
            None => return Plan::AwaitString,
            Some(typed) => Credential::String(typed.clone()),
        },
        (None, CapfMode::NullString) => Credential::NullString,
        (None, CapfMode::ExistingLsc) => Credential::Existing(CertificateType::LSC),
        (None, CapfMode::ExistingMic) => Credential::Existing(CertificateType::MIC),
    };
    if configuration.capf_servers.is_empty() {
        return Plan::NoServer;
    }
    Plan::Enrol(credential, order)
}
