//! The voicemail server: its certification authority, and ports that answer by themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::crew::Crew;
use crate::net::Lab;
use crate::program::{self, poll};
use crate::scenario::cluster::Site;
use crate::scenario::estate::Mode;

/// Its name, which those of its ports begin with.
pub const NAME: &str = "CiscoUM1";
/// The numbers that switch the lamps of mailboxes.
pub const LAMPS: [&str; 2] = ["1999", "1998"];
/// The host number of its machine.
const HOST: u8 = 30;
/// How long a command of OpenSSL may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A voicemail server on a machine of its own.
pub struct Server {
    crew: Crew,
    dir: PathBuf,
    /// The certificate of the CallManager it knows.
    trusted: PathBuf,
    call_manager: String,
    /// Where it tells what happens.
    log: PathBuf,
    /// Ports that were switched on, for names of their own.
    started: u32,
}

impl Server {
    /// Puts it into the network of a site.
    pub fn settle(lab: &Lab, site: &Site, programs: &Path, logs: &Path) -> Result<Self> {
        let namespace = site.add_machine(lab, "um", HOST)?;
        let dir = site.state.path().join("voicemail");
        fs::create_dir(&dir)?;
        let mut command =
            namespace.command(&programs.join("ringfence-phone").display().to_string());
        command.args(["crew", "--control", "--patience", "30"]);
        Ok(Self {
            crew: Crew::start("voicemail", command, logs)?,
            dir,
            trusted: site.cm1.dir.join("keys/ccmserver.cer"),
            call_manager: site.cm1.address.to_string(),
            log: logs.join("voicemail.log"),
            started: 0,
        })
    }

    /// Makes a root with this name, and keys for ports issued by it.
    pub fn make_root(&self, name: &str, ports: std::ops::RangeInclusive<u8>) -> Result<()> {
        let root = self.dir.join(name);
        fs::create_dir(&root)?;
        self.openssl(
            &root,
            &format!(
                "req -x509 -newkey rsa:2048 -nodes -subj /CN={name} -days 30 -keyout root.key \
                 -out root.pem"
            ),
        )?;
        for port in ports.map(port_name) {
            let key = format!("req -newkey rsa:2048 -nodes -subj /CN={port} -keyout {port}.key");
            self.openssl(&root, &format!("{key} -out {port}.csr"))?;
            let issue = "x509 -req -days 30 -CA root.pem -CAkey root.key -CAcreateserial";
            self.openssl(&root, &format!("{issue} -in {port}.csr -out {port}.cer"))?;
            let [key, certificate] =
                ["key", "cer"].map(|end| fs::read(root.join(format!("{port}.{end}"))));
            fs::write(root.join(format!("{port}.pem")), [key?, certificate?].concat())?;
        }
        Ok(())
    }

    /// The file of a root certificate, PEM.
    pub fn root(&self, name: &str) -> PathBuf {
        self.dir.join(name).join("root.pem")
    }

    /// Switches a port on, in this mode, with a certificate of this root. What it is called by
    /// from now on.
    pub fn start(&mut self, port: u8, mode: Mode, root: &str) -> Result<String> {
        self.started += 1;
        let (name, device) = (format!("port{}", self.started), port_name(port));
        let identity = self.dir.join(root).join(format!("{device}.pem"));
        let [on, off] = LAMPS;
        self.crew.command(&format!(
            "phone {name} device={device} server={} mode={mode} identity={} trusts={} \
             lamp={on},{off}",
            self.call_manager,
            identity.display(),
            self.trusted.display(),
        ))?;
        self.crew.command(&format!("{name} starts"))?;
        Ok(name)
    }

    /// Waits until something is true of a port.
    pub fn expect(&mut self, port: &str, what: &str) -> Result<()> {
        self.crew.command(&format!("expect {port} {what}")).map(drop)
    }

    /// Waits until nobody has shaken hands with a port by TLS.
    pub fn refused(&self, port: &str) -> Result<()> {
        let refusal = |it: Value| it["phone"] == port && it["why"] == "TLS-handshake";
        let told = || {
            let log = fs::read_to_string(&self.log).ok()?;
            let happened = log.lines().filter_map(|line| serde_json::from_str(line).ok());
            happened.into_iter().any(refusal).then_some(())
        };
        poll(PATIENCE, told).with_context(|| format!("{port} was not refused"))
    }

    /// Switches a port off.
    pub fn switch_off(&mut self, port: &str) -> Result<()> {
        self.crew.command(&format!("{port} loses power")).map(drop)
    }

    /// All ports leave.
    pub fn go_home(self) -> Result<()> {
        self.crew.go_home()
    }

    fn openssl(&self, dir: &Path, words: &str) -> Result<()> {
        let mut command = Command::new("openssl");
        command.args(words.split_whitespace()).current_dir(dir);
        let output = program::output(command, PATIENCE).context("openssl")?;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "openssl {words}: {complaint}");
        Ok(())
    }
}

/// The name of a port.
pub fn port_name(port: u8) -> String {
    format!("{NAME}-VI{port}")
}
