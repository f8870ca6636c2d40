//! What has arrived, flow by flow, and the report of it.
//!
//! Time is an argument, and frames are: nothing here knows where they come from.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use port::{Frame, Medium};
use serde::Serialize;
use srtp::{Direction, Job, Keying, SessionId, Srtp};
use wire::datagram::Datagram;
use wire::rtp;

use crate::latency::Latencies;
use crate::probe::Stamp;
use crate::reception::{Arrival, Counts, Reception};

/// Flows that are told apart; packets of more are only counted.
pub const FLOWS_MAX: usize = 65_536;

/// Rate of RTP timestamps in telephony, RFC 3551.
const TELEPHONY_HZ: u32 = 8000;

/// Stamps are compared in microseconds.
const STAMP_HZ: u32 = 1_000_000;

/// Counts packets and judges how they came.
pub struct Sink {
    medium: Medium,
    open: Option<(Srtp, SessionId)>,
    flows: HashMap<FlowKey, Flow>,
    latencies: Latencies,
    strays: Strays,
    packets: u64,
    octets: u64,
    /// When the first packet came and when the last.
    span: Option<(Duration, Duration)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct FlowKey {
    source: SocketAddr,
    destination: SocketAddr,
    ssrc: u32,
}

struct Flow {
    reception: Reception,
    /// Whether its packets are stamped, which its first one decides.
    stamped: bool,
}

/// Packets that belong to no flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Strays {
    /// Neither RTP nor from the kernel's pktgen.
    pub not_rtp: u64,
    /// SRTP that does not verify: forged, damaged, repeated, or of another key.
    pub refused: u64,
    /// Of more flows than are told apart.
    pub beyond: u64,
}

/// What came, in figures for machines and people. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Flows that packets came of.
    pub flows: usize,
    /// All packets of flows, those that came twice too.
    pub packets: u64,
    /// Octets of all UDP payloads.
    pub octets: u64,
    /// Packets per second between the first and the last.
    pub rate: f64,
    /// Packets that came, repetitions not counted.
    pub received: u64,
    /// Packets that did not come, by their numbers.
    pub lost: u64,
    /// The share of these.
    pub loss: f64,
    /// Packets that came again.
    pub duplicated: u64,
    /// Packets that came behind a later one (RFC 4737).
    pub reordered: u64,
    /// How many numbers the latest of these was behind.
    pub reordered_by: u64,
    /// Jitter of RFC 3550.
    pub jitter: JitterReport,
    /// How long packets took; `None` when none was stamped.
    pub latency: Option<LatencyReport>,
    /// What belonged to no flow.
    pub strays: Strays,
}

/// Interarrival jitter (RFC 3550 §6.4.1) over all flows: against their stamps, and where packets have
/// none, against RTP timestamps at 8,000 Hz, which says something only of flows of 50 packets a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct JitterReport {
    /// Mean of the flows at their end.
    pub mean: f64,
    /// The most that any flow had at any time.
    pub max: f64,
}

