//! Transactions (RFC 3435 §3.5): a command is executed at most once, and its sender learns how it
//! ended, whatever the network loses, doubles or reorders.
//!
//! [`Transactions`] is one end of the protocol, both roles at once, without sockets and clock:
//!
//! ```
//! use ringfence_mgcp::transaction::{Config, Indication, Transactions};
//! use ringfence_mgcp::{Command, Response, ReturnCode, Verb};
//! use std::time::Instant;
//!
//! let now = Instant::now();
//! let (agent, gateway) = ("10.0.0.1:2727".parse()?, "10.0.0.2:2427".parse()?);
//! let mut ca = Transactions::new(Config::default(), 1);
//! let mut gw = Transactions::new(Config::default(), 2);
//!
//! let id = ca.send(now, &[gateway], Command::new(Verb::Auep, "mg@relay".parse()?));
//! let (_to, datagram) = ca.poll_output().expect("a command to send");
//! gw.handle_input(now, agent, &datagram);
//! let Some(Indication::Command { key, .. }) = gw.poll_indication() else { panic!() };
//! gw.respond(now, key, Response::new(ReturnCode::OK));
//! let (_to, datagram) = gw.poll_output().expect("an answer to send");
//! ca.handle_input(now, gateway, &datagram);
//! assert!(matches!(ca.poll_indication(), Some(Indication::Response { id: i, .. }) if i == id));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod receiver;
mod rtt;
mod sender;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::datagram::{DatagramError, split};
use crate::{Command, Message, ParseError, Response, ReturnCode, TransactionId, limits};

use receiver::Receiver;
use sender::Sender;

/// Octets to send; they may hold keys.
pub type Datagram = Zeroizing<Vec<u8>>;

/// Times and limits (RFC 3435 §4.3, appendix; defaults are those of the standard and of IOS).
#[derive(Clone, Debug)]
pub struct Config {
    /// First resend while nothing is known of a peer.
    pub initial_rto: Duration,
    /// Shortest time before a resend, however fast the peer.
    pub rto_min: Duration,
    /// Longest time between two resends.
    pub rto_max: Duration,
    /// `T-MAX`: how long resends are allowed at all.
    pub t_max: Duration,
    /// `T-HIST`: how long finished transactions are remembered.
    pub t_hist: Duration,
    /// Resends after which a peer is suspected and its next address tried.
    pub max1: u32,
    /// Resends to the last address after which the peer is given up.
    pub max2: u32,
    /// `LONGTRAN-TIMER`: pace of resends after a provisional response.
    pub longtran: Duration,
    /// How long a command may execute before it is answered 406.
    pub execution_limit: Duration,
    /// Finished transactions remembered per peer.
    pub recent_per_peer: usize,
    /// Peers remembered.
    pub peers: usize,
    /// Octets of a datagram that is accepted.
    pub datagram_limit: usize,
    /// Octets of an answer; a longer one becomes 533.
    pub answer_limit: usize,
    /// Acknowledge answers with `K:` in later commands of version 1.0.
    pub acknowledge: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            initial_rto: Duration::from_millis(500),
            rto_min: Duration::from_millis(100),
            rto_max: Duration::from_secs(4),
            t_max: Duration::from_secs(20),
            t_hist: Duration::from_secs(30),
            max1: 5,
            max2: 7,
            longtran: Duration::from_secs(5),
            execution_limit: Duration::from_secs(20),
            recent_per_peer: 4096,
            peers: 1024,
            datagram_limit: limits::DATAGRAM,
            answer_limit: limits::ANSWER,
            acknowledge: true,
        }
    }
}

/// Names a command that is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommandKey {
    /// Who sent it.
    pub peer: SocketAddr,
    /// Its number there.
    pub id: TransactionId,
}

/// What happened.
#[derive(Debug, PartialEq)]
pub enum Indication {
    /// A command came, for the first time: execute it and call [`Transactions::respond`].
    Command {
        /// For the answer.
        key: CommandKey,
        /// The command.
        command: Command,
    },
    /// The command executed too long; it was answered 406. A later answer is not sent.
    Abandoned {
        /// Which.
        key: CommandKey,
    },
    /// The final answer to our command.
    Response {
        /// Which command.
        id: TransactionId,
        /// Who answered.
        from: SocketAddr,
        /// The answer.
        response: Response,
    },
    /// Our command is being executed or queued.
    Provisional {
        /// Which command.
        id: TransactionId,
        /// The provisional answer.
        response: Response,
    },
    /// No answer after Max1 resends: resolve the peer's name again and
    /// [`Transactions::add_addresses`]. Comes once per command.
    Suspect {
        /// Which command.
        id: TransactionId,
    },
    /// There will be no answer: the peer is disconnected.
    Failed {
        /// Which command.
        id: TransactionId,
    },
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams received.
    pub datagrams_received: u64,
    /// Datagrams not looked at: empty, too long, too many messages.
    pub datagrams_dropped: u64,
    /// Commands received for the first time.
    pub commands_received: u64,
    /// Commands received again, answered from memory or with a provisional response.
    pub duplicates: u64,
    /// Messages that could not be read.
    pub malformed: u64,
    /// Of these, answered with an error.
    pub malformed_answered: u64,
    /// Commands sent, resends not counted.
    pub commands_sent: u64,
    /// Resends of commands.
    pub resends: u64,
    /// Final answers received.
    pub responses_received: u64,
    /// Responses nobody waited for.
    pub responses_unexpected: u64,
    /// Commands that were never answered.
    pub failed: u64,
    /// Commands that executed too long.
    pub abandoned: u64,
}

