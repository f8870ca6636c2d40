use std::net::IpAddr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{
    Action, Administrator, AdministratorRole, BuiltInBridge, CertificateRole, Device, DeviceName,
    DeviceSecurityMode, EffectiveMode, Entry, Model, Node, Service,
};

use crate::{Secret, TelephonyView};

/// Something to ask.
pub trait Request: Serialize + DeserializeOwned {
    /// Its name on the wire.
    const NAME: &'static str;
    /// What comes back.
    type Answer: Serialize + DeserializeOwned;
}

macro_rules! requests {
    ($($(#[$meta:meta])* $name:ident = $word:literal -> $answer:ty {
        $($(#[$doc:meta])* $field:ident: $ty:ty,)*
    })*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                $($(#[$doc])* pub $field: $ty,)*
            }

            impl Request for $name {
                const NAME: &'static str = $word;
                type Answer = $answer;
            }
        )*
    };
}
pub(crate) use requests;

requests! {
    /// Gives a fresh database its cluster, this node as its publisher, and its first administrator.
    CreateCluster = "create-cluster" -> Done {
        /// What people call the cluster.
        name: String,
        /// Address of this node.
        address: IpAddr,
        /// Name of the first administrator.
        administrator: String,
        /// Its password.
        password: Secret,
    }

    /// Makes this node the publisher, whose database is a copy of the former one's. On a publisher
    /// that waits for other nodes: it waits no more.
    PromoteNode = "promote-node" -> Done {
        /// Nodes that are lost or switched off: they are not waited for.
        lost: Vec<String>,
    }

    /// How things stand, with the checklist of what is left to do.
    Status = "status" -> StatusReport {}

    /// All nodes.
    ListNodes = "list-nodes" -> Vec<Node> {}

    /// Adds a subscriber.
    AddNode = "add-node" -> Done {
        /// Its host name.
        name: String,
        /// Its address.
        address: IpAddr,
    }

    /// Activates or deactivates a service on a node.
    ActivateService = "activate-service" -> Done {
        /// Which node.
        node: String,
        /// Which service.
        service: Service,
        /// On or off.
        active: bool,
    }

    /// Removes a subscriber.
    RemoveNode = "remove-node" -> Done {
        /// Its host name.
        name: String,
    }

    /// All parameters as they are in force for a node, or for the cluster.
    ListParameters = "list-parameters" -> Vec<ParameterView> {
        /// Which node; absent: the cluster.
        node: Option<String>,
    }

    /// Sets a parameter.
    SetParameter = "set-parameter" -> Done {
        /// Which node; absent: the cluster.
        node: Option<String>,
        /// Which parameter.
        name: String,
        /// Its value; absent: what was set is forgotten.
        value: Option<String>,
    }

    /// All devices.
    ListDevices = "list-devices" -> Vec<DeviceView> {}

    /// One device.
    ShowDevice = "show-device" -> DeviceView {
        /// Which one.
        name: DeviceName,
    }

    /// Adds a device.
    AddDevice = "add-device" -> Done {
        /// Its name.
        name: DeviceName,
        /// What it is.
        model: Model,
        /// What differs from the defaults.
        changes: DeviceChanges,
    }

    /// Changes a device.
    SetDevice = "set-device" -> Done {
        /// Which one.
        name: DeviceName,
        /// What changes.
        changes: DeviceChanges,
        /// Only tell what would come of it.
        dry_run: bool,
    }

    /// Removes a device.
    RemoveDevice = "remove-device" -> Done {
        /// Which one.
        name: DeviceName,
    }

    /// Makes devices fetch their files again.
    ResetDevices = "reset-devices" -> Done {
        /// Which one; absent: all.
        name: Option<DeviceName>,
    }

    /// What a phone asked this node for, oldest first.
    DeviceLog = "device-log" -> Vec<FileRequestView> {
        /// Which phone.
        name: DeviceName,
    }

    /// Notes that the CTL file of a phone was erased by hand, so that it takes the next one.
    DeviceErased = "device-erased" -> Done {
        /// Which phone.
        name: DeviceName,
    }

    /// Restarts a service of this node.
    RestartService = "restart-service" -> Done {
        /// Which one.
        service: Service,
    }

    /// All administrators.
    ListAdministrators = "list-administrators" -> Vec<Administrator> {}

    /// Adds an administrator, or gives one another role or password.
    PutAdministrator = "put-administrator" -> Done {
        /// The name to log in with.
        name: String,
        /// What for.
        role: AdministratorRole,
        /// The password to log in with.
        password: Secret,
    }

    /// Removes an administrator.
    RemoveAdministrator = "remove-administrator" -> Done {
        /// Which one.
        name: String,
    }

    /// All API tokens, without their secrets.
    ListTokens = "list-tokens" -> Vec<TokenView> {}

    /// Makes an API token.
    CreateToken = "create-token" -> TokenCreated {
        /// What people call it.
        name: String,
        /// The administrator it acts for.
        owner: String,
        /// The most it may do.
        role: AdministratorRole,
        /// How many days it is good; absent: until it is removed.
        days: Option<u32>,
    }

    /// Removes an API token.
    RemoveToken = "remove-token" -> Done {
        /// Which one.
        name: String,
    }

    /// The certificates of the cluster, of those it trusts and of its tokens.
    ListCertificates = "list-certificates" -> Vec<InventoryView> {}

    /// Restarts and resets that changes asked for and nobody has done.
    ListDue = "list-due" -> Vec<Action> {}

    /// Number of the newest change.
    NewestRevision = "newest-revision" -> u64 {}

    /// The newest changes, newest first.
    History = "history" -> Vec<RevisionView> {
        /// How many.
        limit: u32,
    }

    /// The end of the audit log, newest first, after the whole log was verified.
    AuditTrail = "audit-trail" -> Vec<AuditView> {
        /// How many.
        limit: u32,
    }
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Done {
    /// The revision it made; absent if all was so already.
    pub revision: Option<u64>,
    /// What has to be restarted or reset before it takes effect.
    pub actions: Vec<Action>,
    /// What else is to be known, in the caller's language.
    pub notes: Vec<String>,
}

/// A parameter with all that a person needs to set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParameterView {
    /// Its name.
    pub name: String,
    /// What administrators call it, in the caller's language.
    pub title: String,
    /// The value in force.
    pub value: String,
    /// The value until somebody sets another.
    pub default: String,
    /// What values it takes, in the caller's language.
    pub range: String,
    /// What it does, in the caller's language.
    pub help: String,
    /// What a change of it needs.
    pub needs: Vec<Action>,
}

/// A device with what is in force for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceView {
    /// As it is set.
    #[serde(flatten)]
    pub device: Device,
    /// The number on its first button; empty if it has none.
    pub directory_number: String,
    /// The security mode that its configuration file says.
    pub effective_mode: EffectiveMode,
}

/// Settings of a device to change; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct DeviceChanges {
    /// Text for people
    #[cfg_attr(feature = "clap", arg(long))]
    pub description: Option<String>,
    /// Who uses it
    #[cfg_attr(feature = "clap", arg(long))]
    pub owner: Option<String>,
    /// The number on its first button; empty takes the line away
    #[cfg_attr(feature = "clap", arg(long))]
    pub directory_number: Option<String>,
    /// The pool it belongs to
    #[cfg_attr(feature = "clap", arg(long))]
    pub pool: Option<String>,
    /// use-system-default, on or off
    #[cfg_attr(feature = "clap", arg(long, value_name = "BRIDGE"))]
    pub built_in_bridge: Option<BuiltInBridge>,
    /// Whether its calls are hidden from others on shared lines
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false"))]
    pub private: Option<bool>,
    /// use-system-default, non-secure, authenticated or encrypted
    #[cfg_attr(feature = "clap", arg(long, value_name = "MODE"))]
    pub security_mode: Option<DeviceSecurityMode>,
    /// Name of its firmware load; empty keeps what it has
    #[cfg_attr(feature = "clap", arg(long, value_name = "LOAD"))]
    pub load_information: Option<String>,
    /// Directory of its words; empty is built-in English
    #[cfg_attr(feature = "clap", arg(long, value_name = "LOCALE"))]
    pub user_locale: Option<String>,
    /// Directory of its tones; empty is the built-in ones
    #[cfg_attr(feature = "clap", arg(long, value_name = "LOCALE"))]
    pub network_locale: Option<String>,
    /// Whether it believes gratuitous ARP
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false"))]
    pub gratuitous_arp: Option<bool>,
    /// Whether it serves web pages
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false"))]
    pub web_access: Option<bool>,
    /// Whether a PC behind it may enter the voice VLAN
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false"))]
    pub pc_voice_vlan_access: Option<bool>,
    /// Whether it shows its settings
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false"))]
    pub settings_access: Option<bool>,
    /// Whether the port for a PC works
    #[cfg_attr(feature = "clap", arg(long, value_name = "true|false"))]
    pub pc_port: Option<bool>,
}

