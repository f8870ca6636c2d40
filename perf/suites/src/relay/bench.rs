//! The veth pair, and one measurement on it.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use lab::net::{Lab, Namespace};
use pktgen::{Content, Kit, Latencies, Order, Role, Sent, Stream, prepare_plain};
use srtp::Keying;

use super::subject::{self, Subject, Work};
use crate::cpu;

/// Interface and MAC address of the end where packets are made and counted.
const NEAR: &str = "near";
pub(crate) const NEAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// Interface and MAC address of the end where something is measured.
pub(crate) const FAR: &str = "far";
pub(crate) const FAR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// Where all packets come from and go to.
pub(crate) const PEER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 5000);

/// Where the first flow is received.
pub(crate) const LOCAL: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 16384);

pub(crate) const MEDIA_PORTS: RangeInclusive<u16> = 16384..=65535;

/// Flows unless others are asked for, each a relay of its own.
pub(crate) const FLOWS: u16 = 1000;

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
pub(crate) struct Bench {
    kit: Kit,
    flows: u16,
    prepared: Payloads,
    near: Namespace,
    far: Namespace,
    _lab: Lab,
    _precedence: cpu::Precedence,
}

/// What the prepared payloads are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Payloads {
    None,
    /// SRTP of so many flows, for our own relay.
    Srtp(u16),
    /// For somebody else's relay.
    Foreign,
}

/// What one measurement found.
pub(crate) struct Measured {
    pub(crate) sent: Sent,
    /// Packets that came back.
    pub(crate) seen: u64,
    pub(crate) latencies: Latencies,
    /// `None` where there is no worker.
    pub(crate) work: Option<Work>,
}

impl Measured {
    /// Packets per second that came back.
    pub(crate) fn rate(&self) -> f64 {
        self.seen as f64 / self.sent.elapsed.as_secs_f64()
    }

    /// The share of packets that did not come back.
    pub(crate) fn loss(&self) -> f64 {
        1.0 - self.seen as f64 / self.sent.frames.max(1) as f64
    }
}

impl Bench {
    pub(crate) fn new() -> Result<Self> {
        cpu::check()?;
        let precedence = cpu::Precedence::take();
        let lab = Lab::new("rf-perf-relay", false)?;
        lab.remove_on_signals()?;
        let (near, far) = (lab.namespace("near")?, lab.namespace("far")?);
        let (near_end, far_end) = lab.veth((&near, NEAR), (&far, FAR))?;
        near_end.mac("02:00:00:00:00:01")?;
        far_end.mac("02:00:00:00:00:02")?;

        let kit = Kit::load(PREPARED as usize)?;
        cpu::receive_by_napi(&near, NEAR)?;
        let (flows, prepared) = (FLOWS, Payloads::None);
        Ok(Self { kit, flows, prepared, near, far, _lab: lab, _precedence: precedence })
    }

    /// Measures with so many flows from now on.
    pub(crate) fn set_flows(&mut self, flows: u16) {
        self.flows = flows;
    }

    /// The end where something is measured.
    pub(crate) fn far(&self) -> &Namespace {
        &self.far
    }

    fn prepare_srtp(&mut self) -> Result<()> {
        let wanted = Payloads::Srtp(self.flows);
        if self.prepared == wanted {
            return Ok(());
        }
        let stream = stream(self.flows, true);
        let prepared = self.kit.prepared();
        prepared.clear();
        let port = |flow| stream.port(flow);
        pktgen::srtp::prepare(prepared, &stream, PREPARED, subject::arriving_key, port)?;
        self.prepared = wanted;
        Ok(())
    }

    /// Prepares payloads for a relay that is not ours, by what it is told of each flow: its port, and
    /// the key if there is one.
    pub(crate) fn prepare_foreign(
        &mut self,
        ports: &[u16],
        count: u32,
        key: Option<fn(u16) -> Keying>,
    ) -> Result<()> {
        let stream = stream(ports.len() as u16, key.is_some());
        let prepared = self.kit.prepared();
        prepared.clear();
        self.prepared = Payloads::Foreign;
        let port = |flow: u16| ports[usize::from(flow)];
        match key {
            Some(key) => pktgen::srtp::prepare(prepared, &stream, count, key, port),
            None => prepare_plain(prepared, &stream, count, port),
        }
    }

