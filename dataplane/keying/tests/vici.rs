//! What charon says, from literal octets to whether a flow is covered.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use esp::{Flow, Mode};
use proptest::prelude::*;
use ringfence_keying::vici::{
    Charon, Element, Expected, Gap, MAX_PACKET, Message, Packet, ProtocolError, Reader, Watch,
};

fn octets(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    let octet = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(octet).collect()
}

fn read(octets: &[u8]) -> Result<Option<Packet>, ProtocolError> {
    let mut reader = Reader::default();
    reader.push(octets);
    reader.next_packet()
}

/// Exchanges with charon 5.9.8.
#[test]
fn packets_have_the_octets_that_charon_takes() {
    let initiate = Message::new().value("child", "sig").value("timeout", "5000");
    let literal = [
        (Packet::Register("child-updown".into()), "0000000e 03 0c 6368696c642d7570646f776e"),
        (Packet::Confirmed, "00000001 05"),
        (Packet::Register("alert".into()), "00000007 03 05 616c657274"),
        (Packet::EventUnknown, "00000001 06"),
        (Packet::Command("version".into(), Message::new()), "00000009 00 07 76657273696f6e"),
        (Packet::CommandUnknown, "00000001 02"),
        (
            Packet::Command("initiate".into(), initiate),
            "00000025 00 08 696e697469617465 0305 6368696c64 0003 736967
             0307 74696d656f7574 0004 35303030",
        ),
    ];
    for (packet, digits) in literal {
        assert_eq!(packet.to_bytes(), octets(digits), "{packet:?}");
        assert_eq!(read(&octets(digits)), Ok(Some(packet)));
    }
}

#[test]
fn what_is_no_packet_is_refused() {
    let refused = [
        ("00000000", ProtocolError::Empty),
        ("00000001 09", ProtocolError::Kind(9)),
        ("00000001 07", ProtocolError::Name),
        ("00000003 07 05 61", ProtocolError::Name),
        ("00000003 07 01 ff", ProtocolError::Name),
        ("00080001", ProtocolError::TooLong(MAX_PACKET + 1)),
        ("ffffffff", ProtocolError::TooLong(u32::MAX as usize)),
    ];
    for (digits, why) in refused {
        assert_eq!(read(&octets(digits)), Err(why), "{digits}");
    }
    for message in ["02", "04 0161", "03 0161 0005 61", "01 0161", "05 0000", "04 0161 03", "00"] {
        let octets = [&[1], &octets(message)[..]].concat();
        assert!(matches!(Packet::parse(&octets), Err(ProtocolError::Message(_))), "{message}");
    }
    let deep = [1u8, 1, b'a'].repeat(1000);
    assert!(Message::parse(&deep).is_err());
}

fn message() -> impl Strategy<Value = Message> {
    let value = || prop::collection::vec(any::<u8>(), 0..40);
    let leaf = prop_oneof![
        value().prop_map(Element::Value),
        prop::collection::vec(value(), 0..4).prop_map(Element::List),
    ];
    let section = |elements: Vec<(String, Element)>| {
        elements.into_iter().fold(Message::new(), |all, (name, one)| all.element(&name, one))
    };
    let element = leaf.prop_recursive(6, 40, 5, move |inner| {
        prop::collection::vec(("[a-z0-9-]{0,20}", inner), 0..5)
            .prop_map(move |elements| Element::Section(section(elements)))
    });
    prop::collection::vec(("[a-z0-9-]{1,20}", element), 0..5).prop_map(section)
}

