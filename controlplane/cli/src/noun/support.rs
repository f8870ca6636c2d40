//! `ringfence support-bundle`: how a node stands, in one file for those who help, without secrets.
//!
//! Nothing of value to an attacker goes in: private keys, passwords, tokens, authentication
//! strings and the values of changes are left out by name, whatever a service may answer.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use console::{
    AuditReport, CapfService, FindPhones, History, ListBackups, ListCalls, ListCertificates,
    ListDue, ListGateways, ListMetrics, ListNodes, ListParameters, ListPools, ListRegions,
    ListRoutes, ListSamples, ListSrst, ListVoicemail, ListVoicemailPorts, PhoneFilter, ReportCapf,
    Request, ShowSrstStatus, ShowTrustList, Status,
};
use durable::Readers;
use lang::Text;
use serde::Serialize;
use serde_json::Value as Json;

use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::{Outcome, Style};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    daemon: Daemon,
    /// The file to write: a tar.
    file: PathBuf,
    /// Configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/ringfence/ringfence.toml")]
    config: PathBuf,
    /// Directory of the trace files.
    #[arg(long, value_name = "DIRECTORY", default_value = "/var/lib/ringfence/trace")]
    traces: PathBuf,
    /// Socket of ringfence-datad.
    #[arg(long, value_name = "PATH", default_value = status::DEFAULT_SOCKET)]
    relay: PathBuf,
}

/// The end of a trace file that is taken.
const TRACE_END: u64 = 2 << 20;
/// Changes, phones: so many at most.
const MOST: usize = 1000;
/// What the kernel says of the machine.
const MACHINE: [&str; 5] =
    ["/proc/version", "/proc/cmdline", "/proc/cpuinfo", "/proc/meminfo", "/proc/net/dev"];

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let mut bundle = Bundle::new();
    answers(&mut bundle, &args.daemon, style)?;
    match status::relay(&args.relay) {
        Ok(report) => bundle.json("relay.json", &report)?,
        Err(error) => bundle.missing("relay.json", &error),
    }
    match fs::read_to_string(&args.config) {
        Ok(text) => bundle.configuration(&text)?,
        Err(error) => bundle.missing("ringfence.toml", &error),
    }
    for path in MACHINE {
        let name = format!("machine{path}");
        match fs::read(path) {
            Ok(bytes) => bundle.file(&name, &bytes)?,
            Err(error) => bundle.missing(&name, &error),
        }
    }
    traces(&mut bundle, &args.traces)?;
    durable::replace(&args.file, &bundle.end()?, Readers::Owner)?;
    println!("{}", WRITTEN.fill(style.language, &[("file", &args.file.display())]));
    Ok(Outcome::Done)
}

/// What the daemon answers.
fn answers(bundle: &mut Bundle, daemon: &Daemon, style: Style) -> std::io::Result<()> {
    let phones = FindPhones { filter: PhoneFilter::default(), after: None, skip: 0, limit: MOST };
    let limit = u32::try_from(MOST).expect("it is small");
    let ports = ListVoicemailPorts { server: None, security_mode: None };
    let mut ask = Asking { bundle, daemon, style };
    ask.put("status", &Status {})?;
    ask.put("nodes", &ListNodes {})?;
    ask.put("parameters", &ListParameters { node: None })?;
    ask.put("due", &ListDue {})?;
    ask.put("phones", &phones)?;
    ask.put("capf-service", &CapfService {})?;
    ask.put("capf", &ReportCapf {})?;
    ask.put("certificates", &ListCertificates {})?;
    ask.put("trust-list", &ShowTrustList {})?;
    ask.put("pools", &ListPools {})?;
    ask.put("regions", &ListRegions {})?;
    ask.put("routes", &ListRoutes {})?;
    ask.put("srst", &ListSrst {})?;
    ask.put("srst-status", &ShowSrstStatus {})?;
    ask.put("voicemail", &ListVoicemail {})?;
    ask.put("voicemail-ports", &ports)?;
    ask.put("gateways", &ListGateways {})?;
    ask.put("calls", &ListCalls {})?;
    ask.put("backups", &ListBackups { at: None })?;
    ask.put("changes", &History { limit })?;
    ask.put("audit-report", &AuditReport {})?;
    ask.put("metrics", &ListMetrics {})?;
    ask.put("samples", &ListSamples {})
}

struct Asking<'a> {
    bundle: &'a mut Bundle,
    daemon: &'a Daemon,
    style: Style,
}

impl Asking<'_> {
    fn put<R: Request>(&mut self, name: &str, request: &R) -> std::io::Result<()> {
        let name = format!("{name}.json");
        match self.daemon.ask_plainly(self.style, request) {
            Ok(answer) => self.bundle.json(&name, &answer),
            Err(error) => {
                self.bundle.missing(&name, &error);
                Ok(())
            }
        }
    }
}

