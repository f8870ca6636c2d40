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
pub(crate) const PREPARED: u32 = 800_000;

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

/// What is sent for how long: packets a second, or as many as possible.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) rate: Option<f64>,
    pub(crate) duration: Duration,
}

/// What one measurement found.
pub(crate) struct Measured {
    pub(crate) sent: Sent,
    /// Packets that came back.
    pub(crate) seen: u64,
    pub(crate) latencies: Latencies,
    /// What the kernel took to receive at the far end, and to do there what is done in XDP.
    pub(crate) receiving: Duration,
    /// `None` where there is no worker.
    pub(crate) work: Option<Work>,
}

impl Measured {
    /// Packets per second that came back.
    pub(crate) fn rate(&self) -> f64 {
        self.seen as f64 / self.sent.elapsed.as_secs_f64()
    }

    /// Nanoseconds of the kernel at the far end for each packet that came back.
    pub(crate) fn kernel_per_packet(&self) -> f64 {
        self.receiving.as_nanos() as f64 / self.seen.max(1) as f64
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
        self.send(Content::Prepared, 0, Load { rate: Some(rate), duration })
    }

    /// Sends to `subject` for a while, `rate` packets a second or as many as possible.
    pub(crate) fn measure(
        &mut self,
        subject: Subject,
        rate: Option<f64>,
        duration: Duration,
    ) -> Result<Measured> {
        let [measured] = self.measure_each(subject, [Load { rate, duration }])?;
        Ok(measured)
    }

    /// Sends one load after the other to the same `subject`.
    pub(crate) fn measure_each<const N: usize>(
        &mut self,
        subject: Subject,
        loads: [Load; N],
    ) -> Result<[Measured; N]> {
        for _ in 0..TRIES {
            let measured = self.try_measure(subject, &loads)?;
            let made = loads.iter().zip(&measured).all(|(load, Measured { sent, .. })| {
                let made = sent.frames as f64 / sent.elapsed.as_secs_f64();
                made >= load.rate.map_or(FLOOD, |rate| rate / 2.0)
            });
            if made {
                return measured.try_into().map_err(|_| anyhow!("each load is measured once"));
            }
        }
        bail!("the packets could not be made {TRIES} times; let the machine do nothing else")
    }

    fn try_measure(&mut self, subject: Subject, loads: &[Load]) -> Result<Vec<Measured>> {
        if subject.is_protected() {
            self.prepare_srtp()?;
        }
        let content = if subject.is_protected() { Content::Prepared } else { Content::Rtp };
        if subject == Subject::Drop {
            let kit = &mut self.kit;
            let _sink = self.far.enter(|| kit.attach(FAR, Role::Sink))??;
            cpu::receive_on(&self.far, FAR, cpu::MEASURED)?;
            return self.send_each(content, loads);
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
            return self.send_each(content, loads);
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
                self.send_each(content, loads)
            });
            stop.store(true, Ordering::Relaxed);
            let work = worker.join().map_err(|_| anyhow!("the worker panicked"))???;
            let mut measured = measured.context("the worker ended early")??;
            measured.iter_mut().for_each(|measured| measured.work = Some(work.clone()));
            Ok(measured)
        })
    }

    fn send_each(&mut self, content: Content, loads: &[Load]) -> Result<Vec<Measured>> {
        let mut first = 0;
        let mut next = |load: &Load| {
            let measured = self.send(content, first, *load)?;
            first += measured.sent.frames;
            Ok(measured)
        };
        loads.iter().map(&mut next).collect()
    }

    /// Sends packets, the first of which has this number.
    fn send(&mut self, content: Content, first: u64, load: Load) -> Result<Measured> {
        let stream = stream(self.flows, content == Content::Prepared);
        let Load { rate, duration } = load;
        let order = Order { interface: NEAR.into(), content, first, rate, duration };
        let (seen, latencies) = (self.kit.seen()?, self.kit.latencies()?);
        let received = cpu::receiving_time(FAR)?;
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
            receiving: cpu::receiving_time(FAR)? - received,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "makes network namespaces, which needs root: cargo xtask test"]
    fn each_packet_comes_back_whatever_became_of_those_before() {
        // Many times as many as the generator has memory for at a time.
        let load = Load { rate: Some(50e3), duration: Duration::from_millis(400) };
        let mut bench = Bench::new().unwrap();
        bench.set_flows(10);
        for subject in [Subject::Redirect, Subject::Fast] {
            let measured = bench.measure_each(subject, [load, load]).unwrap();
            for Measured { sent, seen, .. } in measured {
                // A busy machine loses a few.
                assert!(seen >= sent.frames / 10 * 9, "{}: {seen} of {sent:?}", subject.name());
            }
        }
    }
}
