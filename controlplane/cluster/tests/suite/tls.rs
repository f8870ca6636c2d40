//! Client and provider over real TLS.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use crate::support::{Office, PASSWORD, credentials};
use messages::{Explain, certificate, input, provider};
use pki::KeyKind;
use pki::node;
use ringfence_cluster::client::{
    ClientFault, KnownServers, Remote, Server, Settings, TlsTransport, Trace, Traced,
};
use ringfence_cluster::provider::{server, tls};

fn start(office: &Office) -> (server::Running, Server) {
    let machine = &office.machines[0];
    let config = tls::server_config(&machine.keys, SystemTime::now()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let running = server::start(Arc::clone(&machine.provider), listener, config).unwrap();
    let server = Server {
        name: "cm1".into(),
        host: "127.0.0.1".into(),
        port: running.address().port(),
        fingerprint: None,
    };
    (running, server)
}

fn nobody(_: &Server, _: &pki::Certificate) -> bool {
    panic!("nobody is asked about a known server")
}

// R: CTL-12, CTL-13
#[test]
fn a_server_is_approved_once_and_known_ever_after() {
    let office = Office::with_keys(1, KeyKind::Rsa2048);
    let (_running, server) = start(&office);
    let own = node::open(&office.machines[0].keys, SystemTime::now()).unwrap();
    let fingerprint = own.certificate().fingerprint();

    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let first = TlsTransport::new(KnownServers::new(), move |_, shown| {
        counter.fetch_add(1, Ordering::Relaxed);
        shown.subject().common_name() == Some("cm1")
    });
    let dir = tempfile::tempdir().unwrap();
    let trace_file = dir.path().join("ctl-client.log");
    let traced = Traced { transport: first, trace: Trace::open(&trace_file).unwrap() };
    let remote = Remote::login(&traced, server.clone(), &credentials("client-1")).unwrap();
    let nodes = remote.nodes().unwrap();
    assert_eq!(nodes[0].fingerprint.as_deref(), Some(&*fingerprint));
    assert_eq!(remote.call_manager_certificate().unwrap(), own.certificate().der());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let trace = std::fs::read_to_string(&trace_file).unwrap();
    assert!(trace.contains("cm1 GET /v1/nodes: 200"), "{trace}");
    assert!(!trace.contains(PASSWORD), "{trace}");

    let known = traced.transport.known();
    assert_eq!(known["cm1"], fingerprint);
    let settings = Settings { known, ..Settings::fresh() };
    let file = dir.path().join("settings.json");
    settings.save(&file).unwrap();
    let again = TlsTransport::new(Settings::load(&file).known, nobody);
    Remote::login(&again, server.clone(), &credentials("client-1")).unwrap();

    let strange = KnownServers::from([("cm1".to_owned(), "00".repeat(32))]);
    let refused = TlsTransport::new(strange, nobody);
    let fault = Remote::login(&refused, server.clone(), &credentials("c")).err().unwrap();
    assert_eq!(fault.message(), &certificate::INVALID_THUMBPRINT);
    let strange = KnownServers::from([("cm1".to_owned(), "00".repeat(32))]);
    let anew = TlsTransport::new(strange, nobody).with_compared([fingerprint.clone()]);
    Remote::login(&anew, server.clone(), &credentials("c")).unwrap();
    assert_eq!(anew.known()["cm1"], fingerprint);
    let declined = TlsTransport::new(KnownServers::new(), |_, _| false);
    let fault = Remote::login(&declined, server, &credentials("c")).err().unwrap();
    assert_eq!(fault.message(), &provider::HANDSHAKE_FAILED);
}

#[test]
fn what_is_no_provider_is_told_apart() {
    let office = Office::with_keys(1, KeyKind::EcP256);
    let (running, server) = start(&office);
    let transport = TlsTransport::new(KnownServers::new(), |_, _| true);
    let login = |server: &Server| -> ClientFault {
        Remote::login(&transport, server.clone(), &credentials("c")).err().unwrap()
    };
    // A service that is not TLS.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 ready\r\n").unwrap();
        let _ = stream.read(&mut [0; 16]);
    });
    let fault = login(&Server { port, ..server.clone() });
    assert_eq!(fault.message(), &provider::HANDSHAKE_FAILED);
    other.join().unwrap();
    // Nobody there any more.
    let fault = login(&Server { port, ..server.clone() });
    assert_eq!(fault.message(), &provider::COULD_NOT_CONNECT);
    let fault = login(&Server { host: "name.invalid".into(), ..server.clone() });
    assert_eq!(fault.message(), &provider::TLS_CONNECT_ERROR);
    drop(running);
    let fault = login(&server);
    assert_eq!(fault.message(), &provider::COULD_NOT_CONNECT);
}

#[test]
fn a_peer_that_speaks_nonsense_does_not_keep_the_provider_from_others() {
    let office = Office::with_keys(1, KeyKind::EcP384);
    let (running, server) = start(&office);
    let mut idle: Vec<_> = (0..8).map(|_| TcpStream::connect(running.address()).unwrap()).collect();
    for stream in &mut idle {
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    }
    let transport = TlsTransport::new(KnownServers::new(), |_, _| true);
    let remote = Remote::login(&transport, server, &credentials("c")).unwrap();
    remote.nodes().unwrap();
    // Wrong passwords are answered late, not never.
    let mut wrong = credentials("c");
    wrong.password = store::Password::new("wrong");
    for _ in 0..8 {
        let fault = Remote::login(&transport, remote.server().clone(), &wrong).err().unwrap();
        assert_eq!(fault.message(), &input::USER_NOT_AUTHENTICATED);
    }
}

#[test]
fn a_key_that_tls_cannot_use_is_told_when_the_service_starts() {
    let office = Office::with_keys(1, KeyKind::Rsa1024);
    let fault = tls::server_config(&office.machines[0].keys, SystemTime::now()).unwrap_err();
    assert_eq!(fault.message(), &provider::INIT_TLS_FAILED);
    assert!(fault.to_string().contains("RSA 1024"), "{fault}");
}
