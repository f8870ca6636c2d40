//! Voice endpoints as their users meet them: a daemon, a call agent on a socket, somebody at the
//! telephone, a peer with RTP.

mod common;

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{PATIENCE, Process, free_udp, host, media_of, media_ports, peer, sdp, value};
use line::control::{Answer, Request, Until, ask};
use speech::g711::Law;
use speech::wav::Recording;
use speech::{RATE, tone, wav};
use tempfile::TempDir;

const LINE: &str = "aaln/S1/SU0/0";

struct Daemon {
    #[expect(dead_code, reason = "it lives as long")]
    process: Process,
    directory: TempDir,
    agent: UdpSocket,
    address: SocketAddr,
    transaction: u32,
}

impl Daemon {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (agent, address) = (peer(), free_udp());
        let place = directory.path().display();
        let notify = agent.local_addr().unwrap();
        std::fs::write(directory.path().join("hello.wav"), wav::write(&speech::speak(9, 1)))
            .unwrap();
        let text = format!(
            r#"
[datad]
status_socket = "{place}/status"
[datad.lines]
socket = "{place}/lines"
announcements = "{place}"
[datad.gateway]
name = "gw1.example"
listen = ["{address}"]
call_agents = ["{host}"]
notify = "{notify}"
restart_wait_ms = 0
dialect = "0.1"
endpoints = 10
[[datad.gateway.endpoint]]
name = "aaln/S1/SU0/[0-1]"
[[datad.media]]
name = "here"
addresses = ["{host}"]
ports = "{ports}"
"#,
            host = host(),
            ports = media_ports(),
        );
        let process = Process::start(directory.path(), &text, Stdio::inherit());
        let mut daemon = Self { process, directory, agent, address, transaction: 100 };
        let restart = daemon.hear("RSIP");
        assert!(restart.contains("RM: restart") && restart.contains("*@gw1.example MGCP 0.1"));
        daemon
    }

    /// The next command of the gateway, which must be such a one; it is answered.
    fn hear(&mut self, verb: &str) -> String {
        let mut buffer = [0; 4096];
        let (len, from) = self.agent.recv_from(&mut buffer).expect("the gateway says something");
        let message = String::from_utf8(buffer[..len].to_vec()).unwrap();
        assert!(message.starts_with(verb), "{message}");
        let transaction = message.split(' ').nth(1).unwrap();
        self.agent.send_to(format!("200 {transaction} OK\r\n").as_bytes(), from).unwrap();
        message
    }

    fn command(&mut self, verb: &str, lines: &str) -> String {
        self.transaction += 1;
        let Self { transaction, .. } = self;
        let text = format!("{verb} {transaction} {LINE}@gw1.example MGCP 0.1\r\n{lines}");
        self.agent.send_to(text.as_bytes(), self.address).unwrap();
        let mut buffer = [0; 4096];
        let (len, _) = self.agent.recv_from(&mut buffer).expect("the gateway answers");
        let answer = String::from_utf8(buffer[..len].to_vec()).unwrap();
        let expected = transaction.to_string();
        assert_eq!(answer.split([' ', '\r']).nth(1), Some(&*expected), "{answer}");
        answer
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("lines")
    }

    fn ask(&self, request: Request) -> Answer {
        self.ask_with(request, &[]).0
    }

    fn ask_with(&self, request: Request, file: &[u8]) -> (Answer, Vec<u8>) {
        let (answer, file) = ask(&self.socket(), &request, file).unwrap();
        assert!(answer.ok, "{request:?}: {:?}", answer.problem);
        (answer, file)
    }

    fn wait(&self, until: Until) {
        self.ask(Request::Wait { endpoint: LINE.into(), until, seconds: PATIENCE.as_secs() });
    }
}

/// A telephone on the network: says one tone, and hears.
fn talk(socket: &UdpSocket, to: SocketAddr, done: &AtomicBool) -> Vec<i16> {
    socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let said = Law::Mu.encode(&tone::sine(1300.0, 8000.0, RATE));
    let (mut heard, mut buffer) = (Vec::new(), [0; 2048]);
    let begin = Instant::now();
    let mut sequence = 0u16;
    while !done.load(Ordering::Relaxed) && begin.elapsed() < PATIENCE {
        while begin.elapsed() >= Duration::from_millis(20) * u32::from(sequence) {
            let mut packet = vec![0x80, 0];
            packet.extend(sequence.to_be_bytes());
            packet.extend((u32::from(sequence) * 160).to_be_bytes());
            packet.extend([1, 2, 3, 4]);
            let at = usize::from(sequence) % 50 * 160;
            packet.extend(&said[at..at + 160]);
            socket.send_to(&packet, to).unwrap();
            sequence += 1;
        }
        if let Ok(len) = socket.recv(&mut buffer) {
            heard.extend(Law::Mu.decode(&buffer[12..len]));
        }
    }
    heard
}

