//! One stream of a call, both directions, without socket or clock.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use speech::{Comparison, RATE, compare};

use super::inbound::{Inbound, Moment, middle};
use super::outbound::{Beginning, Outbound};
use super::rtcp::Compound;
use super::statistics::{Received, Sent};
use super::{Reception, Statistics, Track, Transmission};

/// A mean of five seconds lies between two reports (RFC 3550 §6.2).
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// After so long without a packet nothing is heard any more.
const FALLEN_SILENT: Duration = Duration::from_millis(300);

/// From 1900 to 1970.
const NTP_UNIX: u64 = 2_208_988_800;

/// What a session has for itself.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// Out of which its SSRCs, sequence numbers and timestamps begin: random, another for each
    /// session.
    pub seed: u64,
    /// What the clock on the wall says at the beginning, since 1970.
    pub wall: Duration,
}

/// How a telephone behaves in a stream.
#[derive(Clone, Debug)]
pub struct Habits {
    /// Its name, by which its streams are known to belong together (CNAME).
    pub name: String,
    /// What is said into it.
    pub says: Track,
    /// How much of what is heard is recorded; nothing by default.
    pub records: Duration,
    /// Whether it sends RTCP.
    pub reports: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            name: "phone".to_owned(),
            says: Track::silence(),
            records: Duration::ZERO,
            reports: true,
        }
    }
}

/// Which of the two ports of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The even one.
    Rtp,
    /// The odd one above.
    Rtcp,
}

/// One stream of a call.
///
/// Orders come by [`Session::open`], [`Session::transmit`] and their opposites, packets by
/// [`Session::handle`]. Whoever drives it calls [`Session::poll_output`] until there is nothing
/// more, and again when [`Session::poll_timeout`] says.
pub struct Session {
    habits: Habits,
    started: Instant,
    wall: Duration,
    random: SplitMix,
    inbound: Option<Inbound>,
    outbound: Option<Outbound>,
    next_report: Instant,
    farewell: Option<(SocketAddr, Vec<u8>)>,
    /// Of directions that have ended.
    before: Statistics,
    heard_before: Vec<i16>,
}

impl Session {
    /// A stream without direction.
    pub fn new(now: Instant, origin: Origin, habits: Habits) -> Self {
        Self {
            habits,
            started: now,
            wall: origin.wall,
            random: SplitMix(origin.seed),
            inbound: None,
            outbound: None,
            next_report: now,
            farewell: None,
            before: Statistics::default(),
            heard_before: Vec::new(),
        }
    }

    /// Listens from now on. What was heard before is forgotten, and its key.
    pub fn open(&mut self, order: &Reception) {
        let limit = (self.habits.records.as_secs_f64() * RATE as f64) as usize;
        self.inbound = Some(Inbound::new(order, limit));
        self.before.received = Received::default();
        self.heard_before = Vec::new();
    }

    /// Listens no more, and erases the key. What was heard can still be asked for.
    pub fn close(&mut self) {
        if let Some(inbound) = self.inbound.take() {
            self.before.received = inbound.received();
            self.heard_before = inbound.recorded().to_vec();
        }
    }

    /// Speaks from now on, as a new stream.
    pub fn transmit(&mut self, now: Instant, order: &Transmission) {
        self.stop(now);
        let beginning = Beginning {
            ssrc: self.random.next() as u32,
            // Far from its rollover, so that no reordering at the start is taken for one
            // (RFC 3711 §3.3.1).
            seq: self.random.next() as u16 >> 1,
            timestamp: self.random.next() as u32,
        };
        self.outbound = Some(Outbound::new(now, order, beginning));
        self.before.sent = Sent::default();
        self.next_report = now;
    }

    /// Speaks no more, says so by RTCP, and erases the key.
    pub fn stop(&mut self, now: Instant) {
        if self.habits.reports && self.outbound.is_some() {
            let mut packet = Vec::new();
            self.farewell = self.write_report(now, true, &mut packet).map(|to| (to, packet));
        }
        if let Some(outbound) = self.outbound.take() {
            self.before.sent = outbound.sent;
        }
    }

    /// Says something else, from its beginning.
    pub fn say(&mut self, track: Track) {
        self.habits.says = track;
        if let Some(outbound) = &mut self.outbound {
            outbound.rewind();
        }
    }

    /// Takes what somebody in another stream says into what this one sends: a telephone whose
    /// built-in bridge joins two streams.
    pub fn mix(&mut self, samples: &[i16]) {
        if let Some(outbound) = &mut self.outbound {
            outbound.mix(samples);
        }
    }

