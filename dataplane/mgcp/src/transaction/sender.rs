//! The sending half: commands until their final answer.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::rtt::{Backoff, Estimator};
use super::{Context, Datagram, Indication, pop_due};
use crate::value::AckRange;
use crate::{Command, Message, Response, ReturnCode, TransactionId, Version, datagram};

/// Answers acknowledged in one `K:` line.
const ACKS: usize = 16;

pub(super) struct Sender {
    rng: SmallRng,
    next_id: TransactionId,
    pending: HashMap<TransactionId, Pending>,
    timers: BTreeSet<(Instant, TransactionId)>,
    finished: HashMap<TransactionId, Finished>,
    /// In order of time, since all are remembered equally long.
    forget: VecDeque<(Instant, TransactionId)>,
    peers: HashMap<SocketAddr, Peer>,
}

/// A command without its final answer.
struct Pending {
    bytes: Datagram,
    /// The commands it was sent together with, itself included.
    bundle: Arc<[TransactionId]>,
    addresses: Vec<SocketAddr>,
    /// Which of them is being tried.
    current: usize,
    resends_here: u32,
    resent: bool,
    suspected: bool,
    backoff: Backoff,
    first_sent: Instant,
    sent: Instant,
    due: Instant,
    /// Set by a provisional response: when to give up waiting.
    patience: Option<Instant>,
}

/// A command that was answered.
struct Finished {
    /// The answer wanted to be acknowledged, so its repeats want it too.
    acknowledge: bool,
}

/// What is known of one address.
#[derive(Default)]
struct Peer {
    estimator: Option<Estimator>,
    /// Final answers not acknowledged yet, and when the last one came.
    unacknowledged: VecDeque<TransactionId>,
    last_answer: Option<Instant>,
}

