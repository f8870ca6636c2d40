//! What is measured, each as it would be on its interface.

use std::net::{IpAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use abi::XdpReason;
use anyhow::{Context, Result, bail, ensure};
use engine::command::{
    Command, Event, LegId, LegSpec, Mode, Protection, RelayId, Reply, RtcpPolicy, SourceRule,
};
use engine::{Config, Engine, Output, PortConfig, ReportCursor, Tier};
use pktgen::Role;
use port::{BURST, Frame, Path, PathKind, Pool, Port, PortId};
use port_xdp::{Place, Program, ProgramConfig, XdpPort, XdpTier};
use srtp::{Keying, MasterKey, Suite};
use wire::datagram::{ChecksumRule, Datagram};
use wire::ethernet::{self, MacAddr};

use super::bench::{FAR, FAR_MAC, LOCAL, MEDIA_PORTS, NEAR_MAC, PEER};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// An XDP program that counts and drops.
    Drop,
    /// An XDP program that exchanges MAC addresses and sends the frame back.
    Bounce,
    /// The same by way of a table of interfaces.
    Redirect,
    /// Our XDP program's fast tier, RTP to RTP.
    Fast,
    /// Our AF_XDP port; frames go back with MAC addresses exchanged.
    Port,
    /// Port and relay, RTP to RTP.
    Rtp,
    /// Port and relay, SRTP to RTP.
    Opened,
    /// Port and relay, SRTP to SRTP under another key.
    Srtp,
}

/// The suite of [`Subject::Srtp`].
pub(crate) const SUITE: Suite = Suite::AesCm128HmacSha1_80;

/// A packet without payload.
const RTP: [u8; 12] = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Each stretch of a flow's way has keys of its own.
#[derive(Clone, Copy)]
enum Stretch {
    FromInside = 1,
    ToOutside,
    FromOutside,
    ToInside,
}

/// What a worker did.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) path: Path,
    /// Frames received.
    pub(crate) frames: u64,
    /// Time in rounds that received something.
    pub(crate) busy: Duration,
}

impl Subject {
    /// What an XDP program does that is not ours.
    pub(crate) fn bare(self) -> Option<Role> {
        match self {
            Self::Bounce => Some(Role::Bounce),
            Self::Redirect => Some(Role::Redirect),
            _ => None,
        }
    }

    /// Whether frames turn round in an XDP program.
    pub(crate) fn is_in_xdp(self) -> bool {
        matches!(self, Self::Bounce | Self::Redirect | Self::Fast)
    }

    /// Whether what arrives is SRTP.
    pub(crate) fn is_protected(self) -> bool {
        matches!(self, Self::Opened | Self::Srtp)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Drop => "bare XDP_DROP",
            Self::Bounce => "bare XDP_TX",
            Self::Redirect => "bare devmap redirect",
            Self::Fast => "fast tier RTP to RTP",
            Self::Port => "bare AF_XDP forward",
            Self::Rtp => "relay RTP to RTP",
            Self::Opened => "relay SRTP to RTP",
            Self::Srtp => "relay SRTP to SRTP",
        }
    }
}

