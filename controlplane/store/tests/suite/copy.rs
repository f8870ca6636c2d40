//! Copies of the whole database, and their way back into either kind.

use std::cell::Cell;

use ringfence_store::{
    Administrator, AdministratorRole, Author, CapfOperation, Copied, Device, Error, Line, Model,
    Node, NodeRole, Password, PasswordHash, Revision, Store, examine_copy,
};

use crate::database::{Database, NOW, author};

crate::over_both!(
    everything_comes_back,
    a_copy_is_of_one_moment,
    what_is_refused_changes_nothing,
    a_history_that_was_replaced_is_noticed,
);

/// Fills a database with something of most kinds.
fn fill(db: &Database) {
    db.change(|c| {
        c.create_cluster("office")?;
        c.put_node(&Node::new("cm1", "192.0.2.1".parse().unwrap(), NodeRole::Publisher))?;
        c.put_node(&Node::new("cm2", "192.0.2.2".parse().unwrap(), NodeRole::Subscriber))?;
        let role = AdministratorRole::Administrator;
        let hash = PasswordHash::new(&Password::new("correct horse"))?;
        c.put_administrator(&Administrator { name: "alice".into(), role }, &hash)?;
        c.put_line(&Line::new("1001".parse()?))?;
        let mut device = Device::new("SEP001122334455".parse()?, Model::M7970);
        device.lines = vec!["1001".parse()?];
        c.put_device(&device)?;
        c.set_parameter(Some("cm2"), "ctl-provider.port", "3000")
    })
    .unwrap();
    // Bytes of every value.
    let file: Vec<u8> = (0..=255).collect();
    db.change(|c| c.put_ctl(&file, "CN=sast-1").map(drop)).unwrap();
    db.store.audit(&author(), NOW, "login-refused", "mallory").unwrap();
}

fn copy(store: &Store) -> Vec<u8> {
    let mut copy = Vec::new();
    store.copy(&mut copy, &mut |_| {}).unwrap();
    copy
}

fn take_back(store: &Store, copy: &[u8]) -> Result<Copied, Error> {
    let operator = Author::new("bob", "test");
    store.take_back(&mut &*copy, &operator, NOW, "office-1", |_| Ok(()))
}

/// The lines of a copy but for what restoring adds.
fn content(copy: &[u8]) -> Vec<String> {
    let lines = std::str::from_utf8(copy).unwrap().lines();
    let added = |line: &&str| {
        !line.contains("office-1") && !line.contains("\"bob\"") && !line.contains("\"end\"")
    };
    lines.filter(added).map(str::to_owned).collect()
}

// R: BAK-01
fn everything_comes_back(db: &Database) {
    fill(db);
    let made = copy(&db.store);
    for other in [Database::sqlite(), Database::postgres()] {
        // What was there before is gone.
        other.change(|c| c.set_parameter(None, "ctl-provider.port", "2999")).unwrap();
        let copied = take_back(&other.store, &made).unwrap();
        assert_eq!(copied.cluster.unwrap().name, "office");
        assert_eq!(copied.revision, Revision(3));
        assert_eq!(content(&copy(&other.store)), content(&made));
        let seen = other.store.read(|v| {
            assert_eq!(v.ctl()?.unwrap().file.len(), 256);
            assert_eq!(v.lines()?.len(), 1);
            let device = "SEP001122334455".parse()?;
            assert_eq!(v.capf(&device)?.operation, CapfOperation::None);
            assert!(v.restored_since_ctl()?);
            assert_eq!(v.last_restored()?.as_deref(), Some("office-1"));
            v.verify_audit()
        });
        assert_eq!(seen.unwrap().records, 4);
        // A CTL file that was signed since ends the need for one.
        other.change(|c| c.put_ctl(&[1], "CN=sast-1").map(drop)).unwrap();
        assert!(!other.store.read(|v| v.restored_since_ctl()).unwrap());
    }
}

fn a_copy_is_of_one_moment(db: &Database) {
    fill(db);
    let changed = Cell::new(false);
    let mut made = Vec::new();
    let other = db.open_again();
    let copied = db.store.copy(&mut made, &mut |_| {
        if !changed.replace(true) {
            let set = |c: &mut ringfence_store::Change<'_>| {
                c.set_parameter(None, "ctl-provider.port", "2777")
            };
            other.change(&author(), NOW, set).unwrap();
        }
    });
    assert!(changed.get());
    assert_eq!(copied.unwrap().revision, Revision(2));
    assert!(!String::from_utf8(made).unwrap().contains("2777"));
}

// R: BAK-02
fn what_is_refused_changes_nothing(db: &Database) {
    fill(db);
    let made = copy(&db.store);
    let text = String::from_utf8(made.clone()).unwrap();
    let half = &text[..text.len() / 2];
    let damaged = [
        String::new(),
        half.to_owned(),
        half[..half.rfind('\n').unwrap() + 1].to_owned(),
        text.replacen("\"table\":\"device\"", "\"table\":\"devices\"", 1),
        text.replacen("\"name\"", "\"name; DROP TABLE device\"", 1),
        text.replacen("[1,", "[true,", 1),
        // A row that nobody vouches for.
        text.replacen("mallory", "malory", 1),
    ];
    let before = content(&made);
    for copy_of in &damaged {
        let refused = take_back(&db.store, copy_of.as_bytes()).unwrap_err();
        assert!(
            matches!(refused, Error::Copy(_) | Error::AuditBroken { .. } | Error::Corrupt(_)),
            "{refused:?}"
        );
        assert_eq!(content(&copy(&db.store)), before);
    }
    let newer = text.replacen("{\"schema\":", "{\"schema\":9", 1);
    let refused = take_back(&db.store, newer.as_bytes()).unwrap_err();
    assert!(matches!(refused, Error::Newer { found, .. } if found >= 90), "{refused:?}");

    let veto = |found: &Copied| {
        assert_eq!(found.nodes.len(), 2);
        Err(Error::ReadOnly)
    };
    let refused = db.store.take_back(&mut &*made, &author(), NOW, "office-1", veto);
    assert_eq!(refused.unwrap_err(), Error::ReadOnly);
    assert_eq!(content(&copy(&db.store)), before);
    assert_eq!(examine_copy(&mut &*made).unwrap().nodes.len(), 2);
}

fn a_history_that_was_replaced_is_noticed(db: &Database) {
    let fresh = db.store.read(|v| v.history_mark()).unwrap();
    fill(db);
    let made = copy(&db.store);
    let continues = |mark| db.store.read(|v| v.continues(mark)).unwrap();
    assert!(continues(&fresh));
    // The same numbers of revisions and records on both sides.
    db.change(|c| c.set_parameter(None, "ctl-provider.port", "2777")).unwrap();
    let mark = db.store.read(|v| v.history_mark()).unwrap();
    db.change(|c| c.set_parameter(None, "ctl-provider.port", "2778")).unwrap();
    assert!(continues(&mark));
    take_back(&db.store, &made).unwrap();
    assert!(!continues(&mark));
}
