//! Our own commands and what becomes of them.

use std::net::SocketAddr;
use std::time::Instant;

use mgcp::{Command, Response, TransactionId};

use crate::endpoint::Endpoint;
use crate::gateway::Gateway;

impl Gateway {
    /// Sends a command to the notified entity of an endpoint, or of the gateway.
    pub(crate) fn send_own(
        &mut self,
        now: Instant,
        number: Option<u32>,
        mut command: Command,
    ) -> TransactionId {
        command.version = self.config.own_version;
        let addresses = self.notified_addresses(number);
        self.transactions.send(now, &addresses, command)
    }

    /// RFC 3435 §4.4.1: the last `N:`, else the last commander, else who was provisioned.
    fn notified_addresses(&self, number: Option<u32>) -> Vec<SocketAddr> {
        let endpoint = number.and_then(|number| self.endpoints.get(number));
        let named = endpoint.and_then(Endpoint::notified);
        let first = match (named, endpoint.and_then(Endpoint::commander)) {
            (Some(notified), _) => return notified.addresses.clone(),
            (None, commander) => commander,
        };
        let provisioned = self.config.call_agents.iter().flat_map(|agent| &agent.addresses);
        let mut addresses: Vec<SocketAddr> = first.into_iter().collect();
        for address in self.redirected.iter().flatten().chain(provisioned) {
            if !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        addresses
    }

    pub(crate) fn own_command_answered(
        &mut self,
        now: Instant,
        id: TransactionId,
        from: SocketAddr,
        response: &Response,
    ) {
        if self.announcement_answered(now, id, from, response) || self.keep_alive_over(id) {
            return;
        }
        let Some(number) = self.notifying.remove(&id) else { return };
        self.notify_next(now, id, number);
    }

    pub(crate) fn own_command_failed(&mut self, now: Instant, id: TransactionId) {
        if self.announcement_failed(now, id) {
            return;
        }
        // What was observed is lost with the call agent; it will audit when it is back.
        if let Some(number) = self.notifying.remove(&id) {
            self.notify_next(now, id, number);
        }
        self.keep_alive_over(id);
        self.disconnected(now);
    }

    /// The notification `id` of an endpoint is over; another may follow.
    fn notify_next(&mut self, now: Instant, id: TransactionId, number: u32) {
        let requests = self.endpoints.get_mut(number).and_then(|e| e.requests.as_mut());
        let requests = requests.filter(|requests| requests.is_notifying(id));
        let effects = requests.map(|requests| requests.answered(now)).unwrap_or_default();
        self.take_effect(now, number, effects);
    }
}
