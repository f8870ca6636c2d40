//! The two calls: set up by the call agent, talked on by ffmpeg, compared, torn down.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use mgcp::{CallId, ConnectionMode, EndpointName};
use status::{Flow, RelayReport};

use super::topology::{Family, PHONE, Side, Topology};
use crate::agent::{CallAgent, Connection, Party};
use crate::key::Key;
use crate::phone::{self, Hung, Phone, Speech};
use crate::program::poll;
use crate::relay::Relay;
use crate::report::{Failed, Report};

/// How long everybody speaks, in seconds.
const SPEECH: usize = 8;

/// How long packets may take to start flowing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Two calls with telephones on them.
pub struct Calls<P> {
    pub calls: [Call<P>; 2],
}

/// One call.
pub struct Call<P> {
    id: CallId,
    /// What kind it is, for the report.
    what: &'static str,
    /// A's side, then B's.
    pub legs: [Leg<P>; 2],
}

/// One side of a call.
pub struct Leg<P> {
    /// Where the telephone is.
    pub address: SocketAddr,
    /// What the relay made for it.
    pub connection: Connection,
    key: Option<Key>,
    /// The telephone, or what it left.
    pub phone: P,
}

/// A telephone that talks.
pub struct Talker {
    pub call: phone::Call,
    speech: Speech,
}

/// What a telephone said, heard and moved.
pub struct Talked {
    said: Vec<i16>,
    hung: Hung,
}

impl Calls<Phone> {
    /// Connects the telephones and lets the call agent create both calls.
    pub fn set_up(
        report: &mut Report,
        agent: &mut CallAgent,
        network: &Topology,
        family: Family,
        dir: &Path,
    ) -> Result<Self, Failed> {
        let connect = |call: u16, side: Side| {
            let (namespace, name) = match side {
                Side::Inside => (&network.phone_a, "a"),
                Side::Outside => (&network.phone_b, "b"),
            };
            let address = family.socket(side, PHONE, 40_000 + 10 * call);
            let phone = Phone::connect(namespace, &format!("{name}{call}"), address, dir.into())?;
            anyhow::Ok((phone, address))
        };
        // R: MED-04
        let first = report.step("call 1: SRTP under key A, SRTP under key B", || {
            let keys = [Some(Key::random()?), Some(Key::random()?)];
            let phones = [connect(1, Side::Inside)?, connect(1, Side::Outside)?];
            // The relay's own keys come from the call agent, as CallManager does it.
            let chosen = [Some(Key::random()?), Some(Key::random()?)];
            let call = create(agent, "C1", "re-encrypted", phones, keys, chosen)?;
            let detail = describe(&call);
            Ok((call, detail))
        })?;
        let second = report.step("call 2: SRTP, RTP in clear", || {
            let keys = [Some(Key::random()?), None];
            let phones = [connect(2, Side::Inside)?, connect(2, Side::Outside)?];
            // The relay chooses its key, as RFC 4568 peers do it.
            let call = create(agent, "C2", "bridged", phones, keys, [None, None])?;
            let detail = describe(&call);
            Ok((call, detail))
        })?;
        Ok(Self { calls: [first, second] })
    }

    /// All four listen, then all four speak; done when packets reach everybody.
    pub fn start_talking(self, report: &mut Report) -> Result<Calls<Talker>, Failed> {
        report.step("everybody speaks and listens", || {
            let mut seed = 0;
            let listening = self.try_map(|leg| {
                let Connection { address, key, .. } = &leg.connection;
                leg.phone.listen(*address, key.as_ref())
            })?;
            let talking = listening.try_map(|leg| {
                seed += 1;
                let speech = leg.phone.speak(speech::speak(seed, SPEECH), leg.key.as_ref())?;
                Ok(Talker { call: leg.phone, speech })
            })?;
            for (name, leg) in talking.legs() {
                let reached = || (leg.phone.call.traffic().received >= 25).then_some(());
                poll(PATIENCE, reached).with_context(|| {
                    let traffic = leg.phone.call.traffic();
                    format!(
                        "{name} sent {} packets and heard {}; see its logs",
                        traffic.sent, traffic.received
                    )
                })?;
            }
            Ok((talking, "four telephones, 50 packets a second each"))
        })
    }
}

