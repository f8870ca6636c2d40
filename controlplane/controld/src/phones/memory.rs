//! What phones hold, written down: one file of all phones, a journal of what came since, and one
//! file for each list they hold.
//!
//! News go to the journal at once, so that a daemon that is killed forgets nothing; only a power
//! cut can take what came since the last pause. In a pause all is written to the file of phones,
//! and the journal begins anew.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cluster::list::present_list;
use cluster::preflight::{Held, PhoneList, PhoneLists};
use durable::Readers;
use pki::certificate::hex;
use serde::{Deserialize, Serialize};

/// Longest file of remembered phones.
const MAX_FILE: u64 = 64 << 20;
/// News that do not wait for a pause any longer.
const MAX_NEWS: usize = 100_000;
const FILE: &str = "phones.json";
const JOURNAL: &str = "phones.journal";

/// The directory where it is written down.
pub(super) struct Memory {
    directory: PathBuf,
    journal: File,
    /// News since the file of phones was written.
    news: usize,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    phone: String,
    /// SHA-256 of its list; absent if it has none.
    sha256: Option<String>,
    /// When it last asked, in milliseconds since 1970.
    asked: u64,
}

/// A line of the journal. Each tells all of a phone: it may be read twice.
#[derive(Serialize, Deserialize)]
enum Line {
    Holds(Remembered),
    /// Nothing is known of it any more.
    Forgotten(String),
}

impl Memory {
    /// Opens the directory, and reads what is remembered there.
    pub fn open(directory: &Path) -> io::Result<(Self, PhoneLists)> {
        fs::create_dir_all(directory)?;
        let journal = directory.join(JOURNAL);
        let news = durable::read(&journal, MAX_FILE)?.unwrap_or_default();
        let journal = OpenOptions::new().append(true).create(true).open(journal)?;
        let mut memory = Self { directory: directory.to_owned(), journal, news: 0 };
        let lists = memory.load(&news)?;
        if !news.is_empty() {
            // One that a kill cut in the middle would spoil the next line.
            memory.news = 1;
            memory.tidy(&lists);
        }
        Ok((memory, lists))
    }

    fn load(&self, journal: &[u8]) -> io::Result<PhoneLists> {
        let mut lists = PhoneLists::default();
        let mut read: HashMap<String, Held> = HashMap::new();
        let mut restore = |lists: &mut PhoneLists, remembered: Remembered| {
            let Remembered { phone, sha256, asked } = remembered;
            let held = match sha256 {
                None => Held::Nothing,
                Some(sha256) => {
                    read.entry(sha256.clone()).or_insert_with(|| self.held(sha256)).clone()
                }
            };
            lists.restore(phone, PhoneList::asked_at(held, asked));
        };
        if let Some(bytes) = durable::read(&self.directory.join(FILE), MAX_FILE)? {
            let all: Vec<Remembered> = serde_json::from_slice(&bytes)?;
            all.into_iter().for_each(|remembered| restore(&mut lists, remembered));
        }
        for line in journal.split(|&byte| byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(Line::Holds(remembered)) => restore(&mut lists, remembered),
                Ok(Line::Forgotten(phone)) => lists.forget(&phone),
                Err(_) => {} // empty, or cut by a kill: the phone's next request tells
            }
        }
        Ok(lists)
    }

    fn held(&self, sha256: String) -> Held {
        let file = fs::read(self.list_file(&sha256)).ok();
        match file.and_then(|bytes| present_list(&bytes).ok()) {
            Some(list) => Held::List(list),
            None => Held::Lost(sha256),
        }
    }

    /// Notes what is new of a phone.
    pub fn note(&mut self, phone: &str, lists: &PhoneLists) {
        self.news += 1;
        let line = match lists.get(phone) {
            Some(list) => self.remembered(phone, list).map(Line::Holds),
            None => Ok(Line::Forgotten(phone.to_owned())),
        };
        // What could not be noted is written when there is a pause.
        let _ = line.and_then(|line| {
            let mut line = serde_json::to_vec(&line)?;
            line.push(b'\n');
            self.journal.write_all(&line)
        });
        if self.news >= MAX_NEWS {
            self.tidy(lists);
        }
    }

    /// Writes everything down, if there were news. What fails is tried again later.
    pub fn tidy(&mut self, lists: &PhoneLists) {
        if self.news > 0 && self.save(lists).and_then(|()| self.journal.set_len(0)).is_ok() {
            self.news = 0;
        }
    }

    fn save(&self, lists: &PhoneLists) -> io::Result<()> {
        let remembered = lists.iter().map(|(phone, list)| self.remembered(phone, list));
        let bytes = serde_json::to_vec(&remembered.collect::<io::Result<Vec<_>>>()?)?;
        durable::replace(&self.directory.join(FILE), &bytes, Readers::Everybody)
    }

    /// How a phone is remembered. Its list has a file of its own from then on.
    fn remembered(&self, phone: &str, list: &PhoneList) -> io::Result<Remembered> {
        let sha256 = match &list.held {
            Held::Nothing => None,
            Held::Lost(sha256) => Some(sha256.clone()),
            Held::List(list) => {
                let sha256 = hex(&pki::Hash::Sha256.of(list.as_bytes()));
                let file = self.list_file(&sha256);
                if !file.exists() {
                    durable::replace(&file, list.as_bytes(), Readers::Everybody)?;
                }
                Some(sha256)
            }
        };
        Ok(Remembered { phone: phone.to_owned(), sha256, asked: list.asked_millis() })
    }

    fn list_file(&self, sha256: &str) -> PathBuf {
        self.directory.join(format!("{sha256}.tlv"))
    }
}
