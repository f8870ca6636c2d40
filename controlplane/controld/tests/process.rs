//! The daemon as a process of its own: started by systemd, killed in the middle of a push.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use cluster::client::{
    Cluster, Credentials, KnownServers, OperationFault, Server, Stranding, TlsTransport, Transport,
    TransportFault,
};
use cluster::http::{Request, Response};
use cluster::list::{Draft, present_list};
use crashtest::{Daemon, Ended, Knife, daemon_at_every_step};
use lang::Language;
use pki::issue::{Template, Usage, self_signed};
use pki::{Hash, Identity, KeyKind, Name, PrivateKey};
use store::{
    Administrator, AdministratorRole, Author, Device, DeviceName, Line, Model, Node, NodeRole,
    Number, Password, PasswordHash, SecurityMode, Service, Store,
};
use tftp::{Options, Tuning, fetch};
use tlv::{Role, Trust};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "Correct-Horse-9";
const DAEMON: &str = env!("CARGO_BIN_EXE_ringfence-controld");
/// Root gives itself up for this user.
const USER: &str = "nobody";

fn open(dir: &Path) -> Store {
    Store::open(&format!("sqlite:{}/ringfence.db", dir.display()).parse().unwrap()).unwrap()
}

/// A publisher's directory: database, TFTP directory, configuration.
fn prepare(dir: &Path, services: &[Service], sockets: &str) -> u16 {
    let port = free_port();
    let tftp = dir.join("tftp");
    fs::create_dir(&tftp).unwrap();
    let mut node = Node::new("cm1", Ipv4Addr::LOCALHOST.into(), NodeRole::Publisher);
    node.services = services.to_vec();
    let hash = PasswordHash::new(&Password::new(PASSWORD)).unwrap();
    let role = AdministratorRole::Administrator;
    open(dir)
        .change(&Author::new("test", "test"), SystemTime::now(), |change| {
            change.create_cluster("office")?;
            change.put_node(&node)?;
            change.put_administrator(&Administrator { name: "admin".into(), role }, &hash)?;
            change.set_parameter(None, "tftp.file-location", tftp.to_str().unwrap())?;
            change.set_parameter(None, "ctl-provider.port", &port.to_string())
        })
        .unwrap();
    let at = |name: &str| dir.join(name).display().to_string();
    let user = rustix::process::geteuid().is_root().then(|| format!("user = \"{USER}\"\n"));
    let config = format!(
        "[controld]\nnode = \"cm1\"\n{}store = \"sqlite:{}\"\nkey_directory = \"{}\"\n\
         certificate_directory = \"{}\"\nphone_directory = \"{}\"\nadmin_socket = \"{}\"\n\
         ctl_provider = \"127.0.0.1\"\n{sockets}\n",
        user.unwrap_or_default(),
        at("ringfence.db"),
        at("keys"),
        at("certs"),
        at("phones"),
        at("run/controld.sock"),
    );
    fs::write(dir.join("ringfence.toml"), config).unwrap();
    give(dir);
    port
}

/// Lets the daemon own its directory.
fn give(dir: &Path) {
    if rustix::process::geteuid().is_root() {
        let given = Command::new("chown").args(["-R", USER]).arg(dir).status().unwrap();
        assert!(given.success());
    }
}

/// Below the ports that the system gives out by itself.
fn free_port() -> u16 {
    static TRIES: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 1_000) as u16 * 16;
    let candidates = std::iter::repeat_with(|| {
        10_000 + (start + TRIES.fetch_add(1, Ordering::Relaxed)) % 20_000
    });
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    candidates.take(1_000).find(free).expect("some port is free")
}

