//! The daemon as a SIP proxy meets it: `ng` over UDP, TCP and HTTP, media on sockets.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{PATIENCE, Process, free_tcp, free_udp, host, media_of, media_ports, peer, rtp, sdp};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Daemon {
    process: Process,
    directory: TempDir,
    proxy: UdpSocket,
    tcp: SocketAddr,
    http: SocketAddr,
    cookie: u32,
}

impl Daemon {
    fn start() -> Self {
        // Whoever connects without an address of his own has 127.0.0.1.
        Self::start_for(&[host().to_string(), "127.0.0.1".to_owned()])
    }

    fn start_for(admit: &[String]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [udp, mgcp] = [(); 2].map(|()| free_udp());
        let [tcp, http] = [(); 2].map(|()| free_tcp());
        let text = format!(
            r#"
[datad]
status_socket = "{}"
[datad.gateway]
name = "relay1"
listen = ["{mgcp}"]
call_agents = ["{host}"]
leave_seconds = 3600
[datad.ng]
udp = ["{udp}"]
tcp = ["{tcp}"]
http = ["{http}"]
admit = {admit:?}
streams = 4
[[datad.media]]
name = "here"
addresses = ["{host}"]
ports = "{}"
"#,
            directory.path().join("status").display(),
            media_ports(),
            host = host(),
        );
        let process = Process::start(directory.path(), &text, Stdio::null());
        let proxy = peer();
        proxy.connect(udp).unwrap();
        let daemon = Self { process, directory, proxy, tcp, http, cookie: 0 };
        let deadline = Instant::now() + PATIENCE;
        while status::relay(&daemon.directory.path().join("status")).is_err() {
            assert!(Instant::now() < deadline, "the daemon does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        daemon
    }

    fn ask(&mut self, command: &Value) -> Value {
        self.cookie += 1;
        self.proxy.send(format!("{} {command}", self.cookie).as_bytes()).unwrap();
        let mut buffer = [0; 8192];
        let len = self.proxy.recv(&mut buffer).expect("it is answered");
        let answer = std::str::from_utf8(&buffer[..len]).unwrap();
        let (cookie, answer) = answer.split_once(' ').unwrap();
        assert_eq!(cookie, self.cookie.to_string());
        let answer: Value = serde_json::from_str(answer).unwrap();
        assert_eq!(answer["result"], "ok", "{answer}");
        answer
    }

    /// A call in clear; where each party is to send to.
    fn call(&mut self, id: &str, parties: [&UdpSocket; 2]) -> [SocketAddr; 2] {
        let [a, b] = parties.map(|party| sdp(party.local_addr().unwrap().port()));
        let offer = json!({"command": "offer", "call-id": id, "from-tag": "a", "sdp": a});
        let to_b = session_of(&self.ask(&offer));
        let answer = json!({
            "command": "answer", "call-id": id, "from-tag": "a", "to-tag": "b", "sdp": b
        });
        [session_of(&self.ask(&answer)), to_b]
    }
}

fn session_of(answer: &Value) -> SocketAddr {
    media_of(answer["sdp"].as_str().unwrap())
}

#[test]
fn a_call_goes_through_and_is_seen_and_counted() {
    let mut daemon = Daemon::start();
    let (a, b) = (peer(), peer());
    let [from_a, from_b] = daemon.call("one", [&a, &b]);
    let mut received = [0; 2048];
    for number in 0..20 {
        a.send_to(&rtp(number), from_a).unwrap();
        let (len, from) = b.recv_from(&mut received).unwrap();
        assert_eq!((&received[..len], from), (&rtp(number)[..], from_b));
    }
    let seen = status::relay(&daemon.directory.path().join("status")).unwrap();
    assert_eq!((seen.flows.len(), seen.flows[0].endpoint.as_str()), (2, "ng"));
    assert_eq!((seen.ng["offers"], seen.ng["answers"], seen.ng["strangers"]), (1, 1, 0));
    let told = daemon.ask(&json!({"command": "query", "call-id": "one"}));
    assert_eq!(told["totals"]["RTP"]["packets"], 20);
    let told = daemon.ask(&json!({"command": "delete", "call-id": "one", "from-tag": "a"}));
    assert_eq!(told["totals"]["RTP"]["bytes"], 20 * 160);
    a.send_to(&rtp(1), from_a).unwrap();
    let told = daemon.ask(&json!({"command": "statistics"}));
    assert_eq!(told["statistics"]["currentstatistics"]["sessionstotal"], 0);
}

#[test]
fn connections_say_the_same() {
    let daemon = Daemon::start();
    let read = |mut stream: &TcpStream, end: &str| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(end.as_bytes()) {
            let mut buffer = [0; 512];
            let len = stream.read(&mut buffer).unwrap();
            assert!(len > 0, "closed after {}", answer.escape_ascii());
            answer.extend_from_slice(&buffer[..len]);
        }
        String::from_utf8(answer).unwrap()
    };
    let mut tcp = TcpStream::connect(daemon.tcp).unwrap();
    tcp.write_all(b"1 d7:command4:pinge2 d7:comm").unwrap();
    assert_eq!(read(&tcp, "e"), "1 d6:result4:ponge");
    tcp.write_all(b"and4:pinge").unwrap();
    assert_eq!(read(&tcp, "e"), "2 d6:result4:ponge");
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(tcp.read(&mut [0; 8]).unwrap(), 0, "who speaks something else is left alone");

    let mut http = TcpStream::connect(daemon.http).unwrap();
    for _ in 0..2 {
        let post = "POST /ng HTTP/1.1\r\nContent-Length: 19\r\n\r\n3 d7:command4:pinge";
        http.write_all(post.as_bytes()).unwrap();
        let answer = read(&http, "3 d6:result4:ponge");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    http.write_all(b"GET /ping HTTP/1.0\r\n\r\n").unwrap();
    assert!(read(&http, "pong\n").contains("Connection: close"));
}

#[test]
fn who_is_not_admitted_is_not_heard() {
    let daemon = Daemon::start_for(&["192.0.2.1".to_owned()]);
    daemon.proxy.send(b"1 d7:command4:pinge").unwrap();
    let mut tcp = TcpStream::connect(daemon.tcp).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(tcp.read(&mut [0; 8]).unwrap_or(0), 0);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = status::relay(&daemon.directory.path().join("status")).unwrap();
        if seen.ng["strangers"] == 2 {
            assert_eq!(seen.ng["messages"], 0);
            return;
        }
        assert!(Instant::now() < deadline, "{:?}", seen.ng);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_stop_waits_for_calls_and_takes_no_new_ones() {
    let mut daemon = Daemon::start();
    let (a, b) = (peer(), peer());
    daemon.call("one", [&a, &b]);
    kill_process(Pid::from_child(&daemon.process.0), Signal::TERM).unwrap();
    let offer = json!({"command": "offer", "call-id": "two", "from-tag": "a", "sdp": "v=0"});
    let deadline = Instant::now() + PATIENCE;
    loop {
        daemon.cookie += 1;
        daemon.proxy.send(format!("{} {offer}", daemon.cookie).as_bytes()).unwrap();
        let mut buffer = [0; 1024];
        let len = daemon.proxy.recv(&mut buffer).unwrap();
        if String::from_utf8_lossy(&buffer[..len]).contains("out of service") {
            break;
        }
        assert!(Instant::now() < deadline, "the signal is not heard");
    }
    daemon.ask(&json!({"command": "delete", "call-id": "one", "from-tag": "a"}));
    assert!(daemon.process.0.wait().unwrap().success(), "with the last call it ends");
}
