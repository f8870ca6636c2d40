//! `ringfence token`: security tokens, which sign the CTL file.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Subcommand;
use console::Secret;
use lang::{Language, Say, Text};
use pki::KeyKind;
use pki::token::{
    self, Cost, Location, MAX_WRONG_PASSWORDS, Password, Pkcs11Init, Pkcs11Uri, TokenInfo,
};
use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::secret::PasswordSource;
use crate::token_home::TokenHome;
use crate::{Outcome, Style};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    home: TokenHome,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a new token: a key, and a certificate issued by this machine's token authority.
    ///
    /// The password is the default one, Cisco123, unless a file gives another.
    Init {
        /// A file ending in .token, or a PKCS#11 URI such as
        /// `pkcs11:slot-id=0?module-path=/usr/lib/softhsm/libsofthsm2.so`. A PKCS#11 token is
        /// erased.
        #[arg(value_parser = location)]
        location: Location,
        /// Its name.
        #[arg(long)]
        label: String,
        /// The kind of its key: rsa1024 or rsa2048.
        #[arg(long, value_name = "KIND", default_value = "rsa2048", value_parser = key_kind)]
        key: KeyKind,
        /// File whose first line is its password.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// File whose first line is the security officer's password; PKCS#11 only.
        #[arg(long, value_name = "FILE")]
        so_password_file: Option<PathBuf>,
    },
    /// Show all tokens of directories and PKCS#11 modules.
    List {
        /// Files, directories, or PKCS#11 URIs such as
        /// `pkcs11:?module-path=/usr/lib/softhsm/libsofthsm2.so`.
        #[arg(required = true, value_parser = location)]
        locations: Vec<Location>,
    },
    /// Show everything about one token.
    Show {
        #[arg(value_parser = location)]
        location: Location,
    },
    /// Change the password of a token.
    Passwd {
        #[arg(value_parser = location)]
        location: Location,
        #[command(flatten)]
        password: PasswordSource,
        /// File whose first line is the new password [default: ask for it].
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
    },
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let home = args.home;
    match args.verb {
        Verb::Init { location, label, key, password_file, so_password_file } => {
            let authority = home.authority(style)?;
            let password = match password_file {
                Some(file) => password(&PasswordSource::file(file).known("")?, style)?,
                None => Password::default_one(),
            };
            let now = SystemTime::now();
            let made = match &location {
                Location::Software(file) => token::init_software(
                    file,
                    &label,
                    key,
                    &password,
                    Cost::STANDARD,
                    &authority,
                    now,
                )
                .map(|_| location),
                Location::Pkcs11(uri) => {
                    let source = so_password_file.map(PasswordSource::file).unwrap_or_default();
                    let so =
                        self::password(&source.known(&SO_PASSWORD.say(style.language))?, style)?;
                    let init = Pkcs11Init {
                        label: &label,
                        kind: key,
                        so_password: &so,
                        password: &password,
                    };
                    // Before, it was the only blank one; now it has a name.
                    let named = Pkcs11Uri { token: Some(label.clone()), ..uri.clone() };
                    token::init_pkcs11(uri, &init, &authority, now).map(|_| Location::Pkcs11(named))
                }
            };
            let made = made.map_err(|error| Failure::explained(&error, style.language))?;
            show(&present(&home, &made, style)?, style)
        }
        Verb::List { locations } => {
            let explain = |error| Failure::explained(&error, style.language);
            let mut found = Vec::new();
            for location in locations {
                found.extend(location.tokens().map_err(explain)?);
            }
            let (mut shown, mut outcome) = (Vec::new(), Outcome::Done);
            for token in &found {
                match present(&home, token, style) {
                    Ok(token) => shown.push(token),
                    Err(failure) if found.len() == 1 => return Err(failure),
                    // One that cannot be read hides no other.
                    Err(failure) => {
                        eprintln!("ringfence: {failure}");
                        outcome = Outcome::Partial;
                    }
                }
            }
            list(&shown, style)?;
            Ok(outcome)
        }
        Verb::Show { location } => show(&present(&home, &location, style)?, style),
        Verb::Passwd { location, password: known, new_password_file } => {
            let explain = |error| Failure::explained(&error, style.language);
            let presented =
                home.reader(style)?.present(&location, SystemTime::now()).map_err(explain)?;
            let label = &presented.info().label;
            let old = known.known(&PASSWORD.fill(style.language, &[("label", label)]))?;
            let source = new_password_file.map(PasswordSource::file).unwrap_or_default();
            let new = source.fresh(&NEW_PASSWORD.say(style.language), style)?;
            presented
                .change_password(&password(&old, style)?, &password(&new, style)?)
                .map_err(explain)?;
            println!("{}", CHANGED.fill(style.language, &[("label", label)]));
            Ok(Outcome::Done)
        }
    }
}