proptest! {
    #[test]
    fn messages_come_back_as_they_were(message in message(), cuts in prop::collection::vec(any::<u8>(), 1..9)) {
        let packets = [
            Packet::Event("list-sa".into(), message.clone()),
            Packet::Response(message),
            Packet::Confirmed,
        ];
        let stream = packets.each_ref().map(Packet::to_bytes).concat();
        let (mut reader, mut heard, mut rest) = (Reader::default(), Vec::new(), &stream[..]);
        for cut in cuts.iter().cycle() {
            let (piece, more) = rest.split_at(usize::from(*cut).clamp(1, rest.len()));
            reader.push(piece);
            while let Some(packet) = reader.next_packet().unwrap() {
                heard.push(packet);
            }
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(&heard[..], &packets[..]);
    }

    #[test]
    fn nothing_makes_the_client_fall_over(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..9)) {
        let now = Instant::now();
        let mut charon = Charon::new();
        charon.connected(now);
        for piece in pieces {
            if charon.handle_input(now, &piece).is_err() {
                charon.disconnected("nonsense");
                charon.connected(now);
            }
        }
    }
}

/// A pair as `list-sas` tells it, with some values different.
fn listed(changes: &[(&str, &str)]) -> Message {
    let values = [
        ("name", "mgcp"),
        ("uniqueid", "7"),
        ("reqid", "3"),
        ("state", "INSTALLED"),
        ("mode", "TUNNEL"),
        ("protocol", "ESP"),
        ("encap", "yes"),
        ("spi-in", "c0000001"),
        ("spi-out", "0c0ffee0"),
        ("encr-alg", "AES_GCM_16"),
        ("encr-keysize", "128"),
        ("bytes-in", "300"),
        ("bytes-out", "400"),
        ("packets-in", "3"),
        ("packets-out", "4"),
        ("rekey-time", "3000"),
        ("life-time", "3900"),
        ("install-time", "60"),
    ];
    let changed = |name: &str| changes.iter().find(|(other, _)| *other == name).map(|c| c.1);
    let mut child = Message::new();
    for (name, value) in values {
        match changed(name) {
            Some("") => {}
            other => child = child.value(name, other.unwrap_or(value)),
        }
    }
    for (name, value) in
        [("local-ts", "10.1.0.1/32[udp/2427]"), ("remote-ts", "10.2.0.1/32[udp/2427]")]
    {
        let value = changed(name).unwrap_or(value);
        child = child.element(name, Element::List(vec![value.into()]));
    }
    let children = Message::new().element("mgcp-7", Element::Section(child));
    let ike = Message::new()
        .value("uniqueid", "2")
        .value("version", "2")
        .value("state", "ESTABLISHED")
        .value("local-host", "192.0.2.1")
        .value("remote-host", "192.0.2.2")
        .value("local-id", "cm1.example")
        .value("remote-id", changed("remote-id").unwrap_or("gw1.example"))
        .element("child-sas", Element::Section(children));
    Message::new().element("mgcp-gw1", Element::Section(ike))
}

/// Charon's side: answers what it is asked.
struct Server {
    reader: Reader,
    sas: Vec<Message>,
    policies: Vec<Message>,
    /// Names of what was asked.
    asked: Vec<String>,
}

impl Server {
    fn new(sas: Vec<Message>) -> Self {
        Self { reader: Reader::default(), sas, policies: Vec::new(), asked: Vec::new() }
    }

    fn answer(&mut self, octets: &[u8]) -> Vec<u8> {
        self.reader.push(octets);
        let mut said = Vec::new();
        while let Some(packet) = self.reader.next_packet().unwrap() {
            let (name, packets) = match packet {
                // As an old version does with an event it has not.
                Packet::Register(name) if name == "ike-update" => {
                    (name, vec![Packet::EventUnknown])
                }
                Packet::Register(name) => (name, vec![Packet::Confirmed]),
                Packet::Command(name, _) => {
                    let (event, list) = match &*name {
                        "list-sas" => ("list-sa", &self.sas),
                        "list-policies" => ("list-policy", &self.policies),
                        _ => ("list-conn", &Vec::new()),
                    };
                    let events = list.iter().map(|m| Packet::Event(event.into(), m.clone()));
                    (name, events.chain([Packet::Response(Message::new())]).collect())
                }
                other => panic!("{other:?}"),
            };
            self.asked.push(name);
            said.extend(packets.iter().flat_map(Packet::to_bytes));
        }
        said
    }
}

