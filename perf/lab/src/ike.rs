//! IKE daemons: strongSwan's charon, once as everybody has it and once with our plugin.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::net::Namespace;
use crate::program::{self, Program, poll};

/// How long it may take to start, or to do as it is told.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where Debian has it.
const CHARON: &str = "/usr/lib/ipsec/charon";

/// Plugins that both kinds have.
const PLUGINS: &str = "aes sha1 sha2 hmac kdf openssl random nonce drbg gcm pem pkcs1 pkcs8 x509 \
                       pubkey constraints revocation vici kernel-netlink socket-default";

/// Who does ESP for a daemon.
#[derive(Clone, Copy, Debug)]
pub enum Plane<'a> {
    /// Strongswan itself, in user space.
    Strongswan,
    /// `ringfence-datad`: the plugin's file, and the socket that datad listens on.
    Ours(&'a Path, &'a Path),
}

/// A daemon that runs.
pub struct Daemon {
    program: Program,
    name: String,
    dir: PathBuf,
    /// Its VICI socket.
    pub vici: PathBuf,
}

impl Daemon {
    /// Starts it and has it read its connections, keys and certificates: the directory
    /// `DIR/NAME.swanctl`, as `/etc/swanctl` is. `vici` is where it answers.
    pub fn start(
        namespace: &Namespace,
        name: &str,
        plane: Plane<'_>,
        dir: &Path,
        vici: PathBuf,
    ) -> Result<Self> {
        if vici.exists() {
            fs::remove_file(&vici).context("an old VICI socket")?;
        }
        fs::write(dir.join(format!("{name}.strongswan")), settings(&vici, plane))?;
        // Two daemons must not find each other's files of process numbers.
        let mut script = "mount -t tmpfs tmpfs /run && exec \"$0\"".to_owned();
        if let Plane::Ours(plugin, _) = plane {
            // Found in the process, it needs not lie among charon's own.
            script = script.replace("exec", &format!("LD_PRELOAD={} exec", plugin.display()));
        }
        let mut command = namespace.command("sh");
        command.args(["-c", &script, CHARON]);
        command.env("STRONGSWAN_CONF", dir.join(format!("{name}.strongswan")));
        let program = Program::start(&format!("charon-{name}"), command, dir)?;
        let mut daemon = Self { program, name: name.to_owned(), dir: dir.to_owned(), vici };
        poll(PATIENCE, || {
            (daemon.vici.exists() || daemon.program.expect_running().is_err()).then_some(())
        });
        daemon.program.expect_running()?;
        daemon.swanctl(&["--load-all", "--noprompt"])?;
        Ok(daemon)
    }

    /// Negotiates a child's successor.
    pub fn rekey(&self, child: &str) -> Result<()> {
        self.swanctl(&["--rekey", "--child", child]).map(drop)
    }

    /// Ends the connection, and says so to the peer.
    pub fn terminate(&self, ike: &str) -> Result<()> {
        self.swanctl(&["--terminate", "--ike", ike]).map(drop)
    }

    /// Dies without a word.
    pub fn kill(self) {}

    fn swanctl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new("swanctl");
        command.args(arguments).arg("--uri").arg(format!("unix://{}", self.vici.display()));
        command.env("STRONGSWAN_CONF", self.dir.join(format!("{}.strongswan", self.name)));
        command.env("SWANCTL_DIR", self.dir.join(format!("{}.swanctl", self.name)));
        let output = program::output(command, PATIENCE)?;
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "swanctl {}: {}; {}",
            arguments.join(" "),
            words.trim(),
            self.program.last_words()
        );
        Ok(words)
    }
}

/// `strongswan.conf`: a peer that is dead is given up after some seconds.
fn settings(vici: &Path, plane: Plane<'_>) -> String {
    let (plane, socket) = match plane {
        Plane::Strongswan => ("kernel-libipsec", String::new()),
        Plane::Ours(_, socket) => (
            "kernel-ringfence",
            format!("kernel-ringfence {{\n      socket = {}\n    }}\n", socket.display()),
        ),
    };
    format!(
        "charon {{
  load = {plane} {PLUGINS}
  retransmit_timeout = 1
  retransmit_base = 1
  retransmit_tries = 4
  filelog {{
    stdout {{
      default = 1
      flush_line = yes
    }}
  }}
  plugins {{
    vici {{
      socket = unix://{}
    }}
    {socket}
  }}
}}
swanctl {{
  load = pem pkcs1 pkcs8 x509 openssl random
}}
",
        vici.display()
    )
}
