//! A cluster with real keys behind a real TFTP server.
#![allow(dead_code)] // each test binary uses its part

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use pki::issue::{Template, Usage, self_signed};
use pki::{Hash, Identity, KeyKind, Name, PrivateKey, Signer};
use provisioning::signing::FileSigner;
use ringfence_phone::{Flash, Model, Phone};
use tempfile::TempDir;
use tftp::server::{Server, Service};
use tftp::{
    Config, DeviceName, FileRequest, FileSource, RateLimit, Refusal, RequestLog, Served, Tuning,
};
use tlv::{
    CtlFile, DigestAlgorithm, FileKind, PublicKey, Record, Role, Serial, SignatureModulus,
    SignerId, Signing, Text, VerifiedCtl,
};

pub const DEVICE: &str = "SEP00112233AABB";
pub const LOAD: &str = "SCCP70.lab-1";

/// Somebody with a key and a self-signed certificate.
pub struct Holder(pub Arc<Identity>);

pub fn holder(name: &str) -> Holder {
    let key = PrivateKey::generate(KeyKind::Rsa1024);
    let template = Template {
        subject: Name::common(name),
        not_before: SystemTime::now(),
        validity: Duration::from_secs(86_400),
        usage: Usage::Server,
        alternative_names: vec![],
    };
    let certificate = self_signed(&template, Hash::Sha256, &key).unwrap();
    Holder(Arc::new(Identity::new(certificate, key).unwrap()))
}

impl Holder {
    pub fn id(&self) -> SignerId {
        let certificate = self.0.certificate();
        SignerId {
            name: Text::new(certificate.subject().trust_list_form()).unwrap(),
            serial: Serial::new(certificate.serial()).unwrap(),
            issuer: Text::new(certificate.issuer().trust_list_form()).unwrap(),
        }
    }

    pub fn public_key(&self) -> PublicKey {
        PublicKey::new(self.0.public_key().trust_list_form()).unwrap()
    }

    pub fn record(&self, role: Role) -> Record {
        let id = self.id();
        let server = role != Role::Sast;
        Record {
            dns_name: Some(Text::new(if server { "127.0.0.1" } else { "" }).unwrap()),
            subject: Some(id.name),
            issuer: Some(id.issuer),
            serial: Some(id.serial),
            public_key: Some(self.public_key()),
            signature: Some(self.0.certificate().signature().to_vec()),
            certificate: Some(self.0.certificate().der().to_vec()),
            address: server.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            ..Record::bare(role)
        }
    }

    pub fn sign_ctl(&self, records: &[Record]) -> VerifiedCtl {
        let signing = Signing {
            signer: self.id(),
            digest: DigestAlgorithm::Sha1,
            modulus: SignatureModulus::Bits1024,
            timestamp: 1_700_000_000,
            signer_version: None,
        };
        let unsigned = CtlFile::unsigned(signing, records).unwrap();
        let signature = self.0.sign(Hash::LegacySha1, unsigned.to_be_signed()).unwrap();
        unsigned.attach(&signature).unwrap()
    }

    pub fn sign_file(&self, kind: FileKind, name: &str, payload: &[u8]) -> Vec<u8> {
        let signer = FileSigner::new(Arc::clone(&self.0)).unwrap();
        let file = signer.sign(kind, name, payload, SystemTime::now()).unwrap();
        file.as_bytes().to_vec()
    }
}

/// An address of this machine that is not the loopback, to which no server sends media.
pub fn own_address() -> IpAddr {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    // Nothing is sent: the kernel only chooses a source address.
    socket.connect("198.51.100.1:9").expect("these tests need a default route");
    socket.local_addr().unwrap().ip()
}

/// Files that a test changes while they are served.
#[derive(Default)]
pub struct Files(Mutex<BTreeMap<String, Arc<[u8]>>>);

impl Files {
    pub fn put(&self, name: &str, content: impl Into<Vec<u8>>) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(name.to_owned(), content.into().into());
    }

    pub fn remove(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Flips one bit in the middle.
    pub fn tamper(&self, name: &str) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let file = files.get_mut(name).unwrap();
        let mut bytes = file.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        *file = bytes.into();
    }
}

