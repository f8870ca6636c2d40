//! Voicemail servers and their ports.

use serde::{Deserialize, Serialize};
use store::{DeviceSecurityMode, Number, PortName};

use crate::request::{Done, Request, requests};
use crate::{PhonesReset, RegistrationView};

requests! {
    /// All voicemail servers.
    ListVoicemail = "list-voicemail" -> Vec<VoicemailView> {}

    /// Adds a server with its first ports; all of them have its mode.
    AddVoicemail = "add-voicemail" -> Done {
        /// Its name, which those of its ports begin with.
        name: String,
        /// The mode of its ports.
        security_mode: DeviceSecurityMode,
        /// Its ports.
        ports: NewVoicemailPorts,
    }

    /// Adds ports to a server, in the mode of the server.
    AddVoicemailPorts = "add-voicemail-ports" -> Done {
        /// Which server.
        server: String,
        /// Its ports.
        ports: NewVoicemailPorts,
    }

    /// Sets all ports of a server, and those to come, to a mode.
    SetVoicemail = "set-voicemail" -> Done {
        /// Which server.
        name: String,
        /// The mode.
        security_mode: DeviceSecurityMode,
    }

    /// Removes a server with its ports and its certificate.
    RemoveVoicemail = "remove-voicemail" -> Done {
        /// Which one.
        name: String,
    }

    /// Gives every node the root certificate of a server.
    CopyVoicemailRoot = "copy-voicemail-root" -> Done {
        /// Of which server.
        server: String,
        /// The certificate, PEM.
        certificate: String,
    }

    /// Takes the root certificate of a server from every node: its secure ports register no more.
    RemoveVoicemailRoot = "remove-voicemail-root" -> Done {
        /// Of which server.
        server: String,
    }

    /// Ports, with their registrations.
    ListVoicemailPorts = "list-voicemail-ports" -> Vec<VoicemailPortView> {
        /// Of this server only.
        server: Option<String>,
        /// Those that are set to this mode only.
        security_mode: Option<DeviceSecurityMode>,
    }

    /// Changes a port.
    SetVoicemailPort = "set-voicemail-port" -> Done {
        /// Which one.
        name: PortName,
        /// What changes.
        changes: VoicemailPortChanges,
    }

    /// Removes a port. Its line stays.
    RemoveVoicemailPort = "remove-voicemail-port" -> Done {
        /// Which one.
        name: PortName,
    }

    /// Tells the ports of a server to register anew.
    ResetVoicemail = "reset-voicemail" -> PhonesReset {
        /// Which server.
        name: String,
    }
}

/// Ports to add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewVoicemailPorts {
    /// How many ports
    #[cfg_attr(feature = "clap", arg(long = "ports", value_name = "COUNT", default_value_t = 1))]
    pub count: u8,
    /// The number of the first of them; those behind it have the numbers that follow
    #[cfg_attr(feature = "clap", arg(long, value_name = "NUMBER"))]
    pub first_number: Number,
    /// The pool they belong to
    #[cfg_attr(feature = "clap", arg(long, value_name = "POOL", default_value = store::DEFAULT_POOL))]
    pub pool: String,
}

/// Settings of a port to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoicemailPortChanges {
    /// Device Security Mode
    #[cfg_attr(feature = "clap", arg(long, value_name = "MODE"))]
    pub security_mode: Option<DeviceSecurityMode>,
    /// The number it is called by
    #[cfg_attr(feature = "clap", arg(long, value_name = "NUMBER"))]
    pub number: Option<Number>,
    /// The pool it belongs to
    #[cfg_attr(feature = "clap", arg(long, value_name = "POOL"))]
    pub pool: Option<String>,
}

impl VoicemailPortChanges {
    /// The port with the changes in it.
    pub fn apply(self, port: &mut store::VoicemailPort) {
        port.security_mode = self.security_mode.unwrap_or(port.security_mode);
        if let Some(number) = self.number {
            port.number = number;
        }
        if let Some(pool) = self.pool {
            port.pool = pool;
        }
    }
}

/// A server with what hangs on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoicemailView {
    /// Its name.
    pub name: String,
    /// The mode that its ports are given.
    pub security_mode: DeviceSecurityMode,
    /// How many ports it has.
    pub ports: usize,
    /// How many of them are registered at this node.
    pub registered: usize,
    /// Its root certificate, if it was copied.
    pub root: Option<VoicemailRootView>,
}

/// A root certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoicemailRootView {
    /// Whom it is about.
    pub subject: String,
    /// The last moment it is valid, RFC 3339, UTC.
    pub not_after: String,
    /// Its fingerprint, in hexadecimal.
    pub sha256: String,
}

/// A port as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoicemailPortView {
    /// Its name.
    pub name: PortName,
    /// The number it is called by.
    pub number: Number,
    /// The pool it belongs to.
    pub pool: String,
    /// The mode it is set to.
    pub security_mode: DeviceSecurityMode,
    /// Its registration at this node.
    pub registration: Option<RegistrationView>,
}
