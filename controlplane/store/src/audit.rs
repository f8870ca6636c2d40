use std::fmt::Write;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::change::Author;
use crate::sql::{Row, values};
use crate::store::time;
use crate::{Error, Result, View};

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number; the first is 1, and there are no gaps.
    pub number: u64,
    /// When.
    pub at: SystemTime,
    /// Who, and from where.
    pub author: Author,
    /// What was done, in one word: `change`, `login-refused`, `ctl-push`.
    pub action: String,
    /// The rest, for people. For a `change`: its revision and a digest of its entries.
    pub detail: String,
    /// SHA-256 over the previous record's hash and this record, in hexadecimal.
    pub hash: String,
}

/// What an unbroken audit log ends with. Somebody who keeps it can tell later whether records were
/// cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditState {
    /// Number of records.
    pub records: u64,
    /// Hash of the last one; empty if there is none.
    pub head: String,
}

impl View<'_> {
    /// The newest `limit` records before `before`, newest first.
    pub fn audit(&mut self, before: Option<u64>, limit: u32) -> Result<Vec<AuditRecord>> {
        let rows = self.sql.query(
            "SELECT number, made_at, who, origin, action, detail, hash FROM audit_record
                WHERE number < $1 ORDER BY number DESC LIMIT $2",
            values![before.unwrap_or(i64::MAX as u64), u64::from(limit)],
        )?;
        rows.into_iter().map(|row| Ok(read(row)?.0)).collect()
    }

    /// Walks the whole log and every revision it vouches for.
    pub fn verify_audit(&mut self) -> Result<AuditState> {
        let rows = self.sql.query(
            "SELECT number, made_at, who, origin, action, detail, hash FROM audit_record
                ORDER BY number",
            &[],
        )?;
        let mut state = AuditState { records: 0, head: String::new() };
        let mut vouched = 0;
        for row in rows {
            let (record, at) = read(row)?;
            let expected = state.records + 1;
            let hash =
                hash(&state.head, expected, at, &record.author, &record.action, &record.detail);
            let mut sound = record.number == expected && record.hash == hash;
            if record.action == "change" {
                vouched += 1;
                sound &= record.detail == self.revision_digest(vouched)?;
            }
            if !sound {
                return Err(Error::AuditBroken { record: expected });
            }
            state = AuditState { records: expected, head: hash };
        }
        if self.revision()?.0 != vouched {
            return Err(Error::AuditBroken { record: state.records + 1 });
        }
        Ok(state)
    }

    pub(crate) fn append_audit(
        &mut self,
        author: &Author,
        at: u64,
        action: &str,
        detail: &str,
    ) -> Result<()> {
        let last = self
            .sql
            .query("SELECT number, hash FROM audit_record ORDER BY number DESC LIMIT 1", &[])?
            .pop();
        let (last, head): (u64, String) = match last {
            Some(mut row) => (row.next()?, row.next()?),
            None => (0, String::new()),
        };
        let hash = hash(&head, last + 1, at, author, action, detail);
        self.sql.execute(
            "INSERT INTO audit_record (number, made_at, who, origin, action, detail, hash)
                VALUES ($1, $2, $3, $4, $5, $6, $7)",
            values![last + 1, at, &*author.who, &*author.origin, action, detail, hash],
        )?;
        Ok(())
    }

    /// The detail of the audit record that vouches for a revision.
    pub(crate) fn revision_digest(&mut self, revision: u64) -> Result<String> {
        let mut digest = Sha256::new();
        let of = values![revision];
        let head = "SELECT made_at, who, origin FROM revision WHERE number = $1";
        for mut row in self.sql.query(head, of)? {
            digest.update(row.next::<u64>()?.to_be_bytes());
            feed(&mut digest, Some(&row.next::<String>()?));
            feed(&mut digest, Some(&row.next::<String>()?));
        }
        let rows = self.sql.query(
            "SELECT object, subject, old_value, new_value FROM revision_entry
                WHERE revision = $1 ORDER BY position",
            of,
        )?;
        for mut row in rows {
            for _ in 0..4 {
                feed(&mut digest, row.next::<Option<String>>()?.as_deref());
            }
        }
        Ok(format!("revision {revision} sha256 {}", hex(&digest.finalize())))
    }
}

fn read(mut row: Row) -> Result<(AuditRecord, u64)> {
    let number = row.next()?;
    let at = row.next()?;
    let author = Author { who: row.next()?, origin: row.next()? };
    let (action, detail, hash) = (row.next()?, row.next()?, row.next()?);
    Ok((AuditRecord { number, at: time(at), author, action, detail, hash }, at))
}

fn hash(head: &str, number: u64, at: u64, author: &Author, action: &str, detail: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(number.to_be_bytes());
    digest.update(at.to_be_bytes());
    for field in [head, &author.who, &author.origin, action, detail] {
        feed(&mut digest, Some(field));
    }
    hex(&digest.finalize())
}

/// Feeds a field with its length, so that no two lists of fields look the same.
fn feed(digest: &mut Sha256, field: Option<&str>) {
    match field {
        Some(text) => {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        None => digest.update(u64::MAX.to_be_bytes()),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes everything");
        hex
    })
}
