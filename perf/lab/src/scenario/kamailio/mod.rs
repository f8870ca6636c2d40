//! Kamailio with a relay that is not ours, and then with ours, by one changed address.
//!
//! A telephone inside calls one outside, SRTP on its side, RTP on the other. The proxy gives every
//! session description to the relay by rtpengine's protocol. Debian's rtpengine does it first, so
//! that what the telephones and the proxy do is known to be right; then `ringfence-datad`.

mod proxy;
mod sip;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use srtp::Suite;

use super::Stage;
use super::relay::topology::{Family, GATEWAY, PHONE, Side, Topology};
use crate::key::Key;
use crate::phone;
use crate::program::{Program, poll};
use crate::relay::Relay;
use crate::report::{Failed, Report};
use proxy::Places;

/// Where the relays listen, ours and the other one.
const OURS: u16 = 2223;
const THEIRS: u16 = 2224;
const SIP: u16 = 5060;
const MEDIA: u16 = 40_000;

/// Seconds of speech.
const SPEECH: usize = 4;

/// How long something may take that takes no time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Plays it.
pub fn play(stage: &mut Stage) -> Result<(), Failed> {
    let Stage { lab, report, programs, dir } = stage;
    let network = report.step("network", || {
        let network = Topology::build(lab)?;
        Ok((network, "a telephone inside, one outside, proxy and relay between"))
    })?;
    let mut round = Round { network: &network, report, dir, number: 0 };

    let theirs = round.report.step("rtpengine starts", || {
        let program = start_rtpengine(&network, dir)?;
        Ok((program, format!("Debian's, in user space, at port {THEIRS}")))
    })?;
    round.call("rtpengine", THEIRS, || Ok("BYE was answered".to_owned()))?;
    drop(theirs);

    let relay = round.report.step("ringfence-datad starts", || {
        let relay = Relay::start(&network.gateway, programs, &configuration(), dir)?;
        Ok((relay, format!("ng at port {OURS}")))
    })?;
    round.call("ringfence", OURS, || {
        let seen = relay.report()?;
        let flows: Vec<_> = seen.flows.iter().filter(|flow| flow.endpoint == "ng").collect();
        let [one, other] = &flows[..] else { bail!("the relay reports {} flows", flows.len()) };
        let (srtp, rtp) = if one.receive == "RTP" { (other, one) } else { (one, other) };
        ensure!(srtp.receive != "RTP" && rtp.receive == "RTP", "{flows:?}");
        ensure!(srtp.network == "inside" && rtp.network == "outside", "{flows:?}");
        ensure!(rtp.packets_sent == srtp.packets_received, "{flows:?}");
        Ok(format!("{} inside on {}, RTP outside on {}", srtp.receive, srtp.path, rtp.path))
    })?;
    report.step("the relay has let the call go", || {
        let seen = relay.report()?;
        ensure!(seen.flows.is_empty(), "{} flows are left", seen.flows.len());
        let count = |what: &str| seen.ng.get(what).copied().unwrap_or(0);
        let counted = [count("offers"), count("answers"), count("calls_deleted"), count("refused")];
        ensure!(counted == [1, 1, 1, 0], "offers, answers, deletes, refusals: {counted:?}");
        ensure!(count("warned") == 0, "Kamailio asked for something that was passed over");
        Ok(((), "one offer, one answer, one delete, nothing passed over"))
    })?;
    report.step("relay stops cleanly", || {
        relay.stop()?;
        let left = network.interfaces_with_xdp()?;
        ensure!(left.is_empty(), "XDP is still attached to {left:?}");
        Ok(((), "no XDP program left"))
    })
}

/// A call with one relay.
struct Round<'s> {
    network: &'s Topology,
    report: &'s mut Report,
    dir: &'s Path,
    number: u16,
}

