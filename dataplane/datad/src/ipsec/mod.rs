//! MGCP behind IPsec: ESP packets of the call agents end here, in the control loop.
//!
//! The MGCP sockets stay open beside it. A datagram that policy wants protected and that comes to
//! one of them came in clear: it is dropped and counted. So nothing that a call agent says in clear
//! is heard where its words must be protected, and no answer leaves in clear.

mod raw;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use esp::{Flow, Gap, Ipsec, RequestId, SaReport, SaState};
use keying::manual::Manual;
use rand::CryptoRng;
use serde::Deserialize;
use stack::{Config as StackConfig, Stack, UdpId};
use status::Association;
use zeroize::Zeroizing;

use raw::RawSockets;

/// Packets taken at a time, so that a flood does not stop the rest.
const PACKETS_AT_A_TIME: usize = 64;
/// What packets through raw sockets may take.
const MTU: usize = 1500;

/// Settings of IPsec.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IpsecConfig {
    /// Associations by hand.
    pub manual: Vec<Manual>,
}

impl IpsecConfig {
    /// What single values cannot show: that the associations are of MGCP addresses.
    pub fn check(&self, listen: &[SocketAddr]) -> Result<(), String> {
        for manual in &self.manual {
            let name = &manual.name;
            if !manual.local.is_ipv4() || !manual.remote.is_ipv4() {
                return Err(format!("the association `{name}` must be between IPv4 addresses"));
            }
            if !listen.iter().any(|address| address.ip() == manual.local) {
                return Err(format!(
                    "the association `{name}` begins at {}, which is not in \
                     datad.gateway.listen",
                    manual.local
                ));
            }
        }
        Ok(())
    }
}

/// The protected side of the MGCP sockets.
pub struct Protected {
    stack: Stack,
    raw: RawSockets,
    /// One for each port that MGCP listens on.
    sockets: Vec<(u16, UdpId)>,
    /// Datagrams that came in clear and must not.
    clear: u64,
}

impl Protected {
    /// Reads the keys and opens raw sockets, which takes CAP_NET_RAW.
    pub fn open(
        now: Instant,
        config: &IpsecConfig,
        listen: &[SocketAddr],
        rng: &mut dyn CryptoRng,
    ) -> anyhow::Result<Self> {
        let mut ipsec = Ipsec::new(esp::Config::default());
        let mut policies = Vec::new();
        for (number, manual) in config.manual.iter().enumerate() {
            let request = RequestId(number as u32 + 1);
            let mut seed = [0; 16];
            rng.fill_bytes(&mut seed);
            add(now, &mut ipsec, manual, request, seed)
                .with_context(|| format!("the association `{}`", manual.name))?;
            policies.extend(manual.policies(request));
        }
        ipsec.set_policies(policies);
        let addresses: Vec<_> = config.manual.iter().map(|manual| manual.local).collect();
        let raw = RawSockets::open(&addresses).context(
            "cannot open raw sockets for ESP; IPsec needs CAP_NET_RAW, so start as root",
        )?;
        let settings = StackConfig { addresses: unique(addresses), mtu: MTU, seed: rng.next_u64() };
        let mut stack = Stack::new(now, ipsec, &settings);
        let ports = unique(listen.iter().map(SocketAddr::port).collect());
        let sockets = ports.into_iter().map(|port| Ok((port, stack.listen_udp(port)?)));
        let sockets = sockets.collect::<Result<_, stack::SocketError>>()?;
        Ok(Self { stack, raw, sockets, clear: 0 })
    }

