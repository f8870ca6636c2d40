//! What only a server can do: go away, come back, and have replicas.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ringfence_postgres::{Server, USER};
use ringfence_store::{self as database, Error, PostgresUrl, Revision, Store, StoreUrl};

use crate::database::{NOW, author};

fn open(server: &Server) -> Store {
    Store::open(&server.url("postgres").parse().unwrap()).unwrap()
}

#[test]
fn a_replica_is_read_and_refuses_changes() {
    let primary = Server::start(None).unwrap();
    let set = |store: &Store, port: &str| {
        store.change(&author(), NOW, |c| c.set_parameter(None, "ctl-provider.port", port))
    };
    let publisher = open(&primary);
    set(&publisher, "3000").unwrap();

    let standby = Server::replica(&primary.dir().display().to_string()).unwrap();
    let subscriber = open(&standby);
    assert_eq!(set(&subscriber, "3001").unwrap_err(), Error::ReadOnly);

    set(&publisher, "3002").unwrap();
    // The replica follows, and keeps answering when the publisher is away.
    let deadline = Instant::now() + Duration::from_secs(30);
    while subscriber.read(|v| v.revision()).unwrap() < Revision(2) {
        assert!(Instant::now() < deadline, "the replica does not follow");
        std::thread::yield_now();
    }
    drop(publisher);
    drop(primary);
    let port = subscriber.read(|v| v.parameter(None, "ctl-provider.port")).unwrap();
    assert_eq!(port.value, "3002");
}

/// One database of two servers: the one that takes changes.
fn either(one: &Server, other: &Server) -> PostgresUrl {
    let [one, other] = [one, other].map(|server| server.dir().display().to_string());
    let attributes = "target_session_attrs=read-write&connect_timeout=5";
    of_server(&format!("postgresql:///postgres?host={one}&host={other}&user={USER}&{attributes}"))
}

fn of_server(url: &str) -> PostgresUrl {
    match url.parse().unwrap() {
        StoreUrl::Postgres(url) => *url,
        StoreUrl::Sqlite(file) => panic!("{} is a file", file.display()),
    }
}

#[test]
fn a_copy_is_looked_at_here_and_changed_where_the_original_is() {
    let mut primary = Server::start(None).unwrap();
    let publisher = open(&primary);
    publisher.change(&author(), NOW, |c| c.create_cluster("lab")).unwrap();
    let standby = Server::replica(&primary.dir().display().to_string()).unwrap();
    let url = standby.url("postgres").parse().unwrap();
    let copy = Store::open_copy(&url, either(&primary, &standby)).unwrap();
    let set = |port: &str| {
        copy.change(&author(), NOW, |c| c.set_parameter(None, "ctl-provider.port", port))
    };
    let shows = |port: &str| {
        let deadline = Instant::now() + Duration::from_secs(30);
        while copy.read(|v| v.parameter(None, "ctl-provider.port")).unwrap().value != port {
            assert!(Instant::now() < deadline, "the copy does not show {port}");
            std::thread::yield_now();
        }
    };
    set("3000").unwrap();
    shows("3000");
    let mut there = database::Server::connect(&of_server(&standby.url("postgres"))).unwrap();
    let before = there.place().unwrap();
    assert!(before.follows && before.timeline == 1, "{before:?}");

    // Without the publisher nothing is changed, and nothing waits to be.
    primary.pause().unwrap();
    let refused = set("3001").unwrap_err();
    assert!(matches!(refused, Error::PublisherAway(_)) && refused.is_of_a_copy(), "{refused:?}");
    shows("3000");
    primary.resume().unwrap();
    set("3002").unwrap();
    shows("3002");
    assert_eq!(publisher.read(|v| v.revision()).unwrap(), Revision(3));

    // The copy becomes the original.
    primary.pause().unwrap();
    there.promote().unwrap();
    let after = there.place().unwrap();
    assert!(!after.follows && after.timeline == 2 && after.system == before.system, "{after:?}");
    assert!(after.has >= before.has, "{before:?} {after:?}");
    set("3003").unwrap();
    shows("3003");

    // What was the original would take changes again, and must not be asked for them.
    copy.set_original(of_server(&standby.url("postgres")));
    primary.resume().unwrap();
    set("3004").unwrap();
    shows("3004");
    let old = database::Server::connect(&of_server(&primary.url("postgres"))).unwrap().place();
    assert_eq!(old.unwrap().timeline, 1);
}

