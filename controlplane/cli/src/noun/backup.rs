//! `ringfence backup`: archives of a node.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Subcommand;
use console::{
    BackupDetail, BackupEnded, BackupLock, BackupUnlock, BackupWork, CreateBackup, ListBackups,
    RestoreBackup, Secret, VerifyBackup,
};
use lang::Text;
use zeroize::Zeroizing;

use super::Asking;
use crate::daemon::Daemon;
use crate::failure::{Failure, Result};
use crate::output::{self, Format};
use crate::secret::PasswordSource;
use crate::{Outcome, Style, ask};

pub type Args = Asking<Verb>;

/// How often it is looked how far the work is.
const GLANCE: Duration = Duration::from_millis(100);
/// Longest file with keys.
const MAX_KEYS: u64 = 64 << 10;

#[derive(Subcommand)]
pub enum Verb {
    /// Make a backup while everything runs.
    Create {
        #[command(flatten)]
        lock: LockArgs,
        /// Private keys too, for the owner of this key; without it, as the configuration says. Can
        /// be repeated.
        #[arg(long, value_name = "AGE1…")]
        key_recipient: Vec<String>,
        /// Private keys too, under the recovery passphrase in the first line of this file.
        #[arg(long, value_name = "FILE", conflicts_with = "key_recipient")]
        recovery_passphrase_file: Option<PathBuf>,
        #[command(flatten)]
        place: Place,
    },
    /// Show the backups there are.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Check that a backup is whole and signed, and, if it can be opened, that all in it can be
    /// restored. Nothing changes.
    Verify {
        /// Its name.
        name: String,
        #[command(flatten)]
        unlock: UnlockArgs,
        #[command(flatten)]
        place: Place,
    },
    /// Put a backup in the place of what is here. All of it is checked before anything changes.
    Restore {
        /// Its name.
        name: String,
        #[command(flatten)]
        restoring: Restoring,
    },
    /// Make a key that backups can be made for: it need not be on any server.
    Keygen {
        /// File for the private key.
        file: PathBuf,
    },
}

/// Where backups are.
#[derive(Clone, clap::Args)]
pub struct Place {
    /// A directory of the server, instead of the place in its configuration.
    #[arg(long, value_name = "DIRECTORY")]
    at: Option<String>,
}

/// What to encrypt for.
#[derive(clap::Args)]
pub struct LockArgs {
    /// For the owner of this key. Can be repeated. Without it, and without a passphrase, as the
    /// configuration says.
    #[arg(long, value_name = "AGE1…")]
    recipient: Vec<String>,
    /// Under the passphrase in the first line of this file.
    #[arg(long, value_name = "FILE", conflicts_with = "recipient")]
    passphrase_file: Option<PathBuf>,
}

/// What to decrypt with.
#[derive(Clone, clap::Args)]
pub struct UnlockArgs {
    /// File with the private key that it was made for.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// File whose first line is its passphrase.
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    passphrase_file: Option<PathBuf>,
}

