//! A call agent of ours commands a media gateway that is not: osmo-mgw, of the Osmocom project.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command as Program, Stdio};
use std::time::{Duration, Instant};

use mgcp::sdp::{Codec, CryptoAttribute, CryptoSuite, KeySalt, Media, Profile, SessionDescription};
use mgcp::transaction::{Config, Indication, Transactions};
use mgcp::{Command, ConnectionId, Message, Response, ReturnCode};
use ringfence_mgcp as mgcp;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// osmo-mgw at an address of its own, for tests run beside this one.
struct OsmoMgw {
    program: Child,
    address: IpAddr,
    _directory: TempDir,
}

impl OsmoMgw {
    fn start() -> Self {
        let [high, low] = (std::process::id() as u16).to_be_bytes();
        let address = IpAddr::V4(Ipv4Addr::new(127, 78, high, low));
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("osmo-mgw.cfg");
        let config = format!(
            "line vty\n bind {address}\nctrl\n bind {address}\nmgcp\n bind ip {address}\n \
             bind port 2427\n rtp bind-ip {address}\n rtp port-range 4002 4100\n \
             number endpoints 4\n"
        );
        fs::write(&file, config).unwrap();
        let program = Program::new("osmo-mgw")
            .arg("-c")
            .arg(file)
            .current_dir(directory.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("osmo-mgw starts; `cargo xtask setup` installs it");
        Self { program, address, _directory: directory }
    }
}

impl Drop for OsmoMgw {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

struct CallAgent {
    socket: UdpSocket,
    gateway: SocketAddr,
    transactions: Transactions,
}

impl CallAgent {
    fn new(osmo: &OsmoMgw) -> Self {
        let socket = UdpSocket::bind((osmo.address, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let gateway = SocketAddr::new(osmo.address, 2427);
        // It answers 539 to `K:`.
        let config = Config { acknowledge: false, ..Config::default() };
        Self { socket, gateway, transactions: Transactions::new(config, 1) }
    }

    fn command(&mut self, text: &str) -> Response {
        let message = Message::parse(text.replacen('#', "1", 1).as_bytes());
        let Ok(Message::Command(_, command)) = message else { panic!("{text}: {message:?}") };
        self.give(command)
    }

    /// Until osmo-mgw listens, resends are what brings the command there.
    fn give(&mut self, command: Command) -> Response {
        let sent = self.transactions.send(Instant::now(), &[self.gateway], command);
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 4096];
        loop {
            let now = Instant::now();
            assert!(now < deadline, "no answer");
            self.transactions.handle_timeout(now);
            while let Some((to, datagram)) = self.transactions.poll_output() {
                self.socket.send_to(&datagram, to).unwrap();
            }
            match self.socket.recv_from(&mut buffer) {
                Ok((len, from)) => {
                    self.transactions.handle_input(Instant::now(), from, &buffer[..len]);
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
            }
            while let Some(indication) = self.transactions.poll_indication() {
                match indication {
                    Indication::Response { id, response, .. } if id == sent => return response,
                    Indication::Failed { id } if id == sent => panic!("no answer"),
                    _ => {}
                }
            }
        }
    }

    /// CRCX or MDCX with a description of a telephone.
    fn describe(&mut self, command: &str, media: Media, address: IpAddr) -> Response {
        let message = Message::parse(command.replacen('#', "1", 1).as_bytes());
        let Ok(Message::Command(_, mut command)) = message else { panic!("{message:?}") };
        command.body = Some(
            SessionDescription {
                origin: None,
                session_name: None,
                connection: Some(address),
                attributes: Vec::new(),
                media: vec![media],
            }
            .to_body(),
        );
        self.give(command)
    }
}

fn connection(response: &Response) -> ConnectionId {
    assert_eq!(response.code, ReturnCode::OK, "{response:?}");
    response.params.connections[0]
}

/// Where osmo-mgw wants to be sent to.
fn rtp_address(response: &Response) -> SocketAddr {
    let description = SessionDescription::parse(response.bodies[0].expose()).unwrap();
    let media = description.audio().unwrap();
    assert_eq!(media.profile, Profile::Avp);
    description.rtp_address(media).unwrap()
}

fn pcmu(telephone: &UdpSocket, profile: Profile) -> Media {
    let port = telephone.local_addr().unwrap().port();
    Media::audio(port, profile, vec![Codec::of_payload_type(0)])
}

#[test]
fn a_call_through_osmo_mgw() {
    let osmo = OsmoMgw::start();
    let mut agent = CallAgent::new(&osmo);
    let telephone = || {
        let socket = UdpSocket::bind((osmo.address, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    };
    let (a, b) = (telephone(), telephone());

    // One side first without, then with a description; the other with one from the beginning.
    let create = "CRCX # rtpbridge/1@mgw MGCP 1.0\r\nC: 1A\r\nL: p:20, a:PCMU\r\nM: ";
    let first = agent.command(&format!("{create}recvonly\r\n"));
    let (first_id, to_first) = (connection(&first), rtp_address(&first));
    let plain = pcmu(&b, Profile::Avp);
    let second = agent.describe(&format!("{create}sendrecv\r\n"), plain, osmo.address);
    let (second_id, to_second) = (connection(&second), rtp_address(&second));
    let modify = format!(
        "MDCX # rtpbridge/1@mgw MGCP 1.0\r\nC: 1A\r\nI: {first_id}\r\nM: sendrecv\r\n\
         L: p:20, a:PCMU\r\n"
    );
    let modified = agent.describe(&modify, pcmu(&a, Profile::Avp), osmo.address);
    assert_eq!(modified.code, ReturnCode::OK, "{modified:?}");

    let mut packet = [0x55; 172];
    packet[..12].copy_from_slice(&[0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4]);
    let mut received = [0; 2048];
    for (from, to, telephone) in [(&a, to_first, &b), (&b, to_second, &a)] {
        from.send_to(&packet, to).unwrap();
        // Before media it sends single octets, which open the way through a NAT.
        let len = loop {
            let len = telephone.recv(&mut received).expect("the packet arrives on the other side");
            if len > 1 {
                break len;
            }
        };
        assert_eq!(received[12..len], packet[12..]);
    }

    // What is wrong gets the codes of the RFC.
    let wrong_call = modify.replace("C: 1A", "C: 1B");
    assert_eq!(agent.command(&wrong_call).code, ReturnCode::WRONG_CALL);
    let unknown = agent.command("CRCX # rtpbridge/1F@mgw MGCP 1.0\r\nC: 1\r\nM: recvonly\r\n");
    assert_eq!(unknown.code, ReturnCode::UNKNOWN_ENDPOINT);

    // It knows no SRTP and says so by the profile of its answer only, so that must be looked at.
    let mut secure = pcmu(&a, Profile::Savp);
    let key = KeySalt::new(&[7; 30]).unwrap();
    secure.crypto = vec![CryptoAttribute::new(CryptoSuite::AesCm128HmacSha1_80, key)];
    let third = create.replace("rtpbridge/1", "rtpbridge/2");
    let third = agent.describe(&format!("{third}sendrecv\r\n"), secure, osmo.address);
    assert_eq!(rtp_address(&third).ip(), osmo.address);

    for id in [first_id, second_id] {
        let delete = format!("DLCX # rtpbridge/1@mgw MGCP 1.0\r\nC: 1A\r\nI: {id}\r\n");
        let Response { code, params, .. } = agent.command(&delete);
        assert_eq!(code, ReturnCode::DELETED);
        let statistics = params.statistics.expect("a connection that ends tells its statistics");
        assert_eq!((statistics.packets_sent, statistics.packets_received), (Some(1), Some(1)));
    }
}