/// Reads where a token is.
pub fn location(text: &str) -> std::result::Result<Location, String> {
    Location::parse(text).map_err(|error| error.to_string())
}

fn key_kind(name: &str) -> std::result::Result<KeyKind, String> {
    let usable = |kind: &KeyKind| matches!(kind, KeyKind::Rsa1024 | KeyKind::Rsa2048);
    KeyKind::from_name(name)
        .filter(usable)
        .ok_or_else(|| "phones take trust lists signed with rsa1024 or rsa2048".to_owned())
}

/// What the command line read, as tokens take it.
pub fn password(secret: &Secret, style: Style) -> std::result::Result<Password, Failure> {
    Password::new(secret.expose()).map_err(|error| Failure::explained(&error, style.language))
}

/// A token as it is printed.
#[derive(Serialize)]
struct Shown {
    label: String,
    id: String,
    subject: String,
    issuer: String,
    serial: String,
    key: String,
    not_before: String,
    not_after: String,
    tries_left: u32,
    locked: bool,
}

fn present(
    home: &TokenHome,
    location: &Location,
    style: Style,
) -> std::result::Result<Shown, Failure> {
    let presented = home
        .reader(style)?
        .present(location, SystemTime::now())
        .map_err(|error| Failure::explained(&error, style.language))?;
    let TokenInfo { label, id, certificate, wrong_passwords, locked } = presented.info().clone();
    Ok(Shown {
        label,
        id,
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: pki::certificate::hex(certificate.serial()),
        key: certificate.public_key().describe(),
        not_before: pki::check::day(certificate.not_before()),
        not_after: pki::check::day(certificate.not_after()),
        tries_left: if locked { 0 } else { MAX_WRONG_PASSWORDS - wrong_passwords },
        locked,
    })
}

fn list(tokens: &[Shown], style: Style) -> Result {
    output::list(tokens, style, TOKENS, COLUMNS, |token| {
        [
            token.label.clone(),
            token.serial.clone(),
            token.issuer.clone(),
            token.key.clone(),
            token.not_after.clone(),
            tries(token, style.language),
        ]
    })
}

fn tries(token: &Shown, language: Language) -> String {
    if token.locked { LOCKED.say(language) } else { token.tries_left.to_string() }
}

fn show(token: &Shown, style: Style) -> Result {
    match style.format {
        Format::Json => output::json(token)?,
        Format::Table => output::fields(token)?,
    }
    Ok(Outcome::Done)
}

const TOKENS: Text = Text::new("Security tokens", "セキュリティトークン");
const COLUMNS: [Text; 6] = [
    Text::new("name", "名前"),
    Text::new("serial number", "シリアル番号"),
    Text::new("issuer", "発行者"),
    Text::new("key", "鍵"),
    Text::new("valid until", "有効期限"),
    Text::new("tries left", "残り試行回数"),
];
const LOCKED: Text = Text::new("locked", "ロック");
const PASSWORD: Text = Text::new(
    "Password of the security token {label}",
    "セキュリティトークン {label} のパスワード",
);
const SO_PASSWORD: Text = Text::new(
    "Password of the token's security officer",
    "トークンのセキュリティ担当者 (SO) のパスワード",
);
const NEW_PASSWORD: Text = Text::new("New password", "新しいパスワード");
const CHANGED: Text =
    Text::new("The password of {label} is changed.", "{label} のパスワードを変更しました。");
