//! PostgreSQL's programs.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use crate::Fault;

/// One of them, of the newest release there is. Debian keeps them off the path, one directory a
/// release.
pub(crate) fn program(name: &'static str) -> Result<Command, Fault> {
    let releases = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut releases: Vec<PathBuf> = releases.map(|release| release.path()).collect();
    releases.sort_by_key(number);
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = releases.into_iter().rev().map(|release| release.join("bin"));
    let mut files =
        directories.chain(env::split_paths(&path)).map(|directory| directory.join(name));
    let found = files.find(|file| file.exists()).ok_or(Fault::NotInstalled(name))?;
    let mut command = Command::new(found);
    // Messages are read by us, and settings of the caller are not meant for it.
    command.env_clear().env("LC_ALL", "C").current_dir("/");
    Ok(command)
}

/// Runs it to its end.
pub(crate) fn run(mut command: Command) -> Result<(), Fault> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |words: String| Fault::Program { program: name.clone(), words };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}
