//! A small RTP endpoint of our own, for what ffmpeg cannot do: single packets, made to measure.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use srtp::{Direction, Job, MAX_TRAILER, SessionId, Srtp};

use crate::key::Key;
use crate::net::Namespace;

/// Length of an RTP header without extras.
const RTP_HEADER: usize = 12;

/// Octets of G.711 in 20 ms.
pub const PAYLOAD: usize = 160;

/// How long a packet that must come is awaited.
const PATIENCE: Duration = Duration::from_secs(2);

/// SRTP in one direction, if there is a key for it.
type Session = Option<(Srtp, SessionId)>;

/// Writes RTP packets of one stream, protected if there is a key.
pub struct Writer {
    srtp: Session,
    ssrc: u32,
    sequence: u16,
}

/// An endpoint on the network.
pub struct Probe {
    /// Its socket, for packets that are not of its stream.
    pub socket: UdpSocket,
    /// What it sends with.
    pub writer: Writer,
    reader: Session,
}

impl Probe {
    /// Opens it at an address of the namespace.
    pub fn open(
        namespace: &Namespace,
        address: SocketAddr,
        send: Option<&Key>,
        receive: Option<&Key>,
    ) -> Result<Self> {
        let socket = namespace.udp(address)?;
        socket.set_read_timeout(Some(PATIENCE)).context("cannot set a time-out")?;
        Ok(Self {
            socket,
            writer: Writer::new(0x7066_0001, send)?,
            reader: session(Direction::Inbound, receive)?,
        })
    }

    /// Waits for a packet, as it is on the wire.
    pub fn arrival(&self) -> Result<Vec<u8>> {
        let mut buffer = vec![0; 2048];
        let len = self.socket.recv(&mut buffer).context("the packet did not come")?;
        buffer.truncate(len);
        Ok(buffer)
    }

    /// Verifies a packet and gives its payload.
    pub fn payload(&mut self, packet: Vec<u8>) -> Result<Vec<u8>> {
        let packet = transform(&mut self.reader, packet, Srtp::unprotect_rtp)?;
        let payload = packet.get(RTP_HEADER..).context("the packet is too short for RTP")?;
        Ok(payload.to_vec())
    }
}

impl Writer {
    /// A stream of this SSRC.
    pub fn new(ssrc: u32, key: Option<&Key>) -> Result<Self> {
        Ok(Self { srtp: session(Direction::Outbound, key)?, ssrc, sequence: 1000 })
    }

    /// Goes on at this sequence number.
    pub fn at(self, sequence: u16) -> Self {
        Self { sequence, ..self }
    }

    /// The next packet.
    pub fn packet(&mut self, payload: &[u8]) -> Result<Vec<u8>> {
        let mut packet = vec![0x80, 0];
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&(u32::from(self.sequence) * PAYLOAD as u32).to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        transform(&mut self.srtp, packet, Srtp::protect_rtp)
    }
}

fn session(direction: Direction, key: Option<&Key>) -> Result<Session> {
    let Some(key) = key else { return Ok(None) };
    let mut srtp = Srtp::new(srtp::Config { max_sessions: 1, ..srtp::Config::default() });
    let session = srtp.insert(direction, &key.keying())?;
    Ok(Some((srtp, session)))
}

/// Protects or unprotects a packet, if there is a key for it.
fn transform(
    session: &mut Session,
    mut packet: Vec<u8>,
    by: fn(&mut Srtp, &mut [Job<'_>]),
) -> Result<Vec<u8>> {
    let Some((srtp, session)) = session else { return Ok(packet) };
    let len = packet.len();
    packet.resize(len + MAX_TRAILER, 0);
    let mut jobs = [Job::new(*session, &mut packet, len)];
    by(srtp, &mut jobs);
    let [Job { len, result, .. }] = jobs;
    result.map_err(|error| anyhow!("SRTP: {error}"))?;
    packet.truncate(len);
    Ok(packet)
}
