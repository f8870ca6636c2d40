//! Pairs of telephones that call each other.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant};

use sccp::codes::{CallStatus, MediaStatus};
use serde_json::{Value, json};

use super::Durations;
use crate::office::{Media, Office, PhoneId, What};
use crate::station::{Event, Icon, Key};

/// One who calls, and one who answers at once.
#[derive(Clone, Debug)]
pub struct Pair {
    /// He calls.
    pub caller: PhoneId,
    /// He answers.
    pub callee: PhoneId,
    /// The number that leads to him.
    pub number: String,
}

/// Who calls, and how often.
#[derive(Clone, Debug)]
pub struct CallPlan {
    /// Each is in one call at a time.
    pub pairs: Vec<Pair>,
    /// Calls begun in a second; `None`: as soon as a pair is free.
    pub per_second: Option<f64>,
    /// How long they speak.
    pub hold: Duration,
    /// How long new calls are begun.
    pub time: Duration,
    /// After so long a call that is not connected has failed.
    pub patience: Duration,
}

/// How calls went.
#[derive(Clone, Debug, Default)]
pub struct CallReport {
    /// Calls begun.
    pub attempts: usize,
    /// From the last digit to media that flows both ways, with an icon on both displays.
    pub set_up: Durations,
    /// Calls of those with a lock.
    pub encrypted: usize,
    /// What the caller's display said of calls that failed, and how often.
    pub failures: BTreeMap<String, usize>,
    /// Calls that should have begun while all pairs were busy.
    pub lacking: usize,
    /// From the first call to the end of the last.
    pub took: Duration,
    /// For how long calls were begun.
    pub began_for: Duration,
}

impl CallReport {
    /// Calls connected in a second.
    pub fn per_second(&self) -> f64 {
        self.set_up.len() as f64 / self.began_for.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// All of it.
    pub fn to_json(&self) -> Value {
        json!({
            "attempts": self.attempts,
            "connected": self.set_up.len(),
            "encrypted": self.encrypted,
            "failures": self.failures,
            "lacking": self.lacking,
            "seconds": self.took.as_secs_f64(),
            "per_second": self.per_second(),
            "set_up_ms": self.set_up.to_json(),
        })
    }
}

/// Lets pairs call each other. Their telephones must be registered.
pub fn call<M: Media>(office: &mut Office<M>, plan: &CallPlan) -> io::Result<CallReport> {
    let now = Instant::now();
    let of = |(index, pair): (usize, &Pair)| [(pair.caller, index), (pair.callee, index)];
    let mut desk = Desk {
        office,
        plan,
        of: plan.pairs.iter().enumerate().flat_map(of).collect(),
        calls: vec![Stage::Idle; plan.pairs.len()],
        free: (0..plan.pairs.len()).rev().collect(),
        due: BTreeSet::new(),
        deadlines: vec![None; plan.pairs.len()],
        report: CallReport::default(),
    };
    let (end, mut next) = (now + plan.time, now);
    while Instant::now() < end || desk.free.len() < plan.pairs.len() {
        let now = Instant::now();
        if now < end {
            desk.begin(now, &mut next);
        }
        let due = desk.due.first().map(|(due, _)| *due);
        let begins = if now < end { next.min(end) } else { now + plan.patience };
        let wake = due.into_iter().chain([begins]).min().unwrap_or(begins);
        desk.office.turn(wake)?;
        while let Some(happening) = desk.office.next_happening() {
            desk.happened(happening.phone, &happening.what, happening.at);
        }
        desk.time_passed(Instant::now());
    }
    let mut report = desk.report;
    report.took = now.elapsed();
    report.began_for = plan.time.min(report.took);
    Ok(report)
}

/// What a pair is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    /// Since then.
    Calling(Instant, Progress),
    Speaking,
    /// Until nothing of the call is left.
    Ending,
}

/// How far a call has come, at its two ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    answered: bool,
    sends: [bool; 2],
    icons: [Icon; 2],
}

impl Progress {
    fn is_complete(self) -> bool {
        self.sends == [true; 2] && self.icons.iter().all(|icon| *icon != Icon::Unknown)
    }
}

struct Desk<'a, M> {
    office: &'a mut Office<M>,
    plan: &'a CallPlan,
    of: BTreeMap<PhoneId, usize>,
    calls: Vec<Stage>,
    free: Vec<usize>,
    /// When calls end that last long enough, or for too long.
    due: BTreeSet<(Instant, usize)>,
    /// The same by pair.
    deadlines: Vec<Option<Instant>>,
    report: CallReport,
}

