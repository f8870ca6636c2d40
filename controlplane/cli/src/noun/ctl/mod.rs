//! `ringfence ctl`: the trust list. This is the CTL client: it talks to the CTL Providers of the
//! cluster, wherever it runs.

pub mod edit;
mod file;
mod report;
pub mod session;
pub mod sign;
mod status;
mod wizard;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use console::Status;
use lang::Text;
use pki::token::Location;
use store::SecurityMode;

use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::noun::token::location;
use crate::output::{self, Format};
use crate::token_home::TokenHome;
use crate::{Outcome, Style};
use edit::Alternate;
use session::{Client, Session};
use sign::Signing;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    client: Client,
    #[command(flatten)]
    home: TokenHome,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Create the CTL file, asking step by step.
    Wizard,
    /// Create the CTL file and set the mode. Present at least two tokens; the last one signs.
    Create {
        #[arg(long, value_enum, default_value_t = Mode::Mixed)]
        mode: Mode,
        #[command(flatten)]
        signing: Signing,
    },
    /// Sign what changed in the cluster since the file was signed, and what was entered and not
    /// signed, with a token of the file.
    Update {
        #[command(flatten)]
        signing: Signing,
    },
    /// Add tokens. They can sign from the next update on.
    AddToken {
        /// Files or PKCS#11 URIs of the tokens to add.
        #[arg(required = true, value_parser = location)]
        new: Vec<Location>,
        #[command(flatten)]
        signing: Signing,
    },
    /// Delete the entry of a token.
    DeleteToken {
        /// Its serial number, or its number in `ringfence ctl status`.
        entry: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// One token is lost: put a new one in its place.
    ReplaceToken {
        /// Serial number of the lost one, or its number in `ringfence ctl status`.
        lost: String,
        /// File or PKCS#11 URI of the new one.
        #[arg(value_parser = location)]
        new: Location,
        #[command(flatten)]
        signing: Signing,
    },
    /// Add a TFTP server of another cluster. Its certificate comes from a file or from its own
    /// CTL Provider.
    AddTftp {
        /// Its host name.
        name: String,
        /// Its address.
        address: IpAddr,
        #[command(flatten)]
        alternate: Alternate,
        #[command(flatten)]
        signing: Signing,
    },
    /// Delete an entry: a token or a TFTP server of another cluster.
    Delete {
        /// Its number in `ringfence ctl status`, its server, or its serial number.
        entry: String,
        #[command(flatten)]
        signing: Signing,
    },
    /// Set the cluster security mode.
    Mode {
        mode: Mode,
        #[command(flatten)]
        signing: Signing,
    },
    /// Bring every server to the file that was accepted last: finishes what was done in part.
    Push,
    /// Forget what was entered and not signed: the publisher keeps it for the next update.
    Discard,
    /// All tokens are lost: remove the CTL file from every node and set Non-Secure. Every phone
    /// must be erased by hand before a new file is created.
    LostAll,
    /// Show the file in force, the servers, the phones, and why an update is required.
    Status,
    /// Show a file.
    Show { file: PathBuf },
    /// Check that a file is intact, and that a phone with another one would take it.
    Verify {
        file: PathBuf,
        /// The file that the phone holds.
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
    },
    /// Show the MD5 of a file, or of the one in force: phones show it in their menu.
    Md5 {
        /// [default: the file in force, as ringfence-controld knows it].
        file: Option<PathBuf>,
        /// Compare with what a phone shows.
        #[arg(long, value_name = "MD5")]
        phone: Option<String>,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Show what changed from one file to another.
    Diff { old: PathBuf, new: PathBuf },
}

/// The cluster security mode as it is typed.
#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// 0: no device is secure.
    NonSecure,
    /// 1: secure and non-secure devices side by side.
    Mixed,
}

impl From<Mode> for SecurityMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::NonSecure => Self::NonSecure,
            Mode::Mixed => Self::Mixed,
        }
    }
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let Args { client, home, verb } = args;
    match verb {
        Verb::Show { file } => file::show(&file, style),
        Verb::Verify { file, against } => file::verify(&file, against.as_deref(), style),
        Verb::Md5 { file, phone, daemon } => md5(file, phone, &daemon, style),
        Verb::Diff { old, new } => file::diff(&old, &new, style),
        online => client.session(style, |session| perform(online, session, &home)),
    }
}

fn perform(verb: Verb, session: &Session<'_>, home: &TokenHome) -> Result {
    match verb {
        Verb::Wizard => wizard::run(session, home),
        Verb::Create { mode, signing } => edit::create(session, home, mode.into(), &signing),
        Verb::Update { signing } => edit::update(session, home, &signing),
        Verb::AddToken { new, signing } => edit::change(session, home, &signing, |editor| {
            new.iter().try_for_each(|token| editor.add_token(home, token))
        }),
        Verb::DeleteToken { entry, signing } | Verb::Delete { entry, signing } => {
            edit::change(session, home, &signing, |editor| editor.delete(&entry))
        }
        Verb::ReplaceToken { lost, new, signing } => {
            edit::change(session, home, &signing, |editor| {
                editor.add_token(home, &new)?;
                editor.delete(&lost)
            })
        }
        Verb::AddTftp { name, address, alternate, signing } => {
            edit::change(session, home, &signing, |editor| {
                editor.add_alternate(&name, address, &alternate)
            })
        }
        Verb::Mode { mode, signing } => edit::set_mode(session, home, mode.into(), &signing),
        Verb::Push => report::tell(&session.done(session.cluster.push_again())?, session.style),
        Verb::Discard => edit::discard(session),
        Verb::LostAll => edit::lost_all(session),
        Verb::Status => status::run(session),
        Verb::Show { .. } | Verb::Verify { .. } | Verb::Md5 { .. } | Verb::Diff { .. } => {
            unreachable!("done without a session")
        }
    }
}

fn md5(file: Option<PathBuf>, phone: Option<String>, daemon: &Daemon, style: Style) -> Result {
    let md5 = match file {
        Some(file) => pki::certificate::hex(&file::read(&file, style.language)?.md5()),
        None => daemon
            .ask(style, &Status {})?
            .ctl_md5
            .ok_or_else(|| Failure::explained(&cluster::list::ListFault::NoFile, style.language))?,
    };
    let same = phone.as_ref().map(|phone| {
        let digits: String = phone.chars().filter(char::is_ascii_hexdigit).collect();
        digits.eq_ignore_ascii_case(&md5)
    });
    match style.format {
        Format::Json => output::json(&serde_json::json!({ "md5": md5, "same": same }))?,
        Format::Table => println!("{md5}"),
    }
    match same {
        Some(false) => Err(Failure::failed(ANOTHER_FILE.get(style.language))),
        _ => Ok(Outcome::Done),
    }
}

const ANOTHER_FILE: Text = Text::new(
    "The phone holds another file than this one. Reset it; if it keeps the old one, its CTL file must be erased.",
    "電話機は別のファイルを保持しています。リセットしてください。古いファイルが残る場合は、電話機の CTL ファイルを消去する必要があります。",
);
