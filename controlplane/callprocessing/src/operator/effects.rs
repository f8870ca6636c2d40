//! What the exchange wants done.

use std::time::{Instant, SystemTime};

use callmanager::exchange::{ConnectionId, Effect};
use callmanager::station::Application;

use super::{Operator, now};
use crate::desk::{Decision, Question};
use crate::ledger::Entry;

impl Operator {
    /// Does what the exchange wants, and what follows from it.
    pub(super) fn carry_out(&mut self) {
        while !self.effects.is_empty() {
            for effect in std::mem::take(&mut self.effects) {
                self.carry_out_one(effect);
            }
        }
        self.ladders.tidy(&self.exchange, SystemTime::now());
    }

    fn carry_out_one(&mut self, effect: Effect) {
        match effect {
            Effect::Send { connection, pdu } => {
                self.tap_sent(connection, &pdu);
                let Some(line) = self.lines.get_mut(&connection) else { return };
                if line.wire.send(pdu).is_err() {
                    // It does not read, or is gone.
                    self.lose_later(connection);
                } else {
                    self.dirty.push(connection);
                }
            }
            Effect::Close { connection, reason, .. } => {
                self.note_end(connection, &reason.to_string());
                self.counts.closed(reason);
                self.say_farewell(connection);
            }
            Effect::Register { connection, application } => self.ask(connection, application),
            Effect::Resource(order) => self.with.resources.order(order),
            Effect::Relay(order) => self.with.relays.order(order),
            Effect::Port(order) => self.with.gateways.order(order),
            Effect::Forwarded { number, all } => {
                self.forwarding.changed(&number, Instant::now());
                self.with.ledger.write(Entry::Forwarded { number, all });
            }
            Effect::MessageWaiting { number, waits } => {
                self.waiting.changed(&number, Instant::now());
                self.with.ledger.write(Entry::MessageWaiting { number, waits });
            }
            Effect::Record(record) => {
                let record = crate::ledger::Record::of(&record, now());
                self.ladders.ended(&record);
                self.with.ledger.write(Entry::Record(record));
            }
            Effect::Alarm(alarm) => self.with.alarms.raise(&alarm),
            Effect::PhoneAlarm { connection, device, text } => {
                let device = device.map(|device| device.to_string());
                if let Some(line) = self.lines.get(&connection) {
                    self.with.alarms.phone_says(device, line.address(), &text);
                }
            }
            Effect::Statistics { device, statistics } => self.tap_statistics(device, &statistics),
        }
    }

    /// Loses a connection while effects are carried out; those that follow come behind.
    fn lose_later(&mut self, connection: ConnectionId) {
        self.note_end(connection, "it does not read what it is sent");
        self.forget(connection);
        self.exchange.lost(now(), connection, &mut self.effects);
    }

    /// Asks the desk whether a device may register.
    fn ask(&mut self, connection: ConnectionId, application: Application) {
        let Some(line) = self.lines.get_mut(&connection) else { return };
        line.version = application.version.agreed(sccp::Version::V11);
        line.heard.set_version(line.version);
        let question = Question {
            connection,
            application,
            peer: line.peer.ip().to_canonical(),
            proof: line.proof.clone(),
        };
        // Each connection has one question at most, so that there are never too many. The desk
        // closes after the operator.
        let _ = self.with.desk.send(question);
    }

    /// The desk has decided.
    pub(super) fn decided(&mut self, connection: ConnectionId, decision: Decision) {
        if !self.lines.contains_key(&connection) {
            return;
        }
        match decision {
            Decision::Admit(equipment) => {
                let device = self.exchange.station(connection).and_then(|it| it.applicant());
                let Some(device) = device else { return };
                self.census.settle(connection);
                self.counts.registrations += 1;
                if let Some(line) = self.lines.get_mut(&connection) {
                    line.heard.set_limit(sccp::LIMIT_REGISTERED);
                    line.device = Some((device, equipment.security, SystemTime::now()));
                }
                self.note_registered(connection, equipment.security);
                self.act(|exchange, now, effects| {
                    exchange.admit(now, connection, *equipment, effects);
                });
            }
            Decision::Refuse(text) => {
                self.counts.refused += 1;
                self.act(|exchange, now, effects| {
                    exchange.refuse(now, connection, text, effects);
                });
            }
        }
    }
}
