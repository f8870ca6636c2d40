//! A machine with a Linux kernel whose ESP is not ours: QEMU without any privilege, Debian's kernel,
//! a root file system of a few programs of this machine. Its console takes shell commands; its
//! network card is a pair of Unix sockets.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use wire::ethernet::{self, MacAddr};

use crate::cpio::Archive;

/// Ours.
pub const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
/// The machine's.
const ITS_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

/// How long anything may take on a loaded machine without hardware virtualisation.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the kernel has as modules and ESP needs.
const MODULES: &[&str] = &[
    "jitterentropy_rng",
    "drbg",
    "virtio_pci",
    "virtio_net",
    "xfrm_user",
    "esp4",
    "esp6",
    "authenc",
    "authencesn",
    "echainiv",
    "seqiv",
    "gcm",
    "ghash-generic",
    "crypto_null",
    "cbc",
    "sha1_generic",
    "sha256_generic",
    "ctr",
    "hmac",
];

/// Programs of this machine that go along, with their libraries.
const PROGRAMS: &[&str] = &["/bin/busybox", "/sbin/ip", "/usr/bin/perl"];

/// The first program: brings modules up, then takes commands until `END`, and says how they ended.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
stty raw -echo < /dev/ttyS0
for module in $(cat /modules); do insmod $module; done
echo '%%ready'
while true; do
    script=
    while read -r line && [ "$line" != END ]; do script="$script$line
"; done
    eval "$script" 2>&1
    echo "%%$?"
done
"#;

/// Takes ESP out of UDP on port 4500, as an IKE daemon would have the kernel do, and answers
/// datagrams on port 2427 with themselves.
const SOCKETS: &str = r#"
my %any = (2 => sub { pack('S n x12', 2, shift) }, 10 => sub { pack('S n x24', 10, shift) });
my @kept;
for my $family (2, 10) {
    for my $port (4500, 2427) {
        socket(my $socket, $family, 2, 0) or die "socket: $!";
        setsockopt($socket, 41, 26, pack('i', 1)) if $family == 10;
        bind($socket, $any{$family}->($port)) or die "bind: $!";
        setsockopt($socket, 17, 100, pack('i', 2)) or die "encapsulation: $!" if $port == 4500;
        push @kept, $socket;
        next if $port == 4500 or fork;
        while (defined(my $peer = recv($socket, my $datagram, 65535, 0))) {
            send($socket, $datagram, 0, $peer);
        }
    }
}
sleep;
"#;

/// The machine; it ends with this value.
pub struct Vm {
    qemu: Child,
    console: ChildStdin,
    lines: Receiver<String>,
    card: UnixDatagram,
    _sockets: tempfile::TempDir,
}

impl Vm {
    pub fn start() -> Self {
        let kernel = newest_kernel();
        let sockets = tempfile::tempdir().unwrap();
        let directory = sockets.path().to_owned();
        let path = |name: &str| directory.join(name);
        fs::write(path("initramfs"), root_file_system(&kernel)).unwrap();
        let card = UnixDatagram::bind(path("ours")).unwrap();
        let net = format!(
            "dgram,id=net,local.type=unix,local.path={},remote.type=unix,remote.path={}",
            path("its").display(),
            path("ours").display()
        );
        let mut qemu = Command::new("qemu-system-x86_64")
            .args(["-M", "q35", "-cpu", "max", "-m", "256", "-accel", "tcg", "-nodefaults"])
            .args(["-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"])
            .arg("-kernel")
            .arg(Path::new("/boot").join(format!("vmlinuz-{kernel}")))
            .arg("-initrd")
            .arg(path("initramfs"))
            .args(["-append", "console=ttyS0 quiet loglevel=0 panic=-1 mitigations=off"])
            .args(["-netdev", &net, "-device"])
            .arg("virtio-net-pci,netdev=net,mac=02:00:00:00:00:02,csum=off,guest_csum=off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect(
                "qemu-system-x86_64 does not start; `cargo xtask setup --for test` installs it",
            );
        let console = qemu.stdin.take().unwrap();
        let output = BufReader::new(qemu.stdout.take().unwrap());
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
        vm.card.connect(path("its").as_path()).unwrap();
        vm
    }

