//! A telephone on libsrtp, in the manner of its example program `rtpw`: a SRTP stack that is not
//! ours and knows more suites than ffmpeg.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use libsrtp::{CryptoPolicy, Session, StreamPolicy};
use srtp::Suite;

use crate::key::Key;
use crate::net::Namespace;

/// The suites that libsrtp and we know. It has AES-192 too, but derives its session keys with
/// AES-256, which RFC 6188 §2 contradicts.
pub const SUITES: [Suite; 6] = [
    Suite::AesCm128HmacSha1_80,
    Suite::AesCm128HmacSha1_32,
    Suite::AesCm256HmacSha1_80,
    Suite::AesCm256HmacSha1_32,
    Suite::AeadAes128Gcm,
    Suite::AeadAes256Gcm,
];

/// Octets of G.711 in a packet, and how long they take.
pub const PAYLOAD: usize = 160;
const PACKET_TIME: Duration = Duration::from_millis(20);

const RTP_HEADER: usize = 12;

/// Longest datagram.
const DATAGRAM: usize = 2048;

/// How long a packet that must come is awaited.
const PATIENCE: Duration = Duration::from_secs(10);

/// A telephone on the network, in a call with one peer.
pub struct Rtpw {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    peer: SocketAddr,
    sender: Sender,
    receiver: Receiver,
}

/// Protects a stream.
pub struct Sender {
    session: Session,
    ssrc: u32,
    sequence: u16,
}

/// Verifies and decrypts whatever stream comes.
pub struct Receiver(Session);

/// What was heard in a talk.
pub struct Heard {
    /// The payloads, one after the other.
    pub payload: Vec<u8>,
    /// How many RTCP packets verified.
    pub reports: usize,
}

impl Rtpw {
    /// Opens it at an address of the namespace, RTCP one port above, in a call with `peer`.
    pub fn open(
        namespace: &Namespace,
        address: SocketAddr,
        peer: SocketAddr,
        [send, receive]: [&Key; 2],
    ) -> Result<Self> {
        Ok(Self {
            rtp: namespace.udp(address)?,
            rtcp: namespace.udp(above(address))?,
            peer,
            sender: Sender::new(send)?,
            receiver: Receiver::new(receive)?,
        })
    }

    /// Sends the next packet of its stream.
    pub fn send(&mut self, payload: &[u8]) -> Result<()> {
        let packet = self.sender.packet(payload)?;
        self.send_packet(&packet)
    }

    /// Sends a packet as it is.
    pub fn send_packet(&self, packet: &[u8]) -> Result<()> {
        self.rtp.send_to(packet, self.peer).context("cannot send")?;
        Ok(())
    }

    /// Waits for a packet, as it is on the wire.
    pub fn arrival(&self) -> Result<Vec<u8>> {
        receive(&self.rtp, Instant::now() + PATIENCE)?.context("the packet did not come")
    }

    /// The payload of a packet, if it verifies.
    pub fn payload(&mut self, packet: Vec<u8>) -> Result<Vec<u8>> {
        self.receiver.payload(packet)
    }

    /// Sends a sender report and gives it as it was before protection.
    pub fn report(&mut self) -> Result<Vec<u8>> {
        let (plain, packet) = self.sender.report()?;
        self.rtcp.send_to(&packet, above(self.peer)).context("cannot send")?;
        Ok(plain)
    }

    /// Waits for a report that verifies.
    pub fn hear_report(&mut self) -> Result<Vec<u8>> {
        let packet = receive(&self.rtcp, Instant::now() + PATIENCE)?;
        self.receiver.report(packet.context("the report did not come")?)
    }

    /// Says the octets, a packet each 20 ms, and listens until it has heard `expected` octets.
    pub fn talk(&mut self, said: &[u8], expected: usize) -> Result<Heard> {
        let mut payload = Vec::new();
        let mut next = Instant::now();
        for piece in said.chunks(PAYLOAD) {
            self.send(piece)?;
            next += PACKET_TIME;
            while let Some(packet) = receive(&self.rtp, next)? {
                payload.extend(self.payload(packet)?);
            }
        }
        while payload.len() < expected {
            let packet = self.arrival();
            let packet = packet.with_context(|| format!("after {} octets", payload.len()))?;
            payload.extend(self.payload(packet)?);
        }
        let mut reports = 0;
        while let Some(packet) = receive(&self.rtcp, Instant::now())? {
            self.receiver.report(packet)?;
            reports += 1;
        }
        Ok(Heard { payload, reports })
    }
}

