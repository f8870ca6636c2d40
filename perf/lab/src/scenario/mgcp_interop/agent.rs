//! Our call agent with a socket in a namespace.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use callagent::{Agent, Config, RelayConfig, Report};
use callmanager::switchboard::RelayOrder;

use crate::net::Namespace;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(15);
const TICK: Duration = Duration::from_millis(20);

/// The call agent.
pub(super) struct CallAgent {
    agent: Agent,
    socket: UdpSocket,
}

impl CallAgent {
    /// An agent at `address` with one plain gateway, osmo-mgw.
    pub(super) fn open(
        office: &Namespace,
        address: SocketAddr,
        gateway: SocketAddr,
    ) -> Result<Self> {
        let socket = office.udp(address)?;
        socket.set_read_timeout(Some(TICK)).context("cannot set a time-out")?;
        let relay = RelayConfig { name: "mgw".to_owned(), addresses: vec![gateway] };
        let config = Config::new("lab", vec![relay]).with_plain("mgw", "rtpbridge/*");
        let agent = Agent::new(Instant::now(), config, std::process::id().into())?;
        Ok(Self { agent, socket })
    }

    /// Orders something, and waits for what comes of it.
    pub(super) fn order(&mut self, order: RelayOrder) -> Result<Report> {
        self.agent.order(Instant::now(), order);
        self.until("an answer to an order", |agent| match agent.poll_report()? {
            Report::Alarm(_) => None,
            report => Some(report),
        })
    }

    /// Lets it work until it has found something.
    pub(super) fn until<T>(
        &mut self,
        what: &str,
        mut found: impl FnMut(&mut Agent) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(found) = found(&mut self.agent) {
                return Ok(found);
            }
            self.turn()?;
        }
        bail!("{what} did not come within {PATIENCE:?}")
    }

    fn turn(&mut self) -> Result<()> {
        let mut buffer = [0; 4096];
        while let Some((to, datagram)) = self.agent.poll_datagram() {
            // What is lost is sent again.
            let _ = self.socket.send_to(&datagram, to);
        }
        if let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
            self.agent.handle_datagram(Instant::now(), from, &buffer[..len]);
        }
        self.agent.handle_timeout(Instant::now());
        Ok(())
    }
}
