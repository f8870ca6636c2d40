//! MGCP behind IPsec: ESP packets of the call agents end here, in the control loop.
//!
//! The MGCP sockets stay open beside it. A datagram that policy wants protected and that comes to
//! one of them came in clear: it is dropped and counted. So nothing that a call agent says in clear
//! is heard where its words must be protected, and no answer leaves in clear.
//!
//! Associations are in the configuration, for laboratories, or an IKE daemon negotiates them and its
//! plugin brings them (`daemon.rs`). When that daemon goes, they go; what must be protected is not
//! said in clear then, but not at all.
//!
//! ESP comes through the kernel's raw sockets (`raw.rs`), or past it (`bypass.rs`).

mod bypass;
mod config;
mod daemon;
mod paths;
mod raw;
mod report;

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use esp::{Event, Flow, Gap, Ipsec, RequestId, SaId, encapsulation};
use keying::feed::{Answer, Feed};
use keying::manual::Manual;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rand::CryptoRng;
use stack::{Config as StackConfig, Stack, TcpId, UdpId};
use status::{Association, IpsecState};
use tracing::{info, warn};
use zeroize::Zeroizing;

pub use bypass::BypassPort;
pub use config::IpsecConfig;

use bypass::{Bypass, BypassConfig};
use daemon::{DaemonLine, Line};
use paths::Path;
use raw::RawSockets;

/// Packets taken at a time, so that a flood does not stop the rest.
const PACKETS_AT_A_TIME: usize = 64;
/// Ports of connections that we open have these bits (RFC 6335 §6).
const EPHEMERAL: u16 = 0xc000;
/// What packets through raw sockets may take.
const MTU: usize = 1500;

/// Policies for daemons' peers carry numbers from here downwards, which no daemon uses: it counts
/// upwards from one.
const PEERS_REQUESTS: u32 = u32::MAX;

/// The protected side of the MGCP sockets.
pub struct Protected {
    stack: Stack,
    raw: RawSockets,
    /// Addresses that ESP comes to and the kernel does not have.
    own: Vec<IpAddr>,
    bypass: Option<Bypass>,
    feed: Feed,
    /// Where an IKE daemon comes, if there are peers that it negotiates with.
    line: Option<DaemonLine>,
    rng: Box<dyn CryptoRng>,
    paths: Vec<Path>,
    /// When paths were looked at last.
    looked: Instant,
    /// One for each port that MGCP listens on.
    sockets: Vec<(u16, UdpId)>,
    /// Datagrams that came in clear and must not.
    clear: u64,
}

impl Protected {
    /// Reads the keys and opens raw sockets, which takes CAP_NET_RAW. MGCP comes to `listen`;
    /// `agent` tells at which port a call agent of that address is.
    pub fn open(
        now: Instant,
        config: &IpsecConfig,
        listen: &[SocketAddr],
        agent: impl Fn(IpAddr) -> SocketAddr,
        mut rng: Box<dyn CryptoRng>,
    ) -> anyhow::Result<Self> {
        let mut ipsec = Ipsec::new(esp::Config::default());
        let mut policies = Vec::new();
        for (number, manual) in config.manual.iter().enumerate() {
            let request = RequestId(number as u32 + 1);
            add(now, &mut ipsec, manual, request, seed(&mut *rng))
                .with_context(|| format!("the association `{}`", manual.name))?;
            policies.extend(manual.policies(request));
        }
        for (number, peer) in config.peer.iter().enumerate() {
            // No association ever carries this number: what the daemon has no policy for is lost.
            let request = RequestId(PEERS_REQUESTS - number as u32);
            policies.extend(peer.protect.policies(peer.local, peer.remote, request));
        }
        let outer = unique(config.outer_addresses());
        let own = match config.bypass {
            Some(_) => bypass::unknown_to_the_kernel(&outer),
            None => Vec::new(),
        };
        policies.extend(bypass::policies(&own));
        let feed = Feed::new(policies, &mut ipsec);
        let kernels: Vec<_> = outer.into_iter().filter(|one| !own.contains(one)).collect();
        let raw = RawSockets::open(&kernels).context(
            "cannot open raw sockets for ESP; IPsec needs CAP_NET_RAW, so start as root, and the \
             addresses must be ours",
        )?;
        let line = if config.peer.is_empty() {
            None
        } else {
            let path = &config.keys_socket;
            let context = || format!("cannot listen at {}", path.display());
            Some(DaemonLine::listen(path).with_context(context)?)
        };
        let addresses = unique([config.inner_addresses(), own.clone()].concat());
        ensure!(addresses.len() <= 8, "IPsec ends at eight addresses at most");
        let settings = StackConfig { addresses, mtu: MTU, seed: rng.next_u64() };
        let mut stack = Stack::new(now, ipsec, &settings);
        let ports = unique(listen.iter().map(SocketAddr::port).collect());
        let sockets = ports.into_iter().map(|port| Ok((port, stack.listen_udp(port)?)));
        let sockets = sockets.collect::<Result<_, stack::SocketError>>()?;
        let path = |name: &str, local: IpAddr, remote| {
            let ours = listen.iter().find(|address| address.ip() == local)?;
            Some(Path::new(now, name, *ours, agent(remote)))
        };
        let manual = config.manual.iter().map(|one| (&one.name, one.local, one.remote));
        let peers = config.peer.iter().map(|one| (&one.name, one.local, one.remote));
        let paths =
            manual.chain(peers).filter_map(|(name, local, remote)| path(name, local, remote));
        let paths = paths.collect();
        let mut protected = Self {
            stack,
            raw,
            own,
            bypass: None,
            feed,
            line,
            rng,
            paths,
            looked: now,
            sockets,
            clear: 0,
        };
        protected.look(now);
        Ok(protected)
    }