impl Sender {
    /// A new stream.
    pub fn new(key: &Key) -> Result<Self> {
        let session =
            policy(key).and_then(|policy| checked(Session::with_outbound_template(policy)));
        Ok(Self { session: session?, ssrc: 0x6c69_6273, sequence: 1000 })
    }

    /// The next packet, protected.
    pub fn packet(&mut self, payload: &[u8]) -> Result<Vec<u8>> {
        let mut packet = vec![0x80, 0];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend((u32::from(self.sequence) * PAYLOAD as u32).to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        packet.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        checked(self.session.protect(&mut packet))?;
        Ok(packet)
    }

    /// A sender report, plain and protected.
    fn report(&mut self) -> Result<(Vec<u8>, Vec<u8>)> {
        let mut plain = vec![0x80, 200, 0, 6];
        plain.extend(self.ssrc.to_be_bytes());
        plain.extend([0x52; 20]);
        let mut packet = plain.clone();
        checked(self.session.protect_rtcp(&mut packet))?;
        Ok((plain, packet))
    }
}

impl Receiver {
    /// For packets under this key.
    pub fn new(key: &Key) -> Result<Self> {
        policy(key).and_then(|policy| checked(Session::with_inbound_template(policy))).map(Self)
    }

    /// The payload of a packet, if it verifies.
    pub fn payload(&mut self, mut packet: Vec<u8>) -> Result<Vec<u8>> {
        checked(self.0.unprotect(&mut packet))?;
        packet.get(RTP_HEADER..).map(<[u8]>::to_vec).context("the packet is too short for RTP")
    }

    fn report(&mut self, mut packet: Vec<u8>) -> Result<Vec<u8>> {
        checked(self.0.unprotect_rtcp(&mut packet))?;
        Ok(packet)
    }
}

fn policy(key: &Key) -> Result<StreamPolicy<'_>> {
    let (rtp, rtcp) = match key.suite() {
        Suite::AesCm128HmacSha1_80 => {
            (CryptoPolicy::aes_cm_128_hmac_sha1_80(), CryptoPolicy::aes_cm_128_hmac_sha1_80())
        }
        Suite::AesCm128HmacSha1_32 => {
            (CryptoPolicy::aes_cm_128_hmac_sha1_32(), CryptoPolicy::aes_cm_128_hmac_sha1_80())
        }
        Suite::AesCm256HmacSha1_80 => {
            (CryptoPolicy::aes_cm_256_hmac_sha1_80(), CryptoPolicy::aes_cm_256_hmac_sha1_80())
        }
        Suite::AesCm256HmacSha1_32 => {
            (CryptoPolicy::aes_cm_256_hmac_sha1_32(), CryptoPolicy::aes_cm_256_hmac_sha1_80())
        }
        Suite::AeadAes128Gcm => {
            (CryptoPolicy::aes_gcm_128_16_auth(), CryptoPolicy::aes_gcm_128_16_auth())
        }
        Suite::AeadAes256Gcm => {
            (CryptoPolicy::aes_gcm_256_16_auth(), CryptoPolicy::aes_gcm_256_16_auth())
        }
        other => bail!("libsrtp does not know {other} as we do"),
    };
    Ok(StreamPolicy { rtp, rtcp, key: key.octets(), ..Default::default() })
}

fn checked<T>(result: Result<T, libsrtp::Error>) -> Result<T> {
    result.map_err(|error| anyhow!("libsrtp: {error}"))
}

/// The next datagram, if one comes in time.
fn receive(socket: &UdpSocket, deadline: Instant) -> Result<Option<Vec<u8>>> {
    let left = deadline.saturating_duration_since(Instant::now());
    // No time at all would mean no limit.
    socket
        .set_read_timeout(Some(left.max(Duration::from_millis(1))))
        .context("cannot set a time-out")?;
    let mut buffer = vec![0; DATAGRAM];
    match socket.recv(&mut buffer) {
        Ok(len) => {
            buffer.truncate(len);
            Ok(Some(buffer))
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(None)
        }
        Err(error) => Err(error).context("cannot receive"),
    }
}

/// The address of RTCP.
fn above(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port() + 1)
}
