use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::{ip, tool};

/// A network namespace: a machine of the laboratory.
#[derive(Clone, Debug)]
pub struct Namespace {
    name: String,
}

/// A network interface in a namespace.
#[derive(Clone, Copy, Debug)]
pub struct Link<'n> {
    namespace: &'n Namespace,
    /// Shared with the namespace's other users by value: interface names are short.
    name: LinkName,
}

/// The kernel's `IFNAMSIZ` with its final zero.
type LinkName = [u8; 16];

impl Namespace {
    pub(super) fn make(name: String) -> Result<Self> {
        ip(&format!("netns add {name}"))?;
        let namespace = Self { name };
        // Without these an IPv6 address answers only after a second, and routers are asked for.
        for (key, value) in [("accept_dad", "0"), ("dad_transmits", "0"), ("accept_ra", "0")] {
            for scope in ["all", "default"] {
                namespace.sysctl(&format!("net/ipv6/conf/{scope}/{key}"), value)?;
            }
        }
        namespace.link("lo").up()?;
        Ok(namespace)
    }

    /// The name `ip netns` knows.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An interface in it.
    ///
    /// # Panics
    ///
    /// When the name is longer than the kernel's 15 octets.
    pub fn link(&self, name: &str) -> Link<'_> {
        assert!(name.len() < 16, "`{name}` is too long for an interface");
        let mut bytes = LinkName::default();
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Link { namespace: self, name: bytes }
    }

    /// Adds a bridge, up.
    pub fn bridge(&self, name: &str) -> Result<Link<'_>> {
        ip(&format!("-n {} link add {name} type bridge", self.name))?;
        let bridge = self.link(name);
        bridge.up()?;
        Ok(bridge)
    }

    /// Adds a route.
    pub fn route(&self, to: &str, via: IpAddr) -> Result<()> {
        ip(&format!("-n {} route add {to} via {via}", self.name)).map(drop)
    }

    /// Sets `/proc/sys/KEY` of this namespace.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        self.enter(|| fs::write(format!("/proc/sys/{key}"), value))?
            .with_context(|| format!("cannot set {key} to {value} in {}", self.name))
    }

    /// Runs `visit` on a thread that is in the namespace. Sockets made there stay there, and
    /// processes started there begin there.
    pub fn enter<T: Send>(&self, visit: impl FnOnce() -> T + Send) -> Result<T> {
        let path = format!("/run/netns/{}", self.name);
        let file = File::open(&path).with_context(|| format!("cannot open {path}"))?;
        thread::scope(|scope| {
            let visitor = scope.spawn(move || {
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
                Ok::<_, io::Error>(visit())
            });
            match visitor.join() {
                Ok(result) => result.with_context(|| format!("cannot enter {path}")),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// A UDP socket in the namespace.
    pub fn udp(&self, address: SocketAddr) -> Result<UdpSocket> {
        self.enter(|| UdpSocket::bind(address))?
            .with_context(|| format!("cannot bind {address} in {}", self.name))
    }

    /// A command that will run in the namespace, with `/sys` showing its interfaces.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }
}

impl Link<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        let end = self.name.iter().position(|byte| *byte == 0).unwrap_or(self.name.len());
        str::from_utf8(&self.name[..end]).expect("it was made from a str")
    }

    /// Switches it on.
    pub fn up(&self) -> Result<()> {
        self.set("up")
    }

    /// Switches it off.
    pub fn down(&self) -> Result<()> {
        self.set("down")
    }

    /// Gives it a MAC address.
    pub fn mac(&self, mac: &str) -> Result<()> {
        self.set(&format!("address {mac}"))
    }

    /// Makes it a port of a bridge of its namespace.
    pub fn join(&self, bridge: &Link<'_>) -> Result<()> {
        self.set(&format!("master {}", bridge.name()))
    }

    /// Adds an address, `10.1.0.2/24` or `fd01::2/64`.
    pub fn address(&self, address: &str) -> Result<()> {
        let Namespace { name } = self.namespace;
        // An IPv6 address otherwise cannot be bound until the kernel has looked for duplicates.
        let at_once = if address.contains(':') { "nodad" } else { "" };
        ip(&format!("-n {name} address add {address} dev {} {at_once}", self.name())).map(drop)
    }

    /// Takes an address away again.
    pub fn drop_address(&self, address: &str) -> Result<()> {
        let Namespace { name } = self.namespace;
        ip(&format!("-n {name} address del {address} dev {}", self.name())).map(drop)
    }

    /// Forgets which link-layer addresses it has learned.
    pub fn forget_neighbours(&self) -> Result<()> {
        let Namespace { name } = self.namespace;
        ip(&format!("-n {name} neighbour flush dev {}", self.name())).map(drop)
    }

    /// Makes the kernel finish packets before they leave. A veth pair otherwise hands over packets
    /// without checksums and larger than the link, which no real wire does.
    pub fn finish_packets(&self) -> Result<()> {
        let words = ["netns", "exec", &self.namespace.name, "ethtool", "-K", self.name()];
        let off = ["tx", "off", "tso", "off", "gso", "off", "gro", "off"];
        tool("ip", &[&words[..], &off].concat()).map(drop)
    }

    /// Makes a veth receive as a network card does, in bursts; only then does it take frames that an
    /// XDP program at its other end sends.
    pub fn receive_in_bursts(&self) -> Result<()> {
        let words = ["netns", "exec", &self.namespace.name, "ethtool", "-K", self.name()];
        tool("ip", &[&words[..], &["gro", "on"]].concat()).map(drop)
    }

    /// Stops it from asking for and telling link-layer addresses.
    pub fn silence(&self) -> Result<()> {
        self.set("arp off")
    }

    /// Makes known that `address` is at `mac`.
    pub fn neighbour(&self, address: IpAddr, mac: &str) -> Result<()> {
        let (namespace, name) = (&self.namespace.name, self.name());
        ip(&format!(
            "-n {namespace} neighbour replace {address} lladdr {mac} dev {name} nud permanent"
        ))
        .map(drop)
    }

    /// What `ip -details link show` says of it.
    pub fn show(&self) -> Result<String> {
        ip(&format!("-n {} -details link show dev {}", self.namespace.name, self.name()))
    }

    fn set(&self, what: &str) -> Result<()> {
        ip(&format!("-n {} link set dev {} {what}", self.namespace.name, self.name())).map(drop)
    }
}
