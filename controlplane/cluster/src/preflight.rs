//! Which telephones would refuse a new list.
//!
//! A telephone accepts a list if a token of the list it holds signed it; if it holds none, it
//! accepts whatever comes first. So what a telephone will do can be told from what it fetched,
//! and is told before anything is written.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use messages::{Explain, Message, trust_list};
use tlv::{Trust, VerifiedCtl};

/// The list a telephone holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    /// It asked for one and there was none.
    Nothing,
    /// This one.
    List(VerifiedCtl),
    /// One that no node keeps any more: its SHA-256.
    Lost(String),
}

/// What a telephone would do with a new list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It would take it: it has none, and takes the first one it gets.
    AcceptsFirst,
    /// It would take it: it knows the signer.
    Accepts,
    /// It would keep the old one and fall behind.
    Stranded(Why),
}

/// Why a telephone would be stranded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its list has no token that signed the new one: the tokens it has.
    UnknownSigner(Vec<String>),
    /// Nobody knows what is in its list.
    UnknownList,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSigner(tokens) => write!(f, "its list names {}", tokens.join(", ")),
            Self::UnknownList => f.write_str("its list is not known any more"),
        }
    }
}

/// What each telephone would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// By device name.
    pub phones: BTreeMap<String, Verdict>,
    /// Nodes that could not be asked: telephones that fetch from them alone are not here.
    pub silent: Vec<String>,
}

/// Some telephones would be stranded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WouldStrand {
    /// Which, and why.
    pub phones: Vec<(String, Why)>,
}

impl Preflight {
    /// Asks each telephone's list about the new one.
    pub fn of<'a>(
        new: &VerifiedCtl,
        phones: impl IntoIterator<Item = (&'a str, &'a Held)>,
    ) -> Self {
        let phones = phones.into_iter().map(|(phone, held)| (phone.to_owned(), judge(new, held)));
        Self { phones: phones.collect(), silent: Vec::new() }
    }

    /// Whether nobody is stranded.
    pub fn check(&self) -> Result<(), WouldStrand> {
        let stranded = self.phones.iter().filter_map(|(phone, verdict)| match verdict {
            Verdict::Stranded(why) => Some((phone.clone(), why.clone())),
            Verdict::Accepts | Verdict::AcceptsFirst => None,
        });
        let phones: Vec<_> = stranded.collect();
        if phones.is_empty() { Ok(()) } else { Err(WouldStrand { phones }) }
    }
}

impl Explain for WouldStrand {
    fn message(&self) -> &'static Message {
        &trust_list::WOULD_STRAND_PHONES
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        // A cluster has thousands: the message names the first few, the report all.
        const NAMED: usize = 5;
        let mut phones: Vec<_> =
            self.phones.iter().take(NAMED).map(|(name, why)| format!("{name} ({why})")).collect();
        if self.phones.len() > NAMED {
            phones.push("…".into());
        }
        vec![("count", self.phones.len().to_string()), ("phones", phones.join(", "))]
    }
}

crate::error_by_message!(WouldStrand);

fn judge(new: &VerifiedCtl, held: &Held) -> Verdict {
    let list = match held {
        Held::Nothing => return Verdict::AcceptsFirst,
        Held::Lost(_) => return Verdict::Stranded(Why::UnknownList),
        Held::List(list) => list,
    };
    if list.as_bytes() == new.as_bytes() {
        return Verdict::Accepts;
    }
    match (**new).clone().verify(Trust::in_ctl(list)) {
        Ok(_) => Verdict::Accepts,
        Err(_) => {
            let tokens = list.with_role(tlv::Role::Sast);
            let names = tokens.filter_map(|token| Some(token.subject.as_ref()?.to_string()));
            Verdict::Stranded(Why::UnknownSigner(names.collect()))
        }
    }
}

/// What the telephones of a node hold, learned from what they fetch.
///
/// Each fetched list is judged as the telephone judges it: one it must refuse does not replace
/// what it holds.
#[derive(Clone, Debug, Default)]
pub struct PhoneLists {
    phones: BTreeMap<String, PhoneList>,
}

/// What one telephone holds.
#[derive(Clone, Debug, PartialEq)]
pub struct PhoneList {
    /// Its list.
    pub held: Held,
    /// When it last asked for one.
    pub asked: SystemTime,
}

impl PhoneList {
    /// What is told or remembered of it: its list, and when it last asked, in milliseconds since
    /// 1970. A telephone may well ask two nodes within a second.
    pub fn asked_at(held: Held, millis: u64) -> Self {
        let asked = UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH);
        Self { held, asked }
    }

    /// When it last asked, in milliseconds since 1970.
    pub fn asked_millis(&self) -> u64 {
        let since = self.asked.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

impl PhoneLists {
    /// A telephone fetched a list, or learned that there is none.
    pub fn fetched(&mut self, phone: &str, list: Option<&VerifiedCtl>, now: SystemTime) {
        let known = self.phones.get(phone).map(|known| &known.held);
        let held = match (known, list) {
            (None, None) => Held::Nothing,
            (None | Some(Held::Nothing), Some(list)) => Held::List(list.clone()),
            // Without an answer it keeps what it has.
            (Some(held), None) => held.clone(),
            (Some(held), Some(list)) => match judge(list, held) {
                Verdict::Accepts | Verdict::AcceptsFirst => Held::List(list.clone()),
                Verdict::Stranded(_) => held.clone(),
            },
        };
        self.phones.insert(phone.to_owned(), PhoneList { held, asked: now });
    }

    /// A telephone's list was erased by hand, or the telephone is gone.
    pub fn forget(&mut self, phone: &str) {
        self.phones.remove(phone);
    }

    /// Takes in what another node knows; for each telephone the latest news count.
    pub fn merge(&mut self, other: Self) {
        for (phone, theirs) in other.phones {
            let ours = self.phones.get(&phone);
            if ours.is_none_or(|ours| ours.asked < theirs.asked) {
                self.phones.insert(phone, theirs);
            }
        }
    }

    /// What a telephone holds.
    pub fn get(&self, phone: &str) -> Option<&PhoneList> {
        self.phones.get(phone)
    }

    /// Sets what a telephone holds, as remembered.
    pub fn restore(&mut self, phone: String, list: PhoneList) {
        self.phones.insert(phone, list);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &PhoneList)> {
        self.phones.iter().map(|(phone, list)| (phone.as_str(), list))
    }

    /// What they would do with a new list.
    pub fn preflight(&self, new: &VerifiedCtl) -> Preflight {
        Preflight::of(new, self.iter().map(|(phone, list)| (phone, &list.held)))
    }
}
