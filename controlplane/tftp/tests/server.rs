//! The servers on real sockets.

mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Files, content};
use ringfence_tftp::server::{HttpConfig, Server, Service, request_socket};
use ringfence_tftp::{
    ErrorCode, Failure, FetchError, Observer, Options, Outcome, Protocol, Record, RequestLog,
    Tuning, fetch,
};

const NAME: &str = "SEP00112233AABB.cnf.xml";

struct Running {
    _server: Server,
    address: SocketAddr,
    log: Arc<RequestLog>,
}

fn service(files: Files) -> (Service, Arc<RequestLog>) {
    let log = Arc::new(RequestLog::new(10_000));
    (Service { source: Arc::new(files), observer: log.clone() }, log)
}

fn tftp(files: Files) -> Running {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    let (service, log) = service(files);
    let server = Server::tftp(&common::config(), &[socket], 2, &service).unwrap();
    Running { _server: server, address, log }
}

fn http(files: Files) -> Running {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (service, log) = service(files);
    let server = Server::http(&HttpConfig::default(), &[listener], &service).unwrap();
    Running { _server: server, address, log }
}

impl Running {
    fn get(&self, name: &str, options: Options) -> Result<Vec<u8>, FetchError> {
        fetch(self.address, name, options, 1 << 24, Tuning::default())
    }

