//! A PostgreSQL server, shared by the nodes of a cluster: the publisher talks to the primary,
//! subscribers to their replicas.

use std::error::Error as StdError;
use std::fmt::Display;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use postgres::config::{Host, SslMode};
use postgres::error::SqlState;
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, IsolationLevel, NoTls, Transaction};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Access, Backend, Body, Row, Sql, Value};
use crate::{Error, PostgresUrl, Result};

/// Key of the advisory lock that lets one writer through at a time ("ringfenc").
const WRITER_LOCK: i64 = 0x7269_6e67_6665_6e63;

pub(crate) struct Postgres {
    url: PostgresUrl,
    client: Client,
}

impl Postgres {
    pub(crate) fn open(url: &PostgresUrl) -> Result<Self> {
        let client = connect(url)?;
        Ok(Self { url: url.clone(), client })
    }
}

fn connect(url: &PostgresUrl) -> Result<Client> {
    let failed = |cause: String| Error::Open { what: url.to_string(), cause };
    let mut config = url.config.clone();
    config.application_name("ringfence");
    let connected = match &url.roots {
        Some(roots) => {
            let tls = tls(roots).map_err(|cause| failed(cause.to_string()))?;
            config.ssl_mode(SslMode::Require).connect(MakeRustlsConnect::new(tls))
        }
        None => match remote(&config) {
            Some(host) => {
                let cause = format!(
                    "{host} is another machine, and the connection would be in clear: add \
                     sslmode=verify-full&sslrootcert=FILE"
                );
                return Err(failed(cause));
            }
            None => config.connect(NoTls),
        },
    };
    connected.map_err(|error| failed(explain(&error)))
}

/// The first host that is not this machine.
fn remote(config: &Config) -> Option<String> {
    let name = config.get_hosts().iter().find_map(|host| match host {
        Host::Tcp(name) if name != "localhost" && !is_loopback(name) => Some(name.clone()),
        Host::Tcp(_) | Host::Unix(_) => None,
    });
    // What `hostaddr` says is where the connection goes, whatever the name.
    let address = || config.get_hostaddrs().iter().find(|address| !address.is_loopback());
    name.or_else(|| address().map(IpAddr::to_string))
}

fn is_loopback(name: &str) -> bool {
    name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Accepts a server whose certificate comes from one of those in `roots` and has its name.
fn tls(roots: &Path) -> std::result::Result<ClientConfig, Box<dyn StdError>> {
    let in_file = |cause: &dyn Display| format!("sslrootcert {}: {cause}", roots.display());
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(roots).map_err(|error| in_file(&error))? {
        let certificate = certificate.map_err(|error| in_file(&error))?;
        store.add(certificate).map_err(|error| in_file(&error))?;
    }
    if store.is_empty() {
        return Err(in_file(&"there is no certificate in it").into());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(config)
}

impl Backend for Postgres {
    fn transaction(&mut self, access: Access, body: Body<'_>) -> Result<()> {
        if self.client.is_closed() {
            self.client = connect(&self.url)?;
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
