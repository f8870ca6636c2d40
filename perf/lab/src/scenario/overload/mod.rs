//! Calls go on while somebody floods the relay with junk.
//!
//! A call that stays RTP leaves in the XDP program, a call under SRTP passes the engine. Both talk while
//! the attacker sends many times as many packets as they do: RTP from strange addresses to the ports of
//! both calls, to ports that nobody has, and forged SRTP from the telephone's own address. Each call may
//! lose less than one packet in a thousand; the relay counts what it dropped, by reason, and gives
//! alarm once.

mod flood;
pub mod talk;

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use status::{Flow, RelayReport};

use super::Stage;
use super::relay::topology::{Family, GATEWAY, PHONE, Side};
use super::relay::{Setting, Way, open};
use crate::agent::{CallAgent, Connection};
use crate::relay::Relay;
use crate::report::Failed;
use flood::Flood;
use talk::Talk;

/// How long the calls talk, in quiet and under the flood.
const QUIET: Duration = Duration::from_secs(2);
const FLOODED: Duration = Duration::from_secs(8);

/// A call may lose so many packets of those it sends.
const LOSS: f64 = 0.001;

/// What the attacker sends at least, for each packet of the calls.
const TIMES: u64 = 10;

/// Plays it.
pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let family = Family::V4;
    let (network, mut agent, relay) = open(stage, Setting { family, way: Way::Xdp })?;
    let report = &mut stage.report;
    report.step("the far ends take frames of XDP programs", || {
        network.take_xdp_frames()?;
        Ok(((), "GRO is on at the far ends of the gateway's links"))
    })?;
    let mut calls = report.step("two calls: RTP, SRTP under two keys", || {
        let plain = Talk::set_up(&mut agent, &network, family, "C1", 41_000, false)?;
        let secured = Talk::set_up(&mut agent, &network, family, "C2", 41_010, true)?;
        let detail = format!("{} and {}", plain.endpoint(), secured.endpoint());
        Ok(([plain, secured], detail))
    })?;
    report.step("both talk in quiet", || {
        let [plain, secured] = &mut calls;
        let heard = thread::scope(|scope| {
            let plain = scope.spawn(|| plain.talk(QUIET));
            let secured = secured.talk(QUIET);
            Ok::<_, anyhow::Error>([plain.join().expect("it does not panic")?, secured?])
        })?;
        for heard in heard {
            heard.lose_at_most(LOSS)?;
        }
        Ok(((), format!("RTP {}, SRTP {}", heard[0], heard[1])))
    })?;
    report.step("each takes its path, and the relay counts both", || {
        let seen = relay.report()?;
        let [plain, secured] = [&calls[0], &calls[1]].map(|call| flow_of(&seen, call.from()));
        let (plain, secured) = (plain?, secured?);
        ensure!(plain.path == "xdp", "RTP is on {}: {}", plain.path, plain.reason);
        ensure!(secured.path == "afxdp-copy", "SRTP is on {}: {}", secured.path, secured.reason);
        for (flow, call) in [(plain, &calls[0]), (secured, &calls[1])] {
            ensure!(
                flow.packets_received == call.sent(),
                "{} sent {} packets, the relay counted {}",
                flow.endpoint,
                call.sent(),
                flow.packets_received
            );
        }
        Ok(((), format!("{}: {}; {}: {}", plain.path, plain.reason, secured.path, secured.reason)))
    })?;
    report.step("both talk under a flood", || {
        let targets = [calls[0].from().address, calls[1].from().address];
        let phone = family.socket(Side::Inside, PHONE, 41_010);
        let flood = Flood::open(&network, targets, phone)?;
        let [plain, secured] = &mut calls;
        let (heard, junk) = flood.during(|| {
            thread::scope(|scope| {
                let plain = scope.spawn(|| plain.talk(FLOODED));
                let secured = secured.talk(FLOODED);
                Ok::<_, anyhow::Error>([plain.join().expect("it does not panic")?, secured?])
            })
        })?;
        let wanted = TIMES * heard.iter().map(|heard| heard.sent).sum::<u64>();
        ensure!(junk >= wanted, "the attacker made {junk} packets instead of {wanted}");
        for heard in heard {
            heard.lose_at_most(LOSS)?;
        }
        Ok(((), format!("RTP {}, SRTP {}; junk {junk} packets", heard[0], heard[1])))
    })?;
    report.step("what was dropped has its reasons, and there was one alarm", || {
        alarmed(&relay, &fs::read_to_string(stage.dir.join("datad.log"))?)
    })?;
    report.step("the calls end with their statistics", || end(&mut agent, &calls))?;
    report.step("relay stops cleanly", || {
        relay.stop()?;
        let left = network.interfaces_with_xdp()?;
        ensure!(left.is_empty(), "XDP is still attached to {left:?}");
        Ok(((), format!("no XDP program at {}", family.address(Side::Inside, GATEWAY))))
    })
}

fn alarmed(relay: &Relay, log: &str) -> Result<((), String)> {
    let seen = relay.report()?;
    let reasons = ["drop-stranger-limit", "drop-strangers-limit", "drop-unknown-media-port"];
    let counts = reasons.map(|reason| {
        (reason, seen.ports.iter().filter_map(|port| port.details.get(reason)).sum::<u64>())
    });
    let limited: u64 = counts[..2].iter().map(|(_, count)| count).sum();
    ensure!(limited > 0 && counts[2].1 > 0, "not all kinds of junk were dropped: {counts:?}");
    let alarms = log.lines().filter(|line| line.contains("[datad.limits]")).count();
    ensure!(alarms == 1, "{alarms} alarms in the log");
    let words: Vec<_> = counts.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    Ok(((), format!("{}; one alarm", words.join(", "))))
}

fn end(agent: &mut CallAgent, calls: &[Talk; 2]) -> Result<((), String)> {
    for call in calls {
        let [from, to] = call.connections();
        let received = agent.delete(call.id(), from)?;
        let sent = agent.delete(call.id(), to)?;
        let counted = [received.packets_received, sent.packets_sent];
        let wanted = Some(call.sent() as u32);
        ensure!(counted[0] == wanted, "{} packets were sent, DLCX says {counted:?}", call.sent());
        ensure!(counted[1] == wanted, "{} packets came, DLCX says {counted:?}", call.sent());
    }
    Ok(((), "packets received and sent as the telephones have it".to_owned()))
}

/// What the relay reports of the media that comes to a connection.
pub fn flow_of<'s>(seen: &'s RelayReport, connection: &Connection) -> Result<&'s Flow> {
    let id = connection.id.to_string();
    seen.flows.iter().find(|flow| flow.connection == id).context("the relay reports no such flow")
}
