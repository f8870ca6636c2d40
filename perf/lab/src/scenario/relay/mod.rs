//! Two calls through the relay, under MGCP, with an attacker on the network.
//!
//! Call 1 re-encrypts (SRTP under one key to SRTP under another), call 2 bridges SRTP to RTP in
//! clear. Four ffmpeg telephones talk both ways at once, and what each heard is compared with what
//! the other said. Meanwhile an attacker forges, flips, replays and sends from wrong places.

mod attack;
mod calls;
pub mod interop;
mod latency;
pub mod topology;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mgcp::Verb;
use mgcp::value::RestartMethod;
use status::RelayReport;

use super::Stage;
use crate::agent::CallAgent;
use crate::relay::Relay;
use crate::report::Failed;
use calls::Calls;
use topology::{CALL_AGENT, Family, GATEWAY, Side, Topology};

/// How long something may take that takes no time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The gateway's MGCP port, and the call agent's.
const MGCP: [u16; 2] = [2427, 2727];

/// What is different between the scenarios.
#[derive(Clone, Copy)]
pub struct Setting {
    pub family: Family,
    pub way: Way,
}

/// How packets are to reach the relay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Xdp,
    Sockets,
}

impl Way {
    /// The path that must be reported: a veth pair has no zero-copy.
    fn path(self) -> &'static str {
        match self {
            Self::Xdp => "afxdp-copy",
            Self::Sockets => "socket",
        }
    }

    /// What `path` says in the configuration.
    fn choice(self) -> &'static str {
        match self {
            Self::Xdp => "auto",
            Self::Sockets => "socket",
        }
    }

    /// The interfaces that have an XDP program while the relay runs.
    fn interfaces_with_xdp(self) -> &'static [&'static str] {
        match self {
            Self::Xdp => &["inside", "outside"],
            Self::Sockets => &[],
        }
    }
}

/// Over XDP, IPv4.
pub fn over_xdp(stage: &mut Stage) -> Result<(), Failed> {
    play(stage, Setting { family: Family::V4, way: Way::Xdp })
}

/// Over XDP, IPv6.
pub fn over_ipv6(stage: &mut Stage) -> Result<(), Failed> {
    play(stage, Setting { family: Family::V6, way: Way::Xdp })
}

/// Over UDP sockets, IPv4.
pub fn over_sockets(stage: &mut Stage) -> Result<(), Failed> {
    play(stage, Setting { family: Family::V4, way: Way::Sockets })
}

// R: MED-04
fn play(stage: &mut Stage, setting: Setting) -> Result<(), Failed> {
    let (network, mut agent, relay) = open(stage, setting)?;
    let Stage { report, dir, .. } = stage;
    let Setting { family, way } = setting;

    let calls = Calls::set_up(report, &mut agent, &network, family, dir)?;
    let talk = calls.start_talking(report)?;
    // A failed attack step does not end the scenario: whether the calls survived matters then most.
    let attacked = attack::play(report, &relay, &network, &talk, setting);
    let calls = talk.finish(report)?;
    let attacks = attacked?;

    // R: MED-04
    report.step("counters, flows and metrics", || {
        let seen = relay.report()?;
        calls.agree_with(&seen, way.path())?;
        ensure!(
            attacks.agree_with(&seen),
            "dropped {}, but the attacker sent {}",
            dropped(&seen),
            attacks
        );
        let page = relay.metric("ringfence_relay_packets_total{fate=\"forwarded\"}")?;
        ensure!(page == seen.packets.forwarded as f64, "the metrics page says {page} forwarded");
        Ok(((), totals(&seen)))
    })?;
    latency::play(report, &mut agent, &relay, &network, family)?;
    calls.tear_down(report, &mut agent, &relay)?;
    report.step("bad commands are refused", || refuse_bad_commands(&mut agent, &relay))?;

    report.step("relay stops cleanly", || {
        relay.stop()?;
        let said = agent.hear(Verb::Rsip)?;
        ensure!(
            said.params.restart_method == Some(RestartMethod::Forced),
            "the last RSIP was {:?}",
            said.params.restart_method
        );
        let left = network.interfaces_with_xdp()?;
        ensure!(left.is_empty(), "XDP is still attached to {left:?}");
        let sockets = network.gateway_udp_sockets()?;
        ensure!(sockets == 0, "{sockets} UDP sockets are left in the gateway");
        Ok(((), "RSIP forced, no XDP program and no socket left"))
    })
}

/// Builds the network with a call agent and a relay in it, and looks which way packets go.
pub fn open(stage: &mut Stage, setting: Setting) -> Result<(Topology, CallAgent, Relay), Failed> {
    open_with(stage, setting, "")
}

