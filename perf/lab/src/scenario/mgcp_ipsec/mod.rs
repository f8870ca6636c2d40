//! MGCP behind IPsec: strongSwan at the call agent's side, our ESP at the gateway's, IKE between
//! them, and somebody who records everything on the wire.
//!
//! Without associations nothing is said and nothing is heard; with them media keys travel; they are
//! replaced under load without a lost transaction; when the peer dies they go, and keys stay at
//! home until it is back. At last every key is looked for in the recording. Then the same with a
//! whole office: telephones, CallManager, and lines of the gateway that do SRTP.

mod keys;
mod load;
mod office;
mod site;
mod tunnel;

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use esp::Flow;
use keying::vici::{Expected, Gap, Watch};
use mgcp::Verb;
use mgcp::value::RestartMethod;

use super::Stage;
use crate::agent::CallAgent;
use crate::capture::Recording;
use crate::ike::Daemon;
use crate::program::poll;
use crate::relay::Relay;
use crate::report::{Failed, Report};
use keys::Calls;
use site::{AGENT, GATEWAY, PATIENCE, PORTS, Site, state, until_covered};
use tunnel::{CHILD, CONNECTION};

/// Two daemons, the call agent between them, and what it keeps an eye on.
struct Players {
    site: Site,
    relay: Relay,
    agent: CallAgent,
    agents_daemon: Daemon,
    gateways_daemon: Daemon,
}

/// Takes the steps.
// R: MGCP-02, MGCP-03, MGCP-04, MGCP-05
pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let Stage { lab, report, programs, dir } = stage;
    let site = report.step("network", || {
        let site = Site::build(lab, programs, dir)?;
        Ok((site, "call agent and gateway, and a wire that nobody trusts"))
    })?;
    let recording = report.step("somebody records the wire", || {
        let recording = Recording::start(&site.gateway, "wire", "ip", (dir, "wire"))?;
        Ok((recording, "dumpcap at the gateway"))
    })?;
    let mut players = open(report, site)?;
    let mut calls = report.step("keys go where IPsec covers", || {
        let calls = Calls::set_up(&mut players.agent)?;
        let detail = format!("{} calls with SRTP, keys both ways", calls.len());
        Ok((calls, detail))
    })?;
    rekey(report, &mut players)?;
    forget(report, &mut players, &mut calls)?;
    die(report, players, &mut calls)?;
    report.step("no key on the wire", || {
        let capture = recording.finish()?;
        Ok(((), calls.are_not_in(&capture)?))
    })?;
    office::play(stage)
}

/// Starts everybody, and looks at what happens before keys are negotiated.
fn open(report: &mut Report, site: Site) -> Result<Players, Failed> {
    let address = |host: &str, port| SocketAddr::new(host.parse().expect("an address"), port);
    let ([agent_port, port], [inner, _]) = (PORTS, GATEWAY);
    let mut agent = report.step("call agent", || {
        let ours = address(AGENT[0], agent_port);
        let agent = CallAgent::open(&site.agent, ours, address(inner, port))?;
        Ok((agent, format!("at {ours}, without any IPsec of its own")))
    })?;
    let relay = report.step("gateway starts", || {
        let relay = site.relay()?;
        let path = until_covered(&relay, false)?;
        Ok((relay, format!("{}: {}", path.name, path.reason.unwrap_or_default())))
    })?;
    report.step("nothing is heard or said in clear", || {
        let said = agent.blurt(b"AUEP 7001 pr/1@gw1 MGCP 1.0\r\n")?;
        ensure!(said.is_none(), "a command in clear was answered {said:?}");
        let clear = state(&relay)?.0.mgcp["came_in_clear"];
        ensure!(clear > 0, "the command in clear was not counted");
        let alarmed = || Some(state(&relay).ok()?.1.paths.first()?.alarms).filter(|n| *n > 0);
        poll(PATIENCE, alarmed).context("the uncovered path alarms nobody")?;
        Ok(((), format!("{clear} datagram dropped, one alarm, no RSIP")))
    })?;
    report.step("certificates and configuration for IKE", || {
        let issuer = site.configure_daemons()?;
        Ok(((), format!("ringfence ipsec certificate and config, signed by {issuer}")))
    })?;
    let (agents_daemon, gateways_daemon) = report.step("IKE daemons", || {
        let daemons = (site.agents_daemon()?, site.gateways_daemon()?);
        let come = || state(&relay).ok()?.1.ike_daemon?.then_some(());
        poll(PATIENCE, come).context("the gateway's daemon did not come to datad")?;
        Ok((daemons, "strongSwan twice: its own ESP at the agent's, ours at the gateway's"))
    })?;
    let mut players = Players { site, relay, agent, agents_daemon, gateways_daemon };
    report.step("associations are negotiated", || {
        let path = until_covered(&players.relay, true)?;
        Ok((
            (),
            format!("{}, out {}", path.suite.unwrap_or_default(), path.spi_out.unwrap_or_default()),
        ))
    })?;
    report.step("the gateway announces itself, protected", || {
        let announced = players.agent.hear(Verb::Rsip)?;
        ensure!(announced.params.restart_method == Some(RestartMethod::Restart));
        Ok(((), format!("RSIP restart for {}", announced.endpoint)))
    })?;
    report.step("the call agent's side knows who the peer is", || {
        let watch = Watch::start(&players.agents_daemon.vici, || ())?;
        let flow = Flow::udp((AGENT[0].parse()?, agent_port), (GATEWAY[0].parse()?, port));
        let ask = |peer| watch.coverage(&flow, &Expected { peer: Some(peer), mode: None });
        let covered = poll(PATIENCE, || ask("gw1.example").ok());
        let Some(covered) = covered else { bail!("{:?}", ask("gw1.example")) };
        let shown = players.site.show(&players.relay)?;
        let spi = shown["paths"][0]["spi_out"].as_str().map(|spi| u32::from_str_radix(spi, 16));
        ensure!(spi == Some(Ok(covered.spi_in)), "the gateway's side shows {shown}");
        let other = ask("gw2.example");
        ensure!(matches!(other, Err(Gap::WrongPeer(_))), "another name: {other:?}");
        Ok(((), format!("{} under {}", covered.peer, covered.suite)))
    })?;
    Ok(players)
}

