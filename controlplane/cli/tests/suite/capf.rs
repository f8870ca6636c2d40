//! `ringfence capf` and `ringfence device capf`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, SystemTime};

use pki::issue::{Template, Usage, self_signed};
use pki::{Certificate, Hash, KeyKind, Name, PrivateKey, export};
use serde_json::Value;

use crate::daemon::{Daemon, stdout};

const PHONE: &str = "SEP001122334455";
const SECURE: &str = "SEP001122334466";

/// One with two phones.
fn site() -> Daemon {
    let daemon = Daemon::with_cluster();
    daemon.json(&format!("device add {PHONE} 7970 --description lobby"));
    daemon.json(&format!("device add {SECURE} 7960"));
    daemon
}

/// Activates CAPF on a port that nobody has.
fn activate(daemon: &Daemon) {
    let port = free_port();
    daemon.json(&format!("param set enterprise.capf-phone-port {port}"));
    let done = daemon.json("capf activate");
    assert_eq!(done["notes"].as_array().unwrap().len(), 0, "{done}");
}

/// Not out of the range that the kernel takes ports of connections from: other tests connect.
fn free_port() -> u16 {
    static TRIES: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 1_000) as u16 * 16;
    let candidates = std::iter::repeat_with(|| {
        11_000 + (start + TRIES.fetch_add(1, Ordering::Relaxed)) % 19_000
    });
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    candidates.take(1_000).find(free).expect("some port is free")
}

fn report(daemon: &Daemon, phone: &str) -> Value {
    let all = daemon.json("capf report");
    all.as_array().unwrap().iter().find(|row| row["device"] == phone).unwrap().clone()
}

/// A SCEP server that shows a certificate; its port.
fn scep_server(certificate: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let body: &[u8] = match line.contains("GetCACert") {
                true => &certificate,
                false => b"SHA-256\nDES3\n",
            };
            let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        }
    });
    port
}

// R: CAPF-11
#[test]
fn an_authority_elsewhere_shows_its_fingerprints() {
    let daemon = site();
    assert!(daemon.fails(2, "capf authority").contains("CAPF issues by itself"));
    let key = PrivateKey::generate(KeyKind::Rsa2048);
    let template = Template {
        subject: Name::common("Company CA"),
        not_before: SystemTime::now() - Duration::from_secs(3600),
        validity: Duration::from_secs(86_400),
        usage: Usage::Authority,
        alternative_names: Vec::new(),
    };
    let ca = self_signed(&template, Hash::Sha256, &key).unwrap();
    let port = scep_server(ca.der().to_vec());
    daemon.json("param set capf.certificate-authority-address 127.0.0.1");
    daemon.json(&format!("param set capf.scep-port {port}"));
    daemon.json("param set capf.certificate-issuer microsoft");
    let shown = daemon.json("capf authority");
    assert_eq!(
        (&shown["sha256"], &shown["sha1"]),
        (&ca.fingerprint().into(), &ca.thumbprint().into())
    );
    assert_eq!((&shown["subject"], &shown["confirmed"]), (&"CN=Company CA".into(), &false.into()));
    assert_eq!(shown["algorithms"], "SHA-256, 3DES");
    daemon.json(&format!("param set capf.certificate-authority-fingerprint {}", ca.thumbprint()));
    assert_eq!(daemon.json("capf authority")["confirmed"], true);
    daemon.json("param set capf.scep-port 1");
    assert!(daemon.fails(1, "capf authority").contains("not reachable"));
}

// R: CAPF-01, CAPF-18, CTL-09
#[test]
fn activation_makes_a_certificate_and_renewal_another() {
    let daemon = site();
    assert_eq!(daemon.json("capf status")["node"], Value::Null);
    activate(&daemon);
    let status = daemon.json("capf status");
    assert_eq!((&status["node"], &status["running"]), (&"cm1".into(), &true.into()));
    let own = || {
        let der = std::fs::read(daemon.path("certs/CAPF.cer")).unwrap();
        Certificate::parse(&der).unwrap()
    };
    let first = own();
    assert_eq!(status["certificate"], first.fingerprint());
    assert_eq!(status["trusted"][0]["fingerprint"], first.fingerprint());
    assert!(daemon.path("certs").join(export::dot_zero_name(&first).unwrap()).exists());

    let done = daemon.json("capf renew");
    assert!(done["notes"][0].as_str().unwrap().contains("Update the CTL file"), "{done}");
    let status = daemon.json("capf status");
    assert_ne!(own().fingerprint(), first.fingerprint());
    assert_eq!(status["certificate"], own().fingerprint());
    assert_eq!(status["running"], true);
    assert_eq!(status["trusted"].as_array().unwrap().len(), 2);
    daemon.json(&format!("capf distrust {}", first.fingerprint()));
    assert_eq!(daemon.json("capf status")["trusted"].as_array().unwrap().len(), 1);
    assert!(daemon.fails(1, "capf distrust 00").contains("no issuer"));
    let checked = daemon.json("status");
    let items = checked["checklist"].as_array().unwrap();
    assert!(items.iter().any(|item| item["id"] == "capf" && item["state"] == "done"));
}

