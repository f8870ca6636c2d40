//! What the attacker does to the calls, and what must come of it: nothing but counters.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use status::RelayReport;

use super::calls::{Calls, Talker};
use super::topology::{ATTACKER, GATEWAY, Side, Topology};
use super::{Setting, Way};
use crate::key::Key;
use crate::probe::{PAYLOAD, Writer};
use crate::program::poll;
use crate::relay::Relay;
use crate::report::{Failed, Report};

/// Packets of each kind of attack.
const VOLLEY: usize = 50;

/// How long the relay may take to count them.
const PATIENCE: Duration = Duration::from_secs(5);

/// A media port that no call uses.
const CLOSED_PORT: u16 = 32_000;

/// What was sent in vain, by the reason for which the relay must have dropped it.
#[derive(Default)]
pub struct Attacks(BTreeMap<&'static str, u64>);

impl Attacks {
    /// Whether the relay dropped exactly this.
    pub fn agree_with(&self, seen: &RelayReport) -> bool {
        let expected = |reason: &str| self.0.get(reason).copied().unwrap_or(0);
        seen.packets.dropped.iter().all(|(reason, count)| *count == expected(reason))
    }
}

impl fmt::Display for Attacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
        f.write_str(&words.join(", "))
    }
}

/// Attacks A's side of the first call from A's own address, and both calls from elsewhere.
pub fn play(
    report: &mut Report,
    relay: &Relay,
    network: &Topology,
    calls: &Calls<Talker>,
    Setting { family, way }: Setting,
) -> Result<Attacks, Failed> {
    let mut field = Field { relay, attacks: Attacks::default() };
    let victim = &calls.calls[0].legs[0];
    let target = victim.connection.address;
    let recent = || -> Result<Vec<Vec<u8>>> {
        // The last ones may still be on their way: a copy must not overtake its original.
        let enough = || Some(victim.phone.call.traffic()).filter(|t| t.sent >= VOLLEY as u64 + 10);
        let packets = poll(PATIENCE, enough).context("A does not speak")?.sent_packets;
        let end = packets.len() - 10;
        Ok(packets[end - VOLLEY..end].to_vec())
    };

    let disguised = report.step("attacker takes A's address", || {
        let socket = network.attacker.udp(victim.address)?;
        Ok((socket, format!("sends as {}", victim.address)))
    })?;
    report.step("forged packets", || {
        let last: Vec<u8> = recent()?.pop().context("a volley is not empty")?;
        let ssrc = u32::from_be_bytes([last[8], last[9], last[10], last[11]]);
        let sequence = u16::from_be_bytes([last[2], last[3]]);
        let key = Key::random()?;
        // Half of them in A's stream and far ahead, half in a stream of their own.
        let mut streams = [
            Writer::new(ssrc, Some(&key))?.at(sequence.wrapping_add(1000)),
            Writer::new(!ssrc, Some(&key))?,
        ];
        let packet = |n: usize| streams[n % 2].packet(&[0x55; PAYLOAD]);
        let volley = (0..VOLLEY).map(packet).collect::<Result<Vec<_>>>()?;
        field.shoot(&disguised, target, &volley, "auth-failed")
    })?;
    report.step("packets of A with a bit flipped", || {
        let volley: Vec<_> = recent()?.into_iter().map(flipped_ahead).collect();
        field.shoot(&disguised, target, &volley, "auth-failed")
    })?;
    report.step("packets of A replayed", || {
        field.shoot(&disguised, target, &recent()?, "replayed")
    })?;
    report.step("packets of A from a wrong address and a wrong port", || {
        let elsewhere = network.attacker.udp(family.socket(Side::Inside, ATTACKER, 40_010))?;
        field.shoot(&elsewhere, target, &recent()?, "wrong-source")?;
        let port = SocketAddr::new(victim.address.ip(), victim.address.port() + 2);
        let beside = network.attacker.udp(port)?;
        field.shoot(&beside, target, &recent()?, "wrong-source")
    })?;
    report.step("RTP in clear from a wrong address", || {
        let open = &calls.calls[1].legs[1].connection;
        let elsewhere = network.attacker.udp(family.socket(Side::Outside, ATTACKER, 40_020))?;
        let mut writer = Writer::new(0x0bad_0bad, None)?;
        let volley = (0..VOLLEY).map(|_| writer.packet(&[0x55; PAYLOAD]));
        let volley = volley.collect::<Result<Vec<_>>>()?;
        field.shoot(&elsewhere, open.address, &volley, "wrong-source")
    })?;
    if way == Way::Xdp {
        report.step("packets to a media port without a call", || {
            let closed = family.socket(Side::Inside, GATEWAY, CLOSED_PORT);
            field.shoot_below_the_engine(&disguised, closed, &recent()?)
        })?;
    }
    report.step("nothing was learned", || {
        let seen = relay.report()?;
        for call in &calls.calls {
            for leg in &call.legs {
                let flow = seen.flows.iter().find(|flow| flow.local == leg.connection.address);
                let remote = flow.and_then(|flow| flow.remote);
                ensure!(remote == Some(leg.address), "{} is believed at {remote:?}", leg.address);
            }
        }
        Ok(((), "every telephone is still known by its signalled address only"))
    })?;
    Ok(field.attacks)
}