/// The same, where these lines are in the section `[datad]` besides.
pub fn open_with(
    stage: &mut Stage,
    setting: Setting,
    lines: &str,
) -> Result<(Topology, CallAgent, Relay), Failed> {
    let Stage { lab, report, programs, dir } = stage;
    let Setting { family, way } = setting;

    let network = report.step("network", || {
        let network = Topology::build(lab)?;
        Ok((network, "telephones a and b, call agent, attacker, gateway between two networks"))
    })?;
    let [gateway_port, agent_port] = MGCP;
    let gateway = family.socket(Side::Inside, GATEWAY, gateway_port);
    let mut agent = report.step("call agent", || {
        let address = family.socket(Side::Inside, CALL_AGENT, agent_port);
        let agent = CallAgent::open(&network.call_agent, address, gateway)?;
        Ok((agent, format!("at {address}")))
    })?;
    let relay = report.step("relay starts", || {
        let configuration = lines.to_owned() + &configuration(setting);
        let relay = Relay::start(&network.gateway, programs, &configuration, dir)?;
        let RelayReport { version, srtp_backend, .. } = relay.report()?;
        Ok((relay, format!("ringfence-datad {version}, SRTP by {srtp_backend}")))
    })?;
    report.step("relay announces itself to the call agent", || {
        let announced = agent.hear(Verb::Rsip)?;
        ensure!(announced.params.restart_method == Some(RestartMethod::Restart));
        Ok(((), format!("RSIP restart for {}", announced.endpoint)))
    })?;
    report.step("path of packets", || {
        let attached = network.interfaces_with_xdp()?;
        ensure!(attached == way.interfaces_with_xdp(), "XDP programs on: {attached:?}");
        let ports = relay.report()?.ports;
        ensure!(ports.len() == 2, "the relay reports {} ports", ports.len());
        for port in &ports {
            ensure!(port.path == way.path(), "{}: {}, {}", port.network, port.path, port.reason);
        }
        Ok(((), format!("{}: {}", ports[0].path, ports[0].reason)))
    })?;
    Ok((network, agent, relay))
}

/// The relay's configuration: two media networks, commanded by the one call agent.
fn configuration(Setting { family, way }: Setting) -> String {
    let [gateway_port, agent_port] = MGCP;
    let call_agent = family.address(Side::Inside, CALL_AGENT);
    let mut text = format!(
        "[datad.gateway]\n\
         name = \"relay1\"\n\
         listen = [\"{}\"]\n\
         call_agents = [\"{call_agent}\"]\n\
         notify = \"{}\"\n\
         restart_wait_ms = 0\n",
        family.socket(Side::Inside, GATEWAY, gateway_port),
        family.socket(Side::Inside, CALL_AGENT, agent_port),
    );
    for side in [Side::Inside, Side::Outside] {
        text += &format!(
            "\n[[datad.media]]\n\
             name = \"{name}\"\n\
             interface = \"{name}\"\n\
             path = \"{}\"\n\
             addresses = [\"{}\"]\n\
             networks = [\"{}\"]\n",
            way.choice(),
            family.address(side, GATEWAY),
            family.network(side),
            name = side.name(),
        );
    }
    text
}

/// Commands of a stranger or of a broken call agent: each gets the standard's code, and the relay
/// goes on.
fn refuse_bad_commands(agent: &mut CallAgent, relay: &Relay) -> Result<((), String)> {
    let bad: [(&[u8], Option<u16>); 5] = [
        (b"CRCX 9001 nowhere/1@relay1 MGCP 1.0\r\nC: 1\r\nM: sendrecv\r\n", Some(500)),
        (b"XYZW 9002 pr/1@relay1 MGCP 1.0\r\n", Some(504)),
        (b"MDCX 9003 pr/1@relay1 MGCP 1.0\r\nC: 1\r\nI: 1\r\nM: sideways\r\n", Some(517)),
        // SRTP without a key is refused, never made RTP.
        (
            b"CRCX 9004 pr/$@relay1 MGCP 1.0\r\nC: 1\r\nM: sendrecv\r\n\r\n\
              v=0\r\nc=IN IP4 10.1.0.2\r\nm=audio 40000 RTP/SAVP 0\r\n",
            Some(509),
        ),
        (b"\0\0\0\0", None),
    ];
    for (datagram, expected) in bad {
        let code = agent.blurt(datagram)?;
        let said = datagram.escape_ascii();
        ensure!(code == expected, "`{said}` was answered {code:?} instead of {expected:?}");
    }
    relay.report().context("after them")?;
    Ok(((), "500, 504, 517, 509, and silence for NUL octets".to_owned()))
}

/// What happened to all packets, in words.
fn totals(seen: &RelayReport) -> String {
    let packets = &seen.packets;
    format!(
        "{} in, {} out, {} unwanted; dropped {}",
        packets.received,
        packets.forwarded,
        packets.consumed,
        dropped(seen)
    )
}

/// The reasons with packets, in words.
fn dropped(seen: &RelayReport) -> String {
    let drops = seen.packets.dropped.iter().filter(|(_, count)| **count > 0);
    let words: Vec<_> = drops.map(|(reason, count)| format!("{reason} {count}")).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
