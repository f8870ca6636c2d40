//! The `ng` front: whatever a SIP proxy says, it is answered once, and the books agree.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use engine::command::{Command, LegId, LegStats, Refusal, Reply, RtcpPolicy, SourceRule};
use media::{Network, Ports};
use ng::message::{Message, write};
use ng::{Asker, Config, Ng, Received, Speech, Stream, bencode, limits};
use port::PortId;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// One message: what is written is read as the same.
pub fn message(bytes: &[u8]) {
    let Some(message) = Message::parse(bytes) else { return };
    let Ok(said) = &message.dictionary else { return };
    let mut written = Vec::new();
    bencode::write_dictionary(said, &mut written);
    let (read, len) = bencode::parse_prefix(&written).expect("what was written is legal");
    assert_eq!((read.as_dictionary(), len), (Some(said), written.len()));
    // JSON has no octets that are not text.
    let json = write(&message.cookie, ng::message::Encoding::Json, said);
    if json.len() <= limits::MESSAGE && !String::from_utf8_lossy(&json).contains('\u{fffd}') {
        let again = Message::parse(&json).expect("the cookie is the same");
        assert_eq!(again.dictionary.as_ref(), Ok(said));
    }
}

/// Messages of a proxy, with a NUL between them. Octet 1 at the front of one: the engine refuses
/// what it brings about; octet 2: a minute passes before it.
pub fn calls(bytes: &[u8]) {
    let mut site = Site::new();
    for (number, chunk) in bytes.split(|&byte| byte == 0).enumerate() {
        let (refuses, minutes, said) = match chunk {
            [1, said @ ..] => (true, 0, said),
            [2, said @ ..] => (false, 1, said),
            said => (false, 0, said),
        };
        site.pass(Duration::from_secs(60 * minutes));
        // Nothing is said twice.
        let said = [format!("{number}-").as_bytes(), said].concat();
        let has_cookie = Message::parse(&said).is_some();
        assert_eq!(site.say(&said, refuses), usize::from(has_cookie), "one answer to each");
        assert_eq!(site.ng.flows().len(), site.legs.len());
        assert_eq!(site.ports.lent(), site.legs.len());
    }
    site.pass(Duration::from_secs(600));
    assert_eq!((site.legs.len(), site.ports.lent()), (0, 0), "silence ends all calls");
}

/// A connection: the first octet says which kind, and in pieces of what length it comes.
pub fn stream(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    let speech = if kind & 1 == 0 { Speech::Tcp } else { Speech::Http };
    let whole = read(speech, bytes, bytes.len().max(1));
    let pieces = read(speech, bytes, usize::from(kind >> 1) + 1);
    assert_eq!(whole, pieces, "it does not matter how it is cut");
}

/// What comes out of a connection until it breaks.
fn read(speech: Speech, bytes: &[u8], piece: usize) -> Vec<Received> {
    let mut stream = Stream::new(speech);
    let mut seen = Vec::new();
    for piece in bytes.chunks(piece) {
        stream.push(piece);
        loop {
            match stream.poll() {
                Ok(Some(received)) => seen.push(received),
                Ok(None) => break,
                Err(_) => return seen,
            }
        }
    }
    seen
}

/// A front, and what the engine believes of it.
struct Site {
    now: Instant,
    ng: Ng,
    ports: Ports,
    legs: HashSet<LegId>,
}

impl Site {
    fn new() -> Self {
        let now = Instant::now();
        let network = |name: &str, port, address: &str| Network {
            name: name.into(),
            port: PortId(port),
            addresses: vec![address.parse().expect("an address")],
            prefixes: Vec::new(),
            ports: 16384..=16399,
        };
        let networks = vec![network("inside", 0, "10.1.0.1"), network("outside", 1, "192.0.2.1")];
        let mut rng = StdRng::seed_from_u64(1);
        let ports = Ports::new(&networks, &mut rng);
        let config = Config {
            networks,
            streams: 8,
            source: SourceRule::Exact,
            rtcp: RtcpPolicy::LikeRtp,
            timeout: Duration::from_secs(100),
            unix: 0,
        };
        let ng = Ng::new(now, config, ports.clone(), Box::new(rng));
        Self { now, ng, ports, legs: HashSet::new() }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.ng.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.ng.handle_timeout(self.now);
            self.settle(false);
        }
        self.now = end;
    }

    /// Says something, and gives the number of answers.
    fn say(&mut self, said: &[u8], refuses: bool) -> usize {
        let address = SocketAddr::from(([127, 0, 0, 1], 5000));
        self.ng.handle_message(self.now, Asker { door: 0, address }, said);
        self.settle(refuses);
        std::iter::from_fn(|| self.ng.poll_answer()).count()
    }

    fn settle(&mut self, refuses: bool) {
        let mut number = 0;
        while let Some((token, command)) = self.ng.poll_command() {
            number += 1;
            let changes = matches!(command, Command::Open { .. } | Command::Modify { .. });
            // Every other one, so that some are to be taken back.
            let reply = match refuses && changes && number % 2 == 0 {
                true => Reply::Refused(Refusal::PortFailed),
                false => self.execute(command),
            };
            self.ng.handle_reply(self.now, token, reply);
        }
    }

    fn execute(&mut self, command: Command) -> Reply {
        match command {
            Command::Open { leg, .. } => {
                assert!(self.legs.insert(leg), "a number of a leg is used once");
                Reply::Done
            }
            Command::Modify { leg, .. } if self.legs.contains(&leg) => Reply::Done,
            Command::Close { leg } if self.legs.remove(&leg) => Reply::Stats(LegStats::default()),
            Command::Query { leg } if self.legs.contains(&leg) => Reply::Stats(LegStats::default()),
            _ => Reply::Refused(Refusal::UnknownLeg),
        }
    }
}