// R: CAPF-07, CAPF-09, CAPF-21
#[test]
fn an_order_is_checked_and_explained() {
    let daemon = site();
    let set = |words: &str| format!("device capf set {PHONE} --operation install {words}");
    let missing = daemon.fails(2, &set(""));
    assert!(missing.contains("generate-string"), "{missing}");
    let file = daemon.file("string", "12x4\n");
    let wrong = daemon.fails(2, &set(&format!("--string-file {}", file.display())));
    assert!(wrong.contains("Valid characters for Authentication String are numbers."), "{wrong}");
    let past = daemon.fails(2, &set("--generate-string --complete-by 2004:01:01:00"));
    assert!(past.contains("Invalid Year."), "{past}");
    let past =
        daemon.fails(2, &format!("--language ja {}", set("--generate-string --complete-by x")));
    assert!(past.contains("操作の完了期限に無効な文字が含まれています"), "{past}");
    let refused = daemon.fails(3, &format!("device capf set {SECURE} --operation delete"));
    assert!(refused.contains("The phone has no certificate."), "{refused}");
    assert!(daemon.fails(1, "device capf show SEP00112233FFFF").contains("no device"));
    // Nothing came of all that.
    assert_eq!(report(&daemon, PHONE)["operation"], "none");

    let dry = daemon.json(&set("--generate-string --key-size 2048 --dry-run"));
    assert!(dry["notes"].to_string().contains("60 seconds"), "{dry}");
    assert_eq!((&dry["revision"], &dry["capf"]["operation"]), (&Value::Null, &"install".into()));
    assert_eq!(report(&daemon, PHONE)["operation"], "none");

    let done = daemon.json(&set("--generate-string --complete-by 2099:12:31:17"));
    assert_eq!(done["actions"][0]["action"], "reset-device");
    assert_eq!(done["capf"]["complete_by"], "2099:12:31:17");
    assert_eq!(done["capf"]["status"], "operation-pending");
    let first = done["capf"]["auth_string"].as_str().unwrap().to_owned();
    let made = stdout(&daemon.run(&format!("device capf generate-string {PHONE}")));
    let line = made.lines().find(|line| line.contains("Authentication String: ")).unwrap();
    let second = line.rsplit(' ').next().unwrap();
    assert_ne!(first, second);
    assert_eq!(report(&daemon, PHONE)["auth_string"], second);
    let shown = stdout(&daemon.run(&format!("device capf show {PHONE}")));
    assert!(shown.contains("Operation Pending"), "{shown}");
    // Strings are in no log.
    let told = format!("{} {}", daemon.json("log changes"), daemon.json("log audit"));
    assert!(told.contains("authentication-string"), "{told}");
    assert!(!told.contains(&first) && !told.contains(second), "{told}");
}

// R: CAPF-16, CAPF-17
#[test]
fn a_report_goes_round_through_bulk() {
    let daemon = site();
    daemon.json(&format!(
        "device capf set {PHONE} --operation install --generate-string --key-size 2048"
    ));
    daemon.json(&format!("device capf set {SECURE} --operation install --auth null-string"));
    let csv = stdout(&daemon.run("capf report --csv"));
    let string = report(&daemon, PHONE)["auth_string"].as_str().unwrap().to_owned();
    assert!(csv.lines().nth(1).unwrap().contains(&string), "{csv}");
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert_eq!(stdout(&daemon.run("capf report --csv --find LOBBY")).lines().count(), 2);
    assert_eq!(stdout(&daemon.run("capf report --csv --status delete-failed")).lines().count(), 1);

    let before = daemon.json("status")["revision"].clone();
    let file = daemon.file("phones.csv", &csv);
    let done = daemon.json(&format!("capf bulk {}", file.display()));
    assert_eq!((&done["done"], &done["failed"]), (&2.into(), &Value::Array(vec![])));
    assert_eq!(daemon.json("status")["revision"], before, "it changed something");
    assert_eq!(stdout(&daemon.run("capf report --csv")), csv);
}

