//! A TFTP server that serves what it should not.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tftp::server::{Server, Service};
use tftp::{Directory, RequestLog};

use crate::scenario::cluster::{Node, Site};

/// A rogue with a directory of its own.
pub struct Rogue {
    dir: PathBuf,
    _server: Server,
}

impl Rogue {
    pub fn start(site: &Site) -> Result<Self> {
        let dir = site.state.path().join("rogue");
        fs::create_dir(&dir)?;
        let server = serve(site, &dir, site.rogue_address())?;
        Ok(Self { dir, _server: server })
    }

    /// Serves these bytes under this name.
    pub fn plant(&self, name: &str, bytes: &[u8]) -> Result<()> {
        fs::write(self.dir.join(name), bytes).with_context(|| format!("cannot plant {name}"))
    }

    /// Takes the place of a node in the network while `meanwhile` happens.
    pub fn impersonate<T>(
        &self,
        site: &Site,
        node: &Node,
        meanwhile: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let link = site.rogue.link("eth0");
        let address = format!("{}/24", node.address);
        let phones = site.phones.link("eth0");
        site.plug(node, false)?;
        link.address(&address)?;
        phones.forget_neighbours()?;
        let server = serve(site, &self.dir, node.address)?;
        let seen = meanwhile();
        drop(server);
        link.drop_address(&address)?;
        site.plug(node, true)?;
        phones.forget_neighbours()?;
        seen
    }
}

fn serve(site: &Site, dir: &Path, address: IpAddr) -> Result<Server> {
    let socket = site.rogue.udp(SocketAddr::new(address, 69))?;
    let service = Service {
        source: Arc::new(Directory::new([dir.to_owned()])),
        observer: Arc::new(RequestLog::new(100)),
    };
    // Sockets of transfers belong into the namespace as well.
    let serve = || Server::tftp(&tftp::Config::default(), &[socket], 1, &service);
    Ok(site.rogue.enter(serve)??)
}

/// What a node's TFTP serves from its directory.
pub fn served(node: &Node, name: &str) -> Result<Vec<u8>> {
    read(&node.tftp().join(name))
}

/// The same with one bit of its last byte turned.
pub fn tampered(mut file: Vec<u8>) -> Vec<u8> {
    if let Some(last) = file.last_mut() {
        *last ^= 1;
    }
    file
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