/// One end of the protocol.
pub struct Transactions {
    config: Config,
    counters: Counters,
    sender: Sender,
    receiver: Receiver,
    outputs: VecDeque<(SocketAddr, Datagram)>,
    indications: VecDeque<Indication>,
}

/// What the two halves share during a call.
struct Context<'a> {
    now: Instant,
    config: &'a Config,
    counters: &'a mut Counters,
    outputs: &'a mut VecDeque<(SocketAddr, Datagram)>,
    indications: &'a mut VecDeque<Indication>,
}

macro_rules! context {
    ($self:ident, $now:expr) => {
        Context {
            now: $now,
            config: &$self.config,
            counters: &mut $self.counters,
            outputs: &mut $self.outputs,
            indications: &mut $self.indications,
        }
    };
}

impl Transactions {
    /// An end that has heard of nobody. Timers and the first transaction id derive from `seed`.
    pub fn new(config: Config, seed: u64) -> Self {
        Self {
            sender: Sender::new(seed),
            receiver: Receiver::default(),
            config,
            counters: Counters::default(),
            outputs: VecDeque::new(),
            indications: VecDeque::new(),
        }
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Sends a command to the first of `addresses`; the others are tried if it does not answer.
    pub fn send(
        &mut self,
        now: Instant,
        addresses: &[SocketAddr],
        command: Command,
    ) -> TransactionId {
        self.send_together(now, addresses, vec![command])[0]
    }

    /// Sends commands in one datagram, in order. Peers of the 0.1 dialect do not expect this.
    pub fn send_together(
        &mut self,
        now: Instant,
        addresses: &[SocketAddr],
        commands: Vec<Command>,
    ) -> Vec<TransactionId> {
        self.sender.send(&mut context!(self, now), addresses, commands)
    }

    /// Further addresses of the peer that command `id` went to; known ones are passed over.
    pub fn add_addresses(&mut self, id: TransactionId, addresses: &[SocketAddr]) {
        self.sender.add_addresses(id, addresses);
    }

    /// Forgets our command: no resends, no [`Indication::Failed`].
    pub fn cancel(&mut self, id: TransactionId) {
        self.sender.cancel(id);
    }

    /// Takes a datagram.
    pub fn handle_input(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.counters.datagrams_received += 1;
        let messages = match split(datagram, self.config.datagram_limit) {
            Ok(messages) => messages,
            Err(DatagramError::Empty | DatagramError::TooLong | DatagramError::TooManyMessages) => {
                self.counters.datagrams_dropped += 1;
                return;
            }
        };
        for message in messages {
            match Message::parse(message) {
                Ok(Message::Command(id, command)) => {
                    let key = CommandKey { peer: from, id };
                    self.receiver.handle_command(&mut context!(self, now), key, command);
                }
                Ok(Message::Response(id, response)) => {
                    self.handle_response(now, from, id, response)
                }
                Err(error) => self.handle_malformed(now, from, error),
            }
        }
    }

    fn handle_response(
        &mut self,
        now: Instant,
        from: SocketAddr,
        id: TransactionId,
        response: Response,
    ) {
        if response.code == ReturnCode::ACKNOWLEDGED {
            self.receiver.handle_acknowledgement(CommandKey { peer: from, id });
        } else {
            self.sender.handle_response(&mut context!(self, now), from, id, response);
        }
    }

    fn handle_malformed(&mut self, now: Instant, from: SocketAddr, error: ParseError) {
        self.counters.malformed += 1;
        self.receiver.handle_malformed(&mut context!(self, now), from, error);
    }

    /// The network says that `peer` cannot be reached (ICMP): commands to it try their next address
    /// as after Max1 resends; to the last one they are sent again until time is up.
    pub fn handle_unreachable(&mut self, now: Instant, peer: SocketAddr) {
        self.sender.handle_unreachable(&mut context!(self, now), peer);
    }

    /// Gives the final answer to a command.
    pub fn respond(&mut self, now: Instant, key: CommandKey, response: Response) {
        self.receiver.respond(&mut context!(self, now), key, response, None);
    }

    /// As [`Self::respond`], with our own command `ahead` before it in the datagram: a call agent
    /// must hear of a restart before anything else. The command stays reliable by itself.
    pub fn respond_behind(
        &mut self,
        now: Instant,
        key: CommandKey,
        response: Response,
        ahead: TransactionId,
    ) {
        let ahead = self.sender.pending_bytes(ahead);
        self.receiver.respond(&mut context!(self, now), key, response, ahead);
    }

    /// Tells the sender of a command that it takes a while: 100 with what is known already, or 101.
    /// The final answer will ask for its acknowledgement.
    pub fn respond_provisionally(&mut self, now: Instant, key: CommandKey, response: Response) {
        self.receiver.respond_provisionally(&mut context!(self, now), key, response);
    }

    /// Repeats of a command are answered 101 (queued) or 100 (being executed) from now on.
    pub fn set_queued(&mut self, key: CommandKey, queued: bool) {
        self.receiver.set_queued(key, queued);
    }

    /// The next datagram to send.
    pub fn poll_output(&mut self) -> Option<(SocketAddr, Datagram)> {
        self.outputs.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_indication(&mut self) -> Option<Indication> {
        self.indications.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.sender.poll_timeout(), self.receiver.poll_timeout()].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.sender.handle_timeout(&mut context!(self, now));
        self.receiver.handle_timeout(&mut context!(self, now));
    }
}

/// The front of a queue that is in order of time, if it is due.
fn pop_due<T>(queue: &mut VecDeque<(Instant, T)>, now: Instant) -> Option<T> {
    queue.front().is_some_and(|(due, _)| *due <= now).then(|| queue.pop_front())?.map(|(_, t)| t)
}
