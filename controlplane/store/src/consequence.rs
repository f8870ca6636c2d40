use std::fmt;
use std::time::SystemTime;

use lang::{Language, Say, Text};
use serde::{Deserialize, Serialize};

use crate::change::{Change, json};
use crate::sql::values;
use crate::store::time;
use crate::{DeviceName, Error, Result, Service, View};

/// Said before phones are reset.
pub const RESET_ENDS_CALLS: Text = Text::new(
    "Resetting a phone ends its calls through gateways.",
    "電話機をリセットすると、ゲートウェイ経由の通話は切断されます。",
);

/// Something that happened and needs a restart or a reset before it takes effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A device's security mode changed.
    DeviceMode(DeviceName),
    /// A device's hardening, or anything else in its configuration file, changed.
    DeviceConfiguration(DeviceName),
    /// The cluster security mode changed.
    ClusterMode,
    /// A CTL file was created or updated.
    CtlFile,
    /// The security of an SRST reference changed.
    SrstSecurity(String),
    /// The port of the CTL Provider changed.
    CtlProviderPort,
    /// A parameter of CAPF changed.
    CapfParameter,
    /// A parameter of TFTP changed.
    TftpParameter,
    /// The voicemail server's certificate was copied.
    VoicemailCertificate,
    /// Ports of a voicemail server changed.
    VoicemailPorts(String),
    /// The enterprise parameter Device Security Mode changed.
    SystemDeviceMode,
    /// Something that all phones of a pool have in common changed.
    Pool(String),
    /// A parameter changed that CallManager reads when it starts.
    CallManagerParameter,
    /// A port of CallManager changed: phones have it from their configuration files.
    CallManagerPort,
    /// A parameter changed that phones are told when they register.
    PhoneParameter,
}

impl Trigger {
    /// What it needs.
    pub fn actions(&self) -> Vec<Action> {
        match self {
            Self::DeviceMode(name) | Self::DeviceConfiguration(name) => {
                vec![Action::ResetDevice(name.clone())]
            }
            Self::Pool(name) => vec![Action::ResetPool(name.clone())],
            Self::PhoneParameter => vec![Action::ResetAllDevices],
            Self::ClusterMode | Self::SystemDeviceMode | Self::CallManagerPort => {
                vec![Action::RestartCallManager, Action::ResetAllDevices]
            }
            Self::CtlFile => {
                vec![Action::RestartCallManager, Action::RestartTftp, Action::ResetAllDevices]
            }
            Self::SrstSecurity(reference) => vec![Action::ResetDependents(reference.clone())],
            Self::VoicemailPorts(server) => vec![Action::ResetVoicemailPorts(server.clone())],
            Self::CtlProviderPort => vec![Action::RestartCtlProvider],
            Self::CapfParameter => vec![Action::RestartCapf],
            Self::TftpParameter => vec![Action::RestartTftp],
            Self::VoicemailCertificate | Self::CallManagerParameter => {
                vec![Action::RestartCallManager]
            }
        }
    }
}

/// A restart or a reset, in the order in which they are done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", tag = "action", content = "subject")]
pub enum Action {
    /// Restart the CTL Provider on every node.
    RestartCtlProvider,
    /// Restart CAPF on the publisher.
    RestartCapf,
    /// Restart CallManager on every node.
    RestartCallManager,
    /// Restart TFTP on every node.
    RestartTftp,
    /// Reset one device.
    ResetDevice(DeviceName),
    /// Reset the devices that use an SRST reference.
    ResetDependents(String),
    /// Reset the devices of a pool.
    ResetPool(String),
    /// Reset the ports of a voicemail server.
    ResetVoicemailPorts(String),
    /// Reset all devices.
    ResetAllDevices,
}

impl Action {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::RestartCtlProvider => ("restart-ctl-provider", ""),
            Self::RestartCapf => ("restart-capf", ""),
            Self::RestartCallManager => ("restart-call-manager", ""),
            Self::RestartTftp => ("restart-tftp", ""),
            Self::ResetDevice(name) => ("reset-device", name.as_str()),
            Self::ResetDependents(reference) => ("reset-dependents", reference),
            Self::ResetPool(pool) => ("reset-pool", pool),
            Self::ResetVoicemailPorts(server) => ("reset-voicemail-ports", server),
            Self::ResetAllDevices => ("reset-all-devices", ""),
        }
    }

    fn from_parts(action: &str, subject: String) -> Result<Self> {
        Ok(match action {
            "restart-ctl-provider" => Self::RestartCtlProvider,
            "restart-capf" => Self::RestartCapf,
            "restart-call-manager" => Self::RestartCallManager,
            "restart-tftp" => Self::RestartTftp,
            "reset-device" => Self::ResetDevice(subject.parse()?),
            "reset-dependents" => Self::ResetDependents(subject),
            "reset-pool" => Self::ResetPool(subject),
            "reset-voicemail-ports" => Self::ResetVoicemailPorts(subject),
            "reset-all-devices" => Self::ResetAllDevices,
            _ => return Err(Error::Corrupt(format!("unknown action {action:?}"))),
        })
    }

    /// The service it restarts, on every node that runs it.
    pub fn restarts(&self) -> Option<Service> {
        match self {
            Self::RestartCtlProvider => Some(Service::CtlProvider),
            Self::RestartCapf => Some(Service::Capf),
            Self::RestartCallManager => Some(Service::CallManager),
            Self::RestartTftp => Some(Service::Tftp),
            Self::ResetDevice(_)
            | Self::ResetDependents(_)
            | Self::ResetPool(_)
            | Self::ResetVoicemailPorts(_)
            | Self::ResetAllDevices => None,
        }
    }

    /// Whether phones lose calls by it: then [`RESET_ENDS_CALLS`] is said first.
    pub fn resets_phones(&self) -> bool {
        self.restarts().is_none()
    }
}

