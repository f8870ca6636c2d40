//! `ringfence admin`: those who may log in.

use clap::Subcommand;
use console::{ListAdministrators, PutAdministrator, RemoveAdministrator};
use lang::Text;
use store::{Administrator, AdministratorRole};

use super::Asking;
use crate::failure::Result;
use crate::output::{self, Format};
use crate::secret::PasswordSource;
use crate::{Outcome, Style};

pub type Args = Asking<Verb>;

#[derive(Subcommand)]
pub enum Verb {
    /// Show all administrators.
    List,
    /// Add an administrator, or give one another role or password.
    Put {
        /// The name to log in with.
        name: String,
        /// administrator, operator, capture, auditor or monitor.
        #[arg(long, default_value = "administrator")]
        role: AdministratorRole,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Remove an administrator.
    Remove { name: String },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::List => list(&daemon.ask(style, &ListAdministrators {})?, style),
        Verb::Put { name, role, password } => {
            let prompt = PASSWORD.fill(style.language, &[("name", &name)]);
            let password = password.fresh(&prompt, style)?;
            daemon.change(style, &PutAdministrator { name, role, password })
        }
        Verb::Remove { name } => daemon.change(style, &RemoveAdministrator { name }),
    }
}

fn list(administrators: &[Administrator], style: Style) -> Result {
    match style.format {
        Format::Json => output::json(&administrators)?,
        Format::Table => output::table(
            ADMINISTRATORS.get(style.language),
            COLUMNS.map(|column| column.get(style.language)),
            administrators.iter().map(|a| [a.name.clone(), a.role.to_string()]),
        )?,
    }
    Ok(Outcome::Done)
}

const ADMINISTRATORS: Text = Text::new("Administrators", "管理者");
const COLUMNS: [Text; 2] = [Text::new("name", "名前"), Text::new("role", "役割")];
const PASSWORD: Text = Text::new("New password for {name}", "{name} の新しいパスワード");