fn traces(bundle: &mut Bundle, directory: &Path) -> std::result::Result<(), Failure> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            bundle.missing("traces", &error);
            return Ok(());
        }
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        let name = format!("traces/{}", entry.file_name().to_string_lossy());
        match end_of(&entry.path()) {
            Ok(bytes) => bundle.file(&name, &bytes)?,
            Err(error) => bundle.missing(&name, &error),
        }
    }
    Ok(())
}

fn end_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TRACE_END)))?;
    let mut bytes = Vec::new();
    file.take(TRACE_END).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file while it is made.
struct Bundle {
    tar: tar::Builder<Vec<u8>>,
    missing: String,
    at: u64,
}

impl Bundle {
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (tar, missing) = (tar::Builder::new(Vec::new()), String::new());
        Self { tar, missing, at: since.as_secs() }
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(self.at);
        self.tar.append_data(&mut header, Path::new("ringfence-support").join(name), bytes)
    }

    fn json(&mut self, name: &str, answer: &impl Serialize) -> std::io::Result<()> {
        let mut json = serde_json::to_value(answer)?;
        leave_out(&mut json);
        self.file(name, &serde_json::to_vec_pretty(&json)?)
    }

    /// The configuration without what is secret in it. One that cannot be read is left out: what
    /// is secret in it cannot be told from the rest.
    fn configuration(&mut self, text: &str) -> std::io::Result<()> {
        match toml::from_str::<Json>(text) {
            Ok(settings) => self.json("configuration.json", &settings),
            Err(error) => {
                self.missing("configuration.json", &error.message());
                Ok(())
            }
        }
    }

    fn missing(&mut self, name: &str, why: &dyn std::fmt::Display) {
        self.missing += &format!("{name}: {why}\n");
    }

    fn end(mut self) -> std::io::Result<Vec<u8>> {
        let missing = std::mem::take(&mut self.missing);
        self.file("missing.txt", missing.as_bytes())?;
        self.tar.into_inner()
    }
}

/// Fields whose values nobody else may see, by a part of their name.
const SECRET: [&str; 9] = [
    "secret",
    "password",
    "passphrase",
    "auth_string",
    "token",
    "challenge",
    "private",
    "psk",
    "access_key",
];
/// What was and what is, in changes: of settings that may be secret.
const VALUES: [&str; 2] = ["old", "new"];

fn leave_out(json: &mut Json) {
    match json {
        Json::Object(fields) => {
            for (name, value) in fields {
                let name = name.to_lowercase();
                let secret = SECRET.iter().any(|part| name.contains(part));
                match (secret || VALUES.contains(&&*name), &value) {
                    // That something is not set, or on or off, is no secret.
                    (_, Json::Null | Json::Bool(_)) | (false, _) => leave_out(value),
                    (true, _) => *value = Json::from("(left out)"),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(leave_out),
        Json::String(text) => {
            if let Some(without) = without_password(text) {
                *text = without;
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// An address such as `postgresql://user:password@host/` without who and with what. A user's name
/// and password may hold a `/` only escaped, and the last `@` before it ends them.
fn without_password(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.find('/').unwrap_or(rest.len());
    let at = rest[..authority].rfind('@');
    // Some programs take a password among the parameters too.
    let (place, has_query) = match rest.split_once('?') {
        Some((place, _)) => (place, true),
        None => (rest, false),
    };
    if at.is_none() && !has_query {
        return None;
    }
    let place = at.map_or(place, |at| place.get(at + 1..).unwrap_or_default());
    Some(format!("{scheme}://{place}"))
}

const WRITTEN: Text = Text::new(
    "{file} holds no keys, passwords, tokens or authentication strings; it does hold names, numbers and addresses.",
    "{file} には、鍵、パスワード、トークン、認証文字列は含まれません。名前、電話番号、アドレスは含まれます。",
);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_secret_by_name_is_left_out() {
        let mut json = json!({
            "store": "postgresql://ringfence:hunter2@db.example/ringfence",
            "replica": "postgresql://db.example/ringfence?password=hunter2",
            "plain": "https://db.example/",
            "bucket": {"secret_access_key": "hunter2", "name": "b"},
            "entries": [{"old": {"auth_string": "12345678"}, "new": null, "subject": "SEP1"}],
            "auth_string": null,
            "is_private": true,
        });
        leave_out(&mut json);
        let text = json.to_string();
        assert!(!text.contains("hunter2") && !text.contains("12345678"), "{text}");
        assert_eq!(json["store"], "postgresql://db.example/ringfence");
        assert_eq!(json["replica"], "postgresql://db.example/ringfence");
        assert_eq!(json["plain"], "https://db.example/");
        assert_eq!(json["entries"][0]["subject"], "SEP1");
        assert_eq!((&json["auth_string"], &json["is_private"]), (&Json::Null, &json!(true)));
    }
}