impl Sender {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let number = rng.random_range(1..=TransactionId::MAX.value());
        Self {
            next_id: TransactionId::new(number).expect("drawn from the legal range"),
            rng,
            pending: HashMap::new(),
            timers: BTreeSet::new(),
            finished: HashMap::new(),
            forget: VecDeque::new(),
            peers: HashMap::new(),
        }
    }

    pub(super) fn send(
        &mut self,
        cx: &mut Context<'_>,
        addresses: &[SocketAddr],
        commands: Vec<Command>,
    ) -> Vec<TransactionId> {
        let ids: Vec<_> = commands.iter().map(|_| self.take_id()).collect();
        let bundle: Arc<[TransactionId]> = ids.as_slice().into();
        let estimator = addresses.first().and_then(|to| self.peers.get(to)?.estimator);
        for (&id, mut command) in ids.iter().zip(commands) {
            if let Some(&to) = addresses.first() {
                self.acknowledge(cx, to, &mut command);
            }
            let backoff = Backoff::new(estimator, cx.config);
            let pending = Pending {
                bytes: Message::Command(id, command).to_bytes(),
                bundle: bundle.clone(),
                addresses: addresses.to_vec(),
                current: 0,
                resends_here: 0,
                resent: false,
                suspected: false,
                first_sent: cx.now,
                sent: cx.now,
                due: cx.now + backoff.first(cx.config),
                backoff,
                patience: None,
            };
            self.timers.insert((pending.due, id));
            self.pending.insert(id, pending);
            cx.counters.commands_sent += 1;
        }
        match addresses.first() {
            Some(&to) => cx.outputs.push_back((to, self.joined(&ids))),
            None => ids.iter().for_each(|&id| self.fail(cx, id)),
        }
        ids
    }

    fn take_id(&mut self) -> TransactionId {
        while self.pending.contains_key(&self.next_id) || self.finished.contains_key(&self.next_id)
        {
            self.next_id = self.next_id.next();
        }
        let id = self.next_id;
        self.next_id = id.next();
        id
    }

    /// Adds `K:` with what the peer answered, if the peer may be expected to remember it.
    fn acknowledge(&mut self, cx: &Context<'_>, to: SocketAddr, command: &mut Command) {
        let Some(peer) = self.peers.get_mut(&to) else { return };
        if !cx.config.acknowledge || command.version != Version::V1_0 {
            return;
        }
        let remembered = peer.last_answer.is_some_and(|last| cx.now - last < cx.config.t_hist);
        let ids = std::mem::take(&mut peer.unacknowledged);
        if remembered && !ids.is_empty() && command.params.acknowledged.is_none() {
            let ranges = ids.into_iter().map(|id| AckRange { low: id, high: id });
            command.params.acknowledged = Some(ranges.collect());
        }
    }

    fn joined(&self, ids: &[TransactionId]) -> Datagram {
        datagram::join(ids.iter().filter_map(|id| Some(self.pending.get(id)?.bytes.as_slice())))
    }

    pub(super) fn pending_bytes(&self, id: TransactionId) -> Option<&[u8]> {
        Some(&self.pending.get(&id)?.bytes)
    }

    pub(super) fn add_addresses(&mut self, id: TransactionId, addresses: &[SocketAddr]) {
        let Some(pending) = self.pending.get_mut(&id) else { return };
        for address in addresses {
            if !pending.addresses.contains(address) {
                pending.addresses.push(*address);
            }
        }
    }

    pub(super) fn cancel(&mut self, id: TransactionId) {
        if let Some(pending) = self.pending.remove(&id) {
            self.timers.remove(&(pending.due, id));
        }
    }

    pub(super) fn handle_response(
        &mut self,
        cx: &mut Context<'_>,
        from: SocketAddr,
        id: TransactionId,
        response: Response,
    ) {
        // A gateway may answer from another port than it listens on, not from another host.
        let ours = |p: &&mut Pending| p.addresses.iter().any(|a| a.ip() == from.ip());
        let Some(pending) = self.pending.get_mut(&id).filter(ours) else {
            cx.counters.responses_unexpected += 1;
            if !response.code.is_provisional()
                && self.finished.get(&id).is_some_and(|finished| finished.acknowledge)
            {
                acknowledge_now(cx, from, id);
            }
            return;
        };
        if response.code.is_provisional() {
            let patience = *pending.patience.get_or_insert(cx.now + 2 * cx.config.t_hist);
            self.reschedule(id, (cx.now + cx.config.longtran).min(patience));
            cx.indications.push_back(Indication::Provisional { id, response });
            return;
        }
        let sample = (!pending.resent).then(|| cx.now - pending.sent);
        let was_provisional = pending.patience.is_some();
        self.cancel(id);
        cx.counters.responses_received += 1;
        if let Some(peer) = self.peer(from, cx.config.peers) {
            match (&mut peer.estimator, sample) {
                (Some(estimator), Some(sample)) if !was_provisional => estimator.update(sample),
                (estimator @ None, Some(sample)) if !was_provisional => {
                    *estimator = Some(Estimator::of(sample));
                }
                _ => {}
            }
            peer.last_answer = Some(cx.now);
            peer.unacknowledged.push_back(id);
            if peer.unacknowledged.len() > ACKS {
                peer.unacknowledged.pop_front();
            }
        }
        let acknowledge = response.params.acknowledged.as_ref().is_some_and(Vec::is_empty);
        if acknowledge {
            acknowledge_now(cx, from, id);
        }
        self.finished.insert(id, Finished { acknowledge });
        self.forget.push_back((cx.now + cx.config.t_hist, id));
        cx.indications.push_back(Indication::Response { id, from, response });
    }

    fn peer(&mut self, address: SocketAddr, limit: usize) -> Option<&mut Peer> {
        if self.peers.len() >= limit && !self.peers.contains_key(&address) {
            return None;
        }
        Some(self.peers.entry(address).or_default())
    }

    fn reschedule(&mut self, id: TransactionId, due: Instant) {
        if let Some(pending) = self.pending.get_mut(&id) {
            self.timers.remove(&(pending.due, id));
            pending.due = due;
            self.timers.insert((due, id));
        }
    }

    pub(super) fn handle_unreachable(&mut self, cx: &mut Context<'_>, peer: SocketAddr) {
        let at_peer = |(id, p): (&TransactionId, &Pending)| {
            (p.addresses.get(p.current) == Some(&peer)).then_some(*id)
        };
        let ids: Vec<_> = self.pending.iter().filter_map(at_peer).collect();
        for id in ids {
            let pending = &self.pending[&id];
            let last = pending.current + 1 >= pending.addresses.len();
            if !pending.suspected {
                self.suspect(cx, id);
            }
            // Whoever starts at this moment may be there in the next: the timers decide.
            if !last {
                self.try_next_address(cx, id);
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let timer = self.timers.first().map(|(due, _)| *due);
        let forget = self.forget.front().map(|(due, _)| *due);
        [timer, forget].into_iter().flatten().min()
    }

    pub(super) fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        while let Some(id) = pop_due(&mut self.forget, cx.now) {
            self.finished.remove(&id);
        }
        while let Some(&(due, id)) = self.timers.first()
            && due <= cx.now
        {
            self.timer_expired(cx, id);
        }
    }

    fn timer_expired(&mut self, cx: &mut Context<'_>, id: TransactionId) {
        let pending = &self.pending[&id];
        let spent = cx.now - pending.first_sent >= cx.config.t_max;
        match pending.patience {
            Some(patience) if patience <= cx.now => self.fail(cx, id),
            Some(patience) => {
                self.resend_alone(cx, id);
                self.reschedule(id, (cx.now + cx.config.longtran).min(patience));
            }
            None if spent => self.fail(cx, id),
            None => {
                let last = pending.current + 1 >= pending.addresses.len();
                let allowed = if last { cx.config.max2 } else { cx.config.max1 };
                if pending.resends_here == cx.config.max1 && !pending.suspected {
                    self.suspect(cx, id);
                }
                if self.pending[&id].resends_here >= allowed {
                    self.try_next_address(cx, id);
                } else {
                    self.resend(cx, id);
                }
            }
        }
    }

    fn suspect(&mut self, cx: &mut Context<'_>, id: TransactionId) {
        if let Some(pending) = self.pending.get_mut(&id) {
            pending.suspected = true;
            cx.indications.push_back(Indication::Suspect { id });
        }
    }

    /// Sends the command again: with those it first went with, while none of them was heard of,
    /// else alone, for there are gateways that answer only the first message of a datagram.
    fn resend(&mut self, cx: &mut Context<'_>, id: TransactionId) {
        let bundle = self.pending[&id].bundle.clone();
        let intact = bundle.iter().all(|other| {
            self.pending
                .get(other)
                .is_some_and(|p| p.patience.is_none() && p.current == self.pending[&id].current)
        });
        if !intact || bundle.len() == 1 {
            self.resend_alone(cx, id);
            self.back_off(cx, id);
            return;
        }
        let pending = &self.pending[&id];
        cx.outputs.push_back((pending.addresses[pending.current], self.joined(&bundle)));
        for &other in bundle.iter() {
            cx.counters.resends += 1;
            self.back_off(cx, other);
        }
    }

    fn resend_alone(&mut self, cx: &mut Context<'_>, id: TransactionId) {
        let Some(pending) = self.pending.get_mut(&id) else { return };
        pending.resent = true;
        cx.counters.resends += 1;
        cx.outputs.push_back((pending.addresses[pending.current], pending.bytes.clone()));
    }

    fn back_off(&mut self, cx: &Context<'_>, id: TransactionId) {
        let Some(pending) = self.pending.get_mut(&id) else { return };
        pending.resent = true;
        pending.resends_here += 1;
        let deadline = pending.first_sent + cx.config.t_max;
        let due = cx.now + pending.backoff.next(cx.config, &mut self.rng);
        self.reschedule(id, due.min(deadline));
    }

    fn try_next_address(&mut self, cx: &mut Context<'_>, id: TransactionId) {
        let Some(pending) = self.pending.get_mut(&id) else { return };
        let Some(&next) = pending.addresses.get(pending.current + 1) else {
            return self.fail(cx, id);
        };
        pending.current += 1;
        pending.resends_here = 0;
        let estimator = self.peers.get(&next).and_then(|peer| peer.estimator);
        pending.backoff = Backoff::new(estimator, cx.config);
        let due = cx.now + pending.backoff.first(cx.config);
        self.resend_alone(cx, id);
        self.reschedule(id, due);
    }

    fn fail(&mut self, cx: &mut Context<'_>, id: TransactionId) {
        self.cancel(id);
        cx.counters.failed += 1;
        cx.indications.push_back(Indication::Failed { id });
    }
}

/// Sends `000`.
fn acknowledge_now(cx: &mut Context<'_>, to: SocketAddr, id: TransactionId) {
    let mut response = Response::new(ReturnCode::ACKNOWLEDGED);
    response.text = None;
    cx.outputs.push_back((to, Message::Response(id, response).to_bytes()));
}