    /// Has ESP come past the kernel, through this port of the packet worker; without one only if the
    /// kernel has all addresses.
    pub fn bypass(
        &mut self,
        config: &BypassConfig,
        port: Option<BypassPort>,
    ) -> anyhow::Result<()> {
        let Some(port) = port else {
            let Some(address) = self.own.first() else {
                warn!(network = config.network, "not on XDP: ESP comes through the kernel");
                return Ok(());
            };
            bail!(
                "ESP is to come to {address}, which the kernel does not have; that takes XDP on the \
                 network `{}`. Give the address to an interface, or see why there is no XDP",
                config.network
            );
        };
        let mut bypass = Bypass::new(config, port, self.own.clone());
        bypass.steer(self.stack.ipsec());
        self.bypass = Some(bypass);
        Ok(())
    }

    /// Whether packets have come past the kernel.
    pub fn is_waited_for(&self) -> bool {
        self.bypass.as_ref().is_some_and(Bypass::is_waited_for)
    }

    /// Has packets come under one token, and the IKE daemon under another.
    pub fn register(
        &mut self,
        registry: &Registry,
        packets: Token,
        daemon: Token,
    ) -> io::Result<()> {
        for descriptor in self.raw.descriptors() {
            registry.register(&mut SourceFd(&descriptor), packets, Interest::READABLE)?;
        }
        self.line.as_mut().map_or(Ok(()), |line| line.register(registry, daemon))
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

    /// Opens a TCP connection that must be protected; none if policy does not want that. Without an
    /// association it stays unopened.
    pub fn connect_tcp(
        &mut self,
        now: Instant,
        ours: IpAddr,
        to: SocketAddr,
    ) -> io::Result<Option<TcpId>> {
        let port = EPHEMERAL | self.rng.next_u32() as u16;
        let flow = Flow::tcp((ours, port), (to.ip(), to.port()));
        if let Err(gap) = self.stack.ipsec().covers(now, &flow)
            && matches!(gap.why, Gap::Bypass | Gap::NoPolicy)
        {
            return Ok(None);
        }
        let id = self.stack.connect_tcp((ours, port), to).map_err(io::Error::other)?;
        self.pump(now);
        Ok(Some(id))
    }

    /// Ends a connection.
    pub fn drop_tcp(&mut self, now: Instant, id: TcpId) {
        self.stack.remove_tcp(now, id);
        self.pump(now);
    }

    /// The sockets, for connections; what is said there leaves with [`Protected::let_out`].
    pub fn stack_mut(&mut self) -> &mut Stack {
        &mut self.stack
    }

    /// Lets out what was said.
    pub fn let_out(&mut self, now: Instant) {
        self.pump(now);
    }

    /// Hears the IKE daemon.
    pub fn hear_daemon(&mut self, now: Instant, registry: &Registry) -> io::Result<()> {
        let Some(line) = &mut self.line else { return Ok(()) };
        line.accept(registry)?;
        let (feed, stack, rng) = (&mut self.feed, &mut self.stack, &mut self.rng);
        let state =
            line.serve(|order| match feed.apply(now, order, stack.ipsec_mut(), seed(&mut **rng)) {
                Ok(answer) => answer,
                Err(refusal) => {
                    let answer = refusal.answer();
                    if answer == Answer::Refused {
                        warn!(reason = %refusal, "an order of the IKE daemon is refused");
                    }
                    answer
                }
            });
        if state == Line::Broken {
            self.feed.clear(self.stack.ipsec_mut());
            // Another may be waiting.
            line.accept(registry)?;
        }
        if let Some(bypass) = &mut self.bypass {
            bypass.steer(self.stack.ipsec());
        }
        self.look(now);
        self.pump(now);
        Ok(())
    }

    /// Takes packets that have come; `hear` gets to which address of ours a datagram came, from whom,
    /// what it says, and whether IPsec covered its path, so that nobody on it could read. When there
    /// may be more, the loop is woken again.
    pub fn read(
        &mut self,
        now: Instant,
        registry: &Registry,
        packets: Token,
        mut hear: impl FnMut(SocketAddr, SocketAddr, &[u8], bool),
    ) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        let mut exhausted = false;
        for _ in 0..PACKETS_AT_A_TIME {
            let Some(packet) = self.raw.receive(&mut buffer)? else {
                exhausted = true;
                break;
            };
            self.stack.input(now, packet);
        }
        for _ in 0..PACKETS_AT_A_TIME {
            let Some(bypass) = &mut self.bypass else { break };
            let Some(frame) = bypass.next_frame() else { break };
            if let Some(packet) = bypass.input(now, &frame) {
                self.stack.input(now, packet);
            }
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
        if !exhausted {
            for descriptor in self.raw.descriptors() {
                let descriptor = &mut SourceFd(&descriptor);
                registry.reregister(descriptor, packets, Interest::READABLE)?;
            }
        }
        Ok(())
    }

    /// When [`Protected::handle_timeout`] wants to be called next.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        let paths = self.paths.iter().map(|path| path.poll_timeout(self.looked)).min();
        let link = self.bypass.as_ref().and_then(Bypass::poll_timeout);
        [self.stack.poll_timeout(now), paths, link].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.pump(now);
        if self.paths.iter().any(|path| path.poll_timeout(self.looked) <= now) {
            self.look(now);
        }
    }

