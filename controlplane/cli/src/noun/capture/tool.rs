//! This machine as a tool that attaches to the stream.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pki::issue::{self, Template, Usage};
use pki::keydir::KeyDir;
use pki::{Certificate, Hash, KeyKind, Name};
use serde::Serialize;
use srst::tls::Own;

use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

const CERTIFICATE: &str = "tool.cer";
const KEY: &str = "tool.key";
const VALIDITY: Duration = Duration::from_secs(2 * 365 * 24 * 3600);

/// Where it is.
#[derive(clap::Args)]
pub struct CertificateArgs {
    /// Directory of the tool's key and certificate, which are made there if they are not
    /// [default: ringfence/capture in XDG_STATE_HOME or ~/.local/state].
    #[arg(long, value_name = "DIR")]
    identity: Option<PathBuf>,
}

#[derive(Serialize)]
struct View {
    sha256: String,
    not_after: String,
    identity: PathBuf,
}

/// Makes it if need be, and shows it.
pub fn certificate(args: &CertificateArgs, style: Style) -> Result {
    let directory = super::identity(args.identity.as_ref())?;
    let certificate = open(&directory, style)?;
    let view = View {
        sha256: certificate.fingerprint(),
        not_after: pki::check::day(certificate.not_after()),
        identity: directory,
    };
    match style.format {
        Format::Json => output::json(&view)?,
        Format::Table => output::fields(&view)?,
    }
    Ok(Outcome::Done)
}

/// What it shows of itself.
pub fn own(directory: &Path, style: Style) -> std::result::Result<Own, Failure> {
    let certificate = open(directory, style)?;
    Ok(Own::new(&certificate, None, &directory.join(KEY)))
}

fn open(directory: &Path, style: Style) -> std::result::Result<Certificate, Failure> {
    std::fs::create_dir_all(directory)?;
    let now = SystemTime::now();
    let here = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let template = Template {
        subject: Name::common(&format!("ringfence capture tool {here}")),
        not_before: now,
        validity: VALIDITY,
        usage: Usage::Server,
        alternative_names: Vec::new(),
    };
    let files = KeyDir::new(directory.join(CERTIFICATE), directory.join(KEY));
    let identity = files.open_or_create(KeyKind::Rsa2048, now, |key| {
        issue::self_signed(&template, Hash::Sha256, key).expect("a key in memory signs")
    });
    let identity = identity.map_err(|fault| Failure::explained(&fault, style.language))?;
    Ok(identity.certificate().clone())
}
