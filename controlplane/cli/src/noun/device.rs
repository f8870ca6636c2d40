//! `ringfence device`: phones.

use clap::Subcommand;
use console::{
    AddDevice, DeviceChanges, DeviceErased, DeviceLog, DeviceView, FileRequestView, ListDevices,
    RemoveDevice, ResetDevices, SetDevice, ShowDevice,
};
use lang::Text;
use store::{DeviceName, Model};

use super::{Asking, capf};
use crate::failure::Result;
use crate::output::{self, Format};
use crate::{Outcome, Style};

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Add a phone.
    Add {
        /// `SEP` and its MAC address.
        name: DeviceName,
        /// 7902, 7905, 7910, 7912, 7940, 7960, 7970 or 7971.
        model: Model,
        #[command(flatten)]
        changes: DeviceChanges,
    },
    /// Show all phones.
    List,
    /// Show everything about one phone.
    Show { name: DeviceName },
    /// Change what is given, leave the rest.
    Set {
        name: DeviceName,
        #[command(flatten)]
        changes: DeviceChanges,
    },
    /// What CAPF shall do with a phone, and what came of it.
    #[command(subcommand)]
    Capf(capf::phone::Verb),
    /// Remove a phone.
    Remove { name: DeviceName },
    /// Show what a phone asked the node for whose daemon is asked.
    Log { name: DeviceName },
    /// Say that the CTL file of a phone was erased by hand: it will take the next one.
    Erased { name: DeviceName },
    /// Make a phone, or all, fetch their files again. Calls through gateways end.
    Reset {
        #[arg(required_unless_present = "all")]
        name: Option<DeviceName>,
        /// All devices of the cluster.
        #[arg(long, conflicts_with = "name")]
        all: bool,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::Add { name, model, changes } => {
            daemon.change(style, &AddDevice { name, model, changes })
        }
        Verb::List => list(&daemon.ask(style, &ListDevices {})?, style),
        Verb::Show { name } => show(&daemon.ask(style, &ShowDevice { name })?, style),
        Verb::Set { name, changes } => {
            daemon.change(style, &SetDevice { name, changes, dry_run: false })
        }
        Verb::Capf(verb) => capf::phone::run(&daemon, verb, style),
        Verb::Remove { name } => daemon.change(style, &RemoveDevice { name }),
        Verb::Log { name } => log(&daemon.ask(style, &DeviceLog { name })?, style),
        Verb::Erased { name } => daemon.change(style, &DeviceErased { name }),
        Verb::Reset { name, all: _ } => daemon.change(style, &ResetDevices { name }),
    }
}

fn list(devices: &[DeviceView], style: Style) -> Result {
    output::list(
        devices,
        style,
        DEVICES,
        COLUMNS,
        |DeviceView { device, directory_number, effective_mode }| {
            [
                device.name.to_string(),
                device.model.to_string(),
                device.security_mode.to_string(),
                effective_mode.to_string(),
                directory_number.clone(),
                device.owner.clone(),
                device.description.clone(),
            ]
        },
    )
}

fn show(view: &DeviceView, style: Style) -> Result {
    match style.format {
        Format::Json => output::json(view)?,
        Format::Table => output::fields(view)?,
    }
    Ok(Outcome::Done)
}

fn log(requests: &[FileRequestView], style: Style) -> Result {
    output::list(requests, style, REQUESTS, REQUEST_COLUMNS, |request| {
        [
            request.at.clone(),
            request.from.clone(),
            request.file.clone(),
            request.size.map_or_else(|| "-".into(), |size| size.to_string()),
            request.result.clone(),
            request.rule.clone().unwrap_or_default(),
        ]
    })
}

const DEVICES: Text = Text::new("Devices", "デバイス");
const COLUMNS: [Text; 7] = [
    Text::new("name", "名前"),
    Text::new("model", "機種"),
    Text::new("set to", "設定"),
    Text::new("in force", "有効なモード"),
    Text::new("number", "番号"),
    Text::new("owner", "所有者"),
    Text::new("description", "説明"),
];
const REQUESTS: Text = Text::new("Requests", "要求");
const REQUEST_COLUMNS: [Text; 6] = [
    Text::new("time", "日時"),
    Text::new("from", "送信元"),
    Text::new("file", "ファイル"),
    Text::new("bytes", "バイト"),
    Text::new("result", "結果"),
    Text::new("answered by", "応答の元"),
];
