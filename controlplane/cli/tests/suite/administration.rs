//! The command against a running office: answers, languages, exit codes.

use std::path::PathBuf;
use std::process::Command;

use crate::daemon::{Daemon, stderr, stdout};
use serde_json::Value;

#[test]
fn exit_codes_tell_what_kind_of_no_it_is() {
    let daemon = Daemon::with_cluster();
    assert!(daemon.fails(1, "device show SEP001122334455").contains("no device SEP001122334455"));
    assert!(daemon.fails(1, "node add cm1 192.0.2.12").contains("exists already"));
    assert!(daemon.fails(2, "param set ctl-provider.port 99").contains("1026 to 32767"));
    assert!(daemon.fails(2, "device add SEP12 7970").contains("12 hexadecimal digits"));
    assert!(daemon.fails(2, "device add SEP001122334455 6900").contains("Known models"));
    daemon.fails(2, "param set tftp.caching");
    let refused = daemon.fails(3, "param set enterprise.cluster-security-mode 1");
    assert!(refused.contains("Only the CTL client"), "{refused}");
    daemon.fails(3, "node remove cm1");
    daemon.fails(3, "admin remove admin");

    let nobody = Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args(["status", "--socket", "/nowhere/controld.sock"])
        .output()
        .unwrap();
    assert_eq!(nobody.status.code(), Some(1));
    assert!(stderr(&nobody).contains("start it, or name its socket"), "{}", stderr(&nobody));
}

#[test]
fn people_read_their_language_and_machines_read_json() {
    let daemon = Daemon::with_cluster();
    let japanese = stdout(&daemon.run("--language ja param get tftp.caching"));
    assert!(japanese.contains("全ノードの TFTP を再起動してください"), "{japanese}");
    let english = stdout(&daemon.run("param get tftp.caching"));
    assert!(english.contains("Restart TFTP on every node"), "{english}");
    let refused = daemon.fails(3, "--language ja node remove cm1");
    assert!(refused.contains("パブリッシャ"), "{refused}");
    daemon.fails(2, "--language tlh status");
    let help = stdout(&daemon.run("--language ja token list --help"));
    assert!(
        help.contains("すべてのトークン") && help.contains("使い方: ringfence token list"),
        "{help}"
    );

    let parameters = daemon.json("--language ja param get tftp.caching");
    assert_eq!(parameters[0]["name"], "tftp.caching");
    assert_eq!(parameters[0]["needs"][0]["action"], "restart-tftp");
}

// R: GEN-02, GEN-20
#[test]
fn the_way_of_a_new_cluster() {
    let daemon = Daemon::start();
    let check = |id: &str| {
        let status = daemon.json("status");
        let items = status["checklist"].as_array().unwrap();
        items.iter().find(|item| item["id"] == id).unwrap()["state"].clone()
    };
    assert_eq!(check("cluster"), "open");
    let password = daemon.file("password", "correct horse\n");
    let init =
        format!("cluster init lab --address 127.0.0.1 --password-file {}", password.display());
    assert_eq!(daemon.json(&init)["revision"], 1);
    assert_eq!(check("cluster"), "done");
    let status = daemon.json("status");
    assert_eq!((&status["security_mode"], &status["ctl_md5"]), (&Value::Null, &Value::Null));
    assert!(!stdout(&daemon.run("status")).contains("Cluster Security Mode:"));

    daemon.json("node add cm2 192.0.2.11");
    daemon.json("node deactivate cm2 ctl-provider");
    assert_eq!(check("ctl-provider"), "open");
    daemon.json("node activate cm2 ctl-provider");
    assert_eq!(check("ctl-provider"), "done");
    assert_eq!(daemon.json("node list")[1]["name"], "cm2");

    daemon.json("device add 0011.2233.4455 7970 --security-mode encrypted");
    let device = &daemon.json("device list")[0];
    assert_eq!(device["name"], "SEP001122334455");
    assert_eq!(
        (&device["security_mode"], &device["effective_mode"]),
        (&"encrypted".into(), &"non-secure".into())
    );
    let done = daemon.json("device set SEP001122334455 --web-access false");
    assert_eq!(done["actions"][0]["action"], "reset-device");
    assert!(done["notes"][0].as_str().unwrap().contains("ends its calls"));
    assert_eq!(daemon.json("status")["due"].as_array().unwrap().len(), 1);
    daemon.json("device reset --all");
    assert_eq!(daemon.json("status")["due"].as_array().unwrap().len(), 0);

    let changes = daemon.json("log changes");
    assert_eq!(changes[0]["origin"], "command line");
    assert_eq!(changes.as_array().unwrap().last().unwrap()["revision"], 1);
    assert_eq!(daemon.json("log audit -n 1").as_array().unwrap().len(), 1);
}

#[test]
fn passwords_come_from_files_and_are_kept_nowhere() {
    let daemon = Daemon::with_cluster();
    let short = daemon.file("short", "1234567\n");
    let put = |file: &PathBuf| {
        format!("admin put bob --role operator --password-file {}", file.display())
    };
    assert!(daemon.fails(2, &put(&short)).contains("at least 8 characters"));
    let long = daemon.file("long", "battery staple\n");
    daemon.json(&put(&long));
    assert_eq!(daemon.json("admin list")[1]["role"], "operator");
    for file in ["ringfence.db", "ringfence.db-wal"] {
        let bytes = std::fs::read(daemon.path(file)).unwrap();
        for secret in ["correct horse", "battery staple"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

#[test]
fn tokens_are_made_shown_once_and_removed() {
    let daemon = Daemon::with_cluster();
    let made = daemon.json("admin token create robot --owner admin --role operator --days 30");
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("rf_"), "{secret}");
    let listed = daemon.json("admin token list");
    assert_eq!((&listed[0]["name"], &listed[0]["role"]), (&"robot".into(), &"operator".into()));
    assert!(!listed.to_string().contains(secret));
    daemon.fails(1, "admin token create robot --owner admin");
    daemon.json("admin token remove robot");
    assert_eq!(daemon.json("admin token list").as_array().unwrap().len(), 0);
}

#[test]
fn an_auditor_finds_what_is_weak() {
    let daemon = Daemon::with_cluster();
    daemon.json("device add SEP001122334455 7970");
    daemon.json("admin token create robot --owner admin");
    let page = daemon.path("audit.html");
    let report = daemon.json(&format!("audit --html {}", page.display()));
    let check = |id: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("{id}: {report}"))
    };
    assert_eq!(check("cluster-not-mixed")["severity"], "high");
    assert_eq!(check("phones-not-encrypted")["subjects"][0], "SEP001122334455");
    assert_eq!(check("endless-tokens")["subjects"][0], "robot (admin)");
    assert_eq!(check("null-suites")["severity"], "unknown", "CallManager does not run here");
    assert_eq!(check("expired-mics")["severity"], "ok");
    assert_eq!(report["checks"][0]["severity"], "high", "the gravest first");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("SEP001122334455") && !page.contains("<script"));
    daemon.json("device set SEP001122334455 --security-mode encrypted");
    daemon.json("param set call-manager.expired-mic-until 2999-12-31");
    let report = stdout(&daemon.run("--language ja audit"));
    assert!(report.contains("期限切れ MIC の受け入れ"), "{report}");
    let checks = daemon.json("audit")["checks"].clone();
    let is = |id: &str, severity: &str| {
        checks.as_array().unwrap().iter().any(|it| it["id"] == id && it["severity"] == severity)
    };
    assert!(is("expired-mics", "medium") && is("phones-not-encrypted", "ok"), "{checks}");
}
