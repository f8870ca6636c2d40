//! Databases of older programs are brought up to date with all that is in them.

use ringfence_store::{
    AdministratorRole, CapfOperation, DEFAULT_POOL, DeviceSecurityMode, KeySize, Line, Number,
    SecurityMode, Store, StoreUrl,
};

use crate::database::Database;

/// A database as the program with the first schema left it.
const OF_SCHEMA_1: &str = "
    CREATE TABLE migration (number BIGINT PRIMARY KEY);
    INSERT INTO migration (number) VALUES (1);
    INSERT INTO cluster (only_one, guid, name, security_mode)
        VALUES (1, '7a4f1d0e-0b5c-4c7e-9d55-3f1f0e7b9c11', 'office', 1);
    INSERT INTO cluster_parameter (name, value) VALUES ('enterprise.capf-phone-port', '3900');
    INSERT INTO device VALUES ('SEP001122334455', '7970', 'lobby', 'bob', '1001', 'encrypted',
        '', '', '', 1, 0, 1, 1, 1, 4);
    INSERT INTO device VALUES ('SEP001122334456', '7960', 'desk', '', 'ext. 12', 'non-secure',
        '', '', '', 1, 1, 1, 1, 1, 5);
    INSERT INTO administrator VALUES ('bob', 'power-user', 'x');
    INSERT INTO administrator VALUES ('eve', 'read-only', 'x');
";

/// Its CTL file, one byte long, written as each database writes bytes.
fn ctl(byte: &str) -> String {
    format!("INSERT INTO ctl_version VALUES (1, 0, 'alice', 'CN=token', 'ab', {byte})")
}

fn check(store: &Store) {
    store
        .read(|v| {
            let device = &v.devices()?[0];
            assert_eq!(
                (&*device.owner, device.security_mode),
                ("bob", DeviceSecurityMode::Encrypted)
            );
            assert_eq!(device.directory_number().map(Number::as_str), Some("1001"));
            assert_eq!(v.line(&device.lines[0])?, Line::new(device.lines[0].clone()));
            assert_eq!(device.pool, DEFAULT_POOL);
            // What nobody could dial is kept as text.
            let other = &v.devices()?[1];
            assert_eq!((&*other.description, &*other.lines), ("desk (ext. 12)", &[][..]));
            assert_eq!(v.security_mode()?, SecurityMode::Mixed);
            assert_eq!(v.parameter(None, "enterprise.capf-phone-port")?.value, "3900");
            assert_eq!(v.ctl()?.unwrap().file, [7]);
            let roles: Vec<_> = v.administrators()?.into_iter().map(|it| it.role).collect();
            assert_eq!(roles, [AdministratorRole::Operator, AdministratorRole::Monitor]);
            let capf = v.capf(&device.name)?;
            assert_eq!((capf.operation, capf.key_size), (CapfOperation::None, KeySize::Rsa1024));
            Ok(())
        })
        .unwrap();
}

// R: MIG-01
#[test]
fn sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringfence.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../migrations/0001-initial.sql")).unwrap();
    old.execute_batch(OF_SCHEMA_1).unwrap();
    old.execute_batch(&ctl("x'07'")).unwrap();
    drop(old);
    for _ in 0..2 {
        check(&Store::open(&StoreUrl::Sqlite(path.clone())).unwrap());
    }
}

// R: MIG-01
#[test]
fn postgresql() {
    let db = Database::postgres();
    // A schema of its own stands for the database of the older program.
    db.meddle("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    db.meddle(include_str!("../../migrations/0001-initial.sql"));
    db.meddle(OF_SCHEMA_1);
    db.meddle(&ctl(r"'\x07'"));
    for _ in 0..2 {
        check(&db.open_again());
    }
}
