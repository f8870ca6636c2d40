//! The audit log of this cluster, told to a syslog collector as it grows.

use ::syslog::message::{Message, Severity};
use ::syslog::sender::{Sender, SetUpFault};
use store::{AuditRecord, Store};

use crate::config::Syslog;

/// Most records that are told at once.
const MOST: u32 = 1000;

/// What is told, and how far it is.
#[derive(Debug)]
pub struct AuditFeed {
    sender: Sender,
    node: String,
    /// The last record that was told; absent before the log was read first.
    told: Option<u64>,
}

impl AuditFeed {
    /// To the collector of a configuration. What was recorded before this start was told by the one
    /// before it.
    pub fn start(config: &Syslog, node: String) -> Result<Self, SetUpFault> {
        let sender = Sender::start(&config.server, &config.authority)?;
        Ok(Self { sender, node, told: None })
    }

    /// Tells what is new. A database that cannot be read is told of elsewhere.
    pub fn follow(&mut self, store: &Store) {
        let wanted = if self.told.is_some() { MOST } else { 1 };
        let Ok(newest) = store.read(|view| view.audit(None, wanted)) else { return };
        let last = newest.first().map_or(0, |record| record.number);
        // After a restore the log may be shorter than it was.
        let told = self.told.replace(last).unwrap_or(last).min(last);
        for record in newest.iter().rev().filter(|record| record.number > told) {
            self.sender.send(self.message(record));
        }
    }

    fn message(&self, record: &AuditRecord) -> Message {
        let severity = match record.action.contains("refused") || record.action.contains("failed") {
            true => Severity::Warning,
            false => Severity::Notice,
        };
        let AuditRecord { number, at, author, action, detail, hash } = record;
        Message {
            severity,
            at: *at,
            host: self.node.clone(),
            kind: action.clone(),
            fields: vec![
                ("number", number.to_string()),
                ("who", author.who.clone()),
                ("origin", author.origin.clone()),
                ("hash", hash.clone()),
            ],
            text: detail.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use ::syslog::testing::Collector;
    use pki::issue::{self, AlternativeName, Template, Usage};
    use pki::{Hash, KeyKind, Name, PrivateKey};
    use store::{Author, StoreUrl};

    use super::*;

    #[test]
    fn what_is_recorded_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let authority = directory.path().join("collector.pem");
        let key = PrivateKey::generate(KeyKind::EcP256);
        let template = Template {
            subject: Name::common("collector"),
            not_before: SystemTime::now() - Duration::from_secs(60),
            validity: Duration::from_secs(3600),
            usage: Usage::Server,
            alternative_names: vec![AlternativeName::Host("localhost".into())],
        };
        let certificate = issue::self_signed(&template, Hash::Sha256, &key).unwrap();
        key.save(&authority, [&certificate]).unwrap();
        let collector = Collector::start(&authority, usize::MAX);
        let server = format!("localhost:{}", collector.at.port());

        let store = Store::open(&StoreUrl::Sqlite(directory.path().join("db"))).unwrap();
        let alice = Author::new("alice", "HTTPS 192.0.2.7");
        let record = |action: &str| {
            store.audit(&alice, SystemTime::now(), action, "as it was").unwrap();
        };
        record("before");
        let mut feed = AuditFeed::start(&Syslog { server, authority }, "cm1".into()).unwrap();
        feed.follow(&store);
        record("login");
        record("login-refused");
        feed.follow(&store);
        feed.follow(&store);
        record("logout");
        feed.follow(&store);
        // Nothing twice, nothing of what was before, each with how bad it is.
        for (start, kind) in
            [("<85>1 ", "login"), ("<84>1 ", "login-refused"), ("<85>1 ", "logout")]
        {
            let told = collector.next();
            assert!(told.starts_with(start) && told.contains(&format!(" {kind} [")), "{told}");
            assert!(told.contains("who=\"alice\" origin=\"HTTPS 192.0.2.7\""), "{told}");
        }
    }
}
