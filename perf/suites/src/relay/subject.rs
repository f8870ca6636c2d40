//! What is measured, each as it would be on its interface.

use std::net::{IpAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use engine::command::{
    Command, Event, LegId, LegSpec, Mode, Protection, RelayId, Reply, RtcpPolicy, SourceRule,
};
use engine::{Config, Engine, Output, PortConfig};
use port::{BURST, Frame, Path, Pool, Port, PortId};
use port_xdp::{Program, ProgramConfig, XdpPort};
use srtp::{Keying, MasterKey, Suite};
use wire::ethernet::MacAddr;

use super::bench::{FAR, FAR_MAC, FLOWS, LOCAL, MEDIA_PORTS, NEAR_MAC, PEER};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// An XDP program that exchanges MAC addresses and sends the frame back.
    Bounce,
    /// Our AF_XDP port; frames go back with MAC addresses exchanged.
    Port,
    /// Port and relay, RTP to RTP.
    Rtp,
    /// Port and relay, SRTP to SRTP under another key.
    Srtp,
}

/// The suite of [`Subject::Srtp`].
pub(super) const SUITE: Suite = Suite::AesCm128HmacSha1_80;

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
pub(super) struct Work {
    pub(super) path: Path,
    /// Frames received.
    pub(super) frames: u64,
    /// Time in rounds that received something.
    pub(super) busy: Duration,
}

impl Subject {
    pub(super) const ALL: [Self; 4] = [Self::Bounce, Self::Port, Self::Rtp, Self::Srtp];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bounce => "bare XDP_TX",
            Self::Port => "bare AF_XDP forward",
            Self::Rtp => "relay RTP to RTP",
            Self::Srtp => "relay SRTP to SRTP",
        }
    }
}

/// Relays what the interface receives until `stop`. Runs in the namespace of the far end.
pub(super) fn work(subject: Subject, stop: &AtomicBool, ready: impl FnOnce()) -> Result<Work> {
    let mut pool = Pool::new(8192, 2048)?;
    let mut config = ProgramConfig::new(FAR);
    config.media.push((IpAddr::V4(*LOCAL.ip()), MEDIA_PORTS));
    let program = Arc::new(Program::attach(&config)?);
    let mut port = XdpPort::open(&mut pool, program, &port_xdp::PortConfig::default(), None)?;
    let mut engine = match subject {
        Subject::Bounce => bail!("the bouncing program needs no worker"),
        Subject::Port => None,
        Subject::Rtp => Some(engine(&mut port, |_, _| Protection::Plain)?),
        Subject::Srtp => Some(engine(&mut port, |flow, of| Protection::Srtp(key(flow, of)))?),
    };
    if engine.is_none() {
        for flow in 0..FLOWS {
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

fn turn_round(burst: &mut Vec<Frame>, out: &mut Vec<Frame>) {
    for mut frame in burst.drain(..) {
        let (destination, source) = frame.bytes_mut()[..12].split_at_mut(6);
        destination.swap_with_slice(source);
        out.push(frame);
    }
}

/// An engine with a relay for each flow, its ports open and its next hop known.
fn engine(port: &mut XdpPort, protection: impl Fn(u16, Stretch) -> Protection) -> Result<Engine> {
    let config = Config {
        ports: vec![PortConfig {
            medium: port.medium(),
            mtu: 1500,
            mac: MacAddr(FAR_MAC),
            tags: [None; 2],
        }],
        max_legs: 2 * usize::from(FLOWS),
        srtp: srtp::Config::default(),
    };
    let now = Instant::now();
    let mut engine = Engine::new(now, config);
    for flow in 0..FLOWS {
        let inside = leg(
            received_at(flow),
            protection(flow, Stretch::FromInside),
            protection(flow, Stretch::ToInside),
        );
        let outside = leg(
            sent_from(flow),
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

fn leg(local: SocketAddrV4, receive: Protection, send: Protection) -> LegSpec {
    LegSpec {
        port: PortId(0),
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
pub(super) fn arriving_key(flow: u16) -> Keying {
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
fn sent_from(flow: u16) -> SocketAddrV4 {
    SocketAddrV4::new(*LOCAL.ip(), LOCAL.port() + 2 * (FLOWS + flow))
}
