//! Where the command keeps what it remembers of this machine and person.

use std::path::PathBuf;

use crate::failure::Failure;

/// A file or directory among what is remembered: `ringfence/NAME` in the XDG state directory,
/// which is made if need be.
pub fn file(name: &str) -> Result<PathBuf, Failure> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".local/state")))
        .ok_or_else(|| Failure::usage("neither HOME nor XDG_STATE_HOME is set: set one of them"))?;
    let directory = state.join("ringfence");
    std::fs::create_dir_all(&directory)?;
    Ok(directory.join(name))
}