impl Calls<Talker> {
    /// Waits until everything is said, and compares what was heard.
    pub fn finish(self, report: &mut Report) -> Result<Calls<Talked>, Failed> {
        let talked = report.step("everybody hangs up", || {
            let talked = self.try_map(|leg| {
                let said = leg.phone.speech.finish()?;
                Ok((said, leg.phone.call))
            })?;
            // Nobody hangs up before the last has spoken.
            let talked = talked
                .try_map(|leg| Ok(Talked { said: leg.phone.0, hung: leg.phone.1.hang_up()? }))?;
            let sent: u64 = talked.legs().map(|(_, leg)| leg.phone.hung.traffic.sent).sum();
            Ok((talked, format!("{sent} RTP packets sent")))
        })?;
        for call in &talked.calls {
            for [speaker, listener] in [[0, 1], [1, 0]] {
                let name = ["A", "B"];
                let (from, to) = (name[speaker], name[listener]);
                // R: MED-04
                report.step(&format!("{} call: {to} heard what {from} said", call.what), || {
                    let said = &call.legs[speaker].phone.said;
                    let heard = &call.legs[listener].phone.hung.heard;
                    let comparison = speech::compare(said, heard);
                    ensure!(comparison.is_same(), "{comparison}");
                    Ok(((), comparison))
                })?;
            }
        }
        Ok(talked)
    }
}

impl Calls<Talked> {
    /// Whether the relay counted what the telephones sent and received, on the expected path, and
    /// knows each telephone only by its signalled address.
    pub fn agree_with(&self, seen: &RelayReport, path: &str) -> Result<()> {
        ensure!(seen.flows.len() == 4, "there are {} flows instead of 4", seen.flows.len());
        for (name, leg) in self.legs() {
            let flow = flow_of(seen, &leg.connection)?;
            let traffic = &leg.phone.hung.traffic;
            ensure!(flow.path == path, "{name} is on the path {}: {}", flow.path, flow.reason);
            ensure!(flow.remote == Some(leg.address), "{name} is believed at {:?}", flow.remote);
            let counted = [flow.packets_received, flow.packets_sent];
            let moved = [traffic.sent, traffic.received];
            ensure!(
                counted == moved,
                "{name} sent and received {moved:?} packets, the relay counted {counted:?}"
            );
            let control = [flow.rtcp_received, flow.rtcp_sent];
            let moved = [traffic.rtcp_sent, traffic.rtcp_received];
            ensure!(
                control == moved && moved[0] > 0,
                "{name} sent and received {moved:?} RTCP packets, the relay counted {control:?}"
            );
            ensure!(flow.packets_lost == 0, "{name} lost {} packets", flow.packets_lost);
        }
        Ok(())
    }

    /// Deletes the connections; the gateway's statistics are what the telephones moved, and then
    /// nothing is left.
    pub fn tear_down(
        self,
        report: &mut Report,
        agent: &mut CallAgent,
        relay: &Relay,
    ) -> Result<(), Failed> {
        report.step("calls end with their statistics", || {
            for call in &self.calls {
                for leg in &call.legs {
                    let statistics = agent.delete(call.id, &leg.connection)?;
                    let traffic = &leg.phone.hung.traffic;
                    let counted = [statistics.packets_received, statistics.packets_sent];
                    let moved = [traffic.sent, traffic.received].map(|count| Some(count as u32));
                    ensure!(
                        counted == moved,
                        "P: says {counted:?} packets received and sent, there were {moved:?}"
                    );
                }
            }
            let left = relay.report()?.flows.len();
            ensure!(left == 0, "{left} flows are left");
            Ok(((), "P: agrees with the telephones, no flow left"))
        })
    }
}