/// Lets both talk until nobody has anything to say.
fn talk(now: Instant, charon: &mut Charon, server: &mut Server) {
    while let Some(question) = charon.poll_output() {
        let answer = server.answer(&question);
        charon.handle_input(now, &answer).unwrap();
    }
}

fn mgcp() -> Flow {
    Flow::udp(("10.1.0.1".parse().unwrap(), 2427), ("10.2.0.1".parse().unwrap(), 2427))
}

const GW1: Expected<'_> = Expected { peer: Some("gw1.example"), mode: None };

// R: MGCP-04
#[test]
fn a_flow_is_covered_when_everything_holds_and_else_the_reason_is_told() {
    let now = Instant::now();
    let gap = |changes: &[(&str, &str)], expected: &Expected<'_>| {
        let (mut charon, mut server) = (Charon::new(), Server::new(vec![listed(changes)]));
        charon.connected(now);
        talk(now, &mut charon, &mut server);
        charon.picture().coverage(now, &mgcp(), expected)
    };
    let covered = gap(&[], &GW1).unwrap();
    assert_eq!((covered.spi_in, covered.spi_out, covered.id), (0xc000_0001, 0x0c0f_fee0, 7));
    assert_eq!((&*covered.suite, &*covered.peer), ("AES_GCM_16_128", "gw1.example"));
    assert!(gap(&[], &Expected { mode: Some(Mode::Tunnel), ..GW1 }).is_ok());
    assert!(gap(&[("state", "REKEYING")], &GW1).is_ok());
    let dn = "C=JP, O=Example, CN=gw1";
    let peer = Some("C=JP,O=Example,CN=gw1");
    assert!(gap(&[("remote-id", dn)], &Expected { peer, mode: None }).is_ok());

    let whom = || Gap::WrongPeer("gw2.example".into());
    let gaps: [(&[(&str, &str)], Gap); 11] = [
        (&[("state", "DELETED")], Gap::NotInstalled("DELETED".into())),
        (&[("life-time", "0")], Gap::Expired),
        (&[("life-time", "-3")], Gap::Expired),
        (&[("encr-alg", "NULL"), ("integ-alg", "HMAC_SHA1_96")], Gap::NullCipher),
        (&[("encr-alg", "")], Gap::NullCipher),
        (&[("protocol", "AH")], Gap::NullCipher),
        (&[("encr-alg", "AES_CBC")], Gap::NoIntegrity),
        (&[("remote-id", "gw2.example")], whom()),
        (&[("remote-ts", "10.2.0.1/32[udp/2727]")], Gap::NoAssociation),
        (&[("local-ts", "dynamic")], Gap::NoAssociation),
        (&[("mode", "BEET")], Gap::WrongMode),
    ];
    for (changes, why) in gaps {
        assert_eq!(gap(changes, &GW1), Err(why), "{changes:?}");
    }
    let transport = Expected { mode: Some(Mode::Transport), ..GW1 };
    assert_eq!(gap(&[], &transport), Err(Gap::WrongMode));
}

#[test]
fn a_policy_that_lets_the_flow_pass_in_clear_is_noticed() {
    let now = Instant::now();
    let policy = |mode: &str, remote: &str| {
        let list = |text: &str| Element::List(vec![text.into()]);
        let policy = Message::new().value("mode", mode);
        let policy =
            policy.element("local-ts", list("10.1.0.1/32")).element("remote-ts", list(remote));
        Message::new().element("leak", Element::Section(policy))
    };
    for (mode, remote, leaks) in [
        ("PASS", "10.2.0.0/16", true),
        ("PASS", "10.2.0.1/32[udp/2727]", false),
        // Nobody knows what it takes in: perhaps this.
        ("PASS", "dynamic", true),
        ("TUNNEL", "10.2.0.0/16", false),
    ] {
        let (mut charon, mut server) = (Charon::new(), Server::new(vec![listed(&[])]));
        server.policies.push(policy(mode, remote));
        charon.connected(now);
        talk(now, &mut charon, &mut server);
        let answer = charon.picture().coverage(now, &mgcp(), &GW1);
        assert_eq!(answer.is_err(), leaks, "{mode} {remote}: {answer:?}");
    }
}

