//! SRTP of others through the relay: libsrtp in every suite that it and we know, ffmpeg in both of
//! its own. The relay takes the packets of each leg under one suite and sends them on under another.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use mgcp::{CallId, ConnectionMode, EndpointName};
use speech::g711::Law;
use srtp::Suite;

use super::topology::{Family, PHONE, Side, Topology};
use super::{Setting, Way, open};
use crate::agent::{CallAgent, Connection, Party};
use crate::key::Key;
use crate::phone::Phone;
use crate::program::poll;
use crate::relay::Relay;
use crate::report::Failed;
use crate::rtpw::{PAYLOAD, Receiver, Rtpw, SUITES, Sender};
use crate::scenario::Stage;

/// Packets each way between telephones on libsrtp.
const PACKETS: u8 = 100;

/// Packets under a wrong key.
const WRONG: u64 = 10;

/// How long ffmpeg and libsrtp talk, in seconds.
const SPEECH: usize = 3;

const FAMILY: Family = Family::V4;

// R: MED-04
/// Plays all of them.
pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let setting = Setting { family: FAMILY, way: Way::Xdp };
    let (network, mut agent, relay) = open(stage, setting)?;
    let Stage { report, dir, .. } = stage;

    for (n, suite) in SUITES.into_iter().enumerate() {
        let other = SUITES[(n + 1) % SUITES.len()];
        report.step(&format!("libsrtp {suite} ↔ {other} libsrtp"), || {
            let call = Call::set_up(&mut agent, n as u16, [suite, other])?;
            let detail = call.exchange(&network, &relay)?;
            call.tear_down(&mut agent)?;
            Ok(((), detail))
        })?;
    }
    let with_ffmpeg = [
        [Suite::AesCm128HmacSha1_80, Suite::AeadAes256Gcm],
        [Suite::AesCm128HmacSha1_32, Suite::AesCm256HmacSha1_80],
    ];
    for (n, [suite, other]) in (SUITES.len()..).zip(with_ffmpeg) {
        report.step(&format!("ffmpeg {suite} ↔ {other} libsrtp"), || {
            let call = Call::set_up(&mut agent, n as u16, [suite, other])?;
            let detail = call.converse(&network, dir)?;
            call.tear_down(&mut agent)?;
            Ok(((), detail))
        })?;
    }
    report.step("nothing is left, the relay stops cleanly", || {
        let left = relay.report()?.flows.len();
        ensure!(left == 0, "{left} flows are left");
        relay.stop()?;
        Ok(((), "no flow, and exit status 0"))
    })
}

/// A call with SRTP on both legs.
struct Call {
    id: CallId,
    /// The telephones', A and B.
    addresses: [SocketAddr; 2],
    keys: [Key; 2],
    connections: [Connection; 2],
}

impl Call {
    fn set_up(agent: &mut CallAgent, number: u16, suites: [Suite; 2]) -> Result<Self> {
        let id: CallId = format!("{number:x}").parse().context("a call identifier")?;
        let any: EndpointName = "pr/$@relay1".parse().context("an endpoint name")?;
        let addresses = [Side::Inside, Side::Outside]
            .map(|side| FAMILY.socket(side, PHONE, 42_000 + 10 * number));
        let keys = [Key::random_for(suites[0])?, Key::random_for(suites[1])?];
        let party =
            |n: usize| Party { address: addresses[n], key: Some(&keys[n]), gateway_key: None };
        let a = agent.create(&any, id, &party(0), ConnectionMode::SendRecv)?;
        let b = agent.create(&a.endpoint, id, &party(1), ConnectionMode::SendRecv)?;
        Ok(Self { id, addresses, keys, connections: [a, b] })
    }

    fn tear_down(&self, agent: &mut CallAgent) -> Result<()> {
        for connection in &self.connections {
            agent.delete(self.id, connection)?;
        }
        Ok(())
    }

    /// What the relay protects with towards a telephone.
    fn relays_key(&self, side: usize) -> Result<&Key> {
        self.connections[side].key.as_ref().context("the relay has a key")
    }

