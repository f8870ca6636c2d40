//! A copy of the whole database as lines of JSON, and its way back.
//!
//! ```text
//! {"schema":3}
//! {"table":"cluster","columns":["only_one","guid","name","security_mode"]}
//! [1,"7a4f1d0e-…","office",1]
//! {"table":"ctl_version","columns":[…]}
//! [1,1763900000000,"alice","CN=sast-1","ab…",{"bytes":"AQAC…"}]
//! {"end":2}
//! ```
//!
//! The copy is the same of both databases, so that one can be restored into the other: it is how a
//! cluster moves from the embedded database to PostgreSQL. It is made in one transaction, while
//! others go on changing, and taken back in one, so that there is the old state or the new one.

use std::io::{BufRead, Read, Write};
use std::sync::PoisonError;
use std::time::SystemTime;

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::change::{Change, Revision, json};
use crate::sql::sqlite::Sqlite;
use crate::sql::{Access, Backend, Sql, Value, transaction, values};
use crate::store::millis;
use crate::{Author, Cluster, Error, Guid, Node, Result, Store, View, migrate};

/// Longest line that is believed: a CTL file or a certificate, many times over.
const MAX_LINE: u64 = 16 << 20;

/// The object that restoring is remembered as.
const RESTORED: &str = "database";

/// What a copy is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Version of the schema.
    pub schema: u64,
    /// Its newest revision.
    pub revision: Revision,
    /// The cluster, if there was one.
    pub cluster: Option<Cluster>,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// How many rows.
    pub rows: u64,
}

/// What is not the rows of a table.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Schema { schema: u64 },
    Table { table: String, columns: Vec<String> },
    End { end: u64 },
    Row(Vec<Json>),
}

impl Store {
    /// Writes a copy of everything to `out`, of one moment, while changes go on. `step` hears how
    /// many rows were written so far.
    pub fn copy(&self, out: &mut dyn Write, step: &mut dyn FnMut(u64)) -> Result<Copied> {
        self.read(|view| {
            let rows = write(&mut *view.sql, out, step)?;
            view.copied(rows)
        })
    }

    /// Puts a copy in the place of everything, as one transaction, and notes as a revision that
    /// `origin` was restored. A copy of an older schema is brought up to date on the way, in a
    /// database of its own. `check` may refuse what it finds in the copy: then, and after any
    /// error, all is as it was.
    pub fn take_back(
        &self,
        copy: &mut dyn BufRead,
        author: &Author,
        now: SystemTime,
        origin: &str,
        check: impl FnOnce(&Copied) -> Result<()>,
    ) -> Result<Copied> {
        let mut unpacked = Unpacked::read(copy)?;
        check(&unpacked.copied()?)?;
        let copied = self.replace_all(|sql| {
            unpacked.pour(sql)?;
            let mut change = Change::begin(View { sql }, author, millis(now))?;
            change.record(RESTORED, origin, None, json(&"restored"));
            change.end(())?;
            View { sql }.copied(0)
        })?;
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = copied.revision;
        self.changed.notify_all();
        Ok(copied)
    }
}

/// Reads a copy without a database to put it in: whether it is whole, and what it is of.
pub fn examine_copy(copy: &mut dyn BufRead) -> Result<Copied> {
    Unpacked::read(copy)?.copied()
}

impl View<'_> {
    /// Whether the database was restored after the CTL file in force was accepted: telephones may
    /// know newer ones, and it has to be signed again.
    pub fn restored_since_ctl(&mut self) -> Result<bool> {
        let mut newest = |object: &str| -> Result<u64> {
            let found = "SELECT COALESCE(MAX(revision), 0) FROM revision_entry WHERE object = $1";
            self.sql.query(found, values![object])?[0].next()
        };
        let (restored, ctl) = (newest(RESTORED)?, newest("ctl")?);
        Ok(restored > ctl && self.ctl()?.is_some())
    }

    /// What was restored last, by the name it was given.
    pub fn last_restored(&mut self) -> Result<Option<String>> {
        let found = "SELECT subject FROM revision_entry WHERE object = $1
            ORDER BY revision DESC LIMIT 1";
        let row = self.sql.query(found, values![RESTORED])?.pop();
        row.map(|mut row| row.next()).transpose()
    }

    fn copied(&mut self, rows: u64) -> Result<Copied> {
        let revision = self.revision()?;
        let (cluster, nodes) = (self.cluster()?, self.nodes()?);
        Ok(Copied { schema: migrate::newest(), revision, cluster, nodes, rows })
    }
}

