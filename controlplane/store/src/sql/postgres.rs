//! A PostgreSQL server, shared by the nodes of a cluster: the publisher talks to the primary,
//! subscribers to their replicas.

use std::error::Error as StdError;
use std::fmt::Display;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use postgres::config::{Host, SslMode};
use postgres::error::SqlState;
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Access, Backend, Row, Sql, Value};
use crate::{Error, PostgresUrl, Replica, Result};

/// Key of the advisory lock that lets one writer through at a time ("ringfenc").
const WRITER_LOCK: i64 = 0x7269_6e67_6665_6e63;

pub(crate) struct Postgres {
    url: PostgresUrl,
    client: Client,
    /// Whether a transaction is open.
    open: bool,
}

impl Postgres {
    pub(crate) fn open(url: &PostgresUrl) -> Result<Self> {
        let client = connect(url)?;
        Ok(Self { url: url.clone(), client, open: false })
    }
}

pub(crate) fn connect(url: &PostgresUrl) -> Result<Client> {
    let failed = |cause: String| Error::Open { what: url.to_string(), cause };
    let mut config = url.config.clone();
    config.application_name("ringfence");
    let connected = match &url.roots {
        Some(roots) => {
            let tls = tls(roots, url.client.as_ref()).map_err(|cause| failed(cause.to_string()))?;
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

/// Accepts a server whose certificate comes from one of those in `roots` and has its name, and
/// shows it the certificate of `client`.
fn tls(
    roots: &Path,
    client: Option<&(PathBuf, PathBuf)>,
) -> std::result::Result<ClientConfig, Box<dyn StdError>> {
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
        .with_root_certificates(store);
    let Some((certificate, key)) = client else { return Ok(config.with_no_client_auth()) };
    let shown = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| format!("sslcert {}: {error}", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| format!("sslkey {}: {error}", key.display()))?;
    Ok(config.with_client_auth_cert(shown, key)?)
}

impl Backend for Postgres {
    fn begin(&mut self, access: Access) -> Result<()> {
        let begin = match access {
            Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
            // Only one writer is let through, and each of its statements sees what the writer
            // before it committed.
            Access::Write => format!(
                "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({WRITER_LOCK})"
            ),
        };
        self.open = true;
        let begun = self.batch(&begin);
        if begun.is_err() && self.client.is_closed() {
            // The server was away since the last transaction.
            self.client = connect(&self.url)?;
            return self.batch(&begin);
        }
        begun.inspect_err(|_| self.roll_back())
    }

    fn commit(&mut self) -> Result<()> {
        self.batch("COMMIT")?;
        self.open = false;
        Ok(())
    }

    fn roll_back(&mut self) {
        if std::mem::take(&mut self.open) {
            // Without a connection there is no transaction.
            let _ = self.batch("ROLLBACK");
        }
    }
}

impl Sql for Postgres {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        Ok(self.client.execute(sql, &parameters(values))?)
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        let rows = self.client.query(sql, &parameters(values))?;
        rows.iter().map(row).collect()
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql)?)
    }

    fn replica(&mut self) -> Result<Option<Replica>> {
        let asked = "SELECT pg_is_in_recovery(),
            EXISTS (SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'),
            COALESCE(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::BIGINT,
            COALESCE(EXTRACT(EPOCH FROM now() - (SELECT last_msg_receipt_time
                FROM pg_stat_wal_receiver)), 0)::BIGINT";
        let row = self.client.query_one(asked, &[])?;
        let behind: i64 = row.get(2);
        let silent: i64 = row.get(3);
        Ok(row.get::<_, bool>(0).then(|| Replica {
            streams: row.get(1),
            behind: u64::try_from(behind).unwrap_or_default(),
            silent: std::time::Duration::from_secs(u64::try_from(silent).unwrap_or_default()),
        }))
    }

    fn has_table(&mut self, table: &str) -> Result<bool> {
        let found = "SELECT COUNT(*) FROM information_schema.tables
            WHERE table_schema = current_schema() AND table_name = $1";
        let row = self.client.query_one(found, &[&table])?;
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