impl Round<'_> {
    /// Plays it with the relay `name` at `port`; `look` sees it while the call stands.
    fn call(
        &mut self,
        name: &str,
        port: u16,
        look: impl FnOnce() -> Result<String>,
    ) -> Result<(), Failed> {
        let Self { network, report, dir, number } = self;
        *number += 1;
        let family = Family::V4;
        let places = Places {
            inside: family.socket(Side::Inside, GATEWAY, SIP),
            outside: family.socket(Side::Outside, GATEWAY, SIP),
            callee: family.socket(Side::Outside, PHONE, SIP),
        };
        let log = format!("kamailio-{name}");
        let mut proxy = report.step(&format!("Kamailio starts with {name}"), || {
            let relay = SocketAddr::from(([127, 0, 0, 1], port));
            let program = proxy::start(&network.gateway, &places, relay, &log, dir)?;
            Ok((program, format!("rtpengine_sock udp:{relay}")))
        })?;
        let call = report.step(&format!("{name}: the call is set up"), || {
            let call = Call::set_up(network, &places, *number, dir)?;
            let detail = format!("media inside to {}, outside to {}", call.relay[0], call.relay[1]);
            Ok((call, detail))
        })?;
        let call =
            report.step(&format!("{name}: both hear what the other says"), || call.talk())?;
        report.step(&format!("{name}: the call ends"), || {
            let seen = look()?;
            call.hang_up(&places)?;
            // Its processes have to go with it.
            proxy.stop(PATIENCE)?;
            Ok(((), seen))
        })
    }
}

/// A call that stands.
struct Call {
    signalling: [sip::Phone; 2],
    dialogue: sip::Dialogue,
    phones: Option<[phone::Phone; 2]>,
    /// Where the telephones inside and outside send to.
    relay: [SocketAddr; 2],
    /// What the telephone inside sends and hears with.
    keys: [Key; 2],
}

impl Call {
    fn set_up(network: &Topology, places: &Places, number: u16, dir: &Path) -> Result<Self> {
        let family = Family::V4;
        let sides = [Side::Inside, Side::Outside];
        let namespaces = [&network.phone_a, &network.phone_b];
        let own = sides.map(|side| family.socket(side, PHONE, SIP));
        let media = sides.map(|side| family.socket(side, PHONE, MEDIA + 10 * number));
        let a = sip::Phone::open(namespaces[0], own[0], "a")?;
        let b = sip::Phone::open(namespaces[1], own[1], "b")?;
        let phone = |side: usize, name: &str| {
            let name = format!("{name}{number}");
            phone::Phone::connect(namespaces[side], &name, media[side], dir.into())
        };
        let phones = [phone(0, "a")?, phone(1, "b")?];

        let key = Key::random()?;
        let crypto = format!("a=crypto:1 {} inline:{}\r\n", key.suite(), key.base64());
        let offer = description(media[0], "RTP/SAVP", &crypto);
        a.invite(places.inside, "b", &format!("call-{number}"), &offer)?;
        let invite = b.expect("INVITE")?;
        ensure!(
            invite.body.contains("RTP/AVP") && !invite.body.contains("a=crypto"),
            "B is offered {}",
            invite.body
        );
        b.accept(places.outside, &invite, &description(media[1], "RTP/AVP", ""))?;
        let (dialogue, answer) = a.accepted()?;
        a.acknowledge(places.inside, &dialogue)?;
        b.expect("ACK")?;
        let theirs = key_of(&answer)?;
        ensure!(theirs.base64() != key.base64(), "the relay sends with our own key");
        Ok(Self {
            signalling: [a, b],
            dialogue,
            phones: Some(phones),
            relay: [media_of(&answer)?, media_of(&invite.body)?],
            keys: [key, theirs],
        })
    }

    fn talk(mut self) -> Result<(Self, String)> {
        let [a, b] = self.phones.take().context("they have talked")?;
        let [ours, theirs] = &self.keys;
        let (a, b) = (a.listen(self.relay[0], Some(theirs))?, b.listen(self.relay[1], None)?);
        let speech_a = a.speak(speech::speak(1, SPEECH), Some(ours))?;
        let speech_b = b.speak(speech::speak(2, SPEECH), None)?;
        for (name, call) in [("A", &a), ("B", &b)] {
            poll(PATIENCE, || (call.traffic().received >= 25).then_some(()))
                .with_context(|| format!("{name} hears nothing; see its logs"))?;
        }
        let (said_a, said_b) = (speech_a.finish()?, speech_b.finish()?);
        let (at_a, at_b) = (a.hang_up()?, b.hang_up()?);
        let heard = [speech::compare(&said_a, &at_b.heard), speech::compare(&said_b, &at_a.heard)];
        for comparison in &heard {
            ensure!(comparison.is_same(), "{comparison}");
        }
        let detail = format!("SRTP to RTP: {}; RTP to SRTP: {}", heard[0], heard[1]);
        Ok((self, detail))
    }

