//! The product under test: `ringfence-datad` in a namespace, seen through its own windows.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use status::RelayReport;

use crate::net::Namespace;
use crate::program::{Program, poll};

/// How long it may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// The file that configures it.
const CONFIGURATION: &str = "ringfence.toml";
/// Its socket for taps of calls.
pub const TAP: &str = "tap.sock";

/// A running relay.
pub struct Relay {
    namespace: Namespace,
    program: Program,
    programs: PathBuf,
    dir: PathBuf,
    /// Its status socket.
    pub socket: PathBuf,
    metrics: SocketAddr,
}

impl Relay {
    /// Starts it with this configuration, to which the status socket and the metrics address are
    /// added, as is that for taps, and waits until it answers.
    pub fn start(
        namespace: &Namespace,
        programs: &Path,
        configuration: &str,
        dir: &Path,
    ) -> Result<Self> {
        let socket = dir.join("datad.sock");
        let metrics = SocketAddr::from(([127, 0, 0, 1], 9617));
        let path = dir.join(CONFIGURATION);
        let tap = dir.join(TAP);
        let head = format!(
            "[datad]\nstatus_socket = {socket:?}\ncapture_socket = {tap:?}\nmetrics = \"{metrics}\"\n"
        );
        fs::write(&path, head + configuration)
            .with_context(|| format!("cannot write {}", path.display()))?;

        let program = launch(namespace, programs, dir)?;
        let mut relay = Self {
            namespace: namespace.clone(),
            program,
            programs: programs.to_owned(),
            dir: dir.to_owned(),
            socket,
            metrics,
        };
        relay.expect_answer()?;
        Ok(relay)
    }

    /// Kills it, starts it again and waits until it answers.
    pub fn kill_and_start(&mut self) -> Result<()> {
        self.program.kill()?;
        self.program = launch(&self.namespace, &self.programs, &self.dir)?;
        self.expect_answer()
    }

    fn expect_answer(&mut self) -> Result<()> {
        poll(PATIENCE, || {
            (self.program.expect_running().is_err() || self.report().is_ok()).then_some(())
        });
        self.program.expect_running()?;
        self.report().map(drop)
    }

    /// What `ringfence relay show -o json` says.
    pub fn report(&self) -> Result<RelayReport> {
        let output = Command::new(self.programs.join("ringfence"))
            .args(["relay", "show", "--output", "json", "--socket"])
            .arg(&self.socket)
            .output()
            .context("cannot start `ringfence`")?;
        if !output.status.success() {
            bail!("`ringfence relay show` failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        serde_json::from_slice(&output.stdout).context("`ringfence relay show` printed no report")
    }

    /// What Prometheus would read: the value of the sample whose line begins with `name`.
    pub fn metric(&self, name: &str) -> Result<f64> {
        let page = self.namespace.enter(|| fetch(self.metrics))??;
        let line = page
            .lines()
            .find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
        let value = line.and_then(|line| line.rsplit(' ').next());
        value
            .with_context(|| format!("the metrics page has no `{name}`"))?
            .parse()
            .with_context(|| format!("`{name}` is no number"))
    }

    /// Asks it to stop and waits for that; fails unless it ends well.
    pub fn stop(mut self) -> Result<()> {
        let status = self.program.stop(PATIENCE)?;
        if !status.success() {
            bail!("datad ended with {status}: {}", self.program.last_words());
        }
        Ok(())
    }
}

fn launch(namespace: &Namespace, programs: &Path, dir: &Path) -> Result<Program> {
    let mut command = namespace.command(&text(&programs.join("ringfence-datad"))?);
    command.arg("--config").arg(dir.join(CONFIGURATION));
    Program::start("datad", command, dir)
}

/// The metrics page.
fn fetch(address: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)
        .with_context(|| format!("cannot reach the metrics page at {address}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: lab\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

fn text(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(text.to_owned())
}
