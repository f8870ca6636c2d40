//! Databases of older programs are brought up to date with all that is in them.

use ringfence_store::{
    AdministratorRole, CapfOperation, DEFAULT_POOL, DeviceSecurityMode, Error, KeySize, Line,
    Number, SecurityMode, Store, StoreUrl,
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

/// What the program with the second schema knew besides: an order for CAPF, and its result.
const OF_SCHEMA_2: &str = "
    INSERT INTO migration (number) VALUES (2);
    INSERT INTO capf (device, ticket, operation, auth_mode, auth_string, key_size, failed_attempts,
        status) VALUES ('SEP001122334455', 1, 'install', 'authentication-string', '4711', 2048, 0, 'operation-pending');
    INSERT INTO certificate (fingerprint, role, owner, subject, issuer, serial, not_before,
        not_after, der) VALUES ('ab', 'capf', 'cm1', 'CN=CAPF', 'CN=CAPF', '01', 0, 1, DER);
";

/// A database as the programs with the third and later schemas left it: phones have lines.
const OF_SCHEMA_3: &str = "
    CREATE TABLE migration (number BIGINT PRIMARY KEY);
    INSERT INTO cluster (only_one, guid, name, security_mode)
        VALUES (1, '7a4f1d0e-0b5c-4c7e-9d55-3f1f0e7b9c11', 'office', 1);
    INSERT INTO cluster_parameter (name, value) VALUES ('enterprise.capf-phone-port', '3900');
    INSERT INTO device (name, model, description, owner, security_mode, load_information,
        user_locale, network_locale, gratuitous_arp, web_access, pc_voice_vlan_access,
        settings_access, pc_port, revision) VALUES ('SEP001122334455', '7970', 'lobby', 'bob',
        'encrypted', '', '', '', 1, 0, 1, 1, 1, 4);
    INSERT INTO line (number, display, busy_trigger) VALUES ('1001', 'Lobby', 2);
    INSERT INTO phone_line (device, button, number) VALUES ('SEP001122334455', 1, '1001');
    INSERT INTO capf (device, ticket, operation, auth_mode, auth_string, key_size, failed_attempts,
        status) VALUES ('SEP001122334455', 1, 'install', 'authentication-string', '4711', 2048, 0, 'operation-pending');
";

const MIGRATIONS: [&str; 9] = [
    include_str!("../../migrations/0001-initial.sql"),
    include_str!("../../migrations/0002-capf.sql"),
    include_str!("../../migrations/0003-telephones.sql"),
    include_str!("../../migrations/0004-srst.sql"),
    include_str!("../../migrations/0005-orders.sql"),
    include_str!("../../migrations/0006-accounts.sql"),
    include_str!("../../migrations/0007-gateways.sql"),
    include_str!("../../migrations/0008-voicemail.sql"),
    include_str!("../../migrations/0009-capture.sql"),
];

/// The statements that make a database as a program with this schema left it, with its CTL file.
fn of_schema(schema: usize, ctl_byte: &str) -> Vec<String> {
    let mut made: Vec<String> =
        MIGRATIONS[..schema].iter().map(|migration| (*migration).to_owned()).collect();
    match schema {
        1 => made.push(OF_SCHEMA_1.to_owned()),
        2 => made.extend([OF_SCHEMA_1, &OF_SCHEMA_2.replace("DER", ctl_byte)].map(str::to_owned)),
        _ => {
            made.push(OF_SCHEMA_3.to_owned());
            made.extend((1..=schema).map(|n| format!("INSERT INTO migration VALUES ({n})")));
        }
    }
    made.push(ctl(ctl_byte));
    made
}

fn check_settings(store: &Store, schema: usize) {
    store
        .read(|v| {
            let device = &v.devices()?[0];
            assert_eq!(
                (&*device.owner, device.security_mode),
                ("bob", DeviceSecurityMode::Encrypted)
            );
            assert_eq!(device.directory_number().map(Number::as_str), Some("1001"));
            assert_eq!(v.security_mode()?, SecurityMode::Mixed);
            assert_eq!(v.parameter(None, "enterprise.capf-phone-port")?.value, "3900");
            assert_eq!(v.ctl()?.unwrap().file, [7]);
            let capf = v.capf(&device.name)?;
            if schema > 1 {
                let string = capf.auth_string.map(|string| string.expose().to_owned());
                assert_eq!(
                    (capf.operation, string.as_deref()),
                    (CapfOperation::Install, Some("4711"))
                );
            }
            Ok(())
        })
        .unwrap();
}

// R: MIG-01
#[test]
fn databases_of_every_schema_are_brought_up_to_date() {
    for schema in 1..=MIGRATIONS.len() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ringfence.db");
        let old = rusqlite::Connection::open(&path).unwrap();
        for statements in of_schema(schema, "x'07'") {
            old.execute_batch(&statements).unwrap();
        }
        drop(old);
        let store = Store::open(&StoreUrl::Sqlite(path.clone())).unwrap();
        check_settings(&store, schema);
        // A copy of it goes the same way.
        let mut copy = Vec::new();
        assert_eq!(store.copy(&mut copy, &mut |_| {}).unwrap().schema, MIGRATIONS.len() as u64);

        let db = Database::postgres();
        db.meddle("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        of_schema(schema, r"'\x07'").iter().for_each(|statements| db.meddle(statements));
        check_settings(&db.open_again(), schema);
    }
}

// R: MIG-01
#[test]
fn an_older_program_refuses_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringfence.db");
    drop(Store::open(&StoreUrl::Sqlite(path.clone())).unwrap());
    let future = rusqlite::Connection::open(&path).unwrap();
    future.execute_batch("INSERT INTO migration (number) VALUES (99)").unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = Store::open(&StoreUrl::Sqlite(path.clone())).err().unwrap();
    let known = MIGRATIONS.len() as u64;
    assert_eq!(refused, Error::Newer { found: 99, known });
    assert!(refused.to_string().contains("Install the newer ringfence"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
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
