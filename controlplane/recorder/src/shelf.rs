//! The files of the days, and their keys.
//!
//! `DIRECTORY/mm-dd-yyyy.pkt` is sealed under the key in `KEYS/mm-dd-yyyy.key`. After
//! [`KEPT_DAYS`] days both move, the file to `DIRECTORY/archive`, the key to `KEYS/archive`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use capture::Record;
use capture::sealed::{DayKey, SealedError, Sealer, whole_length};
use durable::Readers;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use zeroize::Zeroizing;

/// How long files stay where they were written.
pub const KEPT_DAYS: i64 = 7;
/// Longest key file.
const MAX_KEY: u64 = 1024;
const ARCHIVE: &str = "archive";
const DATE: &str = "%m-%d-%Y";

/// The files of a node.
#[derive(Debug)]
pub struct Shelf {
    directory: PathBuf,
    keys: PathBuf,
    open: Option<Open>,
}

struct Open {
    day: Date,
    sealer: Sealer<File>,
    length: u64,
}

/// What can be fetched of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What was captured, sealed: `.pkt`.
    File,
    /// Its key: `.key`.
    Key,
}

/// The file of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayFile {
    /// `mm-dd-yyyy`
    pub day: String,
    /// Its length.
    pub octets: u64,
    /// Whether it was moved away already.
    pub archived: bool,
}

/// Why something cannot be written or fetched.
#[derive(Debug, thiserror::Error)]
pub enum ShelfFault {
    /// Nobody calls a day so.
    #[error("{0} is no day: write it as 11-23-2026")]
    Day(String),
    /// Nothing was captured then.
    #[error("there is no file of {0}")]
    NoFile(String),
    /// The key of a file is not where it should be, or another one.
    #[error("the key of the day cannot be used: {0}")]
    Key(SealedError),
    /// The operating system refuses it.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: String,
        /// What it says.
        error: io::Error,
    },
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Open({}, {} octets)", self.day, self.length)
    }
}

/// The day of a moment, in UTC.
pub fn day_of(time: SystemTime) -> Date {
    let time = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(TimeZone::UTC).date()
}

/// A day as files are named.
pub fn name_of(day: Date) -> String {
    day.strftime(DATE).to_string()
}

impl Shelf {
    /// Files in one directory, keys in another. Both are made when they are needed.
    pub fn new(directory: PathBuf, keys: PathBuf) -> Self {
        Self { directory, keys, open: None }
    }

    /// Where files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes a record to the file of a day, unless that would become longer than `limit`. Whether
    /// it was written.
    pub fn append(&mut self, record: &Record, day: Date, limit: u64) -> Result<bool, ShelfFault> {
        if self.open.as_ref().is_none_or(|open| open.day != day) {
            self.close()?;
            self.open = Some(self.begin(day)?);
        }
        let path = self.path(day, Part::File, false);
        let open = self.open.as_mut().expect("it was opened");
        // What sealing adds is less than that.
        let needed = record.message.len() as u64 + 1024;
        if open.length + needed > limit {
            return Ok(false);
        }
        open.length += open.sealer.append(record).map_err(|error| fault(&path, error))?;
        Ok(true)
    }

