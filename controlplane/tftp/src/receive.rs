//! One transfer, seen from the receiver.

use std::net::SocketAddr;
use std::time::Instant;

use crate::options::{Options, Tuning};
use crate::packet::{ErrorCode, Packet, ReadRequest};

/// A file on its way to us.
#[derive(Debug)]
pub struct Receiving {
    server: SocketAddr,
    request: Vec<u8>,
    asked: Options,
    tuning: Tuning,
    /// Most bytes that are accepted.
    limit: usize,
    /// The server's port for this transfer, from its first answer on, and what it granted.
    peer: Option<(SocketAddr, Options)>,
    data: Vec<u8>,
    /// Blocks received in order.
    received: u64,
    /// Blocks acknowledged.
    acked: u64,
    /// The gap that was reported, so that each is reported once.
    gap_reported: Option<u64>,
    repeats: u32,
    deadline: Instant,
    outbox: Vec<(SocketAddr, Vec<u8>)>,
}

/// Where a transfer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// More packets are to come.
    Going,
    /// The file.
    Done(Vec<u8>),
    /// No file.
    Failed(Failure),
}

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The server said so.
    #[error("the server refused: {code} ({text})")]
    Refused {
        /// Its code.
        code: ErrorCode,
        /// Its text.
        text: String,
    },
    /// The server is silent.
    #[error("the server does not answer")]
    TimedOut,
    /// The file is larger than the caller accepts.
    #[error("the file is larger than {0} bytes")]
    TooLarge(usize),
    /// The server granted what was not asked.
    #[error("the server does not keep to the protocol")]
    Protocol,
}

impl Receiving {
    /// Asks `server` (its request port) for a file of at most `limit` bytes.
    pub fn start(
        now: Instant,
        server: SocketAddr,
        name: &str,
        options: Options,
        limit: usize,
        tuning: Tuning,
    ) -> Self {
        let request = Packet::Read(ReadRequest { name: name.as_bytes(), options }).to_bytes();
        let mut receiving = Self {
            server,
            request,
            asked: options,
            tuning,
            limit,
            peer: None,
            data: Vec::new(),
            received: 0,
            acked: 0,
            gap_reported: None,
            repeats: 0,
            deadline: now,
            outbox: Vec::new(),
        };
        receiving.repeat(now);
        receiving
    }

    /// The next datagram to send.
    pub fn poll_output(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        (!self.outbox.is_empty()).then(|| self.outbox.remove(0))
    }

    /// When [`Receiving::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Instant {
        self.deadline
    }

    /// Repeats the request or the last acknowledgement, or gives up.
    pub fn handle_timeout(&mut self, now: Instant) -> Progress {
        if now < self.deadline {
            return Progress::Going;
        }
        if self.repeats >= self.tuning.max_repeats {
            return Progress::Failed(Failure::TimedOut);
        }
        self.repeats += 1;
        self.repeat(now);
        Progress::Going
    }

    /// Takes a datagram.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> Progress {
        let known = self.peer.map_or(from.ip() == self.server.ip(), |(peer, _)| peer == from);
        if !known {
            return self.rebuke(from);
        }
        match Packet::parse(datagram) {
            // An answer begins with block 1: this is left over from another transfer.
            Ok(Packet::Data { block, .. }) if self.peer.is_none() && block != 1 => {
                self.rebuke(from)
            }
            Ok(Packet::Data { block, data }) => self.handle_data(now, from, block, data),
            Ok(Packet::OptionAck(granted)) if self.peer.is_none() => {
                if !self.is_acceptable(&granted) {
                    let text = b"Options refused";
                    let error = Packet::Error { code: ErrorCode::OptionNegotiation, text };
                    self.outbox.push((from, error.to_bytes()));
                    return Progress::Failed(Failure::Protocol);
                }
                self.peer = Some((from, granted));
                self.acknowledge(now);
                Progress::Going
            }
            Ok(Packet::Error { code, text }) => {
                let text = String::from_utf8_lossy(text).into_owned();
                Progress::Failed(Failure::Refused { code, text })
            }
            _ => Progress::Going,
        }
    }

    /// Tells a stranger that this is not its transfer (RFC 1350 section 4).
    fn rebuke(&mut self, stranger: SocketAddr) -> Progress {
        let text = b"Unknown transfer ID";
        let error = Packet::Error { code: ErrorCode::UnknownTransferId, text };
        self.outbox.push((stranger, error.to_bytes()));
        Progress::Going
    }

    /// A server may grant less than was asked, nothing else.
    fn is_acceptable(&self, granted: &Options) -> bool {
        fn at_most<T: PartialOrd>(granted: Option<T>, asked: Option<T>) -> bool {
            granted.is_none_or(|granted| asked.is_some_and(|asked| granted <= asked))
        }
        at_most(granted.block_size, self.asked.block_size)
            && at_most(granted.window_size, self.asked.window_size)
            && (granted.timeout.is_none() || granted.timeout == self.asked.timeout)
            && (granted.transfer_size.is_none() || self.asked.transfer_size.is_some())
    }

    fn handle_data(&mut self, now: Instant, from: SocketAddr, block: u16, data: &[u8]) -> Progress {
        // Data at once: a server that knows no options.
        let (_, options) = *self.peer.get_or_insert((from, Options::default()));
        let ahead = block.wrapping_sub(self.received as u16);
        if ahead != 1 {
            return self.handle_gap(now, ahead);
        }
        if data.len() > options.block_len() {
            return Progress::Failed(Failure::Protocol);
        }
        if self.data.len() + data.len() > self.limit {
            return Progress::Failed(Failure::TooLarge(self.limit));
        }
        self.data.extend_from_slice(data);
        self.received += 1;
        let last = data.len() < options.block_len();
        if last || self.received == self.acked + options.window() {
            self.acknowledge(now);
        }
        if last { Progress::Done(std::mem::take(&mut self.data)) } else { Progress::Going }
    }

    /// A block too early: tell once what we have, so that the sender goes back. A block twice: our
    /// acknowledgement was lost, or the sender was too quick.
    fn handle_gap(&mut self, now: Instant, ahead: u16) -> Progress {
        let early = (2..0x8000).contains(&ahead);
        if early && self.gap_reported != Some(self.received) {
            self.gap_reported = Some(self.received);
            self.acknowledge(now);
        } else if ahead == 0 {
            self.acknowledge(now);
        }
        Progress::Going
    }

    fn acknowledge(&mut self, now: Instant) {
        (self.acked, self.repeats) = (self.received, 0);
        self.repeat(now);
    }

    fn repeat(&mut self, now: Instant) {
        let options = match self.peer {
            None => {
                self.outbox.push((self.server, self.request.clone()));
                Options::default()
            }
            Some((peer, options)) => {
                let ack = Packet::Ack { block: self.received as u16 };
                self.outbox.push((peer, ack.to_bytes()));
                options
            }
        };
        self.deadline = now + self.tuning.wait(&options, self.repeats);
    }
}