/// Associations are replaced, by either side, while transactions go on.
fn rekey(report: &mut Report, players: &mut Players) -> Result<(), Failed> {
    let Players { relay, agent, agents_daemon, gateways_daemon, .. } = players;
    for (name, daemon) in [("gateway", &*gateways_daemon), ("call agent", &*agents_daemon)] {
        report.step(&format!("rekey under load, by the {name}"), || {
            let before = until_covered(relay, true)?;
            let load = load::during(agent, || daemon.rekey(CHILD))?;
            let replaced =
                || until_covered(relay, true).ok().filter(|now| now.spi_out != before.spi_out);
            let after = poll(PATIENCE, replaced).context("no successor is used")?;
            ensure!(after.alarms == before.alarms, "an alarm was given");
            Ok(((), format!("{load}; out {} now", after.spi_out.unwrap_or_default())))
        })?;
    }
    Ok(())
}

/// The gateway's program starts anew: it has no keys, and gets successors by itself.
fn forget(report: &mut Report, players: &mut Players, calls: &mut Calls) -> Result<(), Failed> {
    report.step("the gateway restarts", || {
        let killed = Instant::now();
        players.relay.kill_and_start()?;
        until_covered(&players.relay, true)?;
        let took = killed.elapsed();
        let announced = poll(PATIENCE, || players.agent.hear(Verb::Rsip).ok());
        announced.context("no RSIP after the restart")?;
        calls.begin_anew(&mut players.agent)?;
        Ok(((), format!("killed and started; covered again after {} ms", took.as_millis())))
    })
}

/// The peer dies without a word, in the middle of a call.
fn die(report: &mut Report, players: Players, calls: &mut Calls) -> Result<(), Failed> {
    let Players { site, relay, mut agent, agents_daemon, gateways_daemon } = players;
    let alarms = report.step("the peer dies in mid-call", || {
        let alarms = until_covered(&relay, true)?.alarms;
        agents_daemon.kill();
        let path = until_covered(&relay, false)?;
        let (seen, ipsec) = state(&relay)?;
        ensure!(seen.ipsec.is_empty(), "associations outlived the peer: {:?}", seen.ipsec);
        ensure!(seen.flows.len() == calls.len(), "{} calls are left", seen.flows.len());
        ensure!(ipsec.ike_daemon == Some(true), "the gateway's daemon has gone too");
        let alarmed = || Some(state(&relay).ok()?.1.paths.first()?.alarms).filter(|n| *n > alarms);
        let alarms = poll(PATIENCE, alarmed).context("no alarm")?;
        Ok((alarms, format!("{}; the calls go on", path.reason.unwrap_or_default())))
    })?;
    report.step("no key moves without associations", || {
        let before = state(&relay)?.0.mgcp["came_in_clear"];
        let created = calls.try_one_more(&mut agent);
        ensure!(created.is_err(), "a command with a key was answered in clear");
        let (seen, _) = state(&relay)?;
        ensure!(seen.mgcp["came_in_clear"] > before, "the command was not counted");
        ensure!(seen.flows.len() == calls.len(), "a call was made");
        Ok(((), "CRCX with a key: dropped and counted, no answer"))
    })?;
    let agents_daemon = report.step("the peer comes back", || {
        let daemon = site.agents_daemon()?;
        let path = until_covered(&relay, true)?;
        ensure!(path.alarms == alarms, "{} alarms instead of {alarms}", path.alarms);
        agent.forget();
        calls.add_one(&mut agent)?;
        calls.hold_all(&mut agent)?;
        Ok((daemon, "covered again: a new call, and the old ones obey"))
    })?;
    report.step("the peer closes the connection", || {
        let before = until_covered(&relay, true)?.spi_out;
        agents_daemon.terminate(CONNECTION)?;
        // The gateway negotiates again at once.
        let new = || until_covered(&relay, true).ok().filter(|now| now.spi_out != before);
        let new = poll(PATIENCE, new).context("the gateway does not negotiate again")?;
        calls.delete_all(&mut agent)?;
        Ok(((), format!("the gateway negotiates again: out {}", new.spi_out.unwrap_or_default())))
    })?;
    report.step("the gateway's daemon dies", || {
        gateways_daemon.kill();
        let path = until_covered(&relay, false)?;
        let (seen, ipsec) = state(&relay)?;
        ensure!(seen.ipsec.is_empty() && ipsec.ike_daemon == Some(false), "{ipsec:?}");
        Ok(((), path.reason.unwrap_or_default()))
    })?;
    report.step("the gateway stops", || {
        relay.stop()?;
        Ok(((), "cleanly"))
    })
}
