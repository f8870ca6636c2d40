//! What each phone holds: learned from what it fetches here, remembered over restarts.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use cluster::list::present_list;
use cluster::locations::Locations;
use cluster::preflight::{Held, PhoneList, PhoneLists};
use durable::Readers;
use pki::certificate::hex;
use serde::{Deserialize, Serialize};
use store::Store;
use tftp::{DeviceName, Observer, Outcome, Record, Refusal, RequestLog};
use tlv::VerifiedCtl;

/// Requests that the log keeps.
const LOG: usize = 20_000;
/// Requests that may wait to be looked at; more are only logged.
const QUEUE: usize = 10_000;
/// How long news may stay in memory only.
const FLUSH: Duration = Duration::from_secs(1);
/// Longest file of remembered phones.
const MAX_FILE: u64 = 64 << 20;
const FILE: &str = "phones.json";

/// Watches the requests of phones.
pub struct Phones {
    log: RequestLog,
    lists: Arc<Mutex<PhoneLists>>,
    news: SyncSender<News>,
    keeper: Option<JoinHandle<()>>,
}

enum News {
    /// A phone fetched the list with this MD5, or learned that there is none.
    Fetched { phone: String, md5: Option<String>, at: SystemTime },
    /// A phone's list was erased by hand.
    Erased(String),
    /// Write everything down and end.
    End,
}

impl Phones {
    /// Remembers what is in `directory`, and watches from now on.
    pub fn open(directory: &Path, store: Arc<Store>, node: &str) -> std::io::Result<Self> {
        fs::create_dir_all(directory)?;
        let memory = Memory { directory: directory.to_owned() };
        let lists = Arc::new(Mutex::new(memory.load()?));
        let (news, incoming) = sync_channel(QUEUE);
        let keeper = Keeper {
            memory,
            lists: Arc::clone(&lists),
            known: HashMap::new(),
            store,
            node: node.to_owned(),
        };
        let keeper = std::thread::Builder::new()
            .name("phones".into())
            .spawn(move || keeper.run(&incoming))?;
        Ok(Self { log: RequestLog::new(LOG), lists, news, keeper: Some(keeper) })
    }

    /// What the phones of this node hold.
    pub fn lists(&self) -> &Arc<Mutex<PhoneLists>> {
        &self.lists
    }

    /// The latest requests of a phone, oldest first.
    pub fn requests(&self, phone: DeviceName) -> Vec<Record> {
        self.log.of_device(phone)
    }

    /// What a phone holds, as far as is known.
    pub fn list_of(&self, phone: &str) -> Option<PhoneList> {
        let lists = lock(&self.lists);
        lists.iter().find(|(name, _)| *name == phone).map(|(_, list)| list.clone())
    }

    /// Forgets what a phone holds: its list was erased by hand.
    pub fn erased(&self, phone: &str) {
        // The keeper lives as long as we do.
        let _ = self.news.send(News::Erased(phone.to_owned()));
    }
}

impl Observer for Phones {
    fn observe(&self, record: Record) {
        let is_list = record.name.to_ascii_lowercase().starts_with("ctl");
        if is_list && let Some(device) = record.device {
            let md5 = match &record.outcome {
                Outcome::Completed => Some(record.ctl_version.clone()),
                Outcome::Refused(Refusal::NotFound) => Some(None),
                _ => None,
            };
            if let Some(md5) = md5 {
                let news = News::Fetched { phone: device.to_string(), md5, at: record.at };
                // When the queue is full the phone's next request tells.
                let _ = self.news.try_send(news);
            }
        }
        self.log.observe(record);
    }
}

impl Drop for Phones {
    fn drop(&mut self) {
        let _ = self.news.send(News::End);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

/// The thread that takes news in.
struct Keeper {
    memory: Memory,
    lists: Arc<Mutex<PhoneLists>>,
    /// Lists that were seen, by MD5.
    known: HashMap<String, VerifiedCtl>,
    store: Arc<Store>,
    node: String,
}

impl Keeper {
    fn run(mut self, news: &Receiver<News>) {
        let mut dirty = false;
        loop {
            match news.recv_timeout(FLUSH) {
                Ok(News::Fetched { phone, md5: None, at }) => {
                    lock(&self.lists).fetched(&phone, None, at);
                    dirty = true;
                }
                Ok(News::Fetched { phone, md5: Some(md5), at }) => {
                    // A list that nobody knows any more was replaced a moment ago.
                    if let Some(list) = self.list(&md5) {
                        lock(&self.lists).fetched(&phone, Some(&list), at);
                        dirty = true;
                    }
                }
                Ok(News::Erased(phone)) => {
                    lock(&self.lists).forget(&phone);
                    dirty = true;
                }
                Err(RecvTimeoutError::Timeout) => {
                    if dirty && self.memory.save(&lock(&self.lists)).is_ok() {
                        dirty = false;
                    }
                }
                Ok(News::End) | Err(RecvTimeoutError::Disconnected) => {
                    let _ = self.memory.save(&lock(&self.lists));
                    return;
                }
            }
        }
    }

    /// The list with this MD5: the one in force, or an older one of the database.
    fn list(&mut self, md5: &str) -> Option<VerifiedCtl> {
        if !self.known.contains_key(md5) {
            let locations = self.store.read(|view| Locations::of_node(view, &self.node));
            let present = locations.ok().flatten().and_then(|locations| locations.read().ok());
            let older = self.store.read(|view| view.ctl_versions()).unwrap_or_default();
            let older = older.iter().filter_map(|version| present_list(&version.file).ok());
            let found = present.into_iter().chain(older).find(|list| hex(&list.md5()) == md5)?;
            self.known.insert(md5.to_owned(), found);
        }
        self.known.get(md5).cloned()
    }
}

/// The directory where it is written down: one file of phones, one for each list they hold.
struct Memory {
    directory: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    phone: String,
    /// SHA-256 of its list; absent if it has none.
    sha256: Option<String>,
    /// When it last asked, in milliseconds since 1970.
    asked: u64,
}

impl Memory {
    fn load(&self) -> std::io::Result<PhoneLists> {
        let mut lists = PhoneLists::default();
        let Some(bytes) = durable::read(&self.directory.join(FILE), MAX_FILE)? else {
            return Ok(lists);
        };
        let remembered: Vec<Remembered> = serde_json::from_slice(&bytes)?;
        let mut read: HashMap<String, Held> = HashMap::new();
        for Remembered { phone, sha256, asked } in remembered {
            let held = match sha256 {
                None => Held::Nothing,
                Some(sha256) => {
                    read.entry(sha256.clone()).or_insert_with(|| self.held(sha256)).clone()
                }
            };
            lists.restore(phone, PhoneList::asked_at(held, asked));
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

    fn save(&self, lists: &PhoneLists) -> std::io::Result<()> {
        let mut remembered = Vec::new();
        for (phone, list) in lists.iter() {
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
            let asked = list.asked_millis();
            remembered.push(Remembered { phone: phone.to_owned(), sha256, asked });
        }
        let bytes = serde_json::to_vec(&remembered)?;
        durable::replace(&self.directory.join(FILE), &bytes, Readers::Everybody)
    }

    fn list_file(&self, sha256: &str) -> PathBuf {
        self.directory.join(format!("{sha256}.tlv"))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each of its calls leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
