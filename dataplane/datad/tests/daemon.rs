//! The daemon as its users meet it: a process, a configuration file, MGCP on a socket, media on
//! sockets, a status socket, a signal. Over UDP sockets, so it needs no privilege.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use common::{
    PATIENCE, Process, free_tcp, free_udp, host, media_of, media_ports, peer, rtp, sdp, value,
};
use rustix::process::{Pid, Signal, kill_process};
use status::RelayReport;
use tempfile::TempDir;

struct Daemon {
    process: Process,
    directory: TempDir,
    agent: UdpSocket,
    address: SocketAddr,
    metrics: SocketAddr,
    transaction: u32,
}

impl Daemon {
    fn start() -> Self {
        let agent = peer();
        let address = agent.local_addr().unwrap();
        Self::start_for(agent, address)
    }

    /// A daemon whose call agent is to be told of restarts at `notify`.
    fn start_for(agent: UdpSocket, notify: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (address, metrics) = (free_udp(), free_tcp());
        let text = format!(
            r#"
[datad]
status_socket = "{}"
metrics = "{metrics}"
[datad.gateway]
name = "relay1"
listen = ["{address}"]
call_agents = ["{host}"]
notify = "{notify}"
restart_wait_ms = 0
leave_seconds = 3600
[[datad.media]]
name = "here"
addresses = ["{host}"]
ports = "{}"
"#,
            directory.path().join("status").display(),
            media_ports(),
            host = host(),
        );
        let process = Process::start(directory.path(), &text, Stdio::piped());
        let mut daemon = Self { process, directory, agent, address, metrics, transaction: 100 };
        daemon.expect_restart();
        daemon
    }

    /// The daemon announces itself, and is answered.
    fn expect_restart(&mut self) {
        let (message, from) = self.receive();
        assert!(message.starts_with("RSIP "), "{message}");
        assert!(message.contains("RM: restart"), "{message}");
        self.acknowledge(&message, from);
    }

    fn acknowledge(&self, message: &str, to: SocketAddr) {
        let transaction = message.split(' ').nth(1).unwrap();
        self.agent.send_to(format!("200 {transaction} OK\r\n").as_bytes(), to).unwrap();
    }

    fn receive(&self) -> (String, SocketAddr) {
        let mut buffer = [0; 4096];
        let (len, from) = self.agent.recv_from(&mut buffer).expect("an MGCP message comes");
        (String::from_utf8(buffer[..len].to_vec()).unwrap(), from)
    }

    /// Sends a command and returns its answer.
    fn ask(&mut self, verb: &str, endpoint: &str, lines: &str) -> String {
        self.transaction += 1;
        let command = format!("{verb} {} {endpoint}@relay1 MGCP 1.0\r\n{lines}", self.transaction);
        self.agent.send_to(command.as_bytes(), self.address).unwrap();
        let answer = self.receive().0;
        let code_and_transaction: Vec<_> = answer.split(' ').take(2).collect();
        assert_eq!(code_and_transaction[1].trim(), self.transaction.to_string(), "{answer}");
        answer
    }

    /// Makes a connection towards `peer` and returns the endpoint, the connection and our address.
    fn connect(&mut self, endpoint: &str, peer: &UdpSocket) -> (String, String, SocketAddr) {
        let port = peer.local_addr().unwrap().port();
        let answer = self.ask(
            "CRCX",
            endpoint,
            &format!("C: A1\r\nL: p:20, a:PCMU\r\nM: sendrecv\r\n\r\n{}", sdp(port)),
        );
        assert!(answer.starts_with("200 "), "{answer}");
        let endpoint = match answer.lines().find(|line| line.starts_with("Z: ")) {
            Some(line) => line["Z: ".len()..].split('@').next().unwrap().to_owned(),
            None => endpoint.to_owned(),
        };
        (endpoint, value(&answer, "I: ").to_owned(), media_of(&answer))
    }

    fn report(&self) -> RelayReport {
        status::relay(&self.status_socket()).unwrap()
    }

    fn status_socket(&self) -> PathBuf {
        self.directory.path().join("status")
    }

    fn terminate(&self) {
        kill_process(Pid::from_child(&self.process.0), Signal::TERM).unwrap();
    }

    fn stop(self) {
        self.terminate();
        self.expect_end();
    }

    /// The daemon says that it goes, and goes.
    fn expect_end(mut self) {
        let (message, from) = self.receive();
        assert!(message.starts_with("RSIP ") && message.contains("RM: forced"), "{message}");
        self.acknowledge(&message, from);
        assert!(self.process.0.wait().unwrap().success());
        assert!(!self.status_socket().exists());
    }
}