/// How to restore.
#[derive(Clone, clap::Args)]
pub struct Restoring {
    #[command(flatten)]
    unlock: UnlockArgs,
    /// Private keys too, with the key in this file.
    #[arg(long, value_name = "FILE")]
    key_identity: Option<PathBuf>,
    /// Private keys too, with the recovery passphrase in the first line of this file.
    #[arg(long, value_name = "FILE", conflicts_with = "key_identity")]
    recovery_passphrase_file: Option<PathBuf>,
    /// SHA-256 of the certificate that it is signed with, if this node does not know it.
    #[arg(long, value_name = "SHA256")]
    approve_signer: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Does it.
pub fn run(args: Args, style: Style) -> Result {
    let daemon = args.daemon;
    match args.verb {
        Verb::Create { lock, key_recipient, recovery_passphrase_file, place } => {
            let keys = lock_of(key_recipient, recovery_passphrase_file)?;
            let lock = lock_of(lock.recipient, lock.passphrase_file)?;
            daemon.ask(style, &CreateBackup { lock, keys, at: place.at })?;
            tell(&finished(&daemon, style)?, style)
        }
        Verb::List { place } => list(&daemon, place, style),
        Verb::Verify { name, unlock, place } => {
            let unlock = match (&unlock.identity, &unlock.passphrase_file) {
                (None, None) => None,
                _ => Some(unlock_of(&unlock, style)?),
            };
            daemon.ask(style, &VerifyBackup { name, unlock, at: place.at })?;
            tell(&finished(&daemon, style)?, style)
        }
        Verb::Restore { name, restoring } => {
            tell(&restore(&daemon, name, &restoring, style)?, style)
        }
        Verb::Keygen { file } => keygen(&file, style),
    }
}

/// Restores a backup and waits until that is done.
pub fn restore(
    daemon: &Daemon,
    name: String,
    restoring: &Restoring,
    style: Style,
) -> std::result::Result<BackupEnded, Failure> {
    let keys = match (&restoring.key_identity, &restoring.recovery_passphrase_file) {
        (None, None) => None,
        (identity, passphrase_file) => {
            let (identity, passphrase_file) = (identity.clone(), passphrase_file.clone());
            Some(unlock_of(&UnlockArgs { identity, passphrase_file }, style)?)
        }
    };
    let unlock = unlock_of(&restoring.unlock, style)?;
    let (approve, at) = (restoring.approve_signer.clone(), restoring.place.at.clone());
    daemon.ask(style, &RestoreBackup { name, unlock, keys, approve, at })?;
    finished(daemon, style)
}

/// Waits for the end of the work, telling how far it is where somebody looks on.
fn finished(daemon: &Daemon, style: Style) -> std::result::Result<BackupEnded, Failure> {
    use std::io::{IsTerminal, Write};
    let watched = std::io::stderr().is_terminal();
    loop {
        let work = daemon.ask(style, &BackupWork {})?;
        if let Some(ended) = work.ended {
            if watched {
                eprint!("\r{:40}\r", "");
            }
            return match ended.ok {
                true => Ok(ended),
                false => Err(failed(ended)),
            };
        }
        if watched {
            eprint!("\r{} {:<20}", work.stage, work.count);
            std::io::stderr().flush()?;
        }
        thread::sleep(GLANCE);
    }
}

fn failed(ended: BackupEnded) -> Failure {
    let refused = ["BACKUP_UNKNOWN_SIGNER", "BACKUP_OF_ANOTHER_CLUSTER", "BACKUP_ON_A_REPLICA"];
    match ended.problem.is_some_and(|id| refused.contains(&&*id)) {
        true => Failure::refused(ended.text),
        false => Failure::failed(ended.text),
    }
}

fn tell(ended: &BackupEnded, style: Style) -> Result {
    match style.format {
        Format::Json => output::json(ended)?,
        Format::Table => {
            println!("{}", ended.text);
            if let Some(backup) = &ended.backup {
                output::fields(backup)?;
            }
        }
    }
    Ok(Outcome::Done)
}

fn list(daemon: &Daemon, place: Place, style: Style) -> Result {
    let listed = daemon.ask(style, &ListBackups { at: place.at })?;
    match style.format {
        Format::Json => output::json(&listed)?,
        Format::Table => output::table(
            &listed.place,
            COLUMNS.map(|column| column.get(style.language)),
            listed.backups.iter().map(|backup| {
                [
                    backup.sequence.to_string(),
                    backup.created.clone(),
                    backup.cluster.clone(),
                    backup.bytes.to_string(),
                    backup.name.clone(),
                ]
            }),
        )?,
    }
    Ok(Outcome::Done)
}

fn lock_of(
    recipients: Vec<String>,
    passphrase_file: Option<PathBuf>,
) -> std::result::Result<Option<BackupLock>, Failure> {
    let passphrase = match passphrase_file {
        Some(file) => Some(PasswordSource::file(file).known("")?),
        None if recipients.is_empty() => return Ok(None),
        None => None,
    };
    Ok(Some(BackupLock { passphrase, recipients }))
}

fn unlock_of(args: &UnlockArgs, style: Style) -> std::result::Result<BackupUnlock, Failure> {
    if let Some(file) = &args.identity {
        let bytes = durable::read(file, MAX_KEYS)?.map(Zeroizing::new);
        let text = bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        let text = text.ok_or_else(|| {
            let file = file.display();
            Failure::usage(NO_KEY_FILE.fill(style.language, &[("file", &file)]))
        })?;
        return Ok(BackupUnlock { passphrase: None, identities: Some(Secret::new(text)) });
    }
    let passphrase = match &args.passphrase_file {
        Some(file) => PasswordSource::file(file.clone()).known("")?,
        None => ask::password(PASSPHRASE.get(style.language))?,
    };
    Ok(BackupUnlock { passphrase: Some(passphrase), identities: None })
}

fn keygen(file: &std::path::Path, style: Style) -> Result {
    let (text, recipient) = backup::lock::keygen();
    durable::create(file, text.as_bytes(), durable::Readers::Owner)
        .map_err(|error| Failure::failed(format!("{}: {error}", file.display())))?;
    match style.format {
        Format::Json => output::json(&serde_json::json!({ "recipient": recipient }))?,
        Format::Table => println!("{}", RECIPIENT.fill(style.language, &[("key", &recipient)])),
    }
    Ok(Outcome::Done)
}

/// What a backup says of itself, in a line.
pub fn summary(detail: &BackupDetail, style: Style) -> String {
    let nodes = detail.nodes.join(", ");
    let values: [(&str, &dyn std::fmt::Display); 3] =
        [("node", &detail.node), ("revision", &detail.revision), ("nodes", &nodes)];
    SUMMARY.fill(style.language, &values)
}

const SUMMARY: Text = Text::new(
    "made on {node}, revision {revision}, nodes {nodes}",
    "作成元 {node}、リビジョン {revision}、ノード {nodes}",
);
const COLUMNS: [Text; 5] = [
    Text::new("number", "番号"),
    Text::new("made", "作成日時"),
    Text::new("cluster", "クラスタ"),
    Text::new("bytes", "バイト"),
    Text::new("name", "名前"),
];
const NO_KEY_FILE: Text = Text::new(
    "{file} holds no keys: name the file that `ringfence backup keygen` made.",
    "{file} に鍵はありません。`ringfence backup keygen` で作成したファイルを指定してください。",
);
const PASSPHRASE: Text = Text::new("Passphrase of the backup", "バックアップのパスフレーズ");
const RECIPIENT: Text = Text::new(
    "Backups are made for it with `--recipient {key}`, or `recipients` in [controld.backup]. Keep the file where no server is.",
    "`--recipient {key}`、または [controld.backup] の `recipients` を指定すると、この鍵用にバックアップを作成できます。鍵ファイルはサーバ以外の場所に保管してください。",
);
