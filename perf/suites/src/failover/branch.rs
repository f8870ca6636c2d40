//! The network, the centre, and the gateway with what the centre has given it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow};
use lab::net::{Lab, Namespace};
use phone::SecurityMode;
use phone::connection::{Legacy, Server, Way};
use phone::office::{Mute, Office, PhoneId, Setup};
use phone::station::Profile;
use pki::node::{self, NodeName};
use pki::{Certificate, KeyKind};
use srst::bundle::Bundle;
use store::{Author, CertificateRole, DEFAULT_POOL, Pool, SrstReference, Store, StoreUrl};
use tempfile::TempDir;

use crate::signalling::process::{Place, Processes};
use crate::signalling::site::{Site, name};

/// Of the centre and of the gateway; phones are at `.2` of both networks.
const CENTRE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 7, 0, 1));
const GATEWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 8, 0, 1));
const CLEAR: u16 = 2000;
const SECURE: u16 = 2443;
const REFERENCE: &str = "branch";
/// Signs of life come so often, which is as often as they can.
const KEEP_ALIVE: &str = "10";

/// Where everything happens.
pub struct Branch {
    site: Site,
    home: TempDir,
    certificate: Certificate,
    phones: Namespace,
    centre: Namespace,
    gateway: Namespace,
    running: Mutex<Option<Processes>>,
    /// Removed last.
    _lab: Lab,
}

impl Branch {
    pub fn new(count: usize) -> Result<Self> {
        let lab = Lab::new("rf-failover", false)?;
        let [phones, centre, gateway] =
            ["phones", "centre", "gateway"].map(|name| lab.namespace(name));
        let (phones, centre, gateway) = (phones?, centre?, gateway?);
        for (other, name, net) in [(&centre, "centre", 7), (&gateway, "gateway", 8)] {
            let (near, far) = lab.veth((&phones, name), (other, "eth0"))?;
            near.address(&format!("10.{net}.0.2/24"))?;
            far.address(&format!("10.{net}.0.1/24"))?;
        }
        let site = Site::at(count, SocketAddr::new(CENTRE, CLEAR))?;
        let home = tempfile::tempdir_in("/dev/shm").context("no place in memory")?;
        let certificate = settle(&site, &home)?;
        let running = Mutex::default();
        Ok(Self { site, home, certificate, phones, centre, gateway, running, _lab: lab })
    }

    /// The namespace of the phones.
    pub fn phones(&self) -> &Namespace {
        &self.phones
    }

    /// Starts the centre, if it does not run.
    pub fn start_centre(&self) -> Result<()> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() {
            let place = Place {
                home: self.site.file(""),
                clear: SocketAddr::new(CENTRE, CLEAR),
                secure: SocketAddr::new(CENTRE, SECURE),
                namespace: Some(self.centre.name()),
                half_open: None,
            };
            *running = Some(Processes::start(&place)?);
        }
        Ok(())
    }

    /// The centre's processes die: its connections break at once.
    pub fn kill_centre(&self) {
        drop(self.running.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// The link to the centre goes.
    pub fn cut(&self) -> Result<()> {
        self.centre.link("eth0").down()
    }

    /// And is there again.
    pub fn mend(&self) -> Result<()> {
        self.centre.link("eth0").up()
    }

    /// A gateway that bears so many connections without registration.
    pub fn start_gateway(&self, half_open: Option<usize>) -> Result<Processes> {
        let place = Place {
            home: self.home.path().to_owned(),
            clear: SocketAddr::new(GATEWAY, CLEAR),
            secure: SocketAddr::new(GATEWAY, SECURE),
            namespace: Some(self.gateway.name()),
            half_open,
        };
        Processes::start(&place)
    }

    /// All phones, switched off: the centre first, then the gateway with its own certificate.
    pub fn office(&self) -> Result<(Office<Mute>, Vec<PhoneId>)> {
        let centre = self.site.certificate.der().to_vec();
        let servers: Arc<[_]> = [
            (SocketAddr::new(CENTRE, SECURE), centre),
            (SocketAddr::new(GATEWAY, SECURE), self.certificate.der().to_vec()),
        ]
        .map(|(address, certificate)| Arc::new(Server::new(address, vec![certificate])))
        .into();
        let manner = Legacy::manner(SecurityMode::Encrypted, None)?;
        let mut office = Office::new(Mute::default())?;
        let mut identity = self.site.identities()?;
        let phones = (0..self.site.count).map(|index| {
            let way = Way::Legacy(Arc::new(Legacy::new(&manner, &identity(index)?)));
            let mut profile = Profile::new(name(index), phone::Model::M7970);
            (profile.mode, profile.servers) = (SecurityMode::Encrypted, servers.len());
            Ok(office.add(Setup { profile, servers: Arc::clone(&servers), way, source: None }))
        });
        let phones = phones.collect::<Result<_>>()?;
        Ok((office, phones))
    }
}

/// Makes the gateway's key, its reference at the centre, and its database of what the centre signs
/// for it. Its certificate.
fn settle(site: &Site, home: &TempDir) -> Result<Certificate> {
    let now = SystemTime::now();
    let keys = home.path().join("keys");
    std::fs::create_dir(&keys)?;
    let name = NodeName { server: "gw".into(), guid: "gw".into(), addresses: vec![GATEWAY] };
    let own = node::open_or_create(&keys, &name, KeyKind::Rsa2048, now)
        .map_err(|fault| anyhow!("the gateway's key: {fault}"))?;
    let centre = Store::open(&StoreUrl::Sqlite(site.file("ringfence.db")))?;
    let role = CertificateRole::SrstGateway;
    let entry = cluster::inventory::entry(role, REFERENCE, own.certificate());
    centre.change(&Author::new("perf", "perf"), now, |change| {
        let reference = SrstReference::new(REFERENCE, GATEWAY);
        change.put_srst_reference(&SrstReference { secure: true, ..reference })?;
        change.accept_srst_certificate(REFERENCE, &entry)?;
        change.put_pool(&Pool { srst: Some(REFERENCE.into()), ..Pool::new(DEFAULT_POOL) })?;
        change.set_parameter(None, "call-manager.keep-alive-seconds", KEEP_ALIVE)
    })?;
    let bundle = centre.read(|view| {
        let reference = view.srst_reference(REFERENCE)?;
        Bundle::read(view, &reference)
    })?;
    let signed = bundle.sign(&site.identity()?)?;
    let bundle = signed.verify(&[site.certificate.fingerprint()])?;
    let store = Store::open(&StoreUrl::Sqlite(home.path().join("ringfence.db")))?;
    srst::branch::apply(&store, &bundle, crate::signalling::site::NODE, now)?;
    Ok(own.certificate().clone())
}
