//! Running the programs that do the work.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A program of this machine, without its language and its settings.
pub fn tool(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// Runs it; what it printed, if it failed, is the error.
pub fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| {
        format!("cannot start {name}: `cargo xtask setup --for image` installs it")
    })?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let last: Vec<_> = words.lines().rev().take(10).collect();
        let last: Vec<_> = last.into_iter().rev().collect();
        bail!("{name} failed ({}): {}", output.status, last.join("\n"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Tells what goes on, on standard error.
pub fn say(words: &str) {
    eprintln!("image: {words}");
}

/// Whether we may do what only root may.
pub fn is_root() -> bool {
    run(tool("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
