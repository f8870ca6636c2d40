//! The relay is killed in mid-call and started again.
//!
//! RTP that leaves in the XDP program goes on all the while. The next relay finds it, keeps its port from
//! being lent, and takes new calls of both kinds beside it. Told to stop, it leaves nothing behind.

mod bpf;

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mgcp::Verb;
use mgcp::value::RestartMethod;

use super::Stage;
use super::overload::flow_of;
use super::overload::talk::{Heard, Talk};
use super::relay::topology::Family;
use super::relay::{Setting, Way, open_with};
use crate::program::poll;
use crate::relay::Relay;
use crate::report::Failed;
use bpf::BpfFileSystem;

const FAMILY: Family = Family::V4;

/// How long calls talk, in quiet and while the relay is killed.
const QUIET: Duration = Duration::from_secs(1);
const DISTURBED: Duration = Duration::from_secs(6);

/// Packets that a call may lose by a restart: those of 20 milliseconds.
const LOSS: u64 = 5;

/// How long something may take that takes no time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The relay's directory in the BPF file system.
const PINS: &str = "relay";

/// What the report calls the flows that were left.
const LEFT: &str = "flows-left-by-a-crash";

/// Plays it.
pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let place = stage.dir.join("bpf");
    let pins = stage.report.step("a BPF file system", || {
        let mounted = BpfFileSystem::mount(&place)?;
        Ok((mounted, place.display().to_string()))
    })?;
    let lines = format!("pins = {:?}\n", place.join(PINS));
    let setting = Setting { family: FAMILY, way: Way::Xdp };
    let (network, mut agent, mut relay) = open_with(stage, setting, &lines)?;
    let report = &mut stage.report;
    report.step("the far ends take frames of XDP programs", || {
        network.take_xdp_frames()?;
        Ok(((), "GRO is on at the far ends of the gateway's links"))
    })?;
    let mut old = report.step("a call in RTP talks", || {
        let mut call = Talk::set_up(&mut agent, &network, FAMILY, "C1", 41_000, false)?;
        let heard = call.talk(QUIET)?;
        loses_little(heard)?;
        let seen = relay.report()?;
        let flow = flow_of(&seen, call.from())?;
        ensure!(flow.path == "xdp", "RTP is on {}: {}", flow.path, flow.reason);
        Ok((call, format!("{heard}; {}: {}", flow.path, flow.reason)))
    })?;
    report.step("the relay is killed and started again, RTP goes on", || {
        let heard = thread::scope(|scope| {
            let heard = scope.spawn(|| old.talk(DISTURBED));
            relay.kill_and_start()?;
            let announced = agent.hear(Verb::Rsip)?;
            ensure!(announced.params.restart_method == Some(RestartMethod::Restart));
            heard.join().expect("it does not panic")
        })?;
        loses_little(heard)?;
        Ok(((), heard.to_string()))
    })?;
    report.step("the relay says what it has found", || {
        ensure!(left(&relay)? == 1, "{} flows were left", left(&relay)?);
        Ok(((), format!("{LEFT} 1")))
    })?;
    let new = report.step("new calls beside it: RTP, SRTP under two keys", || {
        let mut plain = Talk::set_up(&mut agent, &network, FAMILY, "C2", 41_010, false)?;
        let mut secured = Talk::set_up(&mut agent, &network, FAMILY, "C3", 41_020, true)?;
        let heard = thread::scope(|scope| {
            let old = scope.spawn(|| old.talk(QUIET));
            let plain = scope.spawn(|| plain.talk(QUIET));
            let secured = secured.talk(QUIET);
            let join =
                |thread: thread::ScopedJoinHandle<'_, _>| thread.join().expect("it does not panic");
            Ok::<_, anyhow::Error>([join(old)?, join(plain)?, secured?])
        })?;
        heard.into_iter().try_for_each(loses_little)?;
        let seen = relay.report()?;
        let flow = flow_of(&seen, plain.from())?;
        ensure!(flow.path == "xdp", "RTP is on {}: {}", flow.path, flow.reason);
        ensure!(
            flow.packets_received == plain.sent(),
            "{} packets were sent, {} counted: others are among them",
            plain.sent(),
            flow.packets_received
        );
        let words = heard.map(|heard| heard.to_string()).join(", ");
        Ok(([plain, secured], format!("old, RTP, SRTP: {words}")))
    })?;
    report.step("new calls end, the old one goes on", || {
        for call in &new {
            for connection in call.connections() {
                agent.delete(call.id(), connection)?;
            }
        }
        let heard = old.talk(QUIET)?;
        loses_little(heard)?;
        Ok(((), heard.to_string()))
    })?;
    report.step("relay stops cleanly", || {
        relay.stop()?;
        let gone = poll(PATIENCE, || {
            network.interfaces_with_xdp().is_ok_and(|left| left.is_empty()).then_some(())
        });
        gone.with_context(|| {
            format!("XDP is still attached to {:?}", network.interfaces_with_xdp())
        })?;
        let left = pins.files_in(PINS)?;
        ensure!(left.is_empty(), "{left:?} are left in the BPF file system");
        Ok(((), "no XDP program is left, and nothing in the BPF file system"))
    })
}

fn loses_little(heard: Heard) -> Result<()> {
    let lost = heard.sent.checked_sub(heard.received).context("more came than was sent")?;
    ensure!(lost <= LOSS, "{heard}: more than 20 ms are lost");
    Ok(())
}

/// Flows that an earlier process has left, as the relay reports them.
fn left(relay: &Relay) -> Result<u64> {
    Ok(relay.report()?.ports.iter().filter_map(|port| port.details.get(LEFT)).sum())
}
