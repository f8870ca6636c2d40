//! What the relay tells Prometheus.

use std::fmt;

use metrics::{Collector, ConstCounter, ConstGauge, DescriptorEncoder, family};
use status::{IpsecPath, IpsecState, RelayReport};

use crate::reports::Reporter;

/// What is told now, unless the daemon stops.
pub fn collect(reporter: &Reporter) -> Option<Box<dyn Collector>> {
    reporter.relay().map(|report| Box::new(Report(report)) as _)
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
        let messages =
            report.ng.iter().map(|(what, &n)| ([("what", what.as_str())], ConstCounter::new(n)));
        family(&mut encoder, "ng_messages", "What the ng front has counted", messages)?;
        if let Some(ipsec) = &report.ipsec_state {
            encode_ipsec(&mut encoder, ipsec)?;
        }
        let connections = [([("state", "open")], ConstGauge::new(report.flows.len() as i64))];
        family(&mut encoder, "connections", "Connections of relay endpoints", connections)
    }
}

fn encode_ipsec(encoder: &mut DescriptorEncoder<'_>, ipsec: &IpsecState) -> fmt::Result {
    let packets =
        ipsec.packets.iter().map(|(fate, &n)| ([("fate", fate.as_str())], ConstCounter::new(n)));
    family(encoder, "ipsec_packets", "Packets of IPsec, by what became of them", packets)?;
    let dropped = ipsec
        .dropped
        .iter()
        .map(|(reason, &n)| ([("reason", reason.as_str())], ConstCounter::new(n)));
    family(encoder, "ipsec_dropped_packets", "Packets that IPsec dropped, by reason", dropped)?;
    let covered =
        ipsec.paths.iter().map(|one| (path(one), ConstGauge::new(i64::from(one.covered))));
    family(encoder, "ipsec_path_covered", "Whether IPsec covers a path", covered)?;
    let rekeys = ipsec.paths.iter().map(|one| (path(one), ConstCounter::new(one.rekeys)));
    family(encoder, "ipsec_path_rekeys", "Associations that were replaced", rekeys)?;
    let alarms = ipsec.paths.iter().map(|one| (path(one), ConstCounter::new(one.alarms)));
    family(encoder, "ipsec_path_alarms", "Alarms about uncovered paths", alarms)
}

fn path(path: &IpsecPath) -> [(&str, &str); 1] {
    [("path", &path.name)]
}
