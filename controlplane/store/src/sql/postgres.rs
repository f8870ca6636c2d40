//! A PostgreSQL server, shared by the nodes of a cluster: the publisher talks to the primary,
//! subscribers to their replicas.

use std::error::Error as StdError;
use std::net::IpAddr;

use postgres::config::Host;
use postgres::error::SqlState;
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, IsolationLevel, NoTls, Transaction};

use super::{Access, Backend, Body, Row, Sql, Value};
use crate::{Error, Result};

/// Key of the advisory lock that lets one writer through at a time ("ringfenc").
const WRITER_LOCK: i64 = 0x7269_6e67_6665_6e63;

pub(crate) struct Postgres {
    config: Config,
    client: Client,
}

impl Postgres {
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let client = connect(config)?;
        Ok(Self { config: config.clone(), client })
    }
}

fn connect(config: &Config) -> Result<Client> {
    let shown = || crate::StoreUrl::Postgres(Box::new(config.clone())).to_string();
    if let Some(host) = config.get_hosts().iter().find(|host| !is_local(host)) {
        let cause = format!("{host:?} is another machine, and the connection would be in clear");
        return Err(Error::Open { what: shown(), cause });
    }
    let mut config = config.clone();
    config.application_name("ringfence");
    config.connect(NoTls).map_err(|error| Error::Open { what: shown(), cause: explain(&error) })
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
    }
}

impl Backend for Postgres {
    fn transaction(&mut self, access: Access, body: Body<'_>) -> Result<()> {
        if self.client.is_closed() {
            self.client = connect(&self.config)?;
        }
        let transaction = self.client.build_transaction();
        let mut transaction = match access {
            Access::Read => transaction
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()?,
            // Only one writer is let through, and each of its statements sees what the writer
            // before it committed.
            Access::Write => {
                let mut transaction =
                    transaction.isolation_level(IsolationLevel::ReadCommitted).start()?;
                transaction
                    .batch_execute(&format!("SELECT pg_advisory_xact_lock({WRITER_LOCK})"))?;
                transaction
            }
        };
        body(&mut transaction)?;
        transaction.commit()?;
        Ok(())
    }
}

impl Sql for Transaction<'_> {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        Ok(Transaction::execute(self, sql, &parameters(values))?)
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        let rows = Transaction::query(self, sql, &parameters(values))?;
        rows.iter().map(row).collect()
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.batch_execute(sql)?)
    }

    fn has_table(&mut self, table: &str) -> Result<bool> {
        let found = "SELECT COUNT(*) FROM information_schema.tables
            WHERE table_schema = current_schema() AND table_name = $1";
        let row = self.query_one(found, &[&table])?;
        Ok(row.get::<_, i64>(0) > 0)
    }
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

fn row(row: &postgres::Row) -> Result<Row> {
    let column = |n: usize| {
        Ok(match *row.columns()[n].type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(n)?.into(),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(n)?.as_deref().into(),
            _ => row.try_get::<_, Option<String>>(n)?.into(),
        })
    };
    Ok(Row::new((0..row.len()).map(column).collect::<Result<_>>()?))
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(int) => int.to_sql_checked(ty, out),
            Self::Text(text) => text.to_sql_checked(ty, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(ty, out),
        }
    }

    /// Each variant checks for itself.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => Self::ReadOnly,
            _ => Self::Database(explain(&error)),
        }
    }
}

/// The server's own words; the crate's are only "db error".
fn explain(error: &postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(db), _) => db.to_string(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
