//! A cluster in memory: providers with their directories, tokens, and wires that can be cut.
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use pki::issue::{self, Template, Usage};
use pki::node::{self, NodeName};
use pki::{Certificate, Hash, Identity, KeyKind, Name, PrivateKey};
use ringfence_cluster::client::PushReport;
use ringfence_cluster::client::{
    Cluster, Credentials, Server, Stranding, Transport, TransportFault,
};
use ringfence_cluster::http::{Request, Response};
use ringfence_cluster::inventory;
use ringfence_cluster::list::{Draft, NewList};
use ringfence_cluster::preflight::PhoneLists;
use ringfence_cluster::provider::{NodeFiles, Provider};
use store::{
    Administrator, AdministratorRole, Author, CertificateRole, Node, NodeRole, Password,
    PasswordHash, SecurityMode, Service, Store,
};

pub const USER: &str = "admin";
pub const PASSWORD: &str = "Correct-Horse-9";

/// When the test began: TLS asks the machine's clock.
pub fn now() -> SystemTime {
    static NOW: LazyLock<SystemTime> = LazyLock::new(SystemTime::now);
    *NOW
}

/// A node, its directories and its provider.
pub struct Machine {
    pub name: String,
    pub address: IpAddr,
    pub keys: PathBuf,
    pub certificates: PathBuf,
    pub tftp: PathBuf,
    pub phones: Arc<Mutex<PhoneLists>>,
    pub provider: Arc<Provider>,
}

impl Machine {
    pub fn ctl_file(&self) -> PathBuf {
        self.tftp.join("CTLFile.tlv")
    }
}

/// What answers in place of a provider.
pub type Intercept =
    dyn Fn(&Server, &Request) -> Option<Result<Response, TransportFault>> + Send + Sync;

/// A cluster whose nodes share one database, as replication makes it.
pub struct Office {
    pub dir: PathBuf,
    /// Removes the directory in the end, unless it is somebody else's.
    _guard: Option<tempfile::TempDir>,
    pub store: Arc<Store>,
    pub machines: Vec<Machine>,
    pub down: Mutex<HashSet<String>>,
    pub intercept: Mutex<Option<Box<Intercept>>>,
}

impl Office {
    /// A publisher `cm1`, subscribers `cm2`, `cm3`, ….
    pub fn new(nodes: u8) -> Self {
        Self::with_keys(nodes, KeyKind::Rsa1024)
    }

    pub fn with_keys(nodes: u8, kind: KeyKind) -> Self {
        let mut office = Self::without_nodes();
        office.create_cluster();
        for _ in 0..nodes {
            office.add_node(kind);
        }
        office
    }

    /// A node whose database was never given a cluster.
    pub fn without_cluster() -> Self {
        let mut office = Self::without_nodes();
        office.add_node(KeyKind::Rsa1024);
        office
    }

    /// Opens what another process left in `dir`.
    pub fn reopen(dir: &Path) -> Self {
        let mut office = Self::at(dir.to_owned(), None);
        for node in office.store.read(|view| view.nodes()).unwrap() {
            office.plug_in(&node.name, node.address);
        }
        office
    }

    /// A fresh cluster in `dir`.
    pub fn make(dir: &Path, nodes: u8) -> Self {
        let mut office = Self::at(dir.to_owned(), None);
        office.furnish();
        office.create_cluster();
        for _ in 0..nodes {
            office.add_node(KeyKind::Rsa1024);
        }
        office
    }

