//! DHCP and TFTP: whether the phone found this server, and got what it asked for.

use std::collections::HashSet;

use store::{SecurityMode, Service};
use tftp::{Outcome, Record, Refusal};

use crate::finding::{Finding, Trouble};
use crate::records::Records;

pub(crate) fn look(records: &Records, findings: &mut Vec<Finding>) {
    let mut find = |trouble| {
        findings.push(Finding { phone: records.phone.to_string(), trouble });
    };
    if records.device.is_none() {
        find(Trouble::NotConfigured);
    }
    let node = records.node.clone();
    if records.me().is_some_and(|me| !me.services.contains(&Service::Tftp)) {
        find(Trouble::NoTftpHere { node });
    } else if records.requests.is_empty() && records.held.is_none() {
        let serving = records.nodes.iter().filter(|node| node.services.contains(&Service::Tftp));
        find(Trouble::NeverAsked { node, servers: serving.map(|node| node.address).collect() });
    }
    // The last word on each file counts: phones ask again.
    let mut seen = HashSet::new();
    let latest = records.last_start().iter().rev().filter(|record| seen.insert(&record.name));
    let mut troubles: Vec<_> = latest.filter_map(|record| trouble(record, records)).collect();
    troubles.reverse();
    troubles.into_iter().for_each(find);
}

fn trouble(record: &Record, records: &Records) -> Option<Trouble> {
    let file = record.name.clone();
    match &record.outcome {
        Outcome::Completed | Outcome::Abandoned => None,
        Outcome::TimedOut => Some(Trouble::FellSilent { file, from: record.from.ip() }),
        Outcome::PeerError { code, text } => {
            Some(Trouble::RefusedFile { file, detail: format!("{code:?}: {text}") })
        }
        Outcome::Refused(Refusal::Denied(detail) | Refusal::Failed(detail)) => {
            Some(Trouble::NotServed { file, detail: detail.clone() })
        }
        Outcome::Refused(Refusal::NotFound) => missing(file, records),
    }
}

/// Phones try many names that nobody has. Some they need.
fn missing(file: String, records: &Records) -> Option<Trouble> {
    let lower = file.to_ascii_lowercase();
    let plain = lower.strip_suffix(".sgn").unwrap_or(&lower);
    let own = plain == format!("{}.cnf.xml", records.phone).to_ascii_lowercase();
    let load = [".loads", ".sbn", ".sb2", ".bin"].iter().any(|end| plain.ends_with(end));
    if load {
        Some(Trouble::LoadMissing { file })
    } else if own && lower.ends_with(".sgn") && records.mode == SecurityMode::NonSecure {
        Some(Trouble::AsksSigned { file })
    } else if own && records.device.is_some() {
        Some(Trouble::NoConfiguration { file })
    } else {
        None
    }
}
