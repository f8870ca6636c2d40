//! The process: one thread accepts and talks with controld, workers do everything else.

mod accept;
mod census;
mod connection;
mod reporter;
pub mod sandbox;
mod tls;
mod worker;

pub use accept::run;

use std::path::PathBuf;

use serde::Deserialize;

/// The cell's section of `/etc/ringfence/ringfence.toml`.
///
/// ```toml
/// [legacytls]
/// socket = "/run/ringfence/legacytls.sock"
/// user = "ringfence-tls"      # whom to run as when started by root: nobody else should
/// controld_user = "ringfence" # who may call; absent: whom it runs as itself
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where controld calls.
    pub socket: PathBuf,
    /// Whom to run as when started by root.
    pub user: Option<String>,
    /// Whom controld runs as.
    pub controld_user: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { socket: "/run/ringfence/legacytls.sock".into(), user: None, controld_user: None }
    }
}