impl FileSource for Files {
    fn open(&self, request: &FileRequest) -> Result<Served, Refusal> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = files.get(request.name.as_str()).ok_or(Refusal::NotFound)?;
        Ok(Served::plain(bytes.clone(), "test file"))
    }
}

/// Two tokens, a node, an image key, and a TFTP server.
pub struct Cluster {
    pub tokens: [Holder; 2],
    pub node: Holder,
    pub image: Holder,
    pub files: Arc<Files>,
    pub address: SocketAddr,
    pub log: Arc<RequestLog>,
    _server: Server,
    home: TempDir,
}

impl Cluster {
    /// A server without files.
    pub fn new() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        let files = Arc::new(Files::default());
        let log = Arc::new(RequestLog::new(1000));
        // all phones of a test share an address
        let rate = RateLimit { per_second: 1e6, burst: 1e6 };
        let config = Config { rate, ..Config::default() };
        let service = Service { source: files.clone(), observer: log.clone() };
        Self {
            tokens: [holder("token-1"), holder("token-2")],
            node: holder("cm1"),
            image: holder("image"),
            files,
            address,
            log,
            _server: Server::tftp(&config, &[socket], 2, &service).unwrap(),
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// A mixed-mode cluster: a list, and the phone's configuration signed.
    pub fn mixed() -> Self {
        let cluster = Self::new();
        cluster.publish_ctl(&cluster.tokens[0], &cluster.records());
        cluster.publish_signed(&format!("{DEVICE}.cnf.xml"), configuration(3, "").as_bytes());
        cluster
    }

    pub fn records(&self) -> Vec<Record> {
        let [first, second] = &self.tokens;
        vec![first.record(Role::Sast), second.record(Role::Sast), self.node.record(Role::CcmTftp)]
    }

    pub fn publish_ctl(&self, signer: &Holder, records: &[Record]) -> VerifiedCtl {
        let ctl = signer.sign_ctl(records);
        self.files.put(&format!("CTL{DEVICE}.tlv"), ctl.as_bytes());
        ctl
    }

    pub fn publish_signed(&self, name: &str, content: &[u8]) {
        self.files.put(name, content);
        let name = format!("{name}.sgn");
        self.files.put(&name, self.node.sign_file(FileKind::Provisioning, &name, content));
    }

    pub fn publish_image(&self, load: &str) {
        let parts = ["jar70.sbn", "cnu70.sbn"];
        let manifest = format!("# lab\r\n{}  \r\n{}\r\n", parts[0], parts[1]);
        let name = format!("{load}.loads");
        let image = |name: &str, content: &[u8]| {
            self.files.put(name, self.image.sign_file(FileKind::Image, name, content));
        };
        image(&name, manifest.as_bytes());
        for part in parts {
            image(part, &vec![0x5A; 40_000]);
        }
    }

    pub fn phone(&self, model: Model) -> Phone {
        self.phone_with(model, model.has_manufactured_certificate())
    }

    pub fn phone_with(&self, model: Model, has_certificate: bool) -> Phone {
        Phone {
            identity: ringfence_phone::Identity {
                device: DeviceName::parse(DEVICE).unwrap(),
                model,
                has_certificate,
                image_key: Some(self.image.public_key()),
            },
            flash: Flash::open(&self.home.path().join(model.to_string())).unwrap(),
            servers: vec![self.address],
            tuning: Tuning::default(),
        }
    }
}

/// A configuration file with this device security mode and load.
pub fn configuration(mode: u8, load: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<device><devicePool><callManagerGroup><members>\
         <member priority=\"1\"><callManager><processNodeName>192.0.2.11</processNodeName>\
         </callManager></member>\
         <member priority=\"0\"><callManager><ports><ethernetPhonePort>2000</ethernetPhonePort>\
         </ports><processNodeName>192.0.2.10</processNodeName></callManager></member>\
         </members></callManagerGroup></devicePool><loadInformation>{load}</loadInformation>\
         <vendorConfig><garp>0</garp></vendorConfig>\
         <deviceSecurityMode>{mode}</deviceSecurityMode></device>"
    )
}