impl DeviceChanges {
    /// The device with the changes in it. Fails if a number is none.
    pub fn apply(self, device: &mut Device) -> store::Result<()> {
        fn set<T>(field: &mut T, change: Option<T>) {
            if let Some(value) = change {
                *field = value;
            }
        }
        set(&mut device.description, self.description);
        set(&mut device.owner, self.owner);
        match self.directory_number.as_deref() {
            None => {}
            Some("") => device.set_directory_number(None),
            Some(number) => device.set_directory_number(Some(number.parse()?)),
        }
        set(&mut device.pool, self.pool);
        set(&mut device.built_in_bridge, self.built_in_bridge);
        set(&mut device.private, self.private);
        set(&mut device.security_mode, self.security_mode);
        set(&mut device.load_information, self.load_information);
        set(&mut device.user_locale, self.user_locale);
        set(&mut device.network_locale, self.network_locale);
        set(&mut device.hardening.gratuitous_arp, self.gratuitous_arp);
        set(&mut device.hardening.web_access, self.web_access);
        set(&mut device.hardening.pc_voice_vlan_access, self.pc_voice_vlan_access);
        set(&mut device.hardening.settings_access, self.settings_access);
        set(&mut device.hardening.pc_port, self.pc_port);
        Ok(())
    }
}

