//! A machine with a Linux kernel that has what this one's may not: QEMU without any privilege or
//! hardware virtualisation, Debian's kernel, a root file system of a few programs of this machine.
//! Its console takes shell commands; its network card is a pair of Unix sockets. Gone without trace
//! when it is dropped.
//!
//! For tests: what does not work panics and says what to install. The appliance's first root file
//! system is packed by the same two: [`cpio`] and [`load_order`].

#![forbid(unsafe_code)]

pub mod cpio;
mod root;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use wire::ethernet::{self, MacAddr};

pub use root::{Root, load_order};

/// Our address at the machine's card.
pub const OURS: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
/// The machine's.
pub const ITS: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

/// How long anything may take on a loaded machine without hardware virtualisation.
const PATIENCE: Duration = Duration::from_secs(120);

/// The machine; it ends with this value.
pub struct Vm {
    qemu: Child,
    console: ChildStdin,
    lines: Receiver<String>,
    card: UnixDatagram,
    _sockets: tempfile::TempDir,
}

impl Vm {
    /// Starts it and waits until it takes commands.
    ///
    /// # Panics
    ///
    /// When QEMU, a kernel or a program is not installed, or it does not start in time.
    pub fn start(root: &Root) -> Self {
        let sockets = tempfile::tempdir().expect("a temporary directory");
        let directory = sockets.path().to_owned();
        let path = |name: &str| directory.join(name);
        fs::write(path("initramfs"), root.archive()).expect("the directory is ours");
        let card = UnixDatagram::bind(path("ours")).expect("the directory is ours");
        let net = format!(
            "dgram,id=net,local.type=unix,local.path={},remote.type=unix,remote.path={}",
            path("its").display(),
            path("ours").display()
        );
        let mut qemu = Command::new("qemu-system-x86_64")
            .args(["-M", "q35", "-cpu", "max", "-m", "256", "-accel", "tcg", "-nodefaults"])
            .args(["-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"])
            .arg("-kernel")
            .arg(Path::new("/boot").join(format!("vmlinuz-{}", root.kernel())))
            .arg("-initrd")
            .arg(path("initramfs"))
            .args(["-append", "console=ttyS0 quiet loglevel=0 panic=-1 random.trust_cpu=on"])
            .args(["-netdev", &net, "-device"])
            .arg("virtio-net-pci,netdev=net,mac=02:00:00:00:00:02,csum=off,guest_csum=off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("QEMU does not start; `cargo xtask setup --for test` installs it");
        let console = qemu.stdin.take().expect("it was asked for");
        let output = BufReader::new(qemu.stdout.take().expect("it was asked for"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let vm = Self { qemu, console, lines, card, _sockets: sockets };
        vm.until_mark();
        vm.card.connect(path("its")).expect("the machine has its socket");
        vm
    }

    /// Has the machine carry out shell commands, and gives what they printed.
    ///
    /// # Panics
    ///
    /// When one fails, or takes too long.
    pub fn run(&mut self, script: &str) -> String {
        writeln!(self.console, "(\nset -e\n{script}\n)\nEND").expect("the machine runs");
        self.until_mark()
    }

    fn until_mark(&self) -> String {
        let mut output = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| {
                panic!("the machine is silent ({error}) after: {output}");
            });
            match line.split_once(root::MARK) {
                Some((_, "0" | root::READY)) => return output,
                Some((_, status)) => panic!("status {status}: {output}"),
                None => output.extend([&line, "\n"]),
            }
        }
    }

    /// Sends an IP packet to the machine.
    pub fn send(&self, packet: &[u8]) {
        let is_v4 = packet.first().is_some_and(|first| first >> 4 == 4);
        let link = ethernet::Header {
            destination: ITS,
            source: OURS,
            tags: [None, None],
            ether_type: if is_v4 { ethernet::IPV4 } else { ethernet::IPV6 },
        };
        let mut frame = vec![0; link.len()];
        link.emit(&mut frame);
        frame.extend_from_slice(packet);
        self.card.send(&frame).expect("the machine runs");
    }

    /// The next IP packet for us within `patience`.
    pub fn receive(&self, patience: Duration) -> Option<Vec<u8>> {
        let end = Instant::now() + patience;
        let mut frame = [0; 2048];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.card.set_read_timeout(Some(left)).expect("the time is not zero");
            let Ok(len) = self.card.recv(&mut frame) else { continue };
            let Ok(link) = ethernet::Header::parse(&frame[..len]) else { continue };
            let is_ip = matches!(link.ether_type, ethernet::IPV4 | ethernet::IPV6);
            if link.destination == OURS && is_ip {
                return Some(frame[link.len()..len].to_vec());
            }
        }
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}
