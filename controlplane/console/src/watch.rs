//! What is counted: over the last day, by the relay, for Prometheus.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::PerStatusView;
use crate::request::{Request, requests};

requests! {
    /// Phones and calls of this node over the last day, oldest first.
    ListSamples = "list-samples" -> Vec<SampleView> {}

    /// What Prometheus is told of this node.
    ListMetrics = "list-metrics" -> Vec<MetricView> {}

    /// Packets of the relay on this machine.
    ShowTraffic = "show-traffic" -> TrafficView {}
}

/// Phones and calls at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SampleView {
    /// When, RFC 3339, UTC.
    pub at: String,
    /// Phones that were registered.
    pub phones_registered: PerStatusView,
    /// Calls that went on.
    pub calls_active: PerStatusView,
}

/// A metric with its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MetricView {
    /// Its name, an interface: it is never changed.
    pub name: String,
    /// `gauge` or `counter`.
    pub kind: String,
    /// What it counts.
    pub help: String,
    /// Its values, by labels: `security="encrypted"`.
    pub values: BTreeMap<String, String>,
}

/// Packets of a relay since it started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrafficView {
    /// Version of `ringfence-datad`.
    pub version: String,
    /// RTP packets of the flows that are there now, by the path that they take.
    pub by_path: BTreeMap<String, u64>,
    /// Flows that are there now, by the path that they take.
    pub flows: BTreeMap<String, u64>,
    /// Packets that came to the engine.
    pub received: u64,
    /// Packets that left it.
    pub forwarded: u64,
    /// Packets that were dropped, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// The ways packets come and go.
    pub ports: Vec<TrafficPortView>,
}

/// A way packets come and go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrafficPortView {
    /// Name of the media network.
    pub network: String,
    /// The interface, unless sockets are used.
    pub interface: Option<String>,
    /// `xdp`, `afxdp-zc`, `afxdp-copy`, `dpdk` or `socket`.
    pub path: String,
    /// Why this one and not a faster one.
    pub reason: String,
    /// Frames received and sent.
    pub frames: [u64; 2],
    /// Frames lost on the way in and on the way out.
    pub lost: [u64; 2],
}
