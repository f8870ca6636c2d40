//! A machine that starts from a disk as a real one would: UEFI, a disk, a network card, a serial
//! console that is listened to.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::office::{Office, TAP};

const FIRMWARE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const QEMU: &str = "qemu-system-x86_64";
const VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// How long the machine may take for anything: without hardware virtualisation, on a busy host.
pub const PATIENCE: Duration = Duration::from_secs(400);

/// What a console says.
enum Said {
    /// A whole line.
    Line(String),
    /// The beginning of one that may wait for an answer.
    Prompt(String),
}

/// What is special about a machine.
#[derive(Default)]
pub struct Equipment<'a> {
    /// A second disk.
    pub medium: Option<&'a Path>,
    /// Where its network card leads.
    pub plugged_into: Network<'a>,
    /// What its clock says at first, as QEMU reads it.
    pub clock: Option<&'a str>,
}

/// Where a network card leads.
#[derive(Default)]
pub enum Network<'a> {
    /// To a network of its own, of which one port is reached from here.
    #[default]
    Own,
    /// To an office.
    Of(&'a Office),
    /// There is no card.
    None,
}

/// A running machine; it ends with this value.
pub struct Machine {
    qemu: Child,
    keyboard: ChildStdin,
    console: Receiver<Said>,
    control: PathBuf,
    /// Where its port 6970 is reached from here.
    pub http: u16,
}

impl Machine {
    /// Starts from a disk. The console goes to a log as well.
    pub fn start(disk: &Path, dir: &Path, name: &str) -> Result<Self> {
        Self::start_with(&Equipment::default(), disk, dir, name)
    }

