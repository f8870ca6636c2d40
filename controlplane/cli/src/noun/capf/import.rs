//! `ringfence capf import-1.0`: the data of CAPF 1.0.

use std::fs;
use std::path::Path;

use console::{ImportCapf, ImportView, OldFileView};
use lang::Text;

use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::{Outcome, Style};

/// Longest file.
const MAX_BYTES: u64 = 4 << 20;
/// Most bytes of all: what the daemon takes at once.
const MAX_ALL: usize = 24 << 20;

/// Does it.
pub fn run(daemon: &Daemon, directory: &Path, dry_run: bool, style: Style) -> Result {
    let told = |error: std::io::Error| Failure::failed(format!("{}: {error}", directory.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(told)? {
        let name = entry.map_err(told)?.file_name().to_string_lossy().into_owned();
        if name == "CAPF.phone" || name == "CAPF.config" || name.ends_with(".0") {
            let content = super::read(&directory.join(&name), MAX_BYTES)?;
            files.push(OldFileView { text: super::as_pem(&content), name });
        }
    }
    if files.is_empty() {
        let nothing = NOTHING.fill(style.language, &[("directory", &directory.display())]);
        return Err(Failure::failed(nothing));
    }
    if files.iter().map(|file| file.text.len()).sum::<usize>() > MAX_ALL {
        return Err(Failure::failed(TOO_MUCH.get(style.language)));
    }
    files.sort_by(|one, two| one.name.cmp(&two.name));
    let view = daemon.ask(style, &ImportCapf { files, dry_run })?;
    tell(&view, style)?;
    match view.faults.is_empty() && view.unknown.is_empty() {
        true => Ok(Outcome::Done),
        false => Ok(Outcome::Partial),
    }
}

fn tell(view: &ImportView, style: Style) -> std::io::Result<()> {
    if style.format == Format::Json {
        return output::json(view);
    }
    let values: [(&str, &dyn std::fmt::Display); 4] = [
        ("issuers", &view.issuers),
        ("certificates", &view.certificates),
        ("phones", &view.phones),
        ("parameters", &view.parameters),
    ];
    println!("{}", SUMMARY.fill(style.language, &values));
    for fault in &view.faults {
        println!("! {fault}");
    }
    for phone in &view.unknown {
        println!("! {}", UNKNOWN.fill(style.language, &[("phone", phone)]));
    }
    Ok(())
}

const NOTHING: Text = Text::new(
    "{directory} holds neither CAPF.phone nor CAPF.config nor a file ending in .0.",
    "{directory} に CAPF.phone、CAPF.config、末尾が .0 のファイルがありません。",
);
const TOO_MUCH: Text = Text::new(
    "The files are too long to be taken over at once: divide them into several directories.",
    "ファイルが大きすぎて一度に取り込めません。複数のディレクトリに分けてください。",
);
const SUMMARY: Text = Text::new(
    "Issuers: {issuers}, LSCs: {certificates}, phones: {phones}, parameters: {parameters}.",
    "発行者: {issuers}、LSC: {certificates}、電話機: {phones}、パラメータ: {parameters}。",
);
const UNKNOWN: Text = Text::new(
    "{phone} is not administered here: add it, and import again.",
    "{phone} は登録されていません。追加してから再度インポートしてください。",
);