    fn without_nodes() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let office = Self::at(dir.path().to_owned(), Some(dir));
        office.furnish();
        office
    }

    fn at(dir: PathBuf, guard: Option<tempfile::TempDir>) -> Self {
        let url = format!("sqlite:{}/ringfence.db", dir.display());
        let store = Arc::new(Store::open(&url.parse().unwrap()).unwrap());
        let (machines, down, intercept) = (Vec::new(), Mutex::default(), Mutex::default());
        Self { dir, _guard: guard, store, machines, down, intercept }
    }

    fn create_cluster(&self) {
        let create = |change: &mut store::Change<'_>| change.create_cluster("office");
        self.store.change(&author(), now(), create).unwrap();
    }

    /// Hires the administrators.
    fn furnish(&self) {
        let hash = PasswordHash::new(&Password::new(PASSWORD)).unwrap();
        let hire = |change: &mut store::Change<'_>| {
            for (name, role) in
                [(USER, AdministratorRole::Administrator), ("guest", AdministratorRole::Monitor)]
            {
                change.put_administrator(&Administrator { name: name.into(), role }, &hash)?;
            }
            Ok(())
        };
        self.store.change(&author(), now(), hire).unwrap();
    }

    pub fn add_node(&mut self, kind: KeyKind) {
        let number = self.machines.len() as u8 + 1;
        let name = format!("cm{number}");
        let address = IpAddr::from(Ipv4Addr::new(192, 0, 2, 9 + number));
        let role = if number == 1 { NodeRole::Publisher } else { NodeRole::Subscriber };
        let [keys, _, tftp] = self.directories(&name);
        let node = Node::new(&name, address, role);
        let guid = node.guid.to_string();
        let node_name = NodeName { server: name.clone(), guid, addresses: vec![address] };
        let identity = node::open_or_create(&keys, &node_name, kind, now()).unwrap();
        self.store
            .change(&author(), now(), |change| {
                change.put_node(&node)?;
                let location = tftp.to_str().unwrap();
                change.set_parameter(Some(&name), "tftp.file-location", location)?;
                // A subscriber cannot write: the publisher learns its certificate from the list.
                match role {
                    NodeRole::Publisher => change.put_certificate(&inventory::entry(
                        CertificateRole::CallManager,
                        &name,
                        identity.certificate(),
                    )),
                    NodeRole::Subscriber => Ok(()),
                }
            })
            .unwrap();
        self.plug_in(&name, address);
    }

    fn directories(&self, node: &str) -> [PathBuf; 3] {
        ["keys", "certificates", "tftp"].map(|part| {
            let path = self.dir.join(node).join(part);
            std::fs::create_dir_all(&path).unwrap();
            path
        })
    }

    fn plug_in(&mut self, name: &str, address: IpAddr) {
        let [keys, certificates, tftp] = self.directories(name);
        let files = NodeFiles { keys: keys.clone(), certificates: certificates.clone() };
        let phones: Arc<Mutex<PhoneLists>> = Arc::default();
        let store = Arc::clone(&self.store);
        let provider = Arc::new(Provider::new(store, name, files, Arc::clone(&phones)));
        let name = name.to_owned();
        self.machines.push(Machine { name, address, keys, certificates, tftp, phones, provider });
    }

    /// Activates CAPF on the publisher, with its certificate.
    pub fn activate_capf(&self) {
        self.set_services(
            0,
            vec![Service::CallManager, Service::Tftp, Service::CtlProvider, Service::Capf],
        );
        let capf = self_signed("CAPF-5d9e2b");
        let file = self.machines[0].certificates.join("CAPF.cer");
        std::fs::write(file, capf.der()).unwrap();
        self.store
            .change(&author(), now(), |change| {
                change.put_certificate(&inventory::entry(CertificateRole::Capf, "cm1", &capf))
            })
            .unwrap();
    }

    pub fn set_services(&self, machine: usize, services: Vec<Service>) {
        let name = &self.machines[machine].name;
        self.store
            .change(&author(), now(), |change| {
                let node = Node { services, ..change.node(name)? };
                change.put_node(&node)
            })
            .unwrap();
    }

    pub fn set_parameter(&self, node: Option<&str>, name: &str, value: &str) {
        self.store.change(&author(), now(), |c| c.set_parameter(node, name, value)).unwrap();
    }

    pub fn server(&self) -> Server {
        Server::parse("cm1").unwrap()
    }

    pub fn connect(&self) -> Cluster<'_> {
        Cluster::connect(self, self.server(), &credentials("client-1")).unwrap()
    }

    /// Creates a list with two tokens; the second signs.
    pub fn create(&self, mode: SecurityMode, tokens: [&Identity; 2]) -> (NewList, PushReport) {
        let cluster = self.connect();
        let mut draft = Draft::create(mode, &cluster.discover(now()).unwrap()).unwrap();
        for token in tokens {
            draft.add_token(token.certificate()).unwrap();
        }
        cluster.finish(&draft, tokens[1], Stranding::Refused, now()).unwrap()
    }

    pub fn cut(&self, machine: &str) {
        self.down.lock().unwrap().insert(machine.into());
    }

    pub fn mend(&self, machine: &str) {
        self.down.lock().unwrap().remove(machine);
    }

    pub fn intercept(
        &self,
        intercept: impl Fn(&Server, &Request) -> Option<Result<Response, TransportFault>>
        + Send
        + Sync
        + 'static,
    ) {
        *self.intercept.lock().unwrap() = Some(Box::new(intercept));
    }

    pub fn mode(&self) -> SecurityMode {
        self.store.read(|view| view.security_mode()).unwrap()
    }

    pub fn files(&self) -> HashMap<String, Option<Vec<u8>>> {
        let read = |machine: &Machine| std::fs::read(machine.ctl_file()).ok();
        self.machines.iter().map(|machine| (machine.name.clone(), read(machine))).collect()
    }
}

impl Transport for Office {
    fn send(&self, server: &Server, request: &Request) -> Result<Response, TransportFault> {
        if let Some(intercept) = &*self.intercept.lock().unwrap()
            && let Some(answer) = intercept(server, request)
        {
            return answer;
        }
        let machine = self.machines.iter().find(|machine| machine.name == server.name);
        let machine = machine.ok_or(TransportFault::Address("no such host".into()))?;
        if self.down.lock().unwrap().contains(&machine.name) {
            return Err(TransportFault::Connect("connection refused".into()));
        }
        let peer = IpAddr::from(Ipv4Addr::new(192, 0, 2, 99));
        Ok(machine.provider.handle(request, peer, now()))
    }
}

pub fn credentials(client: &str) -> Credentials {
    Credentials { user: USER.into(), password: Password::new(PASSWORD), client: client.into() }
}

pub fn author() -> Author {
    Author::new("test", "tests")
}

/// A token without a device around it.
pub fn token(name: &str) -> Identity {
    let key = PrivateKey::generate(KeyKind::Rsa1024);
    let certificate = issue::self_signed(&template(name, Usage::Signing), Hash::Sha256, &key);
    Identity::new(certificate.unwrap(), key).unwrap()
}

pub fn self_signed(name: &str) -> Certificate {
    let key = PrivateKey::generate(KeyKind::Rsa1024);
    issue::self_signed(&template(name, Usage::Server), Hash::Sha256, &key).unwrap()
}

pub fn template(name: &str, usage: Usage) -> Template {
    Template {
        subject: Name::common(name),
        not_before: now() - Duration::from_secs(3600),
        validity: Duration::from_secs(20 * 365 * 24 * 3600),
        usage,
        alternative_names: Vec::new(),
    }
}