    /// Sends the payloads prepared for a relay that is not ours, `rate` packets a second.
    pub(crate) fn measure_foreign(&mut self, rate: f64, duration: Duration) -> Result<Measured> {
        let kit = &mut self.kit;
        let _sink = self.near.enter(|| kit.attach(NEAR, Role::BufferSink))??;
        cpu::receive_on(&self.near, NEAR, cpu::OTHERS)?;
        cpu::receive_by_napi(&self.far, FAR)?;
        cpu::receive_on(&self.far, FAR, cpu::OTHERS)?;
        self.send(Content::Prepared, Some(rate), duration)
    }

    /// Sends to `subject` for a while, `rate` packets a second or as many as possible.
    pub(crate) fn measure(
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
        if subject.is_protected() {
            self.prepare_srtp()?;
        }
        let content = if subject.is_protected() { Content::Prepared } else { Content::Rtp };
        if subject == Subject::Drop {
            let kit = &mut self.kit;
            let _sink = self.far.enter(|| kit.attach(FAR, Role::Sink))??;
            cpu::receive_on(&self.far, FAR, cpu::MEASURED)?;
            return self.send(content, rate, duration);
        }
        // A veth turns frames round only towards an XDP program.
        let sink = if subject.is_in_xdp() { Role::Sink } else { Role::BufferSink };
        let kit = &mut self.kit;
        let _sink = self.near.enter(|| kit.attach(NEAR, sink))??;
        // Not in the time of whoever sends to it, which is what is measured.
        cpu::receive_on(&self.near, NEAR, cpu::OTHERS)?;
        if let Some(role) = subject.bare() {
            let _bare = self.far.enter(|| kit.attach(FAR, role))??;
            cpu::receive_on(&self.far, FAR, cpu::MEASURED)?;
            return self.send(content, rate, duration);
        }
        let (flows, receiving) = match subject {
            Subject::Fast => (self.flows, cpu::MEASURED),
            _ => (self.flows, cpu::OTHERS),
        };
        let stop = AtomicBool::new(false);
        let (ready, started) = channel();
        thread::scope(|scope| {
            let far = self.far.clone();
            let stop = &stop;
            let worker = scope.spawn(move || {
                far.enter(|| {
                    if subject != Subject::Fast {
                        cpu::own(cpu::MEASURED)?;
                    }
                    subject::work(subject, flows, stop, || {
                        ready.send(()).expect("it is waited for")
                    })
                })
            });
            // An error of the worker ends the waiting too.
            let measured = started.recv().map(|()| {
                cpu::receive_on(&self.far, FAR, receiving)?;
                self.send(content, rate, duration)
            });
            stop.store(true, Ordering::Relaxed);
            let work = worker.join().map_err(|_| anyhow!("the worker panicked"))???;
            let measured = measured.context("the worker ended early")??;
            Ok(Measured { work: Some(work), ..measured })
        })
    }

    fn send(
        &mut self,
        content: Content,
        rate: Option<f64>,
        duration: Duration,
    ) -> Result<Measured> {
        let stream = stream(self.flows, content == Content::Prepared);
        let order = Order { interface: NEAR.into(), content, rate, duration };
        let (seen, latencies) = (self.kit.seen()?, self.kit.latencies()?);
        let kit = &mut self.kit;
        let sent = self.near.enter(|| {
            cpu::pin(cpu::OTHERS)?;
            kit.send(&stream, &order)
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

fn stream(flows: u16, srtp: bool) -> Stream {
    let tag_len = if srtp { subject::SUITE.rtp_tag_len() } else { 0 };
    Stream {
        source_mac: NEAR_MAC,
        destination_mac: FAR_MAC,
        source: PEER,
        destination: LOCAL,
        flows,
        payload_len: Stream::G711 + tag_len,
    }
}
