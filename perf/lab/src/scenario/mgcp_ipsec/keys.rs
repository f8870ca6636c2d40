//! Calls whose keys travel by MGCP, and the search for these keys on the wire.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use mgcp::{CallId, ConnectionMode, EndpointName};

use crate::agent::{CallAgent, Connection, Party};
use crate::capture::Capture;
use crate::key::Key;

use super::site::AGENT;

/// Calls that there are.
const CALLS: usize = 3;

/// The calls, and every key that was said.
pub struct Calls {
    there: Vec<(CallId, Connection)>,
    keys: Vec<Key>,
    made: usize,
}

impl Calls {
    /// Makes them.
    pub fn set_up(agent: &mut CallAgent) -> Result<Self> {
        let mut calls = Self { there: Vec::new(), keys: Vec::new(), made: 0 };
        for _ in 0..CALLS {
            calls.add_one(agent)?;
        }
        Ok(calls)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.there.len()
    }

    /// One more. The telephone's key and the gateway's go there; the gateway's comes back.
    pub fn add_one(&mut self, agent: &mut CallAgent) -> Result<()> {
        let (call, connection) = self.create(agent)?;
        ensure!(connection.key.is_some(), "the gateway gave no key");
        self.keys.extend(connection.key.clone());
        self.there.push((call, connection));
        Ok(())
    }

    /// Asks for one more, which shall fail. Its keys were said in clear by us: they are not among
    /// those that are looked for.
    pub fn try_one_more(&mut self, agent: &mut CallAgent) -> Result<()> {
        let keys = self.keys.len();
        let created = self.create(agent).map(drop);
        self.keys.truncate(keys);
        created
    }

    /// The gateway has forgotten them.
    pub fn begin_anew(&mut self, agent: &mut CallAgent) -> Result<()> {
        self.there.clear();
        for _ in 0..CALLS {
            self.add_one(agent)?;
        }
        Ok(())
    }

    /// Changes the mode of each.
    pub fn hold_all(&self, agent: &mut CallAgent) -> Result<()> {
        let hold = |(call, connection): &(CallId, Connection)| {
            agent.set_mode(*call, connection, ConnectionMode::Inactive)
        };
        self.there.iter().try_for_each(hold)
    }

    /// Ends each.
    pub fn delete_all(&mut self, agent: &mut CallAgent) -> Result<()> {
        for (call, connection) in self.there.drain(..) {
            agent.delete(call, &connection)?;
        }
        Ok(())
    }

    /// Looks for every key in what was recorded, as octets and as text, and for MGCP in clear.
    pub fn are_not_in(&self, capture: &Capture) -> Result<String> {
        let octets = capture.octets()?;
        for key in &self.keys {
            ensure!(!contains(&octets, key.octets()), "a key is on the wire");
            ensure!(!contains(&octets, key.base64().as_bytes()), "a key is on the wire, as text");
        }
        let esp = capture.fields(&[], "udp.port == 4500 && esp", &["esp.spi"])?;
        let mut spis: Vec<_> = esp.iter().flatten().collect();
        spis.sort_unstable();
        spis.dedup();
        // What the call agent said in clear is there; nothing that the gateway said is.
        let answers = capture.fields(&[], "udp.srcport == 2427", &["ip.src"])?;
        ensure!(answers.is_empty(), "{} datagrams of MGCP left in clear", answers.len());
        ensure!(!esp.is_empty(), "there is no ESP on the wire");
        Ok(format!(
            "{} keys, {} ESP packets of {} associations, no MGCP of the gateway",
            self.keys.len(),
            esp.len(),
            spis.len()
        ))
    }

    fn create(&mut self, agent: &mut CallAgent) -> Result<(CallId, Connection)> {
        self.made += 1;
        let call: CallId = format!("C{}", self.made).parse().context("a call identifier")?;
        let keys = [Key::random()?, Key::random()?];
        let address = SocketAddr::new(AGENT[1].parse()?, 40_000 + 2 * self.made as u16);
        let party = Party { address, key: Some(&keys[0]), gateway_key: Some(&keys[1]) };
        let endpoint: EndpointName = "pr/$@gw1".parse().context("an endpoint name")?;
        let mode = ConnectionMode::SendRecv;
        let created = agent.create(&endpoint, call, &party, mode);
        self.keys.extend(keys);
        Ok((call, created?))
    }
}

fn contains(octets: &[u8], what: &[u8]) -> bool {
    octets.windows(what.len()).any(|window| window == what)
}
