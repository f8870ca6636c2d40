//! What the data plane tells operators, and how to ask for it.
//!
//! The daemon listens on a Unix stream socket. A client sends one line with a JSON [`Question`] and
//! gets one line with the JSON answer, after which the daemon closes. Reports are also what
//! `ringfence relay show -o json` prints, so their field names are an interface: add, do not
//! rename.
//!
//! No key, and nothing that a key could be told from, is in any report.

#![forbid(unsafe_code)]

pub mod socket;
pub mod tap;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where the daemon listens unless its configuration says otherwise.
pub const DEFAULT_SOCKET: &str = "/run/ringfence/datad.sock";

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Everything about the relay: [`RelayReport`].
    Relay,
}

/// The relay at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RelayReport {
    /// Version of the daemon.
    pub version: String,
    /// Name of the SRTP backend.
    pub srtp_backend: String,
    /// Packets that reached the engine, by what became of them.
    pub packets: Packets,
    /// The ways packets come and go, one per media network.
    pub ports: Vec<PortReport>,
    /// MGCP messages by what became of them.
    pub mgcp: BTreeMap<String, u64>,
    /// What the `ng` front has counted; empty where there is none.
    #[serde(default)]
    pub ng: BTreeMap<String, u64>,
    /// One row for each connection.
    pub flows: Vec<Flow>,
    /// IPsec associations that MGCP goes through.
    #[serde(default)]
    pub ipsec: Vec<Association>,
    /// The rest about IPsec; absent where none is configured.
    #[serde(default)]
    pub ipsec_state: Option<IpsecState>,
}

/// What IPsec does beside its associations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpsecState {
    /// Whether an IKE daemon's plugin is there; absent where no peer is negotiated with.
    pub ike_daemon: Option<bool>,
    /// How packets come and go: `socket` or an XDP path.
    pub path: String,
    /// Why this way.
    pub reason: String,
    /// The paths to call agents that must be protected.
    pub paths: Vec<IpsecPath>,
    /// Policies; the first that matches counts.
    pub policies: Vec<IpsecPolicy>,
    /// Packets by what became of them, all associations together, also those that are gone.
    pub packets: BTreeMap<String, u64>,
    /// Packets dropped, by reason; reasons that did not occur are absent.
    pub dropped: BTreeMap<String, u64>,
}

/// A path to a call agent that must be protected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpsecPath {
    /// What configuration calls the peer.
    pub name: String,
    /// Our end, as MGCP has it.
    pub local: SocketAddr,
    /// The call agent's end.
    pub remote: SocketAddr,
    /// Whether live associations that encrypt are there, both ways.
    pub covered: bool,
    /// Why not.
    pub reason: Option<String>,
    /// Milliseconds since it is so.
    pub since_ms: u64,
    /// The association that packets come under.
    pub spi_in: Option<String>,
    /// The association that packets leave under.
    pub spi_out: Option<String>,
    /// Its suite.
    pub suite: Option<String>,
    /// How often associations were replaced.
    pub rekeys: u64,
    /// How often it was uncovered for so long that an alarm was given.
    pub alarms: u64,
    /// Identifiers of the calls that are commanded over it.
    #[serde(default)]
    pub calls: Vec<String>,
}

/// A policy of IPsec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpsecPolicy {
    /// `inbound`, `outbound` or `both`.
    pub direction: String,
    /// Protocol, our side, the other side.
    pub traffic: String,
    /// `protect` with the number that associations carry, `bypass` or `discard`.
    pub action: String,
}