    /// Ends the file that is open; the next record begins another segment.
    pub fn close(&mut self) -> Result<(), ShelfFault> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let path = self.path(open.day, Part::File, false);
        let file = open.sealer.finish().map_err(|error| fault(&path, error))?;
        file.sync_all().map_err(|error| fault(&path, error))
    }

    /// Octets of the file that is open.
    pub fn length(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.length)
    }

    fn begin(&self, day: Date) -> Result<Open, ShelfFault> {
        for directory in [&self.directory, &self.keys] {
            make(directory)?;
        }
        let path = self.path(day, Part::File, false);
        let told = |error| fault(&path, error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(told)?;
        let whole = whole_length(BufReader::new(&file)).map_err(told)?;
        let name = name_of(day);
        let sealer = match whole {
            Some(whole) => {
                let key = self.key(day)?;
                file.set_len(whole).map_err(told)?;
                file.seek(SeekFrom::End(0)).map_err(told)?;
                Sealer::go_on(file, &key, &name)
            }
            // A new one, or one that a crash left without a whole header.
            None => {
                file.set_len(0).map_err(told)?;
                file.rewind().map_err(told)?;
                let key = DayKey::fresh().map_err(told)?;
                let key_path = self.path(day, Part::Key, false);
                durable::replace(&key_path, key.to_text().as_bytes(), Readers::Owner)
                    .map_err(|error| fault(&key_path, error))?;
                Sealer::begin(file, &key, &name)
            }
        };
        let sealer = sealer.map_err(told)?;
        let length = fs::metadata(&path).map_err(told)?.len();
        Ok(Open { day, sealer, length })
    }

    fn key(&self, day: Date) -> Result<DayKey, ShelfFault> {
        let path = self.path(day, Part::Key, false);
        let told = |error| fault(&path, error);
        let text = durable::read(&path, MAX_KEY).map_err(told)?.unwrap_or_default();
        let text = Zeroizing::new(text);
        let text = std::str::from_utf8(&text).unwrap_or_default();
        DayKey::from_text(text).map_err(ShelfFault::Key)
    }

    /// Moves files and keys away that are older than [`KEPT_DAYS`].
    pub fn rotate(&mut self, today: Date) -> Result<(), ShelfFault> {
        let oldest = today.checked_sub(KEPT_DAYS.days()).unwrap_or(today);
        for (directory, part) in [(&self.directory, Part::File), (&self.keys, Part::Key)] {
            for (day, _) in days(directory, part)?.into_iter().filter(|(day, _)| *day < oldest) {
                let [from, to] = [false, true].map(|archived| self.path(day, part, archived));
                make(&directory.join(ARCHIVE))?;
                fs::rename(&from, &to).map_err(|error| fault(&from, error))?;
            }
        }
        Ok(())
    }

    /// The files there are, the newest first.
    pub fn files(&self) -> Result<Vec<DayFile>, ShelfFault> {
        let mut found = Vec::new();
        for archived in [false, true] {
            let directory =
                if archived { self.directory.join(ARCHIVE) } else { self.directory.clone() };
            let days = days(&directory, Part::File)?;
            found.extend(days.into_iter().map(|(day, octets)| (day, octets, archived)));
        }
        found.sort_by_key(|(day, ..)| std::cmp::Reverse(*day));
        let file = |(day, octets, archived)| DayFile { day: name_of(day), octets, archived };
        Ok(found.into_iter().map(file).collect())
    }

    /// Some of a day's file or of its key, from an offset on, wherever it is; empty at its end.
    pub fn fetch(
        &self,
        day: &str,
        part: Part,
        offset: u64,
        limit: u64,
    ) -> Result<Zeroizing<Vec<u8>>, ShelfFault> {
        let date = Date::strptime(DATE, day).map_err(|_| ShelfFault::Day(day.to_owned()))?;
        for archived in [false, true] {
            // Out of the date, not out of what somebody wrote.
            let path = self.path(date, part, archived);
            let mut file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(fault(&path, error)),
            };
            let mut octets = Zeroizing::new(Vec::new());
            let read = file
                .seek(SeekFrom::Start(offset))
                .and_then(|_| file.take(limit).read_to_end(&mut octets));
            return read.map(|_| octets).map_err(|error| fault(&path, error));
        }
        Err(ShelfFault::NoFile(day.to_owned()))
    }

    fn path(&self, day: Date, part: Part, archived: bool) -> PathBuf {
        let (directory, ending) = match part {
            Part::File => (&self.directory, "pkt"),
            Part::Key => (&self.keys, "key"),
        };
        let directory = if archived { directory.join(ARCHIVE) } else { directory.clone() };
        directory.join(format!("{}.{ending}", name_of(day)))
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        // Without its end the file is told to be unfinished, which it then is.
        let _ = self.close();
    }
}

/// The days that there are files of in a directory, and how long those are.
fn days(directory: &Path, part: Part) -> Result<Vec<(Date, u64)>, ShelfFault> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fault(directory, error)),
    };
    let ending = match part {
        Part::File => ".pkt",
        Part::Key => ".key",
    };
    let day = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let day = name.to_str()?.strip_suffix(ending)?;
        Some((Date::strptime(DATE, day).ok()?, entry.metadata().ok()?.len()))
    };
    Ok(entries.flatten().filter_map(day).collect())
}

