//! What IPsec adds to setting a call up: CRCX and MDCX, one after the other, with ESP around each of
//! the four datagrams at both ends, and without.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use esp::{
    Action, Config, Direction, HEADROOM, Ipsec, Keys, Lifetime, Packet, Policy, RequestId, SaSpec,
    Selector, Suite, TAILROOM, Verdict,
};
use wire::datagram::{ChecksumRule, Datagram};

use super::ROUNDS;
use super::callagent::{CallAgent, succeeded};
use super::subject::{AGENT, Kind, Subject};
use crate::cpu::thread_time;
use crate::report::{Better, Row};

const GATEWAY: &str = "10.9.0.2:2427";
/// Calls of a round.
const CALLS: usize = 500;
/// IPv4 and UDP.
const HEADERS: usize = 28;

// R: MGCP-05
/// Set-up in clear against set-up behind ESP.
pub(super) fn rows() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for suite in [Suite::AesGcm128, Suite::AesCbc128Sha1] {
        let (mut protected, mut clear) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let samples = [set_up(Some(Path::new(suite)?))?, set_up(None)?];
            if round > 0 {
                protected.push(samples[0]);
                clear.push(samples[1]);
            }
        }
        let name = format!("set-up of a call behind {suite}, both ends' ESP and the gateway");
        let peer = ("the same in clear", clear);
        rows.push(Row::compared(name, "µs", Better::Lower, protected, peer));
    }
    Ok(rows)
}

/// Microseconds that CRCX and MDCX of a call take at both ends of the path and in the gateway.
fn set_up(mut path: Option<Path>) -> Result<f64> {
    let mut subject = Subject::new()?;
    let mut agent = CallAgent::new(Kind::Srtp);
    let mut busy = Duration::ZERO;
    let mut exchange = |subject: &mut Subject, datagram: &[u8]| -> Result<String> {
        let start = thread_time();
        match &mut path {
            None => subject.ask(datagram),
            Some(path) => {
                let heard = path.there.carry(datagram)?;
                subject.ask(&heard);
            }
        }
        let answer = subject.answer().context("the gateway has not answered")?;
        let heard = match &mut path {
            None => answer.to_vec(),
            Some(path) => path.back.carry(&answer)?,
        };
        busy += thread_time() - start;
        Ok(String::from_utf8_lossy(&heard).into_owned())
    };
    for _ in 0..CALLS {
        let created = agent
            .create(1)
            .iter()
            .map(|d| exchange(&mut subject, d))
            .collect::<Result<Vec<_>>>()?;
        let calls = agent.created(&created)?;
        let modified = exchange(&mut subject, &agent.modify(&calls)[0])?;
        succeeded(&[modified], 1)?;
        for datagram in agent.delete(&calls) {
            subject.ask(&datagram);
            subject.answers();
        }
    }
    Ok(busy.as_secs_f64() * 1e6 / CALLS as f64)
}

/// The way between a call agent and a gateway.
struct Path {
    there: OneWay,
    back: OneWay,
}

impl Path {
    fn new(suite: Suite) -> Result<Self> {
        Ok(Self {
            there: OneWay::new(suite, AGENT, GATEWAY)?,
            back: OneWay::new(suite, GATEWAY, AGENT)?,
        })
    }
}

/// One direction, both ends.
struct OneWay {
    now: Instant,
    datagram: Datagram,
    seals: Ipsec,
    opens: Ipsec,
}

impl OneWay {
    fn new(suite: Suite, source: &str, destination: &str) -> Result<Self> {
        let now = Instant::now();
        let datagram = Datagram {
            source: source.parse()?,
            destination: destination.parse()?,
            traffic_class: 0x68,
            hops: 64,
            checksum: 0,
            payload_at: HEADERS,
            payload_len: 0,
        };
        let hosts = [datagram.source.ip(), datagram.destination.ip()];
        let [seals, opens] = [Direction::Outbound, Direction::Inbound]
            .map(|direction| end(now, suite, direction, hosts));
        Ok(Self { now, datagram, seals: seals?, opens: opens? })
    }

    /// What comes out at the other end.
    fn carry(&mut self, payload: &[u8]) -> Result<Vec<u8>> {
        let len = HEADERS + payload.len();
        let mut buffer = vec![0; HEADROOM + len + TAILROOM];
        buffer[HEADROOM + HEADERS..][..payload.len()].copy_from_slice(payload);
        let datagram = Datagram { payload_len: payload.len(), ..self.datagram };
        datagram.emit_ip(&mut buffer[HEADROOM..HEADROOM + len], ChecksumRule::Compute);
        let mut packet = [Packet::new(&mut buffer, HEADROOM..HEADROOM + len)];
        self.seals.outbound(self.now, &mut packet);
        ensure!(matches!(packet[0].verdict, Verdict::Protected(_)), "it was not sealed");
        let sealed = packet[0].range();
        let mut packet = [Packet::new(&mut buffer, sealed)];
        self.opens.inbound(self.now, &mut packet);
        ensure!(matches!(packet[0].verdict, Verdict::Protected(_)), "it was not opened");
        let range = packet[0].range();
        Ok(buffer[range][HEADERS..].to_vec())
    }
}

fn end(now: Instant, suite: Suite, direction: Direction, hosts: [IpAddr; 2]) -> Result<Ipsec> {
    let (ours, theirs) = match direction {
        Direction::Outbound => (hosts[0], hosts[1]),
        Direction::Inbound => (hosts[1], hosts[0]),
    };
    let between = Selector::between(ours, theirs);
    let keys = Keys::new(
        suite,
        &vec![1; suite.encryption_key_len()],
        &vec![2; suite.integrity_key_len()],
    )?;
    let mut spec = SaSpec::new(direction, 0x1000, hosts[0], hosts[1], keys, [3; 16]);
    spec.selectors = vec![between.clone()];
    spec.lifetime = Lifetime::UNLIMITED;
    let mut ipsec = Ipsec::new(Config::default());
    ipsec.set_policies(vec![Policy::new(between, Action::Protect(RequestId(0)))]);
    ipsec.add_sa(now, spec)?;
    Ok(ipsec)
}
