use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use postgres::config::{Host, TargetSessionAttrs};

use crate::{Error, Invalid};

/// Where the database is.
///
/// `sqlite:/var/lib/ringfence/ringfence.db`, or `postgresql://user@host/database` with the
/// parameters of libpq (`postgresql:///ringfence?host=/run/postgresql&user=ringfence`). Another
/// machine is talked to by TLS only, and must prove that it is the one named:
/// `postgresql://user@db.example/ringfence?sslmode=verify-full&sslrootcert=/etc/ringfence/db.pem`;
/// who asks can prove who he is in the same way, with `sslcert` and `sslkey`.
#[derive(Clone)]
pub enum StoreUrl {
    /// A file of the embedded database.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(Box<PostgresUrl>),
}

/// A database of a PostgreSQL server, and how the way there is protected.
#[derive(Clone, Default)]
pub struct PostgresUrl {
    /// Where it is, and who asks.
    pub config: postgres::Config,
    /// A PEM file with the certificates that the server's own must come from; without, the
    /// connection is in clear.
    pub roots: Option<PathBuf>,
    /// PEM files with the certificate that proves who asks, and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

impl PostgresUrl {
    /// Only a server that takes changes will do, of several the first that does.
    #[must_use]
    pub fn for_changes(mut self) -> Self {
        self.config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        self
    }

    /// Takes the parameters about TLS out of a URL, since they are ours, and parses the rest.
    fn parse(url: &str) -> Result<Self, Invalid> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut rest, mut mode, mut roots) = (Vec::new(), None, None);
        let (mut certificate, mut key) = (None, None);
        let file = |value| PathBuf::from(&*percent_decode_str(value).decode_utf8_lossy());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => roots = Some(file(value)),
                Some(("sslcert", value)) => certificate = Some(file(value)),
                Some(("sslkey", value)) => key = Some(file(value)),
                _ => rest.push(parameter),
            }
        }
        let roots = match (mode, roots) {
            (Some("verify-full"), Some(roots)) => Some(roots),
            (Some("verify-full"), None) => {
                return Err(invalid("sslmode=verify-full needs sslrootcert=FILE"));
            }
            (None | Some("disable" | "prefer"), None) => None,
            _ => {
                let cause = "the server must prove who it is: sslmode=verify-full&sslrootcert=FILE";
                return Err(invalid(cause));
            }
        };
        let client = match (certificate, key) {
            (Some(certificate), Some(key)) if roots.is_some() => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(invalid("sslcert, sslkey and sslrootcert belong together")),
        };
        // The parser's own message may quote the password.
        let config = format!("{base}?{}", rest.join("&"))
            .parse()
            .map_err(|_| invalid("not a PostgreSQL connection URL"))?;
        Ok(Self { config, roots, client })
    }
}

fn invalid(cause: &str) -> Invalid {
    Invalid::StoreUrl(cause.into())
}

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(invalid("the path is missing").into());
            }
            return Ok(Self::Sqlite(path.into()));
        }
        if url.starts_with("postgresql:") || url.starts_with("postgres:") {
            return Ok(Self::Postgres(Box::new(PostgresUrl::parse(url)?)));
        }
        Err(invalid("it begins neither with sqlite: nor with postgresql:").into())
    }
}

/// Without the password.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// Without the password.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let hosts: Vec<_> = hosts.collect();
        let database = self.config.get_dbname().unwrap_or_default();
        write!(f, "postgresql://{}/{database}", hosts.join(","))
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}
