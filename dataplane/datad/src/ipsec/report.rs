//! What operators see.

use std::collections::BTreeMap;
use std::time::Instant;

use esp::{Action, AddressRange, Policy, SaReport, SaState, Selector};
use status::{Association, IpsecPolicy};

/// An association.
pub fn association(now: Instant, sa: SaReport) -> Association {
    let state = match sa.state {
        SaState::Live => "live",
        SaState::Expiring => "expiring",
        SaState::Expired => "expired",
    };
    let mode = match sa.mode {
        esp::Mode::Transport => "transport",
        esp::Mode::Tunnel => "tunnel",
    };
    let drops = sa.stats.drops.iter().filter(|(_, count)| *count > 0);
    let since = |then| now.saturating_duration_since(then).as_millis() as u64;
    Association {
        direction: sa.direction.to_string(),
        spi: format!("{:08x}", sa.spi),
        source: sa.source,
        destination: sa.destination,
        mode: mode.into(),
        suite: sa.suite.name().into(),
        state: state.into(),
        packets: sa.stats.packets,
        clear_octets: sa.stats.clear_octets,
        wire_octets: sa.stats.wire_octets,
        dropped: drops.map(|(why, count)| (why.to_string(), count)).collect::<BTreeMap<_, _>>(),
        request: sa.request.0,
        traffic: sa.selectors.iter().map(traffic).collect(),
        in_udp: sa.encapsulation.is_some(),
        age_ms: since(sa.added),
        idle_ms: sa.last_used.map(since),
        sequence: sa.sequence,
    }
}

/// A policy.
pub fn policy(policy: &Policy) -> IpsecPolicy {
    IpsecPolicy {
        direction: policy.direction.map_or("both".into(), |direction| direction.to_string()),
        traffic: traffic(&policy.selector),
        action: match policy.action {
            Action::Protect(request) => format!("protect {}", request.0),
            Action::Bypass => "bypass".into(),
            Action::Discard => "discard".into(),
        },
    }
}

/// `udp 10.2.0.1:2427 - 10.1.0.1`: our side first; what is not said is any.
fn traffic(selector: &Selector) -> String {
    let protocol = match selector.protocol {
        None => "any".to_owned(),
        Some(6) => "tcp".to_owned(),
        Some(17) => "udp".to_owned(),
        Some(other) => other.to_string(),
    };
    let side = |range: AddressRange, (first, last): (u16, u16)| match (first, last) {
        (0, u16::MAX) => range.to_string(),
        (first, last) if first == last => format!("{range}:{first}"),
        (first, last) => format!("{range}:{first}-{last}"),
    };
    let ports = |range: &std::ops::RangeInclusive<u16>| (*range.start(), *range.end());
    format!(
        "{protocol} {} - {}",
        side(selector.local, ports(&selector.local_ports)),
        side(selector.remote, ports(&selector.remote_ports))
    )
}