/// An IPsec association, one direction of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    /// `inbound` or `outbound`.
    pub direction: String,
    /// The number in its packets, eight hexadecimal digits.
    pub spi: String,
    /// The end that sends.
    pub source: IpAddr,
    /// The end that receives.
    pub destination: IpAddr,
    /// `transport` or `tunnel`.
    pub mode: String,
    /// Cipher and integrity, as in a proposal of strongSwan.
    pub suite: String,
    /// `live`, `expiring` or `expired`.
    pub state: String,
    /// Packets sealed, or opened with success.
    pub packets: u64,
    /// Their octets in clear.
    pub clear_octets: u64,
    /// Their octets on the wire.
    pub wire_octets: u64,
    /// Packets dropped, by reason; reasons that did not occur are absent.
    pub dropped: BTreeMap<String, u64>,
    /// Ties it to policies.
    #[serde(default)]
    pub request: u32,
    /// The traffic it is for: protocol, our side, the other side.
    #[serde(default)]
    pub traffic: Vec<String>,
    /// Whether its packets travel in UDP.
    #[serde(default)]
    pub in_udp: bool,
    /// Milliseconds since it was added.
    #[serde(default)]
    pub age_ms: u64,
    /// Milliseconds since the last packet.
    #[serde(default)]
    pub idle_ms: Option<u64>,
    /// The last number sent, or the highest received.
    #[serde(default)]
    pub sequence: u64,
}

/// Packets by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packets {
    /// Came in.
    pub received: u64,
    /// Left.
    pub forwarded: u64,
    /// Valid, but nobody wants them now.
    pub consumed: u64,
    /// Dropped, by reason; reasons that did not occur are there with 0.
    pub dropped: BTreeMap<String, u64>,
}

/// A way packets come and go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortReport {
    /// Name of the media network.
    pub network: String,
    /// Interface, unless sockets are used.
    pub interface: Option<String>,
    /// `xdp`, `afxdp-zc`, `afxdp-copy`, `dpdk` or `socket`.
    pub path: String,
    /// Why this one and not a faster one.
    pub reason: String,
    /// Frames received.
    pub rx: u64,
    /// Frames sent.
    pub tx: u64,
    /// Lost before the engine saw them.
    pub rx_lost: u64,
    /// Lost on the way out.
    pub tx_lost: u64,
    /// What the XDP program did with packets, by reason.
    pub details: BTreeMap<String, u64>,
}

/// A connection of a relay endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Endpoint name without domain, like `pr/1`.
    pub endpoint: String,
    /// MGCP call identifier.
    pub call: String,
    /// MGCP connection identifier.
    pub connection: String,
    /// Name of the media network.
    pub network: String,
    /// Our RTP address.
    pub local: SocketAddr,
    /// The peer's RTP address, signalled or learned.
    pub remote: Option<SocketAddr>,
    /// MGCP connection mode.
    pub mode: String,
    /// Suite of what arrives; `RTP` in clear.
    pub receive: String,
    /// Suite of what leaves; `RTP` in clear.
    pub send: String,
    /// The path its packets take.
    pub path: String,
    /// Why this one.
    pub reason: String,
    /// RTP packets accepted from the peer.
    pub packets_received: u64,
    /// RTP packets sent to the peer.
    pub packets_sent: u64,
    /// RTP payload octets accepted.
    pub octets_received: u64,
    /// RTP payload octets sent.
    pub octets_sent: u64,
    /// RTCP packets accepted from the peer.
    pub rtcp_received: u64,
    /// RTCP packets sent to the peer.
    pub rtcp_sent: u64,
    /// Packets of the peer that never came.
    pub packets_lost: u64,
    /// Packets for this connection that were dropped.
    pub dropped: u64,
    /// Interarrival jitter in microseconds.
    pub jitter_us: u64,
    /// Milliseconds since the peer was heard.
    pub silent_ms: u64,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The daemon is not there.
    #[error(
        "cannot reach ringfence-datad at {}: {source}; is it running, and may you read its socket?",
        socket.display()
    )]
    Connect {
        /// Its socket.
        socket: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It did not answer.
    #[error("ringfence-datad did not answer: {0}")]
    Answer(#[from] std::io::Error),
    /// It answered something else.
    #[error(
        "ringfence-datad's answer is of another version: {0}; use the `ringfence` it came with"
    )]
    Version(#[from] serde_json::Error),
}

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the daemon at `socket` for its report.
pub fn relay(socket: &Path) -> Result<RelayReport, AskError> {
    let connect = |source| AskError::Connect { socket: socket.to_owned(), source };
    let mut stream = UnixStream::connect(socket).map_err(connect)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut question = serde_json::to_vec(&Question::Relay)?;
    question.push(b'\n');
    stream.write_all(&question)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}