    /// A telephone on libsrtp.
    fn rtpw(&self, network: &Topology, side: usize) -> Result<Rtpw> {
        let namespace = [&network.phone_a, &network.phone_b][side];
        let keys = [&self.keys[side], self.relays_key(side)?];
        Rtpw::open(namespace, self.addresses[side], self.connections[side].address, keys)
    }

    /// Two telephones on libsrtp: every payload and report arrives as it was sent, and what is
    /// under a wrong key does not.
    fn exchange(&self, network: &Topology, relay: &Relay) -> Result<String> {
        let mut a = self.rtpw(network, 0)?;
        let mut b = self.rtpw(network, 1)?;
        for n in 0..PACKETS {
            carry(&mut a, &mut b, n)?;
            carry(&mut b, &mut a, !n)?;
        }
        carry_report(&mut a, &mut b)?;
        carry_report(&mut b, &mut a)?;

        let wrong = Key::random_for(self.keys[0].suite())?;
        let refused = || -> Result<u64> {
            Ok(relay.report()?.packets.dropped.get("auth-failed").copied().unwrap_or(0))
        };
        let before = refused()?;
        let mut liar = Sender::new(&wrong)?;
        for _ in 0..u64::from(PACKETS) + WRONG {
            // Of a's stream, ahead of where it is.
            liar.packet(&[0xee; PAYLOAD])?;
        }
        for _ in 0..WRONG {
            a.send_packet(&liar.packet(&[0xee; PAYLOAD])?)?;
        }
        let all = poll(super::PATIENCE, || refused().ok().filter(|now| *now >= before + WRONG));
        ensure!(all == Some(before + WRONG), "not all packets under a wrong key were refused");

        // What comes next is a's own: of the others nothing has passed. And it is the relay's key
        // that opens it, no other.
        const RIGHT: [u8; PAYLOAD] = [0xaa; PAYLOAD];
        a.send(&RIGHT)?;
        let arrived = b.arrival()?;
        let wrong = Key::random_for(self.keys[1].suite())?;
        ensure!(
            Receiver::new(&wrong)?.payload(arrived.clone()).is_err(),
            "what the relay sends opens under any key"
        );
        ensure!(b.payload(arrived)? == RIGHT, "another packet passed");
        Ok(format!(
            "{PACKETS} packets each way octet by octet, a report each way; {WRONG} under a wrong key \
             refused as auth-failed"
        ))
    }

    /// A is ffmpeg, B on libsrtp: each hears what the other says.
    fn converse(&self, network: &Topology, dir: &Path) -> Result<String> {
        let name = format!("ffmpeg-{}", self.keys[0].suite());
        let phone = Phone::connect(&network.phone_a, &name, self.addresses[0], dir.into())?;
        let phone = phone.listen(self.connections[0].address, Some(self.relays_key(0)?))?;
        let mut b = self.rtpw(network, 1)?;

        let [a_says, b_says] = [1, 2].map(|speaker| speech::speak(speaker, SPEECH));
        let speech = phone.speak(a_says, Some(&self.keys[0]))?;
        let heard = b.talk(&Law::Mu.encode(&b_says), SPEECH * speech::RATE)?;
        let a_said = speech.finish()?;
        let hung = phone.hang_up()?;

        let b_heard = speech::compare(&a_said, &Law::Mu.decode(&heard.payload));
        ensure!(b_heard.is_same(), "libsrtp heard ffmpeg: {b_heard}");
        let a_heard = speech::compare(&b_says, &hung.heard);
        ensure!(a_heard.is_same(), "ffmpeg heard libsrtp: {a_heard}");
        ensure!(heard.reports > 0, "libsrtp heard no RTCP of ffmpeg");
        Ok(format!("libsrtp: {b_heard}; ffmpeg: {a_heard}"))
    }
}

/// A packet from one to the other.
fn carry(from: &mut Rtpw, to: &mut Rtpw, filling: u8) -> Result<()> {
    from.send(&[filling; PAYLOAD])?;
    let arrived = to.arrival()?;
    ensure!(to.payload(arrived)? == [filling; PAYLOAD], "a packet arrived with another payload");
    Ok(())
}

fn carry_report(from: &mut Rtpw, to: &mut Rtpw) -> Result<()> {
    ensure!(from.report()? == to.hear_report()?, "another report arrived");
    Ok(())
}
