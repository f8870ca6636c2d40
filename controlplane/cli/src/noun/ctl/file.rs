//! What can be done with a CTL file in the hand.

use std::path::Path;

use cluster::list::{mode_of, read_list};
use lang::{Language, Say, Text};
use messages::trust_list::{LABEL_NO_ISSUER_NAME, LABEL_NO_SUBJECT_NAME};
use pki::certificate::hex;
use serde::Serialize;
use tlv::{Record, Role, Trust, VerifiedCtl};

use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

/// A list as it is printed.
#[derive(Serialize)]
pub struct Shown {
    signer: String,
    signer_serial: String,
    issuer: String,
    digest: String,
    signed_at: Option<String>,
    security_mode: u8,
    bytes: usize,
    md5: String,
    sha1: String,
    entries: Vec<Entry>,
}

/// An entry as it is printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    number: usize,
    function: String,
    name: String,
    address: Option<String>,
    subject: Option<String>,
    issuer: Option<String>,
    serial: Option<String>,
}

impl Entry {
    /// The entries of a list, numbered from 1 as people name them.
    pub fn all(records: &[Record]) -> Vec<Self> {
        records.iter().enumerate().map(|(n, record)| Self::new(n + 1, record)).collect()
    }

    fn new(number: usize, record: &Record) -> Self {
        let text = |text: &Option<tlv::Text>| {
            text.as_ref().filter(|text| !text.is_empty()).map(ToString::to_string)
        };
        Self {
            number,
            function: record.role.to_string(),
            name: text(&record.dns_name).unwrap_or_default(),
            address: record.address.map(|address| address.to_string()),
            subject: text(&record.subject),
            issuer: text(&record.issuer),
            serial: record.serial.as_ref().map(ToString::to_string),
        }
    }
}

/// Reads a file and checks that it is intact.
pub fn read(file: &Path, language: Language) -> std::result::Result<VerifiedCtl, Failure> {
    read_list(file).map_err(|fault| Failure::explained(&fault, language))
}

pub fn show(file: &Path, style: Style) -> Result {
    let list = read(file, style.language)?;
    match style.format {
        Format::Json => output::json(&shown(&list))?,
        Format::Table => {
            let shown = shown(&list);
            let line = |label: Text, value: &str| {
                println!("{}: {value}", label.get(style.language));
            };
            line(SIGNER, &shown.signer);
            line(SERIAL, &shown.signer_serial);
            line(SIGNED_AT, shown.signed_at.as_deref().unwrap_or("-"));
            line(MODE, &shown.security_mode.to_string());
            line(MD5, &shown.md5);
            println!();
            entries(&shown.entries, style)?;
        }
    }
    Ok(Outcome::Done)
}

fn shown(list: &VerifiedCtl) -> Shown {
    let header = list.header();
    let signed_at = header.timestamp.map(|seconds| {
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds.into());
        humantime::format_rfc3339_seconds(at).to_string()
    });
    Shown {
        signer: header.signer.name.to_string(),
        signer_serial: header.signer.serial.to_string(),
        issuer: header.signer.issuer.to_string(),
        digest: header.digest.to_string(),
        signed_at,
        security_mode: mode_of(list).number(),
        bytes: list.as_bytes().len(),
        md5: hex(&list.md5()),
        sha1: hex(&list.sha1()),
        entries: Entry::all(list.records()),
    }
}

/// Prints entries as a table.
pub fn entries(entries: &[Entry], style: Style) -> std::io::Result<()> {
    let language = style.language;
    output::table(
        ENTRIES.get(language),
        ENTRY_COLUMNS.map(|column| column.get(language)),
        entries.iter().map(|entry| {
            let or = |text: &Option<String>, label: Text| {
                text.clone().unwrap_or_else(|| label.say(language))
            };
            [
                entry.number.to_string(),
                entry.function.clone(),
                entry.name.clone(),
                entry.address.clone().unwrap_or_default(),
                or(&entry.subject, LABEL_NO_SUBJECT_NAME.text),
                or(&entry.issuer, LABEL_NO_ISSUER_NAME.text),
                entry.serial.clone().unwrap_or_default(),
            ]
        }),
    )
}

