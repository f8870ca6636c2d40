//! The direction that speaks.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use srtp::Direction;

use super::protection::Protection;
use super::rtcp::SenderInfo;
use super::statistics::Sent;
use super::{Format, Track, Transmission};

/// How far behind its time a packet may still be sent. What is later is left out, as a sound card
/// does, so that a stalled thread does not end in a burst.
const LATEST: Duration = Duration::from_millis(100);

/// Most samples that wait to be mixed in: what another stream is ahead by.
const MIXED: usize = speech::RATE / 10;

pub(super) struct Outbound {
    pub(super) to: SocketAddr,
    pub(super) ssrc: u32,
    pub(super) sent: Sent,
    format: Format,
    protection: Option<Protection>,
    seq: u16,
    /// Of the next packet.
    timestamp: u32,
    /// When the next packet is due.
    due: Instant,
    /// How much of the track was said.
    position: u64,
    /// Whether the next packet begins a piece of speech.
    marker: bool,
    /// What others say who are heard through this telephone.
    mixed: VecDeque<i16>,
    samples: Vec<i16>,
}

/// Where a stream begins; nobody is to guess it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    pub(super) ssrc: u32,
    pub(super) seq: u16,
    pub(super) timestamp: u32,
}

impl Outbound {
    pub(super) fn new(now: Instant, order: &Transmission, beginning: Beginning) -> Self {
        let Beginning { ssrc, seq, timestamp } = beginning;
        let protection = order.key.as_ref().map(|key| Protection::new(Direction::Outbound, key));
        Self {
            to: order.to,
            ssrc,
            sent: Sent {
                to: Some(order.to),
                ssrc: Some(ssrc),
                suite: order.key.as_ref().map(|key| key.suite().name()),
                ..Sent::default()
            },
            format: order.format,
            protection,
            seq,
            timestamp,
            due: now,
            position: 0,
            marker: true,
            mixed: VecDeque::new(),
            samples: Vec::new(),
        }
    }

    /// When the next packet is due.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Begins the track anew, or another one.
    pub(super) fn rewind(&mut self) {
        self.position = 0;
    }

    /// Takes what somebody else says into what is sent.
    pub(super) fn mix(&mut self, samples: &[i16]) {
        let fits = MIXED.saturating_sub(self.mixed.len());
        self.mixed.extend(&samples[..fits.min(samples.len())]);
    }

    /// Writes the packet that is due. `false`: none is, or its key is worn out.
    pub(super) fn poll(&mut self, now: Instant, track: &Track, packet: &mut Vec<u8>) -> bool {
        self.skip_missed(now);
        if self.due > now {
            return false;
        }
        self.speak(track);
        packet.clear();
        packet.extend([0x80, u8::from(self.marker) << 7 | self.format.coding.payload_type()]);
        packet.extend(self.seq.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        let header = packet.len();
        self.format.coding.encode(&self.samples, packet);
        let octets = packet.len() - header;
        self.marker = false;
        self.advance();
        if let Some(protection) = &mut self.protection
            && protection.protect_rtp(packet).is_err()
        {
            return false;
        }
        self.seq = self.seq.wrapping_add(1);
        self.sent.packets += 1;
        self.sent.octets += octets as u64;
        true
    }

    /// Encrypts a report, if RTP is.
    pub(super) fn protect_report(&mut self, packet: &mut Vec<u8>) -> bool {
        let done = match &mut self.protection {
            Some(protection) => protection.protect_rtcp(packet).is_ok(),
            None => true,
        };
        self.sent.reports += u64::from(done);
        done
    }

    pub(super) fn sender_info(&self, now: Instant, ntp: u64) -> SenderInfo {
        let rate = f64::from(self.format.coding.clock_rate());
        // From now to the next packet; it may be overdue.
        let ahead = self.due.saturating_duration_since(now).as_secs_f64()
            - now.saturating_duration_since(self.due).as_secs_f64();
        let ahead = (ahead * rate).round() as i64 as u32;
        SenderInfo {
            ntp,
            timestamp: self.timestamp.wrapping_sub(ahead),
            packets: self.sent.packets as u32,
            octets: self.sent.octets as u32,
        }
    }

    /// In milliseconds.
    pub(super) fn jitter_ms(&self, units: u32) -> f64 {
        f64::from(units) * 1e3 / f64::from(self.format.coding.clock_rate())
    }

    fn speak(&mut self, track: &Track) {
        self.samples.clear();
        self.samples.extend(track.from(self.position).take(self.format.samples()));
        let mixed = self.mixed.drain(..self.mixed.len().min(self.samples.len()));
        for (sample, other) in self.samples.iter_mut().zip(mixed) {
            *sample = sample.saturating_add(other);
        }
    }

    fn skip_missed(&mut self, now: Instant) {
        while self.due + LATEST < now {
            self.advance();
            self.sent.missed += 1;
            self.marker = true;
        }
    }

    fn advance(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(self.format.timestamp_step());
        self.position += self.format.samples() as u64;
        self.due += Duration::from_millis(self.format.milliseconds.into());
    }
}
