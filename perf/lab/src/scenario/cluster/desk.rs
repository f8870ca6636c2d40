//! The administrator: runs `ringfence` and reads its answers.

use std::fs::{self, File};
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::fs::{CWD, Mode, OFlags};
use serde_json::Value;

use super::site::{Node, Site};
use crate::net::Namespace;
use crate::program::{self, poll};

/// An administrator's machine with two PKCS#11 tokens and one token file.
pub struct Desk {
    namespace: Namespace,
    program: PathBuf,
    dir: PathBuf,
    /// Certificates of servers that the administrator compared.
    approved: Vec<String>,
}

/// How a command ended.
pub struct Ended {
    pub code: i32,
    pub told: String,
    pub complained: String,
}

impl Ended {
    /// What it told as JSON, if it ended with `code`.
    pub fn json(self, code: i32) -> Result<Value> {
        let complained = self.complaint(code)?;
        serde_json::from_str(&self.told).with_context(|| format!("no JSON; {complained}"))
    }

    /// What it complained of, if it ended with `code`.
    pub fn complaint(&self, code: i32) -> Result<String> {
        ensure!(self.code == code, "it ended with {}: {}{}", self.code, self.told, self.complained);
        Ok(self.complained.clone())
    }
}

/// How long a command may take to ask for a password.
const PATIENCE: Duration = Duration::from_secs(60);
/// Debian's SoftHSM.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

impl Desk {
    pub fn new(site: &Site, programs: &Path) -> Result<Self> {
        let dir = site.state.path().join("admin");
        fs::create_dir_all(dir.join("hsm"))?;
        let tokens = format!("directories.tokendir = {}/hsm\n", dir.display());
        fs::write(dir.join("softhsm2.conf"), tokens)?;
        fs::write(dir.join("password"), "correct horse\n")?;
        fs::write(dir.join("token-password"), "Cisco123\n")?;
        let (namespace, program) = (site.admin.clone(), programs.join("ringfence"));
        Ok(Self { namespace, program, dir, approved: Vec::new() })
    }

    /// Where a token is, by its name: `hsm…` in SoftHSM, others in files.
    pub fn token(&self, name: &str) -> String {
        match name.starts_with("hsm") {
            true => format!("pkcs11:token={name}?module-path={MODULE}"),
            false => self.dir.join(format!("{name}.token")).display().to_string(),
        }
    }

    /// Makes a token.
    pub fn make_token(&self, name: &str) -> Result<()> {
        let password = self.dir.join("token-password").display().to_string();
        let place = match name.strip_prefix("hsm") {
            // SoftHSM offers an empty slot behind the tokens that there are.
            Some(number) => {
                let slot = number.parse::<u8>()? - 1;
                format!("pkcs11:slot-id={slot}?module-path={MODULE} --so-password-file {password}")
            }
            None => self.token(name),
        };
        let made = self.run(None, &format!("token init {place} --label {name} --key rsa1024"))?;
        made.json(0).map(drop)
    }

    /// Asks the daemon of a node.
    pub fn ask(&self, node: &Node, words: &str) -> Result<Ended> {
        self.run(Some(&node.socket()), words)
    }

    /// Asks the daemon of a node for something that it must do.
    pub fn tell(&self, node: &Node, words: &str) -> Result<Value> {
        self.ask(node, words)?.json(0).with_context(|| format!("`ringfence {words}`"))
    }

    /// Asks the daemon behind a socket for something that it must do.
    pub fn tell_at(&self, socket: &Path, words: &str) -> Result<Value> {
        self.run(Some(socket), words)?.json(0).with_context(|| format!("`ringfence {words}`"))
    }

    /// Founds a cluster on a node, with TFTP, and trusts the node's certificate from now on.
    pub fn found(&mut self, node: &Node) -> Result<()> {
        let init = format!("cluster init lab --address {}", node.address);
        self.tell(node, &format!("{init} --password-file {}", self.password()))?;
        self.set_up_tftp(node)?;
        node.wait_for_provider()?;
        self.approve(node)
    }

    /// Gives a node with these settings, which does not run, a copy of the publisher's database.
    pub fn join(&self, node: &Node, settings: &Path, publisher: IpAddr) -> Result<Ended> {
        let client = self.client(&publisher.to_string(), &[]);
        let words = format!("cluster join --config {}{client}", settings.display());
        self.run_in(&node.namespace, Some(&node.socket()), &words)
    }

    /// Has a node serve files out of its own directory.
    pub fn set_up_tftp(&self, node: &Node) -> Result<()> {
        let path = node.tftp().display().to_string();
        let set = format!("param set --node {} tftp.file-location {path}", node.name);
        self.tell(node, &set)?;
        self.tell(node, "service restart tftp").map(drop)
    }

    /// A file with the administrators' password.
    pub fn password(&self) -> String {
        self.dir.join("password").display().to_string()
    }

