//! What is heard of one telephone: from whom, in order, in time.

mod conceal;
mod jitter;
mod reception;
mod source;

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use speech::g711::Law;
use thiserror::Error;
use wire::rtp;

use crate::Frame;
use crate::report::{self, Heard};
pub(crate) use jitter::Played;
use jitter::{JitterBuffer, Late};
use reception::Reception;
use source::{Source, Speaker};

/// Samples of the longest packet that is taken: 60 ms.
const LONGEST_PAYLOAD: usize = 480;

/// A telephone's speech.
#[derive(Debug)]
pub(crate) struct Hearing {
    source: Source,
    reception: Reception,
    buffer: JitterBuffer,
}

/// A packet of which nothing was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Unheard {
    #[error("it comes from somebody else")]
    Stranger,
    #[error("it is no RTP")]
    Malformed,
    #[error("it is no speech in G.711")]
    Payload,
    #[error("it came too late")]
    Late,
}

impl Hearing {
    /// Speech that comes from `host`.
    pub(crate) fn new(host: IpAddr, now: Instant) -> Self {
        Self {
            source: Source::new(host),
            reception: Reception::new(now),
            buffer: JitterBuffer::new(),
        }
    }

    /// A packet came in through the even port.
    pub(crate) fn hear(
        &mut self,
        now: Instant,
        from: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), Unheard> {
        if !self.source.lives_at(from) {
            return Err(Unheard::Stranger);
        }
        let packet = rtp::Packet::new_checked(bytes).map_err(|_| Unheard::Malformed)?;
        let law = match packet.payload_type().0 {
            0 => Law::Mu,
            8 => Law::A,
            _ => return Err(Unheard::Payload),
        };
        let speech = without_padding(bytes, packet.payload()).ok_or(Unheard::Malformed)?;
        if speech.is_empty() || speech.len() > LONGEST_PAYLOAD {
            return Err(Unheard::Payload);
        }
        match self.source.admit(now, from, packet.ssrc()) {
            Speaker::Same => {}
            Speaker::New => {
                self.reception = Reception::new(now);
                self.buffer = JitterBuffer::new();
            }
            Speaker::Stranger => return Err(Unheard::Stranger),
        }
        self.reception.count(now, packet.seq_no(), packet.timestamp());
        self.buffer.insert(packet.timestamp(), law, speech).map_err(|Late| Unheard::Late)
    }

    /// A packet came in through the odd port.
    pub(crate) fn hear_report(
        &mut self,
        now: Instant,
        from: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), Unheard> {
        if !self.source.lives_at(from) {
            return Err(Unheard::Stranger);
        }
        if !report::is_report(bytes) {
            return Err(Unheard::Malformed);
        }
        if let Some((ssrc, ntp)) = report::read_sender_report(bytes)
            && self.source.ssrc() == Some(ssrc)
        {
            self.reception.reported(now, ntp);
        }
        Ok(())
    }

    /// The next 20 ms of it.
    pub(crate) fn play(&mut self, frame: &mut Frame) -> Played {
        self.buffer.play(frame)
    }

    /// How well it was heard since the last report.
    pub(crate) fn report(&mut self, now: Instant) -> Option<Heard> {
        let ssrc = self.source.ssrc()?;
        Some(self.reception.report(now, ssrc))
    }
}

/// The payload without padding, whose last octet counts it (RFC 3550 §5.1).
fn without_padding<'a>(bytes: &[u8], payload: &'a [u8]) -> Option<&'a [u8]> {
    if bytes[0] & 0x20 == 0 {
        return Some(payload);
    }
    let padding = usize::from(*payload.last()?);
    (padding > 0).then_some(())?;
    payload.get(..payload.len().checked_sub(padding)?)
}
