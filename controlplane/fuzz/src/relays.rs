//! The call agent, and relays that say anything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callagent::{Agent, Config, RelayConfig, Report};
use callmanager::codec::Codec;
use callmanager::keys::StreamKeys;
use callmanager::switchboard::{
    CallId, LinkId, RelayOrder, RelayedEnd, RelayedKeys, RelayedLink, StreamId,
};

/// What a relay says, datagram by datagram, each ended by a zero. A `#` in it is the transaction of
/// the latest command. The first byte says whether the stream is encrypted. Whatever it says, the
/// order is answered once, and nothing stays when the stream is closed.
pub fn answers(input: &[u8]) {
    let [kind, said @ ..] = input else { return };
    let now = Instant::now();
    let relay = SocketAddr::from(([10, 9, 0, 1], 2427));
    let relays = vec![RelayConfig { name: "relay1".to_owned(), addresses: vec![relay] }];
    let agent = Agent::new(now, Config::new("cm1", relays), 1).expect("the configuration is sound");
    let mut desk = Desk { now, agent, transaction: String::new(), opened: 0 };
    desk.agent.order(now, RelayOrder::Open(link(kind & 1 == 1)));
    desk.turn();
    for datagram in said.split(|byte| *byte == 0) {
        let datagram = named(datagram, &desk.transaction);
        desk.agent.handle_datagram(desk.now, relay, &datagram);
        desk.turn();
        desk.pass(Duration::from_millis(100));
    }
    desk.pass(Duration::from_secs(5));
    assert_eq!(desk.opened, 1, "an order is answered once");
    desk.agent.order(desk.now, RelayOrder::Close { link: LINK });
    desk.pass(Duration::from_secs(120));
    assert!(desk.agent.is_idle(), "{:?}", desk.agent.relays());
}

const LINK: LinkId = LinkId(1);

struct Desk {
    now: Instant,
    agent: Agent,
    transaction: String,
    opened: usize,
}

impl Desk {
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.agent.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.agent.handle_timeout(self.now);
            self.turn();
        }
        self.now = end;
    }

    fn turn(&mut self) {
        while let Some((_, datagram)) = self.agent.poll_datagram() {
            let text = std::str::from_utf8(&datagram).expect("MGCP is text");
            // Our answers begin with their codes.
            if text.starts_with(|first: char| first.is_ascii_uppercase()) {
                self.transaction = text.split(' ').nth(1).unwrap_or_default().to_owned();
            }
        }
        while let Some(report) = self.agent.poll_report() {
            self.opened += usize::from(matches!(report, Report::Opened { .. }));
        }
    }
}

fn link(secure: bool) -> RelayedLink {
    let end = |number: u8| {
        let keys = secure.then(|| StreamKeys::fresh().expect("the system has random numbers"));
        RelayedEnd {
            stream: StreamId(number.into()),
            address: SocketAddr::from(([10, 1, 0, number], 20_000)),
            sends: true,
            receives: true,
            keys: keys.map(|keys| RelayedKeys {
                from_device: Arc::new(keys.forth),
                to_device: Arc::new(keys.back),
            }),
        }
    };
    RelayedLink { link: LINK, call: CallId(1), codec: Codec::G711_ULAW, ends: [end(1), end(2)] }
}

/// With the transaction in its place.
pub(crate) fn named(datagram: &[u8], transaction: &str) -> Vec<u8> {
    let mut parts = datagram.splitn(2, |byte| *byte == b'#');
    let (head, tail) = (parts.next().unwrap_or_default(), parts.next());
    match tail {
        Some(tail) => [head, transaction.as_bytes(), tail].concat(),
        None => head.to_vec(),
    }
}
