//! Debian's rtpengine in user space, with calls on it.

use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::net::Namespace;
use srtp::{Keying, MasterKey, Suite};

use super::ng::Client;
use crate::cpu;
use crate::relay::bench::{LOCAL, PEER};

const PROGRAM: &str = "/usr/bin/rtpengine";
const CONTROL: &str = "127.0.0.1:2223";
const SUITE: Suite = Suite::AesCm128HmacSha1_80;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a stream's packets are when they come; they leave as RTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arriving {
    Rtp,
    Srtp,
}

/// A running rtpengine with streams.
pub(super) struct Rtpengine {
    child: Child,
    /// Where each stream is received.
    pub(super) ports: Vec<u16>,
}

impl Rtpengine {
    /// Whether it is installed.
    pub(super) fn is_here() -> bool {
        Path::new(PROGRAM).exists()
    }

    /// Starts it in the namespace, on the processor of what is measured, and sets so many calls up.
    pub(super) fn start(namespace: &Namespace, arriving: Arriving, streams: u16) -> Result<Self> {
        let child = namespace.enter(|| {
            // What a thread starts is bound as it is.
            cpu::bind_here(cpu::MEASURED)?;
            let spawned = Command::new(PROGRAM)
                .args(["--foreground", "--log-stderr", "--log-level=1", "--table=-1"])
                .arg(format!("--interface={}", LOCAL.ip()))
                .arg(format!("--listen-ng={CONTROL}"))
                .args(["--port-min=16384", "--port-max=65000", "--num-threads=1"])
                .args(["--endpoint-learning=off", "--no-redis-required", "--config-file=none"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            spawned.with_context(|| format!("cannot start {PROGRAM}"))
        })??;
        let mut rtpengine = Self { child, ports: Vec::new() };
        let mut client = rtpengine.connect(namespace)?;
        for stream in 0..streams {
            rtpengine.ports.push(call(&mut client, stream, arriving)?);
        }
        Ok(rtpengine)
    }

    /// What it has had of processors.
    pub(super) fn time(&self) -> Result<Duration> {
        cpu::time_of(self.child.id())
    }

    fn connect(&mut self, namespace: &Namespace) -> Result<Client> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("{PROGRAM} has ended: {status}");
            }
            let socket = namespace.enter(|| {
                let socket = UdpSocket::bind("127.0.0.1:0")?;
                socket.connect(CONTROL)?;
                Ok::<_, std::io::Error>(socket)
            })??;
            let mut client = Client::new(socket)?;
            match client.command(&[("command", "ping")]) {
                Ok(_) => return Ok(client),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Rtpengine {
    fn drop(&mut self) {
        // Ended already is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The key of a stream that arrives as SRTP.
pub(super) fn key(stream: u16) -> Keying {
    let master = MasterKey::from_key_salt(SUITE, &octets(stream)).expect("the suite's length");
    Keying::new(SUITE, master)
}

fn octets(stream: u16) -> Vec<u8> {
    let mut octets = vec![7; SUITE.master_key_len() + SUITE.master_salt_len()];
    octets[..2].copy_from_slice(&stream.to_be_bytes());
    octets
}

/// Offer and answer; where the caller is to send to.
fn call(client: &mut Client, stream: u16, arriving: Arriving) -> Result<u16> {
    let (profile, crypto) = match arriving {
        Arriving::Rtp => ("RTP/AVP", String::new()),
        Arriving::Srtp => {
            let key = base64(&octets(stream));
            ("RTP/SAVP", format!("a=crypto:1 {} inline:{key}\r\n", SUITE.name()))
        }
    };
    let call = format!("call{stream}");
    let caller = description(profile, &crypto);
    let callee = description("RTP/AVP", "");
    let offer = [
        ("ICE", "remove"),
        ("call-id", call.as_str()),
        ("command", "offer"),
        ("from-tag", "a"),
        ("sdp", caller.as_str()),
        ("transport-protocol", "RTP/AVP"),
    ];
    client.command(&offer)?;
    let answer = [
        ("ICE", "remove"),
        ("call-id", call.as_str()),
        ("command", "answer"),
        ("from-tag", "a"),
        ("sdp", callee.as_str()),
        ("to-tag", "b"),
    ];
    let described = client.command(&answer)?;
    let port = described.lines().find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next());
    port.and_then(|port| port.parse().ok()).with_context(|| format!("no port in {described}"))
}

fn description(profile: &str, lines: &str) -> String {
    let (ip, port) = (PEER.ip(), PEER.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {port} {profile} 0\r\n{lines}a=sendrecv\r\n"
    )
}

/// RFC 4648 §4, for octets whose number is a multiple of three.
fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = octets.chunks_exact(3).flat_map(|three| {
        let bits = three.iter().fold(0, |bits, octet| bits << 8 | usize::from(*octet));
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 63]))
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_rfc_4648_writes_them() {
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
        assert_eq!(octets(1).len() % 3, 0);
    }
}
