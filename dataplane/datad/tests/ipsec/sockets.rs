//! Through the kernel's raw sockets.

use std::io::Read;
use std::net::{Ipv4Addr, UdpSocket};

use gateway::backhaul::message::{Kind, Message, MessageReader};

use crate::agent::{Agent, Daemon, Ends};

/// Addresses that no test of another number or process has.
fn ends(test: u8) -> Ends {
    let [a, b] = (std::process::id() as u16).to_be_bytes();
    [78, 178].map(|first| Ipv4Addr::new(127, first + test, a, b))
}

fn start(ends: Ends, mode: u32) -> Daemon {
    let media = format!("[[datad.media]]\nname = \"here\"\naddresses = [\"{}\"]\n", ends[0]);
    Daemon::start(ends, mode, "mgcp", &media)
}

#[test]
fn keys_that_others_may_read_are_refused() {
    let mut daemon = start(ends(0), 0o644);
    assert!(!daemon.child.wait().unwrap().success());
    let mut said = String::new();
    daemon.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("`agent1`") && said.contains("chmod 600"), "{said}");
    assert!(!said.contains("1111"), "{said}");
}

// R: MGCP-04, MGCP-05
#[test]
#[ignore = "opens raw sockets, which needs root: cargo xtask test"]
fn mgcp_is_heard_through_esp_and_not_in_clear() {
    let ends = ends(1);
    let daemon = start(ends, 0o600);
    let mut agent = Agent::new(ends, "mgcp");
    let restart = agent.receive();
    assert!(restart.starts_with("RSIP "), "{restart}");
    let transaction = restart.split(' ').nth(1).unwrap();
    agent.send(&format!("200 {transaction} OK\r\n"));

    // In clear, from the right address: it is not heard.
    let [ours, theirs] = ends;
    let clear = UdpSocket::bind((theirs, 2727)).unwrap();
    clear.send_to(b"AUEP 7 pr/1@relay1 MGCP 1.0\r\n", (ours, 2427)).unwrap();

    agent.send("AUEP 8 pr/1@relay1 MGCP 1.0\r\n");
    let answer = agent.receive();
    assert!(answer.starts_with("200 8"), "{answer}");
    agent.send("CRCX 9 pr/$@relay1 MGCP 1.0\r\nC: A1\r\nM: recvonly\r\nL: x-srtp:on\r\n");
    let answer = agent.receive();
    assert!(answer.starts_with("200 9") && answer.contains("inline:"), "{answer}");

    let report = status::relay(&daemon.directory.path().join("status")).unwrap();
    assert_eq!(report.mgcp["came_in_clear"], 1);
    let [outbound, inbound] = &report.ipsec[..] else { panic!("{:?}", report.ipsec) };
    assert_eq!((&*outbound.direction, &*outbound.spi), ("outbound", "00001000"));
    assert_eq!((&*inbound.direction, &*inbound.state), ("inbound", "live"));
    assert_eq!(inbound.suite, "aes128-sha256");
    assert!(inbound.packets == 3 && outbound.packets >= 3, "{:?}", report.ipsec);
    assert!(outbound.wire_octets > outbound.clear_octets);
    clear.set_nonblocking(true).unwrap();
    assert!(clear.recv(&mut [0; 1]).is_err(), "an answer left in clear");
}

/// Where policy demands it, the backhaul is protected too.
#[test]
#[ignore = "opens raw sockets, which needs root: cargo xtask test"]
fn the_backhaul_goes_through_esp() {
    let ends = ends(2);
    let mut agent = Agent::new(ends, "everything");
    let connection = agent.stack.listen_tcp(2428).unwrap();
    let sections = format!(
        "[datad.gateway.backhaul]\nagent = \"{}:2428\"\ninterfaces = [\"S0/DS1-0\"]\n\
         [[datad.media]]\nname = \"here\"\naddresses = [\"{}\"]\n",
        ends[1], ends[0]
    );
    let _daemon = Daemon::start(ends, 0o600, "everything", &sections);
    let mut reader = MessageReader::default();
    let mut hear = |agent: &mut Agent| {
        agent.until("the gateway says nothing", |stack| {
            let mut piece = [0; 256];
            let len = stack.receive_tcp(connection, &mut piece).unwrap_or(0);
            reader.push(&piece[..len]);
            reader.next_message().unwrap()
        })
    };
    let open = hear(&mut agent);
    assert_eq!((open.kind, &*open.content), (Kind::Open, &b"relay1\0S0/DS1-0"[..]));
    let mut octets = Vec::new();
    for (kind, content) in [(Kind::OpenAck, vec![0]), (Kind::EstablishRequest, vec![])] {
        Message { kind, channel: 1, sequence: 0, content }.write(&mut octets);
    }
    assert_eq!(agent.stack.send_tcp(connection, &octets), Ok(octets.len()));
    assert_eq!(hear(&mut agent).kind, Kind::EstablishIndication);
}
