//! Keys and certificates of IKE daemons.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use durable::Readers;
use lang::Text;
use pki::export;
use pki::ike::IkeAuthority;
use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style, state};

/// One end of a connection.
#[derive(clap::Args)]
pub struct Args {
    /// Identity of the end: the name in its certificate.
    host: String,
    /// An address of that end; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    address: Vec<IpAddr>,
    /// Directory of the end's files, as swanctl reads them: x509, x509ca and private below it.
    #[arg(long, value_name = "DIR", default_value = "/etc/swanctl")]
    swanctl: PathBuf,
    /// Directory of the authority, which is made there with the first certificate
    /// [default: ringfence/ike in XDG_STATE_HOME or ~/.local/state].
    #[arg(long, value_name = "DIR", env = "RINGFENCE_IKE_AUTHORITY")]
    authority: Option<PathBuf>,
}

#[derive(Serialize)]
struct View {
    subject: String,
    issuer: String,
    not_after: String,
    certificate: PathBuf,
    key: PathBuf,
    authority: PathBuf,
}

/// Makes them.
pub fn run(args: &Args, style: Style) -> Result {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if args.host.is_empty() || !args.host.chars().all(plain) || args.host.starts_with('.') {
        return Err(Failure::usage(HOST.get(style.language)));
    }
    let file = |part: &str, name: &str| args.swanctl.join(part).join(format!("{name}.pem"));
    let key_file = file("private", &args.host);
    if key_file.exists() {
        let there = key_file.display();
        return Err(Failure::refused(EXISTS.fill(style.language, &[("file", &there)])));
    }
    let authority = authority(args, style)?;
    let now = SystemTime::now();
    let (key, certificate) =
        authority.certify(&args.host, &args.address, now).map_err(Failure::failed)?;
    for part in ["x509", "x509ca", "private"] {
        std::fs::create_dir_all(args.swanctl.join(part))?;
    }
    let view = View {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        not_after: pki::check::day(certificate.not_after()),
        certificate: file("x509", &args.host),
        key: key_file,
        authority: file("x509ca", "ike-authority"),
    };
    let public = |file: &PathBuf, certificate| {
        durable::replace(file, export::pem(certificate).as_bytes(), Readers::Everybody)
    };
    public(&view.authority, authority.certificate())?;
    public(&view.certificate, &certificate)?;
    key.save(&view.key, None)?;
    match style.format {
        Format::Json => output::json(&view)?,
        Format::Table => output::fields(&view)?,
    }
    Ok(Outcome::Done)
}

/// The authority, which is made when it is needed first.
fn authority(args: &Args, style: Style) -> std::result::Result<IkeAuthority, Failure> {
    let directory = match &args.authority {
        Some(directory) => directory.clone(),
        None => state::file("ike")?,
    };
    std::fs::create_dir_all(&directory)?;
    let here = rustix::system::uname().nodename().to_string_lossy().into_owned();
    IkeAuthority::open_or_create(&directory, &here, SystemTime::now())
        .map_err(|error| Failure::explained(&error, style.language))
}

const HOST: Text = Text::new(
    "the identity of an end is a host name: letters, digits, dots, hyphens and underscores",
    "端点の識別子はホスト名です。英数字、ピリオド、ハイフン、下線が使えます",
);
const EXISTS: Text = Text::new(
    "there is a key already in {file}; remove it first if it shall be replaced",
    "{file} に鍵がすでにあります。置き換える場合は先に削除してください",
);
