//! The schema and its history. A migration that was released is never edited: a new one follows.

use crate::sql::{Access, Backend, Sql, transaction, values};
use crate::{Error, Result};

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001-initial.sql"),
    include_str!("../migrations/0002-capf.sql"),
    include_str!("../migrations/0003-telephones.sql"),
    include_str!("../migrations/0004-srst.sql"),
    include_str!("../migrations/0005-orders.sql"),
    include_str!("../migrations/0006-accounts.sql"),
    include_str!("../migrations/0007-gateways.sql"),
    include_str!("../migrations/0008-voicemail.sql"),
    include_str!("../migrations/0009-capture.sql"),
];

/// Number of the newest schema.
pub(crate) fn newest() -> u64 {
    MIGRATIONS.len() as u64
}

/// Refuses what is of another program than this one, without a change: a copy is brought up to date
/// by what it is a copy of.
pub(crate) fn check(backend: &mut dyn Backend) -> Result<()> {
    let (found, known) = (transaction(backend, Access::Read, schema)?, newest());
    match found {
        _ if found > known => Err(Error::Newer { found, known }),
        _ if found < known => Err(Error::Older { found, known }),
        _ => Ok(()),
    }
}

/// Applies the migrations that are missing, all in one transaction.
pub(crate) fn to_newest(backend: &mut dyn Backend) -> Result<()> {
    to(backend, newest())
}

/// Applies the migrations that are missing to the schema of this number, all in one transaction.
pub(crate) fn to(backend: &mut dyn Backend, wanted: u64) -> Result<()> {
    let found = transaction(backend, Access::Read, schema)?;
    let known = newest();
    if found > known {
        return Err(Error::Newer { found, known });
    }
    if found >= wanted {
        return Ok(());
    }
    transaction(backend, Access::Write, |sql| {
        sql.batch("CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY)")?;
        // Another process may have been quicker.
        let found = schema(sql)?;
        let missing = (1..=wanted).zip(MIGRATIONS).skip(found as usize);
        for (number, migration) in missing {
            sql.batch(migration)?;
            sql.execute("INSERT INTO migration (number) VALUES ($1)", values![number])?;
        }
        Ok(())
    })
}

/// Number of the last migration that was applied.
pub(crate) fn schema(sql: &mut dyn Sql) -> Result<u64> {
    if !sql.has_table("migration")? {
        return Ok(0);
    }
    let mut rows = sql.query("SELECT COALESCE(MAX(number), 0) FROM migration", &[])?;
    rows[0].next()
}
