//! What there is to say of a stream.

use std::net::SocketAddr;

use serde::Serialize;

use crate::station;

/// Both directions of a stream. One that was not ordered has all zeros.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// What was sent since StartMediaTransmission.
    pub sent: Sent,
    /// What came since OpenReceiveChannel.
    pub received: Received,
}

/// What was sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sent {
    /// RTP packets.
    pub packets: u64,
    /// Octets of their payloads.
    pub octets: u64,
    /// RTP packets whose time had passed when the thread was free again.
    pub missed: u64,
    /// RTP and RTCP packets that the kernel did not take.
    pub failed: u64,
    /// Where they went.
    pub to: Option<SocketAddr>,
    /// Their SSRC.
    pub ssrc: Option<u32>,
    /// The suite that encrypts them; `None`: plain.
    pub suite: Option<&'static str>,
    /// RTCP packets.
    pub reports: u64,
    /// What the other end says did not reach it, of all packets.
    pub lost_there: Option<i32>,
    /// The jitter that the other end says it has, in milliseconds.
    pub jitter_there_ms: Option<f64>,
    /// From here to the other end and back, by its reports.
    pub round_trip_ms: Option<f64>,
}

/// What came, was authentic where a key was given, and was in the right form.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Received {
    /// RTP packets, each once.
    pub packets: u64,
    /// Octets of their payloads.
    pub octets: u64,
    /// Packets that should have come by the sequence numbers, and did not.
    pub lost: u64,
    /// Packets that came after one that was sent later.
    pub reordered: u64,
    /// Packets that came twice.
    pub duplicated: u64,
    /// Interarrival jitter as RFC 3550 §6.4.1 defines it.
    pub jitter_ms: f64,
    /// Mean time from the sender to here by the clocks of both, from his first report on. It means
    /// something where both clocks are the same, or in step.
    pub latency_ms: Option<f64>,
    /// The longest.
    pub latency_max_ms: Option<f64>,
    /// Where the last packet came from.
    pub source: Option<SocketAddr>,
    /// How often another address went on where one had been before.
    pub source_changes: u64,
    /// The SSRC of the last packet.
    pub ssrc: Option<u32>,
    /// How often another SSRC, or the same with quite other numbers, began.
    pub restarts: u64,
    /// The suite that decrypts them; `None`: plain.
    pub suite: Option<&'static str>,
    /// RTCP packets.
    pub reports: u64,
    /// What was not heard, by reason.
    pub rejected: Rejected,
}

/// Packets that were not heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// The tag did not verify: forged, under another key, or not encrypted at all.
    pub authentication: u64,
    /// Seen before, or too old to tell.
    pub replayed: u64,
    /// Neither RTP nor RTCP.
    pub malformed: u64,
    /// Of another payload type than agreed.
    pub payload_type: u64,
}

impl Rejected {
    pub(super) fn count(&mut self, error: srtp::Error) {
        match error {
            srtp::Error::Replayed | srtp::Error::TooOld => self.replayed += 1,
            srtp::Error::TooShort | srtp::Error::Malformed => self.malformed += 1,
            _ => self.authentication += 1,
        }
    }
}

impl From<&Statistics> for station::Statistics {
    fn from(Statistics { sent, received }: &Statistics) -> Self {
        let whole = |milliseconds: f64| milliseconds.round() as u32;
        Self {
            packets_sent: sent.packets as u32,
            octets_sent: sent.octets as u32,
            packets_received: received.packets as u32,
            octets_received: received.octets as u32,
            packets_lost: received.lost as u32,
            jitter_ms: whole(received.jitter_ms),
            latency_ms: whole(sent.round_trip_ms.unwrap_or_default() / 2.0),
        }
    }
}
