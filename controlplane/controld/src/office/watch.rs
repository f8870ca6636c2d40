//! What is counted: over the last day, by the relay, for Prometheus.

use std::collections::BTreeMap;

use console::{
    Failure, FailureKind, ListMetrics, ListSamples, MetricView, SampleView, ShowTraffic,
    TrafficPortView, TrafficView,
};
use status::{PortReport, RelayReport};

use super::{Caller, Handle, Office};
use crate::metrics;

impl Handle<ListSamples> for Office {
    fn handle(&self, _: &Caller, _: ListSamples) -> Result<Vec<SampleView>, Failure> {
        Ok(self.services.trends().samples())
    }
}

impl Handle<ListMetrics> for Office {
    fn handle(&self, _: &Caller, _: ListMetrics) -> Result<Vec<MetricView>, Failure> {
        let collected = metrics::collect(&self.services);
        let text = ::metrics::exposition(collected).expect("a string takes everything");
        Ok(families(&text))
    }
}

impl Handle<ShowTraffic> for Office {
    fn handle(&self, _: &Caller, _: ShowTraffic) -> Result<TrafficView, Failure> {
        // There need not be a relay on this machine.
        let absent = |error: status::AskError| Failure {
            kind: FailureKind::Unknown,
            text: error.to_string(),
        };
        Ok(traffic(status::relay(&self.services.config().relay_status).map_err(absent)?))
    }
}

/// Reads the text format of OpenMetrics, as far as we write it.
fn families(text: &str) -> Vec<MetricView> {
    let mut families: Vec<MetricView> = Vec::new();
    for line in text.lines() {
        let of = |what| line.strip_prefix(what).and_then(|rest: &str| rest.split_once(' '));
        if let Some((name, help)) = of("# HELP ") {
            let help = help.trim_end_matches('.').to_owned();
            let (name, kind, values) = (name.to_owned(), String::new(), BTreeMap::new());
            families.push(MetricView { name, kind, help, values });
        } else if let (Some((_, kind)), Some(family)) = (of("# TYPE "), families.last_mut()) {
            family.kind = kind.to_owned();
            if kind == "counter" {
                family.name += "_total";
            }
        } else if let (Some((series, value)), Some(family)) =
            (line.rsplit_once(' '), families.last_mut())
            && let Some(labels) = series.strip_prefix(&family.name)
        {
            let labels = labels.trim_matches(['{', '}']).to_owned();
            family.values.insert(labels, value.to_owned());
        }
    }
    families
}

fn traffic(report: RelayReport) -> TrafficView {
    let mut by_path = BTreeMap::<String, u64>::new();
    let mut flows = BTreeMap::<String, u64>::new();
    for flow in report.flows {
        *by_path.entry(flow.path.clone()).or_default() += flow.packets_received;
        *flows.entry(flow.path).or_default() += 1;
    }
    let port = |port: PortReport| TrafficPortView {
        network: port.network,
        interface: port.interface,
        path: port.path,
        reason: port.reason,
        frames: [port.rx, port.tx],
        lost: [port.rx_lost, port.tx_lost],
    };
    let mut dropped = report.packets.dropped;
    // What XDP dropped never came to the engine.
    for (reason, count) in report.ports.iter().flat_map(|port| &port.details) {
        if reason.starts_with("drop") {
            *dropped.entry(reason.clone()).or_default() += count;
        }
    }
    dropped.retain(|_, count| *count > 0);
    TrafficView {
        version: report.version,
        by_path,
        flows,
        received: report.packets.received,
        forwarded: report.packets.forwarded,
        dropped,
        ports: report.ports.into_iter().map(port).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prometheus_is_told_is_read_back() {
        let text = "# HELP ringfence_calls_active Calls in which people speak.\n\
            # TYPE ringfence_calls_active gauge\n\
            ringfence_calls_active{security=\"encrypted\"} 6\n\
            # HELP ringfence_calls_completed Calls that have ended.\n\
            # TYPE ringfence_calls_completed counter\n\
            ringfence_calls_completed_total{security=\"non-secure\"} 7\n\
            # EOF\n";
        let read = families(text);
        let told: Vec<_> = read.iter().map(|it| (&*it.name, &*it.kind, &*it.help)).collect();
        assert_eq!(
            told,
            [
                ("ringfence_calls_active", "gauge", "Calls in which people speak"),
                ("ringfence_calls_completed_total", "counter", "Calls that have ended"),
            ]
        );
        assert_eq!(read[0].values["security=\"encrypted\""], "6");
        assert_eq!(read[1].values["security=\"non-secure\""], "7");
    }
}
