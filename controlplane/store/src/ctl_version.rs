use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::change::{Change, json};
use crate::consequence::Trigger;
use crate::sql::{Row, values};
use crate::store::time;
use crate::{Result, View};

/// A CTL file that was accepted for the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtlVersion {
    /// Its number; the first is 1.
    pub number: u64,
    /// When it was accepted.
    pub at: SystemTime,
    /// Who made it.
    pub made_by: String,
    /// Subject of the token that signed it.
    pub signer: String,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
    /// The file; empty when the CTL file was withdrawn.
    pub file: Vec<u8>,
}

impl CtlVersion {
    /// Whether this stands for "no CTL file any more".
    pub fn is_withdrawal(&self) -> bool {
        self.file.is_empty()
    }
}

#[derive(Serialize)]
struct Summary<'a> {
    number: u64,
    signer: &'a str,
    sha256: &'a str,
    bytes: usize,
}

const COLUMNS: &str = "number, made_at, made_by, signer, sha256, file";

fn read(mut row: Row) -> Result<CtlVersion> {
    Ok(CtlVersion {
        number: row.next()?,
        at: time(row.next()?),
        made_by: row.next()?,
        signer: row.next()?,
        sha256: row.next()?,
        file: row.next()?,
    })
}

impl View<'_> {
    /// The CTL file in force; `None` before the first one, and after it was withdrawn.
    pub fn ctl(&mut self) -> Result<Option<CtlVersion>> {
        Ok(self.last_ctl()?.filter(|version| !version.is_withdrawal()))
    }

    fn last_ctl(&mut self) -> Result<Option<CtlVersion>> {
        let sql = format!("SELECT {COLUMNS} FROM ctl_version ORDER BY number DESC LIMIT 1");
        self.sql.query(&sql, &[])?.pop().map(read).transpose()
    }

    /// All CTL files and withdrawals, newest first.
    pub fn ctl_versions(&mut self) -> Result<Vec<CtlVersion>> {
        let sql = format!("SELECT {COLUMNS} FROM ctl_version ORDER BY number DESC");
        self.sql.query(&sql, &[])?.into_iter().map(read).collect()
    }
}

impl Change<'_> {
    /// Accepts a CTL file as the newest one. The same file again is no new version.
    pub fn put_ctl(&mut self, file: &[u8], signer: &str) -> Result<CtlVersion> {
        let last = self.last_ctl()?;
        let sha256 = crate::audit::hex(&Sha256::digest(file));
        if let Some(last) = last.as_ref().filter(|last| last.sha256 == sha256) {
            return Ok(last.clone());
        }
        let version = CtlVersion {
            number: last.as_ref().map_or(0, |last| last.number) + 1,
            at: time(self.at),
            made_by: self.author().who.clone(),
            signer: signer.to_owned(),
            sha256,
            file: file.to_owned(),
        };
        self.view.sql.execute(
            &format!("INSERT INTO ctl_version ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)"),
            values![version.number, self.at, &*version.made_by, signer, &*version.sha256, file],
        )?;
        self.trigger(&Trigger::CtlFile);
        self.record("ctl", "CTLFile.tlv", last.as_ref().and_then(summary), summary(&version));
        Ok(version)
    }

    /// Notes that the CTL file was deleted everywhere: all tokens were lost, and a new file comes
    /// from scratch.
    pub fn withdraw_ctl(&mut self) -> Result<()> {
        if self.ctl()?.is_some() {
            self.put_ctl(&[], "")?;
        }
        Ok(())
    }
}

fn summary(version: &CtlVersion) -> Option<Json> {
    if version.is_withdrawal() {
        return None;
    }
    let CtlVersion { number, signer, sha256, file, .. } = version;
    json(&Summary { number: *number, signer, sha256, bytes: file.len() })
}
