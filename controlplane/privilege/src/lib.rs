//! Giving up root: who is started by root becomes an unprivileged user, for ever.
//!
//! This crate must not know what its callers open before, or need after.

#![forbid(unsafe_code)]

pub mod users;

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, Uid, geteuid, getrlimit, setrlimit};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use users::User;

/// Lets this process open as many files as the machine allows it: each phone, call and transfer has
/// a socket, and the usual soft limit is 1024. Root first raises what it is allowed. Returns how
/// many there may be.
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    let wanted = [allowed.max(OPEN_FILES), allowed, allowed.min(OPEN_FILES)];
    let raise = |to| setrlimit(Resource::Nofile, Rlimit { current: Some(to), maximum: Some(to) });
    // With less, fewer are served; the others find no room.
    let raised = wanted.into_iter().find(|to| raise(*to).is_ok());
    raised.or(limit.current).unwrap_or(u64::MAX)
}

/// Three for each of twenty thousand phones, and some more.
const OPEN_FILES: u64 = 65_536;

/// The user to become; `setting` names the setting that `name` comes from.
pub fn unprivileged(name: &str, setting: &str) -> Result<User> {
    let user = users::by_name(name)
        .with_context(|| format!("there is no user `{name}` ({setting}): make it first"))?;
    ensure!(!user.uid.is_root(), "`{name}` ({setting}) is root by another name");
    Ok(user)
}

/// Does something as the user, in a thread of its own that comes to an end with it. To be called
/// by root; others do it as who they are.
pub fn as_user<T: Send>(user: &User, work: impl FnOnce() -> T + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let done = scope.spawn(|| {
            if geteuid().is_root() {
                become_user(user)?;
            }
            Ok(work())
        });
        done.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
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
