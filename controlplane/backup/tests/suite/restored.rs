//! What was backed up comes back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use ringfence_backup::archive::Archive;
use ringfence_backup::restore;
use ringfence_backup::shelf::{Directory, Kept, Shelf};
use ringfence_postgres::Server;

use crate::site::{Site, keys, passphrase};

fn set_port(site: &Site, port: &str) {
    site.change(|c| c.set_parameter(None, "ctl-provider.port", port));
}

// R: BAK-01, BAK-02
#[test]
fn data_comes_back_and_keys_that_are_there_stay() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::publisher(dir.path());
    set_port(&site, "3000");
    let (lock, unlock) = passphrase();
    let (archive, header) = site.back_up(&lock, None).unwrap();
    assert_eq!((&*header.cluster_name, header.revision, header.keys), ("office", 2, false));

    set_port(&site, "3001");
    fs::write(dir.path().join("phones/phones.json"), "later").unwrap();
    let identity = site.identity().certificate().fingerprint();
    let kept = dir.path().join("kept.rfbackup");
    fs::rename(archive, &kept).unwrap();
    let restored = site.restore(&kept, &unlock, None).unwrap();
    assert_eq!(restored.copied.cluster.unwrap().name, "office");
    assert_eq!(site.port(), "3000");
    assert_eq!(site.read("phones/phones.json").as_deref(), Some("[]"));
    assert_eq!(site.read("certificates/CAPF.cer").as_deref(), Some("certificate of CAPF"));
    assert_eq!(site.identity().certificate().fingerprint(), identity);
    site.store.read(|v| v.verify_audit()).unwrap();
    // Nothing of it lies about.
    assert_eq!(fs::read_dir(site.home.state.join("making")).unwrap().count(), 0);
    assert!(!site.home.state.join("restoring").exists());
}

// R: BAK-01, BAK-02
#[test]
fn a_lost_node_comes_back_with_its_keys_or_gets_new_ones() {
    let old = tempfile::tempdir().unwrap();
    let publisher = Site::publisher(old.path());
    let identity = publisher.identity().certificate().fingerprint();
    let ((lock, unlock), (recovery, recover)) = (keys(), keys());
    let (archive, header) = publisher.back_up(&lock, Some(&recovery)).unwrap();
    assert!(header.keys);

    let dir = tempfile::tempdir().unwrap();
    let with_keys = Site::fresh(dir.path());
    assert!(with_keys.restore(&archive, &unlock, Some(&recover)).unwrap().keys);
    assert_eq!(with_keys.identity().certificate().fingerprint(), identity);
    assert_eq!(with_keys.read("keys/CAPF.key").as_deref(), Some("key of CAPF"));
    let mode = fs::metadata(dir.path().join("keys/ccmserver.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let dir = tempfile::tempdir().unwrap();
    let without = Site::fresh(dir.path());
    without.restore(&archive, &unlock, None).unwrap();
    assert_ne!(without.identity().certificate().fingerprint(), identity);
    // A certificate without its key would keep CAPF from making another pair.
    assert_eq!(without.read("certificates/CAPF.cer"), None);
    assert!(without.read("phones/phones.json").is_some());
}

#[test]
fn the_embedded_database_moves_to_postgresql() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Site::publisher(dir.path());
    let (lock, unlock) = keys();
    let (archive, _) = publisher.back_up(&lock, None).unwrap();
    let server = Server::start(None).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = server.url("postgres").parse().unwrap();
    let moved = Site::with_store(dir.path(), &url);
    moved.restore(&archive, &unlock, None).unwrap();
    let name = moved.store.read(|v| v.cluster()).unwrap().unwrap().name;
    assert_eq!(name, "office");

    let standby = Server::replica(&server.dir().display().to_string()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let replica = Site::with_store(dir.path(), &standby.url("postgres").parse().unwrap());
    let refused = replica.restore(&archive, &unlock, None).unwrap_err();
    assert_eq!(refused, ringfence_backup::Fault::Store(store::Error::ReadOnly));
    assert!(restore::interrupted(&replica.home).unwrap().is_none());
}

#[test]
fn a_shelf_keeps_archives() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::publisher(dir.path());
    let (lock, unlock) = keys();
    let (archive, header) = site.back_up(&lock, None).unwrap();
    let shelf = Directory(dir.path().join("shelf"));
    assert_eq!(shelf.list().unwrap(), []);
    shelf.put(&archive).unwrap();
    fs::write(shelf.0.join("notes.txt"), "").unwrap();
    let [kept] = &shelf.list().unwrap()[..] else { panic!("one archive") };
    assert_eq!(Some(kept), Kept::of(&header.file_name(), kept.bytes).as_ref());
    let fetched = Archive::open(&shelf.fetch(&kept.name, dir.path()).unwrap()).unwrap();
    let found = restore::verify(&fetched, &unlock, &site.home, &mut |_, _| {}).unwrap();
    assert_eq!(found.nodes.len(), 1);
    for elsewhere in ["../ringfence.db", "other.rfbackup", "a/b.rfbackup"] {
        assert!(shelf.fetch(elsewhere, dir.path()).is_err(), "{elsewhere}");
        assert!(elsewhere == "other.rfbackup" || shelf.remove(elsewhere).is_err());
    }
    shelf.remove(&kept.name).unwrap();
    assert_eq!(shelf.list().unwrap(), []);
}

/// The encrypted part is `age`'s: its own command opens it.
#[test]
fn other_programs_open_the_body() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::publisher(dir.path());
    let (file, recipient) = ringfence_backup::lock::keygen();
    let lock = ringfence_backup::Lock::recipients([&*recipient]).unwrap();
    let (archive, _) = site.back_up(&lock, None).unwrap();
    let key = dir.path().join("key.txt");
    fs::write(&key, &*file).unwrap();
    let script = r#"set -o pipefail
        size=$(stat -c %s "$1"); foot=$(tail -c 10 "$1" | head -c 2 | od -An -tu1 | awk '{print $1*256+$2}')
        tail -n +3 "$1" | head -c -$((foot + 10)) | age -d -i "$2" | zstd -d | tar -t"#;
    let listed = Command::new("bash").args(["-c", script, "sh"]).args([&archive, &key]).output();
    let listed = listed.unwrap();
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&listed.stderr);
    assert!(listed.status.success(), "{complaint} (age and zstd: `cargo xtask setup`)");
    let expected = ["header.json", "database.jsonl", "rooms/certificates/CAPF.cer"];
    assert!(expected.iter().all(|name| names.contains(name)), "{names}");
    assert!(names.contains("rooms/reports/capf.csv") && !names.contains("partial"), "{names}");
    let clear = fs::read(&archive).unwrap();
    let has = |word: &[u8]| clear.windows(word.len()).any(|window| window == word);
    assert!(has(b"office") && !has(b"certificate of CAPF"), "only the header is in clear");
    assert!(Path::new(&archive).exists());
}