impl Say for Action {
    fn say(&self, language: Language) -> String {
        let (_, subject) = self.parts();
        match self {
            Self::RestartCtlProvider => RESTART_CTL_PROVIDER,
            Self::RestartCapf => RESTART_CAPF,
            Self::RestartCallManager => RESTART_CALL_MANAGER,
            Self::RestartTftp => RESTART_TFTP,
            Self::ResetDevice(_) => RESET_DEVICE,
            Self::ResetDependents(_) => RESET_DEPENDENTS,
            Self::ResetPool(_) => RESET_POOL,
            Self::ResetVoicemailPorts(_) => RESET_VOICEMAIL_PORTS,
            Self::ResetAllDevices => RESET_ALL_DEVICES,
        }
        .fill(language, &[("subject", &subject)])
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.say(Language::English))
    }
}

/// An action that waits to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What. A restart is done on a node when its service was started later than `since`.
    pub action: Action,
    /// When it was last asked for.
    pub since: SystemTime,
}

impl View<'_> {
    /// The restarts and resets that changes asked for and nobody has done yet, in the order to do
    /// them.
    pub fn due(&mut self) -> Result<Vec<Due>> {
        let rows = self.sql.query("SELECT action, subject, since FROM due_action", &[])?;
        let mut due = Vec::with_capacity(rows.len());
        for mut row in rows {
            let action: String = row.next()?;
            let action = Action::from_parts(&action, row.next()?)?;
            due.push(Due { action, since: time(row.next()?) });
        }
        due.sort_by(|a, b| a.action.cmp(&b.action));
        Ok(due)
    }

    pub(crate) fn write_due(&mut self, actions: &[Action], at: u64) -> Result<()> {
        for action in actions {
            let (action, subject) = action.parts();
            self.sql.execute(
                "INSERT INTO due_action (action, subject, since) VALUES ($1, $2, $3)
                    ON CONFLICT (action, subject) DO UPDATE SET since = excluded.since",
                values![action, subject, at],
            )?;
        }
        Ok(())
    }
}

impl Change<'_> {
    /// Notes that an action was done in the whole cluster. Resetting all devices does what waits
    /// for single ones too.
    pub fn done(&mut self, action: &Action) -> Result<()> {
        for due in self.due()? {
            let covered = *action == Action::ResetAllDevices && due.action.resets_phones();
            if due.action == *action || covered {
                let (name, subject) = due.action.parts();
                self.view.sql.execute(
                    "DELETE FROM due_action WHERE action = $1 AND subject = $2",
                    values![name, subject],
                )?;
                self.record("due-action", name, json(&due.action), None);
            }
        }
        Ok(())
    }
}

const RESTART_CTL_PROVIDER: Text = Text::new(
    "Restart the CTL Provider on every node.",
    "全ノードの CTL Provider を再起動してください。",
);
const RESTART_CAPF: Text =
    Text::new("Restart CAPF on the publisher.", "パブリッシャの CAPF を再起動してください。");
const RESTART_CALL_MANAGER: Text = Text::new(
    "Restart CallManager on every node.",
    "全ノードの CallManager を再起動してください。",
);
const RESTART_TFTP: Text =
    Text::new("Restart TFTP on every node.", "全ノードの TFTP を再起動してください。");
const RESET_DEVICE: Text =
    Text::new("Reset the device {subject}.", "デバイス {subject} をリセットしてください。");
const RESET_DEPENDENTS: Text = Text::new(
    "Reset the devices that use the SRST reference {subject}.",
    "SRST 参照先 {subject} を使うデバイスをリセットしてください。",
);
const RESET_POOL: Text = Text::new(
    "Reset the devices of the pool {subject}.",
    "プール {subject} のデバイスをリセットしてください。",
);
const RESET_VOICEMAIL_PORTS: Text = Text::new(
    "Reset the ports of the voicemail server {subject}.",
    "ボイスメールサーバ {subject} のポートをリセットしてください。",
);
const RESET_ALL_DEVICES: Text =
    Text::new("Reset all devices.", "全デバイスをリセットしてください。");