    /// Takes a datagram; it is decrypted in place. Gives the speech in it, if there is some.
    pub fn handle(
        &mut self,
        now: Instant,
        channel: Channel,
        from: SocketAddr,
        packet: &mut [u8],
    ) -> Option<&[i16]> {
        let moment = self.moment(now);
        let inbound = self.inbound.as_mut()?;
        match channel {
            Channel::Rtp => inbound.handle_rtp(moment, from, packet),
            Channel::Rtcp => {
                let about = self.outbound.as_ref().map(|outbound| outbound.ssrc);
                let block = inbound.handle_rtcp(moment, packet, about)?;
                let outbound = self.outbound.as_mut()?;
                outbound.sent.lost_there = Some(block.loss.cumulative);
                outbound.sent.jitter_there_ms = Some(outbound.jitter_ms(block.jitter));
                if block.last_report != 0 {
                    let since = middle(moment.ntp).wrapping_sub(block.last_report);
                    let travelled = since.wrapping_sub(block.delay) as i32;
                    outbound.sent.round_trip_ms = Some(f64::from(travelled) * 1e3 / 65_536.0);
                }
                None
            }
        }
    }

    /// When there is something to send, if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.farewell.is_some() {
            return Some(self.started);
        }
        let due = self.outbound.as_ref()?.due();
        Some(if self.habits.reports { due.min(self.next_report) } else { due })
    }

    /// Writes the next datagram that is due, and says where it goes.
    pub fn poll_output(
        &mut self,
        now: Instant,
        packet: &mut Vec<u8>,
    ) -> Option<(Channel, SocketAddr)> {
        if let Some((to, farewell)) = self.farewell.take() {
            *packet = farewell;
            return Some((Channel::Rtcp, to));
        }
        let outbound = self.outbound.as_mut()?;
        // The first report goes ahead: what it says of the clock is measured by.
        if self.habits.reports && self.next_report <= now {
            // Half to one and a half times the mean, lest all telephones report together.
            let varied = 0.5 + (self.random.next() >> 11) as f64 / (1u64 << 53) as f64;
            self.next_report = now + REPORT_INTERVAL.mul_f64(varied);
            packet.clear();
            if let Some(to) = self.write_report(now, false, packet) {
                return Some((Channel::Rtcp, to));
            }
            return self.poll_output(now, packet);
        }
        outbound.poll(now, &self.habits.says, packet).then_some((Channel::Rtp, outbound.to))
    }

    /// The last datagram could not be sent.
    pub fn not_sent(&mut self) {
        let sent = match &mut self.outbound {
            Some(outbound) => &mut outbound.sent,
            None => &mut self.before.sent,
        };
        sent.failed += 1;
    }

    /// What was sent and received, also by directions that have ended.
    pub fn statistics(&self) -> Statistics {
        let sent = self.outbound.as_ref().map(|outbound| outbound.sent.clone());
        let received = self.inbound.as_ref().map(Inbound::received);
        Statistics {
            sent: sent.unwrap_or_else(|| self.before.sent.clone()),
            received: received.unwrap_or_else(|| self.before.received.clone()),
        }
    }

    /// What was recorded: in the order in which it was said, with silence where packets are
    /// missing.
    pub fn recorded(&self) -> &[i16] {
        self.inbound.as_ref().map_or(&self.heard_before, |inbound| inbound.recorded())
    }

    /// Whether what was recorded is what somebody said into the other end again and again.
    pub fn compare(&self, said: &Track) -> Comparison {
        let recorded = self.recorded();
        compare(&said.first(recorded.len() + said.period()), recorded)
    }

    /// The last second of what is to be heard, for [`recognise`]; `None` if no packets come.
    ///
    /// [`recognise`]: super::recognise
    pub fn listen(&self, now: Instant) -> Option<Vec<i16>> {
        let inbound = self.inbound.as_ref()?;
        let since = now.saturating_duration_since(self.started).saturating_sub(inbound.last()?);
        (since < FALLEN_SILENT).then(|| inbound.remembered())
    }

    /// Whether a direction is open.
    pub fn is_running(&self) -> bool {
        self.inbound.is_some() || self.outbound.is_some()
    }

    /// Whether neither direction is open any more, and nothing is left to be sent.
    pub fn is_over(&self) -> bool {
        !self.is_running() && self.farewell.is_none()
    }

    /// Writes a report, and says where it goes.
    fn write_report(
        &mut self,
        now: Instant,
        bye: bool,
        packet: &mut Vec<u8>,
    ) -> Option<SocketAddr> {
        let moment = self.moment(now);
        let outbound = self.outbound.as_mut()?;
        let compound = Compound {
            ssrc: outbound.ssrc,
            sender: Some(outbound.sender_info(now, moment.ntp)),
            block: self.inbound.as_mut().and_then(|inbound| inbound.report(moment)),
        };
        compound.write(&self.habits.name, bye, packet);
        let to = SocketAddr::new(outbound.to.ip(), outbound.to.port().checked_add(1)?);
        outbound.protect_report(packet).then_some(to)
    }

    fn moment(&self, now: Instant) -> Moment {
        let elapsed = now.saturating_duration_since(self.started);
        let wall = self.wall + elapsed;
        let fraction = (u64::from(wall.subsec_nanos()) << 32) / 1_000_000_000;
        Moment { elapsed, ntp: (wall.as_secs() + NTP_UNIX) << 32 | fraction }
    }
}

/// splitmix64: enough to tell streams apart.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