/// Percentiles of latency, each up to an eighth too small.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LatencyReport {
    /// How many packets were timed.
    pub samples: u64,
    /// Half took no longer.
    pub p50: f64,
    /// 90 of 100 took no longer.
    pub p90: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
    /// 999 of 1,000 took no longer.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl Sink {
    /// Nothing has come yet. With `keying`, SRTP is expected and opened.
    pub fn new(medium: Medium, keying: Option<&Keying>) -> Result<Self> {
        let open = keying.map(opening).transpose()?;
        Ok(Self {
            medium,
            open,
            flows: HashMap::new(),
            latencies: Latencies::default(),
            strays: Strays::default(),
            packets: 0,
            octets: 0,
            span: None,
        })
    }

    /// Takes in what has come by `now` (UNIX time).
    pub fn take(&mut self, now: Duration, burst: &mut [Frame]) {
        for frame in burst {
            self.packet(now, frame.bytes_mut());
        }
    }

    /// Packets that came, repetitions not counted.
    pub fn received(&self) -> u64 {
        self.flows.values().map(|flow| flow.reception.counts().received).sum()
    }

    /// What has come so far.
    pub fn report(&self) -> Report {
        let receptions = || self.flows.values().map(|flow| &flow.reception);
        let counts = receptions().map(Reception::counts).fold(Counts::default(), Counts::and);
        let microseconds = |time: Duration| time.as_secs_f64() * 1e6;
        let jitters: Vec<_> = receptions().map(Reception::jitter).collect();
        let sum: f64 = jitters.iter().map(|(end, _)| microseconds(*end)).sum();
        let most = jitters.iter().map(|(_, most)| microseconds(*most)).fold(0.0, f64::max);
        let span = self.span.map_or(0.0, |(first, last)| (last - first).as_secs_f64());
        Report {
            flows: self.flows.len(),
            packets: self.packets,
            octets: self.octets,
            rate: if span > 0.0 { self.packets as f64 / span } else { 0.0 },
            received: counts.received,
            lost: counts.lost,
            loss: counts.loss(),
            duplicated: counts.duplicated,
            reordered: counts.reordered,
            reordered_by: counts.reordered_by,
            jitter: JitterReport { mean: sum / jitters.len().max(1) as f64, max: most },
            latency: LatencyReport::of(&self.latencies),
            strays: self.strays,
        }
    }

    fn packet(&mut self, now: Duration, frame: &mut [u8]) {
        let parsed = match self.medium {
            Medium::Ethernet => Datagram::parse_ethernet(frame),
            Medium::Ip => Datagram::parse_ip(frame),
        };
        let Ok(datagram) = parsed else {
            self.strays.not_rtp += 1;
            return;
        };
        let payload = &mut frame[datagram.payload_at..][..datagram.payload_len];
        if let Some(stamp) = Stamp::read_kernel(payload) {
            return self.count(now, &datagram, 0, Found::stamped(stamp));
        }
        if rtp::Packet::new_checked(payload).is_err() {
            self.strays.not_rtp += 1;
            return;
        }
        let mut len = payload.len();
        if let Some((srtp, session)) = &mut self.open {
            let mut jobs = [Job::new(*session, payload, len)];
            srtp.unprotect_rtp(&mut jobs);
            let [job] = jobs;
            if job.result.is_err() {
                self.strays.refused += 1;
                return;
            }
            len = job.len;
        }
        let packet = rtp::Packet::new_checked(&frame[datagram.payload_at..][..len]);
        let packet = packet.expect("the headers of SRTP are not encrypted and were checked");
        let found = Found {
            stamp: Stamp::read(packet.payload()),
            sequence: packet.seq_no().0,
            timestamp: packet.timestamp(),
        };
        let ssrc = packet.ssrc().0;
        self.count(now, &datagram, ssrc, found);
    }

    fn count(&mut self, now: Duration, datagram: &Datagram, ssrc: u32, found: Found) {
        let key = FlowKey { source: datagram.source, destination: datagram.destination, ssrc };
        let room = self.flows.len() < FLOWS_MAX;
        let flow = match self.flows.entry(key) {
            Entry::Occupied(flow) => flow.into_mut(),
            Entry::Vacant(place) if room => {
                let stamped = found.stamp.is_some();
                let clock_hz = if stamped { STAMP_HZ } else { TELEPHONY_HZ };
                place.insert(Flow { reception: Reception::new(clock_hz), stamped })
            }
            Entry::Vacant(_) => {
                self.strays.beyond += 1;
                return;
            }
        };
        self.packets += 1;
        self.octets += datagram.payload_len as u64;
        let first = self.span.map_or(now, |(first, _)| first);
        self.span = Some((first, now.max(first)));
        let arrival = match found.stamp {
            Some(stamp) if flow.stamped => Arrival {
                number: stamp.number.into(),
                timestamp: stamp.sent_at.as_micros() as u32,
                at: now,
            },
            _ => Arrival {
                number: flow.reception.extend(found.sequence),
                timestamp: found.timestamp,
                at: now,
            },
        };
        if let (true, Some(stamp)) = (flow.reception.packet(arrival), found.stamp) {
            self.latencies.record(now.saturating_sub(stamp.sent_at).as_nanos() as u64);
        }
    }
}

/// What a packet says of itself.
struct Found {
    stamp: Option<Stamp>,
    sequence: u16,
    timestamp: u32,
}

impl Found {
    fn stamped(stamp: Stamp) -> Self {
        Self { stamp: Some(stamp), sequence: stamp.number as u16, timestamp: 0 }
    }
}

impl LatencyReport {
    /// `None` without samples.
    pub fn of(latencies: &Latencies) -> Option<Self> {
        let within = |share| Some(latencies.quantile(share)? as f64 / 1e3);
        Some(Self {
            samples: latencies.samples(),
            p50: within(0.5)?,
            p90: within(0.9)?,
            p99: within(0.99)?,
            p999: within(0.999)?,
            max: within(1.0)?,
        })
    }
}

fn opening(keying: &Keying) -> Result<(Srtp, SessionId)> {
    let mut srtp = Srtp::new(srtp::Config {
        max_sessions: 1,
        max_ssrcs_per_session: FLOWS_MAX,
        ..srtp::Config::default()
    });
    let session = srtp.insert(Direction::Inbound, keying)?;
    Ok((srtp, session))
}
