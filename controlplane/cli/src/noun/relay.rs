//! `ringfence relay`: what the data plane does now.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Subcommand;
use status::{Flow, RelayReport};

use crate::Outcome;
use crate::failure::Result;
use crate::output::{self, Format};

/// What can be done with the relay.
#[derive(Subcommand)]
pub enum Verb {
    /// Show flows with the path they take and why, ports, and counters.
    Show {
        /// Socket of ringfence-datad.
        #[arg(long, value_name = "PATH", default_value = status::DEFAULT_SOCKET)]
        socket: PathBuf,
    },
}

/// Does it.
pub fn run(verb: Verb, format: Format) -> Result {
    let Verb::Show { socket } = verb;
    let report = status::relay(&socket)?;
    match format {
        Format::Json => output::json(&report)?,
        Format::Table => show(&report)?,
    }
    Ok(Outcome::Done)
}

fn show(report: &RelayReport) -> std::io::Result<()> {
    println!("ringfence-datad {}, SRTP by {}\n", report.version, report.srtp_backend);
    output::table(
        "Ports",
        ["network", "interface", "path", "rx", "tx", "rx lost", "tx lost", "reason"],
        report.ports.iter().map(|port| {
            [
                port.network.clone(),
                port.interface.clone().unwrap_or_else(|| "-".into()),
                port.path.clone(),
                port.rx.to_string(),
                port.tx.to_string(),
                port.rx_lost.to_string(),
                port.tx_lost.to_string(),
                port.reason.clone(),
            ]
        }),
    )?;
    output::table(
        "Flows",
        [
            "endpoint", "conn", "network", "local", "remote", "mode", "receive", "send", "path",
            "in", "out", "lost", "dropped", "jitter",
        ],
        report.flows.iter().map(flow),
    )?;
    let packets = &report.packets;
    println!(
        "Packets: {} received, {} forwarded, {} not wanted\n",
        packets.received, packets.forwarded, packets.consumed
    );
    counters("Dropped", &packets.dropped)?;
    for port in &report.ports {
        counters(&format!("XDP on {}", port.network), &port.details)?;
    }
    counters("MGCP", &report.mgcp)
}

fn flow(flow: &Flow) -> [String; 14] {
    [
        flow.endpoint.clone(),
        flow.connection.clone(),
        flow.network.clone(),
        flow.local.to_string(),
        flow.remote.map_or_else(|| "-".into(), |remote| remote.to_string()),
        flow.mode.clone(),
        flow.receive.clone(),
        flow.send.clone(),
        flow.path.clone(),
        flow.packets_received.to_string(),
        flow.packets_sent.to_string(),
        flow.packets_lost.to_string(),
        flow.dropped.to_string(),
        format!("{:.1} ms", flow.jitter_us as f64 / 1000.0),
    ]
}

/// Prints those that are not zero.
fn counters(heading: &str, counters: &BTreeMap<String, u64>) -> std::io::Result<()> {
    let seen = counters.iter().filter(|(_, count)| **count > 0);
    output::table(
        heading,
        ["reason", "count"],
        seen.map(|(reason, count)| [reason.clone(), count.to_string()]),
    )
}
