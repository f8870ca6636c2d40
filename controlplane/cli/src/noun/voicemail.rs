//! `ringfence voicemail`: voicemail servers and their ports.

use std::path::PathBuf;

use clap::Subcommand;
use console::{
    AddVoicemail, AddVoicemailPorts, CopyVoicemailRoot, ListVoicemail, ListVoicemailPorts,
    NewVoicemailPorts, RemoveVoicemail, RemoveVoicemailPort, RemoveVoicemailRoot, ResetVoicemail,
    SetVoicemail, SetVoicemailPort, VoicemailPortChanges, VoicemailPortView, VoicemailView,
};
use lang::{Say, Text};
use pki::Certificate;
use store::{DeviceSecurityMode, PortName};

use super::{Asking, capf, phone};
use crate::Style;
use crate::failure::Result;
use crate::output;

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Show all voicemail servers, their root certificates, and how many ports are registered.
    List,
    /// Add a voicemail server with its first ports, all in one mode. A call that a port does not
    /// take goes to the next one.
    Add {
        /// Its name, which those of its ports begin with.
        name: String,
        /// Device Security Mode of its ports, which they have on both sides.
        #[arg(long, value_name = "MODE", default_value = "non-secure")]
        security_mode: DeviceSecurityMode,
        #[command(flatten)]
        ports: NewVoicemailPorts,
    },
    /// Add ports to a voicemail server; they have the mode of the server.
    AddPorts {
        /// The voicemail server.
        server: String,
        #[command(flatten)]
        ports: NewVoicemailPorts,
    },
    /// Set all ports of a voicemail server, and those to come, to a mode.
    Set {
        /// Its name.
        name: String,
        /// Device Security Mode.
        #[arg(long, value_name = "MODE")]
        security_mode: DeviceSecurityMode,
    },
    /// Copy the root certificate of a voicemail server to every node.
    Certificate {
        /// The voicemail server.
        server: String,
        /// File with the certificate, PEM.
        #[arg(required_unless_present = "remove")]
        file: Option<PathBuf>,
        /// Take it from every node instead.
        #[arg(long, conflicts_with = "file")]
        remove: bool,
    },
    /// Remove a voicemail server with its ports and its certificate.
    Remove {
        /// Its name.
        name: String,
    },
    /// Show ports and their registrations.
    Ports {
        /// Of this voicemail server only.
        #[arg(long, value_name = "NAME")]
        server: Option<String>,
        /// Those set to this Device Security Mode only.
        #[arg(long, value_name = "MODE")]
        security_mode: Option<DeviceSecurityMode>,
    },
    /// Change what is given of a port, leave the rest.
    SetPort {
        /// Its name, like CiscoUM1-VI1.
        name: PortName,
        #[command(flatten)]
        changes: VoicemailPortChanges,
    },
    /// Remove a port. Its line stays.
    RemovePort {
        /// Its name, like CiscoUM1-VI1.
        name: PortName,
    },
    /// Tell the ports of a voicemail server to register anew.
    Reset {
        /// Its name.
        name: String,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::List => list(&daemon.ask(style, &ListVoicemail {})?, style),
        Verb::Add { name, security_mode, ports } => {
            daemon.change(style, &AddVoicemail { name, security_mode, ports })
        }
        Verb::AddPorts { server, ports } => {
            daemon.change(style, &AddVoicemailPorts { server, ports })
        }
        Verb::Set { name, security_mode } => {
            daemon.change(style, &SetVoicemail { name, security_mode })
        }
        Verb::Certificate { server, file: Some(file), .. } => {
            let certificate = capf::as_pem(&capf::read(&file, Certificate::MAX_SIZE as u64 * 2)?);
            daemon.change(style, &CopyVoicemailRoot { server, certificate })
        }
        Verb::Certificate { server, file: None, .. } => {
            daemon.change(style, &RemoveVoicemailRoot { server })
        }
        Verb::Remove { name } => daemon.change(style, &RemoveVoicemail { name }),
        Verb::Ports { server, security_mode } => {
            ports(&daemon.ask(style, &ListVoicemailPorts { server, security_mode })?, style)
        }
        Verb::SetPort { name, changes } => {
            daemon.change(style, &SetVoicemailPort { name, changes })
        }
        Verb::RemovePort { name } => daemon.change(style, &RemoveVoicemailPort { name }),
        Verb::Reset { name } => {
            phone::tell_reset(&daemon.ask(style, &ResetVoicemail { name })?, style)
        }
    }
}

fn list(servers: &[VoicemailView], style: Style) -> Result {
    output::list(servers, style, SERVERS, SERVER_COLUMNS, |server| {
        let root = server.root.as_ref();
        [
            server.name.clone(),
            server.security_mode.to_string(),
            server.ports.to_string(),
            server.registered.to_string(),
            root.map_or_else(|| "-".to_owned(), |it| it.sha256[..16].to_owned()),
            root.map_or_else(|| "-".to_owned(), |it| it.not_after[..10].to_owned()),
        ]
    })
}

fn ports(ports: &[VoicemailPortView], style: Style) -> Result {
    output::list(ports, style, PORTS, PORT_COLUMNS, |port| {
        let registration = port.registration.as_ref();
        [
            port.name.to_string(),
            port.number.to_string(),
            port.security_mode.to_string(),
            port.pool.clone(),
            registration.map_or_else(|| NO.say(style.language), |it| it.security.to_string()),
            registration.map_or_else(|| "-".to_owned(), |it| it.from.clone()),
        ]
    })
}

const SERVERS: Text = Text::new("Voicemail servers", "ボイスメールサーバ");
const SERVER_COLUMNS: [Text; 6] = [
    Text::new("name", "名前"),
    Text::new("mode", "モード"),
    Text::new("ports", "ポート数"),
    Text::new("registered", "登録済み"),
    Text::new("root certificate", "ルート証明書"),
    Text::new("until", "有効期限"),
];
const PORTS: Text = Text::new("Voicemail ports", "ボイスメールポート");
const PORT_COLUMNS: [Text; 6] = [
    Text::new("name", "名前"),
    Text::new("number", "番号"),
    Text::new("mode", "モード"),
    Text::new("pool", "プール"),
    Text::new("registered", "登録"),
    Text::new("from", "送信元"),
];
const NO: Text = Text::new("no", "なし");
