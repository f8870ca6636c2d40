//! Opens a port for each media network: AF_XDP where it works, UDP sockets where it does not.

use std::io;
use std::sync::Arc;

use engine::PortConfig;
use port::{Medium, Pool, Port, PortId};
use port_socket::SocketPort;
use port_xdp::{BusyPoll, Place, Program, ProgramConfig, XdpError, XdpMode, XdpPort, XdpTier};
use wire::ethernet::{self, MacAddr, VlanTag};

use crate::config::{Config, MediaConfig, PathChoice};
use crate::netlink::Link;
use crate::queues::Queues;
use crate::xdp_features::Takes;

/// The ports of a worker, in the order of the configuration.
pub struct Ports {
    /// The memory of all of them.
    pub pool: Pool,
    /// One for each network.
    pub ports: Vec<Box<dyn Port>>,
    /// What the engine is told of each.
    pub configs: Vec<PortConfig>,
    /// The interface that keeps routes and neighbours of each.
    pub interfaces: Vec<Option<u32>>,
    /// The XDP program of each, and the interface it is on.
    pub programs: Vec<Option<(Arc<Program>, String, u32)>>,
}

/// A network whose port cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum PortsError {
    /// No memory for packets.
    #[error(transparent)]
    Pool(#[from] port::PoolError),
    /// Not even sockets can be opened.
    #[error("media network `{network}`: cannot open UDP sockets: {source}")]
    Socket {
        /// Name of the network.
        network: String,
        /// What the system said.
        source: io::Error,
    },
    /// The interface is not there, or cannot be asked.
    #[error("media network `{network}`: interface `{interface}`: {source}; `ip link` lists them")]
    Interface {
        /// Name of the network.
        network: String,
        /// Name of the interface.
        interface: String,
        /// What the system said.
        source: io::Error,
    },
    /// XDP was demanded and does not work.
    #[error("media network `{network}`: {reason}")]
    Xdp {
        /// Name of the network.
        network: String,
        /// Why.
        reason: String,
    },
}

/// Bytes of a packet buffer: an Ethernet frame and its headroom, and what AF_XDP takes.
const CHUNK: usize = 2048;
/// Entries of each AF_XDP ring.
const SMALLEST_RING: u32 = 64;
const LARGEST_RING: u32 = 2048;
/// Short looks: the worker has other ports to look at.
const BUSY_POLL: BusyPoll = BusyPoll { microseconds: 20, budget: 64 };

impl Ports {
    /// Opens them all.
    pub fn open(config: &Config) -> Result<Self, PortsError> {
        let pool = Pool::new(config.frames.0, CHUNK)?;
        let mut opened = Self {
            pool,
            ports: Vec::new(),
            configs: Vec::new(),
            interfaces: Vec::new(),
            programs: Vec::new(),
        };
        let mut first_xdp = None;
        for media in &config.media {
            opened.open_one(config, media, &mut first_xdp)?;
        }
        // The worker owns all ports as equals.
        if let Some((at, port)) = first_xdp {
            opened.ports.insert(at, Box::new(port));
        }
        Ok(opened)
    }

    /// The interfaces that packets may leave through in the fast tier.
    pub fn exits(&self) -> Vec<(PortId, String, u32)> {
        let programs = self.programs.iter().enumerate();
        programs
            .filter_map(|(number, program)| {
                let (_, name, index) = program.as_ref()?;
                Some((PortId(number as u8), name.clone(), *index))
            })
            .collect()
    }

    /// The fast tier in front of these ports, where `exit` says which of them send its frames.
    pub fn fast_tier(&self, exit: impl Fn(PortId) -> Takes) -> io::Result<XdpTier> {
        let places = self.programs.iter().enumerate().map(|(number, program)| Place {
            program: program.as_ref().map(|(program, ..)| program.clone()),
            exit: exit(PortId(number as u8)),
        });
        XdpTier::new(places.collect())
    }

