//! Running programs: where things lie, what is printed, what a failure says.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The workspace's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace's root")
}

/// Where cargo puts what it builds, and we put tools and reports.
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The cargo that runs us, in the workspace's root.
pub fn cargo() -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A program in the workspace's root.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Whether we may do what only root may.
pub fn is_root() -> bool {
    capture(command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// `program` with root's rights: as it is for root, through `sudo` where that asks no password.
/// `None` where neither is so.
pub fn as_root(program: impl AsRef<OsStr>) -> Option<Command> {
    if is_root() {
        return Some(command(program));
    }
    let sudo = capture(command("sudo").args(["-n", "true"])).is_ok();
    sudo.then(|| {
        let mut command = command("sudo");
        command.arg("-n").arg(program);
        command
    })
}

/// Whether `program` is in the search path (or in root's, which others often lack).
pub fn in_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    dirs.into_iter().any(|dir| dir.join(program).is_file())
}

/// Runs a program in sight of the user. What it prints goes to standard error: standard output
/// belongs to reports.
pub fn run(command: &mut Command) -> Result<()> {
    say(&format!("$ {}", describe(command)));
    finish(command.stdout(Stdio::from(io::stderr())))
}

/// Runs a program whose standard output is what the user asked for.
pub fn run_for_output(command: &mut Command) -> Result<()> {
    say(&format!("$ {}", describe(command)));
    finish(command)
}

/// Runs a program and returns what it printed. A failure shows its last words.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", describe(command)))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}): {}", describe(command), output.status, words.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Tells the user what goes on.
pub fn say(line: &str) {
    eprintln!("{line}");
}

/// The command as one would type it.
pub fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = [program].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn finish(command: &mut Command) -> Result<()> {
    let status =
        command.status().with_context(|| format!("cannot start `{}`", describe(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", describe(command));
    }
    Ok(())
}
