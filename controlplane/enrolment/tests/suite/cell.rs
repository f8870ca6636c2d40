//! Phones that know nothing better than TLS 1.0.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};

use capf::codec::Reason;
use capf::phone::Conclusion;
use capf::server::AdmissionLimits;
use legacytls::cell::{self, Config};
use legacytls::client::Cell;
use legacytls::link::{Clients, Der, Limits, Protection, Service, TlsVersion};
use pki::capf::KEY_FILE;
use ringfence_enrolment::service::Entrance;
use store::{CapfAuthMode, CapfOperation, CapfReason, Model};

use crate::phone::Phone;
use crate::site::Site;

/// Names the cell's socket in the process that becomes the cell.
const SOCKET: &str = "RINGFENCE_TEST_CELL";

/// The process, until it is dropped.
struct Process(Child);

impl Process {
    fn start(socket: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "cell::becomes_the_cell", "--nocapture"]).env(SOCKET, socket);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Not a test by itself: the other one runs it in a process of its own.
#[test]
fn becomes_the_cell() {
    let Ok(socket) = std::env::var(SOCKET) else { return };
    let root = rustix::process::geteuid().is_root();
    let user = |name: &str| root.then(|| name.to_owned());
    let config =
        Config { socket: socket.into(), user: user("nobody"), controld_user: user("root") };
    cell::run(&config).unwrap();
}

// R: CAPF-02, CAPF-03
#[test]
fn an_old_phone_comes_in_through_the_cell_and_so_does_a_new_one() {
    let site = Site::new(Model::M7960);
    let socket = site.dir.path().join("legacytls.sock");
    let _process = Process::start(&socket);
    let cell = Cell::at(&socket);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let service = Service {
        name: "capf".into(),
        certificate: Der(site.own.der().to_vec()),
        clients: Clients::Anybody,
        protection: Protection::Encrypted,
        newest: TlsVersion::Tls13,
        limits: Limits::default(),
    };
    let key = File::open(site.files.keys.join(KEY_FILE)).unwrap();
    let entrance = Entrance::Cell { serving: cell.serve(service, listener, key), address };
    let running = site.serve_at(entrance, site.desk(), AdmissionLimits::default());
    for old in [true, false] {
        site.order(CapfOperation::Install, CapfAuthMode::AuthenticationString);
        let mut phone = Phone { old, ..Phone::new(&site) };
        let refused = Conclusion::Refused(Reason::INVALID);
        assert_eq!(phone.types(running.address(), "7654321"), refused);
        site.wait_for(CapfReason::WrongString);
        let success = Conclusion::Ended(Reason::SUCCESS);
        assert_eq!(phone.types(running.address(), "1234567"), success);
        assert!(phone.lsc.unwrap().certificate.is_issued_by(&site.own));
    }
    // The address is the phone's, not the cell's.
    let log = site.store.read(|view| view.revisions(None, 100)).unwrap();
    assert!(log.iter().any(|revision| revision.author.origin == "phone 127.0.0.1"));
}
