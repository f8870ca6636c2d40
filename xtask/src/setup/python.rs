//! What tests run of Python, in an environment of its own below `target/tools`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::shell;

/// Exact versions; those that are not needed by this machine's Python are left out.
const VERSIONS: &str = include_str!("../../python.txt");

/// What is used, how it comes, and why. axe-core's package also has what drives a browser by
/// Playwright, which nobody here needs.
const TOOLS: [(&str, &[&str], &str); 2] = [
    ("schemathesis", &[], "asks the REST interface whatever its description allows"),
    (
        "axe-playwright-python",
        &["--no-deps"],
        "axe-core, which finds what keeps people from a page",
    ),
];

/// The file that says what was installed.
fn stamp() -> PathBuf {
    directory().join("installed.txt")
}

fn directory() -> PathBuf {
    shell::target_dir().join("tools/python")
}

/// Whether all of it is there.
pub fn present() -> bool {
    fs::read_to_string(stamp()).is_ok_and(|installed| installed == VERSIONS)
}

/// Tells what is missing.
pub fn say_missing() {
    for (name, _, why) in TOOLS {
        shell::say(&format!("  {name:<16} {why} (test)"));
    }
}

/// Installs it.
pub fn install() -> Result<()> {
    let directory = directory();
    let mut make = shell::command("python3");
    shell::run(make.args(["-m", "venv", "--clear"]).arg(&directory))?;
    for (name, how, _) in TOOLS {
        let mut install = shell::command(directory.join("bin/pip"));
        install.args(["install", "--quiet", "--disable-pip-version-check", "--constraint"]);
        install.arg(shell::root().join("xtask/python.txt")).args(how).arg(name);
        shell::run(&mut install)?;
    }
    let stamp = stamp();
    fs::write(&stamp, VERSIONS).with_context(|| format!("cannot write {}", stamp.display()))
}
