//! `ringfence phone`: telephones, their lines and what is shown of them.

mod bulk;
mod list;
mod reset;
mod show;

use std::path::PathBuf;

use clap::Subcommand;
use console::{
    AddDevice, AddPhoneLine, AddSpeedDial, DeviceChanges, ListModels, ListPhones, PhoneFilter,
    RemoveDevice, RemovePhoneLine, RemoveSpeedDial, ResetKind, SetDevice, SetPhones, ShowPhone,
};
use store::{DeviceName, Model, Number};

use super::Asking;
use crate::Style;
use crate::failure::Result;

pub use reset::{may_reset, tell as tell_reset};

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Show phones: all, or those that match.
    List {
        #[command(flatten)]
        filter: PhoneFilter,
    },
    /// Show everything about one phone.
    Show { name: DeviceName },
    /// Add a phone.
    Add {
        /// `SEP` and its MAC address.
        name: DeviceName,
        /// 7902, 7905, 7910, 7912, 7940, 7960, 7970 or 7971.
        model: Model,
        #[command(flatten)]
        changes: DeviceChanges,
    },
    /// Change what is given of one phone, or of all that match; leave the rest.
    Set {
        #[arg(required_unless_present_any = ["all", "matching"])]
        name: Option<DeviceName>,
        /// All phones.
        #[arg(long, conflicts_with = "name")]
        all: bool,
        /// Phones that match, such as security-mode=non-secure,model=7960; keys as the options of
        /// `phone list`.
        #[arg(long, value_name = "KEY=VALUE,…", conflicts_with_all = ["name", "all"])]
        matching: Option<PhoneFilter>,
        /// Only tell what would come of it.
        #[arg(long, conflicts_with = "name")]
        dry_run: bool,
        #[command(flatten)]
        changes: DeviceChanges,
    },
    /// Change many phones as the rows of a CSV file say: name, and any of the options of `phone
    /// set` with `_` for `-`. What is empty stays as it is. Run again after an interruption, it
    /// goes on where it stopped.
    Bulk {
        /// The file; its first row names the columns, in any order.
        file: PathBuf,
        /// Only tell what would come of it.
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove phones. Their lines stay.
    Remove {
        #[arg(required = true)]
        names: Vec<DeviceName>,
    },
    /// The lines of a phone, by its buttons.
    #[command(subcommand)]
    Line(LineVerb),
    /// The buttons of a phone that dial.
    #[command(subcommand)]
    SpeedDial(SpeedDialVerb),
    /// Make phones start anew: they fetch firmware and files, and register. Calls through gateways
    /// end.
    Reset(reset::Args),
    /// Make phones fetch their configuration and register again. Calls through gateways end.
    Restart(reset::Args),
    /// Show what each model can do for security.
    Models,
}

#[derive(Subcommand)]
pub enum LineVerb {
    /// Give a phone a line. A number that another phone has becomes a shared line.
    Add {
        name: DeviceName,
        /// The number.
        number: Number,
        /// Which button, from 1 [default: the one behind the others].
        #[arg(long)]
        button: Option<u8>,
    },
    /// Take a line from a phone.
    Remove {
        name: DeviceName,
        /// The number.
        number: Number,
    },
}

#[derive(Subcommand)]
pub enum SpeedDialVerb {
    /// Give a phone a button that dials.
    Add {
        name: DeviceName,
        /// What it dials.
        number: Number,
        /// What stands beside it.
        label: String,
    },
    /// Take a button that dials from a phone.
    Remove {
        name: DeviceName,
        /// Which of its speed dials, from 1.
        position: u8,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::List { filter } => list::phones(&daemon.ask(style, &ListPhones { filter })?, style),
        Verb::Show { name } => show::run(&daemon.ask(style, &ShowPhone { name })?, style),
        Verb::Add { name, model, changes } => {
            daemon.change(style, &AddDevice { name, model, changes })
        }
        Verb::Set { name: Some(name), changes, .. } => {
            daemon.change(style, &SetDevice { name, changes, dry_run: false })
        }
        Verb::Set { name: None, all: _, matching, dry_run, changes } => {
            let filter = matching.unwrap_or_default();
            let changed = daemon.ask(style, &SetPhones { filter, changes, dry_run })?;
            list::changed(&changed, dry_run, style)
        }
        Verb::Bulk { file, dry_run } => bulk::run(&daemon, &file, dry_run, style),
        Verb::Remove { names } => {
            let mut outcome = crate::Outcome::Done;
            for name in names {
                outcome = daemon.change(style, &RemoveDevice { name })?;
            }
            Ok(outcome)
        }
        Verb::Line(LineVerb::Add { name, number, button }) => {
            daemon.change(style, &AddPhoneLine { name, number, button })
        }
        Verb::Line(LineVerb::Remove { name, number }) => {
            daemon.change(style, &RemovePhoneLine { name, number })
        }
        Verb::SpeedDial(SpeedDialVerb::Add { name, number, label }) => {
            daemon.change(style, &AddSpeedDial { name, number, label })
        }
        Verb::SpeedDial(SpeedDialVerb::Remove { name, position }) => {
            daemon.change(style, &RemoveSpeedDial { name, position })
        }
        Verb::Reset(args) => reset::run(&daemon, args, ResetKind::Reset, style),
        Verb::Restart(args) => reset::run(&daemon, args, ResetKind::Restart, style),
        Verb::Models => list::models(&daemon.ask(style, &ListModels {})?, style),
    }
}