/// Where shots are counted.
struct Field<'r> {
    relay: &'r Relay,
    attacks: Attacks,
}

impl Field<'_> {
    /// Sends packets and waits until the relay has dropped as many for `reason`, and none for any
    /// other.
    fn shoot(
        &mut self,
        from: &UdpSocket,
        to: SocketAddr,
        volley: &[Vec<u8>],
        reason: &'static str,
    ) -> Result<((), String)> {
        send(from, to, volley)?;
        *self.attacks.0.entry(reason).or_default() += volley.len() as u64;
        let agrees = || self.relay.report().ok().filter(|seen| self.attacks.agree_with(seen));
        if poll(PATIENCE, agrees).is_none() {
            let seen = self.relay.report()?;
            let (dropped, attacks) = (super::dropped(&seen), &self.attacks);
            anyhow::bail!("the relay dropped {dropped}, and should have dropped {attacks}");
        }
        Ok(((), format!("{} dropped as {reason}", volley.len())))
    }

    /// Sends packets that the XDP program must drop before the engine sees them.
    fn shoot_below_the_engine(
        &self,
        from: &UdpSocket,
        to: SocketAddr,
        volley: &[Vec<u8>],
    ) -> Result<((), String)> {
        const REASON: &str = "drop-unknown-media-port";
        let count = || -> Result<u64> {
            let ports = self.relay.report()?.ports;
            let inside = ports.iter().find(|port| port.network == Side::Inside.name());
            let inside = inside.context("the relay shows no port inside")?;
            inside.details.get(REASON).copied().with_context(|| format!("no counter {REASON}"))
        };
        let before = count()?;
        send(from, to, volley)?;
        let expected = before + volley.len() as u64;
        let counted = poll(PATIENCE, || count().ok().filter(|now| *now == expected));
        ensure!(counted.is_some(), "XDP counted {before}, then {}, not {expected}", count()?);
        Ok(((), format!("{} dropped in XDP as {REASON}", volley.len())))
    }
}

fn send(from: &UdpSocket, to: SocketAddr, volley: &[Vec<u8>]) -> Result<()> {
    for packet in volley {
        from.send_to(packet, to).with_context(|| format!("cannot send to {to}"))?;
    }
    Ok(())
}

/// A copy with one bit of the sequence number flipped, one that takes it ahead of its stream: what
/// lies behind is refused as a replay before its tag is looked at.
fn flipped_ahead(mut packet: Vec<u8>) -> Vec<u8> {
    let bit = [0x02, 0x04, 0x08, 0x10].into_iter().find(|bit| packet[2] & bit == 0);
    packet[2] ^= bit.unwrap_or(0x20);
    packet
}
