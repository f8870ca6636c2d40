//! A recorder that follows a database, with tools that attach to it.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use capture::pcapng::Reader;
use capture::reassembly::Reassembly;
use capture::sealed::{DayKey, Opener};
use capture::{Protocol, Record, Tap};
use pki::issue::{self, Template, Usage};
use pki::keydir::KeyDir;
use pki::node::{self, NodeName};
use pki::{Hash, KeyKind, Name};
use ringfence_recorder::client::{self, LiveError};
use ringfence_recorder::live::{Refusal, Wish};
use ringfence_recorder::service;
use ringfence_recorder::shelf::Part;
use ringfence_recorder::{Recorder, Setup};
use srst::tls::Own;
use store::{
    Administrator, AdministratorRole, Author, CaptureMode, CaptureTool, Change, Device, Model,
    Node, NodeRole, Password, PasswordHash, Store, StoreUrl,
};
use tempfile::TempDir;
use zeroize::Zeroizing;

const ALICE: &str = "SEP000000000001";
const BOB: &str = "SEP000000000002";
/// Everything takes its time on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct House {
    dir: TempDir,
    store: Arc<Store>,
    port: u16,
    certificate: pki::Certificate,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreUrl::Sqlite(dir.path().join("ringfence.db"))).unwrap();
        let name = NodeName {
            server: "cm1".into(),
            guid: "0".into(),
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
        };
        std::fs::create_dir(dir.path().join("keys")).unwrap();
        let now = SystemTime::now();
        let identity =
            node::open_or_create(&dir.path().join("keys"), &name, KeyKind::Rsa2048, now).unwrap();
        // Nobody else takes it: ports of listeners are not given out again at once.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let certificate = identity.certificate().clone();
        let house = Self { dir, store: Arc::new(store), port, certificate };
        let hash = PasswordHash::new(&Password::new("correct horse")).unwrap();
        house.change(|change| {
            change.create_cluster("lab")?;
            change.put_node(&Node::new("cm1", address(), NodeRole::Publisher))?;
            let port = port.to_string();
            change.set_parameter(None, "call-manager.packet-capture-enable", "on")?;
            change.set_parameter(None, "call-manager.packet-capture-tls-port", &port)?;
            change.set_parameter(None, "call-manager.packet-capture-max-clients", "1")?;
            change.set_parameter(None, "call-manager.packet-capture-max-file-mb", "1")?;
            change.set_parameter(None, "call-manager.packet-capture-min-free-mb", "0")?;
            for name in [ALICE, BOB] {
                change.put_device(&Device::new(name.parse().unwrap(), Model::M7970))?;
            }
            for (name, role) in
                [("root", AdministratorRole::Administrator), ("carl", AdministratorRole::Capture)]
            {
                change.put_administrator(&Administrator { name: name.into(), role }, &hash)?;
            }
            Ok(())
        });
        house
    }

    fn change(&self, make: impl FnOnce(&mut Change<'_>) -> store::Result<()>) {
        self.change_at(SystemTime::now(), make);
    }

    fn change_at(&self, at: SystemTime, make: impl FnOnce(&mut Change<'_>) -> store::Result<()>) {
        self.store.change(&Author::new("carl", "test"), at, make).unwrap();
    }

    fn start(&self) -> Recorder {
        let path = |name: &str| self.dir.path().join(name);
        service::start(Setup {
            store: Arc::clone(&self.store),
            node: "cm1".into(),
            address: address(),
            listen: address(),
            certificate: self.certificate.clone(),
            key_file: path("keys").join(node::KEY_FILE),
            directory: path("capture"),
            keys: path("keys/capture"),
        })
        .unwrap()
    }

    /// A tool with a certificate of its own.
    fn tool(&self, name: &str) -> (Own, String) {
        let dir = self.dir.path().join(name);
        std::fs::create_dir(&dir).unwrap();
        let template = Template {
            subject: Name::common(name),
            not_before: SystemTime::now(),
            validity: Duration::from_secs(3600),
            usage: Usage::Server,
            alternative_names: Vec::new(),
        };
        let files = KeyDir::new(dir.join("tool.cer"), dir.join("tool.key"));
        let identity = files.open_or_create(KeyKind::EcP256, SystemTime::now(), |key| {
            issue::self_signed(&template, Hash::Sha256, key).unwrap()
        });
        let certificate = identity.unwrap().certificate().clone();
        let print = certificate.fingerprint();
        (Own::new(&certificate, None, &dir.join("tool.key")), print)
    }

    fn server(&self) -> String {
        SocketAddr::new(address(), self.port).to_string()
    }

    /// Attaches, and passes on what comes.
    fn attach(&self, own: Own, devices: &[&str]) -> Stream {
        let (out, read) = channel();
        let wish = Wish { devices: devices.iter().map(ToString::to_string).collect() };
        let (server, print) = (self.server(), self.certificate.fingerprint());
        let ended = Arc::new(OnceLock::new());
        let told = Arc::clone(&ended);
        std::thread::spawn(move || {
            let result = client::stream(&server, &print, &own, &wish, &mut Out(out));
            let _ = told.set(result.map_err(|error| error.to_string()));
        });
        Stream { read, octets: Vec::new(), ended }
    }

    /// Why the latest capture ended.
    fn why(&self) -> String {
        let log = self.store.read(|view| view.revisions(None, 1)).unwrap().remove(0);
        let new = log.entries[0].new.clone().unwrap_or_default();
        new["why"].as_str().unwrap_or_default().to_owned()
    }
}

struct Out(Sender<Vec<u8>>);

impl Write for Out {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        let sent = self.0.send(octets.to_vec());
        sent.map(|()| octets.len()).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Stream {
    read: std::sync::mpsc::Receiver<Vec<u8>>,
    octets: Vec<u8>,
    ended: Arc<OnceLock<Result<(), String>>>,
}

impl Stream {
    /// The messages that came so far.
    fn records(&mut self) -> Vec<Record> {
        self.octets.extend(self.read.try_iter().flatten());
        let Ok(reader) = Reader::new(&self.octets[..]) else { return Vec::new() };
        let mut reassembly = Reassembly::default();
        reader.map_while(Result::ok).flat_map(|packet| reassembly.take(&packet)).collect()
    }

    fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }
}

fn address() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn record(device: &str, fill: usize) -> Record {
    let mut message = ((fill + 4) as u32).to_le_bytes().to_vec();
    message.extend([0; 4]);
    message.extend(0x8au32.to_le_bytes());
    message.resize(12 + fill, 7);
    Record {
        at: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap(),
        device: device.into(),
        source: "0.0.0.0:2443".parse().unwrap(),
        destination: "10.0.0.2:50000".parse().unwrap(),
        protocol: Protocol::SccpOverTls,
        from_device: false,
        message: Zeroizing::new(message),
    }
}

// R: CAP-01, CAP-03
#[test]
fn tools_that_are_known_get_what_is_captured_in_real_time() {
    let house = House::new();
    let (own, print) = house.tool("laptop");
    let recorder = house.start();
    let tap = recorder.tap();
    assert!(!tap.is_on(), "nothing is captured at first");
    until("it listens", || recorder.seen().live.is_some());

    // A stranger gets nothing, nor does the tool before it is known; nor does it fall for another
    // server.
    let wish = Wish::default();
    let refused = client::stream(
        &house.server(),
        &house.certificate.fingerprint(),
        &own,
        &wish,
        &mut Vec::new(),
    );
    assert!(matches!(refused, Err(LiveError::Refused(Refusal::NotAllowed))), "{refused:?}");
    let other = client::stream(&house.server(), &print, &own, &wish, &mut Vec::new());
    assert!(matches!(other, Err(LiveError::OtherServer { .. })), "{other:?}");

    house.change(|change| {
        let tool =
            CaptureTool { name: "laptop".into(), owner: "carl".into(), sha256: print.clone() };
        change.put_capture_tool(&tool)?;
        change.set_capture(ALICE, CaptureMode::RealTime, 60)?;
        change.set_capture(BOB, CaptureMode::RealTime, 60)
    });
    recorder.catch_up();
    assert!(tap.wants(ALICE) && tap.wants(BOB), "what was waited for is in force");
    let mut stream = house.attach(own.clone(), &[ALICE]);
    until("it is attached", || recorder.seen().attached == ["laptop"]);
    // As many as may be are there.
    let full = client::stream(
        &house.server(),
        &house.certificate.fingerprint(),
        &own,
        &wish,
        &mut Vec::new(),
    );
    assert!(matches!(full, Err(LiveError::Refused(Refusal::Full))), "{full:?}");

    for (device, length) in [(ALICE, 100), (BOB, 50), (ALICE, 5000)] {
        tap.take(record(device, length));
    }
    until("both messages come", || stream.records().len() == 2);
    let records = stream.records();
    assert!(records.iter().all(|record| record.device == ALICE));
    assert_eq!(records[1].message, record(ALICE, 5000).message);
    assert_eq!(records[0].source.ip(), address(), "the node's own address stands for none");
    let trail = house.store.read(|view| view.audit(None, 10)).unwrap();
    assert!(trail.iter().any(|entry| entry.action == "capture-attached"), "{trail:?}");

    // Its owner may capture no more: it is cut off.
    let hash = PasswordHash::new(&Password::new("correct horse")).unwrap();
    let role = AdministratorRole::Monitor;
    house.change(|change| {
        change.put_administrator(&Administrator { name: "carl".into(), role }, &hash)
    });
    until("it is cut off", || stream.has_ended());
}

// R: CAP-04
#[test]
fn what_is_captured_in_batches_is_in_the_file_of_the_day() {
    let house = House::new();
    house.change(|change| change.set_capture(ALICE, CaptureMode::Batch, 60));
    let recorder = house.start();
    let tap = recorder.tap();
    until("it is captured", || tap.wants(ALICE));
    assert!(!tap.wants(BOB));
    for length in [10, 20] {
        tap.take(record(ALICE, length));
    }
    until("it is recorded", || recorder.seen().recorded == 2);
    house.change(|change| change.set_capture(ALICE, CaptureMode::None, 0));
    until("it ends", || !tap.is_on());
    let opened = |recorder: &Recorder| {
        let day = recorder.files().unwrap().remove(0).day;
        let key = recorder.fetch(&day, Part::Key, 0, 1024).unwrap();
        let key = DayKey::from_text(std::str::from_utf8(&key).unwrap()).unwrap();
        let file = recorder.fetch(&day, Part::File, 0, 1 << 20).unwrap();
        Opener::new(&file[..], &key).unwrap().filter_map(Result::ok).count()
    };
    until("the file is whole", || opened(&recorder) == 2);
    assert!(!holds(&house.dir.path().join("capture"), b"SEP0000"), "nothing of it is in clear");
}

fn holds(directory: &Path, part: &[u8]) -> bool {
    std::fs::read_dir(directory).unwrap().flatten().any(|entry| {
        let octets = std::fs::read(entry.path()).unwrap_or_default();
        octets.windows(part.len()).any(|window| window == part)
    })
}

// R: CAP-01, CAP-02
#[test]
fn a_capture_ends_when_its_time_is_over_its_file_is_full_or_it_is_switched_off() {
    let house = House::new();
    let recorder = house.start();
    let tap = recorder.tap();
    let captured = || house.store.read(|view| view.captured_devices()).unwrap();

    let ago = SystemTime::now() - Duration::from_secs(120);
    house.change_at(ago, |change| change.set_capture(ALICE, CaptureMode::Batch, 1));
    until("its time is over", || captured().is_empty());
    assert!(!tap.is_on() && house.why().contains("duration"), "{}", house.why());

    house.change(|change| change.set_capture(ALICE, CaptureMode::Batch, 60));
    until("it is captured", || tap.wants(ALICE));
    for _ in 0..40 {
        tap.take(record(ALICE, 30_000));
    }
    until("the file is full", || captured().is_empty());
    until("nothing is taken any more", || !tap.is_on());
    assert!(house.why().contains("largest size"), "{}", house.why());
    assert!(recorder.files().unwrap()[0].octets <= 1 << 20);

    house.change(|change| change.set_capture(BOB, CaptureMode::RealTime, 60));
    until("it is captured", || tap.wants(BOB));
    house.change(|change| {
        change.set_parameter(None, "call-manager.packet-capture-min-free-mb", "1000000")?;
        change.set_capture(ALICE, CaptureMode::Batch, 60)
    });
    until("the disk is too full", || captured().len() == 1);
    assert!(house.why().contains("disk"), "{}", house.why());
    house.change(|change| change.set_parameter(None, "call-manager.packet-capture-enable", "off"));
    until("it is switched off", || captured().is_empty() && !tap.is_on());
    assert!(house.why().contains("switched off"), "{}", house.why());
    until("nobody can attach", || recorder.seen().live.is_none());
}