#[test]
fn a_call_from_a_line_with_audio_both_ways() {
    let mut daemon = Daemon::start();
    let endpoint = || LINE.to_owned();
    let armed = daemon.command("RQNT", "R: L/hd(N)\r\nX:1\r\n");
    assert!(armed.starts_with("200 "), "{armed}");
    daemon.ask(Request::OffHook { endpoint: endpoint() });
    let lifted = daemon.hear("NTFY");
    assert_eq!((value(&lifted, "X:"), value(&lifted, "O:")), ("1", "L/hd"));

    let dialling = "X: 2\r\nR: L/hu(N), D/[0-9*#T](D)\r\nD: (1xx)\r\nS: L/dl\r\n";
    assert!(daemon.command("RQNT", dialling).starts_with("200 "));
    daemon.wait(Until::Signal("L/dl".into()));
    daemon.ask(Request::Digits { endpoint: endpoint(), digits: "123".into() });
    let dialled = daemon.hear("NTFY");
    assert_eq!(value(&dialled, "O:").replace(' ', ""), "D/1,D/2,D/3", "out of the audio");

    let peer = peer();
    let port = peer.local_addr().unwrap().port();
    let created = daemon.command(
        "CRCX",
        &format!(
            "C: D000000002924996000000F500000001\r\nX: 3\r\nL: p:20, a:PCMU, s:off, t:00\r\n\
             M: sendrecv\r\nR: L/hu(N)\r\nQ: process,loop\r\n\r\n{}",
            sdp(port)
        ),
    );
    assert!(created.starts_with("200 "), "{created}");
    let id = value(&created, "I:").to_owned();
    daemon.wait(Until::Connected);
    daemon.ask(Request::Record { endpoint: endpoint() });
    let file = wav::write(&tone::sine(700.0, 8000.0, RATE));
    let play = Request::Play { endpoint: endpoint(), again: true, octets: file.len() };
    daemon.ask_with(play, &file);

    let done = AtomicBool::new(false);
    let to = media_of(&created);
    let heard = std::thread::scope(|scope| {
        let talking = scope.spawn(|| talk(&peer, to, &done));
        daemon.wait(Until::Recorded(2000));
        done.store(true, Ordering::Relaxed);
        talking.join().unwrap()
    });
    let (_, file) = daemon.ask_with(Request::StopRecording { endpoint: endpoint() }, &[]);
    let recorded = Recording::read(&file).unwrap().telephone();
    let level = |samples: &[i16], frequency| {
        let second = samples.len().saturating_sub(RATE / 2);
        tone::level(&samples[second..], frequency)
    };
    assert!(level(&recorded, 1300.0) > 4000.0, "the line hears the peer");
    assert!(level(&heard, 700.0) > 4000.0, "the peer hears the line");

    daemon.ask(Request::OnHook { endpoint: endpoint() });
    assert_eq!(value(&daemon.hear("NTFY"), "O:"), "L/hu");
    let deleted =
        daemon.command("DLCX", &format!("C: D000000002924996000000F500000001\r\nI: {id}\r\n"));
    assert!(deleted.starts_with("250 ") && deleted.contains("P: PS="), "{deleted}");
    daemon.wait(Until::Disconnected);
}

#[test]
fn a_line_rings_plays_announcements_and_says_what_cannot_be_done() {
    let mut daemon = Daemon::start();
    let ring = "X: 1\r\nR: L/hd(N)\r\nS: L/rg, L/ci(11/23/13/20,5551234,Sato)\r\n";
    assert!(daemon.command("RQNT", ring).starts_with("200 "));
    daemon.wait(Until::Ringing);
    let answer = daemon.ask(Request::Show);
    assert_eq!(answer.lines.len(), 2);
    assert_eq!(answer.lines[0].caller.as_deref(), Some("11/23/13/20,5551234,Sato"));
    assert!(answer.lines[0].ringing && !answer.lines[1].ringing);
    daemon.ask(Request::OffHook { endpoint: LINE.into() });
    assert_eq!(value(&daemon.hear("NTFY"), "O:"), "L/hd");
    daemon.wait(Until::Quiet);

    let announce = "X: 2\r\nR: L/hu(N), A/oc(N), A/of(N)\r\nS: A/ann(file:///x/hello.wav)\r\n";
    assert!(daemon.command("RQNT", announce).starts_with("200 "));
    assert_eq!(value(&daemon.hear("NTFY"), "O:"), "A/oc(A/ann(file:///x/hello.wav))");
    let announce = "X: 3\r\nR: L/hu(N), A/of(N)\r\nS: A/ann(nothing)\r\n";
    assert!(daemon.command("RQNT", announce).starts_with("200 "));
    assert_eq!(value(&daemon.hear("NTFY"), "O:"), "A/of(A/ann(nothing))");

    let refused = |request: Request| {
        let (answer, _) = ask(&daemon.socket(), &request, &[]).unwrap();
        assert!(!answer.ok);
        answer.problem.unwrap()
    };
    let digits = |endpoint: &str, digits: &str| Request::Digits {
        endpoint: endpoint.into(),
        digits: digits.into(),
    };
    assert!(refused(digits("aaln/9", "1")).contains("no voice endpoint"));
    assert!(refused(digits("aaln/S1/SU0/1", "1")).contains("lift the receiver"));
    assert!(refused(digits(LINE, "1x")).contains("0 to 9"));
    assert!(refused(Request::StopRecording { endpoint: LINE.into() }).contains("record"));
    let command = Command::new(env!("CARGO_BIN_EXE_ringfence-datad"))
        .args(["line", "show", "--socket"])
        .arg(daemon.socket())
        .output()
        .unwrap();
    let shown: Answer = serde_json::from_slice(&command.stdout).unwrap();
    assert!(shown.ok && shown.lines[0].off_hook && command.status.success());
}