    /// Becomes readable when packets have come.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        self.raw.descriptors()
    }

    /// Whether policy wants datagrams between the two protected.
    pub fn demands(&self, now: Instant, ours: SocketAddr, peer: SocketAddr) -> bool {
        match self.stack.ipsec().covers(now, &flow(ours, peer)) {
            Ok(_) => true,
            Err(gap) => !matches!(gap.why, Gap::Bypass | Gap::NoPolicy),
        }
    }

    /// Notes that a datagram came in clear and was not heard.
    pub fn came_in_clear(&mut self) {
        self.clear += 1;
    }

    /// Sends a datagram that must be protected. Without an association it goes nowhere.
    pub fn send(&mut self, now: Instant, ours: SocketAddr, to: SocketAddr, datagram: &[u8]) {
        let socket = self.sockets.iter().find(|(port, _)| *port == ours.port());
        let Some(&(_, socket)) = socket else { return };
        // What is lost here is sent again by the rules of transactions.
        let _ = self.stack.send_udp(socket, Some(ours.ip()), to, datagram);
        self.pump(now);
    }

    /// Takes packets that have come; `hear` gets to which address of ours a datagram came, from whom,
    /// what it says, and whether IPsec covered its path, so that nobody on it could read. False when
    /// there may be more.
    pub fn read(
        &mut self,
        now: Instant,
        mut hear: impl FnMut(SocketAddr, SocketAddr, &[u8], bool),
    ) -> io::Result<bool> {
        let mut buffer = vec![0; 1 << 16];
        let mut exhausted = false;
        for _ in 0..PACKETS_AT_A_TIME {
            let Some(len) = self.raw.receive(&mut buffer)? else {
                exhausted = true;
                break;
            };
            self.stack.input(now, &buffer[..len]);
        }
        self.pump(now);
        for &(port, socket) in &self.sockets {
            while let Some(datagram) = self.stack.receive_udp(socket) {
                // Nothing in clear comes this way; what does is not believed.
                let Some(sa) = datagram.protected else { continue };
                let ours = SocketAddr::new(datagram.to, port);
                let ipsec = self.stack.ipsec();
                let covered = ipsec.sa(sa).is_some_and(|sa| sa.suite.encrypts())
                    && ipsec.covers(now, &flow(ours, datagram.from)).is_ok();
                hear(ours, datagram.from, &Zeroizing::new(datagram.payload), covered);
            }
        }
        Ok(exhausted)
    }

    /// When [`Protected::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        self.stack.poll_timeout(now)
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.pump(now);
    }

    /// The associations, for operators.
    pub fn report(&self) -> Vec<Association> {
        self.stack.ipsec().sas().map(association).collect()
    }

    /// Datagrams that came in clear where policy wants them protected.
    pub fn clear(&self) -> u64 {
        self.clear
    }

    fn pump(&mut self, now: Instant) {
        self.stack.poll(now);
        while let Some(packet) = self.stack.poll_output() {
            self.raw.send(&packet);
        }
        // Nobody brings successors, so there is nobody to tell.
        while self.stack.ipsec_mut().poll_event().is_some() {}
    }
}

fn add(
    now: Instant,
    ipsec: &mut Ipsec,
    manual: &Manual,
    request: RequestId,
    seed: [u8; 16],
) -> anyhow::Result<()> {
    let file = manual.keys.display();
    let metadata = fs::metadata(&manual.keys).with_context(|| format!("cannot read {file}"))?;
    ensure!(
        metadata.permissions().mode() & 0o077 == 0,
        "{file} holds keys and others may read it; chmod 600 {file}"
    );
    let text = Zeroizing::new(
        fs::read_to_string(&manual.keys).with_context(|| format!("cannot read {file}"))?,
    );
    let keys = match manual.read_keys(&text) {
        Ok(keys) => keys,
        Err(error) => bail!("{file}: {error}"),
    };
    for spec in manual.specs(&keys, request, seed) {
        ipsec.add_sa(now, spec)?;
    }
    Ok(())
}

fn flow(ours: SocketAddr, peer: SocketAddr) -> Flow {
    Flow::udp((ours.ip(), ours.port()), (peer.ip(), peer.port()))
}

fn unique<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}

fn association(sa: SaReport) -> Association {
    let state = match sa.state {
        SaState::Live => "live",
        SaState::Expiring => "expiring",
        SaState::Expired => "expired",
    };
    let mode = match sa.mode {
        esp::Mode::Transport => "transport",
        esp::Mode::Tunnel => "tunnel",
    };
    let drops = sa.stats.drops.iter().filter(|(_, count)| *count > 0);
    Association {
        direction: sa.direction.to_string(),
        spi: format!("{:08x}", sa.spi),
        source: sa.source,
        destination: sa.destination,
        mode: mode.into(),
        suite: sa.suite.name().into(),
        state: state.into(),
        packets: sa.stats.packets,
        clear_octets: sa.stats.clear_octets,
        wire_octets: sa.stats.wire_octets,
        dropped: drops.map(|(why, count)| (why.to_string(), count)).collect::<BTreeMap<_, _>>(),
    }
}