impl<P> Calls<P> {
    /// Each side with the telephone's name.
    fn legs(&self) -> impl Iterator<Item = (String, &Leg<P>)> {
        self.calls.iter().zip(1..).flat_map(|(call, number)| {
            let names = ["a", "b"].map(|side| format!("{side}{number}"));
            names.into_iter().zip(&call.legs)
        })
    }

    /// Takes every telephone to its next state, all of them before anything else happens.
    fn try_map<Q>(self, mut next: impl FnMut(Leg<P>) -> Result<Q>) -> Result<Calls<Q>> {
        let mut calls = Vec::new();
        for call in self.calls {
            let mut legs = Vec::new();
            for leg in call.legs {
                let (address, connection, key) =
                    (leg.address, leg.connection.clone(), leg.key.clone());
                legs.push(Leg { address, connection, key, phone: next(leg)? });
            }
            let legs = legs.try_into().unwrap_or_else(|_| unreachable!("two in, two out"));
            calls.push(Call { id: call.id, what: call.what, legs });
        }
        let calls = calls.try_into().unwrap_or_else(|_| unreachable!("two in, two out"));
        Ok(Calls { calls })
    }
}

/// Creates a call as call agents do: A's side waits, B's side is made, then A's may talk.
fn create(
    agent: &mut CallAgent,
    id: &str,
    what: &'static str,
    phones: [(Phone, SocketAddr); 2],
    keys: [Option<Key>; 2],
    chosen: [Option<Key>; 2],
) -> Result<Call<Phone>> {
    let id: CallId = id.parse().context("a call identifier")?;
    let [(phone_a, address_a), (phone_b, address_b)] = phones;
    let [key_a, key_b] = keys;
    let [chosen_a, chosen_b] = chosen;
    let any: EndpointName = "pr/$@relay1".parse().context("an endpoint name")?;

    let party = Party { address: address_a, key: key_a.as_ref(), gateway_key: chosen_a.as_ref() };
    let a = agent.create(&any, id, &party, ConnectionMode::Inactive)?;
    let party = Party { address: address_b, key: key_b.as_ref(), gateway_key: chosen_b.as_ref() };
    let b = agent.create(&a.endpoint, id, &party, ConnectionMode::SendRecv)?;
    agent.set_mode(id, &a, ConnectionMode::SendRecv)?;

    for (chosen, connection) in [(&chosen_a, &a), (&chosen_b, &b)] {
        if chosen.is_some() && *chosen != connection.key {
            bail!("the gateway protects with another key than it was told");
        }
    }
    let mut all: Vec<_> = [&key_a, &key_b, &a.key, &b.key].into_iter().flatten().collect();
    let count = all.len();
    all.sort_by_key(|key| key.octets());
    all.dedup();
    ensure!(all.len() == count, "two directions have the same key");

    let leg = |address, connection, key, phone| Leg { address, connection, key, phone };
    let legs = [leg(address_a, a, key_a, phone_a), leg(address_b, b, key_b, phone_b)];
    Ok(Call { id, what, legs })
}

fn describe(call: &Call<Phone>) -> String {
    let [a, b] = &call.legs;
    format!(
        "{}: {} ↔ {}, {} ↔ {}",
        a.connection.endpoint.as_str(),
        a.address,
        a.connection.address,
        b.connection.address,
        b.address
    )
}

fn flow_of<'r>(seen: &'r RelayReport, connection: &Connection) -> Result<&'r Flow> {
    let mut flows = seen.flows.iter();
    let found = flows.find(|flow| flow.connection.eq_ignore_ascii_case(connection.id.as_str()));
    found.with_context(|| format!("the relay shows no connection {}", connection.id.as_str()))
}
