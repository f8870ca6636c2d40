//! What each phone holds: learned from what it fetches here, remembered over restarts.

mod memory;

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use cluster::list::present_list;
use cluster::locations::Locations;
use cluster::preflight::{PhoneList, PhoneLists};
use pki::certificate::hex;
use store::Store;
use tftp::{DeviceName, Observer, Outcome, Record, Refusal, RequestLog};
use tlv::VerifiedCtl;

use memory::Memory;

/// Requests that the log keeps.
const LOG: usize = 20_000;
/// Requests that may wait to be looked at; more are only logged.
const QUEUE: usize = 10_000;
/// A pause in the news that is long enough to tidy up.
const PAUSE: Duration = Duration::from_secs(1);

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
        let (memory, lists) = Memory::open(directory)?;
        let lists = Arc::new(Mutex::new(lists));
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
        lock(&self.lists).get(phone).cloned()
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
        loop {
            match news.recv_timeout(PAUSE) {
                Ok(News::Fetched { phone, md5: None, at }) => self.fetched(&phone, None, at),
                Ok(News::Fetched { phone, md5: Some(md5), at }) => {
                    // A list that nobody knows any more was replaced a moment ago.
                    if let Some(list) = self.list(&md5) {
                        self.fetched(&phone, Some(&list), at);
                    }
                }
                Ok(News::Erased(phone)) => {
                    lock(&self.lists).forget(&phone);
                    self.memory.note(&phone, &lock(&self.lists));
                }
                Err(RecvTimeoutError::Timeout) => self.memory.tidy(&lock(&self.lists)),
                Ok(News::End) | Err(RecvTimeoutError::Disconnected) => {
                    return self.memory.tidy(&lock(&self.lists));
                }
            }
        }
    }

    fn fetched(&mut self, phone: &str, list: Option<&VerifiedCtl>, at: SystemTime) {
        lock(&self.lists).fetched(phone, list, at);
        self.memory.note(phone, &lock(&self.lists));
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each of its calls leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
