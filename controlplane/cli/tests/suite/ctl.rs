//! The CTL client against a CTL Provider, with software tokens.

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use crate::daemon::{Daemon, stderr, stdout};
use serde_json::Value;
use tftp::{DeviceName, Observer, Outcome, Protocol, Record, Refusal};

/// A cluster with a running provider, three tokens and what the client needs to know.
pub struct Site {
    pub daemon: Daemon,
    login: String,
}

impl Site {
    pub fn new() -> Self {
        let daemon = Daemon::with_cluster();
        let port = daemon.with_services();
        for token in ["a", "b", "c"] {
            let file = daemon.path(&format!("{token}.token"));
            daemon
                .json(&format!("token init {} --label sast-{token} --key rsa1024", file.display()));
        }
        let status = daemon.json("status");
        let print = status["certificate_sha256"].as_str().unwrap();
        let token_password = daemon.file("token-password", "Cisco123\n");
        let login = format!(
            "--server 127.0.0.1:{port} --password-file {} --approve {print} {{}} \
                --token-password-file {}",
            daemon.path("password").display(),
            token_password.display(),
        );
        Self { daemon, login }
    }

    /// The words of a command with login, signed by these tokens.
    pub fn words(&self, verb: &str, tokens: &[&str]) -> String {
        format!("ctl {verb} {}", self.signed(tokens))
    }

    /// The words that log in and sign with these tokens.
    pub fn signed(&self, tokens: &[&str]) -> String {
        let signed = tokens.iter().map(|token| format!("--token {} ", self.token(token)));
        let signed: String = signed.collect();
        self.login.replace("{}", &signed)
    }

    fn token(&self, name: &str) -> String {
        self.daemon.path(&format!("{name}.token")).display().to_string()
    }

    pub fn ctl(&self, verb: &str, tokens: &[&str]) -> Value {
        self.daemon.json(&self.words(verb, tokens))
    }

    fn refused(&self, code: i32, verb: &str, tokens: &[&str]) -> String {
        self.daemon.fails(code, &self.words(verb, tokens))
    }

    fn status(&self) -> Value {
        let login = self.login.split(" {}").next().unwrap();
        self.daemon.json(&format!("ctl status {login}"))
    }

    /// Serials of the tokens in the list.
    fn tokens(&self) -> Vec<String> {
        let status = self.status();
        let entries = status["entries"].as_array().unwrap().iter();
        let tokens = entries.filter(|entry| entry["function"] == "SAST");
        tokens.map(|entry| entry["serial"].as_str().unwrap().to_owned()).collect()
    }
}

// R: CTL-03, CTL-04, CTL-16
#[test]
fn a_list_is_created_with_two_tokens() {
    let site = Site::new();
    assert_eq!(site.status()["md5"], Value::Null);
    // One token, and nobody at the terminal who has another.
    let alone = site.refused(2, "create", &["a"]);
    assert!(alone.contains("Please insert another Security Token"), "{alone}");
    let twice = site.refused(3, "create", &["a", "a"]);
    assert!(twice.contains("already exists in the CTL File"), "{twice}");
    assert!(!site.daemon.path("tftp/CTLFile.tlv").exists());

    let pushed = site.ctl("create", &["a", "b"]);
    assert_eq!(pushed["complete"], true);
    let actions = pushed["actions"].as_array().unwrap();
    assert_eq!(actions.last().unwrap()["action"], "reset-all-devices");
    let status = site.status();
    assert_eq!(status["security_mode"], 1);
    assert!(status["signer"].as_str().unwrap().contains("sast-b"));
    assert_eq!(site.tokens().len(), 2);
    let file = site.daemon.path("tftp/CTLFile.tlv");
    let shown = site.daemon.json(&format!("ctl show {}", file.display()));
    assert_eq!(shown["md5"], status["md5"]);
    assert_eq!(site.daemon.json("ctl md5")["md5"], status["md5"]);

    // It is lost: mixed mode without a list is told, and a new one can be made.
    fs::remove_file(&file).unwrap();
    let problem = site.status()["problem"].clone();
    assert!(problem.as_str().unwrap().contains("Mixed Mode"), "{problem}");
    assert_eq!(site.ctl("create", &["a", "b"])["complete"], true);
    assert!(file.exists());
}

