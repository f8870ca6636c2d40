//! The network of a laboratory: namespaces, veth pairs, bridges.

mod guard;
mod namespace;

pub use guard::Lab;
pub use namespace::{Link, Namespace};

use std::process::Command;

use anyhow::{Context, Result, bail};

/// Runs a tool of the host and returns what it printed.
fn tool(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(args)
        .output()
        .with_context(|| format!("cannot start `{program}`; `cargo xtask setup` installs it"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("`{program} {}` failed: {}", args.join(" "), words.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `ip` with these words.
fn ip(words: &str) -> Result<String> {
    tool("ip", &words.split_whitespace().collect::<Vec<_>>())
}
