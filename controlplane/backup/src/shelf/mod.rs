//! Where archives are kept.

mod directory;
mod object_store;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::header::EXTENSION;

pub use directory::Directory;
pub use object_store::{ObjectStore, Place};

/// A place for archives. What it shows is whole, or was broken by others.
pub trait Shelf: Send + Sync {
    /// Where it is, for people.
    fn place(&self) -> String;

    /// The archives there, the oldest first.
    fn list(&self) -> Result<Vec<Kept>, Fault>;

    /// Puts an archive there under the name of its file.
    fn put(&self, archive: &Path) -> Result<(), Fault>;

    /// Brings an archive to the directory `into`, or says where it can be read.
    fn fetch(&self, name: &str, into: &Path) -> Result<PathBuf, Fault>;

    /// Removes one.
    fn remove(&self, name: &str) -> Result<(), Fault>;
}

/// An archive on a shelf, as its name tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The name of its file.
    pub name: String,
    /// Its cluster: name and the beginning of its GUID.
    pub cluster: String,
    /// See [`crate::Header::sequence`].
    pub sequence: u64,
    /// When it was made, by the clock of its node.
    pub created: Timestamp,
    /// Its length.
    pub bytes: u64,
}

impl Kept {
    /// An archive by its name; `None` if no archive is called so.
    pub fn of(name: &str, bytes: u64) -> Option<Self> {
        let mut parts = name.strip_suffix(EXTENSION)?.rsplitn(3, '-');
        let (at, sequence, cluster) = (parts.next()?, parts.next()?, parts.next()?);
        let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", at).ok()?;
        let created = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        let (name, cluster) = (name.to_owned(), cluster.to_owned());
        Some(Self { name, cluster, sequence: sequence.parse().ok()?, created, bytes })
    }
}

/// Puts archives in their order.
fn in_order(mut kept: Vec<Kept>) -> Vec<Kept> {
    kept.sort_by(|a, b| {
        (&a.cluster, a.sequence, a.created).cmp(&(&b.cluster, b.sequence, b.created))
    });
    kept
}

/// The number of the next archive of a cluster.
pub fn next_sequence(kept: &[Kept], cluster: &str) -> u64 {
    of_cluster(kept, cluster).map(|kept| kept.sequence + 1).max().unwrap_or(1)
}

/// The archives of a cluster that may go when the newest `keep` are to stay. Their numbers count,
/// not their dates: clocks may have gone back. The newest one stays in any case.
pub fn superfluous<'a>(kept: &'a [Kept], cluster: &str, keep: usize) -> Vec<&'a str> {
    let mut all: Vec<_> = of_cluster(kept, cluster).collect();
    all.sort_by_key(|kept| std::cmp::Reverse(kept.sequence));
    all.into_iter().skip(keep.max(1)).map(|kept| &*kept.name).collect()
}

/// When the last archive of a cluster was made, and whether the next one is due. One that was made
/// in the future says that the clock went back: then one is due, so that its date is right again.
pub fn is_due(
    kept: &[Kept],
    cluster: &str,
    every: Duration,
    now: SystemTime,
) -> (Option<SystemTime>, bool) {
    let last = of_cluster(kept, cluster).max_by_key(|kept| kept.sequence);
    let last = last.map(|kept| SystemTime::from(kept.created));
    // Dates are to the second.
    let age = last.and_then(|last| (now + Duration::from_secs(1)).duration_since(last).ok());
    (last, age.is_none_or(|age| age >= every))
}

fn of_cluster<'a>(kept: &'a [Kept], cluster: &str) -> impl Iterator<Item = &'a Kept> {
    kept.iter().filter(move |kept| kept.cluster == cluster)
}

/// A name that came from somebody: one of an archive, and no way elsewhere.
fn checked<'a>(name: &'a str, shelf: &dyn Shelf) -> Result<&'a str, Fault> {
    let unknown = || Fault::Unknown { name: name.to_owned(), shelf: shelf.place() };
    let plain = crate::archive::is_plain(name) && name.ends_with(EXTENSION);
    plain.then_some(name).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(sequence: u64, at: &str) -> Kept {
        Kept::of(&format!("office-7a4f1d0e-{sequence:06}-{at}{EXTENSION}"), 1).unwrap()
    }

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn names_tell_what_archives_are() {
        let one = kept(17, "20261123T125000Z");
        assert_eq!((&*one.cluster, one.sequence), ("office-7a4f1d0e", 17));
        assert_eq!(one.created.to_string(), "2026-11-23T12:50:00Z");
        for other in
            ["x.rfbackup", "a-b-c.rfbackup", "office-000001-20261123T125000Z.rfbackup.partial"]
        {
            assert_eq!(Kept::of(other, 1), None, "{other}");
        }
    }

    // R: BAK-01
    #[test]
    fn numbers_decide_what_goes_and_not_dates() {
        // The clock went back before the third.
        let all =
            [kept(1, "20261121T000000Z"), kept(2, "20261122T000000Z"), kept(3, "19700101T000000Z")];
        assert_eq!(superfluous(&all, "office-7a4f1d0e", 2), [&*all[0].name]);
        // Even with nothing to keep.
        assert_eq!(superfluous(&all, "office-7a4f1d0e", 0), [&*all[1].name, &*all[0].name]);
        assert!(superfluous(&all, "other-7a4f1d0e", 1).is_empty());
        assert_eq!(next_sequence(&all, "office-7a4f1d0e"), 4);
        assert_eq!(next_sequence(&all, "other-7a4f1d0e"), 1);
    }

    // R: BAK-01
    #[test]
    fn the_next_one_is_due_in_time_and_when_the_clock_went_back() {
        let all = [kept(1, "20261121T000000Z"), kept(2, "20261122T000000Z")];
        let due = |at: &str| {
            let now: Timestamp = at.parse().unwrap();
            is_due(&all, "office-7a4f1d0e", DAY, now.into()).1
        };
        assert!(!due("2026-11-22T00:00:00Z"));
        assert!(!due("2026-11-22T23:00:00Z"));
        assert!(due("2026-11-23T00:00:00Z"));
        assert!(due("2031-01-01T00:00:00Z"));
        assert!(due("2026-11-21T12:00:00Z"), "the newest is of the future");
        assert_eq!(is_due(&all, "other", DAY, SystemTime::now()), (None, true));
    }
}