// R: GEN-01
#[test]
fn sockets_that_systemd_passes_are_served() {
    let dir = tempfile::tempdir().unwrap();
    // Addresses that nobody here can listen on.
    prepare(dir.path(), &[Service::Tftp], "tftp = [\"192.0.2.1:69\"]\nhttp = [\"192.0.2.1:80\"]");
    let (udp, tcp) =
        (UdpSocket::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (tftp, http) = (udp.local_addr().unwrap(), tcp.local_addr().unwrap());
    // The shell puts them where systemd would, and becomes the daemon.
    let activate = |names: &str, udp: UdpSocket, tcp: TcpListener| {
        let script = "exec 3<&0 4>&1 </dev/null >/dev/null; LISTEN_PID=$$ exec \"$@\"";
        Command::new("sh")
            .args(["-c", script, "sh", DAEMON, "--config"])
            .arg(dir.path().join("ringfence.toml"))
            .env("LISTEN_FDS", "2")
            .env("LISTEN_FDNAMES", names)
            .stdin(OwnedFd::from(udp))
            .stdout(OwnedFd::from(tcp))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let daemon = Daemon(activate("tftp:http", udp.try_clone().unwrap(), tcp.try_clone().unwrap()));
    // The first request waits in the socket until somebody serves it.
    let file = fetch(tftp, "XMLDefault.cnf.xml", Options::default(), 1 << 20, Tuning::default());
    assert!(String::from_utf8(file.unwrap()).unwrap().contains("</Default>"));
    assert!(get(http, "/XMLDefault.cnf.xml").contains("</Default>"));
    drop(daemon);

    for (names, expected) in [("tftp:ftp", "FileDescriptorName"), ("http:tftp", "ListenDatagram")] {
        let daemon = activate(names, udp.try_clone().unwrap(), tcp.try_clone().unwrap());
        let ended = daemon.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && complaint.contains(expected), "{complaint}");
    }
}

#[test]
fn phones_come_back_when_callmanager_does() {
    const PHONE: &str = "SEP001122334455";
    let dir = tempfile::tempdir().unwrap();
    let (sccp, secure) = (free_port(), free_port());
    let address = "tftp = [\"127.0.0.1:0\"]\nhttp = []\nsccp = \"127.0.0.1\"";
    let relay = "[[controld.relay]]\nname = \"relay1\"\naddresses = [\"127.0.0.1:9\"]";
    let agent = format!("call_agent = \"127.0.0.1:{}\"", free_port());
    let services = [Service::CallManager, Service::CtlProvider];
    let provider = prepare(dir.path(), &services, &format!("{address}\n{agent}\n{relay}"));
    let phone = |change: &mut store::Change<'_>| -> store::Result<()> {
        change.set_parameter(None, "call-manager.port", &sccp.to_string())?;
        change.set_parameter(None, "call-manager.secure-port", &secure.to_string())?;
        let mut device = Device::new(PHONE.parse::<DeviceName>()?, Model::M7970);
        let number: Number = "1001".parse()?;
        change.put_line(&Line::new(number.clone()))?;
        device.lines.push(number);
        change.put_device(&device)
    };
    open(dir.path()).change(&Author::new("test", "test"), SystemTime::now(), phone).unwrap();
    give(dir.path());

    for relay_is_missed in [true, false] {
        let daemon = start(dir.path(), provider);
        let deadline = Instant::now() + PATIENCE;
        let mut stream = loop {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, sccp)) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            thread::sleep(Duration::from_millis(5));
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let register = sccp::phone::Register {
            device_name: sccp::Text::from(PHONE),
            address: sccp::Ip4(Ipv4Addr::LOCALHOST),
            device_type: sccp::codes::DeviceType(Model::M7970.load_id()),
            protocol_version: 11,
            ..Default::default()
        };
        let secrecy = sccp::Secrecy::Exposed;
        let session = sccp::Session { version: sccp::Version::V11, secrecy };
        stream.write_all(&session.encode(&register.into()).unwrap()).unwrap();
        let mut header = [0; 12];
        stream.read_exact(&mut header).unwrap();
        assert_eq!(header[8..12], 0x0081_u32.to_le_bytes(), "it is welcome");
        if relay_is_missed {
            expect_missing_relay(&dir.path().join("run/controld.sock"));
        }
        drop(daemon);
    }
}

/// Administrators hear of CallManager, and of the relay that is not there.
fn expect_missing_relay(socket: &Path) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = console::ask(socket, Language::English, &console::Status {}).unwrap();
        let told = status.alarms.iter().any(|alarm| alarm.contains("relay1"));
        if told && status.telephony.is_some() {
            return;
        }
        assert!(Instant::now() < deadline, "{status:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn get(server: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The way to a daemon; before a certain request it draws a knife.
struct Way<'a> {
    tls: TlsTransport,
    danger: Option<(&'static str, &'a Knife)>,
}

impl Transport for Way<'_> {
    fn send(&self, server: &Server, request: &Request) -> Result<Response, TransportFault> {
        if let Some((path, knife)) = self.danger
            && request.method == "PUT"
            && request.path == path
        {
            knife.draw();
        }
        self.tls.send(server, request)
    }
}

fn way<'a>(danger: Option<(&'static str, &'a Knife)>) -> Way<'a> {
    Way { tls: TlsTransport::new(KnownServers::new(), |_, _| true), danger }
}

fn connect<'a>(way: &'a Way<'_>, port: u16) -> Cluster<'a> {
    let server = Server::parse(&format!("127.0.0.1:{port}")).unwrap();
    let (user, client) = ("admin".into(), "client-1".into());
    let credentials = Credentials { user, password: Password::new(PASSWORD), client };
    Cluster::connect(way, server, &credentials).unwrap()
}