    fn hang_up(mut self, places: &Places) -> Result<()> {
        let [a, b] = &self.signalling;
        a.bye(places.inside, &mut self.dialogue)?;
        let bye = b.expect("BYE")?;
        b.accept(places.outside, &bye, "")?;
        a.expect_ok()
    }
}

fn description(media: SocketAddr, profile: &str, lines: &str) -> String {
    let (ip, port) = (media.ip(), media.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {port} {profile} 0\r\na=rtpmap:0 PCMU/8000\r\n{lines}"
    )
}

/// Where a description wants media to go.
fn media_of(description: &str) -> Result<SocketAddr> {
    let find = |start: &str| description.lines().rev().find_map(|line| line.strip_prefix(start));
    let ip = find("c=IN IP4 ").context("no address")?.trim().parse().context("no IP address")?;
    let port = find("m=audio ").and_then(|rest| rest.split(' ').next()).context("no port")?;
    Ok(SocketAddr::new(ip, port.parse().context("no port number")?))
}

/// The first key of a description.
fn key_of(description: &str) -> Result<Key> {
    use base64ct::{Base64Unpadded, Encoding};
    let line = description.lines().find_map(|line| line.strip_prefix("a=crypto:"));
    let line = line.with_context(|| format!("no key in {description}"))?;
    let mut words = line.split_whitespace().skip(1);
    let suite = words.next().and_then(Suite::from_name).context("no suite")?;
    let inline = words.next().and_then(|word| word.strip_prefix("inline:")).context("no key")?;
    let text = inline.split('|').next().unwrap_or_default().trim_end_matches('=');
    let octets = Base64Unpadded::decode_vec(text).ok().context("the key is not base64")?;
    Key::new(suite, &octets)
}

fn start_rtpengine(network: &Topology, dir: &Path) -> Result<Program> {
    let [inside, outside] =
        [Side::Inside, Side::Outside].map(|side| Family::V4.address(side, GATEWAY));
    let mut command = network.gateway.command("rtpengine");
    command
        .args(["--foreground", "--log-stderr", "--log-level=6", "--table=-1"])
        .arg(format!("--interface=inside/{inside}"))
        .arg(format!("--interface=outside/{outside}"))
        .arg(format!("--listen-ng=127.0.0.1:{THEIRS}"))
        .args(["--port-min=16384", "--port-max=32767", "--num-threads=1"])
        .args(["--no-redis-required", "--config-file=none"]);
    let mut program = Program::start("rtpengine", command, dir)?;
    let port = format!(":{THEIRS:04X}");
    let table = || std::fs::read_to_string("/proc/thread-self/net/udp").unwrap_or_default();
    let listens = || network.gateway.enter(table).is_ok_and(|table| table.contains(&port));
    poll(PATIENCE, || (listens() || program.expect_running().is_err()).then_some(()));
    program.expect_running()?;
    Ok(program)
}

/// Our relay: the same two networks by name, and `ng` for the proxy on this host. MGCP has nobody.
fn configuration() -> String {
    let mut text = format!(
        "[datad.gateway]\nname = \"relay1\"\nlisten = [\"127.0.0.1:2427\"]\n\
         call_agents = [\"127.0.0.1\"]\n\n[datad.ng]\nudp = [\"127.0.0.1:{OURS}\"]\n"
    );
    for side in [Side::Inside, Side::Outside] {
        text += &format!(
            "\n[[datad.media]]\nname = \"{name}\"\ninterface = \"{name}\"\n\
             addresses = [\"{}\"]\nnetworks = [\"{}\"]\n",
            Family::V4.address(side, GATEWAY),
            Family::V4.network(side),
            name = side.name(),
        );
    }
    text
}
