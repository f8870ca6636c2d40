//! A node that is administered over HTTPS, and a client for it that may misbehave.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use admin::server::Server;
use ringfence_controld::administration;
use ringfence_controld::config::Config;
use ringfence_controld::office::Office;
use ringfence_controld::phones::Phones;
use ringfence_controld::services::{Services, Sockets};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value as Json;
use store::{
    Administrator, AdministratorRole, ApiToken, ApiTokenSecret, Author, Node, NodeRole, Password,
    PasswordHash, Store, StoreUrl,
};
use tempfile::TempDir;

/// Far more than any answer takes.
pub const PATIENCE: Duration = Duration::from_secs(120);
pub const PASSWORD: &str = "correct horse";

/// The node.
pub struct Site {
    pub dir: TempDir,
    pub store: Arc<Store>,
    pub at: SocketAddr,
    _server: Server,
    pub services: Arc<Services>,
}

impl Site {
    /// One with an account of each role, named like it.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let config = Config {
            node: Some("cm1".into()),
            store: StoreUrl::Sqlite(at("ringfence.db")),
            key_directory: at("keys"),
            certificate_directory: at("certs"),
            phone_directory: at("phones"),
            tftp: Vec::new(),
            http: Vec::new(),
            ctl_provider: Ipv4Addr::LOCALHOST.into(),
            capf: Ipv4Addr::LOCALHOST.into(),
            sccp: Some(Ipv4Addr::LOCALHOST.into()),
            media: Some(Ipv4Addr::LOCALHOST.into()),
            call_agent: (Ipv4Addr::LOCALHOST, 0).into(),
            relay_status: at("datad.sock"),
            ..Config::default()
        };
        let store = Arc::new(Store::open(&config.store).unwrap());
        std::fs::create_dir(at("tftp")).unwrap();
        let hash = PasswordHash::new(&Password::new(PASSWORD)).unwrap();
        store
            .change(&Author::new("test", "test"), SystemTime::now(), |change| {
                change.create_cluster("lab")?;
                let mut node = Node::new("cm1", "192.0.2.1".parse().unwrap(), NodeRole::Publisher);
                node.services.clear();
                change.put_node(&node)?;
                let files = at("tftp");
                let files = files.to_str().unwrap();
                change.set_parameter(Some("cm1"), "tftp.file-location", files)?;
                for role in AdministratorRole::ALL {
                    let name = role.as_str().to_owned();
                    change.put_administrator(&Administrator { name, role: *role }, &hash)?;
                }
                Ok(())
            })
            .unwrap();
        let phones = Phones::open(&config.phone_directory, Arc::clone(&store), "cm1").unwrap();
        let sockets = Sockets::open(&config).unwrap();
        let services = Arc::new(Services::new(
            Arc::clone(&store),
            config.clone(),
            sockets,
            Arc::new(phones),
            SystemTime::now(),
        ));
        let office = Arc::new(Office::new(Arc::clone(&store), "cm1".into(), Arc::clone(&services)));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = administration::start(vec![listener], &config, &store, office).unwrap();
        let at = server.addresses()[0];
        Self { dir, store, at, _server: server, services }
    }

    /// The certificate that the node shows, which has issued itself.
    pub fn keeper_certificate(&self) -> pki::Certificate {
        let pem = std::fs::read(self.dir.path().join("keys/https.pem")).unwrap();
        let der = CertificateDer::from_pem_slice(&pem).unwrap();
        pki::Certificate::parse(&der).unwrap()
    }

    /// A program with a token for what a role may.
    pub fn program(&self, role: AdministratorRole) -> Client {
        let secret = ApiTokenSecret::random();
        let name = format!("token-{role}-{}", &secret.expose()[3..9]);
        let token = ApiToken { name, owner: role.to_string(), role, expires: None };
        self.store
            .change(&Author::new("test", "test"), SystemTime::now(), |change| {
                change.add_api_token(&token, &secret)
            })
            .unwrap();
        let mut client = self.stranger();
        client.headers.push(("authorization".into(), format!("Bearer {}", secret.expose())));
        client
    }

    /// Somebody unknown.
    pub fn stranger(&self) -> Client {
        let pem = std::fs::read(self.dir.path().join("keys/https.pem")).unwrap();
        let certificates = CertificateDer::pem_slice_iter(&pem).map(Result::unwrap);
        let mut roots = RootCertStore::empty();
        certificates.for_each(|certificate| roots.add(certificate).unwrap());
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Each connection is shown the certificate of its time.
        tls.resumption = Resumption::disabled();
        Client { at: self.at, tls: Arc::new(tls), headers: Vec::new() }
    }
}

/// Somebody who asks.
#[derive(Clone)]
pub struct Client {
    at: SocketAddr,
    tls: Arc<ClientConfig>,
    /// What every request shows.
    pub headers: Vec<(String, String)>,
}

/// What was answered.
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Client {
    /// A TLS connection whose server name is checked.
    pub fn connect(&self, name: &str) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let stream = TcpStream::connect(self.at)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let tls = ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(tls, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = self.connect("localhost").unwrap();
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        let own = self.headers.iter().map(|(name, value)| (&**name, &**value));
        for (name, value) in own.chain(headers.iter().copied()) {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        // It may refuse a body before it has read it.
        let _ = stream.write_all(body).and_then(|()| stream.flush());
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) if !answer.is_empty() => drop(error),
            Err(error) => panic!("{method} {path}: {error}"),
        }
        Answer::parse(&answer)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], &[])
    }

    pub fn send(&self, method: &str, path: &str, body: &Json) -> Answer {
        let json = [("content-type", "application/json")];
        self.ask(method, path, &json, body.to_string().as_bytes())
    }
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let pairs = lines.filter_map(|line| line.split_once(": "));
        let headers: HashMap<_, _> =
            pairs.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let mut body = bytes[end + 4..].to_vec();
        if headers.get("transfer-encoding").is_some_and(|it| it == "chunked") {
            body = unchunked(&body);
        }
        Self { status, headers, body }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body; fails unless the status is `status`.
    pub fn json(&self, status: u16) -> Json {
        assert_eq!(self.status, status, "{}", self.text());
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The code of a problem; fails if it is none.
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text());
        let problem = self.json(self.status);
        assert_eq!(problem["status"], self.status);
        assert_eq!(
            problem["type"],
            format!("urn:ringfence:problem:{}", problem["code"].as_str().unwrap())
        );
        (self.status, problem["code"].as_str().unwrap().to_owned())
    }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|it| it == b"\r\n") {
        let size = std::str::from_utf8(&body[..end]).unwrap();
        let size = usize::from_str_radix(size.split(';').next().unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 2 + size + 2..];
    }
    whole
}
