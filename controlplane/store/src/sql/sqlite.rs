//! The embedded database.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql};

use super::{Access, Backend, Row, Sql, Value};
use crate::{Error, Replica, Result};

/// Another process (a second command line) may hold the write lock this long.
const BUSY: Duration = Duration::from_secs(10);

/// Statements that stay compiled: an enrolment alone runs more than the library keeps by itself.
const STATEMENTS: usize = 128;

pub(crate) struct Sqlite(Connection);

impl Sqlite {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = |cause: String| Error::Open { what: path.display().to_string(), cause };
        // Made by us first, so that nobody else can read it; SQLite gives its side files the same
        // mode.
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| failed(error.to_string()))?;
        let connection = Connection::open(path).map_err(|error| failed(error.to_string()))?;
        let set_up = || -> rusqlite::Result<()> {
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            // A change that was reported as done survives a power cut.
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "trusted_schema", false)
        };
        set_up().map_err(|error| failed(error.to_string()))?;
        Ok(Self::keeping_statements(connection)?)
    }

    /// An empty database that nobody else sees.
    pub(crate) fn in_memory() -> Result<Self> {
        Ok(Self::keeping_statements(Connection::open_in_memory()?)?)
    }

    /// The same for large ones: what memory has no room for is in a file without a name.
    pub(crate) fn temporary() -> Result<Self> {
        Ok(Self::keeping_statements(Connection::open("")?)?)
    }

    fn keeping_statements(connection: Connection) -> rusqlite::Result<Self> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Otherwise a kept statement may be compiled again for each new value.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(Self(connection))
    }
}

impl Backend for Sqlite {
    fn begin(&mut self, access: Access) -> Result<()> {
        self.run(match access {
            Access::Read => "BEGIN",
            Access::Write => "BEGIN IMMEDIATE",
        })
    }

    fn commit(&mut self) -> Result<()> {
        self.run("COMMIT")
    }

    fn roll_back(&mut self) {
        // It fails only if it was rolled back already.
        if !self.0.is_autocommit() {
            let _ = self.run("ROLLBACK");
        }
    }
}

impl Sqlite {
    fn run(&mut self, sql: &str) -> Result<()> {
        Ok(self.0.prepare_cached(sql)?.execute([]).map(drop)?)
    }
}

impl Sql for Sqlite {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        let mut statement = self.0.prepare_cached(sql)?;
        bind(&mut statement, values)?;
        Ok(statement.raw_execute()? as u64)
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        let mut statement = self.0.prepare_cached(sql)?;
        bind(&mut statement, values)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut answer = Vec::new();
        while let Some(row) = rows.next()? {
            let columns = (0..columns).map(|n| Ok(row.get_ref(n)?.into()));
            answer.push(Row::new(columns.collect::<rusqlite::Result<_>>()?));
        }
        Ok(answer)
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.0.execute_batch(sql)?)
    }

    fn replica(&mut self) -> Result<Option<Replica>> {
        Ok(None)
    }

    fn has_table(&mut self, table: &str) -> Result<bool> {
        Ok(self.0.table_exists(None, table)?)
    }
}

/// SQLite takes `$1` for a name and numbers names by their first appearance, so bind by name.
fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    for (n, value) in values.iter().enumerate() {
        if let Some(index) = statement.parameter_index(&format!("${}", n + 1))? {
            statement.raw_bind_parameter(index, value)?;
        }
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(int) => ValueRef::Integer(*int),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(int) => Self::Int(int),
            // No column of ours is REAL; should one turn up, `Row::next` refuses it as text.
            ValueRef::Real(real) => Self::Text(real.to_string()),
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Database(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::sql::values;

    #[test]
    fn kept_statements_are_compiled_once() {
        let mut database = Sqlite::in_memory().unwrap();
        database
            .batch("CREATE TABLE line (phone TEXT, button INT, PRIMARY KEY (phone, button))")
            .unwrap();
        let lines = "SELECT button FROM line WHERE phone = $1 ORDER BY button";
        for phone in ["a", "b", "c"] {
            database.query(lines, values![phone]).unwrap();
        }
        let kept = database.0.prepare_cached(lines).unwrap();
        assert_eq!(kept.get_status(StatementStatus::Run), 3);
        assert_eq!(kept.get_status(StatementStatus::RePrepare), 0);
    }
}
