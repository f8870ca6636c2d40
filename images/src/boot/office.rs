//! A network of this host where the machine under test is plugged in, with what an office has beside
//! it: an administrator's computer with two tokens, and telephones.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lab::crew::Crew;
use lab::net::{Lab, Namespace};
use lab::program::{output, poll};
use serde_json::Value;

use crate::tool::run;

/// Address of the machine under test, as its seed file has it.
pub const NODE: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// That of all others.
const OFFICE: &str = "10.0.2.2/24";
/// The interface that the machine's network card is the other end of.
pub const TAP: &str = "tap0";
const PATIENCE: Duration = Duration::from_secs(400);

/// The network and those in it.
pub struct Office {
    namespace: Namespace,
    programs: PathBuf,
    dir: PathBuf,
    // Last: it removes the namespace when everybody has left.
    _lab: Lab,
}

impl Office {
    /// Builds the network; `programs` are ours, files go to `dir`.
    pub fn build(programs: &Path, dir: &Path) -> Result<Self> {
        let lab = Lab::new("rf-boot", false)?;
        let namespace = lab.namespace("office")?;
        run(namespace.command("ip").args(["tuntap", "add", TAP, "mode", "tap"]))?;
        let link = namespace.link(TAP);
        link.address(OFFICE)?;
        link.up()?;
        let dir = dir.join("office");
        if dir.exists() {
            fs::remove_dir_all(&dir).context("cannot remove the last office")?;
        }
        fs::create_dir_all(&dir).context("cannot make a directory for the office")?;
        Ok(Self { namespace, programs: programs.to_owned(), dir, _lab: lab })
    }

    /// Where the machine's process has to run to be plugged in.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Waits until the node listens on a port.
    pub fn wait_for_port(&self, port: u16) -> Result<()> {
        let address = SocketAddr::from((NODE, port));
        let connect = || TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok();
        let connected = poll(PATIENCE, || self.namespace.enter(connect).ok().flatten());
        connected.map(drop).with_context(|| format!("nothing listens on port {port}"))
    }

    /// The CTL client with two new tokens makes the cluster secure. `approve` is the certificate
    /// that the node's own console shows.
    pub fn sign_trust_list(&self, approve: &str, password: &str) -> Result<()> {
        let file = |name: &str, content: &str| -> Result<String> {
            let path = self.dir.join(name);
            fs::write(&path, content).with_context(|| format!("cannot write {name}"))?;
            Ok(path.display().to_string())
        };
        let password = file("password", &format!("{password}\n"))?;
        let pin = file("pin", "Cisco123\n")?;
        let tokens = ["one", "two"].map(|name| self.dir.join(name).display().to_string());
        for (label, token) in ["one", "two"].iter().zip(&tokens) {
            let made = format!("token init {token} --label {label} --key rsa1024");
            self.ringfence(&format!("{made} --password-file {pin}"))?;
        }
        let [one, two] = &tokens;
        let made = self.ringfence(&format!(
            "ctl create --yes --server {NODE} --password-file {password} --approve {approve} \
             --token-password-file {pin} --token {one} --token {two}"
        ))?;
        ensure!(made["complete"] == true, "the trust list is not everywhere: {made}");
        Ok(())
    }

    fn ringfence(&self, words: &str) -> Result<Value> {
        let mut command =
            self.namespace.command(&self.programs.join("ringfence").display().to_string());
        command.args(["-o", "json"]).args(words.split_whitespace()).env("LC_ALL", "C");
        command.env("RINGFENCE_TOKEN_HOME", self.dir.join("tokens"));
        command.env("RINGFENCE_CTL_CLIENT", self.dir.join("ctl-client.json"));
        let ended = output(command, PATIENCE)?;
        let told = String::from_utf8_lossy(&ended.stdout);
        let complained = String::from_utf8_lossy(&ended.stderr);
        ensure!(ended.status.success(), "`ringfence {words}`: {told}{complained}");
        serde_json::from_str(&told).with_context(|| format!("`ringfence {words}` says no JSON"))
    }

    /// Connects telephones, by their device names; they are switched off.
    pub fn telephones(&self, devices: &[&str]) -> Result<Crew> {
        let mut command =
            self.namespace.command(&self.programs.join("ringfence-phone").display().to_string());
        command.args(["crew", "--control", "--patience", "120"]);
        let mut crew = Crew::start("phones", command, &self.dir)?;
        for device in devices {
            let flash = self.dir.join(device);
            let (flash, voice) = (flash.display(), voice(device));
            crew.command(&format!(
                "phone {device} device={device} model=7970 tftp={NODE} flash={flash} says={voice}"
            ))?;
        }
        Ok(crew)
    }
}

/// What a telephone says in calls: each has a voice of its own.
pub fn voice(device: &str) -> String {
    let digits = device.trim_start_matches("SEP");
    format!("voice:{}", u64::from_str_radix(digits, 16).unwrap_or_default())
}

/// The programs that the office needs, beside the one that runs now.
pub fn programs() -> Result<PathBuf> {
    let own = std::env::current_exe().context("this program does not know where it is")?;
    let dir = own.parent().context("this program lies nowhere")?.to_owned();
    for name in ["ringfence", "ringfence-phone"] {
        ensure!(dir.join(name).is_file(), "{name} is not beside {}: build it", own.display());
    }
    Ok(dir)
}
