//! Associations, connections and shunts as charon lists them.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use esp::{Flow, Mode};

use super::message::Message;
use super::traffic::Traffic;

/// An association of IKE with a peer that has proven who it is, and what was negotiated under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IkeSa {
    /// The connection it was made for.
    pub name: String,
    /// Charon's number for it.
    pub id: u32,
    /// `ESTABLISHED` when the peer has proven itself.
    pub state: String,
    /// Our end.
    pub local: Option<IpAddr>,
    /// The peer's end.
    pub remote: Option<IpAddr>,
    /// Who we said we are.
    pub local_id: String,
    /// Who the peer has proven to be.
    pub remote_id: String,
    /// Pairs of ESP associations.
    pub children: Vec<ChildSa>,
}

/// A pair of ESP associations, one for each direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildSa {
    /// Its name in the connection.
    pub name: String,
    /// Charon's number for it.
    pub id: u32,
    /// Ties it to policies.
    pub request: u32,
    /// How far it is.
    pub state: ChildState,
    /// Transport or tunnel; none for what is neither.
    pub mode: Option<Mode>,
    /// Whether it is ESP, and not AH.
    pub esp: bool,
    /// Whether its packets travel in UDP.
    pub in_udp: bool,
    /// The number in packets from the peer.
    pub spi_in: u32,
    /// The number in packets to the peer.
    pub spi_out: u32,
    /// Cipher, like `AES_GCM_16`; empty when there is none.
    pub cipher: String,
    /// Octets of its key; 0 where charon does not say.
    pub cipher_key_len: u16,
    /// Integrity, like `HMAC_SHA2_256_128`; empty when there is none, or the cipher brings it.
    pub integrity: String,
    /// Our side of the traffic it is for.
    pub local_traffic: Vec<Traffic>,
    /// The peer's side.
    pub remote_traffic: Vec<Traffic>,
    /// Octets from and to the peer.
    pub octets: [u64; 2],
    /// Packets from and to the peer.
    pub packets: [u64; 2],
    /// When a successor is negotiated.
    pub rekeyed_at: Option<Instant>,
    /// When it dies.
    pub dies_at: Option<Instant>,
}

/// How far a pair is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChildState {
    /// It carries packets.
    Installed,
    /// It does, and a successor is being negotiated.
    Rekeying,
    /// Anything else, in charon's words: `REKEYED`, `DELETED`, `ROUTED` …
    Other(String),
}

/// A connection that charon is configured for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its name.
    pub name: String,
    /// Names of its children.
    pub children: Vec<String>,
}

/// Traffic that charon lets pass in clear, or drops, without any association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shunt {
    /// Its name.
    pub name: String,
    /// Our side.
    pub local_traffic: Vec<Traffic>,
    /// The other side.
    pub remote_traffic: Vec<Traffic>,
    /// Some of its traffic cannot be understood: it may be any.
    pub obscure: bool,
}

impl IkeSa {
    pub(super) fn read(now: Instant, name: &str, section: &Message) -> Option<Self> {
        let children = section.section("child-sas").into_iter().flat_map(Message::sections);
        Some(Self {
            name: name.to_owned(),
            id: section.number("uniqueid")?,
            state: owned(section, "state"),
            local: section.number("local-host"),
            remote: section.number("remote-host"),
            local_id: owned(section, "local-id"),
            remote_id: owned(section, "remote-id"),
            children: children.filter_map(|(_, child)| ChildSa::read(now, child)).collect(),
        })
    }
}

impl ChildSa {
    fn read(now: Instant, section: &Message) -> Option<Self> {
        let hexadecimal =
            |name| section.text(name).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let count = |name| section.number(name).unwrap_or(0);
        let later = |name| {
            let seconds = section.number::<i64>(name)?;
            Some(now + Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
        };
        Some(Self {
            name: owned(section, "name"),
            id: section.number("uniqueid")?,
            request: section.number("reqid")?,
            state: match section.text("state")? {
                "INSTALLED" => ChildState::Installed,
                "REKEYING" => ChildState::Rekeying,
                other => ChildState::Other(other.to_owned()),
            },
            mode: match section.text("mode")? {
                "TRANSPORT" => Some(Mode::Transport),
                "TUNNEL" => Some(Mode::Tunnel),
                _ => None,
            },
            esp: section.text("protocol") == Some("ESP"),
            in_udp: section.text("encap") == Some("yes"),
            spi_in: hexadecimal("spi-in").unwrap_or(0),
            spi_out: hexadecimal("spi-out").unwrap_or(0),
            cipher: owned(section, "encr-alg"),
            cipher_key_len: section.number::<u16>("encr-keysize").unwrap_or(0) / 8,
            integrity: owned(section, "integ-alg"),
            local_traffic: traffic(section, "local-ts"),
            remote_traffic: traffic(section, "remote-ts"),
            octets: [count("bytes-in"), count("bytes-out")],
            packets: [count("packets-in"), count("packets-out")],
            rekeyed_at: later("rekey-time"),
            dies_at: later("life-time"),
        })
    }

    /// Whether it is for a flow.
    pub fn is_for(&self, flow: &Flow) -> bool {
        takes_in(&self.local_traffic, &self.remote_traffic, flow)
    }

    /// Cipher and integrity in charon's words, like `AES_CBC_128/HMAC_SHA1_96`.
    pub fn suite(&self) -> String {
        let mut suite = self.cipher.clone();
        if self.cipher_key_len > 0 {
            suite += &format!("_{}", self.cipher_key_len * 8);
        }
        if !self.integrity.is_empty() {
            suite += &format!("/{}", self.integrity);
        }
        suite
    }
}

impl Connection {
    pub(super) fn read(name: &str, section: &Message) -> Self {
        let children = section.section("children").into_iter().flat_map(Message::sections);
        Self {
            name: name.to_owned(),
            children: children.map(|(name, _)| name.to_owned()).collect(),
        }
    }
}

impl Shunt {
    /// None for policies that lead to associations.
    pub(super) fn read(name: &str, section: &Message) -> Option<Self> {
        matches!(section.text("mode")?, "PASS" | "DROP").then(|| Self {
            name: name.to_owned(),
            local_traffic: traffic(section, "local-ts"),
            remote_traffic: traffic(section, "remote-ts"),
            obscure: ["local-ts", "remote-ts"]
                .iter()
                .any(|side| section.list(side).any(|text| text.parse::<Traffic>().is_err())),
        })
    }

    /// Whether it is, or may be, for a flow.
    pub fn is_for(&self, flow: &Flow) -> bool {
        self.obscure || takes_in(&self.local_traffic, &self.remote_traffic, flow)
    }
}

fn takes_in(local: &[Traffic], remote: &[Traffic], flow: &Flow) -> bool {
    local.iter().any(|side| side.contains(flow.local, flow.protocol, flow.local_port))
        && remote.iter().any(|side| side.contains(flow.remote, flow.protocol, flow.remote_port))
}

fn owned(section: &Message, name: &str) -> String {
    section.text(name).unwrap_or_default().to_owned()
}

fn traffic(section: &Message, name: &str) -> Vec<Traffic> {
    section.list(name).filter_map(|text| text.parse().ok()).collect()
}
