//! A machine that starts from a disk as a real one would: UEFI, a disk, a network card, a serial
//! console that is listened to.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const FIRMWARE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// How long the machine may take for anything: without hardware virtualisation, on a busy host.
pub const PATIENCE: Duration = Duration::from_secs(400);

/// A running machine; it ends with this value.
pub struct Machine {
    qemu: Child,
    console: Receiver<String>,
    control: PathBuf,
    /// Where its port 6970 is reached from here.
    pub http: u16,
}

impl Machine {
    /// Starts from a disk. The console goes to a log as well.
    pub fn start(disk: &Path, dir: &Path, name: &str) -> Result<Self> {
        Self::start_with(disk, None, dir, name)
    }

    /// The same with a medium in it.
    pub fn start_with(disk: &Path, medium: Option<&Path>, dir: &Path, name: &str) -> Result<Self> {
        let path = |kind: &str| dir.join(format!("{name}.{kind}"));
        let (variables, control) = (path("variables"), path("qmp"));
        fs::copy(VARIABLES, &variables).context("no firmware: `cargo xtask setup --for image`")?;
        let http = free_port()?;
        let mut command = Command::new("qemu-system-x86_64");
        command.args(["-M", "q35", "-cpu", "max", "-m", "1024", "-smp", "2", "-nodefaults"]);
        command.args(["-accel", "tcg,thread=multi", "-display", "none", "-serial", "stdio"]);
        command.args(["-no-user-config", "-no-reboot", "-drive"]);
        command.arg(format!("if=pflash,format=raw,readonly=on,file={FIRMWARE}")).arg("-drive");
        command.arg(format!("if=pflash,format=raw,file={}", variables.display())).arg("-drive");
        command.arg(format!("if=virtio,format=raw,file={}", disk.display()));
        if let Some(medium) = medium {
            let drive = format!("if=virtio,format=raw,readonly=on,file={}", medium.display());
            command.arg("-drive").arg(drive);
        }
        command.arg("-netdev");
        command.arg(format!("user,id=net,hostfwd=tcp:127.0.0.1:{http}-:6970")).arg("-device");
        command.arg("virtio-net-pci,netdev=net").arg("-qmp");
        command.arg(format!("unix:{},server=on,wait=off", control.display()));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut qemu = command.spawn().context("QEMU: `cargo xtask setup --for image`")?;
        let output = qemu.stdout.take().context("QEMU has no console")?;
        let log = File::create(path("console.log")).context("cannot write the console's log")?;
        Ok(Self { qemu, console: listen(output, log), control, http })
    }

    /// Waits until the console says something; gives that line.
    pub fn expect(&self, words: &str) -> Result<String> {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.console.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(words) => return Ok(line),
                Ok(line) if line.contains("FAILED") => bail!("the console says: {line}"),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the console does not say `{words}` within {} s", PATIENCE.as_secs())
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the machine stopped before its console said `{words}`")
                }
            }
        }
    }

    /// Presses the power button, and waits until it is off.
    pub fn power_down(mut self) -> Result<()> {
        let mut control = UnixStream::connect(&self.control).context("QEMU does not listen")?;
        control
            .write_all(b"{\"execute\":\"qmp_capabilities\"}{\"execute\":\"system_powerdown\"}")?;
        self.until_off()
    }

    /// Waits until it has stopped by itself.
    pub fn until_off(&mut self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            // The console ends when QEMU does.
            if let Err(RecvTimeoutError::Disconnected) =
                self.console.recv_timeout(Duration::from_secs(1))
            {
                self.qemu.wait().context("QEMU is lost")?;
                return Ok(());
            }
        }
        bail!("the machine is still on after {} s", PATIENCE.as_secs())
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

fn listen(output: impl Read + Send + 'static, mut log: File) -> Receiver<String> {
    let (lines, console) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            // A log that cannot be written is no reason to stop listening.
            let _ = log.write_all(&line).and_then(|()| log.write_all(b"\n"));
            if lines.send(String::from_utf8_lossy(&line).trim().to_owned()).is_err() {
                break;
            }
        }
    });
    console
}

fn free_port() -> Result<u16> {
    let socket = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(socket.local_addr()?.port())
}
