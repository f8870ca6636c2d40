//! The receiving half: each command once, each answer as often as it is asked for.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::{CommandKey, Context, Datagram, Indication, pop_due};
use crate::error::Place;
use crate::value::AckRange;
use crate::{
    Command, Message, ParseError, Response, ReturnCode, TransactionId, ValueError, Version,
    datagram,
};

/// At most one answer per peer in this time to commands whose first line makes no sense.
const MALFORMED_PACE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Receiver {
    peers: HashMap<SocketAddr, Peer>,
    /// Executing commands by the time they are abandoned.
    deadlines: BTreeSet<(Instant, SocketAddr, TransactionId)>,
    /// Answers repeated until they are acknowledged.
    repeats: BTreeSet<(Instant, SocketAddr, TransactionId)>,
    /// In order of time, since all are remembered equally long.
    forget: VecDeque<(Instant, CommandKey)>,
}

#[derive(Default)]
struct Peer {
    current: HashMap<TransactionId, Executing>,
    recent: HashMap<TransactionId, Answered>,
    /// Oldest first; the store is bounded.
    order: VecDeque<TransactionId>,
    complained: Option<Instant>,
    seen: Option<Instant>,
}

struct Executing {
    version: Version,
    deadline: Instant,
    queued: bool,
    /// A provisional answer was sent, so the final one is to be acknowledged.
    handshake: bool,
    /// What it said, if more than that the command is being executed.
    provisional: Option<Datagram>,
}

struct Answered {
    /// Gone when the peer acknowledged it; the command is still not executed again.
    bytes: Option<Datagram>,
    until: Instant,
    /// How often it was sent, and when it will be next, while it waits for `000`.
    repeat: Option<(u32, Instant)>,
}

impl Receiver {
    pub(super) fn handle_command(
        &mut self,
        cx: &mut Context<'_>,
        key: CommandKey,
        command: Command,
    ) {
        self.make_room(cx, key.peer);
        let peer = self.peers.entry(key.peer).or_default();
        peer.seen = Some(cx.now);
        if let Some(ranges) = &command.params.acknowledged {
            peer.drop_acknowledged(ranges);
        }
        if self.answer_again(cx, key) {
            return;
        }
        let deadline = cx.now + cx.config.execution_limit;
        let version = command.version;
        let executing =
            Executing { version, deadline, queued: false, handshake: false, provisional: None };
        self.peers.entry(key.peer).or_default().current.insert(key.id, executing);
        self.deadlines.insert((deadline, key.peer, key.id));
        cx.counters.commands_received += 1;
        cx.indications.push_back(Indication::Command { key, command });
    }

    /// Whether the command was here before; then it gets what it got then.
    fn answer_again(&mut self, cx: &mut Context<'_>, key: CommandKey) -> bool {
        let Some(peer) = self.peers.get_mut(&key.peer) else { return false };
        let bytes = match (peer.recent.get(&key.id), peer.current.get_mut(&key.id)) {
            (Some(answered), _) => answered.bytes.clone(),
            (None, Some(executing)) => {
                executing.handshake = true;
                let code = match executing.queued {
                    true => ReturnCode::QUEUED,
                    false => ReturnCode::IN_PROGRESS,
                };
                let progress = || Message::Response(key.id, Response::new(code)).to_bytes();
                Some(executing.provisional.clone().unwrap_or_else(progress))
            }
            (None, None) => return false,
        };
        cx.counters.duplicates += 1;
        cx.outputs.extend(bytes.map(|bytes| (key.peer, bytes)));
        true
    }

    pub(super) fn handle_malformed(
        &mut self,
        cx: &mut Context<'_>,
        from: SocketAddr,
        error: ParseError,
    ) {
        let Some(answer) = error.answer() else { return };
        self.make_room(cx, from);
        let key = error.transaction().map(|id| CommandKey { peer: from, id });
        if key.is_some_and(|key| self.answer_again(cx, key)) {
            return;
        }
        let peer = self.peers.entry(from).or_default();
        peer.seen = Some(cx.now);
        if error.place == Place::Header {
            if peer.complained.is_some_and(|last| cx.now - last < MALFORMED_PACE) {
                return;
            }
            peer.complained = Some(cx.now);
        }
        cx.counters.malformed_answered += 1;
        let bytes = Datagram::new(answer.into_bytes());
        cx.outputs.push_back((from, bytes.clone()));
        if let Some(key) = key {
            self.remember(cx, key, bytes, false);
        }
    }

    pub(super) fn handle_acknowledgement(&mut self, key: CommandKey) {
        let answered = self.peers.get_mut(&key.peer).and_then(|p| p.recent.get_mut(&key.id));
        let Some(answered) = answered else { return };
        answered.bytes = None;
        if let Some((_, due)) = answered.repeat.take() {
            self.repeats.remove(&(due, key.peer, key.id));
        }
    }

    pub(super) fn respond(
        &mut self,
        cx: &mut Context<'_>,
        key: CommandKey,
        mut response: Response,
        ahead: Option<&[u8]>,
    ) {
        let executing = self.peers.get_mut(&key.peer).and_then(|p| p.current.remove(&key.id));
        let Some(executing) = executing else { return };
        self.deadlines.remove(&(executing.deadline, key.peer, key.id));
        let handshake = executing.handshake && executing.version == Version::V1_0;
        if handshake {
            response.params.acknowledged = Some(Vec::new());
        }
        let mut bytes = Message::Response(key.id, response).to_bytes();
        if bytes.len() > cx.config.answer_limit {
            let too_large = ValueError::new(ReturnCode::TOO_LARGE, "response too large");
            bytes = Message::Response(key.id, Response::refusal(too_large)).to_bytes();
        }
        let datagram = match ahead {
            Some(ahead) => datagram::join([ahead, &bytes]),
            None => bytes.clone(),
        };
        cx.outputs.push_back((key.peer, datagram));
        self.remember(cx, key, bytes, handshake);
    }