/// Writes all rows, table by table, each after those that it refers to.
fn write(sql: &mut dyn Sql, out: &mut dyn Write, step: &mut dyn FnMut(u64)) -> Result<u64> {
    let schema = migrate::schema(sql)?;
    line(out, &Line::Schema { schema })?;
    let mut written = 0;
    for Table { name, columns } in tables(schema)? {
        let names = columns.join(", ");
        line(out, &Line::Table { table: name.clone(), columns })?;
        for row in sql.query(&format!("SELECT {names} FROM {name} ORDER BY {names}"), &[])? {
            line(out, &Line::Row(row.into_values().map(to_json).collect()))?;
            written += 1;
            step(written);
        }
    }
    line(out, &Line::End { end: written })?;
    Ok(written)
}

fn line(out: &mut dyn Write, line: &Line) -> Result<()> {
    let failed = |error: std::io::Error| Error::Copy(error.to_string());
    serde_json::to_writer(&mut *out, line).map_err(|error| failed(error.into()))?;
    out.write_all(b"\n").map_err(failed)
}

/// A table as a schema has it.
struct Table {
    name: String,
    columns: Vec<String>,
}

/// The tables of a schema in the order in which they were made: none refers to a later one. Known
/// from an empty database, since PostgreSQL does not keep the order.
fn tables(schema: u64) -> Result<Vec<Table>> {
    let mut empty = Sqlite::in_memory()?;
    migrate::to(&mut empty, schema)?;
    transaction(&mut empty, Access::Read, |sql| {
        let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'migration'
            ORDER BY rowid";
        let mut tables = Vec::new();
        for mut row in sql.query(names, &[])? {
            let name: String = row.next()?;
            let columns = sql.query("SELECT name FROM pragma_table_info($1)", values![&*name])?;
            let columns = columns.into_iter().map(|mut row| row.next());
            tables.push(Table { name, columns: columns.collect::<Result<_>>()? });
        }
        Ok(tables)
    })
}

/// A copy in a database of its own, brought up to date.
struct Unpacked {
    backend: Box<dyn Backend>,
    rows: u64,
}

impl Unpacked {
    fn read(copy: &mut dyn BufRead) -> Result<Self> {
        let mut lines = Lines { input: copy, buffer: Vec::new() };
        let Some(Line::Schema { schema }) = lines.next()? else {
            return Err(Error::Copy("it does not begin with its schema".into()));
        };
        if schema > migrate::newest() {
            return Err(Error::Newer { found: schema, known: migrate::newest() });
        }
        let mut backend: Box<dyn Backend> = Box::new(Sqlite::temporary()?);
        migrate::to(&mut *backend, schema)?;
        let known = tables(schema)?;
        let rows = transaction(&mut *backend, Access::Write, |sql| {
            empty(sql, &known)?;
            insert(sql, &known, &mut lines)
        })?;
        migrate::to_newest(&mut *backend)?;
        // What it says of itself is not believed only because it could be read.
        let sound = |sql: &mut dyn Sql| View { sql }.verify_audit().map(drop);
        transaction(&mut *backend, Access::Read, sound)?;
        Ok(Self { backend, rows })
    }

    fn copied(&mut self) -> Result<Copied> {
        let rows = self.rows;
        transaction(&mut *self.backend, Access::Read, |sql| View { sql }.copied(rows))
    }

    /// Puts everything into another database, in the place of everything there.
    fn pour(&mut self, into: &mut dyn Sql) -> Result<()> {
        let tables = tables(migrate::newest())?;
        empty(into, &tables)?;
        transaction(&mut *self.backend, Access::Read, |from| {
            for Table { name, columns } in &tables {
                let names = columns.join(", ");
                let statement = insertion(name, columns);
                for row in from.query(&format!("SELECT {names} FROM {name}"), &[])? {
                    into.execute(&statement, &row.into_values().collect::<Vec<_>>())?;
                }
            }
            Ok(())
        })
    }
}

fn empty(sql: &mut dyn Sql, tables: &[Table]) -> Result<()> {
    tables.iter().rev().try_for_each(|table| sql.batch(&format!("DELETE FROM {}", table.name)))
}

