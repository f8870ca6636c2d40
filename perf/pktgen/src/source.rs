//! Packets one by one, for ports: RTP or SRTP with a stamp inside, flows in turn, and when each is due.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use port::{BURST, Frame, Medium, Pool};
use srtp::{Direction, Job, Keying, SessionId, Srtp};
use wire::rtp;

use crate::probe::Stamp;
use crate::stream::Stream;

/// Timestamps of 20 ms of G.711, RFC 3551.
const STEP: u32 = 160;

/// Makes the packets of a stream.
pub struct Source {
    stream: Stream,
    medium: Medium,
    template: Vec<u8>,
    /// Octets of the RTP packet before it is protected.
    clear_len: usize,
    protect: Option<(Srtp, SessionId)>,
    next: u64,
}

impl Source {
    /// The packets of `stream` for a port of this medium. With `keying` they are SRTP, and
    /// `stream.payload_len` holds the tag as well.
    pub fn new(stream: Stream, medium: Medium, keying: Option<&Keying>) -> Result<Self> {
        ensure!(stream.flows > 0, "no flows, no packets; give at least one");
        let protect = keying.map(|keying| protection(&stream, keying)).transpose()?;
        let tag_len = keying.map_or(0, |keying| keying.suite().rtp_tag_len());
        let clear_len = stream.payload_len.checked_sub(tag_len);
        let clear_len = clear_len
            .filter(|len| *len >= rtp::HEADER_LEN)
            .context("the packets are too short for RTP")?;
        let template = stream.template();
        Ok(Self { stream, medium, template, clear_len, protect, next: 0 })
    }

    /// Makes up to `count` packets that leave at `now` (UNIX time); fewer when the pool is empty.
    pub fn make(
        &mut self,
        now: Duration,
        count: usize,
        pool: &mut Pool,
        burst: &mut Vec<Frame>,
    ) -> Result<()> {
        let begin = burst.len();
        for _ in 0..count.min(BURST) {
            let Some(mut frame) = pool.take() else { break };
            frame.fill(&self.template);
            self.write(now, frame.bytes_mut());
            burst.push(frame);
        }
        self.protect(&mut burst[begin..])?;
        if self.medium == Medium::Ip {
            // The kernel has a link layer of its own.
            burst[begin..].iter_mut().for_each(|frame| frame.move_start(14));
        }
        Ok(())
    }

    fn write(&mut self, now: Duration, frame: &mut [u8]) {
        let flows = u64::from(self.stream.flows);
        let (round, flow) = (self.next / flows, (self.next % flows) as u16);
        self.next += 1;
        let (headers, packet) = frame.split_at_mut(abi::lab::PAYLOAD_OFFSET);
        // The UDP header ends where the payload begins.
        headers[abi::lab::PAYLOAD_OFFSET - 6..][..2]
            .copy_from_slice(&self.stream.port(flow).to_be_bytes());
        packet[2..4].copy_from_slice(&(round as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&(round as u32).wrapping_mul(STEP).to_be_bytes());
        packet[8..12].copy_from_slice(&u32::from(flow).to_be_bytes());
        let stamp = Stamp { number: round as u32, sent_at: now };
        stamp.write(&mut packet[rtp::HEADER_LEN..self.clear_len]);
    }

    fn protect(&mut self, burst: &mut [Frame]) -> Result<()> {
        let Some((srtp, session)) = &mut self.protect else { return Ok(()) };
        let mut jobs: Vec<Job<'_>> = burst
            .iter_mut()
            .map(|frame| {
                let packet = &mut frame.bytes_and_tailroom_mut()[abi::lab::PAYLOAD_OFFSET..];
                Job::new(*session, packet, self.clear_len)
            })
            .collect();
        srtp.protect_rtp(&mut jobs);
        for job in &jobs {
            job.result.context("a packet cannot be protected")?;
        }
        Ok(())
    }
}

fn protection(stream: &Stream, keying: &Keying) -> Result<(Srtp, SessionId)> {
    let mut srtp = Srtp::new(srtp::Config {
        max_sessions: 1,
        max_ssrcs_per_session: stream.flows.into(),
        ..srtp::Config::default()
    });
    let session = srtp.insert(Direction::Outbound, keying)?;
    Ok((srtp, session))
}

/// When packets are due, at a steady rate.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    rate: Option<f64>,
    done: u64,
    missed: u64,
}

impl Pace {
    /// So many packets a second; `None` means as many as possible.
    pub fn new(rate: Option<f64>) -> Self {
        Self { rate, done: 0, missed: 0 }
    }

    /// How many packets are due now, `elapsed` after the start. Whoever is late by more than a burst
    /// has missed what was before: a steady pace has no bursts.
    pub fn due(&mut self, elapsed: Duration) -> usize {
        let Some(rate) = self.rate else { return BURST };
        let due = (elapsed.as_secs_f64() * rate) as u64;
        let behind = due.saturating_sub(self.done + self.missed);
        self.missed += behind.saturating_sub(BURST as u64);
        behind.min(BURST as u64) as usize
    }

    /// So many have left.
    pub fn sent(&mut self, count: usize) {
        self.done += count as u64;
    }

    /// Packets whose time had passed.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pace_is_kept_and_what_is_late_is_missed(
            rate in 1e3..1e6, pauses in prop::collection::vec(0u64..2_000, 1..200),
        ) {
            let mut pace = Pace::new(Some(rate));
            let (mut elapsed, mut sent) = (Duration::ZERO, 0);
            for pause in pauses {
                elapsed += Duration::from_micros(pause);
                let due = pace.due(elapsed);
                prop_assert!(due <= BURST);
                pace.sent(due);
                sent += due as u64;
            }
            prop_assert_eq!(sent + pace.missed(), (elapsed.as_secs_f64() * rate) as u64);
        }
    }
}
