//! The database that another one is a copy of, on another machine: asked only when something is to
//! be changed.

use std::sync::{Arc, Mutex, PoisonError};

use super::postgres::Postgres;
use super::{Access, Backend, Row, Sql, Value};
use crate::{Error, PostgresUrl, Replica, Result};

/// Where it is at present: that changes when another node becomes the publisher.
pub(crate) type Whereabouts = Arc<Mutex<PostgresUrl>>;

/// A connection that is made when it is needed, and anew when it is of no more use.
pub(crate) struct Afar {
    place: Whereabouts,
    connection: Option<Postgres>,
    /// Whether the server at the other end turned out to take no changes.
    refused: bool,
}

impl Afar {
    pub(crate) fn at(place: Whereabouts) -> Self {
        Self { place, connection: None, refused: false }
    }

    fn connected(&mut self) -> Result<&mut Postgres> {
        if std::mem::take(&mut self.refused) {
            self.connection = None;
        }
        if self.connection.is_none() {
            let place = self.place.lock().unwrap_or_else(PoisonError::into_inner).clone();
            self.connection = Some(Postgres::open(&place).map_err(away)?);
        }
        Ok(self.begun())
    }

    /// The connection of a transaction.
    fn begun(&mut self) -> &mut Postgres {
        self.connection.as_mut().expect("statements come after `begin`, which connects")
    }

    fn noted<T>(&mut self, done: Result<T>) -> Result<T> {
        self.refused |= matches!(done, Err(Error::ReadOnly));
        done
    }
}

/// Before a transaction has begun, nothing can have been changed.
fn away(error: Error) -> Error {
    match error {
        Error::Open { cause, .. } | Error::Database(cause) => Error::PublisherAway(cause),
        other => other,
    }
}

impl Backend for Afar {
    fn begin(&mut self, access: Access) -> Result<()> {
        let begun = self.connected()?.begin(access).map_err(away);
        if begun.is_err() {
            self.connection = None;
        }
        begun
    }

    fn commit(&mut self) -> Result<()> {
        self.begun().commit()
    }

    fn roll_back(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.roll_back();
        }
    }
}

impl Sql for Afar {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        let done = self.begun().execute(sql, values);
        self.noted(done)
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        self.begun().query(sql, values)
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        let done = self.begun().batch(sql);
        self.noted(done)
    }

    fn replica(&mut self) -> Result<Option<Replica>> {
        self.begun().replica()
    }

    fn has_table(&mut self, table: &str) -> Result<bool> {
        self.begun().has_table(table)
    }
}
