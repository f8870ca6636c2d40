//! The direction that listens.

use std::net::SocketAddr;
use std::time::Duration;

use srtp::Direction;
use wire::rtp::{Packet, PayloadType, Ssrc};

use super::arrival::{Arrival, Arrivals};
use super::heard::{Ear, Recording};
use super::protection::Protection;
use super::rtcp::{Compound, ReportBlock, SenderInfo};
use super::statistics::Received;
use super::{Format, Reception};

pub(super) struct Inbound {
    format: Format,
    protection: Option<Protection>,
    arrivals: Option<Arrivals>,
    /// Of senders that have been before.
    lost_before: u64,
    received: Received,
    sender: Option<HeardReport>,
    latency: Latency,
    recording: Recording,
    ear: Ear,
    last: Option<Duration>,
    samples: Vec<i16>,
}

/// The last sender report.
#[derive(Clone, Copy, Debug)]
struct HeardReport {
    ssrc: u32,
    info: SenderInfo,
    /// NTP time here when it came.
    at: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Latency {
    packets: u64,
    sum: f64,
    max: f64,
}

/// The moment something comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Since some beginning.
    pub(super) elapsed: Duration,
    /// The same as NTP time.
    pub(super) ntp: u64,
}

impl Inbound {
    pub(super) fn new(order: &Reception, limit: usize) -> Self {
        Self {
            format: order.format,
            protection: order.key.as_ref().map(|key| Protection::new(Direction::Inbound, key)),
            arrivals: None,
            lost_before: 0,
            received: Received {
                suite: order.key.as_ref().map(|key| key.suite().name()),
                ..Received::default()
            },
            sender: None,
            latency: Latency::default(),
            recording: Recording::new(limit),
            ear: Ear::default(),
            last: None,
            samples: Vec::new(),
        }
    }

    /// Takes a packet, decrypts it in place, and gives what is in it, if it is worth hearing.
    pub(super) fn handle_rtp(
        &mut self,
        now: Moment,
        from: SocketAddr,
        packet: &mut [u8],
    ) -> Option<&[i16]> {
        let len = match &mut self.protection {
            None => packet.len(),
            Some(protection) => match protection.open_rtp(packet) {
                Ok(len) => len,
                Err(error) => {
                    self.received.rejected.count(error);
                    return None;
                }
            },
        };
        let rejected = &mut self.received.rejected;
        let packet = &packet[..len];
        let (Ok(view), padding) = (Packet::new_checked(packet), packet.first()? & 0x20 != 0) else {
            rejected.malformed += 1;
            return None;
        };
        let Some(payload) = unpadded(view.payload(), padding) else {
            rejected.malformed += 1;
            return None;
        };
        if view.payload_type() != PayloadType(self.format.coding.payload_type()) {
            rejected.payload_type += 1;
            return None;
        }
        if !self.arrive(now, &view) {
            return None;
        }
        if self.received.source != Some(from) {
            self.received.source_changes += u64::from(self.received.source.is_some());
            self.received.source = Some(from);
        }
        self.received.octets += payload.len() as u64;
        self.last = Some(now.elapsed);
        self.measure_latency(now, &view);
        self.samples.clear();
        self.format.coding.decode(payload, &mut self.samples);
        self.recording.write(view.timestamp(), self.format.coding.clock_rate(), &self.samples);
        self.ear.hear(&self.samples);
        Some(&self.samples)
    }

    /// Takes a report, decrypts it in place, and gives what it says of `about`.
    pub(super) fn handle_rtcp(
        &mut self,
        now: Moment,
        packet: &mut [u8],
        about: Option<u32>,
    ) -> Option<ReportBlock> {
        let len = match &mut self.protection {
            None => packet.len(),
            Some(protection) => match protection.open_rtcp(packet) {
                Ok(len) => len,
                Err(error) => {
                    self.received.rejected.count(error);
                    return None;
                }
            },
        };
        let Some(compound) = Compound::read(&packet[..len], about) else {
            self.received.rejected.malformed += 1;
            return None;
        };
        self.received.reports += 1;
        if let Some(info) = compound.sender {
            self.sender = Some(HeardReport { ssrc: compound.ssrc, info, at: now.ntp });
        }
        compound.block
    }