    /// The associations, for operators.
    pub fn associations(&self, now: Instant) -> Vec<Association> {
        self.stack.ipsec().sas().map(|sa| report::association(now, sa)).collect()
    }

    /// The rest, for operators.
    pub fn state(&self, now: Instant) -> IpsecState {
        let ipsec = self.stack.ipsec();
        let counters = ipsec.counters();
        let packets = [
            ("protected", counters.protected),
            ("bypassed", counters.bypassed),
            ("consumed", counters.consumed),
            ("returned", counters.returned),
        ];
        let drops = counters.drops.iter().filter(|(_, count)| *count > 0);
        let drops = drops.map(|(why, count)| (why.to_string(), count));
        let late = self.bypass.as_ref().map(Bypass::lost).filter(|count| *count > 0);
        let late = late.map(|count| ("queue-full".to_owned(), count));
        let (path, reason) = match &self.bypass {
            Some(bypass) => (bypass.path().kind.name(), &*bypass.path().reason),
            None => ("socket", "ESP goes through the kernel's raw sockets"),
        };
        IpsecState {
            ike_daemon: self.line.as_ref().map(DaemonLine::is_there),
            path: path.into(),
            reason: reason.into(),
            paths: self.paths.iter().map(|path| path.report(now, ipsec)).collect(),
            policies: ipsec.policies().iter().map(report::policy).collect(),
            packets: packets.map(|(what, count)| (what.to_owned(), count)).into(),
            dropped: drops.chain(late).collect(),
        }
    }

    /// Datagrams that came in clear where policy wants them protected.
    pub fn clear(&self) -> u64 {
        self.clear
    }

    fn look(&mut self, now: Instant) {
        self.looked = now;
        for path in &mut self.paths {
            path.check(now, self.stack.ipsec());
        }
    }

    fn pump(&mut self, now: Instant) {
        self.stack.poll(now);
        while let Some(packet) = self.stack.poll_output() {
            self.put(now, packet);
        }
        while let Some(event) = self.stack.ipsec_mut().poll_event() {
            self.handle_event(now, event);
        }
        if let Some(bypass) = &mut self.bypass {
            bypass.pump(now);
        }
    }

    /// Lets a packet out.
    fn put(&mut self, now: Instant, packet: Vec<u8>) {
        match &mut self.bypass {
            Some(bypass) if source(&packet).is_some_and(|address| bypass.has(address)) => {
                bypass.send(now, packet);
            }
            _ => self.raw.send(&packet),
        }
    }

    fn handle_event(&mut self, now: Instant, event: Event) {
        if let Event::Keepalive { sa } = event {
            self.send_keepalive(now, sa);
        }
        if let Event::HardLimit { sa, limit } = event
            && let Some(sa) = self.stack.ipsec().sa(sa)
        {
            info!(spi = %format!("{:08x}", sa.spi), ?limit, "an association's lifetime is over");
        }
        let notice = self.feed.notice(&event, self.stack.ipsec());
        if let (Some(notice), Some(line)) = (notice, &mut self.line) {
            line.tell(notice);
        }
    }

    fn send_keepalive(&mut self, now: Instant, sa: SaId) {
        let Some(sa) = self.stack.ipsec().sa(sa) else { return };
        let Some(ports) = sa.encapsulation else { return };
        let ours = SocketAddr::new(sa.source, ports.local_port);
        let peer = SocketAddr::new(sa.destination, ports.remote_port);
        let mut buffer = [0; 64];
        if let Some(len) = encapsulation::keepalive(ours, peer, &mut buffer) {
            self.put(now, buffer[..len].to_vec());
        }
    }
}

/// From whom an IP packet is.
fn source(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => packet.get(12..)?.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
        _ => packet.get(8..)?.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
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

fn seed(rng: &mut dyn CryptoRng) -> [u8; 16] {
    let mut seed = [0; 16];
    rng.fill_bytes(&mut seed);
    seed
}

fn unique<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}
