//! A publisher with CAPF, and its phones.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use store::{
    Author, Capf, CapfAuthMode, CapfOperation, Device, DeviceName, KeySize, Model, Node, NodeRole,
    Service, Store, StoreUrl,
};
use tempfile::TempDir;

/// The node's name.
const NODE: &str = "cm1";
/// Whom the daemon runs as when this is root.
const USER: &str = "nobody";

pub(crate) struct Site {
    /// The daemon's database, through a handle of our own.
    pub store: Store,
    /// How many phones there are.
    pub count: usize,
    pub capf: SocketAddr,
    pub provider: SocketAddr,
    pub tftp: SocketAddr,
    pub https: SocketAddr,
    home: TempDir,
}

impl Site {
    pub fn new(count: usize) -> Result<Self> {
        let home = tempfile::tempdir().context("no temporary directory")?;
        let store = Store::open(&StoreUrl::Sqlite(database(home.path())))?;
        let [capf, provider, https] = free_ports()?;
        // A port that was free a moment ago.
        let tftp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut me = Node::new(NODE, IpAddr::V4(Ipv4Addr::LOCALHOST), NodeRole::Publisher);
        me.services =
            [Service::CallManager, Service::Tftp, Service::CtlProvider, Service::Capf].into();
        let files = home.path().join("tftp");
        fs::create_dir_all(&files)?;
        store.change(&author(), SystemTime::now(), |change| {
            change.create_cluster("perf")?;
            change.put_node(&me)?;
            let files = files.display().to_string();
            change.set_parameter(None, "tftp.file-location", &files)?;
            change.set_parameter(None, "ctl-provider.port", &provider.port().to_string())?;
            change.set_parameter(None, "enterprise.capf-phone-port", &capf.port().to_string())?;
            (0..count).try_for_each(|n| change.put_device(&Device::new(device(n), Model::M7970)))
        })?;
        let site = Self { store, count, capf, provider, tftp, https, home };
        site.configure()?;
        Ok(site)
    }

    /// Orders a certificate for each of these phones.
    pub fn order(&self, phones: impl Iterator<Item = usize>, key_size: KeySize) -> Result<()> {
        self.store.change(&author(), SystemTime::now(), |change| {
            for number in phones {
                let capf = Capf {
                    operation: CapfOperation::Install,
                    auth_mode: CapfAuthMode::NullString,
                    ..Capf::new(device(number), key_size)
                };
                change.order_capf(&capf)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// The daemon's configuration file.
    pub fn configuration(&self) -> PathBuf {
        self.home.path().join("ringfence.toml")
    }

    /// Where CAPF's certificate is, and where its key.
    pub fn authority(&self) -> pki::capf::CapfFiles {
        let at = |name| self.home.path().join(name);
        pki::capf::CapfFiles { certificates: at("certs"), keys: at("keys") }
    }

    /// Everything of it lies here, on one disk.
    pub fn directory(&self) -> &Path {
        self.home.path()
    }

    fn configure(&self) -> Result<()> {
        let home = self.home.path();
        let at = |name: &str| home.join(name).display().to_string();
        let root = rustix::process::geteuid().is_root();
        let user = if root { format!("user = \"{USER}\"\n") } else { String::new() };
        let text = format!(
            "[controld]\nnode = \"{NODE}\"\n{user}store = \"sqlite:{}\"\nkey_directory = \"{}\"\n\
             certificate_directory = \"{}\"\nphone_directory = \"{}\"\nadmin_socket = \"{}\"\n\
             ctl_provider = \"127.0.0.1\"\ncapf = \"127.0.0.1\"\ntftp = [\"{}\"]\nhttp = []\nhttps = [\"{}\"]\n",
            database(home).display(),
            at("keys"),
            at("certs"),
            at("phones"),
            at("run/controld.sock"),
            self.tftp,
            self.https,
        );
        fs::write(self.configuration(), text).context("cannot write a configuration")?;
        if root {
            let mut give = std::process::Command::new("chown");
            let given = give.args(["-R", USER]).arg(home).status().context("cannot run chown")?;
            anyhow::ensure!(given.success(), "cannot give {} to {USER}", home.display());
        }
        Ok(())
    }
}

fn database(home: &Path) -> PathBuf {
    home.join("ringfence.db")
}

fn author() -> Author {
    Author::new("perf", "perf")
}

/// The phone of this number, as the database writes it.
fn device(number: usize) -> DeviceName {
    name(number).to_string().parse().expect("both write it alike")
}

/// The phone of this number.
pub(super) fn name(number: usize) -> tftp::DeviceName {
    let [.., a, b, c] = number.to_be_bytes();
    tftp::DeviceName::from_mac([0x00, 0x11, 0x22, a, b, c])
}

/// Three that were free a moment ago, below those that the system gives out by itself.
fn free_ports() -> Result<[SocketAddr; 3]> {
    let mut free = (20_000..30_000)
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .filter(|address| TcpListener::bind(address).is_ok());
    let three = (|| Some([free.next()?, free.next()?, free.next()?]))();
    three.context("no port is free")
}