/// How things stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatusReport {
    /// Version of the daemon.
    pub version: String,
    /// Name of this node.
    pub node: String,
    /// Name of the cluster; absent before `cluster init`.
    pub cluster: Option<String>,
    /// Cluster security mode, 0 or 1; absent until a CTL client has set it.
    pub security_mode: Option<u8>,
    /// The newest revision.
    pub revision: u64,
    /// MD5 of the CTL file, as phones show it; absent without one.
    pub ctl_md5: Option<String>,
    /// SHA-256 of this node's certificate, to compare with what a CTL client is shown; absent
    /// before there is one.
    pub certificate_sha256: Option<String>,
    /// What is left to do and what is done, in the order of the guide.
    pub checklist: Vec<CheckItem>,
    /// Restarts and resets that changes asked for and nobody has done.
    pub due: Vec<Action>,
    /// What is wrong, in the caller's language.
    pub alarms: Vec<String>,
    /// What call processing counts; absent where it does not run.
    #[serde(default)]
    pub telephony: Option<TelephonyView>,
}

/// A step of the setup checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckItem {
    /// Stable name.
    pub id: String,
    /// What is to be done, in the caller's language.
    pub text: String,
    /// Whether it is.
    pub state: CheckState,
    /// What was found, or what to do next, in the caller's language.
    pub detail: String,
}

/// Whether a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CheckState {
    /// It is.
    Done,
    /// It is not.
    Open,
    /// It can be done and need not.
    Optional,
}

/// What a program shows instead of name and password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenView {
    /// What people call it.
    pub name: String,
    /// The administrator it acts for.
    pub owner: String,
    /// The most it may do; never more than its owner.
    pub role: AdministratorRole,
    /// Until when it is good, RFC 3339, UTC; absent: until it is removed.
    pub expires: Option<String>,
}

/// An API token that was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenCreated {
    /// What came of it.
    #[serde(flatten)]
    pub done: Done,
    /// What the program is to show. It is told this once.
    pub secret: Secret,
}

/// A certificate of the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InventoryView {
    /// What it is for.
    pub role: CertificateRole,
    /// Whose it is: a node, a device, a token.
    pub owner: String,
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
    /// The certificate itself.
    pub pem: String,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevisionView {
    /// Its number.
    pub revision: u64,
    /// When, RFC 3339, UTC.
    pub at: String,
    /// Who.
    pub who: String,
    /// From where.
    pub origin: String,
    /// What.
    pub entries: Vec<Entry>,
}

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditView {
    /// Its number.
    pub number: u64,
    /// When, RFC 3339, UTC.
    pub at: String,
    /// Who.
    pub who: String,
    /// From where.
    pub origin: String,
    /// What was done.
    pub action: String,
    /// The rest.
    pub detail: String,
}

/// A file that a phone asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileRequestView {
    /// When, RFC 3339, UTC.
    pub at: String,
    /// Address and port it asked from.
    pub from: String,
    /// `tftp` or `http`.
    pub protocol: String,
    /// The name it asked for.
    pub file: String,
    /// Why that file answered.
    pub rule: Option<String>,
    /// What became of it: `completed`, or why not.
    pub result: String,
    /// Bytes of the file.
    pub size: Option<u64>,
    /// Who signed the file.
    pub signer: Option<String>,
    /// MD5 of the trust list, if it was one.
    pub ctl_md5: Option<String>,
}
