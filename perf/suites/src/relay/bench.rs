//! The veth pair, and one measurement on it.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use lab::net::{Lab, Namespace};
use pktgen::{Content, Kit, Latencies, Order, Role, Sent, Stream};

use super::subject::{self, Subject, Work};
use crate::cpu;

/// Interface and MAC address of the end where packets are made and counted.
const NEAR: &str = "near";
pub(super) const NEAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// Interface and MAC address of the end where something is measured.
pub(super) const FAR: &str = "far";
pub(super) const FAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// Where all packets come from and go to.
pub(super) const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 5000);

/// Where the first flow is received.
pub(super) const LOCAL: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 16384);

pub(super) const MEDIA_PORTS: RangeInclusive<u16> = 16384..=32767;

/// Flows, each a relay of its own.
pub(super) const FLOWS: u16 = 1000;

/// SRTP packets made beforehand: enough for one measurement at any rate there is.
const PREPARED: u32 = 800_000;

/// Fewer packets a second were not asked for: whatever they are sent to, many more are made when
/// as many as possible are wanted.
const FLOOD: f64 = 200e3;

/// How often a measurement is begun in which the generator was kept from running.
const TRIES: usize = 5;

/// How long the last packets may take to come back.
const SETTLE: Duration = Duration::from_millis(20);

/// The network and the generator.
pub(super) struct Bench {
    kit: Kit,
    near: Namespace,
    far: Namespace,
    _lab: Lab,
    _precedence: cpu::Precedence,
}

/// What one measurement found.
pub(super) struct Measured {
    sent: Sent,
    /// Packets that came back.
    seen: u64,
    pub(super) latencies: Latencies,
    /// `None` where there is no worker.
    pub(super) work: Option<Work>,
}

impl Measured {
    /// Packets per second that came back.
    pub(super) fn rate(&self) -> f64 {
        self.seen as f64 / self.sent.elapsed.as_secs_f64()
    }

    /// The share of packets that did not come back.
    pub(super) fn loss(&self) -> f64 {
        1.0 - self.seen as f64 / self.sent.frames.max(1) as f64
    }
}

impl Bench {
    pub(super) fn new() -> Result<Self> {
        cpu::check()?;
        let precedence = cpu::Precedence::take();
        let lab = Lab::new("rf-perf-relay", false)?;
        lab.remove_on_signals()?;
        let (near, far) = (lab.namespace("near")?, lab.namespace("far")?);
        let (near_end, far_end) = lab.veth((&near, NEAR), (&far, FAR))?;
        near_end.mac("02:00:00:00:00:01")?;
        far_end.mac("02:00:00:00:00:02")?;

        let mut kit = Kit::load(PREPARED as usize)?;
        pktgen::srtp::prepare(kit.prepared(), &stream(true), PREPARED, subject::arriving_key)?;
        cpu::receive_by_napi(&near, NEAR)?;
        Ok(Self { kit, near, far, _lab: lab, _precedence: precedence })
    }

    /// Sends to `subject` for a while, `rate` packets a second or as many as possible.
    pub(super) fn measure(
        &mut self,
        subject: Subject,
        rate: Option<f64>,
        duration: Duration,
    ) -> Result<Measured> {
        for _ in 0..TRIES {
            let measured = self.try_measure(subject, rate, duration)?;
            let sent = measured.sent.frames as f64 / measured.sent.elapsed.as_secs_f64();
            if sent >= rate.map_or(FLOOD, |rate| rate / 2.0) {
                return Ok(measured);
            }
        }
        bail!("the packets could not be made {TRIES} times; let the machine do nothing else")
    }

    fn try_measure(
        &mut self,
        subject: Subject,
        rate: Option<f64>,
        duration: Duration,
    ) -> Result<Measured> {
        // A veth turns frames round only towards an XDP program.
        let sink = if subject == Subject::Bounce { Role::Sink } else { Role::BufferSink };
        let kit = &mut self.kit;
        let _sink = self.near.enter(|| kit.attach(NEAR, sink))??;
        // Not in the time of whoever sends to it, which is what is measured.
        cpu::receive_on(&self.near, NEAR, cpu::OTHERS)?;
        if subject == Subject::Bounce {
            let _bounce = self.far.enter(|| kit.attach(FAR, Role::Bounce))??;
            cpu::receive_on(&self.far, FAR, cpu::MEASURED)?;
            return self.send(subject, rate, duration);
        }
        let stop = AtomicBool::new(false);
        let (ready, started) = channel();
        thread::scope(|scope| {
            let far = self.far.clone();
            let stop = &stop;
            let worker = scope.spawn(move || {
                far.enter(|| {
                    cpu::own(cpu::MEASURED)?;
                    subject::work(subject, stop, || ready.send(()).expect("it is waited for"))
                })
            });
            // An error of the worker ends the waiting too.
            let measured = started.recv().map(|()| {
                cpu::receive_on(&self.far, FAR, cpu::OTHERS)?;
                self.send(subject, rate, duration)
            });
            stop.store(true, Ordering::Relaxed);
            let work = worker.join().map_err(|_| anyhow!("the worker panicked"))???;
            let measured = measured.context("the worker ended early")??;
            Ok(Measured { work: Some(work), ..measured })
        })
    }

    fn send(
        &mut self,
        subject: Subject,
        rate: Option<f64>,
        duration: Duration,
    ) -> Result<Measured> {
        let srtp = subject == Subject::Srtp;
        let content = if srtp { Content::Prepared } else { Content::Rtp };
        let order = Order { interface: NEAR.into(), content, rate, duration };
        let (seen, latencies) = (self.kit.seen()?, self.kit.latencies()?);
        let kit = &mut self.kit;
        let sent = self.near.enter(|| {
            cpu::pin(cpu::OTHERS)?;
            kit.send(&stream(srtp), &order)
        })??;
        self.settle()?;
        Ok(Measured {
            sent,
            seen: self.kit.seen()? - seen,
            latencies: self.kit.latencies()?.since(&latencies),
            work: None,
        })
    }

    /// Waits until nothing comes back any more.
    fn settle(&self) -> Result<()> {
        let (mut seen, mut since) = (self.kit.seen()?, Instant::now());
        while since.elapsed() < SETTLE {
            thread::sleep(Duration::from_millis(1));
            let now = self.kit.seen()?;
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
        }
        Ok(())
    }
}

fn stream(srtp: bool) -> Stream {
    let tag_len = if srtp { subject::SUITE.rtp_tag_len() } else { 0 };
    Stream {
        source_mac: NEAR_MAC,
        destination_mac: FAR_MAC,
        source: PEER,
        destination: LOCAL,
        flows: FLOWS,
        payload_len: Stream::G711 + tag_len,
    }
}
