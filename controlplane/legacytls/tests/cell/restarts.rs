//! Either side is started anew.

use std::fs::File;
use std::io::Read;
use std::net::TcpListener;

use ringfence_legacytls::client::{Cell, State};

use crate::house::{House, await_state, server, service, talk};

#[test]
fn the_cell_is_killed_and_comes_back() {
    let mut house = House::new();
    let served = house.serve(&server(), |_| {});
    let mut phone = house.phone(served.address, None, &[]);
    let mut connection = served.connection();
    talk(&mut phone, &mut connection);
    house.kill();
    assert_eq!(connection.stream.read(&mut [0]).unwrap(), 0, "the connection ends");
    // While it is away telephones wait.
    let mut patient = house.phone(served.address, None, &[]);
    house.start();
    let mut connection = served.connection();
    talk(&mut patient, &mut connection);
    assert_eq!(served.serving.state(), State::Serving);
}

#[test]
fn controld_goes_and_another_comes() {
    let mut house = House::new();
    let server = server();
    let served = house.serve(&server, |_| {});
    let address = served.address;
    let mut phone = house.phone(address, None, &[]);
    let mut connection = served.connection();
    // Its last descriptor of the port goes with the cell's.
    house.cell = Cell::at("/nowhere");
    assert!(served.serving.accept().is_none());
    drop(served);
    talk(&mut phone, &mut connection);

    house.cell = Cell::at(house.directory.path().join("legacytls.sock"));
    let listener = loop {
        match TcpListener::bind(address) {
            Ok(listener) => break listener,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
    };
    let key = File::open(house.file("server.pem", &server.pem())).unwrap();
    let serving = house.cell.serve(service(&server), listener, key);
    await_state(&serving, &State::Serving);
    let served = crate::house::Served { serving, address };
    let mut phone = house.phone(address, None, &[]);
    talk(&mut phone, &mut served.connection());
}

#[test]
fn what_cannot_be_served_is_told() {
    let house = House::new();
    let mut wrong = service(&server());
    wrong.certificate = server().der();
    let key = File::open(house.file("server.pem", &server().pem())).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let serving = house.cell.serve(wrong, listener, key);
    let failed = loop {
        match serving.state() {
            State::Waiting(_) => std::thread::sleep(std::time::Duration::from_millis(10)),
            state => break state,
        }
    };
    assert!(
        matches!(&failed, State::Failed(why) if why.contains("key values mismatch")),
        "{failed:?}"
    );
}

#[test]
fn there_is_one_cell() {
    let house = House::new();
    let _served = house.serve(&server(), |_| {});
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_ringfence-legacytls"))
        .arg("--config")
        .arg(house.directory.path().join("ringfence.toml"))
        .output()
        .unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("another cell listens there"));
}
