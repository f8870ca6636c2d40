use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::request::{Request, requests};

requests! {
    /// Begins to make a backup; [`BackupWork`] tells how far it is.
    CreateBackup = "create-backup" -> BackupStarted {
        /// What it is encrypted under; absent: what the configuration says.
        lock: Option<BackupLock>,
        /// What private keys are encrypted under; absent: what the configuration says, and if that
        /// says nothing they are left out.
        keys: Option<BackupLock>,
        /// A directory for it; absent: where the configuration says.
        at: Option<String>,
    }

    /// The backups there are.
    ListBackups = "list-backups" -> BackupsView {
        /// A directory to look into; absent: where the configuration says.
        at: Option<String>,
    }

    /// Begins to check a backup; nothing changes.
    VerifyBackup = "verify-backup" -> BackupStarted {
        /// Its name; a path, if no shelf is meant.
        name: String,
        /// What opens it; absent: only whether it is whole and signed.
        unlock: Option<BackupUnlock>,
        /// A directory to look into.
        at: Option<String>,
    }

    /// Begins to restore a backup.
    RestoreBackup = "restore-backup" -> BackupStarted {
        /// Its name.
        name: String,
        /// What opens it.
        unlock: BackupUnlock,
        /// What opens its private keys; absent: those that are here stay.
        keys: Option<BackupUnlock>,
        /// SHA-256 of a certificate that somebody compared, in hexadecimal.
        approve: Option<String>,
        /// A directory to look into.
        at: Option<String>,
    }

    /// How far the work on backups is.
    BackupWork = "backup-work" -> BackupWorkView {}
}

/// What to encrypt for: one of the two.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupLock {
    /// A passphrase.
    pub passphrase: Option<Secret>,
    /// Owners of keys, each written `age1…`.
    pub recipients: Vec<String>,
}

/// What to decrypt with: one of the two.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupUnlock {
    /// A passphrase.
    pub passphrase: Option<Secret>,
    /// The text of a key file.
    pub identities: Option<Secret>,
}

/// The work has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupStarted {
    /// Its number.
    pub work: u64,
}

/// How far the work is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupWorkView {
    /// Its number; 0 before the first.
    pub work: u64,
    /// What is being done: `database`, `encrypting`, `carrying`, `checking`, `restoring`.
    pub stage: String,
    /// How many rows or files of it are done.
    pub count: u64,
    /// How it ended; absent while it goes on.
    pub ended: Option<BackupEnded>,
}

/// How the work on a backup ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupEnded {
    /// Whether it was done.
    pub ok: bool,
    /// Which message says why not; absent if it was done.
    pub problem: Option<String>,
    /// What came of it, in the caller's language.
    pub text: String,
    /// The backup.
    pub backup: Option<BackupRow>,
}

/// The backups at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupsView {
    /// The place.
    pub place: String,
    /// The backups there, the oldest first.
    pub backups: Vec<BackupRow>,
}

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupRow {
    /// Its name.
    pub name: String,
    /// The cluster it is of.
    pub cluster: String,
    /// Its number among those of the cluster.
    pub sequence: u64,
    /// When it was made.
    pub created: String,
    /// Its length.
    pub bytes: u64,
    /// What it says of itself; absent where only its name was looked at.
    pub detail: Option<BackupDetail>,
}

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupDetail {
    /// The node that made it.
    pub node: String,
    /// The release that made it.
    pub release: String,
    /// The schema of its database.
    pub schema: u64,
    /// The newest revision in it.
    pub revision: u64,
    /// Whether private keys are in it.
    pub keys: bool,
    /// Whose certificate it is signed with.
    pub signer: String,
    /// SHA-256 of that certificate.
    pub signer_sha256: String,
    /// SHA-256 of the backup.
    pub sha256: String,
    /// The nodes in its database; empty if it was not opened.
    pub nodes: Vec<String>,
}
