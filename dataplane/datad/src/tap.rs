//! The tap of one call.
//!
//! The worker copies packets from and to the addresses of an endpoint, as they come and as they
//! leave, until the time or the size is over: [`MediaTap`]. Whoever asks for them does so on a socket
//! of its own ([`TapServer`]), one at a time. Packets that never reach the engine, because the XDP
//! program forwards them, cannot be tapped; those have no cipher.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use port::{Frame, Medium};
use rustix::net::sockopt::socket_peercred;
use status::tap::{self, TapAnswer, TapWish};
use tracing::info;
use wire::datagram::Datagram;
use wire::{ethernet, udp};

use crate::reports::Reporter;
use crate::status_server::SocketFile;
use crate::worker::{ToWorker, WorkerHandle};

/// Packets that may wait for whoever reads; others are lost, so that the worker never waits.
const QUEUE: usize = 4096;
/// Longest wait for a client.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked whether the worker has ended a tap.
const GLANCE: Duration = Duration::from_millis(200);
/// Longest wish.
const MAX_WISH: u64 = 1024;
/// Most seconds of a tap, and most octets: 300 minutes, 1 GiB.
const MOST: (u32, u64) = (300 * 60, 1 << 30);

/// Copies of the packets of a call, as the worker makes them.
pub struct MediaTap {
    /// Our addresses in that call.
    ends: Vec<SocketAddr>,
    until: Instant,
    /// Octets that may still be copied.
    left: u64,
    out: Sender<(Duration, Vec<u8>)>,
}

impl MediaTap {
    /// A tap of what comes to these addresses and leaves from them.
    pub fn new(
        ends: Vec<SocketAddr>,
        until: Instant,
        octets: u64,
        out: Sender<(Duration, Vec<u8>)>,
    ) -> Self {
        Self { ends, until, left: octets, out }
    }

    /// Copies those of a burst that are the call's. Whether it goes on.
    pub fn note(&mut self, now: Instant, medium: Medium, frames: &[Frame]) -> bool {
        if now >= self.until {
            return false;
        }
        for frame in frames {
            let Some(packet) = self.packet(medium, frame.bytes()) else { continue };
            let Some(left) = self.left.checked_sub(packet.len() as u64) else { return false };
            let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            match self.out.try_send((at, packet.to_vec())) {
                Err(error) if error.is_disconnected() => return false,
                // One that waits too long is lost, which its sequence number tells.
                _ => self.left = left,
            }
        }
        true
    }

    /// The packet in a frame, from the IP header on, if it is the call's.
    fn packet<'f>(&self, medium: Medium, frame: &'f [u8]) -> Option<&'f [u8]> {
        let link = match medium {
            Medium::Ethernet => ethernet::Header::parse(frame).ok()?.len(),
            Medium::Ip => 0,
        };
        let packet = frame.get(link..)?;
        let datagram = Datagram::parse_ip(packet).ok()?;
        let ours = [datagram.source, datagram.destination];
        let end = datagram.payload_at + datagram.payload_len;
        debug_assert!(datagram.payload_at >= udp::HEADER_LEN);
        ours.iter().any(|end| self.ends.contains(end)).then(|| packet.get(..end))?
    }
}

/// The listening socket.
pub struct TapServer {
    listener: UnixListener,
    path: PathBuf,
}

impl TapServer {
    /// Listens at `path`, for the owner of the file only.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let listener = status::socket::listen(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// The file, for whoever ends last.
    pub fn file(&self) -> SocketFile {
        SocketFile::new(&self.path)
    }

    /// Serves one after the other.
    pub fn run(self, reporter: &Reporter, worker: &WorkerHandle) {
        for stream in self.listener.incoming().flatten() {
            // A client that goes away in the middle ends its tap.
            let _ = serve(&stream, reporter, worker);
        }
    }
}

