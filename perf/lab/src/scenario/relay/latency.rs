//! What the relay adds to a packet's way, and that a flipped copy ahead of a packet harms nothing.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mgcp::{CallId, ConnectionMode, EndpointName};

use super::topology::{CALL_AGENT, Family, PHONE, Side, Topology};
use crate::agent::{CallAgent, Connection, Party};
use crate::key::Key;
use crate::probe::{PAYLOAD, Probe};
use crate::relay::Relay;
use crate::report::{Failed, Report};

/// Packets each way.
const TRIPS: usize = 500;

/// Pace: a telephone sends every 20 ms, a busy relay hears something every now and then.
const PACE: Duration = Duration::from_millis(2);

/// Port of the probes.
const PORT: u16 = 41_000;

/// Plays a call of two probes.
pub fn play(
    report: &mut Report,
    agent: &mut CallAgent,
    relay: &Relay,
    network: &Topology,
    family: Family,
) -> Result<(), Failed> {
    let mut call = report.step("call 3: two probes, SRTP to SRTP", || {
        let call = Call::set_up(agent, network, family)?;
        let detail = format!("through {}", call.connections[0].endpoint.as_str());
        Ok((call, detail))
    })?;
    // R: MED-04
    report.step("a packet passes behind flipped copies of itself", || call.outlive_flips(relay))?;
    report.step("added latency", || call.measure(network, family))?;
    report.step("call 3 ends", || {
        for connection in &call.connections {
            agent.delete(call.id, connection)?;
        }
        Ok(((), "deleted"))
    })
}

struct Call {
    id: CallId,
    a: Probe,
    b: Probe,
    connections: [Connection; 2],
    /// Where A sends to.
    relay: SocketAddr,
}

impl Call {
    fn set_up(agent: &mut CallAgent, network: &Topology, family: Family) -> Result<Self> {
        let id: CallId = "C3".parse().context("a call identifier")?;
        let any: EndpointName = "pr/$@relay1".parse().context("an endpoint name")?;
        let keys = [Key::random()?, Key::random()?];
        let addresses = [Side::Inside, Side::Outside].map(|side| family.socket(side, PHONE, PORT));
        let party =
            |n: usize| Party { address: addresses[n], key: Some(&keys[n]), gateway_key: None };
        let a = agent.create(&any, id, &party(0), ConnectionMode::SendRecv)?;
        let b = agent.create(&a.endpoint, id, &party(1), ConnectionMode::SendRecv)?;
        let probe = |namespace, n: usize, connection: &Connection| {
            Probe::open(namespace, addresses[n], Some(&keys[n]), connection.key.as_ref())
        };
        Ok(Self {
            id,
            a: probe(&network.phone_a, 0, &a)?,
            b: probe(&network.phone_b, 1, &b)?,
            relay: a.address,
            connections: [a, b],
        })
    }

    /// Before each packet come copies of it with a bit flipped, from the right address: in the
    /// header, the payload and the tag. The packet itself must still pass, and only it.
    fn outlive_flips(&mut self, relay: &Relay) -> Result<((), String)> {
        let refused = || -> Result<u64> {
            Ok(relay.report()?.packets.dropped.get("auth-failed").copied().unwrap_or(0))
        };
        let before = refused()?;
        let mut flips = 0;
        for round in 0..20u8 {
            let payload = [round; PAYLOAD];
            let packet = self.a.writer.packet(&payload)?;
            for bit in [8 + 1, 8 * 5 + 2, 8 * 30, 8 * packet.len() - 3] {
                let mut copy = packet.clone();
                copy[bit / 8] ^= 1 << (bit % 8);
                self.a.socket.send_to(&copy, self.relay)?;
                flips += 1;
            }
            self.a.socket.send_to(&packet, self.relay)?;
            let arrived = self.b.arrival()?;
            ensure!(self.b.payload(arrived)? == payload, "B received another packet");
        }
        let counted = refused()? - before;
        ensure!(counted == flips, "{flips} flipped copies, {counted} counted as auth-failed");
        Ok(((), format!("20 packets passed, {flips} flipped copies were refused")))
    }

    /// Times packets through the relay, and in turn packets from A to a neighbour on its network.
    fn measure(&mut self, network: &Topology, family: Family) -> Result<((), String)> {
        let neighbour = family.socket(Side::Inside, CALL_AGENT, PORT);
        let direct = Probe::open(&network.call_agent, neighbour, None, None)?;
        let (mut relayed, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..TRIPS {
            relayed.push(trip(&mut self.a, self.relay, &mut self.b)?);
            thread::sleep(PACE);
            let start = Instant::now();
            let packet = [0u8; 12 + PAYLOAD];
            self.a.socket.send_to(&packet, neighbour)?;
            direct.arrival()?;
            bare.push(start.elapsed());
            thread::sleep(PACE);
        }
        let [p50, p99] = percentiles(&mut relayed);
        let [bare50, bare99] = percentiles(&mut bare);
        Ok((
            (),
            format!(
                "p50 {} µs, p99 {} µs (through the relay {p50} and {p99}, direct {bare50} and \
                 {bare99}; {TRIPS} packets each)",
                p50.saturating_sub(bare50),
                p99.saturating_sub(bare99),
            ),
        ))
    }
}

/// Time from A's socket to B's.
fn trip(a: &mut Probe, relay: SocketAddr, b: &mut Probe) -> Result<Duration> {
    let packet = a.writer.packet(&[0xff; PAYLOAD])?;
    let start = Instant::now();
    a.socket.send_to(&packet, relay)?;
    let arrived = b.arrival()?;
    let took = start.elapsed();
    ensure!(b.payload(arrived)? == [0xff; PAYLOAD], "B received another packet");
    Ok(took)
}

/// The 50th and the 99th, in microseconds.
fn percentiles(times: &mut [Duration]) -> [u128; 2] {
    times.sort();
    [50, 99].map(|percent| times[times.len() * percent / 100].as_micros())
}
