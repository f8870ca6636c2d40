//! Backups by command: made, looked at, restored; and what follows a restore.

use std::fs;

use serde_json::Value;

use crate::ctl::Site;
use crate::daemon::Daemon;

/// A key for backups: the words that make one for it, and those that open it.
fn keys(daemon: &Daemon) -> (String, String) {
    let file = daemon.path("backup.key");
    let made = daemon.json(&format!("backup keygen {}", file.display()));
    let recipient = made["recipient"].as_str().unwrap();
    (format!("--recipient {recipient}"), format!("--identity {}", file.display()))
}

fn alarms(daemon: &Daemon) -> String {
    daemon.json("status")["alarms"].to_string()
}

// R: BAK-01
#[test]
fn a_backup_is_made_listed_checked_and_restored() {
    let daemon = Daemon::with_cluster();
    let not_yet = daemon.fails(2, "backup create");
    assert!(not_yet.contains("Neither a passphrase nor a recipient"), "{not_yet}");
    daemon.with_services();
    let (lock, unlock) = keys(&daemon);
    daemon.json("device add SEP001122334455 7970");
    let made = daemon.json(&format!("backup create {lock}"));
    assert_eq!(made["ok"], true);
    let name = made["backup"]["name"].as_str().unwrap().to_owned();
    let listed = daemon.json("backup list");
    assert_eq!(listed["backups"][0]["name"], *name);
    assert_eq!(listed["place"], daemon.path("backup").display().to_string());

    let closed = daemon.json(&format!("backup verify {name}"));
    assert_eq!(closed["backup"]["detail"]["nodes"], Value::Array(Vec::new()));
    let opened = daemon.json(&format!("backup verify {name} {unlock}"));
    assert_eq!(opened["backup"]["detail"]["nodes"][0], "cm1");
    assert_eq!(opened["backup"]["detail"]["keys"], false);

    daemon.json("device remove SEP001122334455");
    let another = daemon.file("passphrase", "wrong\n");
    let wrong =
        daemon.fails(1, &format!("backup restore {name} --passphrase-file {}", another.display()));
    assert!(wrong.contains("does not open"), "{wrong}");
    daemon.fails(1, "device show SEP001122334455");
    let restored = daemon.json(&format!("backup restore {name} {unlock}"));
    assert_eq!(restored["ok"], true);
    daemon.json("device show SEP001122334455");
    let newest = daemon.json("log changes")[0].to_string();
    assert!(newest.contains(&name), "{newest}");
    // Without a CTL file nothing has to be signed.
    assert!(!alarms(&daemon).contains("restored"), "{}", alarms(&daemon));
    assert_eq!(daemon.services.problems(), []);

    let path = daemon.path("backup").join(&name);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let half = daemon.fails(1, &format!("--language ja backup restore {name} {unlock}"));
    assert!(half.contains("不完全"), "{half}");
    let unknown = daemon.fails(1, "backup verify other.rfbackup");
    assert!(unknown.contains("backup list"), "{unknown}");
}

// R: BAK-02, CTL-14
#[test]
fn a_lost_publisher_comes_back_and_the_list_is_signed_again() {
    let site = Site::new();
    let daemon = &site.daemon;
    site.ctl("create", &["a", "b"]);
    let before = fs::read(daemon.path("tftp/CTLFile.tlv")).unwrap();
    let (lock, unlock) = keys(daemon);
    let made = daemon.json(&format!("backup create {lock}"));
    let name = made["backup"]["name"].as_str().unwrap().to_owned();
    daemon.json(&format!("backup restore {name} {unlock}"));
    let told = alarms(daemon);
    assert!(told.contains("the data was restored") && told.contains("ctl update"), "{told}");

    // Only a token that phones know signs, and nothing changes without.
    let stranger = daemon.fails(3, &format!("recover publisher {}", site.signed(&["c"])));
    assert!(stranger.contains("cannot be used to sign"), "{stranger}");
    let alone = daemon.fails(3, &format!("recover cluster {}", site.signed(&["a"])));
    assert!(alone.contains("2 tokens"), "{alone}");
    let twice = daemon.fails(3, &format!("recover cluster {}", site.signed(&["a", "a"])));
    assert!(twice.contains("2 tokens"), "{twice}");
    assert_eq!(fs::read(daemon.path("tftp/CTLFile.tlv")).unwrap(), before);

    let recovered = daemon.run(&format!("recover publisher {}", site.signed(&["a"])));
    let told = crate::daemon::stdout(&recovered);
    assert_eq!(recovered.status.code(), Some(0), "{}", crate::daemon::stderr(&recovered));
    assert!(told.contains("[x] The CTL file fits the nodes"), "{told}");
    assert!(told.contains("device reset --all"), "{told}");
    assert_ne!(fs::read(daemon.path("tftp/CTLFile.tlv")).unwrap(), before);
    assert!(!alarms(daemon).contains("restored"), "{}", alarms(daemon));
    // The mode was not chosen again.
    assert_eq!(daemon.json("status")["security_mode"], 1);

    // All nodes lost, with two tokens; once more is no harm.
    let words = format!("recover cluster {} --reset-devices", site.signed(&["a", "b"]));
    let recovered = daemon.run(&words);
    assert_eq!(recovered.status.code(), Some(0), "{}", crate::daemon::stderr(&recovered));
    let elsewhere = daemon.fails(2, &format!("recover subscriber cm9 {}", site.signed(&["a"])));
    assert!(elsewhere.contains("no node cm9"), "{elsewhere}");
}

// R: BAK-03
#[test]
fn a_subscriber_that_is_not_there_yet_is_waited_for() {
    let site = Site::new();
    site.ctl("create", &["a", "b"]);
    // Nobody listens there.
    site.daemon.json("node add cm2 127.0.0.2");
    let words = format!("recover cluster {}", site.signed(&["a", "b"]));
    let recovered = site.daemon.run(&words);
    let told = crate::daemon::stdout(&recovered);
    assert_eq!(recovered.status.code(), Some(4), "{}", crate::daemon::stderr(&recovered));
    assert!(told.contains("Install cm2 anew"), "{told}");
    let refused = site.daemon.fails(1, &format!("recover subscriber cm2 {}", site.signed(&["a"])));
    assert!(refused.contains("cm2"), "{refused}");
}
