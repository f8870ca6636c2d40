//! The daemon, and the call agent that speaks to it through IPsec.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use esp::{Ipsec, RequestId};
use keying::manual::Manual;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketType, bind, ipproto, recv, sendto, socket,
};
use serde::Deserialize;
use stack::{Config, Stack, UdpId};
use tempfile::TempDir;

pub const PATIENCE: Duration = Duration::from_secs(20);

/// The gateway's address and the agent's.
pub type Ends = [Ipv4Addr; 2];

#[derive(Deserialize)]
struct File {
    manual: Vec<Manual>,
}

/// The section of an association as one end has it.
fn section(title: &str, ends: Ends, end: usize, protect: &str, keys: &Path) -> String {
    format!(
        "[[{title}]]\nname = \"agent1\"\nlocal = \"{}\"\nremote = \"{}\"\nmode = \"transport\"\n\
         suite = \"aes128-sha256\"\nspi_out = {}\nspi_in = {}\nprotect = \"{protect}\"\nkeys = \"{}\"\n",
        ends[end],
        ends[1 - end],
        0x1000 + end,
        0x1001 - end,
        keys.display()
    )
}

/// The keys of both directions as one end has them.
fn keys(end: usize) -> String {
    let keys = [0x11u8, 0x22]
        .map(|n| format!("{n:02x}").repeat(16) + " " + &format!("{n:02x}").repeat(32));
    format!("out {}\nin {}\n", keys[end], keys[1 - end])
}

/// A daemon under way, and where its files are.
pub struct Daemon {
    pub child: Child,
    pub directory: TempDir,
}

impl Daemon {
    /// With a file of keys that has these permissions, what is protected, and other sections.
    pub fn start(ends: Ends, mode: u32, protect: &str, sections: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        fs::write(path("keys"), keys(0)).unwrap();
        fs::set_permissions(path("keys"), fs::Permissions::from_mode(mode)).unwrap();
        let [ours, agent] = ends;
        let text = format!(
            "[datad]\nstatus_socket = \"{}\"\n[datad.gateway]\nname = \"relay1\"\n\
             listen = [\"{ours}:2427\"]\ncall_agents = [\"{agent}\"]\nnotify = \"{agent}:2727\"\n\
             restart_wait_ms = 0\nkeys = \"require\"\n{}{sections}",
            path("status").display(),
            section("datad.ipsec.manual", ends, 0, protect, &path("keys")),
        );
        fs::write(path("ringfence.toml"), text).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_ringfence-datad"))
            .arg("--config")
            .arg(path("ringfence.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, directory }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The call agent: sockets behind ESP.
pub struct Agent {
    ends: Ends,
    pub stack: Stack,
    socket: UdpId,
    esp: OwnedFd,
    ip: OwnedFd,
}

impl Agent {
    pub fn new(ends: Ends, protect: &str) -> Self {
        let text = section("manual", ends, 1, protect, Path::new("not read"));
        let mut file: File = settings::parse(Path::new("agent"), &text).unwrap();
        let manual = file.manual.remove(0);
        let (now, request) = (Instant::now(), RequestId(1));
        let mut ipsec = Ipsec::new(esp::Config::default());
        ipsec.set_policies(manual.policies(request));
        for spec in manual.specs(&manual.read_keys(&keys(1)).unwrap(), request, [5; 16]) {
            ipsec.add_sa(now, spec).unwrap();
        }
        let config = Config { addresses: vec![manual.local], mtu: 1500, seed: 3 };
        let mut stack = Stack::new(now, ipsec, &config);
        let socket_id = stack.listen_udp(2727).unwrap();
        let raw = |protocol| socket(AddressFamily::INET, SocketType::RAW, Some(protocol)).unwrap();
        let (esp, ip) = (raw(ipproto::ESP), raw(ipproto::RAW));
        bind(&esp, &SocketAddrV4::new(ends[1], 0)).unwrap();
        Self { ends, stack, socket: socket_id, esp, ip }
    }

    pub fn send(&mut self, text: &str) {
        let to = SocketAddr::new(IpAddr::V4(self.ends[0]), 2427);
        self.stack.send_udp(self.socket, None, to, text.as_bytes()).unwrap();
        self.let_out();
    }

    /// The next message, which came protected.
    pub fn receive(&mut self) -> String {
        let socket = self.socket;
        let datagram = self.until("no message comes", |stack| stack.receive_udp(socket));
        assert!(datagram.protected.is_some());
        String::from_utf8(datagram.payload).unwrap()
    }

    /// Goes on until something is there.
    pub fn until<T>(&mut self, else_: &str, mut what: impl FnMut(&mut Stack) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut buffer = [0; 4096];
        loop {
            if let Some(there) = what(&mut self.stack) {
                self.let_out();
                return there;
            }
            self.let_out();
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{else_}");
            // Timers of TCP go on meanwhile.
            let wait = left.min(Duration::from_millis(100));
            let mut fds = [PollFd::new(&self.esp, PollFlags::IN)];
            if poll(&mut fds, Some(&wait.try_into().unwrap())).unwrap() == 1 {
                let (len, _) = recv(&self.esp, &mut buffer[..], RecvFlags::empty()).unwrap();
                self.stack.input(Instant::now(), &buffer[..len]);
                self.stack.poll(Instant::now());
            }
        }
    }

    fn let_out(&mut self) {
        self.stack.poll(Instant::now());
        while let Some(packet) = self.stack.poll_output() {
            let to = SocketAddrV4::new(self.ends[0], 0);
            sendto(&self.ip, &packet, SendFlags::empty(), &to).unwrap();
        }
    }
}
