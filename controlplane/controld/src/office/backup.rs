use backup::shelf::Kept;
use backup::{Fault, Lock, Unlock};
use console::{
    BackupDetail, BackupEnded, BackupLock, BackupRow, BackupStarted, BackupUnlock, BackupWork,
    BackupWorkView, BackupsView, CreateBackup, Failure, FailureKind, ListBackups, RestoreBackup,
    VerifyBackup,
};
use lang::{Language, Text};
use messages::{Explain, backup as said};
use store::Copied;

use super::{Caller, Handle, Office};
use crate::archivist::{Described, Order, Outcome};

impl Handle<CreateBackup> for Office {
    fn handle(&self, caller: &Caller, request: CreateBackup) -> Result<BackupStarted, Failure> {
        self.may_change(caller)?;
        let begin = || {
            let main = request.lock.as_ref().map(lock).transpose()?;
            let keys = request.keys.as_ref().map(lock).transpose()?;
            self.archivist.create(main, keys, request.at)
        };
        started(caller, begin())
    }
}

impl Handle<ListBackups> for Office {
    fn handle(&self, caller: &Caller, request: ListBackups) -> Result<BackupsView, Failure> {
        let listed = self.archivist.list(request.at.as_deref());
        let (place, kept) = listed.map_err(|fault| failure(caller, &fault))?;
        Ok(BackupsView { place, backups: kept.iter().map(row).collect() })
    }
}

impl Handle<VerifyBackup> for Office {
    fn handle(&self, caller: &Caller, request: VerifyBackup) -> Result<BackupStarted, Failure> {
        let unlock = request.unlock.as_ref().map(unlock).transpose();
        let verify = |unlock| self.archivist.verify(request.name, request.at, unlock);
        started(caller, unlock.and_then(verify))
    }
}

impl Handle<RestoreBackup> for Office {
    fn handle(&self, caller: &Caller, request: RestoreBackup) -> Result<BackupStarted, Failure> {
        self.may_change(caller)?;
        let order = || {
            Ok(Order {
                unlock: unlock(&request.unlock)?,
                keys: request.keys.as_ref().map(unlock).transpose()?,
                name: request.name.clone(),
                at: request.at.clone(),
                approve: request.approve.clone(),
                author: caller.author.clone(),
            })
        };
        started(caller, order().and_then(|order| self.archivist.restore(order)))
    }
}

impl Handle<BackupWork> for Office {
    fn handle(&self, caller: &Caller, _: BackupWork) -> Result<BackupWorkView, Failure> {
        let work = self.archivist.work();
        let (stage, count) = match work.progress {
            Some((stage, count)) => (serde_json::to_value(stage).ok(), count),
            None => (None, 0),
        };
        let stage = stage.and_then(|stage| stage.as_str().map(str::to_owned)).unwrap_or_default();
        let ended = work.ended.map(|ended| match ended {
            Ok(outcome) => told(outcome, caller.language),
            Err(fault) => BackupEnded {
                ok: false,
                problem: Some(fault.message().id.to_owned()),
                text: format!("{:#}", fault.explain(caller.language)),
                backup: None,
            },
        });
        Ok(BackupWorkView { work: work.number, stage, count, ended })
    }
}

fn started(caller: &Caller, begun: Result<u64, Fault>) -> Result<BackupStarted, Failure> {
    begun.map(|work| BackupStarted { work }).map_err(|fault| failure(caller, &fault))
}

fn failure(caller: &Caller, fault: &Fault) -> Failure {
    let kind = match fault {
        Fault::NotAKey(_) | Fault::WithoutLock | Fault::Unknown { .. } => FailureKind::Usage,
        Fault::Nothing | Fault::Busy => FailureKind::Refused,
        _ => FailureKind::Failed,
    };
    Failure { kind, text: format!("{:#}", fault.explain(caller.language)) }
}

fn lock(given: &BackupLock) -> Result<Lock, Fault> {
    match &given.passphrase {
        Some(passphrase) => Lock::passphrase(passphrase.expose()),
        None => Lock::recipients(given.recipients.iter().map(String::as_str)),
    }
}

fn unlock(given: &BackupUnlock) -> Result<Unlock, Fault> {
    match (&given.passphrase, &given.identities) {
        (Some(passphrase), _) => Ok(Unlock::passphrase(passphrase.expose())),
        (None, Some(keys)) => Unlock::identities(keys.expose()),
        (None, None) => Err(Fault::WithoutLock),
    }
}

fn told(outcome: Outcome, language: Language) -> BackupEnded {
    let (text, backup) = match outcome {
        Outcome::Made(kept) => (MADE.fill(language, &[("name", &kept.name)]), row(&kept)),
        Outcome::Verified(described, found) => {
            let text = if found.is_some() { WHOLE_AND_OPENED } else { WHOLE };
            let text = text.fill(language, &[("name", &described.name)]);
            (text, detailed(&described, found.as_ref()))
        }
        Outcome::Restored(described, found) => {
            let mut text = RESTORED.fill(language, &[("name", &described.name)]);
            let cure = (&said::DATA_RESTORED).explain(language);
            text += &format!("\n{cure:#}");
            (text, detailed(&described, Some(&found)))
        }
    };
    BackupEnded { ok: true, problem: None, text, backup: Some(backup) }
}

fn row(kept: &Kept) -> BackupRow {
    BackupRow {
        name: kept.name.clone(),
        cluster: kept.cluster.clone(),
        sequence: kept.sequence,
        created: kept.created.to_string(),
        bytes: kept.bytes,
        detail: None,
    }
}

fn detailed(described: &Described, found: Option<&Copied>) -> BackupRow {
    let Described { name, header, signer, id, bytes } = described;
    let nodes = found.map(|found| found.nodes.iter().map(|node| node.name.clone()).collect());
    let detail = BackupDetail {
        node: header.node.clone(),
        release: header.release.clone(),
        schema: header.schema,
        revision: header.revision,
        keys: header.keys,
        signer: signer.0.clone(),
        signer_sha256: signer.1.clone(),
        sha256: id.clone(),
        nodes: nodes.unwrap_or_default(),
    };
    BackupRow {
        name: name.clone(),
        cluster: header.cluster_name.clone(),
        sequence: header.sequence,
        created: header.created.to_string(),
        bytes: *bytes,
        detail: Some(detail),
    }
}

const MADE: Text = Text::new("The backup {name} is made.", "バックアップ {name} を作成しました。");
const WHOLE: Text = Text::new(
    "The backup {name} is whole and signed. It was not opened.",
    "バックアップ {name} は完全で、署名も正しいものです。内容は開いていません。",
);
const WHOLE_AND_OPENED: Text = Text::new(
    "The backup {name} is whole and signed, and all in it can be restored.",
    "バックアップ {name} は完全で、署名も正しく、すべての内容を復元できます。",
);
const RESTORED: Text = Text::new(
    "The backup {name} is restored; the services of this node were started anew.",
    "バックアップ {name} を復元し、このノードのサービスを再起動しました。",
);