#[test]
fn an_original_keeps_what_its_copies_have_not_fetched() {
    let primary = Server::start(None).unwrap();
    let mut server = database::Server::connect(&of_server(&primary.url("postgres"))).unwrap();
    let kept = || {
        let mut client = primary.connect("postgres").unwrap();
        let rows = client.query("SELECT slot_name::text FROM pg_replication_slots ORDER BY 1", &[]);
        rows.unwrap().iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    server.keep_for(&names(&["cm2", "cm3"])).unwrap();
    server.keep_for(&names(&["cm2", "cm3"])).unwrap();
    assert_eq!(kept(), ["cm2", "cm3"]);
    server.keep_for(&names(&["cm3"])).unwrap();
    assert_eq!(kept(), ["cm3"]);
}

#[test]
fn a_copy_of_an_older_program_waits_for_its_publisher() {
    let primary = Server::start(None).unwrap();
    let url = primary.url("postgres");
    let refused = Store::open_copy(&url.parse().unwrap(), of_server(&url)).err().unwrap();
    assert!(matches!(refused, Error::Older { found: 0, .. }), "{refused:?}");
}

#[test]
fn a_server_that_comes_back_is_used_again() {
    let mut server = Server::start(None).unwrap();
    let store = open(&server);
    store.change(&author(), NOW, |c| c.create_cluster("lab")).unwrap();
    server.pause().unwrap();
    assert!(store.read(|v| v.cluster()).is_err());
    server.resume().unwrap();
    assert_eq!(store.read(|v| v.cluster()).unwrap().unwrap().name, "lab");
    let set =
        |port| store.change(&author(), NOW, |c| c.set_parameter(None, "ctl-provider.port", port));
    set("3000").unwrap();
    server.pause().unwrap();
    server.resume().unwrap();
    set("3001").unwrap();
    let port = store.read(|v| v.parameter(None, "ctl-provider.port")).unwrap();
    assert_eq!(port.value, "3001");
}

#[test]
fn a_server_behind_tls_must_be_the_one_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    // An address of this test's own, for the port is PostgreSQL's.
    let [high, low] = (std::process::id() as u16).to_be_bytes();
    let address = Ipv4Addr::new(127, 77, high, low);
    let (certificate, key) = certificate(dir.path(), "server", address);
    let read = |file: &Path| fs::read(file).unwrap();
    let server = Server::start_with_tls(address.into(), &read(&certificate), &read(&key)).unwrap();
    let open = |parameters: &str| {
        let url = format!("postgresql://{USER}:hunter2@{address}/postgres?{parameters}");
        Store::open(&url.parse().unwrap())
    };
    let verified = |roots: &Path| format!("sslmode=verify-full&sslrootcert={}", roots.display());
    let store = open(&verified(&certificate)).unwrap();
    store.change(&author(), NOW, |c| c.create_cluster("lab")).unwrap();
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name = 'ringfence'";
    let row = server.connect("postgres").unwrap().query_one(encrypted, &[]).unwrap();
    assert_eq!(row.get::<_, Option<bool>>(0), Some(true));

    // Somebody else's certificate, a server of another name, no TLS, files that are none.
    let (stranger, _) = self::certificate(dir.path(), "stranger", address);
    let (elsewhere, _) = self::certificate(dir.path(), "elsewhere", Ipv4Addr::new(192, 0, 2, 1));
    let empty = dir.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    for (parameters, expected) in [
        (verified(&stranger), "certificate"),
        (String::new(), "no pg_hba.conf entry"),
        (verified(&empty), "there is no certificate in it"),
        (verified(&dir.path().join("absent.pem")), "absent.pem"),
    ] {
        let refused = open(&parameters).err().unwrap().to_string();
        assert!(refused.contains(expected) && !refused.contains("hunter2"), "{refused}");
    }
    drop((store, server));
    let (certificate, key) = (read(&elsewhere), read(&dir.path().join("elsewhere.key")));
    let _impostor = Server::start_with_tls(address.into(), &certificate, &key).unwrap();
    let refused = open(&verified(&elsewhere)).err().unwrap().to_string();
    assert!(refused.contains("not valid for name"), "{refused}");
}

/// A self-signed certificate for an address, and its key.
fn certificate(dir: &Path, name: &str, address: Ipv4Addr) -> (PathBuf, PathBuf) {
    let (certificate, key) =
        (dir.join(name).with_extension("pem"), dir.join(name).with_extension("key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-batch"])
        .args(["-subj", "/CN=db", "-addext", &format!("subjectAltName=IP:{address}")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

#[test]
fn another_machine_is_not_asked_in_clear() {
    for place in [
        "192.0.2.10/ringfence",
        "localhost/ringfence?hostaddr=192.0.2.10",
        "192.0.2.10/r?sslmode=prefer",
    ] {
        let url: StoreUrl = format!("postgresql://ringfence:hunter2@{place}").parse().unwrap();
        let refused = Store::open(&url).err();
        assert!(matches!(&refused, Some(Error::Open { .. })), "{refused:?}");
        let refused = refused.unwrap().to_string();
        assert!(refused.contains("192.0.2.10") && refused.contains("verify-full"), "{refused}");
        for told in [url.to_string(), format!("{url:?}"), refused] {
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}

#[test]
fn a_url_that_is_none_says_so() {
    for wrong in [
        "",
        "ringfence.db",
        "mysql://x",
        "sqlite:",
        "postgresql://u:secret@h:port/d",
        "postgresql://u:secret@h/d?sslmode=require",
        "postgresql://u:secret@h/d?sslmode=verify-full",
        "postgresql://u:secret@h/d?sslrootcert=/etc/db.pem",
        "postgresql://u:secret@h/d?sslmode=verify-full&sslrootcert=/etc/db.pem&sslcert=/etc/me.pem",
        "postgresql://u:secret@h/d?sslcert=/etc/me.pem&sslkey=/etc/me.key",
    ] {
        let refused = wrong.parse::<StoreUrl>().unwrap_err().to_string();
        assert!(refused.contains("sqlite:/") && !refused.contains("secret"), "{refused}");
    }
}