fn make(directory: &Path) -> Result<(), ShelfFault> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| fault(directory, error))
}

fn fault(path: &Path, error: io::Error) -> ShelfFault {
    ShelfFault::Io { path: path.display().to_string(), error }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use capture::Protocol;
    use capture::sealed::Opener;

    use super::*;

    fn record(fill: u8) -> Record {
        Record {
            at: Duration::from_secs(5),
            device: "SEP001122334455".into(),
            source: "10.0.0.1:2443".parse().unwrap(),
            destination: "10.0.0.2:50000".parse().unwrap(),
            protocol: Protocol::SccpOverTls,
            from_device: false,
            message: Zeroizing::new(vec![fill; 64]),
        }
    }

    fn opened(shelf: &Shelf, day: &str) -> Vec<u8> {
        let key = shelf.fetch(day, Part::Key, 0, 1024).unwrap();
        let key = DayKey::from_text(std::str::from_utf8(&key).unwrap()).unwrap();
        let file = shelf.fetch(day, Part::File, 0, 1 << 20).unwrap();
        let records = Opener::new(&file[..], &key).unwrap();
        records.map(|record| record.unwrap().message[0]).collect()
    }

    const LIMIT: u64 = 1 << 20;

    // R: CAP-04
    #[test]
    fn each_day_has_a_file_and_a_key_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let [directory, keys] = ["files", "keys"].map(|part| home.path().join(part));
        let mut shelf = Shelf::new(directory.clone(), keys.clone());
        let first: Date = "2026-11-23".parse().unwrap();
        for (day, fill) in [(0, 1), (0, 2), (1, 3)] {
            assert!(shelf.append(&record(fill), first + day.days(), LIMIT).unwrap());
        }
        // A restart goes on with the file of the day.
        drop(shelf);
        let mut shelf = Shelf::new(directory.clone(), keys.clone());
        assert!(shelf.append(&record(4), first + 1.days(), LIMIT).unwrap());
        shelf.close().unwrap();
        assert_eq!(opened(&shelf, "11-23-2026"), [1, 2]);
        assert_eq!(opened(&shelf, "11-24-2026"), [3, 4]);
        let of = |name: &str| fs::read(keys.join(name)).unwrap();
        assert_ne!(of("11-23-2026.key"), of("11-24-2026.key"));
        for path in [directory.join("11-23-2026.pkt"), keys.join("11-23-2026.key")] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }

        // After seven days they are moved, the keys to a place of their own.
        shelf.rotate(first + 7.days()).unwrap();
        assert!(shelf.files().unwrap().iter().all(|file| !file.archived));
        shelf.rotate(first + 8.days()).unwrap();
        let archived: Vec<_> =
            shelf.files().unwrap().into_iter().map(|file| (file.day, file.archived)).collect();
        assert_eq!(archived, [("11-24-2026".into(), false), ("11-23-2026".into(), true)]);
        assert!(keys.join("archive/11-23-2026.key").exists());
        assert!(directory.join("archive/11-23-2026.pkt").exists());
        assert_eq!(opened(&shelf, "11-23-2026"), [1, 2], "they can be fetched all the same");
    }

    // R: CAP-01
    #[test]
    fn a_full_file_takes_no_more() {
        let home = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::new(home.path().join("files"), home.path().join("keys"));
        let day: Date = "2026-11-23".parse().unwrap();
        let mut written = 0;
        while shelf.append(&record(7), day, 4096).unwrap() {
            written += 1;
        }
        assert!(written > 5 && shelf.length() <= 4096);
        shelf.close().unwrap();
        assert_eq!(opened(&shelf, "11-23-2026").len(), written);
    }

    // R: CAP-04
    #[test]
    fn only_days_can_be_fetched() {
        let home = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(home.path().join("files"), home.path().join("keys"));
        for day in ["../../etc/passwd", "", "11-23-2026/../x", "23-11-2026"] {
            assert!(matches!(shelf.fetch(day, Part::File, 0, 9), Err(ShelfFault::Day(_))), "{day}");
        }
        let none = shelf.fetch("11-23-2026", Part::Key, 0, 9);
        assert!(matches!(none, Err(ShelfFault::NoFile(_))));
    }
}