/// Relays what the interface receives until `stop`. Runs in the namespace of the far end.
pub(crate) fn work(
    subject: Subject,
    flows: u16,
    stop: &AtomicBool,
    ready: impl FnOnce(),
) -> Result<Work> {
    let mut pool = Pool::new(8192, 2048)?;
    let mut config = ProgramConfig::new(FAR);
    config.media.push((IpAddr::V4(*LOCAL.ip()), MEDIA_PORTS));
    config.max_legs = 2 * u32::from(flows);
    let program = Arc::new(Program::attach(&config)?);
    let mut port =
        XdpPort::open(&mut pool, program.clone(), &port_xdp::PortConfig::default(), None)?;
    let mut engine = match subject {
        Subject::Drop | Subject::Bounce | Subject::Redirect => bail!("nobody works here"),
        Subject::Port => None,
        Subject::Fast => {
            let mut engine = engine(&mut port, flows, Some(&program), |_, _| Protection::Plain)?;
            first_packets(&mut engine, &mut pool, flows)?;
            ready();
            return wait(&mut engine, &program, stop);
        }
        Subject::Rtp => Some(engine(&mut port, flows, None, |_, _| Protection::Plain)?),
        Subject::Opened => Some(engine(&mut port, flows, None, |flow, of| match of {
            Stretch::FromInside | Stretch::ToInside => Protection::Srtp(key(flow, of)),
            Stretch::FromOutside | Stretch::ToOutside => Protection::Plain,
        })?),
        Subject::Srtp => {
            let secured = |flow, of| Protection::Srtp(key(flow, of));
            Some(engine(&mut port, flows, None, secured)?)
        }
    };
    if engine.is_none() {
        for flow in 0..flows {
            port.open_media(received_at(flow).into())?;
        }
    }
    ready();

    let (mut burst, mut out) = (Vec::with_capacity(BURST), Output::new(1));
    let (mut frames, mut busy) = (0, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let begin = Instant::now();
        let count = port.rx(&mut pool, &mut burst)?;
        match &mut engine {
            Some(engine) if count > 0 => {
                engine.handle_burst(begin, PortId(0), &mut burst, &mut out);
                pool.give_all(&mut out.done);
            }
            _ => turn_round(&mut burst, &mut out.to[0]),
        }
        port.tx(&mut pool, &mut out.to[0])?;
        // What does not fit now never will: the next burst is there already.
        pool.give_all(&mut out.to[0]);
        if count > 0 {
            frames += count as u64;
            busy += begin.elapsed();
        }
    }
    let path = port.path();
    port.close(&mut pool);
    Ok(Work { path, frames, busy })
}

/// Has the engine see a packet of each flow, as it would from the port, so that it lets them leave in
/// the fast tier.
fn first_packets(engine: &mut Engine, pool: &mut Pool, flows: u16) -> Result<()> {
    let (mut burst, mut out) = (Vec::new(), Output::new(2));
    for flow in 0..flows {
        let datagram = Datagram {
            source: PEER.into(),
            destination: received_at(flow).into(),
            traffic_class: 0,
            hops: 64,
            checksum: 0,
            payload_at: 0,
            payload_len: RTP.len(),
        };
        let link = ethernet::Header {
            destination: MacAddr(FAR_MAC),
            source: MacAddr(NEAR_MAC),
            tags: [None; 2],
            ether_type: ethernet::IPV4,
        };
        let mut frame = vec![0; link.len() + datagram.headers_len()];
        link.emit(&mut frame);
        frame.extend(RTP);
        datagram.emit_ip(&mut frame[link.len()..], ChecksumRule::None);
        let mut chunk = pool.take().context("the pool is empty")?;
        chunk.fill(&frame);
        burst.push(chunk);
        engine.handle_burst(Instant::now(), PortId(0), &mut burst, &mut out);
        for frames in out.to.iter_mut().chain([&mut out.done]) {
            pool.give_all(frames);
        }
    }
    Ok(())
}

/// Lets the fast tier work until `stop`; fails unless the engine knows what passed there.
fn wait(engine: &mut Engine, program: &Program, stop: &AtomicBool) -> Result<Work> {
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(1));
    }
    let counters = program.counters()?;
    let forwarded = counters.iter().find(|(reason, _)| *reason == XdpReason::Forward);
    let forwarded = forwarded.map_or(0, |(_, count)| *count);
    let (mut legs, mut next) = (Vec::new(), Some(ReportCursor::default()));
    while let Some(cursor) = next {
        next = engine.report(Instant::now(), cursor, usize::MAX, &mut legs);
    }
    let first = legs.iter().filter(|leg| leg.tier == Tier::Fast).count() as u64;
    let known: u64 = legs.iter().map(|leg| leg.stats.packets_received).sum();
    ensure!(known == forwarded + first, "{forwarded} packets passed, {known} are known");
    let path = Path { kind: PathKind::Xdp, reason: "new headers in the XDP program".into() };
    Ok(Work { path, frames: 0, busy: Duration::ZERO })
}

