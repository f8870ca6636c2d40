//! A process that is killed in the middle of writing leaves the old state or the new one.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use ringfence_store::{Store, StoreUrl};

use crate::database::{NOW, author};

/// Names the database in the process that is going to be killed.
const DATABASE: &str = "RINGFENCE_TEST_WRITE_UNTIL_KILLED";

#[test]
fn killed_while_writing() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/ringfence.db", dir.path().display());
    let mut done = 0;
    for round in 0..8 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::write_until_killed", "--nocapture"])
            .env(DATABASE, &url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Kill it right after it reported some changes as done; the next one is under way.
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let reported = lines.filter_map(|line| line.unwrap().strip_prefix("done ")?.parse().ok());
        done = reported.take(1 + round * 3).max().unwrap();
        writer.kill().unwrap();
        writer.wait().unwrap();

        let store = Store::open(&url.parse().unwrap()).unwrap();
        let (revision, records, port) = store
            .read(|v| {
                let records = v.verify_audit()?.records;
                Ok((v.revision()?.0, records, v.parameter(None, "ctl-provider.port")?))
            })
            .unwrap();
        assert!(revision >= done, "revision {done} was reported and is lost");
        assert_eq!(records, revision);
        assert_eq!(port.integer::<u64>().unwrap(), 2000 + revision % 1000);
        done = revision;
    }
    assert!(done > 8);
}

/// Not a test by itself: [`killed_while_writing`] runs it in a process of its own.
#[test]
fn write_until_killed() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let store = Store::open(&url.parse().unwrap()).unwrap();
    loop {
        let done = store
            .change(&author(), NOW, |c| {
                let port = (2000 + c.number().0 % 1000).to_string();
                c.set_parameter(None, "ctl-provider.port", &port)
            })
            .unwrap();
        println!("done {}", done.revision.unwrap().0);
    }
}

#[test]
fn nobody_else_can_read_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringfence.db");
    let store = Store::open(&StoreUrl::Sqlite(path.clone())).unwrap();
    store.change(&author(), NOW, |c| c.create_cluster("lab")).unwrap();
    for entry in dir.path().read_dir().unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringfence.db");
    std::fs::write(&path, "a text file, longer than the header of a database would be. ".repeat(9))
        .unwrap();
    assert!(Store::open(&StoreUrl::Sqlite(path)).is_err());
    assert!(Store::open(&StoreUrl::Sqlite(dir.path().join("no/such/dir.db"))).is_err());
}