    /// What to report of whoever is heard.
    pub(super) fn report(&mut self, now: Moment) -> Option<ReportBlock> {
        let arrivals = self.arrivals.as_mut()?;
        let ssrc = arrivals.ssrc;
        let sender = self.sender.filter(|sender| sender.ssrc == ssrc);
        Some(ReportBlock {
            ssrc,
            loss: arrivals.report(),
            jitter: arrivals.jitter(),
            last_report: sender.map_or(0, |sender| middle(sender.info.ntp)),
            delay: sender.map_or(0, |sender| middle(now.ntp.wrapping_sub(sender.at))),
        })
    }

    pub(super) fn received(&self) -> Received {
        let Latency { packets, sum, max } = self.latency;
        Received {
            lost: self.lost_before + self.arrivals.as_ref().map_or(0, Arrivals::lost),
            jitter_ms: self.arrivals.as_ref().map_or(0.0, Arrivals::jitter_ms),
            latency_ms: (packets > 0).then(|| sum / packets as f64 * 1e3),
            latency_max_ms: (packets > 0).then_some(max * 1e3),
            ..self.received.clone()
        }
    }

    pub(super) fn recorded(&self) -> &[i16] {
        self.recording.samples()
    }

    /// The last second.
    pub(super) fn remembered(&self) -> Vec<i16> {
        self.ear.remembered()
    }

    /// When something was heard last.
    pub(super) fn last(&self) -> Option<Duration> {
        self.last
    }

    /// Counts a packet. `false`: it came before.
    fn arrive(&mut self, now: Moment, view: &Packet<'_>) -> bool {
        let (Ssrc(ssrc), seq, timestamp) = (view.ssrc(), view.seq_no().0, view.timestamp());
        let same = self.arrivals.as_mut().filter(|arrivals| arrivals.ssrc == ssrc);
        match same.map(|arrivals| arrivals.handle(seq, timestamp, now.elapsed)) {
            Some(Arrival::InOrder) => {}
            Some(Arrival::Late) => self.received.reordered += 1,
            Some(Arrival::Duplicate) => {
                self.received.duplicated += 1;
                return false;
            }
            None | Some(Arrival::Jump) => {
                let rate = self.format.coding.clock_rate();
                let arrivals = Arrivals::new(ssrc, rate, seq, timestamp, now.elapsed);
                if let Some(before) = self.arrivals.replace(arrivals) {
                    self.lost_before += before.lost();
                    self.received.restarts += 1;
                    self.recording.restart();
                }
                self.received.ssrc = Some(ssrc);
            }
        }
        self.received.packets += 1;
        true
    }

    fn measure_latency(&mut self, now: Moment, view: &Packet<'_>) {
        let Some(HeardReport { ssrc, info, .. }) = self.sender else { return };
        if Ssrc(ssrc) != view.ssrc() {
            return;
        }
        let ticks = view.timestamp().wrapping_sub(info.timestamp) as i32;
        let since = now.ntp.wrapping_sub(info.ntp) as i64 as f64 / (1u64 << 32) as f64;
        let latency = since - f64::from(ticks) / f64::from(self.format.coding.clock_rate());
        self.latency.packets += 1;
        self.latency.sum += latency;
        self.latency.max = self.latency.max.max(latency);
    }
}

/// The middle 32 bits of an NTP time: seconds in 2⁻¹⁶.
pub(super) fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// The payload without what fills up its end (RFC 3550 §5.1).
fn unpadded(payload: &[u8], padding: bool) -> Option<&[u8]> {
    match (padding, payload.last()) {
        (false, _) => Some(payload),
        (true, Some(&fill)) if fill > 0 => payload.get(..payload.len().checked_sub(fill.into())?),
        (true, _) => None,
    }
}
