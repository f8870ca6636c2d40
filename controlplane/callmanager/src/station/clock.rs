//! The time as displays show it.

use std::time::{SystemTime, UNIX_EPOCH};

use sccp::server::DefineTimeDate;

/// The time at a place that is so many seconds ahead of UTC.
pub(super) fn time_and_date(wall: SystemTime, utc_offset: i32) -> DefineTimeDate {
    let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    let local = since.as_secs().saturating_add_signed(utc_offset.into());
    let (days, seconds) = (local / DAY, local % DAY);
    let (year, month, day) = date(days);
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    DefineTimeDate {
        year: small(year),
        month: small(month),
        // The first day of 1970 was a Thursday.
        day_of_week: small((days + 4) % 7),
        day: small(day),
        hour: small(seconds / 3600),
        minute: small(seconds / 60 % 60),
        second: small(seconds % 60),
        millisecond: since.subsec_millis(),
        unix_time: small(since.as_secs()),
    }
}

const DAY: u64 = 86_400;

/// Year, month and day of a day counted from 1 January 1970. Years begin in March here, so that
/// the day that some of them lack is their last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix, offset, expected) in [
            (0, 0, (1970, 1, 1, 4, 0, 0)),
            (951_782_400, 0, (2000, 2, 29, 2, 0, 0)),
            (1_078_099_199, 0, (2004, 2, 29, 0, 23, 59)),
            (1_078_099_199, 1, (2004, 3, 1, 1, 0, 0)),
            (4_107_542_400, -3600, (2100, 2, 28, 0, 23, 0)),
            (1_795_392_000, 9 * 3600, (2026, 11, 23, 1, 9, 0)),
        ] {
            let shown = time_and_date(UNIX_EPOCH + Duration::from_secs(unix), offset);
            let DefineTimeDate { year, month, day, day_of_week, hour, minute, .. } = shown;
            assert_eq!((year, month, day, day_of_week, hour, minute), expected, "{unix}");
        }
    }
}
