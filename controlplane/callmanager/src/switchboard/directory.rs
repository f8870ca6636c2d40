//! Directory numbers: which devices have them, where their calls go, and what can be dialled.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::id::DeviceName;
use crate::dialplan::{DialPlan, Dialled};

/// Where calls to a number go instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwards {
    /// All of them.
    pub all: Option<String>,
    /// When all its telephones are busy.
    pub busy: Option<String>,
    /// When nobody answers, or no telephone is there.
    pub no_answer: Option<String>,
}

/// Where numbers lead that are not directory numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// To the meet-me conference under that number.
    MeetMe,
    /// To the first of these ports of gateways that is free.
    Ports(Arc<[DeviceName]>),
    /// To the lamp of the one who calls: messages wait for him, or no longer.
    MessageWaiting(bool),
}

/// A directory number.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) forwards: Forwards,
    /// The devices that are there and have it, with the line button.
    pub(super) appearances: Vec<(DeviceName, u32)>,
}

#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) lines: BTreeMap<String, Line>,
    pub(super) plan: DialPlan<Destination>,
}

/// What has been dialled so far leads…
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Nowhere,
    /// …nowhere yet.
    Incomplete,
    /// …somewhere, unless more digits follow.
    Ambiguous,
    /// …somewhere.
    Complete,
}

/// Where a number leads.
pub(super) enum Target {
    Line,
    MeetMe,
    /// Out of the cluster, with this number.
    Ports(Arc<[DeviceName]>, String),
    Lamp(bool),
}

impl Directory {
    pub(super) fn reach(&self, digits: &str) -> Reach {
        let planned = self.plan.follow(digits);
        let longer_line = || {
            let mut from = self
                .lines
                .range::<str, _>((std::ops::Bound::Excluded(digits), std::ops::Bound::Unbounded));
            from.next().is_some_and(|(number, _)| number.starts_with(digits))
        };
        let found = self.lines.contains_key(digits)
            || matches!(planned, Dialled::Complete(_) | Dialled::Ambiguous(_));
        let longer =
            matches!(planned, Dialled::Incomplete | Dialled::Ambiguous(_)) || longer_line();
        match (found, longer) {
            (false, false) => Reach::Nowhere,
            (false, true) => Reach::Incomplete,
            (true, true) => Reach::Ambiguous,
            (true, false) => Reach::Complete,
        }
    }

    /// Where a whole number leads: a directory number is closer than any pattern.
    pub(super) fn target(&self, number: &str) -> Option<Target> {
        if self.lines.contains_key(number) {
            return Some(Target::Line);
        }
        match self.plan.follow(number) {
            Dialled::Complete(route) | Dialled::Ambiguous(route) => match route.target {
                Destination::MeetMe => Some(Target::MeetMe),
                Destination::Ports(ports) => {
                    let sent_on = number.get(route.dropped..).unwrap_or_default();
                    Some(Target::Ports(ports.clone(), sent_on.to_owned()))
                }
                Destination::MessageWaiting(waits) => Some(Target::Lamp(*waits)),
            },
            Dialled::Nowhere | Dialled::Incomplete => None,
        }
    }

    pub(super) fn add(&mut self, number: &str, device: &DeviceName, line: u32) {
        if number.is_empty() {
            return;
        }
        let appearances = &mut self.lines.entry(number.to_owned()).or_default().appearances;
        // One button of a device rings for a number.
        if appearances.iter().all(|(other, _)| other != device) {
            appearances.push((device.clone(), line));
        }
    }

    pub(super) fn remove(&mut self, number: &str, device: &DeviceName) {
        if let Some(line) = self.lines.get_mut(number) {
            line.appearances.retain(|(other, _)| other != device);
        }
    }

    pub(super) fn appearances(&self, number: &str) -> &[(DeviceName, u32)] {
        self.lines.get(number).map_or(&[], |line| &line.appearances)
    }
}