fn serve(mut stream: &UnixStream, reporter: &Reporter, worker: &WorkerHandle) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let who = socket_peercred(stream)?.uid.as_raw();
    let mut line = String::new();
    BufReader::new(stream.take(MAX_WISH)).read_line(&mut line)?;
    let wish: TapWish = serde_json::from_str(&line)?;
    let ends = match ends(reporter, &wish) {
        Ok(ends) => ends,
        Err(why) => return answer(stream, &TapAnswer::Refused(why)),
    };
    let (out, packets) = bounded(QUEUE);
    let seconds = Duration::from_secs(wish.seconds.min(MOST.0).into());
    let until = Instant::now() + seconds;
    let tap = MediaTap::new(ends, until, wish.octets.min(MOST.1), out);
    worker.send(ToWorker::Tap(tap));
    info!(endpoint = wish.endpoint, uid = who, "a call is tapped");
    answer(stream, &TapAnswer::Taken)?;
    let written = loop {
        // Where nothing comes the worker does not look at the clock.
        match packets.recv_timeout(GLANCE) {
            Ok((at, octets)) => match tap::write(&mut stream, at, &octets) {
                Ok(()) => {}
                Err(error) => break Err(error),
            },
            Err(RecvTimeoutError::Timeout) if Instant::now() < until => {}
            Err(_) => break Ok(()),
        }
    };
    info!(endpoint = wish.endpoint, uid = who, "the tap of a call has ended");
    written
}

fn answer(mut stream: &UnixStream, answer: &TapAnswer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Our addresses in an endpoint's connections, RTP and RTCP.
fn ends(reporter: &Reporter, wish: &TapWish) -> Result<Vec<SocketAddr>, String> {
    let name = wish.endpoint.split('@').next().unwrap_or_default();
    let report = reporter.relay().ok_or("the daemon is stopping")?;
    let flows: Vec<_> = report.flows.iter().filter(|flow| flow.endpoint == name).collect();
    if flows.is_empty() {
        return Err(format!(
            "endpoint {name} has no connection; `ringfence relay show` lists those there are"
        ));
    }
    if flows.iter().any(|flow| flow.path == "xdp") {
        return Err(format!(
            "packets of {name} are forwarded in the XDP program, out of sight; `fast_tier = false` keeps them in the engine"
        ));
    }
    let both = |local: SocketAddr| [local, SocketAddr::new(local.ip(), local.port() | 1)];
    Ok(flows.into_iter().flat_map(|flow| both(flow.local)).collect())
}

#[cfg(test)]
mod tests {
    use port::Pool;
    use wire::datagram::ChecksumRule;

    use super::*;

    fn frame(pool: &mut Pool, source: &str, destination: &str, payload: usize) -> Frame {
        let datagram = Datagram {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            traffic_class: 0,
            hops: 64,
            checksum: 0,
            payload_at: 0,
            payload_len: payload,
        };
        let mut packet = vec![7; datagram.headers_len() + payload];
        datagram.emit_ip(&mut packet, ChecksumRule::Compute);
        let mut frame = pool.take().unwrap();
        frame.fill(&packet);
        frame
    }

    // R: CAP-05
    #[test]
    fn packets_of_one_call_are_copied_and_no_more_than_wanted() {
        let mut pool = Pool::new(16, 2048).unwrap();
        let (own, now) = ("10.0.0.1:16384", Instant::now());
        let mut burst = vec![
            frame(&mut pool, "10.0.0.2:4000", own, 100),
            frame(&mut pool, "10.0.0.2:4000", "10.0.0.1:16386", 100),
            frame(&mut pool, own, "10.0.0.2:4000", 100),
        ];
        let (out, packets) = bounded(16);
        let until = now + Duration::from_secs(1);
        let mut tap = MediaTap::new(vec![own.parse().unwrap()], until, 300, out.clone());
        assert!(tap.note(now, Medium::Ip, &burst));
        let copied: Vec<_> = packets.try_iter().collect();
        assert_eq!(copied.len(), 2);
        assert_eq!(copied[1].1, burst[2].bytes());
        // The size is over, or the time, or nobody listens.
        assert!(!tap.note(now, Medium::Ip, &burst) && packets.try_iter().count() == 0);
        let mut tap = MediaTap::new(vec![own.parse().unwrap()], until, 1 << 20, out);
        assert!(tap.note(now, Medium::Ip, &burst) && !tap.note(until, Medium::Ip, &burst));
        drop(packets);
        assert!(!tap.note(now, Medium::Ip, &burst));
        pool.give_all(&mut burst);
    }
}
