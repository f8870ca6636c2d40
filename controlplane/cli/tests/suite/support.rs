//! What goes to those who help.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::daemon::{Daemon, stdout};

const AUTH_STRING: &str = "7391462850";
const DATABASE: &str = "hunter2-of-the-database";
const BUCKET: &str = "hunter2-of-the-bucket";

/// Every secret of a node, searched for in every file of the bundle.
// R: LOG-01
#[test]
fn a_support_bundle_holds_no_secret() {
    let daemon = Daemon::with_cluster();
    daemon.with_services();
    daemon.json("device add SEP001122334455 7970 --security-mode encrypted");
    let string = daemon.file("string", AUTH_STRING);
    let order = "device capf set SEP001122334455 --operation install";
    let by = format!("--auth authentication-string --string-file {}", string.display());
    daemon.json(&format!("{order} {by}"));
    let token = daemon.json("admin token create robot --owner admin --role operator");
    let token = token["secret"].as_str().unwrap().to_owned();
    let config = daemon.file(
        "ringfence.toml",
        &format!(
            "[controld]\nnode = \"cm1\"\nstore = \"postgresql://rf:{DATABASE}@db/rf\"\n\
             [controld.backup.bucket]\nname = \"b\"\nsecret_access_key = \"{BUCKET}\"\n"
        ),
    );
    fs::create_dir(daemon.path("trace")).unwrap();
    daemon.file("trace/callmanager.log", "1.000 a phone registered\n");
    let file = daemon.path("bundle.tar");
    let told = daemon.run(&format!(
        "support-bundle {} --config {} --traces {} --relay /nowhere/datad.sock",
        file.display(),
        config.display(),
        daemon.path("trace").display()
    ));
    assert!(stdout(&told).contains("no keys, passwords"), "{told:?}");

    let mut bundle = Vec::new();
    File::open(&file).unwrap().read_to_end(&mut bundle).unwrap();
    let mut secrets: Vec<String> =
        ["correct horse", AUTH_STRING, DATABASE, BUCKET, &token].map(str::to_owned).into();
    let keys = private_keys(daemon.dir.path());
    assert!(!keys.is_empty(), "the node has keys of its own");
    secrets.extend(keys);
    for secret in &secrets {
        let found = bundle.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!found, "{secret} is in the bundle");
    }
    // And what helps is there.
    let text = String::from_utf8_lossy(&bundle);
    for there in [
        "SEP001122334455",
        "postgresql://db/rf",
        "a phone registered",
        "ringfence-support/audit-report.json",
        "Linux version",
        "cannot reach ringfence-datad",
    ] {
        assert!(text.contains(there), "{there}");
    }
}

/// A line of the middle of each private key below a directory.
fn private_keys(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(private_keys(&path));
        } else if let Ok(text) = fs::read_to_string(&path)
            && let Some((_, key)) = text.split_once("PRIVATE KEY-----\n")
        {
            found.push(key.lines().nth(1).unwrap().to_owned());
        }
    }
    found
}
