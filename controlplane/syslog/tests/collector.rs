//! Messages to a collector that comes and goes, and to one that is another.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pki::issue::{self, AlternativeName, Template, Usage};
use pki::{Hash, KeyKind, Name, PrivateKey};
use ringfence_syslog::message::{Message, Severity};
use ringfence_syslog::sender::{Sender, SetUpFault};
use ringfence_syslog::testing::Collector;

/// A file with a key and its certificate.
fn identity(directory: &Path, name: &str) -> PathBuf {
    let key = PrivateKey::generate(KeyKind::EcP256);
    let template = Template {
        subject: Name::common(name),
        not_before: SystemTime::now() - Duration::from_secs(60),
        validity: Duration::from_secs(3600),
        usage: Usage::Server,
        alternative_names: vec![AlternativeName::Host("localhost".into())],
    };
    let certificate = issue::self_signed(&template, Hash::Sha256, &key).unwrap();
    let file = directory.join(name);
    key.save(&file, [&certificate]).unwrap();
    file
}

fn message(number: usize) -> Message {
    Message {
        severity: Severity::Notice,
        at: SystemTime::now(),
        host: "cm1".into(),
        kind: "change".into(),
        fields: vec![("number", number.to_string())],
        text: "changed".into(),
    }
}

#[test]
fn messages_come_in_order_though_the_collector_goes() {
    let directory = tempfile::tempdir().unwrap();
    let file = identity(directory.path(), "collector.pem");
    // It hangs up after every second message.
    let collector = Collector::start(&file, 2);
    let server = format!("localhost:{}", collector.at.port());
    let sender = Sender::start(&server, &file).unwrap();
    for number in 1..=3 {
        sender.send(message(2 * number - 1));
        sender.send(message(2 * number));
        for told in [2 * number - 1, 2 * number] {
            let next = collector.next();
            assert!(next.contains(&format!("number=\"{told}\"")), "{told}: {next}");
        }
        collector.hung_up();
    }
    assert_eq!(sender.lost(), 0);
}

#[test]
fn another_collector_is_told_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let ours = identity(directory.path(), "ours.pem");
    let other = identity(directory.path(), "other.pem");
    let collector = Collector::start(&other, 9);
    let server = format!("localhost:{}", collector.at.port());
    let sender = Sender::start(&server, &ours).unwrap();
    sender.send(message(1));
    assert!(collector.hears_nothing());
}

#[test]
fn what_cannot_be_set_up_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = identity(directory.path(), "collector.pem");
    for server in ["log.example", "log.example:port", "not a host:6514"] {
        assert!(matches!(Sender::start(server, &file), Err(SetUpFault::Server(_))), "{server}");
    }
    let empty = directory.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    for file in [empty, directory.path().join("absent")] {
        let told = Sender::start("log.example:6514", &file).unwrap_err().to_string();
        assert!(told.contains("certificate of the collector's authority"), "{told}");
    }
}
