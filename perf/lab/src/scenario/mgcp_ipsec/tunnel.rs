//! What strongSwan is to know of both ends of a path, made by the product itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::site::PATIENCE;
use crate::program;

/// Who the ends are to IKE.
pub const IDENTITIES: [&str; 2] = ["cm1.example", "gw1.example"];
/// What the child is called at both ends.
pub const CHILD: &str = "mgcp";
/// What the connection is called at both ends.
pub const CONNECTION: &str = "cm1-gw1";
/// What the files of the daemons are called by.
pub const SIDES: [&str; 2] = ["agent", "gateway"];

/// A call agent and a gateway: each with its address as MGCP has it, and as IKE has it.
pub struct Tunnel {
    pub agent: [&'static str; 2],
    pub gateway: [&'static str; 2],
}

impl Tunnel {
    /// Has the product make both daemons' keys, certificates and configuration, below `dir`, and
    /// gives the issuer. Only how soon a dead peer is noticed is changed: nobody wants to wait.
    pub fn configure(&self, programs: &Path, dir: &Path) -> Result<String> {
        let mut issuer = String::new();
        let ends = [self.agent, self.gateway];
        for (side, (identity, [_, outer])) in
            SIDES.into_iter().zip(IDENTITIES.into_iter().zip(ends))
        {
            let swanctl = dir.join(format!("{side}.swanctl"));
            let made = ringfence(
                programs,
                &[
                    "ipsec",
                    "certificate",
                    identity,
                    "--address",
                    outer,
                    "--swanctl",
                    text(&swanctl)?,
                    "--authority",
                    text(&dir.join("ike-authority"))?,
                ],
            )?;
            issuer = made["issuer"].as_str().context("no issuer")?.to_owned();
            let configuration = ringfence(
                programs,
                &[
                    "ipsec",
                    "config",
                    CONNECTION,
                    "--side",
                    side,
                    "--agent",
                    IDENTITIES[0],
                    "--agent-address",
                    self.agent[0],
                    "--agent-outer",
                    self.agent[1],
                    "--gateway",
                    IDENTITIES[1],
                    "--gateway-address",
                    self.gateway[0],
                    "--gateway-outer",
                    self.gateway[1],
                ],
            )?;
            let configuration = configuration["swanctl"].as_str().context("no swanctl.conf")?;
            let hasty = configuration.replace("dpd_delay = 10s", "dpd_delay = 1s");
            ensure!(hasty != configuration, "dead peers are not looked for");
            fs::write(swanctl.join("swanctl.conf"), hasty).context("swanctl.conf")?;
        }
        Ok(issuer)
    }
}

/// What `ringfence …` answers without a daemon, or the daemon of a gateway.
pub fn ringfence(programs: &Path, words: &[&str]) -> Result<Value> {
    let mut command = Command::new(programs.join("ringfence"));
    command.args(words).args(["--output", "json"]);
    let output = program::output(command, PATIENCE)?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ringfence {}: {complaint}", words.join(" "));
    serde_json::from_slice(&output.stdout).context("ringfence answers no JSON")
}

/// A path as an argument.
pub fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is no text", path.display()))
}