impl<M: Media> Desk<'_, M> {
    /// Begins calls whose time has come.
    fn begin(&mut self, now: Instant, next: &mut Instant) {
        let Some(rate) = self.plan.per_second else {
            while let Some(pair) = self.free.pop() {
                self.dial(pair);
            }
            *next = now + self.plan.patience;
            return;
        };
        while *next <= now {
            match self.free.pop() {
                Some(pair) => self.dial(pair),
                None => self.report.lacking += 1,
            }
            *next += Duration::from_secs_f64(1.0 / rate);
        }
    }

    fn dial(&mut self, index: usize) {
        let Pair { caller, number, .. } = &self.plan.pairs[index];
        let now = Instant::now();
        self.report.attempts += 1;
        self.calls[index] = Stage::Calling(now, Progress::default());
        self.set_due(index, Some(now + self.plan.patience));
        if let Err(why) = self.office.press(*caller, Key::Number(number.clone())) {
            self.fail(index, why.to_string());
        }
    }

    fn happened(&mut self, phone: PhoneId, what: &What, at: Instant) {
        let Some(&index) = self.of.get(&phone) else { return };
        let What::Event(event) = what else { return };
        let end = usize::from(self.plan.pairs[index].callee == phone);
        let Stage::Calling(since, mut progress) = self.calls[index] else {
            return self.is_over(index);
        };
        match event {
            Event::State { state: CallStatus::RING_IN, .. } if end == 1 && !progress.answered => {
                progress.answered = true;
                self.calls[index] = Stage::Calling(since, progress);
                if let Err(why) = self.office.press(phone, Key::OffHook) {
                    self.fail(index, why.to_string());
                }
                return;
            }
            Event::State { state, .. }
                if end == 0
                    && matches!(
                        *state,
                        CallStatus::BUSY
                            | CallStatus::CONGESTION
                            | CallStatus::INVALID_NUMBER
                            | CallStatus::ON_HOOK
                    ) =>
            {
                return self.fail(index, state.to_string());
            }
            Event::Lost(why) => return self.fail(index, why.to_string()),
            Event::Sending { status: MediaStatus::OK, .. } => progress.sends[end] = true,
            Event::Icon { icon, .. } => progress.icons[end] = *icon,
            _ => return,
        }
        self.calls[index] = Stage::Calling(since, progress);
        if progress.is_complete() {
            self.report.set_up.push(at.saturating_duration_since(since));
            self.report.encrypted += usize::from(progress.icons == [Icon::Lock; 2]);
            self.set_due(index, Some(at + self.plan.hold));
            self.calls[index] = Stage::Speaking;
        }
    }

    fn fail(&mut self, index: usize, why: String) {
        *self.report.failures.entry(why).or_default() += 1;
        self.hang_up(index);
    }

    fn hang_up(&mut self, index: usize) {
        let Pair { caller, callee, .. } = self.plan.pairs[index];
        self.calls[index] = Stage::Ending;
        self.set_due(index, Some(Instant::now() + self.plan.patience));
        for phone in [caller, callee] {
            if !self.office.station(phone).display().calls.is_empty() {
                // One that has lost its server has nothing to put down.
                let _ = self.office.press(phone, Key::OnHook);
            }
        }
        self.is_over(index);
    }

    /// Frees a pair when nothing is left of its call.
    fn is_over(&mut self, index: usize) {
        let Pair { caller, callee, .. } = self.plan.pairs[index];
        let quiet = |phone| self.office.station(phone).display().calls.is_empty();
        if self.calls[index] == Stage::Ending && quiet(caller) && quiet(callee) {
            self.calls[index] = Stage::Idle;
            self.set_due(index, None);
            self.free.push(index);
        }
    }

    fn set_due(&mut self, index: usize, due: Option<Instant>) {
        if let Some(old) = std::mem::replace(&mut self.deadlines[index], due) {
            self.due.remove(&(old, index));
        }
        self.due.extend(due.map(|due| (due, index)));
    }

    fn time_passed(&mut self, now: Instant) {
        while let Some((_, index)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.set_due(index, None);
            match self.calls[index] {
                Stage::Idle => {}
                Stage::Calling(..) => self.fail(index, "no connection in time".to_owned()),
                // Nobody waits for ever for a server that does not end a call.
                Stage::Ending => {
                    self.calls[index] = Stage::Idle;
                    self.free.push(index);
                }
                Stage::Speaking => self.hang_up(index),
            }
        }
    }
}