#[test]
fn changes_are_followed_and_silence_is_not_believed() {
    let mut now = Instant::now();
    let (mut charon, mut server) = (Charon::new(), Server::new(vec![listed(&[])]));
    assert!(matches!(charon.picture().coverage(now, &mgcp(), &GW1), Err(Gap::Unknown(_))));
    charon.connected(now);
    assert!(matches!(charon.picture().coverage(now, &mgcp(), &GW1), Err(Gap::Unknown(_))));
    talk(now, &mut charon, &mut server);
    assert!(charon.take_changed() && !charon.take_changed());
    assert!(charon.picture().coverage(now, &mgcp(), &GW1).is_ok());

    // It goes down; charon tells that something did.
    server.sas.clear();
    let event = Packet::Event("child-updown".into(), listed(&[]));
    charon.handle_input(now, &event.to_bytes()).unwrap();
    // Another one while we ask: we ask again.
    let event = Packet::Event("ike-updown".into(), listed(&[]));
    charon.handle_input(now, &event.to_bytes()).unwrap();
    server.asked.clear();
    talk(now, &mut charon, &mut server);
    assert_eq!(server.asked, ["list-sas", "list-conns", "list-policies"].repeat(2));
    assert_eq!(charon.picture().coverage(now, &mgcp(), &GW1), Err(Gap::NoAssociation));

    // Without any event it is asked every few seconds.
    server.sas.push(listed(&[]));
    now = charon.poll_timeout().unwrap();
    charon.handle_timeout(now).unwrap();
    talk(now, &mut charon, &mut server);
    assert!(charon.picture().coverage(now, &mgcp(), &GW1).is_ok());

    // It does not answer.
    now = charon.poll_timeout().unwrap();
    charon.handle_timeout(now).unwrap();
    now = charon.poll_timeout().unwrap();
    assert_eq!(charon.handle_timeout(now), Err(ProtocolError::Silent));
    assert!(matches!(charon.picture().coverage(now, &mgcp(), &GW1), Err(Gap::Unknown(_))));
    charon.disconnected("it is gone");
    assert_eq!(
        charon.picture().coverage(now, &mgcp(), &GW1),
        Err(Gap::Unknown("it is gone".into()))
    );
}

/// Over a real socket: charon comes late, goes and comes again.
#[test]
fn a_watch_finds_charon_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("charon.vici");
    let (tell, told) = mpsc::channel();
    let watch = Watch::start(&path, move || tell.send(()).unwrap()).unwrap();
    let until = |what: &str, holds: &dyn Fn(&Result<_, Gap>) -> bool| {
        let end = Instant::now() + Duration::from_secs(60);
        while !holds(&watch.coverage(&mgcp(), &GW1)) {
            let left = end.saturating_duration_since(Instant::now());
            told.recv_timeout(left).unwrap_or_else(|_| panic!("not in time: {what}"));
        }
    };
    until("no socket", &|answer| matches!(answer, Err(Gap::Unknown(_))));
    for _ in 0..2 {
        let listener = UnixListener::bind(&path).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let mut server = Server::new(vec![listed(&[])]);
        while server.asked.last().is_none_or(|name| name != "list-policies") {
            serve(&mut stream, &mut server);
        }
        until("covered", &|answer| answer.is_ok());
        drop((stream, listener));
        std::fs::remove_file(&path).unwrap();
        until("unknown", &|answer| matches!(answer, Err(Gap::Unknown(_))));
    }
}

fn serve(stream: &mut UnixStream, server: &mut Server) {
    let mut buffer = [0; 4096];
    let len = stream.read(&mut buffer).unwrap();
    assert_ne!(len, 0, "the client has gone");
    stream.write_all(&server.answer(&buffer[..len])).unwrap();
}