    /// The same with something beside it, or without something.
    pub fn start_with(with: &Equipment<'_>, disk: &Path, dir: &Path, name: &str) -> Result<Self> {
        let path = |kind: &str| dir.join(format!("{name}.{kind}"));
        let (variables, control) = (path("variables"), path("qmp"));
        fs::copy(VARIABLES, &variables).context("no firmware: `cargo xtask setup --for image`")?;
        let mut command = match with.plugged_into {
            Network::Of(office) => office.namespace().command(QEMU),
            Network::Own | Network::None => Command::new(QEMU),
        };
        command.args(["-M", "q35", "-cpu", "max", "-m", "1024", "-smp", "2", "-nodefaults"]);
        command.args(["-accel", "tcg,thread=multi", "-display", "none", "-serial", "stdio"]);
        command.args(["-no-user-config", "-no-reboot", "-drive"]);
        command.arg(format!("if=pflash,format=raw,readonly=on,file={FIRMWARE}")).arg("-drive");
        command.arg(format!("if=pflash,format=raw,file={}", variables.display())).arg("-drive");
        command.arg(format!("if=virtio,format=raw,file={}", disk.display()));
        if let Some(medium) = with.medium {
            let drive = format!("if=virtio,format=raw,readonly=on,file={}", medium.display());
            command.arg("-drive").arg(drive);
        }
        if let Some(clock) = with.clock {
            command.arg("-rtc").arg(format!("base={clock}"));
        }
        let http = free_port()?;
        let wire = match with.plugged_into {
            Network::Own => Some(format!("user,id=net,hostfwd=tcp:127.0.0.1:{http}-:6970")),
            Network::Of(_) => Some(format!("tap,id=net,ifname={TAP},script=no,downscript=no")),
            Network::None => None,
        };
        if let Some(wire) = wire {
            command.args(["-netdev", &wire, "-device", "virtio-net-pci,netdev=net"]);
        }
        command.arg("-qmp").arg(format!("unix:{},server=on,wait=off", control.display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut qemu = command.spawn().context("QEMU: `cargo xtask setup --for image`")?;
        let keyboard = qemu.stdin.take().context("QEMU has no keyboard")?;
        let output = qemu.stdout.take().context("QEMU has no console")?;
        let log = File::create(path("console.log")).context("cannot write the console's log")?;
        Ok(Self { qemu, keyboard, console: listen(output, log), control, http })
    }

    /// Types a line, and Enter, which is a carriage return.
    pub fn type_line(&mut self, line: &str) -> Result<()> {
        write!(self.keyboard, "{line}\r").context("the console is gone")
    }

    /// The next line that the console says.
    pub fn next_line(&self) -> Result<String> {
        loop {
            match self.console.recv_timeout(PATIENCE).context("the console says nothing more")? {
                Said::Line(line) => return Ok(line),
                Said::Prompt(_) => {}
            }
        }
    }

    /// Waits until the console says something; gives that line.
    pub fn expect(&self, words: &str) -> Result<String> {
        self.expect_one_of(&[words])
    }

    /// Waits until the console says one of these; gives the line.
    pub fn expect_one_of(&self, all: &[&str]) -> Result<String> {
        let end = Instant::now() + PATIENCE;
        let fits = |line: &str| all.iter().any(|words| line.contains(words));
        loop {
            match self.console.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Said::Line(line) | Said::Prompt(line)) if fits(&line) => return Ok(line),
                Ok(Said::Line(line)) if line.contains("FAILED") => {
                    bail!("the console says: {line}")
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the console does not say {all:?} within {} s", PATIENCE.as_secs())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the machine stopped before its console said {all:?}")
                }
            }
        }
    }

    /// Presses the power button, and waits until it is off.
    pub fn power_down(mut self) -> Result<()> {
        let mut control = UnixStream::connect(&self.control).context("QEMU does not listen")?;
        control.write_all(b"{\"execute\":\"qmp_capabilities\"}")?;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            // Nobody in the machine may have listened to it yet.
            let _ = control.write_all(b"{\"execute\":\"system_powerdown\"}");
            if self.is_off_within(Duration::from_secs(20))? {
                return Ok(());
            }
        }
        bail!("the machine is still on {} s after the power button", PATIENCE.as_secs())
    }

    /// Waits until it has stopped by itself.
    pub fn until_off(&mut self) -> Result<()> {
        ensure!(
            self.is_off_within(PATIENCE)?,
            "the machine is still on after {} s",
            PATIENCE.as_secs()
        );
        Ok(())
    }

    fn is_off_within(&mut self, limit: Duration) -> Result<bool> {
        let end = Instant::now() + limit;
        loop {
            match self.console.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return Ok(false),
                // The console ends when QEMU does.
                Err(RecvTimeoutError::Disconnected) => {
                    self.qemu.wait().context("QEMU is lost")?;
                    return Ok(true);
                }
            }
        }
    }

    /// Cuts the power.
    pub fn cut_power(mut self) -> Result<()> {
        self.qemu.kill().context("QEMU is gone")?;
        self.qemu.wait().context("QEMU is lost").map(drop)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// Tells each line, and before that its beginning, if it ends as prompts do.
fn listen(mut output: impl Read + Send + 'static, mut log: File) -> Receiver<Said> {
    let (said, console) = channel();
    thread::spawn(move || {
        let text = |line: &[u8]| String::from_utf8_lossy(line).trim().to_owned();
        let (mut rest, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = output.read(&mut buffer) {
            // A log that cannot be written is no reason to stop listening.
            let _ = log.write_all(&buffer[..length]);
            rest.extend_from_slice(&buffer[..length]);
            while let Some(end) = rest.iter().position(|octet| *octet == b'\n') {
                let line = rest.drain(..=end).collect::<Vec<_>>();
                // Nobody listens any more: QEMU still must not wait for us.
                let _ = said.send(Said::Line(text(&line)));
            }
            if [&b": "[..], b"$ "].iter().any(|prompt| rest.ends_with(prompt)) {
                let _ = said.send(Said::Prompt(text(&rest)));
            }
        }
    });
    console
}

fn free_port() -> Result<u16> {
    let socket = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(socket.local_addr()?.port())
}
