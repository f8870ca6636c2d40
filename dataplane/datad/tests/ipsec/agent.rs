//! The daemon with a call agent that speaks through IPsec.

use std::fs;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
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

const PATIENCE: Duration = Duration::from_secs(20);

/// The gateway's address and the agent's, which no test of another number or process has.
type Ends = [Ipv4Addr; 2];

fn ends(test: u8) -> Ends {
    let [a, b] = (std::process::id() as u16).to_be_bytes();
    [78, 178].map(|first| Ipv4Addr::new(127, first + test, a, b))
}

#[derive(Deserialize)]
struct File {
    manual: Vec<Manual>,
}

/// The section of an association as one end has it.
fn section(title: &str, ends: Ends, end: usize, keys: &Path) -> String {
    format!(
        "[[{title}]]\nname = \"agent1\"\nlocal = \"{}\"\nremote = \"{}\"\nmode = \"transport\"\n\
         suite = \"aes128-sha256\"\nspi_out = {}\nspi_in = {}\nkeys = \"{}\"\n",
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
struct Daemon {
    child: Child,
    directory: TempDir,
}

impl Daemon {
    /// With a file of keys that has these permissions.
    fn start(ends: Ends, mode: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        fs::write(path("keys"), keys(0)).unwrap();
        fs::set_permissions(path("keys"), fs::Permissions::from_mode(mode)).unwrap();
        let [ours, agent] = ends;
        let text = format!(
            "[datad]\nstatus_socket = \"{}\"\n[datad.gateway]\nname = \"relay1\"\n\
             listen = [\"{ours}:2427\"]\ncall_agents = [\"{agent}\"]\nnotify = \"{agent}:2727\"\n\
             restart_wait_ms = 0\nkeys = \"require\"\n{}[[datad.media]]\nname = \"here\"\naddresses = [\"{ours}\"]\n",
            path("status").display(),
            section("datad.ipsec.manual", ends, 0, &path("keys")),
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

#[test]
fn keys_that_others_may_read_are_refused() {
    let mut daemon = Daemon::start(ends(0), 0o644);
    assert!(!daemon.child.wait().unwrap().success());
    let mut said = String::new();
    daemon.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("`agent1`") && said.contains("chmod 600"), "{said}");
    assert!(!said.contains("1111"), "{said}");
}

/// The call agent: sockets behind ESP.
struct Agent {
    ends: Ends,
    stack: Stack,
    socket: UdpId,
    esp: OwnedFd,
    ip: OwnedFd,
}

impl Agent {
    fn new(ends: Ends) -> Self {
        let text = section("manual", ends, 1, Path::new("not read"));
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

    fn send(&mut self, text: &str) {
        let to = SocketAddr::new(IpAddr::V4(self.ends[0]), 2427);
        self.stack.send_udp(self.socket, None, to, text.as_bytes()).unwrap();
        self.stack.poll(Instant::now());
        while let Some(packet) = self.stack.poll_output() {
            let to = SocketAddrV4::new(self.ends[0], 0);
            sendto(&self.ip, &packet, SendFlags::empty(), &to).unwrap();
        }
    }

    /// The next message, which came protected.
    fn receive(&mut self) -> String {
        let end = Instant::now() + PATIENCE;
        let mut buffer = [0; 4096];
        loop {
            if let Some(datagram) = self.stack.receive_udp(self.socket) {
                assert!(datagram.protected.is_some());
                return String::from_utf8(datagram.payload).unwrap();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no message comes");
            let mut fds = [PollFd::new(&self.esp, PollFlags::IN)];
            if poll(&mut fds, Some(&left.try_into().unwrap())).unwrap() == 1 {
                let (len, _) = recv(&self.esp, &mut buffer[..], RecvFlags::empty()).unwrap();
                self.stack.input(Instant::now(), &buffer[..len]);
                self.stack.poll(Instant::now());
            }
        }
    }
}

// R: MGCP-04, MGCP-05
#[test]
#[ignore = "opens raw sockets, which needs root: cargo xtask test"]
fn mgcp_is_heard_through_esp_and_not_in_clear() {
    let ends = ends(1);
    let daemon = Daemon::start(ends, 0o600);
    let mut agent = Agent::new(ends);
    let restart = agent.receive();
    assert!(restart.starts_with("RSIP "), "{restart}");
    let transaction = restart.split(' ').nth(1).unwrap();
    agent.send(&format!("200 {transaction} OK\r\n"));

    // In clear, from the right address: it is not heard.
    let [ours, theirs] = ends;
    let clear = UdpSocket::bind((theirs, 2727)).unwrap();
    clear.send_to(b"AUEP 7 pr/1@relay1 MGCP 1.0\r\n", (ours, 2427)).unwrap();

    agent.send("AUEP 8 pr/1@relay1 MGCP 1.0\r\n");
    let answer = agent.receive();
    assert!(answer.starts_with("200 8"), "{answer}");
    agent.send("CRCX 9 pr/$@relay1 MGCP 1.0\r\nC: A1\r\nM: recvonly\r\nL: x-srtp:on\r\n");
    let answer = agent.receive();
    assert!(answer.starts_with("200 9") && answer.contains("inline:"), "{answer}");

    let report = status::relay(&daemon.directory.path().join("status")).unwrap();
    assert_eq!(report.mgcp["came_in_clear"], 1);
    let [outbound, inbound] = &report.ipsec[..] else { panic!("{:?}", report.ipsec) };
    assert_eq!((&*outbound.direction, &*outbound.spi), ("outbound", "00001000"));
    assert_eq!((&*inbound.direction, &*inbound.state), ("inbound", "live"));
    assert_eq!(inbound.suite, "aes128-sha256");
    assert!(inbound.packets == 3 && outbound.packets >= 3, "{:?}", report.ipsec);
    assert!(outbound.wire_octets > outbound.clear_octets);
    clear.set_nonblocking(true).unwrap();
    assert!(clear.recv(&mut [0; 1]).is_err(), "an answer left in clear");
}
