//! What telephones call time zones.
//!
//! They have names of their own, fewer than the time zone database has. One of theirs stands for
//! all that have its offsets in winter and in summer.

use jiff::civil::date;
use jiff::tz::TimeZone;

/// The name that a telephone knows, and a zone that has its offsets.
const NAMES: [(&str, &str); 38] = [
    ("Dateline Standard Time", "Etc/GMT+12"),
    ("Samoa Standard Time", "Pacific/Pago_Pago"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("Alaskan Standard/Daylight Time", "America/Anchorage"),
    ("Pacific Standard/Daylight Time", "America/Los_Angeles"),
    ("Mountain Standard/Daylight Time", "America/Denver"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("Central Standard/Daylight Time", "America/Chicago"),
    ("Canada Central Standard Time", "America/Regina"),
    ("Eastern Standard/Daylight Time", "America/New_York"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("Atlantic Standard/Daylight Time", "America/Halifax"),
    ("SA Western Standard Time", "America/La_Paz"),
    ("Newfoundland Standard/Daylight Time", "America/St_Johns"),
    ("SA Eastern Standard Time", "America/Argentina/Buenos_Aires"),
    ("Azores Standard/Daylight Time", "Atlantic/Azores"),
    ("GMT Standard/Daylight Time", "Europe/London"),
    ("Greenwich Standard Time", "UTC"),
    ("W. Europe Standard/Daylight Time", "Europe/Berlin"),
    ("GTB Standard/Daylight Time", "Europe/Athens"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Saudi Arabia Standard Time", "Asia/Riyadh"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Afghanistan Standard Time", "Asia/Kabul"),
    ("West Asia Standard Time", "Asia/Karachi"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Central Asia Standard Time", "Asia/Dhaka"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("China Standard/Daylight Time", "Asia/Shanghai"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Cen. Australia Standard/Daylight Time", "Australia/Adelaide"),
    ("AUS Central Standard Time", "Australia/Darwin"),
    ("AUS Eastern Standard/Daylight Time", "Australia/Sydney"),
    ("West Pacific Standard Time", "Pacific/Guam"),
    ("Central Pacific Standard Time", "Pacific/Guadalcanal"),
    ("New Zealand Standard/Daylight Time", "Pacific/Auckland"),
    ("Fiji Standard Time", "Pacific/Fiji"),
    ("Tonga Standard Time", "Pacific/Tongatapu"),
];

/// Of a zone that no name stands for. The server tells telephones the time anyway.
const OTHER: &str = "Greenwich Standard Time";

/// What telephones call a zone of the time zone database.
pub(crate) fn phone_name(zone: &str) -> &'static str {
    let Some(wanted) = offsets(zone) else { return OTHER };
    let same = |(_, example): &&(&str, &str)| offsets(example) == Some(wanted);
    NAMES.iter().find(same).map_or(OTHER, |(name, _)| name)
}

/// Seconds ahead of UTC in January and in July.
fn offsets(zone: &str) -> Option<[i32; 2]> {
    let zone = TimeZone::get(zone).ok()?;
    let of = |month| zone.to_timestamp(date(2025, month, 1).at(12, 0, 0, 0)).ok();
    let seconds = |at| zone.to_offset(at).seconds();
    Some([seconds(of(1)?), seconds(of(7)?)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_with_the_same_offsets_have_one_name() {
        for (zone, name) in [
            ("Asia/Tokyo", "Tokyo Standard Time"),
            ("Asia/Seoul", "Tokyo Standard Time"),
            ("Europe/Paris", "W. Europe Standard/Daylight Time"),
            ("Europe/London", "GMT Standard/Daylight Time"),
            ("UTC", "Greenwich Standard Time"),
            ("Asia/Kathmandu", OTHER),
            ("Nowhere/Atall", OTHER),
        ] {
            assert_eq!(phone_name(zone), name, "{zone}");
        }
        for (name, example) in NAMES {
            assert!(offsets(example).is_some(), "{name}: {example}");
        }
    }
}
