//! What only a server can do: go away, come back, and have replicas.

use std::time::{Duration, Instant};

use ringfence_postgres::Server;
use ringfence_store::{Error, Revision, Store, StoreUrl};

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

#[test]
fn a_server_that_comes_back_is_used_again() {
    let mut server = Server::start(None).unwrap();
    let store = open(&server);
    store.change(&author(), NOW, |c| c.create_cluster("lab")).unwrap();
    server.pause().unwrap();
    assert!(store.read(|v| v.cluster()).is_err());
    server.resume().unwrap();
    assert_eq!(store.read(|v| v.cluster()).unwrap().unwrap().name, "lab");
}

#[test]
fn another_machine_is_not_asked_in_clear() {
    let url: StoreUrl = "postgresql://ringfence:hunter2@192.0.2.10/ringfence".parse().unwrap();
    let refused = Store::open(&url).err();
    assert!(matches!(&refused, Some(Error::Open { .. })), "{refused:?}");
    for told in [url.to_string(), format!("{url:?}"), refused.unwrap().to_string()] {
        assert!(told.contains("192.0.2.10") && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_url_that_is_none_says_so() {
    for wrong in ["", "ringfence.db", "mysql://x", "sqlite:", "postgresql://u:secret@h:port/d"] {
        let refused = wrong.parse::<StoreUrl>().unwrap_err().to_string();
        assert!(refused.contains("sqlite:/") && !refused.contains("secret"), "{refused}");
    }
}
