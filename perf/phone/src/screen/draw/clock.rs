//! Time and date, as the server's template has them.

use std::time::Duration;

use crate::screen::{Screen, View};

/// What the server told, and how long ago.
pub(super) fn text(screen: &Screen, view: &View<'_>) -> String {
    let (Some(time), Some((_, told_at))) = (&view.station.display().time, &screen.clock) else {
        return String::new();
    };
    let told = &time.told;
    let since = view.now.saturating_duration_since(*told_at);
    let midnight = Duration::from_secs(
        u64::from(told.hour) * 3600 + u64::from(told.minute) * 60 + u64::from(told.second),
    );
    // Servers tell the time anew often enough for the date to be right.
    let minutes = (midnight + since).as_secs() / 60 % (24 * 60);
    let (hour, minute) = (minutes / 60, minutes % 60);
    let clock = if time.template.ends_with('A') {
        let half = if hour < 12 { "a" } else { "p" };
        format!("{:02}:{minute:02}{half}", (hour + 11) % 12 + 1)
    } else {
        format!("{hour:02}:{minute:02}")
    };
    let date = time.template.trim_end_matches('A').chars().map(|part| match part {
        'D' => format!("{:02}", told.day),
        'M' => format!("{:02}", told.month),
        'Y' => format!("{:02}", told.year % 100),
        other => other.to_string(),
    });
    format!("{clock} {}", date.collect::<String>())
}