/// Inserts all rows there are, up to the end that the copy says it has.
fn insert(sql: &mut dyn Sql, known: &[Table], lines: &mut Lines<'_>) -> Result<u64> {
    let damaged = |cause: String| Error::Copy(cause);
    let (mut rows, mut statement, mut width) = (0, String::new(), 0);
    while let Some(line) = lines.next()? {
        match line {
            Line::Table { table, columns } => {
                // Names go into the statement: they must be ours.
                let ours = known.iter().find(|ours| ours.name == table);
                if ours.is_none_or(|ours| ours.columns != columns) {
                    return Err(damaged(format!("there is no table {table:?} like that")));
                }
                (statement, width) = (insertion(&table, &columns), columns.len());
            }
            Line::Row(row) if row.len() == width && width > 0 => {
                let row: Option<Vec<_>> = row.into_iter().map(from_json).collect();
                let row = row.ok_or_else(|| damaged("a value is of no known kind".into()))?;
                sql.execute(&statement, &row)?;
                rows += 1;
            }
            Line::End { end } if end == rows => return Ok(rows),
            Line::Row(_) | Line::End { .. } | Line::Schema { .. } => {
                return Err(damaged(format!("it makes no sense after {rows} rows")));
            }
        }
    }
    Err(damaged(format!("it ends after {rows} rows")))
}

fn insertion(table: &str, columns: &[String]) -> String {
    let marks: Vec<_> = (1..=columns.len()).map(|number| format!("${number}")).collect();
    format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), marks.join(", "))
}

/// The lines of a copy.
struct Lines<'a> {
    input: &'a mut dyn BufRead,
    buffer: Vec<u8>,
}

impl Lines<'_> {
    fn next(&mut self) -> Result<Option<Line>> {
        self.buffer.clear();
        let mut limited = (&mut *self.input).take(MAX_LINE);
        let read = limited.read_until(b'\n', &mut self.buffer);
        if read.map_err(|error| Error::Copy(error.to_string()))? == 0 {
            return Ok(None);
        }
        let line = serde_json::from_slice(&self.buffer);
        line.map(Some).map_err(|error| Error::Copy(error.to_string()))
    }
}

fn to_json(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(int) => int.into(),
        Value::Text(text) => text.into(),
        Value::Bytes(bytes) => serde_json::json!({ "bytes": Base64::encode_string(&bytes) }),
    }
}

fn from_json(json: Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Number(number) => Value::Int(number.as_i64()?),
        Json::String(text) => Value::Text(text),
        Json::Object(object) => {
            Value::Bytes(Base64::decode_vec(object.get("bytes")?.as_str()?).ok()?)
        }
        Json::Bool(_) | Json::Array(_) => return None,
    })
}

/// The end of a history: tells later whether the same history goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryMark {
    cluster: Option<Guid>,
    record: u64,
    hash: String,
}

impl View<'_> {
    /// Where the history ends now.
    pub fn history_mark(&mut self) -> Result<HistoryMark> {
        let last = self.audit(None, 1)?.pop();
        let cluster = self.cluster()?.map(|cluster| cluster.guid);
        let (record, hash) = last.map(|last| (last.number, last.hash)).unwrap_or_default();
        Ok(HistoryMark { cluster, record, hash })
    }

    /// Whether what there was at `mark` is part of this history still. It is not after the
    /// database was restored: what was read before may be wrong though revisions have the same
    /// numbers.
    pub fn continues(&mut self, mark: &HistoryMark) -> Result<bool> {
        let cluster = self.cluster()?.map(|cluster| cluster.guid);
        if mark.cluster.is_some() && mark.cluster != cluster {
            return Ok(false);
        }
        let found = "SELECT hash FROM audit_record WHERE number = $1";
        let mut row = self.sql.query(found, values![mark.record])?.pop();
        let hash = row.as_mut().map(|row| row.next::<String>()).transpose()?;
        Ok(mark.record == 0 || hash.as_deref() == Some(&*mark.hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_refers_to_a_later_one() {
        let schema = migrate::newest();
        let tables = tables(schema).unwrap();
        let mut empty = Sqlite::in_memory().unwrap();
        migrate::to(&mut empty, schema).unwrap();
        for (position, table) in tables.iter().enumerate() {
            let references = "SELECT \"table\" FROM pragma_foreign_key_list($1)";
            for mut row in empty.query(references, values![&*table.name]).unwrap() {
                let other: String = row.next().unwrap();
                let before = tables[..=position].iter().any(|table| table.name == other);
                assert!(before, "{} refers to {other}", table.name);
            }
        }
    }
}
