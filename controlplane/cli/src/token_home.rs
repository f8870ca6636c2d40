//! What this machine remembers of security tokens: who may issue them, and wrong passwords.

use std::path::{Path, PathBuf};

use lang::Language;
use pki::Certificate;
use pki::token::{Authorities, Ledger, PasswordPolicy, Reader, TokenAuthority};

use crate::Style;
use crate::failure::Failure;
use crate::state;

/// How tokens are read here.
#[derive(clap::Args)]
pub struct TokenHome {
    /// Directory of what this machine remembers of tokens: `trusted/*.cer`, the certificates of
    /// those whose tokens are taken, and `tries/`, wrong passwords in a row
    /// [default: ringfence/tokens in XDG_STATE_HOME or ~/.local/state].
    #[arg(long, global = true, value_name = "DIR", env = "RINGFENCE_TOKEN_HOME")]
    token_home: Option<PathBuf>,
    /// Refuse a token that still has its default password.
    #[arg(long, global = true)]
    require_new_password: bool,
}

/// Directory of the authority that issues tokens made here.
const AUTHORITY: &str = "authority";
const TRUSTED: &str = "trusted";
const TRIES: &str = "tries";

impl TokenHome {
    /// A reader of tokens.
    pub fn reader(&self, style: Style) -> Result<Reader, Failure> {
        let directory = self.directory()?;
        let ledger = Ledger::open(&directory.join(TRIES))
            .map_err(|error| Failure::explained(&error, style.language))?;
        let policy = match self.require_new_password {
            true => PasswordPolicy::ChangeRequired,
            false => PasswordPolicy::DefaultAllowed,
        };
        let authorities = trusted(&directory.join(TRUSTED), style.language)?;
        Ok(Reader { ledger, authorities: Authorities::new(authorities), policy })
    }

    /// The authority that issues tokens made here; it is made and trusted with the first one.
    pub fn authority(&self, style: Style) -> Result<TokenAuthority, Failure> {
        let directory = self.directory()?;
        for part in [AUTHORITY, TRUSTED] {
            std::fs::create_dir_all(directory.join(part))?;
        }
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let now = std::time::SystemTime::now();
        let authority = TokenAuthority::open_or_create(&directory.join(AUTHORITY), &host, now)
            .map_err(|error| Failure::explained(&error, style.language))?;
        let certificate = authority.certificate();
        let file = directory.join(TRUSTED).join(format!("{}.cer", certificate.thumbprint()));
        if !file.exists() {
            durable::replace(&file, certificate.der(), durable::Readers::Everybody)?;
        }
        Ok(authority)
    }

    fn directory(&self) -> Result<PathBuf, Failure> {
        match &self.token_home {
            Some(directory) => Ok(directory.clone()),
            None => state::file("tokens"),
        }
    }
}

fn trusted(directory: &Path, language: Language) -> Result<Vec<Certificate>, Failure> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Ok(Vec::new()) };
    let mut certificates = Vec::new();
    for entry in entries {
        let file = entry?.path();
        if file.extension().is_some_and(|suffix| suffix == "cer") {
            let certificate = pki::check::read(&file).and_then(|der| Certificate::parse(&der));
            certificates.push(certificate.map_err(|error| Failure::explained(&error, language))?);
        }
    }
    Ok(certificates)
}