// R: CTL-05, CTL-07
#[test]
fn an_update_is_signed_by_a_token_of_the_list() {
    let site = Site::new();
    site.ctl("create", &["a", "b"]);
    assert_eq!(site.ctl("update", &["a"])["changed"], false);

    let add = format!("add-token {}", site.token("c"));
    let own = site.refused(3, &add, &["c"]);
    assert!(own.contains("inserted during this update cannot be used to sign"), "{own}");
    assert_eq!(site.tokens().len(), 2);
    // What was entered is kept, and nothing else is signed before it.
    let waiting = site.refused(3, "mode non-secure", &["a"]);
    assert!(waiting.contains("ctl discard"), "{waiting}");
    assert_eq!(site.ctl("update", &["a"])["complete"], true);
    assert_eq!(site.tokens().len(), 3);
    // And it can be given up.
    let replace = format!("replace-token {} {}", site.tokens()[0], site.token("d"));
    site.daemon.json(&format!("token init {} --label sast-d --key rsa1024", site.token("d")));
    site.refused(3, &replace, &["d"]);
    let login = site.login.split(" {}").next().unwrap();
    assert_eq!(site.daemon.run(&format!("ctl discard {login}")).status.code(), Some(0));
    assert_eq!(site.ctl("update", &["a"])["changed"], false);
    // A server of the cluster, a token, and a token too many.
    let servers = site.refused(3, "delete cm1", &["a"]);
    assert!(servers.contains("You cannot delete this item"), "{servers}");
    let lost = site.tokens().remove(0);
    site.ctl(&format!("delete-token {lost}"), &["c"]);
    assert_eq!(site.tokens().len(), 2);
    let few = site.refused(3, "delete 1", &["c"]);
    assert!(few.contains("at least 2 security tokens"), "{few}");
    // A refused change is not kept.
    assert_eq!(site.ctl("update", &["c"])["changed"], false);
    let gone = site.refused(2, "delete nobody", &["c"]);
    assert!(gone.contains("Please select an item"), "{gone}");
}

// R: CTL-06, GEN-02, GEN-06
#[test]
fn non_secure_mode_takes_the_certificates_out() {
    let site = Site::new();
    site.ctl("create", &["a", "b"]);
    let device = "device add SEP001122334455 7970 --security-mode encrypted";
    site.daemon.json(device);
    let effective = || site.daemon.json("device list")[0]["effective_mode"].clone();
    assert_eq!(effective(), "encrypted");
    assert_eq!(site.ctl("mode non-secure", &["a"])["complete"], true);
    assert_eq!(
        (site.status()["security_mode"].clone(), effective()),
        (0.into(), "non-secure".into())
    );
    let file = site.daemon.path("tftp/CTLFile.tlv");
    let table = stdout(&site.daemon.run(&format!("ctl show {}", file.display())));
    assert!(table.contains("--- No Issuer Name---"), "{table}");
    assert!(table.contains("--- No Subject Name---"), "{table}");
    site.ctl("mode mixed", &["b"]);
    assert_eq!(effective(), "encrypted");
}

// R: CTL-15
#[test]
fn lost_tokens_have_their_procedures() {
    let site = Site::new();
    site.ctl("create", &["a", "b"]);
    let lost = site.tokens().remove(0);
    site.ctl(&format!("replace-token {lost} {}", site.token("c")), &["b"]);
    assert_eq!(site.tokens().len(), 2);
    assert!(!site.tokens().contains(&lost));

    let login = site.login.split(" {}").next().unwrap();
    assert_eq!(site.daemon.json(&format!("ctl lost-all {login}"))["complete"], true);
    assert!(!site.daemon.path("tftp/CTLFile.tlv").exists());
    assert_eq!(site.status()["security_mode"], 0);
    assert_eq!(site.ctl("create", &["a", "b"])["complete"], true);
}

