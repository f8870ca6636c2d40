//! What phones hold is remembered over restarts.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use cluster::preflight::Held;
use ringfence_controld::phones::Phones;
use store::{Store, StoreUrl};
use tftp::{DeviceName, Observer, Outcome, Protocol, Record, Refusal};

const PHONE: &str = "SEP001122334455";

fn open(dir: &Path) -> std::io::Result<Phones> {
    let store = Store::open(&StoreUrl::Sqlite(dir.join("ringfence.db"))).unwrap();
    Phones::open(&dir.join("phones"), Arc::new(store), "cm1")
}

fn asks(name: &str, outcome: Outcome) -> Record {
    Record {
        at: SystemTime::now(),
        took: Duration::ZERO,
        device: DeviceName::parse(PHONE),
        from: ([192, 0, 2, 99], 50_000).into(),
        protocol: Protocol::Tftp,
        name: name.to_owned(),
        rule: None,
        size: None,
        signer: None,
        ctl_version: None,
        outcome,
    }
}

fn held(phones: &Phones) -> Vec<(String, Held)> {
    let lists = phones.lists().lock().unwrap();
    lists.iter().map(|(phone, list)| (phone.to_owned(), list.held.clone())).collect()
}

#[test]
fn what_was_learned_outlives_the_daemon() {
    let dir = tempfile::tempdir().unwrap();
    let phones = open(dir.path()).unwrap();
    phones.observe(asks(&format!("CTL{PHONE}.tlv"), Outcome::Refused(Refusal::NotFound)));
    // Other files, and what never arrived, teach nothing of lists.
    phones.observe(asks(&format!("{PHONE}.cnf.xml"), Outcome::Completed));
    phones.observe(asks(&format!("CTL{PHONE}.tlv"), Outcome::TimedOut));
    assert_eq!(phones.requests(DeviceName::parse(PHONE).unwrap()).len(), 3);
    drop(phones);

    let phones = open(dir.path()).unwrap();
    assert_eq!(held(&phones), [(PHONE.to_owned(), Held::Nothing)]);
    phones.erased(PHONE);
    drop(phones);
    assert_eq!(held(&open(dir.path()).unwrap()), []);
}

#[test]
fn what_was_learned_a_moment_ago_outlives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let phones = open(dir.path()).unwrap();
    phones.observe(asks(&format!("CTL{PHONE}.tlv"), Outcome::Refused(Refusal::NotFound)));
    // The thread that takes news in is as quick as it is.
    let deadline = Instant::now() + Duration::from_secs(60);
    while held(&phones).is_empty() {
        assert!(Instant::now() < deadline, "the news are lost");
        thread::yield_now();
    }
    // As if it was killed, in the middle of a line: what is written is all there is.
    let killed = dir.path().join("killed");
    fs::create_dir_all(killed.join("phones")).unwrap();
    let copy = || {
        // In this order: the journal is emptied after the other one is written.
        let [journal, all] = ["phones.journal", "phones.json"].map(|name| {
            let written = fs::read(dir.path().join("phones").join(name)).unwrap_or_default();
            (killed.join("phones").join(name), written)
        });
        fs::write(journal.0, [&journal.1, &b"{\"Holds\":{\"pho"[..]].concat()).unwrap();
        if !all.1.is_empty() {
            fs::write(all.0, &all.1).unwrap();
        }
        !journal.1.is_empty() || !all.1.is_empty()
    };
    while !copy() {
        assert!(Instant::now() < deadline, "nothing was written down");
        thread::yield_now();
    }
    for _ in 0..2 {
        // The second time from the file of all phones.
        assert_eq!(held(&open(&killed).unwrap()), [(PHONE.to_owned(), Held::Nothing)]);
    }
}

#[test]
fn a_list_that_is_gone_is_known_to_be_lost() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("phones")).unwrap();
    let file = dir.path().join("phones/phones.json");
    let lost = "0".repeat(64);
    fs::write(&file, format!(r#"[{{"phone":"{PHONE}","sha256":"{lost}","asked":1}}]"#)).unwrap();
    assert_eq!(held(&open(dir.path()).unwrap()), [(PHONE.to_owned(), Held::Lost(lost))]);
    // What cannot be read is told, not forgotten.
    fs::write(&file, "[{").unwrap();
    assert!(open(dir.path()).is_err());
}