    /// Compares the certificate of a node with its own words.
    pub fn approve(&mut self, node: &Node) -> Result<()> {
        let status = self.tell(node, "status")?;
        let print = status["certificate_sha256"].as_str().context("the node has no certificate")?;
        self.approved.push(print.to_owned());
        Ok(())
    }

    /// Runs the CTL client on the scenario's cluster, with these tokens to present.
    pub fn ctl(&self, verb: &str, tokens: &[&str]) -> Result<Ended> {
        self.ctl_at("10.3.0.10", verb, tokens)
    }

    /// Runs the CTL client on the cluster behind this provider.
    pub fn ctl_at(&self, server: &str, verb: &str, tokens: &[&str]) -> Result<Ended> {
        let words = format!("ctl {verb}") + &self.client(server, tokens);
        self.run(None, &words)
    }

    /// Asks a node to bring back what was lost; its CTL file is signed with the last token.
    pub fn recover(&self, node: &Node, what: &str, tokens: &[&str]) -> Result<Ended> {
        let server = node.address.to_string();
        let words = format!("recover {what}") + &self.client(&server, tokens);
        self.run(Some(&node.socket()), &words)
    }

    /// How a CTL client logs in and which tokens it presents.
    fn client(&self, server: &str, tokens: &[&str]) -> String {
        let mut words = format!(" --server {server} --password-file {}", self.password());
        for print in &self.approved {
            words += &format!(" --approve {print}");
        }
        if !tokens.is_empty() {
            let password = self.dir.join("token-password");
            words += &format!(" --token-password-file {}", password.display());
        }
        for token in tokens {
            words += &format!(" --token {}", self.token(token));
        }
        words
    }

    /// A file of the administrator's own.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Runs the CTL client, signing with `token`, and does something between the moment when it
    /// asks for the token's password and the moment when it gets it.
    pub fn ctl_meanwhile(
        &self,
        verb: &str,
        token: &str,
        meanwhile: impl FnOnce() -> Result<()>,
    ) -> Result<Ended> {
        let pipe = self.dir.join("typed-password");
        rustix::fs::mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR)?;
        let token = self.token(token);
        let verb = format!("{verb} --token {token} --token-password-file {}", pipe.display());
        std::thread::scope(|scope| {
            let client = scope.spawn(|| self.ctl(&verb, &[]));
            // There is somebody to write to when the client opens it to read.
            let open = || rustix::fs::open(&pipe, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty());
            let typed = poll(PATIENCE, || match open() {
                Ok(file) => Some(Some(File::from(file))),
                Err(_) => client.is_finished().then_some(None),
            });
            let done = meanwhile();
            if let Some(mut typed) = typed.flatten() {
                typed.write_all(b"Cisco123\n")?;
            }
            let ended = client.join().expect("it does not panic");
            fs::remove_file(&pipe)?;
            done.and(ended)
        })
    }

    /// Runs the CTL client for something that must be done everywhere.
    pub fn done(&self, verb: &str, tokens: &[&str]) -> Result<Value> {
        let pushed = self.ctl(verb, tokens)?.json(0).with_context(|| format!("ctl {verb}"))?;
        ensure!(pushed["complete"] == true, "it is not complete: {pushed}");
        Ok(pushed)
    }

    /// What `ringfence ctl status` says.
    pub fn status(&self) -> Result<Value> {
        self.ctl("status", &[])?.json(0).context("ctl status")
    }

    fn run(&self, socket: Option<&Path>, words: &str) -> Result<Ended> {
        self.run_in(&self.namespace, socket, words)
    }

    fn run_in(&self, at: &Namespace, socket: Option<&Path>, words: &str) -> Result<Ended> {
        let mut command: Command = at.command(&self.program.display().to_string());
        command.args(["-o", "json"]).args(words.split_whitespace());
        command.env("SOFTHSM2_CONF", self.dir.join("softhsm2.conf"));
        command.env("RINGFENCE_TOKEN_HOME", self.dir.join("tokens"));
        command.env("RINGFENCE_CTL_CLIENT", self.dir.join("ctl-client.json"));
        command.env("LC_ALL", "C");
        if let Some(socket) = socket {
            command.env("RINGFENCE_CONTROLD", socket);
        }
        let output = program::output(command, PATIENCE)?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Ended {
            code: output.status.code().context("ringfence was killed")?,
            told: text(output.stdout),
            complained: text(output.stderr),
        })
    }
}

/// The serial number of the token with this name in a list.
pub fn serial_of(status: &Value, token: &str) -> Result<String> {
    let entries = status["entries"].as_array().context("no entries")?;
    let subject = format!("CN={token}");
    let entry = entries.iter().find(|entry| entry["subject"] == subject.as_str());
    let serial = entry.and_then(|entry| entry["serial"].as_str());
    Ok(serial.with_context(|| format!("no entry of {token} in {status}"))?.to_owned())
}
