//! Phones that start, and what they say.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::net::Namespace;
use crate::program;
use crate::scenario::cluster::Site;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A phone with its flash memory.
pub struct Phone {
    pub name: &'static str,
    model: &'static str,
    namespace: Namespace,
    program: PathBuf,
    flash: PathBuf,
    /// The key that firmware is signed with, when it is to load one.
    pub image_key: Option<PathBuf>,
}

/// What a start came to.
pub struct Started(Value);

impl Phone {
    pub fn new(site: &Site, programs: &Path, name: &'static str, model: &'static str) -> Self {
        Self {
            name,
            model,
            namespace: site.phones.clone(),
            program: programs.join("ringfence-phone"),
            flash: site.state.path().join(name),
            image_key: None,
        }
    }

    /// Starts it with this TFTP server.
    pub fn start(&self, server: IpAddr) -> Result<Started> {
        let mut command = self.namespace.command(&self.program.display().to_string());
        command.args(["boot", "--json", "--certificate", "true", "--patience", "0.5"]);
        command.args(["--device", self.name, "--model", self.model]);
        command.arg("--tftp").arg(server.to_string()).arg("--flash").arg(&self.flash);
        if let Some(key) = &self.image_key {
            command.arg("--image-key").arg(key);
        }
        let output = program::output(command, PATIENCE)?;
        let words = String::from_utf8_lossy(&output.stderr);
        let report = serde_json::from_slice(&output.stdout);
        Ok(Started(report.with_context(|| format!("the phone reports nothing: {words}"))?))
    }

    /// Starts it, and expects it to register in `mode` without an alarm.
    pub fn registers(&self, server: IpAddr, mode: &str) -> Result<Started> {
        let started = self.start(server)?;
        ensure!(started.alarms().is_empty(), "{} alarms: {}", self.name, started.alarms());
        ensure!(
            started.mode() == mode,
            "{} registers {}: {}",
            self.name,
            started.mode(),
            started.0
        );
        Ok(started)
    }

    /// Erases its trust lists by hand.
    pub fn erase(&self) -> Result<()> {
        let mut command = self.namespace.command(&self.program.display().to_string());
        command.args(["ctl", "erase", "--flash"]).arg(&self.flash);
        ensure!(command.status()?.success(), "cannot erase the lists of {}", self.name);
        Ok(())
    }
}

impl Started {
    /// How it registers; empty if it does not.
    pub fn mode(&self) -> &str {
        self.0["mode"].as_str().unwrap_or_default()
    }

    /// MD5 of the CTL file it has now.
    pub fn ctl_md5(&self) -> &str {
        self.0["ctl_md5"].as_str().unwrap_or_default()
    }

    /// Its alarms, one line.
    pub fn alarms(&self) -> String {
        self.events(true).join("; ")
    }

    /// Whether it said this, as an alarm or not.
    pub fn said(&self, what: &str) -> bool {
        let all = [self.events(false), self.events(true)].concat();
        all.iter().any(|event| event.contains(what))
    }

    /// Whether it asked for a file of this name.
    pub fn asked(&self, name: &str) -> bool {
        let files = self.0["files"].as_array().into_iter().flatten();
        files.into_iter().any(|file| file["name"] == name)
    }

    fn events(&self, alarms: bool) -> Vec<String> {
        let events = self.0["events"].as_array().into_iter().flatten();
        let wanted = events.filter(|event| event["alarm"] == alarms);
        wanted.filter_map(|event| Some(event["text"].as_str()?.to_owned())).collect()
    }
}
