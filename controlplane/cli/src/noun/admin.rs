//! `ringfence admin`: those who may log in.

use clap::Subcommand;
use console::{
    CreateToken, ListAdministrators, ListTokens, PutAdministrator, RemoveAdministrator,
    RemoveToken, TokenView,
};
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
    /// Remove an administrator, with the tokens that act for it.
    Remove { name: String },
    /// API tokens: what programs show to the REST interface.
    #[command(subcommand)]
    Token(TokenVerb),
}

#[derive(Subcommand)]
pub enum TokenVerb {
    /// Show all tokens, without their secrets.
    List,
    /// Make a token. What the program shows is printed this once.
    Create {
        /// What people call it.
        name: String,
        /// The administrator it acts for.
        #[arg(long)]
        owner: String,
        /// The most it may do; never more than its owner.
        #[arg(long, default_value = "monitor")]
        role: AdministratorRole,
        /// How many days it is good [default: until it is removed].
        #[arg(long)]
        days: Option<u32>,
    },
    /// Remove a token.
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
        Verb::Token(TokenVerb::List) => list_tokens(&daemon.ask(style, &ListTokens {})?, style),
        Verb::Token(TokenVerb::Create { name, owner, role, days }) => {
            let made = daemon.ask(style, &CreateToken { name, owner, role, days })?;
            match style.format {
                Format::Json => output::json(&made)?,
                Format::Table => println!("{}", made.secret.expose()),
            }
            Ok(Outcome::Done)
        }
        Verb::Token(TokenVerb::Remove { name }) => daemon.change(style, &RemoveToken { name }),
    }
}

fn list_tokens(tokens: &[TokenView], style: Style) -> Result {
    output::list(tokens, style, TOKENS, TOKEN_COLUMNS, |token| {
        let expires = token.expires.clone().unwrap_or_default();
        [token.name.clone(), token.owner.clone(), token.role.to_string(), expires]
    })
}

fn list(administrators: &[Administrator], style: Style) -> Result {
    output::list(administrators, style, ADMINISTRATORS, COLUMNS, |a| {
        [a.name.clone(), a.role.to_string()]
    })
}

const ADMINISTRATORS: Text = Text::new("Administrators", "管理者");
const COLUMNS: [Text; 2] = [Text::new("name", "名前"), Text::new("role", "役割")];
const TOKENS: Text = Text::new("API tokens", "API トークン");
const TOKEN_COLUMNS: [Text; 4] = [
    Text::new("name", "名前"),
    Text::new("owner", "所有者"),
    Text::new("role", "役割"),
    Text::new("expires", "有効期限"),
];
const PASSWORD: Text = Text::new("New password for {name}", "{name} の新しいパスワード");
