//! Prometheus metrics over HTTP: `GET /metrics`, in the text format of OpenMetrics.
//!
//! A daemon binds a [`MetricsServer`] while it may, and gives it something that collects what
//! there is to tell at each question. Nothing is counted here.
//!
//! This crate must not know what is told.

#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};

use prometheus_client::encoding::{EncodeMetric, text};
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;
use tiny_http::{Header, Method, Response, Server};

pub use prometheus_client::collector::Collector;
pub use prometheus_client::encoding::DescriptorEncoder;
pub use prometheus_client::metrics::counter::ConstCounter;
pub use prometheus_client::metrics::gauge::ConstGauge;

/// The listening socket.
pub struct MetricsServer(TcpListener);

impl MetricsServer {
    /// Listens.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        TcpListener::bind(address).map(Self)
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Answers for as long as the process lives; an error says why it cannot. `collect` is asked
    /// each time; it has nothing to tell while the daemon stops. The server's threads start here,
    /// when privileges are gone.
    pub fn run(self, collect: impl Fn() -> Option<Box<dyn Collector>>) -> io::Result<()> {
        let server = Server::from_listener(self.0, None).map_err(io::Error::other)?;
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        let content_type = Header::from_bytes("Content-Type", content_type).expect("is ASCII");
        for request in server.incoming_requests() {
            let response = match (request.method(), request.url()) {
                (Method::Get, "/metrics") => match collect().map(exposition) {
                    Some(Ok(text)) => Response::from_string(text).with_header(content_type.clone()),
                    _ => Response::from_string("stopping\n").with_status_code(503),
                },
                _ => Response::from_string("only GET /metrics\n").with_status_code(404),
            };
            // A client that goes away in the middle harms nobody.
            let _ = request.respond(response);
        }
        Ok(())
    }
}

/// What is collected, in the text format of OpenMetrics. Names begin with `ringfence_`.
pub fn exposition(collected: Box<dyn Collector>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("ringfence");
    registry.register_collector(collected);
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

/// Writes a metric with its labelled values.
pub fn family<'l, const N: usize, M: EncodeMetric + TypedMetric>(
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
