//! What Prometheus is told of this node: phones and calls by their security, and what became of
//! phones' connections.

use std::fmt;

use ::metrics::{Collector, ConstCounter, ConstGauge, DescriptorEncoder, family};
use console::{PerStatusView, TelephonyView};

use crate::services::Services;

/// What is told now. Without call processing it is nothing.
pub fn collect(services: &Services) -> Box<dyn Collector> {
    let telephony = services.telephony();
    Box::new(Report(telephony.map(|telephony| Told {
        counters: telephony.counters(),
        connections: telephony.connections(),
        keys: telephony.keys(),
    })))
}

#[derive(Debug)]
struct Report(Option<Told>);

#[derive(Debug)]
struct Told {
    counters: TelephonyView,
    connections: Vec<(&'static str, u64)>,
    keys: Vec<(&'static str, u64)>,
}

impl Collector for Report {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(Told { counters, connections, keys }) = &self.0 else { return Ok(()) };
        let gauge = |count: u64| ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX));
        let (registered, active) = (counters.phones_registered, counters.calls_active);
        family(
            &mut encoder,
            "phones_registered",
            "Phones that are registered, by their security",
            by_security(registered).map(|(labels, count)| (labels, gauge(count))),
        )?;
        family(
            &mut encoder,
            "calls_active",
            "Calls in which people speak or hold, by their status",
            by_security(active).map(|(labels, count)| (labels, gauge(count))),
        )?;
        family(
            &mut encoder,
            "calls_completed",
            "Calls that were answered and have ended, by the status they had last",
            by_security(counters.calls_completed)
                .map(|(labels, count)| (labels, ConstCounter::new(count))),
        )?;
        family(
            &mut encoder,
            "phone_connections",
            "Connections of phones, by what became of them",
            connections.iter().map(|(what, count)| ([("what", *what)], ConstCounter::new(*count))),
        )?;
        family(
            &mut encoder,
            "gateway_keys",
            "Times that keys of calls were to go to gateways, by what became of it",
            keys.iter().map(|(what, count)| ([("what", *what)], ConstCounter::new(*count))),
        )
    }
}

fn by_security(counts: PerStatusView) -> [([(&'static str, &'static str); 1], u64); 3] {
    [
        ([("security", "non-secure")], counts.non_secure),
        ([("security", "authenticated")], counts.authenticated),
        ([("security", "encrypted")], counts.encrypted),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a node tells whose counts are one after the other.
    fn exposition() -> String {
        let counts = |n| PerStatusView { non_secure: n, authenticated: n + 1, encrypted: n + 2 };
        let counters = TelephonyView {
            phones_registered: counts(1),
            calls_active: counts(4),
            calls_completed: counts(7),
        };
        let (connections, keys) = (vec![("accepted", 12)], vec![("refused", 13)]);
        let report = Report(Some(Told { counters, connections, keys }));
        ::metrics::exposition(Box::new(report)).unwrap()
    }

    // R: CNT-01
    #[test]
    fn phones_and_calls_are_counted_by_their_security() {
        let text = exposition();
        for line in [
            "ringfence_phones_registered{security=\"authenticated\"} 2",
            "ringfence_phones_registered{security=\"encrypted\"} 3",
            "ringfence_calls_active{security=\"authenticated\"} 5",
            "ringfence_calls_active{security=\"encrypted\"} 6",
            "ringfence_calls_completed_total{security=\"authenticated\"} 8",
            "ringfence_calls_completed_total{security=\"encrypted\"} 9",
            "ringfence_phone_connections_total{what=\"accepted\"} 12",
            "ringfence_gateway_keys_total{what=\"refused\"} 13",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}: {text}");
        }
    }

    /// The dashboard and the alerts for Prometheus ask for what is told here, or by the relay.
    #[test]
    fn what_dashboards_ask_for_is_told() {
        const FILES: [&str; 2] = [
            include_str!("../../../images/monitoring/alerts.yml"),
            include_str!("../../../images/monitoring/dashboard.json"),
        ];
        const OF_THE_RELAY: &str = include_str!("../../../dataplane/datad/src/metrics.rs");
        let text = exposition();
        let told: Vec<_> = text.lines().filter_map(|line| line.split('{').next()).collect();
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = FILES.iter().flat_map(|file| file.split(|c| !word(c)));
        let asked: Vec<_> = words.filter(|word| word.starts_with("ringfence_")).collect();
        assert!(asked.len() > 8, "{asked:?}");
        for name in asked {
            let family = name.trim_start_matches("ringfence_").trim_end_matches("_total");
            let of_the_relay = OF_THE_RELAY.contains(&format!("\"{family}\""));
            assert!(of_the_relay || told.contains(&name), "nobody tells {name}: {told:?}");
        }
    }
}
