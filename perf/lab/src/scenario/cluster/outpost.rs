//! An SRST gateway at the branch: `ringfence-controld --role srst` on the machine that joins it to
//! the centre.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::site::{CELL_USER, USER};
use crate::net::Namespace;
use crate::program::{Program, poll};

const PATIENCE: Duration = Duration::from_secs(20);

/// The gateway.
pub struct Outpost {
    namespace: Namespace,
    address: IpAddr,
    dir: PathBuf,
    /// Where its database is.
    memory: TempDir,
    config: PathBuf,
    programs: PathBuf,
    logs: PathBuf,
    starts: u32,
    cell: Option<Program>,
    program: Option<Program>,
}

impl Outpost {
    /// Settles it on a machine, below `state`; `centre` is where the centre waits for it, and the
    /// fingerprint of its certificate.
    pub fn settle(
        namespace: &Namespace,
        address: IpAddr,
        state: &Path,
        (centre, sha256): (IpAddr, &str),
        (programs, logs): (&Path, &Path),
    ) -> Result<Self> {
        let dir = state.join("outpost");
        fs::create_dir(&dir)?;
        let memory = tempfile::Builder::new().prefix("ringfence-lab-").tempdir_in("/dev/shm")?;
        for owned in [dir.as_path(), memory.path()] {
            chown(owned, Some(USER.1), Some(USER.1))?;
        }
        let (at, memory_at) = (dir.display(), memory.path().join("srst"));
        let config = logs.join("outpost.toml");
        fs::write(
            &config,
            format!(
                "[controld]\nnode = \"outpost\"\nuser = \"{}\"\nkey_directory = \"{at}/keys\"\n\
                 certificate_directory = \"{at}/certs\"\nphone_directory = \"{at}/phones\"\n\
                 admin_socket = \"{at}/run/controld.sock\"\nsccp = \"{address}\"\n\
                 legacy_tls = \"{at}/legacytls.sock\"\n\
                 [controld.srst]\nprovider = \"{address}:2445\"\nmemory = \"{}\"\n\
                 settled_seconds = 5\nreturn_per_second = 20\n\
                 [[controld.srst.centre]]\naddress = \"{centre}:2446\"\nsha256 = \"{sha256}\"\n\
                 [legacytls]\nsocket = \"{at}/legacytls.sock\"\nuser = \"{CELL_USER}\"\n\
                 controld_user = \"{}\"\n",
                USER.0,
                memory_at.display(),
                USER.0,
            ),
        )?;
        Ok(Self {
            namespace: namespace.clone(),
            address,
            dir,
            memory,
            config,
            programs: programs.to_owned(),
            logs: logs.to_owned(),
            starts: 0,
            cell: None,
            program: None,
        })
    }

    /// Where its administrators ask.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("run/controld.sock")
    }

    /// Where phones look for it.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Starts it and waits until it answers.
    pub fn start(&mut self) -> Result<()> {
        if self.cell.is_none() {
            self.cell = Some(self.run("ringfence-legacytls", "legacytls-outpost", &[])?);
        }
        self.starts += 1;
        let name = format!("outpost-{}", self.starts);
        let mut program = self.run("ringfence-controld", &name, &["--role", "srst"])?;
        let socket = self.socket();
        poll(PATIENCE, || {
            let answers = std::os::unix::net::UnixStream::connect(&socket).is_ok();
            (answers || program.expect_running().is_err()).then_some(())
        });
        program.expect_running()?;
        self.program = Some(program);
        Ok(())
    }

    /// Ends it.
    pub fn stop(&mut self) -> Result<()> {
        let mut program = self.program.take().context("it does not run")?;
        program.stop(PATIENCE).map(drop)
    }

    /// Takes its key and certificate away while it does not run, so that it makes others at its
    /// next start: the ones that it had.
    pub fn lose_certificate(&self, to: &Path) -> Result<()> {
        self.move_certificate(&self.dir.join("keys"), to)
    }

    /// Puts a certificate and key of before back.
    pub fn find_certificate(&self, from: &Path) -> Result<()> {
        self.move_certificate(from, &self.dir.join("keys"))
    }

    fn move_certificate(&self, from: &Path, to: &Path) -> Result<()> {
        for name in ["ccmserver.cer", "ccmserver.key"] {
            let (from, to) = (from.join(name), to.join(name));
            fs::copy(&from, &to).with_context(|| from.display().to_string())?;
            chown(&to, Some(USER.1), Some(USER.1))?;
            fs::remove_file(&from)?;
        }
        Ok(())
    }

    /// The file of its certificate, DER.
    pub fn certificate_file(&self) -> PathBuf {
        self.dir.join("keys/ccmserver.cer")
    }

    /// Whether anything that it was given can be read on its disk.
    pub fn keeps_readable(&self, text: &str) -> Result<bool> {
        let kept = fs::read(self.dir.join("srst/srst.vault")).context("it keeps nothing")?;
        Ok(kept.windows(text.len()).any(|window| window == text.as_bytes()))
    }

    /// Where its database is, on no disk.
    pub fn memory(&self) -> &Path {
        self.memory.path()
    }

    fn run(&self, program: &str, name: &str, words: &[&str]) -> Result<Program> {
        let program = self.programs.join(program).display().to_string();
        let mut command = self.namespace.command(&program);
        command.args(words).arg("--config").arg(&self.config);
        Program::start(name, command, &self.logs)
    }
}
