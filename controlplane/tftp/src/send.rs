//! One transfer, seen from the sender: blocks, windows, repetitions.

use std::sync::Arc;
use std::time::Instant;

use crate::options::{Options, Tuning};
use crate::packet::Packet;

/// A file on its way to one peer. Packets to send are collected in a vector by the caller.
#[derive(Debug)]
pub(crate) struct Sending {
    bytes: Arc<[u8]>,
    /// What was granted; sent as an acknowledgement first unless empty.
    options: Options,
    /// Blocks that the peer has. `None` until it acknowledged the options.
    acked: Option<u64>,
    /// Number of the last block of the file.
    last: u64,
    /// The peer acknowledged something: it exists, and asked for this.
    confirmed: bool,
    /// Set when a duplicate acknowledgement made us go back, until the window moves.
    went_back: bool,
    repeats: u32,
    deadline: Instant,
}

/// What a packet or the clock did to a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It goes on.
    Going,
    /// The peer has everything.
    Done,
    /// The peer is silent.
    GivenUp,
}

impl Sending {
    /// Starts with the option acknowledgement, or with block 1 if nothing was granted.
    pub fn start(
        now: Instant,
        bytes: Arc<[u8]>,
        asked: &Options,
        tuning: &Tuning,
        out: &mut Vec<Vec<u8>>,
    ) -> Self {
        let options = asked.granted(tuning, bytes.len() as u64);
        let last = (bytes.len() / options.block_len()) as u64 + 1;
        let acked = options.is_empty().then_some(0);
        let (confirmed, went_back, repeats) = (false, false, 0);
        let mut sending =
            Self { bytes, options, acked, last, confirmed, went_back, repeats, deadline: now };
        sending.send(now, tuning, out);
        sending
    }

    /// When the peer must have answered.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// True if the peer acknowledged anything.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// The peer has everything up to `block`, of whose number these are the low bits.
    pub fn handle_ack(
        &mut self,
        now: Instant,
        block: u16,
        tuning: &Tuning,
        out: &mut Vec<Vec<u8>>,
    ) -> Step {
        let acked = match self.acked {
            None if block == 0 => 0,
            None => return Step::Going,
            Some(acked) => {
                let ahead = u64::from(block.wrapping_sub(acked as u16));
                let sent = (acked + self.options.window()).min(self.last);
                if ahead == 0 {
                    return self.handle_duplicate_ack(now, tuning, out);
                }
                if acked + ahead > sent {
                    return Step::Going;
                }
                acked + ahead
            }
        };
        (self.acked, self.confirmed) = (Some(acked), true);
        if acked == self.last {
            return Step::Done;
        }
        (self.went_back, self.repeats) = (false, 0);
        self.send(now, tuning, out);
        Step::Going
    }

    /// With one block per acknowledgement a duplicate is an echo of our own repetition: answering
    /// it would double every packet from then on. With a window it says that the first block of
    /// the window was lost, and is answered once.
    fn handle_duplicate_ack(
        &mut self,
        now: Instant,
        tuning: &Tuning,
        out: &mut Vec<Vec<u8>>,
    ) -> Step {
        if self.options.window() > 1 && self.confirmed && !self.went_back {
            self.went_back = true;
            self.send(now, tuning, out);
        }
        Step::Going
    }

    /// Repeats what was not acknowledged, or gives the peer up.
    pub fn handle_timeout(
        &mut self,
        now: Instant,
        tuning: &Tuning,
        out: &mut Vec<Vec<u8>>,
    ) -> Step {
        let most = if self.confirmed { tuning.max_repeats } else { tuning.max_first_repeats };
        if self.repeats >= most {
            return Step::GivenUp;
        }
        self.repeats += 1;
        self.send(now, tuning, out);
        Step::Going
    }

    /// Sends the option acknowledgement or the window behind the last acknowledged block.
    fn send(&mut self, now: Instant, tuning: &Tuning, out: &mut Vec<Vec<u8>>) {
        match self.acked {
            None => out.push(Packet::OptionAck(self.options).to_bytes()),
            Some(acked) => {
                let end = (acked + self.options.window()).min(self.last);
                out.extend((acked + 1..=end).map(|block| self.block(block)));
            }
        }
        self.deadline = now + tuning.wait(&self.options, self.repeats);
    }

    /// Block `number`, from 1; the last one is shorter than the others, possibly empty.
    fn block(&self, number: u64) -> Vec<u8> {
        let len = self.options.block_len();
        let start = (number - 1) as usize * len;
        let end = (start + len).min(self.bytes.len());
        Packet::Data { block: number as u16, data: &self.bytes[start..end] }.to_bytes()
    }
}