    /// The record of a request, which may be written a moment after the phone has its file.
    fn record(&self, name: &str) -> Record {
        for _ in 0..1000 {
            if let Some(record) = self.log.select(|record| record.name == name).pop() {
                return record;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("no record of {name}");
    }

    fn speak(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

#[test]
fn files_come_by_tftp_with_and_without_options() {
    let server = tftp(Files::with(NAME, &content(100_000)));
    assert_eq!(server.get(NAME, Options::default()).unwrap(), content(100_000));
    let fast = Options {
        block_size: Some(1428),
        window_size: Some(16),
        transfer_size: Some(0),
        timeout: Some(1),
    };
    assert_eq!(server.get(NAME, fast).unwrap(), content(100_000));
    let record = server.record(NAME);
    assert_eq!((record.outcome, record.protocol), (Outcome::Completed, Protocol::Tftp));

    let Err(FetchError::Failure(failure)) = server.get("absent", Options::default()) else {
        panic!("there is no such file");
    };
    let refused = Failure::Refused { code: ErrorCode::FileNotFound, text: "File not found".into() };
    assert_eq!(failure, refused);
}

#[test]
fn two_hundred_phones_at_once_get_their_own_files() {
    let mut files = Files::default();
    let name = |number: usize| format!("SEP{number:012X}.cnf.xml");
    for number in 0..200 {
        files.0.insert(name(number), content(1000 + number).into());
    }
    let server = tftp(files);
    std::thread::scope(|scope| {
        for number in 0..200 {
            let server = &server;
            scope.spawn(move || {
                let file = server.get(&name(number), Options::default()).unwrap();
                assert_eq!(file, content(1000 + number));
            });
        }
    });
}

/// Holds the server up between two packets.
struct Busy(Mutex<Receiver<()>>);

impl Observer for Busy {
    fn observe(&self, _: Record) {
        // Over when the other end is dropped.
        let _ = self.0.lock().unwrap().recv();
    }
}

#[test]
fn a_thousand_requests_wait_for_a_busy_server() {
    let socket = request_socket((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    let privileged = rustix::process::geteuid().is_root();
    let (go_on, held_up) = channel();
    let observer = Arc::new(Busy(Mutex::new(held_up)));
    let service = Service { source: Arc::new(Files::with(NAME, b"x")), observer };
    let _server = Server::tftp(&common::config(), &[socket], 2, &service).unwrap();

    let request = |name: &str| [b"\0\x01", name.as_bytes(), b"\0octet\0"].concat();
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let answered = |phone: &UdpSocket| {
        phone.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        phone.recv(&mut [0; 600]).is_ok()
    };
    let first = bind();
    first.send_to(&request("absent"), address).unwrap();
    // It has answered, and tells the observer.
    assert!(answered(&first));
    // Without CAP_NET_ADMIN the system's limit holds.
    let phones: Vec<_> = (0..if privileged { 1000 } else { 300 }).map(|_| bind()).collect();
    for phone in &phones {
        phone.send_to(&request(NAME), address).unwrap();
    }
    drop(go_on);
    assert!(phones.iter().all(answered));
}

#[test]
fn answers_leave_from_a_port_of_their_own() {
    let server = tftp(Files::with(NAME, b"x"));
    let phone = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    phone.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    phone.send_to(b"\0\x01SEP00112233AABB.cnf.xml\0octet\0", server.address).unwrap();
    let mut buffer = [0; 600];
    let (len, from) = phone.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"\0\x03\0\x01x");
    assert_eq!(from.ip(), server.address.ip());
    assert_ne!(from.port(), server.address.port());
}

#[test]
fn files_come_by_http_from_the_same_source() {
    let server = http(Files::with(NAME, b"<device/>"));
    let answer = server.speak(&format!("GET /{NAME} HTTP/1.1\r\nConnection: close\r\n\r\n"));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Type: text/xml"));
    assert_eq!(body, "<device/>");
    let record = server.record(NAME);
    assert_eq!((record.outcome, record.protocol), (Outcome::Completed, Protocol::Http));
    assert_eq!(record.device.unwrap().to_string(), "SEP00112233AABB");

    let answer = server.speak(&format!("HEAD /{NAME} HTTP/1.0\r\n\r\n"));
    assert!(answer.contains("Content-Length: 9\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let server = http(Files::with(NAME, &content(300_000)));
    let mut stream = TcpStream::connect(server.address).unwrap();
    let requests = format!(
        "GET /absent HTTP/1.1\r\n\r\nGET /{NAME}?x=1 HTTP/1.1\r\n\r\nGET /%53EP00112233AABB.cnf.xml \
         HTTP/1.1\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(requests.as_bytes()).unwrap();
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).unwrap();
    let count = |wanted: &[u8]| answers.windows(wanted.len()).filter(|it| *it == wanted).count();
    assert_eq!(count(b"HTTP/1.1 404 Not Found\r\n"), 1);
    assert_eq!(count(b"HTTP/1.1 200 OK\r\n"), 2);
    assert!(answers.ends_with(&content(300_000)));
}

#[test]
fn bad_http_requests_are_refused() {
    let server = http(Files::with("etc/passwd", b"root"));
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(9000));
    for (request, status) in [
        ("GET /../etc/passwd HTTP/1.1\r\n\r\n", "403"),
        ("GET /%2e%2e/etc/passwd HTTP/1.1\r\n\r\n", "403"),
        ("GET //etc/passwd HTTP/1.1\r\n\r\n", "403"),
        ("GET /a%00b HTTP/1.1\r\n\r\n", "403"),
        ("GET /%zz HTTP/1.1\r\n\r\n", "400"),
        ("GET /% HTTP/1.1\r\n\r\n", "400"),
        ("PUT /CTLFile.tlv HTTP/1.1\r\nContent-Length: 4\r\n\r\nlist", "400"),
        ("DELETE /CTLFile.tlv HTTP/1.1\r\n\r\n", "405"),
        ("\x16\x03\x01 hello\r\n\r\n", "400"),
        (&long, "431"),
    ] {
        let answer = server.speak(request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request:.40}: {answer}");
    }
}

#[test]
fn a_silent_connection_is_closed() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let config = HttpConfig { idle: Duration::from_millis(100), ..HttpConfig::default() };
    let (service, _log) = service(Files::default());
    let _server = Server::http(&config, &[listener], &service).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"GET /").unwrap();
    assert_eq!(stream.read(&mut [0; 10]).unwrap(), 0);
}
