//! What the office asks.

use std::time::SystemTime;

use callmanager::security::Security;
use sccp::codes::ResetKind;
use store::PhoneOrderKind;

use super::{Operator, now};
use crate::handle::{Call, Counters, Participant, Registered, Which};
use crate::ladder::Ladder;
use crate::ledger::wall;

impl Operator {
    pub(crate) fn calls(&mut self) -> Vec<Call> {
        let now = now();
        let calls = self.exchange.switchboard().calls();
        let call = |call: callmanager::switchboard::CallView| Call {
            id: call.id.0,
            parties: call
                .parties
                .into_iter()
                .map(|view| Participant {
                    device: view.device.to_string(),
                    number: view.party.number,
                    name: view.party.name,
                })
                .collect(),
            conference: call.conference,
            relays: call.relay.iter().map(ToString::to_string).collect(),
            began: wall(now, call.began),
            answered: call.answered.map(|at| wall(now, at)),
            security: call.security,
        };
        calls.into_iter().map(call).collect()
    }

    pub(crate) fn ladder(&mut self, call: u32) -> Option<Ladder> {
        self.ladders.of(call)
    }

    pub(crate) fn registered(&mut self) -> Vec<Registered> {
        let lines = self.lines.iter().filter(|(_, line)| line.closing.is_none());
        let mut phones: Vec<_> = lines
            .filter_map(|(connection, line)| {
                let (device, security, since): &(_, Security, SystemTime) = line.device.as_ref()?;
                let station = self.exchange.station(*connection)?;
                Some(Registered {
                    device: device.to_string(),
                    security: *security,
                    peer: line.peer,
                    suite: line.proof.as_ref().map(|proof| proof.cipher.clone()),
                    certificate: line.proof.as_ref().map(|proof| proof.client.kind),
                    since: *since,
                    violations: station.violations(),
                })
            })
            .collect();
        phones.sort_by(|a, b| a.device.cmp(&b.device));
        phones
    }

    pub(crate) fn counters(&mut self) -> Counters {
        let counters = self.exchange.switchboard().counters();
        Counters {
            registered: counters.devices,
            calls_active: counters.calls_active,
            calls_completed: counters.calls_completed,
            connections: self.census.len() as u64,
            half_open: self.census.half_open() as u64,
            lost_entries: self.with.ledger.lost(),
            since_start: self.counts,
        }
    }

    pub(crate) fn order(&mut self, which: &Which, kind: PhoneOrderKind) -> Vec<String> {
        let names = match which {
            Which::All => self.registered().into_iter().map(|phone| phone.device).collect(),
            Which::Named(names) => names.clone(),
        };
        let known = |name: &String| self.exchange.connection(name).map(|it| (name.clone(), it));
        let told: Vec<_> = names.iter().filter_map(known).collect();
        for (_, connection) in &told {
            let kind = match kind {
                PhoneOrderKind::Reset => ResetKind::RESET,
                PhoneOrderKind::Restart => ResetKind::RESTART,
                PhoneOrderKind::Cut => {
                    self.lose(*connection);
                    continue;
                }
            };
            self.act(|exchange, now, effects| exchange.reset(now, *connection, kind, effects));
        }
        told.into_iter().map(|(name, _)| name).collect()
    }
}