/// Checks a file: that it is intact, and that a phone with another one would take it.
pub fn verify(file: &Path, against: Option<&Path>, style: Style) -> Result {
    let list = read(file, style.language)?;
    let signer = list.header().signer.name.to_string();
    if let Some(against) = against {
        let held = read(against, style.language)?;
        let taken = (*list).clone().verify(Trust::in_ctl(&held));
        taken
            .map_err(|error| Failure::failed(NOT_TAKEN.fill(style.language, &[("why", &error)])))?;
    }
    match style.format {
        Format::Json => output::json(&serde_json::json!({ "ok": true, "signer": signer }))?,
        Format::Table => println!("{}", INTACT.fill(style.language, &[("signer", &signer)])),
    }
    Ok(Outcome::Done)
}

/// Says what changed from one file to another.
pub fn diff(old: &Path, new: &Path, style: Style) -> Result {
    let (old, new) = (read(old, style.language)?, read(new, style.language)?);
    let difference = tlv::diff(old.records(), new.records());
    match style.format {
        Format::Json => {
            let all = |records: &[&Record]| -> Vec<Entry> {
                records.iter().map(|record| Entry::new(0, record)).collect()
            };
            let changed: Vec<_> = difference
                .changed
                .iter()
                .map(|change| {
                    let fields: Vec<_> = change.fields.iter().map(ToString::to_string).collect();
                    serde_json::json!({ "entry": label(change.new), "fields": fields })
                })
                .collect();
            output::json(&serde_json::json!({
                "added": all(&difference.added),
                "removed": all(&difference.removed),
                "changed": changed,
            }))?;
        }
        Format::Table if difference.is_empty() => println!("{}", SAME.say(style.language)),
        Format::Table => {
            for record in &difference.removed {
                println!("- {}", label(record));
            }
            for record in &difference.added {
                println!("+ {}", label(record));
            }
            for change in &difference.changed {
                let fields: Vec<_> = change.fields.iter().map(ToString::to_string).collect();
                println!("~ {}: {}", label(change.new), fields.join(", "));
            }
        }
    }
    Ok(Outcome::Done)
}

/// An entry in short: its function, and its server or, for tokens, its serial number.
pub fn label(record: &Record) -> String {
    let name = record.dns_name.as_ref().filter(|name| !name.is_empty());
    let name = name.map(ToString::to_string);
    let serial = || record.serial.as_ref().map(ToString::to_string);
    let of_token = if record.role == Role::Sast { serial() } else { None };
    format!("{} {}", record.role, of_token.or(name).or_else(serial).unwrap_or_default())
}

const SIGNER: Text = Text::new("Signed by", "署名者");
const SERIAL: Text = Text::new("Serial number of the signer", "署名者のシリアル番号");
const SIGNED_AT: Text = Text::new("Signed at", "署名日時");
const MODE: Text = Text::new("Cluster Security Mode", "クラスタセキュリティモード");
const MD5: Text = Text::new("MD5", "MD5");
const ENTRIES: Text = Text::new("Entries", "項目");
const ENTRY_COLUMNS: [Text; 7] = [
    Text::new("number", "番号"),
    Text::new("function", "機能"),
    Text::new("server", "サーバ"),
    Text::new("address", "アドレス"),
    Text::new("subject", "サブジェクト"),
    Text::new("issuer", "発行者"),
    Text::new("serial number", "シリアル番号"),
];
const INTACT: Text =
    Text::new("The file is intact, signed by {signer}.", "ファイルは正常です。署名者: {signer}。");
const NOT_TAKEN: Text = Text::new(
    "The file is intact, but a phone that holds the other one would refuse it: {why}.",
    "ファイルは正常ですが、もう一方のファイルを保持する電話機は受け入れません: {why}。",
);
const SAME: Text = Text::new("The entries are the same.", "項目は同じです。");
