//! Giving up root: who is started by root becomes an unprivileged user, for ever.
//!
//! This crate must not know what its callers open before, or need after.

#![forbid(unsafe_code)]

pub mod users;

use anyhow::{Context, Result, ensure};
use rustix::process::Uid;
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use users::User;

/// The user to become; `setting` names the setting that `name` comes from.
pub fn unprivileged(name: &str, setting: &str) -> Result<User> {
    let user = users::by_name(name)
        .with_context(|| format!("there is no user `{name}` ({setting}): make it first"))?;
    ensure!(!user.uid.is_root(), "`{name}` ({setting}) is root by another name");
    Ok(user)
}

/// Becomes the user, and loses every capability and group. To be called by root, before there is a
/// second thread.
pub fn become_user(user: &User) -> Result<()> {
    set_thread_groups(&[user.gid])
        .and_then(|()| set_thread_gid(user.gid))
        .and_then(|()| set_thread_uid(user.uid))
        .with_context(|| format!("cannot become `{}`", user.name))?;
    ensure!(set_thread_uid(Uid::ROOT).is_err(), "root could be taken back");
    Ok(())
}
