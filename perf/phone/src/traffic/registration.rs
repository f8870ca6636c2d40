//! All telephones register, and stay.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Durations;
use crate::office::{Media, Office, PhoneId, What};
use crate::station::{Event, Outage, Station};

/// How registrations went.
#[derive(Clone, Debug, Default)]
pub struct RegistrationReport {
    /// From the first packet of each to the answer of its last question.
    pub times: Durations,
    /// Why attempts failed, and how often; the telephones tried again.
    pub failures: BTreeMap<String, usize>,
    /// Those that were not served when patience ended.
    pub missing: usize,
    /// From the first to the last.
    pub took: Duration,
}

impl RegistrationReport {
    /// How many there were in a second.
    pub fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// All of it.
    pub fn to_json(&self) -> Value {
        json!({
            "registered": self.times.len(),
            "missing": self.missing,
            "failures": self.failures,
            "seconds": self.took.as_secs_f64(),
            "per_second": self.per_second(),
            "ms": self.times.to_json(),
        })
    }
}

/// Starts telephones, so many at once, and waits until all are registered or patience ends.
pub fn register<M: Media>(
    office: &mut Office<M>,
    phones: &[PhoneId],
    at_once: usize,
    patience: Duration,
) -> io::Result<RegistrationReport> {
    let began = Instant::now();
    let mut report = RegistrationReport::default();
    let mut waiting = phones.iter().copied();
    let mut started: BTreeMap<PhoneId, Instant> = BTreeMap::new();
    let mut start = |office: &mut Office<M>, started: &mut BTreeMap<PhoneId, Instant>| {
        if let Some(phone) = waiting.next() {
            started.insert(phone, Instant::now());
            office.start(phone, Outage::Initialized);
        }
    };
    for _ in 0..at_once.max(1) {
        start(office, &mut started);
    }
    while !started.is_empty() && began.elapsed() < patience {
        office.turn(began + patience)?;
        while let Some(happening) = office.next_happening() {
            match happening.what {
                What::Event(Event::Registered(_)) => {
                    if let Some(at) = started.remove(&happening.phone) {
                        report.times.push(happening.at.saturating_duration_since(at));
                        start(office, &mut started);
                    }
                }
                What::Event(Event::Lost(why)) => {
                    *report.failures.entry(why.to_string()).or_default() += 1;
                }
                _ => {}
            }
        }
    }
    report.took = began.elapsed();
    report.missing = phones.len() - report.times.len();
    Ok(report)
}

/// Lets time pass, with signs of life and calls that go on; says how many telephones lost their
/// server meanwhile, and how many are registered in the end.
pub fn keep<M: Media>(office: &mut Office<M>, time: Duration) -> io::Result<(usize, usize)> {
    let (end, mut lost) = (Instant::now() + time, 0);
    while Instant::now() < end {
        office.turn(end)?;
        while let Some(happening) = office.next_happening() {
            lost += usize::from(matches!(happening.what, What::Event(Event::Lost(_))));
        }
    }
    let registered = office.phones().filter(|phone| office.station(*phone).is_registered());
    Ok((lost, registered.count()))
}

impl Station {
    /// Whether a server serves it, and it knows all that it wanted to know.
    pub fn is_registered(&self) -> bool {
        let served =
            matches!(self.display().registration, crate::station::Registration::Registered(_));
        served && self.display().time.is_some()
    }
}
