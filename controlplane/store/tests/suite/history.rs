//! Every change is a numbered revision, and the audit log tells.

use std::thread;
use std::time::Duration;

use ringfence_store::{Author, Error, Revision};

use crate::database::{Database, NOW, author};

crate::over_both! {
    a_revision_says_who_and_what,
    a_failed_change_leaves_no_trace,
    writers_take_turns,
    threads_take_turns,
    waiting_ends_with_the_change,
    an_altered_audit_log_is_noticed,
    a_newer_database_is_refused,
}

const MODE: &str = "enterprise.device-security-mode";

fn set(db: &Database, value: &str) {
    db.change(|c| c.set_parameter(None, MODE, value)).unwrap();
}

fn a_revision_says_who_and_what(db: &Database) {
    set(db, "encrypted");
    set(db, "authenticated");
    let log = db.store.read(|v| v.revisions(None, 10)).unwrap();
    assert_eq!(log.iter().map(|r| r.revision.0).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((log[0].at, &log[0].author), (NOW, &author()));
    let [entry] = &*log[0].entries else { panic!("{log:?}") };
    assert_eq!((&*entry.object, &*entry.subject), ("parameter", MODE));
    assert_eq!(entry.old, Some("encrypted".into()));
    assert_eq!(entry.new, Some("authenticated".into()));
    assert_eq!(log[1].entries[0].old, None);
    let older = db.store.read(|v| v.revisions(Some(Revision(2)), 10)).unwrap();
    assert_eq!(older, log[1..]);

    db.store.audit(&Author::new("eve", "CTL client"), NOW, "login-refused", "eve").unwrap();
    let audit = db.store.read(|v| v.audit(None, 10)).unwrap();
    let actions: Vec<_> = audit.iter().map(|r| (r.number, &*r.action)).collect();
    assert_eq!(actions, [(3, "login-refused"), (2, "change"), (1, "change")]);
    let state = db.store.read(|v| v.verify_audit()).unwrap();
    assert_eq!((state.records, &state.head), (3, &audit[0].hash));
}

fn a_failed_change_leaves_no_trace(db: &Database) {
    let failed = db.change(|c| {
        c.set_parameter(None, MODE, "encrypted")?;
        c.set_parameter(None, "ctl-provider.port", "1")
    });
    assert!(matches!(failed, Err(Error::Invalid(_))));
    db.store
        .read(|v| {
            assert_eq!(v.revision()?, Revision(0));
            assert!(v.parameter(None, MODE)?.is_default);
            assert!(v.due()?.is_empty());
            assert_eq!(v.verify_audit()?.records, 0);
            Ok(())
        })
        .unwrap();
}

fn writers_take_turns(db: &Database) {
    const WRITERS: usize = 4;
    const CHANGES: usize = 15;
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                let store = db.open_again();
                for n in 0..CHANGES {
                    let port = (2000 + writer * CHANGES + n).to_string();
                    store
                        .change(&author(), NOW, |c| {
                            c.set_parameter(None, "ctl-provider.port", &port)
                        })
                        .unwrap();
                }
            });
        }
    });
    let made = (WRITERS * CHANGES) as u64;
    let log = db.store.read(|v| v.revisions(None, 1000)).unwrap();
    assert!(log.iter().map(|r| r.revision.0).eq((1..=made).rev()));
    // Each change saw the one before it.
    for pair in log.windows(2) {
        assert_eq!(pair[0].entries[0].old, pair[1].entries[0].new);
    }
    assert_eq!(db.store.read(|v| v.verify_audit()).unwrap().records, made);
}

/// Of one process, which commits together what comes together.
fn threads_take_turns(db: &Database) {
    const THREADS: u16 = 6;
    const CHANGES: u16 = 12;
    let port = |port: u16| {
        db.change(|c| {
            c.set_parameter(None, "ctl-provider.port", &port.to_string())?;
            // Every third change fails in the end.
            if port.is_multiple_of(3) { Err(Error::ReadOnly) } else { Ok(c.number()) }
        })
    };
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for n in 0..CHANGES {
                    let number = 2000 + thread * CHANGES + n;
                    let Ok(made) = port(number) else { continue };
                    // It is there for everybody.
                    let log = db
                        .store
                        .read(|v| v.revisions(Some(Revision(made.value.0 + 1)), 1))
                        .unwrap();
                    assert_eq!(log[0].revision, made.value);
                    assert_eq!(log[0].entries[0].new, Some(number.to_string().into()));
                }
            });
        }
    });
    let numbers = (2000..2000 + THREADS * CHANGES).filter(|number| !number.is_multiple_of(3));
    let made = numbers.count() as u64;
    let log = db.store.read(|v| v.revisions(None, 1000)).unwrap();
    assert!(log.iter().map(|r| r.revision.0).eq((1..=made).rev()));
    for pair in log.windows(2) {
        assert_eq!(pair[0].entries[0].old, pair[1].entries[0].new);
    }
    assert_eq!(db.store.read(|v| v.verify_audit()).unwrap().records, made);
    assert_eq!(db.store.wait(Revision(0), Duration::ZERO), Revision(made));
}

fn waiting_ends_with_the_change(db: &Database) {
    let seen = db.store.read(|v| v.revision()).unwrap();
    assert_eq!(db.store.wait(seen, Duration::ZERO), seen);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| db.store.wait(seen, Duration::from_secs(60)));
        set(db, "encrypted");
        assert_eq!(waiter.join().unwrap(), Revision(seen.0 + 1));
    });
}

fn an_altered_audit_log_is_noticed(db: &Database) {
    for value in ["encrypted", "authenticated", "non-secure"] {
        set(db, value);
    }
    let broken = |record| Err(Error::AuditBroken { record });
    let verify = || db.store.read(|v| v.verify_audit()).map(|state| state.records);
    let meddle_and_undo = |meddle: &str, undo: &str, found| {
        db.meddle(meddle);
        assert_eq!(verify(), found, "{meddle}");
        db.meddle(undo);
        assert_eq!(verify(), Ok(3), "{undo}");
    };
    meddle_and_undo(
        "UPDATE audit_record SET who = 'bob' WHERE number = 2",
        "UPDATE audit_record SET who = 'alice' WHERE number = 2",
        broken(2),
    );
    meddle_and_undo(
        "UPDATE revision SET who = 'bob' WHERE number = 2",
        "UPDATE revision SET who = 'alice' WHERE number = 2",
        broken(2),
    );
    meddle_and_undo(
        "UPDATE revision_entry SET new_value = '\"non-secure\"' WHERE revision = 1",
        "UPDATE revision_entry SET new_value = '\"encrypted\"' WHERE revision = 1",
        broken(1),
    );
    db.meddle("DELETE FROM audit_record WHERE number = 3");
    assert_eq!(verify(), broken(3));
}

fn a_newer_database_is_refused(db: &Database) {
    db.meddle("INSERT INTO migration (number) VALUES (999)");
    let refused = ringfence_store::Store::open(&db.url).err();
    assert!(matches!(refused, Some(Error::Newer { found: 999, .. })), "{refused:?}");
}
