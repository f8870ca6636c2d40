//! Prometheus metrics over HTTP: `GET /metrics`.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;
use status::RelayReport;
use tiny_http::{Header, Method, Response, Server};

use crate::reports::Reporter;

/// The listening socket.
pub struct MetricsServer(TcpListener);

impl MetricsServer {
    /// Listens.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        TcpListener::bind(address).map(Self)
    }

    /// Answers for as long as the process lives. The server's threads start here, when privileges
    /// are gone.
    pub fn run(self, reporter: &Reporter) {
        let server = match Server::from_listener(self.0, None) {
            Ok(server) => server,
            Err(error) => return tracing::error!(%error, "no metrics are served"),
        };
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        let content_type = Header::from_bytes("Content-Type", content_type).expect("is ASCII");
        for request in server.incoming_requests() {
            let response = match (request.method(), request.url()) {
                (Method::Get, "/metrics") => match reporter.relay().map(exposition) {
                    Some(Ok(text)) => Response::from_string(text).with_header(content_type.clone()),
                    _ => Response::from_string("stopping\n").with_status_code(503),
                },
                _ => Response::from_string("only GET /metrics\n").with_status_code(404),
            };
            // A client that goes away in the middle harms nobody.
            let _ = request.respond(response);
        }
    }
}

/// The report in the text format of OpenMetrics.
fn exposition(report: RelayReport) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("ringfence");
    registry.register_collector(Box::new(Report(report)));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Report(RelayReport);

impl Collector for Report {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let report = &self.0;
        let packets = &report.packets;
        let fates = [
            ("received", packets.received),
            ("forwarded", packets.forwarded),
            ("consumed", packets.consumed),
        ];
        family(
            &mut encoder,
            "relay_packets",
            "Packets that reached the engine, by what became of them",
            fates.map(|(fate, count)| ([("fate", fate)], ConstCounter::new(count))),
        )?;
        family(
            &mut encoder,
            "relay_dropped_packets",
            "Packets dropped by the engine, by reason",
            packets
                .dropped
                .iter()
                .map(|(reason, &count)| ([("reason", reason.as_str())], ConstCounter::new(count))),
        )?;
        let ports = report.ports.iter().flat_map(|port| {
            let labels = |direction| [("network", port.network.as_str()), ("direction", direction)];
            [
                (labels("rx"), ConstCounter::new(port.rx)),
                (labels("tx"), ConstCounter::new(port.tx)),
                (labels("rx-lost"), ConstCounter::new(port.rx_lost)),
                (labels("tx-lost"), ConstCounter::new(port.tx_lost)),
            ]
        });
        family(&mut encoder, "port_packets", "Frames of a media network", ports)?;
        let details = report.ports.iter().flat_map(|port| {
            port.details.iter().map(|(reason, &count)| {
                let labels = [("network", port.network.as_str()), ("reason", reason.as_str())];
                (labels, ConstCounter::new(count))
            })
        });
        family(&mut encoder, "xdp_packets", "Frames by what the XDP program did", details)?;
        let paths = report.ports.iter().map(|port| {
            (
                [("network", port.network.as_str()), ("path", port.path.as_str())],
                ConstGauge::new(1i64),
            )
        });
        family(&mut encoder, "port_path", "The path of a media network", paths)?;
        let messages =
            report.mgcp.iter().map(|(what, &n)| ([("what", what.as_str())], ConstCounter::new(n)));
        family(&mut encoder, "mgcp_messages", "MGCP messages by what became of them", messages)?;
        let connections = [([("state", "open")], ConstGauge::new(report.flows.len() as i64))];
        family(&mut encoder, "connections", "Connections of relay endpoints", connections)
    }
}

/// Writes a metric with its labelled values.
fn family<'l, const N: usize, M: EncodeMetric + TypedMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = ([(&'l str, &'l str); N], M)>,
) -> fmt::Result {
    let kind: MetricType = M::TYPE;
    let mut family = encoder.encode_descriptor(name, help, None, kind)?;
    for (labels, value) in values {
        value.encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