fn turn_round(burst: &mut Vec<Frame>, out: &mut Vec<Frame>) {
    for mut frame in burst.drain(..) {
        let (destination, source) = frame.bytes_mut()[..12].split_at_mut(6);
        destination.swap_with_slice(source);
        out.push(frame);
    }
}

/// An engine with a relay for each flow, its ports open and its next hop known.
///
/// With a program, flows leave in its fast tier, and by way of another port, as between two interfaces.
fn engine(
    port: &mut XdpPort,
    flows: u16,
    fast: Option<&Arc<Program>>,
    protection: impl Fn(u16, Stretch) -> Protection,
) -> Result<Engine> {
    let one =
        PortConfig { medium: port.medium(), mtu: 1500, mac: MacAddr(FAR_MAC), tags: [None; 2] };
    let config = Config {
        ports: vec![one; 2],
        max_legs: 2 * usize::from(flows),
        srtp: srtp::Config { max_sessions: 4 * usize::from(flows), ..srtp::Config::default() },
    };
    let now = Instant::now();
    let mut engine = Engine::new(now, config);
    if let Some(program) = fast {
        let place = Place { program: Some(program.clone()), exit: Ok(()) };
        engine.set_fast_tier(Box::new(XdpTier::new(vec![place.clone(), place])?));
    }
    let exit = PortId(u8::from(fast.is_some()));
    for flow in 0..flows {
        let inside = leg(
            PortId(0),
            received_at(flow),
            protection(flow, Stretch::FromInside),
            protection(flow, Stretch::ToInside),
        );
        let outside = leg(
            exit,
            sent_from(flows, flow),
            protection(flow, Stretch::FromOutside),
            protection(flow, Stretch::ToOutside),
        );
        for (side, spec) in [inside, outside].into_iter().enumerate() {
            port.open_media(spec.local)?;
            let leg = LegId(u64::from(flow) * 2 + side as u64);
            let (relay, spec) = (RelayId(flow.into()), Box::new(spec));
            match engine.execute(now, Command::Open { leg, relay, spec }) {
                Reply::Done => {}
                other => bail!("the engine does not open {leg:?}: {other:?}"),
            }
        }
    }
    while let Some(event) = engine.poll_event() {
        if let Event::NextHopWanted(port, address) = event {
            engine.set_next_hop(port, address, Some(MacAddr(NEAR_MAC)));
        }
    }
    Ok(engine)
}

fn leg(port: PortId, local: SocketAddrV4, receive: Protection, send: Protection) -> LegSpec {
    LegSpec {
        port,
        local: local.into(),
        remote: Some(PEER.into()),
        remote_rtcp: None,
        mode: Mode::SendRecv,
        receive,
        send,
        rtcp: RtcpPolicy::Off,
        source: SourceRule::Exact,
        dscp: None,
        idle_after: Duration::ZERO,
        clock_hz: 8000,
    }
}

/// The keys under which a flow arrives.
pub(crate) fn arriving_key(flow: u16) -> Keying {
    key(flow, Stretch::FromInside)
}

fn key(flow: u16, stretch: Stretch) -> Keying {
    let mut octets = vec![stretch as u8; SUITE.master_key_len() + SUITE.master_salt_len()];
    octets[..2].copy_from_slice(&flow.to_be_bytes());
    let master = MasterKey::from_key_salt(SUITE, &octets).expect("the length is the suite's");
    Keying::new(SUITE, master)
}

/// Where a flow arrives.
fn received_at(flow: u16) -> SocketAddrV4 {
    SocketAddrV4::new(*LOCAL.ip(), LOCAL.port() + 2 * flow)
}

/// Where it leaves.
fn sent_from(flows: u16, flow: u16) -> SocketAddrV4 {
    SocketAddrV4::new(*LOCAL.ip(), LOCAL.port() + 2 * (flows + flow))
}
