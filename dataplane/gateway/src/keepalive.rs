//! The keep-alive of IOS: a notification of nothing, whose answer says that the call agent lives.

use std::time::Instant;

use mgcp::{Command, TransactionId, Verb};

use crate::gateway::Gateway;

/// When the next is due, and whether one waits for its answer.
#[derive(Debug, Default)]
pub(crate) struct KeepAlive {
    next: Option<Instant>,
    waiting: Option<TransactionId>,
}

impl KeepAlive {
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }
}

impl Gateway {
    /// Sends one when it is time. Without an answer the call agent is lost, by the rules of
    /// transactions.
    pub(crate) fn keep_alive(&mut self, now: Instant) {
        let interval = self.config.keep_alive;
        if interval.is_zero() || !self.service.is_up() {
            self.keep_alive.next = None;
            return;
        }
        let due = *self.keep_alive.next.get_or_insert(now + interval);
        if due > now {
            return;
        }
        self.keep_alive.next = Some(now + interval);
        if self.keep_alive.waiting.is_none() {
            let mut command = Command::new(Verb::Ntfy, self.name("*"));
            command.params.request_id = Some("0".parse().expect("a hexadecimal digit"));
            command.params.observed = Some(Vec::new());
            self.keep_alive.waiting = Some(self.send_own(now, None, command));
        }
    }

    /// Whether `id` was a keep-alive; it is over.
    pub(crate) fn keep_alive_over(&mut self, id: TransactionId) -> bool {
        self.keep_alive.waiting.take_if(|waiting| *waiting == id).is_some()
    }
}
