//! What was said in calls: each message between a phone and us, and how secure the call was when.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::SystemTime;

use callmanager::exchange::Exchange;
use callmanager::security::Security;
use callmanager::switchboard::{CallId, LegId};

use crate::ledger::Record;

/// Calls that are remembered after their end.
const RECENT: usize = 512;
/// Messages that are remembered of a call; of longer ones the first ones stay.
const STEPS: usize = 256;

/// The story of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// Which call.
    pub call: u32,
    /// What was said, in order.
    pub steps: Vec<Step>,
    /// Messages that are not remembered, because there were too many.
    pub unsaid: u64,
    /// How secure it was, from when on.
    pub security: Vec<(SystemTime, Option<Security>)>,
    /// When it ended.
    pub ended: Option<SystemTime>,
    /// What remains of it, if somebody was called.
    pub record: Option<Record>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: SystemTime,
    /// With which device.
    pub device: String,
    /// Who said it.
    pub direction: Direction,
    /// What, without keys and without digits pressed while people speak.
    pub message: String,
}

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The phone.
    FromPhone,
    /// We.
    ToPhone,
}

/// The stories of all calls, and of the latest that have ended.
#[derive(Default)]
pub(crate) struct Ladders {
    open: BTreeMap<CallId, Ladder>,
    recent: VecDeque<Ladder>,
    /// Legs by their calls, for what is said when both are gone.
    legs: HashMap<LegId, CallId>,
    /// Something was said in these since they were looked at.
    touched: Vec<CallId>,
}

impl Ladders {
    /// The call of a leg, while anybody speaks of it.
    pub(crate) fn call_of(&mut self, exchange: &Exchange, leg: LegId) -> Option<CallId> {
        match exchange.switchboard().call_of(leg) {
            Some(call) => {
                self.legs.insert(leg, call);
                Some(call)
            }
            None => self.legs.get(&leg).copied(),
        }
    }

    /// Something was said in a call.
    pub(crate) fn add(&mut self, call: CallId, step: Step) {
        let ladder = self.open.entry(call).or_insert_with(|| Ladder {
            call: call.0,
            steps: Vec::new(),
            unsaid: 0,
            security: Vec::new(),
            ended: None,
            record: None,
        });
        if ladder.steps.len() < STEPS {
            ladder.steps.push(step);
        } else {
            ladder.unsaid += 1;
        }
        if self.touched.last() != Some(&call) {
            self.touched.push(call);
        }
    }

    /// A call has ended.
    pub(crate) fn ended(&mut self, record: &Record) {
        if let Some(ladder) = self.open.get_mut(&CallId(record.call)) {
            ladder.record = Some(record.clone());
        }
    }

    /// Looks at the calls in which something was said: how secure they are, whether they are over.
    pub(crate) fn tidy(&mut self, exchange: &Exchange, now: SystemTime) {
        for call in std::mem::take(&mut self.touched) {
            let Some(ladder) = self.open.get_mut(&call) else { continue };
            if let Some(view) = exchange.switchboard().call(call) {
                if ladder.security.last().map(|(_, last)| *last) != Some(view.security) {
                    ladder.security.push((now, view.security));
                }
                continue;
            }
            ladder.ended = Some(now);
            self.legs.retain(|_, other| *other != call);
            self.recent.extend(self.open.remove(&call));
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
    }

    /// The story of a call, if it is remembered.
    pub(crate) fn of(&self, call: u32) -> Option<Ladder> {
        let recent = || self.recent.iter().rev().find(|ladder| ladder.call == call);
        self.open.get(&CallId(call)).or_else(recent).cloned()
    }
}
