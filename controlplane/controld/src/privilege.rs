//! What root is needed for, and giving it up.

use std::os::unix::fs::chown;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

use crate::config::{Config, Role};

/// Becomes the user of the configuration, if started by root: for ever, and with every capability.
/// To be called when sockets below port 1024 are open and before there is a second thread. Not
/// started by root, it stays who it is. Either way as many files can be opened afterwards as the
/// machine allows.
pub fn give_up(config: &Config, role: Role) -> Result<()> {
    ::privilege::raise_open_files();
    if !geteuid().is_root() {
        return Ok(());
    }
    let Some(name) = &config.user else {
        bail!(
            "it does not run as root: set `user` in [controld] to the name of an unprivileged user"
        );
    };
    let user = ::privilege::unprivileged(name, "[controld] user")?;
    for directory in own_directories(config, role) {
        std::fs::create_dir_all(&directory)
            .and_then(|()| chown(&directory, Some(user.uid.as_raw()), Some(user.gid.as_raw())))
            .with_context(|| format!("cannot give {} to `{name}`", directory.display()))?;
    }
    ::privilege::become_user(&user)
}

/// Directories that the daemon makes files in.
fn own_directories(config: &Config, role: Role) -> Vec<PathBuf> {
    let Config { key_directory, certificate_directory, phone_directory, .. } = config.clone();
    let mut directories =
        vec![key_directory, certificate_directory, phone_directory, config.trace_directory()];
    match role {
        Role::Srst => directories.extend([config.srst_directory(), config.srst.memory.clone()]),
        Role::Centre => {
            directories.push(config.backup_workshop());
            if config.backup.bucket.is_none() && config.backup.directory.is_none() {
                directories.push(config.backup_directory());
            }
        }
    }
    directories.extend(config.admin_socket.parent().map(Into::into));
    if let (Role::Centre, Some(database)) = (role, &config.database) {
        directories.push(database.directory.clone());
    }
    if let (Role::Centre, store::StoreUrl::Sqlite(file)) = (role, &config.store) {
        directories.extend(file.parent().map(Into::into));
    }
    directories
}