/// A phone asked the node for its CTL file, and got the one with this MD5, or none.
fn phone_asks(site: &Site, phone: &str, md5: Option<&str>) {
    site.daemon.services.phones().observe(Record {
        at: SystemTime::now(),
        took: Duration::ZERO,
        device: DeviceName::parse(phone),
        from: ([192, 0, 2, 99], 50_000).into(),
        protocol: Protocol::Tftp,
        name: format!("CTL{phone}.tlv"),
        rule: None,
        size: None,
        signer: None,
        ctl_version: md5.map(str::to_owned),
        outcome: match md5 {
            Some(_) => Outcome::Completed,
            None => Outcome::Refused(Refusal::NotFound),
        },
    });
}

// R: CTL-19
#[test]
fn phones_that_would_be_stranded_are_named_first() {
    const PHONE: &str = "SEP001122334455";
    let site = Site::new();
    site.ctl("create", &["a", "b"]);
    let md5 = site.status()["md5"].as_str().unwrap().to_owned();
    phone_asks(&site, PHONE, Some(&md5));
    phone_asks(&site, "SEP00112233FFFF", None);
    // What phones hold is taken in by a thread of its own.
    let deadline = Instant::now() + Duration::from_secs(20);
    while site.status()["phones"] != serde_json::json!({ "-": 1, &md5: 1 }) {
        assert!(Instant::now() < deadline, "{}", site.status()["phones"]);
    }
    site.daemon.json(&format!("token init {} --label sast-d --key rsa1024", site.token("d")));
    let before = fs::read(site.daemon.path("tftp/CTLFile.tlv")).unwrap();
    let refused = site.refused(3, "create --yes", &["c", "d"]);
    assert!(refused.contains(PHONE) && !refused.contains("FFFF"), "{refused}");
    let told = site.ctl("create --yes --dry-run", &["c", "d"]);
    let accepts = |phone: &str| {
        let row = told.as_array().unwrap().iter().find(|row| row["phone"] == phone);
        row.unwrap()["accepts"].as_bool().unwrap()
    };
    assert!(!accepts(PHONE) && accepts("SEP00112233FFFF"));
    assert_eq!(fs::read(site.daemon.path("tftp/CTLFile.tlv")).unwrap(), before);
    // Its file is erased by hand, and so it takes the new one.
    site.daemon.json(&format!("device erased {PHONE}"));
    let deadline = Instant::now() + Duration::from_secs(20);
    while site.status()["phones"] != serde_json::json!({ "-": 1 }) {
        assert!(Instant::now() < deadline, "{}", site.status()["phones"]);
    }
    assert_eq!(site.ctl("create --yes", &["c", "d"])["complete"], true);
}

// R: CTL-17, CTL-18
#[test]
fn files_in_the_hand_are_checked() {
    let site = Site::new();
    site.ctl("create", &["a", "b"]);
    let old = site.daemon.path("old.tlv");
    fs::copy(site.daemon.path("tftp/CTLFile.tlv"), &old).unwrap();
    site.ctl(&format!("add-token {}", site.token("c")), &["a"]);
    let (old, new) = (old.display(), site.daemon.path("tftp/CTLFile.tlv"));
    let new = new.display();
    let diff = site.daemon.json(&format!("ctl diff {old} {new}"));
    assert_eq!(diff["added"].as_array().unwrap().len(), 1);
    assert_eq!(diff["removed"].as_array().unwrap().len(), 0);
    site.daemon.json(&format!("ctl verify {new} --against {old}"));

    let md5 = site.daemon.json(&format!("ctl md5 {new}"))["md5"].as_str().unwrap().to_uppercase();
    assert_eq!(site.daemon.json(&format!("ctl md5 {new} --phone {md5}"))["same"], true);
    site.daemon.fails(1, &format!("ctl md5 {old} --phone {md5}"));

    let mut bytes = fs::read(site.daemon.path("old.tlv")).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(site.daemon.path("bad.tlv"), &bytes).unwrap();
    let bad = site.daemon.path("bad.tlv");
    let corrupt = site.daemon.fails(1, &format!("ctl verify {}", bad.display()));
    assert!(corrupt.contains("signature is invalid or the CTL File is corrupt"), "{corrupt}");
    fs::write(&bad, &bytes[..100]).unwrap();
    let cut = site.daemon.fails(1, &format!("ctl show {}", bad.display()));
    assert!(cut.contains("Unable to parse CTL File"), "{cut}");
    let none = site.daemon.fails(1, "ctl show /nowhere/CTLFile.tlv");
    assert!(none.contains("No CTL File"), "{none}");
}

