//! What was on a wire, and what Wireshark makes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::net::Namespace;
use crate::program::{self, Program, poll};

/// How long the recorder may take to begin and to end, and Wireshark to read.
const PATIENCE: Duration = Duration::from_secs(60);

/// A recording that goes on.
pub struct Recording {
    program: Program,
    file: PathBuf,
}

/// A recording that was made.
pub struct Capture {
    file: PathBuf,
}

impl Recording {
    /// Records what passes an interface of a namespace and a filter (pcap's), into
    /// `DIR/NAME.pcapng`.
    pub fn start(
        namespace: &Namespace,
        interface: &str,
        filter: &str,
        (dir, name): (&Path, &str),
    ) -> Result<Self> {
        let file = dir.join(format!("{name}.pcapng"));
        let mut command = namespace.command("dumpcap");
        command.args(["-q", "-i", interface, "-f", filter, "-w"]).arg(&file);
        let mut program = Program::start(&format!("dumpcap-{name}"), command, dir)?;
        // It makes the file once it hears the interface.
        let begun = || fs::metadata(&file).is_ok_and(|file| file.len() > 0);
        poll(PATIENCE, || (begun() || program.expect_running().is_err()).then_some(()));
        program.expect_running()?;
        ensure!(begun(), "dumpcap does not begin: {}", program.last_words());
        Ok(Self { program, file })
    }

    /// Ends it.
    pub fn finish(mut self) -> Result<Capture> {
        let status = self.program.stop(PATIENCE)?;
        ensure!(status.success(), "dumpcap: {status}: {}", self.program.last_words());
        Ok(Capture { file: self.file })
    }
}

impl Capture {
    /// A file that somebody else has made.
    pub fn of(file: PathBuf) -> Self {
        Self { file }
    }

    /// The whole file: what a recorder has, uncompressed.
    pub fn octets(&self) -> Result<Vec<u8>> {
        fs::read(&self.file).with_context(|| format!("cannot read {}", self.file.display()))
    }

    /// Wireshark's fields of each packet that passes a display filter: a row of values for each.
    /// `settings` are tshark's, as `-o tls.keylog_file:…`.
    pub fn fields(
        &self,
        settings: &[&str],
        filter: &str,
        fields: &[&str],
    ) -> Result<Vec<Vec<String>>> {
        let mut command = Command::new("tshark");
        command.args(["-n", "-2", "-r"]).arg(&self.file).args(settings);
        command.args(["-Y", filter, "-T", "fields", "-E", "separator=/t"]);
        for field in fields {
            command.args(["-e", field]);
        }
        let output = program::output(command, PATIENCE)?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "tshark: {words}");
        let text = String::from_utf8(output.stdout).context("tshark prints no text")?;
        let row = |line: &str| line.split('\t').map(str::to_owned).collect();
        Ok(text.lines().map(row).collect())
    }
}
