//! A call in one direction, whose packets are counted at both ends.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mgcp::{CallId, ConnectionMode, EndpointName};

use super::super::relay::topology::PHONE;
use super::super::relay::topology::{Family, Side, Topology};
use crate::agent::{CallAgent, Connection, Party};
use crate::key::Key;
use crate::probe::{PAYLOAD, Probe};

/// Faster than a telephone, so that one packet in a thousand shows soon.
const PACE: Duration = Duration::from_millis(4);

/// How long the last packets may take.
const REST: Duration = Duration::from_millis(500);

/// Two probes and the connections between them.
pub struct Talk {
    id: CallId,
    a: Probe,
    b: Probe,
    connections: [Connection; 2],
    sent: u64,
}

/// What came of a talk.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    pub sent: u64,
    pub received: u64,
}

impl Talk {
    /// Sets it up, with telephones at `port`, under keys or not.
    pub fn set_up(
        agent: &mut CallAgent,
        network: &Topology,
        family: Family,
        id: &str,
        port: u16,
        secured: bool,
    ) -> Result<Self> {
        let id: CallId = id.parse().context("a call identifier")?;
        let any: EndpointName = "pr/$@relay1".parse().context("an endpoint name")?;
        let key = || secured.then(Key::random).transpose();
        let keys = [key()?, key()?];
        let addresses = [Side::Inside, Side::Outside].map(|side| family.socket(side, PHONE, port));
        let party =
            |n: usize| Party { address: addresses[n], key: keys[n].as_ref(), gateway_key: None };
        let a = agent.create(&any, id, &party(0), ConnectionMode::SendRecv)?;
        let b = agent.create(&a.endpoint, id, &party(1), ConnectionMode::SendRecv)?;
        let probe = |namespace, n: usize, connection: &Connection| {
            Probe::open(namespace, addresses[n], keys[n].as_ref(), connection.key.as_ref())
        };
        Ok(Self {
            id,
            a: probe(&network.phone_a, 0, &a)?,
            b: probe(&network.phone_b, 1, &b)?,
            connections: [a, b],
            sent: 0,
        })
    }

    /// A sends and B listens; what comes must be what was sent.
    pub fn talk(&mut self, time: Duration) -> Result<Heard> {
        let Self { a, b, connections, .. } = self;
        let relay = connections[0].address;
        b.socket.set_read_timeout(Some(REST))?;
        let over = AtomicBool::new(false);
        let heard = thread::scope(|scope| {
            let listener = scope.spawn(|| {
                let mut received = 0;
                loop {
                    match b.arrival() {
                        Ok(packet) => {
                            let payload = b.payload(packet)?;
                            ensure!(payload == [0x2a; PAYLOAD], "B received another packet");
                            received += 1;
                        }
                        // Silence is no end while A still speaks.
                        Err(_) if over.load(Ordering::Relaxed) => return Ok(received),
                        Err(_) => {}
                    }
                }
            });
            let (start, mut sent) = (Instant::now(), 0u32);
            while start.elapsed() < time {
                let packet = a.writer.packet(&[0x2a; PAYLOAD])?;
                a.socket.send_to(&packet, relay)?;
                sent += 1;
                thread::sleep((PACE * sent).saturating_sub(start.elapsed()));
            }
            over.store(true, Ordering::Relaxed);
            let received: Result<u64> = listener.join().expect("it does not panic");
            Ok::<_, anyhow::Error>(Heard { sent: sent.into(), received: received? })
        })?;
        self.sent += heard.sent;
        Ok(heard)
    }

    pub fn id(&self) -> CallId {
        self.id
    }

    pub fn endpoint(&self) -> &str {
        self.connections[0].endpoint.as_str()
    }

    /// The connection that A sends to.
    pub fn from(&self) -> &Connection {
        &self.connections[0]
    }

    pub fn connections(&self) -> &[Connection; 2] {
        &self.connections
    }

    /// Packets that A has sent so far.
    pub fn sent(&self) -> u64 {
        self.sent
    }
}

impl Heard {
    /// Fails if a larger share was lost.
    pub fn lose_at_most(self, share: f64) -> Result<()> {
        ensure!(self.received <= self.sent, "more packets came than were sent: {self}");
        let lost = (self.sent - self.received) as f64 / self.sent as f64;
        ensure!(lost <= share, "{self}: that is more than {share} lost");
        Ok(())
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} packets", self.received, self.sent)
    }
}
