//! ESP past the kernel: the XDP program of a media network gives it to the packet worker, which lays it
//! aside for us.
//!
//! Where the kernel has the address that ESP comes to, it keeps answering for it, and what we say
//! leaves through it. Where it does not, the address is ours alone: [`Link`] answers for it, and finds
//! the way to others.

use std::collections::HashSet;
use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use esp::{Action, AddressRange, Direction, Ipsec, Policy, Selector};
use port::PortId;
use port_xdp::Program;
use serde::Deserialize;
use stack::{Link, LinkConfig};
use tracing::warn;
use wire::ethernet::{self, MacAddr, VlanTag};

use crate::aside::LaidAside;
use crate::config::PeerNetwork;
use crate::worker::{ToWorker, WorkerHandle};

/// The section `[datad.ipsec.bypass]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BypassConfig {
    /// The media network whose interface ESP comes to.
    pub network: String,
    /// Who is reached without a router, from addresses that the kernel does not have.
    #[serde(default)]
    pub on_link: Vec<PeerNetwork>,
    /// Routers to everybody else, one of each family at most.
    #[serde(default)]
    pub routers: Vec<IpAddr>,
}

/// The port that ESP comes to.
pub struct BypassPort {
    /// Its XDP program.
    pub program: Arc<Program>,
    /// Its number.
    pub number: PortId,
    /// Who moves its frames.
    pub worker: WorkerHandle,
    /// What is laid aside for us.
    pub laid: LaidAside,
    /// Our link-layer address there.
    pub mac: MacAddr,
    /// VLAN tags of frames.
    pub tags: [Option<VlanTag>; 2],
    /// The way its frames take, and why.
    pub path: port::Path,
}

/// ESP past the kernel.
pub(super) struct Bypass {
    port: BypassPort,
    /// Under the addresses that the kernel does not have.
    link: Option<Link>,
    own: Vec<IpAddr>,
    /// What the program knows: address, SPI, peer.
    steered: HashSet<(IpAddr, u32, IpAddr)>,
}

/// Of these addresses, those that the kernel does not have.
pub(super) fn unknown_to_the_kernel(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let unknown = |address: &&IpAddr| UdpSocket::bind((**address, 0)).is_err();
    addresses.iter().filter(unknown).copied().collect()
}

/// ICMP for addresses of our own is heard and answered in clear.
pub(super) fn policies(own: &[IpAddr]) -> impl Iterator<Item = Policy> {
    own.iter().map(|&address| {
        let (protocol, anybody) = match address {
            IpAddr::V4(_) => (1, AddressRange::network(IpAddr::from([0; 4]), 0)),
            IpAddr::V6(_) => (58, AddressRange::network(IpAddr::from([0; 16]), 0)),
        };
        let anybody = anybody.expect("a network of everybody");
        Policy::new(Selector::between(address, anybody).protocol(protocol), Action::Bypass)
    })
}

fn range(network: &PeerNetwork) -> Option<AddressRange> {
    let (address, length) = network.0.into();
    AddressRange::network(address, length)
}

impl Bypass {
    pub(super) fn new(config: &BypassConfig, port: BypassPort, own: Vec<IpAddr>) -> Self {
        let link = (!own.is_empty()).then(|| {
            Link::new(LinkConfig {
                mac: port.mac,
                tags: port.tags,
                addresses: own.clone(),
                networks: config.on_link.iter().filter_map(range).collect(),
                gateways: config.routers.clone(),
            })
        });
        for &address in &own {
            if let Err(error) = port.program.own_address(address) {
                warn!(%address, %error, "nobody will find an address of IPsec");
            }
        }
        Self { port, link, own, steered: HashSet::new() }
    }

    pub(super) fn path(&self) -> &port::Path {
        &self.port.path
    }

    pub(super) fn lost(&self) -> u64 {
        self.port.laid.lost()
    }

    pub(super) fn is_waited_for(&self) -> bool {
        !self.port.laid.frames.is_empty()
    }

    /// The next frame that has come.
    pub(super) fn next_frame(&self) -> Option<Vec<u8>> {
        self.port.laid.frames.try_recv().ok()
    }

    /// The IP packet in a frame, if it is for sockets.
    pub(super) fn input<'f>(&mut self, now: Instant, frame: &'f [u8]) -> Option<&'f [u8]> {
        match &mut self.link {
            Some(link) => link.input(now, frame),
            None => {
                let header = ethernet::Header::parse(frame).ok()?;
                (header.tags == self.port.tags).then(|| &frame[header.len()..])
            }
        }
    }

    /// Whether a packet from that address leaves here; else it does through the kernel.
    pub(super) fn has(&self, source: IpAddr) -> bool {
        self.own.contains(&source)
    }

    /// Sends an IP packet, at once or when its next hop has answered.
    pub(super) fn send(&mut self, now: Instant, packet: Vec<u8>) {
        if let Some(link) = &mut self.link {
            link.output(now, packet);
        }
    }

    /// Lets out what there is to say.
    pub(super) fn pump(&mut self, now: Instant) {
        let Some(link) = &mut self.link else { return };
        if link.poll_timeout().is_some_and(|due| due <= now) {
            link.handle_timeout(now);
        }
        while let Some(frame) = link.poll_output() {
            self.port.worker.send(ToWorker::Transmit(self.port.number, frame));
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.link.as_ref().and_then(Link::poll_timeout)
    }

    /// Has the program know the associations that there are now.
    pub(super) fn steer(&mut self, ipsec: &Ipsec) {
        let inbound = ipsec.sas().filter(|sa| sa.direction == Direction::Inbound);
        let wanted: HashSet<_> = inbound.map(|sa| (sa.destination, sa.spi, sa.source)).collect();
        if wanted == self.steered {
            return;
        }
        let program = &self.port.program;
        let gone = self.steered.difference(&wanted);
        let gone = gone.map(|&(address, spi, _)| program.unsteer_esp(address, spi));
        let new = wanted.difference(&self.steered);
        let new = new.map(|&(address, spi, peer)| program.steer_esp(address, spi, peer));
        // What it does not know comes through the kernel.
        for error in gone.chain(new).filter_map(Result::err) {
            warn!(%error, "the XDP program does not take an association");
        }
        self.steered = wanted;
    }
}