    fn open_one(
        &mut self,
        config: &Config,
        media: &MediaConfig,
        first_xdp: &mut Option<(usize, Queues)>,
    ) -> Result<(), PortsError> {
        let reason = match (media.path, &media.interface) {
            (PathChoice::Socket, interface) => {
                // What a crash may have left there when it was configured otherwise.
                if let (Some(pins), Some(interface)) = (&config.pins, interface) {
                    Program::retire_left(pins, interface);
                }
                "configured".to_owned()
            }
            (_, None) => "no interface configured".to_owned(),
            (path, Some(interface)) => {
                let shared = first_xdp.as_ref().map(|(_, port)| port.first());
                match open_xdp(&mut self.pool, config, media, interface, shared) {
                    Ok((port, link)) => {
                        self.describe(media, Medium::Ethernet, &link);
                        let kernel = match &media.kernel_interface {
                            Some(name) => link_of(media, name)?.index,
                            None => link.index,
                        };
                        self.interfaces.push(Some(kernel));
                        let program = port.first().program().clone();
                        self.programs.push(Some((program, interface.clone(), link.index)));
                        match first_xdp {
                            None => *first_xdp = Some((self.ports.len(), port)),
                            Some(_) => self.ports.push(Box::new(port)),
                        }
                        return Ok(());
                    }
                    Err(reason) if path == PathChoice::Auto => reason,
                    Err(reason) => {
                        return Err(PortsError::Xdp { network: media.name.clone(), reason });
                    }
                }
            }
        };
        // The kernel fragments what is too long for an interface.
        let link = Link { index: 0, mac: MacAddr([0; 6]), mtu: CHUNK, queues: 1 };
        self.describe(media, Medium::Ip, &link);
        self.interfaces.push(None);
        self.programs.push(None);
        let port = SocketPort::new(reason)
            .map_err(|source| PortsError::Socket { network: media.name.clone(), source })?;
        self.ports.push(Box::new(port));
        Ok(())
    }

    /// Adds a port that leads out of no interface, behind the others.
    pub fn add_internal(&mut self, port: Box<dyn Port>) {
        let mac = MacAddr([0; 6]);
        let tags = [None, None];
        self.configs.push(PortConfig { medium: port.medium(), mtu: CHUNK, mac, tags });
        self.interfaces.push(None);
        self.programs.push(None);
        self.ports.push(port);
    }

    fn describe(&mut self, media: &MediaConfig, medium: Medium, link: &Link) {
        let mut tags = [None, None];
        for (tag, &control) in tags.iter_mut().zip(&media.vlans.0) {
            *tag = Some(VlanTag { protocol: ethernet::VLAN, control });
        }
        if let [Some(outer), Some(_)] = &mut tags {
            outer.protocol = ethernet::SERVICE_VLAN;
        }
        self.configs.push(PortConfig { medium, mtu: link.mtu, mac: link.mac, tags });
    }
}

/// Opens an AF_XDP port, or says why there is none.
fn open_xdp(
    pool: &mut Pool,
    config: &Config,
    media: &MediaConfig,
    interface: &str,
    shared: Option<&XdpPort>,
) -> Result<(Queues, Link), String> {
    let link = link_of(media, interface).map_err(|error| error.to_string())?;
    let program = ProgramConfig {
        mode: match media.path {
            PathChoice::XdpNative => XdpMode::Native,
            PathChoice::XdpGeneric => XdpMode::Generic,
            PathChoice::Auto | PathChoice::Socket => XdpMode::Auto,
        },
        media: media.addresses.iter().map(|&address| (address, media.ports.0.clone())).collect(),
        max_legs: 2 * (config.gateway.endpoints.0 + config.ng_streams() as u32),
        limits: config.limits.to_abi(),
        pins: config.pins.clone(),
        ..ProgramConfig::new(interface)
    };
    let program = Program::attach(&program).map_err(|error| error.to_string())?;
    let program = Arc::new(program);
    let mut queues: Vec<XdpPort> = Vec::new();
    for queue in 0..link.queues {
        let port = port_xdp::PortConfig {
            queue,
            ring_size: ring_size(config, link.queues),
            busy_poll: config.busy_poll.then_some(BUSY_POLL),
            ..port_xdp::PortConfig::default()
        };
        match XdpPort::open(pool, program.clone(), &port, shared.or(queues.first())) {
            Ok(port) => queues.push(port),
            // The kernel names the queues a device could have; this one is not in use.
            Err(XdpError::Queue { cause, .. })
                if queue > 0 && cause.kind() == io::ErrorKind::InvalidInput =>
            {
                break;
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    let queues = Queues::new(queues).map_err(|error| error.to_string())?;
    Ok((queues, link))
}

/// A ring size that leaves frames for everybody: each queue keeps up to two rings of them.
fn ring_size(config: &Config, queues: u32) -> u32 {
    let rings = 2 * u32::max(queues, 1) * config.media.len() as u32;
    let fair = config.frames.0 as u32 / rings;
    // Powers of two only, rounded down.
    (1 << fair.max(1).ilog2()).clamp(SMALLEST_RING, LARGEST_RING)
}

fn link_of(media: &MediaConfig, interface: &str) -> Result<Link, PortsError> {
    Link::by_name(interface).map_err(|source| PortsError::Interface {
        network: media.name.clone(),
        interface: interface.to_owned(),
        source,
    })
}
