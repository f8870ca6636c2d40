use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{Error, Invalid};

/// Where the database is.
///
/// `sqlite:/var/lib/ringfence/ringfence.db`, or `postgresql://user@host/database` with the
/// parameters of libpq (`postgresql:///ringfence?host=/run/postgresql&user=ringfence`).
#[derive(Clone)]
pub enum StoreUrl {
    /// A file of the embedded database.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(Box<postgres::Config>),
}

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(Invalid::StoreUrl("the path is missing".into()).into());
            }
            return Ok(Self::Sqlite(path.into()));
        }
        if url.starts_with("postgresql:") || url.starts_with("postgres:") {
            // The parser's own message may quote the password.
            return url
                .parse()
                .map(|config| Self::Postgres(Box::new(config)))
                .map_err(|_| Invalid::StoreUrl("not a PostgreSQL connection URL".into()).into());
        }
        Err(Invalid::StoreUrl("it begins neither with sqlite: nor with postgresql:".into()).into())
    }
}

/// Without the password.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(config) => {
                f.write_str("postgresql://")?;
                for (n, host) in config.get_hosts().iter().enumerate() {
                    if n > 0 {
                        f.write_str(",")?;
                    }
                    match host {
                        postgres::config::Host::Tcp(name) => f.write_str(name)?,
                        postgres::config::Host::Unix(path) => write!(f, "{}", path.display())?,
                    }
                }
                write!(f, "/{}", config.get_dbname().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}