#[test]
fn a_call_from_restart_to_release() {
    let mut daemon = Daemon::start();
    let (a, b, stranger) = (peer(), peer(), peer());
    let (endpoint, first, to_a) = daemon.connect("pr/$", &a);
    let (_, second, to_b) = daemon.connect(&endpoint, &b);

    let mut received = [0; 2048];
    for seq_no in 0..50 {
        stranger.send_to(&rtp(seq_no), to_a).unwrap();
        a.send_to(&rtp(seq_no), to_a).unwrap();
        let (len, from) = b.recv_from(&mut received).unwrap();
        assert_eq!((&received[..len], from), (&rtp(seq_no)[..], to_b));
    }
    b.send_to(&rtp(7), to_b).unwrap();
    let (len, from) = a.recv_from(&mut received).unwrap();
    assert_eq!((&received[..len], from), (&rtp(7)[..], to_a));

    let report = daemon.report();
    assert_eq!(report.srtp_backend, "portable", "as the environment says");
    assert_eq!(report.packets.forwarded, 51);
    assert_eq!(report.packets.dropped["wrong-source"], 50);
    assert_eq!(report.flows.len(), 2);
    let flow = report.flows.iter().find(|flow| flow.connection == first).unwrap();
    assert_eq!((flow.endpoint.as_str(), flow.path.as_str()), (endpoint.as_str(), "socket"));
    assert_eq!((flow.packets_received, flow.packets_sent, flow.dropped), (50, 1, 50));

    let page = fetch(daemon.metrics);
    let line = "ringfence_relay_dropped_packets_total{reason=\"wrong-source\"} 50";
    assert!(page.contains(line), "{page}");

    let released = daemon.ask("DLCX", &endpoint, &format!("C: A1\r\nI: {second}\r\n"));
    assert!(released.starts_with("250 "), "{released}");
    assert!(released.contains("PS=50, OS=8000, PR=1, OR=160"), "{released}");
    let released = daemon.ask("DLCX", &endpoint, "C: A1\r\n");
    assert!(released.starts_with("250 "), "{released}");
    assert_eq!(daemon.report().flows, []);
    daemon.stop();
}

#[test]
fn a_stop_lets_calls_end_until_it_is_told_twice() {
    for told_twice in [false, true] {
        let mut daemon = Daemon::start();
        let (endpoint, ..) = daemon.connect("pr/$", &peer());
        daemon.terminate();
        let (message, from) = daemon.receive();
        assert!(message.contains("RM: graceful") && message.contains("RD: 3600"), "{message}");
        daemon.acknowledge(&message, from);
        assert!(daemon.ask("CRCX", "pr/$", "C: A2\r\nM: recvonly\r\n").starts_with("501 "));
        if told_twice {
            daemon.terminate();
        } else {
            let answer = daemon.ask("DLCX", &endpoint, "C: A1\r\n");
            assert!(answer.starts_with("250 "), "{answer}");
        }
        daemon.expect_end();
    }
}

#[test]
fn a_call_agent_that_the_network_calls_unreachable_is_passed_over() {
    let second = UdpSocket::bind((host(), 2727)).unwrap();
    second.set_read_timeout(Some(PATIENCE)).unwrap();
    // Nobody is at the first address. Were resends counted, the second would hear after 15 s.
    let daemon = Daemon::start_for(second, free_udp());
    daemon.stop();
}

fn fetch(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

#[test]
fn what_is_no_mgcp_is_answered_or_dropped_and_never_fatal() {
    let mut daemon = Daemon::start();
    let long_line = format!("CRCX 5 pr/1@relay1 MGCP 1.0\r\nC: {}\r\n", "A".repeat(60_000));
    let largest = vec![b'x'; 65_507];
    let silent: [&[u8]; 8] = [
        b"",
        b"\0\0\0\0",
        b"\xff\xfe\xfd",
        b"CRCX",
        b"CRCX pr/1@relay1",
        b"200",
        b"....",
        &largest,
    ];
    for datagram in silent {
        daemon.agent.send_to(datagram, daemon.address).unwrap();
    }
    daemon.agent.send_to(long_line.as_bytes(), daemon.address).unwrap();
    // Everybody else is not even read.
    let stranger = UdpSocket::bind("127.0.0.2:0").unwrap();
    stranger.send_to(b"AUEP 7 pr/1@relay1 MGCP 1.0\r\n", daemon.address).unwrap();

    // Whatever is answered to the above is an error, and the daemon goes on.
    let deadline = Instant::now() + PATIENCE;
    daemon.agent.send_to(b"AUEP 999 pr/1@relay1 MGCP 1.0\r\n", daemon.address).unwrap();
    loop {
        assert!(Instant::now() < deadline, "no answer to a good command");
        let answer = daemon.receive().0;
        if answer.starts_with("200 999") {
            break;
        }
        assert!(answer.starts_with('5') || answer.starts_with('4'), "{answer}");
    }
    let answer = daemon.ask("FOOO", "pr/1", "");
    assert!(answer.starts_with("504 "), "{answer}");
    let answer = daemon.ask("AUEP", "aaln/1", "");
    assert!(answer.starts_with("500 "), "{answer}");
    daemon.stop();
}

#[test]
fn a_bad_configuration_names_file_line_and_cure() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bad.toml");
    std::fs::write(&path, "[datad]\ncore = 1\nmetrix = \"127.0.0.1:1\"\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ringfence-datad"))
        .args(["--check", "--config"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("bad.toml:3") && complaint.contains("`metrics`"), "{complaint}");
}