fn start(dir: &Path, port: u16) -> Daemon {
    let daemon = Command::new(DAEMON)
        .arg("--config")
        .arg(dir.join("ringfence.toml"))
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut daemon = Daemon(daemon);
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(daemon.is_alive(), "the daemon has ended");
        assert!(Instant::now() < deadline, "the CTL Provider does not listen");
        thread::sleep(Duration::from_millis(5));
    }
    daemon
}

fn token(name: &str) -> Identity {
    let key = PrivateKey::generate(KeyKind::Rsa1024);
    let template = Template {
        subject: Name::common(name),
        not_before: SystemTime::now() - Duration::from_secs(3600),
        validity: Duration::from_secs(20 * 365 * 24 * 3600),
        usage: Usage::Signing,
        alternative_names: Vec::new(),
    };
    Identity::new(self_signed(&template, Hash::Sha256, &key).unwrap(), key).unwrap()
}

/// A list in force with tokens 1 and 2; an update that adds token 3 and begins mixed mode, during
/// which the daemon is killed at every step of the request at `path`.
fn killed_during(path: &'static str) {
    let tokens = ["sast-1", "sast-2", "sast-3"].map(token);
    let port = std::cell::Cell::new(0);
    let now = SystemTime::now;
    let prepare = |dir: &Path| {
        let services = [Service::CallManager, Service::Tftp, Service::CtlProvider];
        port.set(prepare(dir, &services, "tftp = [\"127.0.0.1:0\"]\nhttp = []"));
        let daemon = start(dir, port.get());
        let way = way(None);
        let cluster = connect(&way, port.get());
        let found = cluster.discover(now()).unwrap();
        let mut draft = Draft::create(SecurityMode::NonSecure, &found).unwrap();
        for token in &tokens[..2] {
            draft.add_token(token.certificate()).unwrap();
        }
        let (_, report) = cluster.finish(&draft, &tokens[0], Stranding::Refused, now()).unwrap();
        assert!(report.is_complete(), "{report:?}");
        drop(daemon);
        fs::copy(dir.join("tftp/CTLFile.tlv"), dir.join("before.tlv")).unwrap();
    };
    let work = |_: &Path, knife: &Knife| {
        let way = way(Some((path, knife)));
        let cluster = connect(&way, port.get());
        let found = cluster.discover(now()).unwrap();
        let present = cluster.present_for_update().unwrap();
        let mut draft = Draft::set_mode(present, SecurityMode::Mixed, &found).unwrap();
        draft.add_token(tokens[2].certificate()).unwrap();
        match cluster.finish(&draft, &tokens[0], Stranding::Refused, now()) {
            Ok((_, report)) => report.is_complete(),
            Err(OperationFault::Client(_)) => false,
            Err(other) => panic!("{other}"),
        }
    };
    let check = |dir: &Path, ended: Ended| {
        let before = present_list(&fs::read(dir.join("before.tlv")).unwrap()).unwrap();
        let is_new = |file: Vec<u8>| {
            let list = present_list(&file).unwrap();
            (*list).clone().verify(Trust::in_ctl(&before)).unwrap();
            let is_old = list.as_bytes() == before.as_bytes();
            let tokens = list.with_role(Role::Sast).count();
            assert!(is_old || tokens == 3 && list.has_call_manager_certificate(), "{ended:?}");
            !is_old
        };
        let read = || fs::read(dir.join("tftp/CTLFile.tlv")).unwrap();
        let accepted = open(dir).read(|view| view.ctl()).unwrap().unwrap().file;
        let (in_directory, in_database) = (is_new(read()), is_new(accepted));
        assert!(in_database || !in_directory, "{ended:?}: a list that nobody accepted");
        assert!(ended != Ended::Finished || in_directory);

        // Started again, the daemon has one list, and the push is finished.
        let _daemon = start(dir, port.get());
        let way = way(None);
        // Whom it lets in it has told what it found.
        let cluster = connect(&way, port.get());
        assert_eq!(is_new(read()), in_database, "{ended:?}");
        let report = cluster.push_again().unwrap();
        assert!(report.is_complete(), "{ended:?}: {report:?}");
        let mode = open(dir).read(|view| view.security_mode()).unwrap();
        let expected = if in_database { SecurityMode::Mixed } else { SecurityMode::NonSecure };
        assert_eq!(mode, expected, "{ended:?}");
    };
    daemon_at_every_step(prepare, |dir| start(dir, port.get()), work, check);
}

// R: CTL-09
#[test]
fn a_daemon_that_is_killed_while_it_takes_a_list_has_the_old_or_the_new_one() {
    killed_during("/v1/ctl");
}

// R: CTL-09
#[test]
fn a_daemon_that_is_killed_while_it_takes_a_mode_has_the_old_or_the_new_one() {
    killed_during("/v1/mode");
}
