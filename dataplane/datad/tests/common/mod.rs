//! The daemon as a process, at a loopback address that only this test program uses: whoever runs
//! beside it takes no port from it.

#![allow(dead_code, reason = "each test program uses its part")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

pub const PATIENCE: Duration = Duration::from_secs(20);

/// The address of this program's daemons, of their peers and of their call agents.
pub fn host() -> IpAddr {
    let [_, a, b, c] = std::process::id().to_be_bytes();
    // Process identifiers have 22 bits; 127.0.0.1 is everybody's.
    Ipv4Addr::new(127, 64 + a, b, c).into()
}

/// A daemon; it is killed when this is dropped.
pub struct Process(pub Child);

impl Process {
    /// Writes `ringfence.toml` into the directory and starts the daemon with it.
    pub fn start(directory: &Path, config: &str, stderr: Stdio) -> Self {
        let file = directory.join("ringfence.toml");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence-datad"));
        command.arg("--config").arg(file).env("RINGFENCE_SRTP_BACKEND", "portable");
        Self(command.stdin(Stdio::null()).stderr(stderr).spawn().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_udp() -> SocketAddr {
    UdpSocket::bind((host(), 0)).unwrap().local_addr().unwrap()
}

pub fn free_tcp() -> SocketAddr {
    TcpListener::bind((host(), 0)).unwrap().local_addr().unwrap()
}

/// Media ports below those that the kernel gives out, others for each daemon.
pub fn media_ports() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    let first = NEXT.fetch_add(100, Ordering::Relaxed);
    format!("{first}-{}", first + 99)
}

/// Somebody with a socket who waits.
pub fn peer() -> UdpSocket {
    let socket = UdpSocket::bind((host(), 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A packet of 20 ms.
pub fn rtp(seq_no: u8) -> [u8; 172] {
    let mut packet = [seq_no; 172];
    packet[..12].copy_from_slice(&[0x80, 0, 0, seq_no, 0, 0, seq_no, 0, 1, 2, 3, 4]);
    packet
}

/// A session of G.711 at this port of ours.
pub fn sdp(port: u16) -> String {
    let host = host();
    format!(
        "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0\r\n"
    )
}

/// Where media of a session of the daemon goes.
pub fn media_of(sdp: &str) -> SocketAddr {
    let port = value(sdp, "m=audio ").split(' ').next().unwrap().parse().unwrap();
    SocketAddr::new(host(), port)
}

/// The rest of the line that begins with `key`.
pub fn value<'a>(message: &'a str, key: &str) -> &'a str {
    let line = message.lines().find(|line| line.starts_with(key));
    line.unwrap_or_else(|| panic!("no `{key}` in {message}"))[key.len()..].trim()
}
