//! The daemon dials its call agent's port for the backhaul.

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use common::{PATIENCE, Process, host};
use gateway::backhaul::message::{Kind, Message, MessageReader};
use tempfile::TempDir;

#[expect(dead_code, reason = "they live as long")]
struct Daemon(Process, TempDir);

impl Daemon {
    fn start(agent: &TcpListener) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            "[datad]\nstatus_socket = \"{}\"\n[datad.gateway]\nname = \"gw1\"\n\
             listen = [\"{host}:0\"]\ncall_agents = [\"{host}\"]\n\
             [datad.gateway.backhaul]\nagent = \"{}\"\ninterfaces = [\"S0/DS1-0\"]\n\
             [[datad.media]]\nname = \"here\"\naddresses = [\"{host}\"]\n",
            directory.path().join("status").display(),
            agent.local_addr().unwrap(),
            host = host(),
        );
        let process = Process::start(directory.path(), &text, Stdio::null());
        Self(process, directory)
    }
}

/// A connection that the daemon has dialled.
struct Connection(TcpStream, MessageReader);

impl Connection {
    fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream, MessageReader::default())
    }

    fn hear(&mut self) -> Message {
        let mut piece = [0; 256];
        loop {
            if let Some(message) = self.1.next_message().unwrap() {
                return message;
            }
            let len = self.0.read(&mut piece).expect("the gateway says something");
            assert!(len > 0, "the gateway has closed the connection");
            self.1.push(&piece[..len]);
        }
    }

    fn say(&mut self, kind: Kind, channel: u16, content: &[u8]) {
        let mut octets = Vec::new();
        Message { kind, channel, sequence: 1, content: content.to_vec() }.write(&mut octets);
        self.0.write_all(&octets).unwrap();
    }
}

#[test]
fn a_call_agent_is_dialled_and_dialled_again() {
    let listener = TcpListener::bind((host(), 0)).unwrap();
    let _daemon = Daemon::start(&listener);
    for _ in 0..2 {
        let mut agent = Connection::accept(&listener);
        let open = agent.hear();
        assert_eq!((open.kind, open.channel), (Kind::Open, 1));
        assert_eq!(open.content, b"gw1\0S0/DS1-0");
        agent.say(Kind::OpenAck, 1, &[0]);
        agent.say(Kind::EstablishRequest, 1, &[]);
        assert_eq!(agent.hear().kind, Kind::EstablishIndication);
        agent.say(Kind::KeepAlive, 0, &[]);
        assert_eq!(agent.hear().kind, Kind::KeepAliveAck);
        agent.say(Kind::ReleaseRequest, 1, &[]);
        assert_eq!(agent.hear().kind, Kind::ReleaseIndication);
    }
}