    pub(super) fn respond_provisionally(
        &mut self,
        cx: &mut Context<'_>,
        key: CommandKey,
        response: Response,
    ) {
        let executing = self.peers.get_mut(&key.peer).and_then(|p| p.current.get_mut(&key.id));
        let Some(executing) = executing else { return };
        let bytes = Message::Response(key.id, response).to_bytes();
        cx.outputs.push_back((key.peer, bytes.clone()));
        executing.handshake = true;
        executing.provisional = Some(bytes);
    }

    pub(super) fn set_queued(&mut self, key: CommandKey, queued: bool) {
        let executing = self.peers.get_mut(&key.peer).and_then(|p| p.current.get_mut(&key.id));
        if let Some(executing) = executing {
            executing.queued = queued;
        }
    }

    fn remember(&mut self, cx: &Context<'_>, key: CommandKey, bytes: Datagram, handshake: bool) {
        let until = cx.now + cx.config.t_hist;
        let peer = self.peers.entry(key.peer).or_default();
        let repeat = handshake.then(|| (0, cx.now + cx.config.initial_rto));
        if let Some((_, due)) = repeat {
            self.repeats.insert((due, key.peer, key.id));
        }
        peer.recent.insert(key.id, Answered { bytes: Some(bytes), until, repeat });
        peer.order.push_back(key.id);
        self.forget.push_back((until, key));
        if peer.order.len() > cx.config.recent_per_peer
            && let Some(oldest) = peer.order.pop_front()
        {
            peer.recent.remove(&oldest);
        }
    }

    /// Forgets the peer that was silent longest if there are too many.
    fn make_room(&mut self, cx: &Context<'_>, newcomer: SocketAddr) {
        if self.peers.len() < cx.config.peers || self.peers.contains_key(&newcomer) {
            return;
        }
        let idle = |(_, peer): &(&SocketAddr, &Peer)| peer.current.is_empty();
        let oldest = self.peers.iter().filter(idle).min_by_key(|(_, peer)| peer.seen);
        if let Some((&oldest, _)) = oldest {
            self.peers.remove(&oldest);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let first = |set: &BTreeSet<(Instant, SocketAddr, TransactionId)>| Some(set.first()?.0);
        let forget = self.forget.front().map(|(due, _)| *due);
        [first(&self.deadlines), first(&self.repeats), forget].into_iter().flatten().min()
    }

    pub(super) fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        while let Some(&(due, peer, id)) = self.deadlines.first()
            && due <= cx.now
        {
            let key = CommandKey { peer, id };
            cx.counters.abandoned += 1;
            self.respond(cx, key, Response::new(ReturnCode::TIMED_OUT), None);
            // Also when the peer was forgotten meanwhile.
            self.deadlines.remove(&(due, peer, id));
            cx.indications.push_back(Indication::Abandoned { key });
        }
        while let Some((due, peer, id)) = self.repeats.first().copied()
            && due <= cx.now
        {
            self.repeats.pop_first();
            self.repeat(cx, CommandKey { peer, id });
        }
        while let Some(key) = pop_due(&mut self.forget, cx.now) {
            self.forget(cx, key);
        }
    }

    /// Sends an answer again that waits for `000`. A missing `000` has no other consequence.
    fn repeat(&mut self, cx: &mut Context<'_>, key: CommandKey) {
        let answered = self.peers.get_mut(&key.peer).and_then(|p| p.recent.get_mut(&key.id));
        let Some(answered) = answered else { return };
        let Some((times, _)) = answered.repeat.take() else { return };
        cx.outputs.extend(answered.bytes.clone().map(|bytes| (key.peer, bytes)));
        let wait = (cx.config.initial_rto * (2 << times)).min(cx.config.rto_max);
        if times + 1 < cx.config.max1 {
            answered.repeat = Some((times + 1, cx.now + wait));
            self.repeats.insert((cx.now + wait, key.peer, key.id));
        }
    }

    fn forget(&mut self, cx: &Context<'_>, key: CommandKey) {
        let Entry::Occupied(mut peer) = self.peers.entry(key.peer) else { return };
        if let Entry::Occupied(answered) = peer.get_mut().recent.entry(key.id)
            && answered.get().until <= cx.now
        {
            if let Some((_, due)) = answered.get().repeat {
                self.repeats.remove(&(due, key.peer, key.id));
            }
            answered.remove();
        }
        let Peer { current, recent, order, .. } = peer.get_mut();
        while order.front().is_some_and(|id| !recent.contains_key(id)) {
            order.pop_front();
        }
        if current.is_empty() && recent.is_empty() {
            peer.remove();
        }
    }
}

impl Peer {
    /// Forgets answers that arrived. The work is bounded by what is remembered, not by the ranges.
    fn drop_acknowledged(&mut self, ranges: &[AckRange]) {
        for range in ranges {
            let width = range.high.value() - range.low.value();
            if (width as usize) < self.recent.len() {
                let mut id = range.low;
                for _ in 0..=width {
                    if let Some(answered) = self.recent.get_mut(&id) {
                        answered.bytes = None;
                    }
                    id = id.next();
                }
            } else {
                let known = self.recent.iter_mut().filter(|(id, _)| range.contains(**id));
                known.for_each(|(_, answered)| answered.bytes = None);
            }
        }
    }
}