// R: CTL-12
#[test]
fn strangers_are_not_let_in() {
    let site = Site::new();
    let wrong = site.daemon.file("wrong", "wrong horse\n");
    let login = site.login.split(" {}").next().unwrap();
    let password = site.daemon.path("password").display().to_string();
    let with_wrong = login.replace(&password, &wrong.display().to_string());
    let refused = site.daemon.fails(1, &format!("ctl status {with_wrong}"));
    assert!(refused.contains("User could not be authenticated"), "{refused}");
    let put = format!("admin put viewer --role monitor --password-file {password}");
    site.daemon.json(&put);
    site.daemon.fails(2, &format!("ctl status {login} --user viewer"));

    // A server with another certificate than the one that was approved before.
    site.status();
    let known = fs::read_to_string(site.daemon.path("ctl-client.json")).unwrap();
    let settings: Value = serde_json::from_str(&known).unwrap();
    let print = settings["known"]["127.0.0.1"].as_str().unwrap().to_owned();
    let other = known.replace(&print, &"0".repeat(64));
    fs::write(site.daemon.path("ctl-client.json"), other).unwrap();
    let refused = site.daemon.fails(1, &format!("ctl status {login}"));
    assert!(refused.contains("Thumbprint"), "{refused}");
    // One that nobody approves.
    fs::write(site.daemon.path("ctl-client.json"), known.replace("127.0.0.1", "elsewhere"))
        .unwrap();
    let unapproved = login.split(" --approve").next().unwrap();
    let output = site.daemon.run_with(&format!("ctl status {unapproved}"), "no\n");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    for port in ["x", "80", "99999"] {
        site.daemon.fails(2, &format!("ctl status {}", with_port(login, port)));
    }
}

fn with_port(login: &str, port: &str) -> String {
    let rest = login.split_once(" --password-file").unwrap().1;
    format!("--server 127.0.0.1:{port} --password-file{rest}")
}

// R: TOK-02, TOK-03
#[test]
fn tokens_have_a_password_that_locks() {
    let site = Site::new();
    let daemon = &site.daemon;
    let (right, wrong) = (daemon.path("token-password"), daemon.file("bad", "cisco123\n"));
    let (new, token) = (daemon.file("new", "battery staple\n"), site.token("a"));
    let passwd = |known: &std::path::Path| {
        format!(
            "token passwd {token} --password-file {} --new-password-file {}",
            known.display(),
            new.display()
        )
    };
    let refused = daemon.fails(1, &passwd(&wrong));
    assert!(refused.contains("15 more wrong passwords"), "{refused}");
    assert_eq!(daemon.json(&format!("token show {token}"))["tries_left"], 14);
    let policy = format!("{} --require-new-password", site.words("create", &["b", "a"]));
    assert!(daemon.fails(3, &policy).contains("must be changed"));
    assert_eq!(daemon.run(&passwd(&right)).status.code(), Some(0));
    assert_eq!(daemon.json(&format!("token list {token}"))[0]["tries_left"], 15);
    daemon.fails(1, &passwd(&right));
}

#[test]
fn the_wizard_asks_for_everything() {
    let site = Site::new();
    let login = site.login.split(" {}").next().unwrap();
    let (a, b, c) = (site.token("a"), site.token("b"), site.token("c"));
    // Create with two tokens and the password; update: a token that is no file, one that is;
    // delete nothing, a server, a token after a no and a yes; sign.
    let typed = format!(
        "1\n{a}\n{b}\n\nCisco123\n\
         3\n1\n/nowhere.token\n1\n{c}\n2\n\n2\n1\nn\n0\n{a}\nCisco123\n\
         6\n0\n"
    );
    let output = site.daemon.run_with(&format!("ctl wizard {login}"), &typed);
    let (told, complained) = (stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(0), "{told}{complained}");
    assert!(told.contains("CTL File created successfully"), "{told}{complained}");
    assert!(told.contains("Are you sure you want to delete this item?"), "{told}{complained}");
    assert!(complained.contains("Please select an item to delete"), "{complained}");
    assert_eq!(site.tokens().len(), 3, "{told}{complained}");
}