// R: CAPF-17
#[test]
fn bulk_tells_each_row_and_goes_on_where_it_stopped() {
    let daemon = site();
    let rows = format!(
        "device,operation,auth_mode,auth_string\n\
         {PHONE},install,,generate\n\
         SEP00112233FFFF,install,null-string,\n\
         {SECURE},delete,null-string,\n\
         {SECURE},install,authentication-string,12345\n"
    );
    let file = daemon.file("phones.csv", &rows);
    let bulk = format!("capf bulk {}", file.display());
    let dry = daemon.run(&format!("-o json {bulk} --dry-run"));
    assert_eq!(dry.status.code(), Some(4));
    assert_eq!(report(&daemon, PHONE)["operation"], "none");
    assert!(!daemon.path("phones.csv.progress").exists());

    let output = daemon.run(&format!("-o json {bulk}"));
    assert_eq!(output.status.code(), Some(4));
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    let lines: Vec<_> =
        done["failed"].as_array().unwrap().iter().map(|row| row["line"].clone()).collect();
    assert_eq!((&done["done"], lines), (&2.into(), vec![3.into(), 4.into()]));
    assert_eq!(report(&daemon, SECURE)["auth_string"], "12345");
    let string = report(&daemon, PHONE)["auth_string"].clone();

    // What was done is not done again; what failed is.
    daemon.json("device add SEP00112233FFFF 7960");
    let output = daemon.run(&format!("-o json {bulk}"));
    assert_eq!(output.status.code(), Some(4));
    let again: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&again["done_before"], &again["done"]), (&2.into(), &1.into()));
    assert_eq!(report(&daemon, PHONE)["auth_string"], string);
    // Another file is another task.
    daemon.file("phones.csv", &rows.replace(&format!("{SECURE},delete,null-string,\n"), ""));
    assert_eq!(daemon.json(&bulk)["done"], 3);
    assert!(!daemon.path("phones.csv.progress").exists());
    assert!(
        daemon
            .fails(2, &format!("capf bulk {}", daemon.file("x.csv", "a,b\n").display()))
            .contains("columns")
    );
}

// R: CAPF-19, CAPF-20
#[test]
fn data_of_capf_1_0_is_taken_over() {
    let daemon = site();
    let key = PrivateKey::generate(KeyKind::Rsa1024);
    let old = self_signed(
        &Template {
            subject: Name::common("CAPF-40"),
            not_before: SystemTime::now(),
            validity: Duration::from_secs(86_400),
            usage: Usage::Authority,
            alternative_names: Vec::new(),
        },
        Hash::LegacySha1,
        &key,
    )
    .unwrap();
    // An LSC of an issuer that is not among the files.
    let stranger = PrivateKey::generate(KeyKind::Rsa1024);
    let lsc = Template {
        subject: Name::common(SECURE),
        not_before: SystemTime::now(),
        validity: Duration::from_secs(86_400),
        usage: Usage::Server,
        alternative_names: Vec::new(),
    };
    let lsc = self_signed(&lsc, Hash::LegacySha1, &stranger).unwrap();
    std::fs::create_dir(daemon.path("old")).unwrap();
    std::fs::write(daemon.path(&format!("old/{SECURE}.0")), lsc.der()).unwrap();
    std::fs::write(daemon.path("old/CAPF-40.0"), old.der()).unwrap();
    daemon.file("old/CAPF.phone", &format!("{PHONE} installed\n"));
    daemon.file("old/CAPF.config", "KeySize=512\n");
    let import = format!("capf import-1.0 {}", daemon.path("old").display());
    assert_eq!(daemon.json(&format!("{import} --dry-run"))["phones"], 1);
    assert_eq!(report(&daemon, PHONE)["status"], "none");
    assert_eq!(daemon.json(&import)["issuers"], 1);
    assert_eq!(report(&daemon, PHONE)["status"], "upgrade-success");
    assert_eq!(daemon.json("capf status")["trusted"][0]["fingerprint"], old.fingerprint());
    assert_eq!(daemon.json(&import)["revision"], Value::Null);
    let shown = daemon.json(&format!("device capf show {SECURE}"));
    assert_eq!(shown["certificates"][0]["present"], true);
    assert!(shown["problems"][0].as_str().unwrap().contains("not trusted here"), "{shown}");
    daemon.file("old/CAPF.phone", "lobby installed\n");
    let output = daemon.run(&import);
    assert_eq!(output.status.code(), Some(4));
    assert!(stdout(&output).contains("CAPF.phone, line 1"), "{}", stdout(&output));
}

// R: CAPF-04
#[test]
fn manufacturers_are_trusted_by_hand() {
    let daemon = site();
    let file = daemon.file("nonsense.pem", "nonsense");
    let refused = daemon.fails(2, &format!("capf trust mic {}", file.display()));
    assert!(refused.contains("not the certificate of an issuer"), "{refused}");
    activate(&daemon);
    let own = daemon.path("certs/CAPF.cer");
    let done = daemon.json(&format!("capf trust mic {}", own.display()));
    assert_eq!(done["actions"][0]["action"], "restart-capf");
    daemon.json("service restart capf");
    assert_eq!(daemon.json("capf status")["trusted"].as_array().unwrap().len(), 2);
}
