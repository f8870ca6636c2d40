//! What operators are shown. No keys, and nothing a key could be told from.

use std::net::{IpAddr, SocketAddr};

use engine::command::LegId;
use mgcp::ConnectionMode;
use mgcp::transaction;

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams of strangers: not from a call agent, dropped unread.
    pub strangers: u64,
    /// Commands answered with success.
    pub succeeded: u64,
    /// Commands refused with a 4xx code.
    pub refused_transient: u64,
    /// Commands refused with a 5xx code.
    pub refused_permanent: u64,
    /// Connections made.
    pub connections_created: u64,
    /// Connections deleted, by whomever.
    pub connections_deleted: u64,
    /// Notifications sent.
    pub notifications: u64,
    /// Restarts announced (RSIP).
    pub restarts: u64,
    /// Crypto attributes that were passed over: malformed, or beside RTP/AVP.
    pub crypto_skipped: u64,
    /// Options and parameters of known packages that were passed over.
    pub extensions_ignored: u64,
    /// Master keys that reached the end of their lifetime.
    pub keys_exhausted: u64,
    /// Commands that the engine refused although they looked good.
    pub engine_refusals: u64,
    /// Commands refused because they would have moved keys over a path that nothing covers.
    pub keys_refused: u64,
    /// Commands that did, because policy prefers a call to a secret.
    pub keys_in_clear: u64,
    /// Of the transactions below.
    pub transactions: transaction::Counters,
}

impl Counters {
    /// Names and values, for metrics and reports.
    pub fn named(&self) -> [(&'static str, u64); 26] {
        let t = &self.transactions;
        [
            ("strangers", self.strangers),
            ("succeeded", self.succeeded),
            ("refused_transient", self.refused_transient),
            ("refused_permanent", self.refused_permanent),
            ("connections_created", self.connections_created),
            ("connections_deleted", self.connections_deleted),
            ("notifications", self.notifications),
            ("restarts", self.restarts),
            ("crypto_skipped", self.crypto_skipped),
            ("extensions_ignored", self.extensions_ignored),
            ("keys_exhausted", self.keys_exhausted),
            ("engine_refusals", self.engine_refusals),
            ("keys_refused", self.keys_refused),
            ("keys_in_clear", self.keys_in_clear),
            ("datagrams_received", t.datagrams_received),
            ("datagrams_dropped", t.datagrams_dropped),
            ("commands_received", t.commands_received),
            ("duplicates", t.duplicates),
            ("malformed", t.malformed),
            ("malformed_answered", t.malformed_answered),
            ("commands_sent", t.commands_sent),
            ("resends", t.resends),
            ("responses_received", t.responses_received),
            ("responses_unexpected", t.responses_unexpected),
            ("commands_failed", t.failed),
            ("commands_abandoned", t.abandoned),
        ]
    }
}

/// The gateway at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// State of service, in a word.
    pub service: &'static str,
    /// Connections, by endpoint.
    pub connections: Vec<ConnectionSnapshot>,
    /// Pairs of media ports in use.
    pub port_pairs: usize,
    /// Keys in use or done with.
    pub keys: usize,
    /// Commands that wait for the engine or for each other.
    pub commands_open: usize,
}

/// A connection at one moment.
#[derive(Clone, Debug)]
pub struct ConnectionSnapshot {
    /// Its endpoint, without domain.
    pub endpoint: String,
    /// Call id.
    pub call: String,
    /// The call agent that has commanded it last.
    pub agent: IpAddr,
    /// Connection id.
    pub connection: String,
    /// Its leg in the engine.
    pub leg: LegId,
    /// Name of its media network.
    pub network: String,
    /// Our RTP address.
    pub local: SocketAddr,
    /// The peer's RTP address, as signalled.
    pub remote: Option<SocketAddr>,
    /// Mode.
    pub mode: ConnectionMode,
    /// Suite of what arrives; none is plain RTP.
    pub receive: Option<&'static str>,
    /// Suite of what leaves; none is plain RTP.
    pub send: Option<&'static str>,
}
