//! Operation Completes By: year, month, day and hour on the publisher's clock.

use std::time::SystemTime;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use messages::{Explain, Message, capf as said};

/// Why a deadline is none; with what was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadlineFault {
    /// Not `YYYY:MM:DD:HH` in digits.
    Characters(String),
    /// The year is over.
    PastYear(String),
    /// No month.
    Month(String),
    /// The day is over.
    PastDate(String),
    /// No day of its month.
    Date(String),
    /// The hour is over.
    PastTime(String),
    /// No hour.
    Time(String),
}

impl Explain for DeadlineFault {
    fn message(&self) -> &'static Message {
        match self {
            Self::Characters(_) => &said::COMPLETES_BY_CHARACTERS,
            Self::PastYear(_) => &said::COMPLETES_BY_PAST_YEAR,
            Self::Month(_) => &said::COMPLETES_BY_MONTH,
            Self::PastDate(_) => &said::COMPLETES_BY_PAST_DATE,
            Self::Date(_) => &said::COMPLETES_BY_DATE,
            Self::PastTime(_) => &said::COMPLETES_BY_PAST_TIME,
            Self::Time(_) => &said::COMPLETES_BY_TIME,
        }
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        let (Self::Characters(given)
        | Self::PastYear(given)
        | Self::Month(given)
        | Self::PastDate(given)
        | Self::Date(given)
        | Self::PastTime(given)
        | Self::Time(given)) = self;
        vec![("given", given.clone())]
    }
}

/// Reads `YYYY:MM:DD:HH`. The operation may be completed until that hour is over, so the present
/// hour is none too late. Programs may write a moment in full, as in `2005-03-31T17:30:00Z`.
pub fn parse_deadline(
    given: &str,
    now: SystemTime,
    zone: &TimeZone,
) -> Result<SystemTime, DeadlineFault> {
    use DeadlineFault as Fault;
    let text = || given.trim().to_owned();
    if let Ok(exact) = given.trim().parse::<Timestamp>() {
        let exact = SystemTime::from(exact);
        return if exact < now { Err(Fault::PastTime(text())) } else { Ok(exact) };
    }
    let [year, month, day, hour] = numbers(given).ok_or_else(|| Fault::Characters(text()))?;
    let now = on_clock(now, zone);
    if year < now.year() {
        return Err(Fault::PastYear(text()));
    }
    let month = i8::try_from(month).ok().filter(|month| (1..=12).contains(month));
    let month = month.ok_or_else(|| Fault::Month(text()))?;
    let day = i8::try_from(day).map_err(|_| Fault::Date(text()))?;
    let date = Date::new(year, month, day).map_err(|_| Fault::Date(text()))?;
    if date < now.date() {
        return Err(Fault::PastDate(text()));
    }
    let hour = i8::try_from(hour).ok().filter(|hour| (0..24).contains(hour));
    let hour = hour.ok_or_else(|| Fault::Time(text()))?;
    if date == now.date() && hour < now.hour() {
        return Err(Fault::PastTime(text()));
    }
    let time = Time::new(hour, 0, 0, 0).map_err(|_| Fault::Time(text()))?;
    moment(DateTime::from_parts(date, time), zone).ok_or_else(|| Fault::Date(text()))
}

/// Four numbers with `:` between.
fn numbers(given: &str) -> Option<[i16; 4]> {
    let number = |part: &str| {
        let digits = (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    let parts: Option<Vec<i16>> = given.trim().split(':').map(number).collect();
    parts?.try_into().ok()
}

/// Writes a moment as [`parse_deadline`] reads it.
pub fn write_deadline(at: SystemTime, zone: &TimeZone) -> String {
    let exact = Timestamp::try_from(at).unwrap_or(Timestamp::MAX);
    let at = on_clock(at, zone);
    if at.minute() != 0 || at.second() != 0 || at.subsec_nanosecond() != 0 {
        return exact.to_string();
    }
    // The hour that ends there is the one before.
    let at = at.checked_sub(jiff::Span::new().hours(1)).unwrap_or(at);
    format!("{:04}:{:02}:{:02}:{:02}", at.year(), at.month(), at.day(), at.hour())
}

/// The end of the hour that a moment lies in.
pub(super) fn whole_hour(at: SystemTime, zone: &TimeZone) -> SystemTime {
    let clock = on_clock(at, zone);
    let begun =
        Time::new(clock.hour(), 0, 0, 0).map(|time| DateTime::from_parts(clock.date(), time));
    begun.ok().and_then(|begun| moment(begun, zone)).unwrap_or(at)
}

/// The end of an hour that begins on the clock.
fn moment(hour: DateTime, zone: &TimeZone) -> Option<SystemTime> {
    let begins = zone.to_ambiguous_zoned(hour).compatible().ok()?;
    let ends = begins.checked_add(jiff::Span::new().hours(1)).ok()?;
    Some(ends.timestamp().into())
}

fn on_clock(at: SystemTime, zone: &TimeZone) -> Zoned {
    // Years after 9999 are nobody's.
    Timestamp::try_from(at).unwrap_or(Timestamp::MAX).to_zoned(zone.clone())
}