    /// Has the machine carry out shell commands, and gives what they printed.
    ///
    /// # Panics
    ///
    /// When one fails.
    pub fn run(&mut self, script: &str) -> String {
        writeln!(self.console, "(\nset -e\n{script}\n)\nEND").unwrap();
        self.until_mark()
    }

    fn until_mark(&self) -> String {
        let mut output = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| {
                panic!("the machine is silent ({error}) after: {output}");
            });
            match line.split_once("%%") {
                Some((_, "0" | "ready")) => return output,
                Some((_, status)) => panic!("status {status}: {output}"),
                None => output.extend([&line, "\n"]),
            }
        }
    }

    /// Sends an IP packet to the machine.
    pub fn send(&self, packet: &[u8]) {
        let ether_type = if packet[0] >> 4 == 4 { ethernet::IPV4 } else { ethernet::IPV6 };
        let link =
            ethernet::Header { destination: ITS_MAC, source: MAC, tags: [None, None], ether_type };
        let mut frame = vec![0; link.len()];
        link.emit(&mut frame);
        frame.extend_from_slice(packet);
        self.card.send(&frame).unwrap();
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
            self.card.set_read_timeout(Some(left)).unwrap();
            let Ok(len) = self.card.recv(&mut frame) else { continue };
            let Ok(link) = ethernet::Header::parse(&frame[..len]) else { continue };
            let is_ip = matches!(link.ether_type, ethernet::IPV4 | ethernet::IPV6);
            if link.destination == MAC && is_ip {
                return Some(frame[link.len()..len].to_vec());
            }
        }
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// The version of a kernel that is installed with its modules.
fn newest_kernel() -> String {
    let versions: BTreeSet<_> = fs::read_dir("/boot")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_prefix("vmlinuz-").map(str::to_owned))
        .filter(|version| modules(version).join("modules.dep").exists())
        .collect();
    versions.into_iter().next_back().expect(
        "no kernel under /boot; `cargo xtask setup --for test` installs linux-image-cloud-amd64",
    )
}

fn modules(version: &str) -> PathBuf {
    Path::new("/lib/modules").join(version)
}

fn root_file_system(kernel: &str) -> Vec<u8> {
    let mut archive = Archive::default();
    for directory in ["proc", "sys", "dev", "tmp", "bin"] {
        archive.directory(directory);
    }
    archive.file("init", INIT.as_bytes());
    archive.file("sockets.pl", SOCKETS.as_bytes());
    for program in PROGRAMS {
        let content = fs::read(program).unwrap_or_else(|error| {
            panic!("{program}: {error}; `cargo xtask setup --for test` installs it")
        });
        archive.file(program, &content);
    }
    let libraries: BTreeSet<_> = PROGRAMS.iter().flat_map(|program| libraries(program)).collect();
    for library in libraries {
        archive.file(&library, &fs::read(&library).unwrap());
    }
    let mut order = String::new();
    for module in load_order(kernel) {
        let name = format!("/modules.d/{}", module.rsplit('/').next().unwrap());
        archive.file(&name, &fs::read(modules(kernel).join(&module)).unwrap());
        order.extend([&name, "\n"]);
    }
    archive.file("modules", order.as_bytes());
    archive.finish()
}

/// What a program is linked with; nothing if it is static.
fn libraries(program: &str) -> Vec<String> {
    let output = Command::new("ldd").arg(program).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let paths = output.split_whitespace().filter(|word| word.starts_with('/'));
    paths.map(str::to_owned).filter(|path| path != &format!("{program}:")).collect()
}

/// The modules, each behind those it needs. One that this kernel has built in is left out.
fn load_order(kernel: &str) -> Vec<String> {
    let table = fs::read_to_string(modules(kernel).join("modules.dep")).unwrap();
    let mut order: Vec<String> = Vec::new();
    for wanted in MODULES {
        let line = table.lines().find(|line| {
            let path = line.split(':').next().unwrap_or_default();
            path.rsplit('/').next().and_then(|file| file.strip_suffix(".ko")) == Some(wanted)
        });
        let Some((module, needs)) = line.and_then(|line| line.split_once(':')) else { continue };
        // The table lists what is needed last first.
        for module in needs.split_whitespace().rev().chain([module]) {
            if !order.iter().any(|known| known == module) {
                order.push(module.to_owned());
            }
        }
    }
    order
}
