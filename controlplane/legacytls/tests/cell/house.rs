//! A cell, controld's half of it, and telephones.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use ringfence_legacytls::client::{Cell, Connection, Event, Serving, State};
use ringfence_legacytls::link::{
    CertificateKind, Clients, Limits, Protection, Refused, Service, TlsVersion,
};
use tempfile::TempDir;

use crate::certificates::{Identity, VALID};

/// Everything takes its time on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A directory with a cell in it.
pub struct House {
    pub directory: TempDir,
    pub process: Child,
    pub cell: Cell,
}

impl House {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = rustix::process::geteuid().is_root();
        let users = if root { "user = \"nobody\"\ncontrold_user = \"root\"\n" } else { "" };
        let socket = directory.path().join("legacytls.sock");
        let text = format!("[controld]\n[legacytls]\nsocket = {socket:?}\n{users}");
        std::fs::write(directory.path().join("ringfence.toml"), text).unwrap();
        let process = start(directory.path());
        let cell = Cell::at(socket);
        Self { directory, process, cell }
    }

    /// Kills the cell.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again.
    pub fn start(&mut self) {
        self.process = start(self.directory.path());
    }

    /// Serves a service at a port of its own.
    pub fn serve(&self, server: &Identity, change: impl FnOnce(&mut Service)) -> Served {
        let mut service = service(server);
        change(&mut service);
        let key = self.file("server.pem", &server.pem());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = self.cell.serve(service, listener, File::open(key).unwrap());
        await_state(&serving, &State::Serving);
        Served { serving, address }
    }

    /// Writes a file.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// A telephone that connects with these further arguments of `openssl s_client`.
    pub fn phone(&self, to: SocketAddr, who: Option<&Identity>, arguments: &[&str]) -> Phone {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-no_ign_eof", "-connect", &to.to_string()]);
        if let Some(identity) = who {
            let name = format!("phone-{:x?}.pem", identity.certificate.serial_number().to_bn());
            let file =
                self.file(&name.replace(|c: char| !c.is_alphanumeric(), ""), &identity.pem());
            command.arg("-cert").arg(&file).arg("-key").arg(&file);
        }
        Phone::start(command.args(arguments))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(directory: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_ringfence-legacytls"))
        .arg("--config")
        .arg(directory.join("ringfence.toml"))
        .spawn()
        .unwrap()
}

/// A service as telephones of the 79xx family need it, that trusts nobody yet.
pub fn service(server: &Identity) -> Service {
    Service {
        name: "sccp".into(),
        certificate: server.der(),
        clients: Clients::Anybody,
        protection: Protection::Authenticated,
        newest: TlsVersion::Tls13,
        limits: Limits::default(),
    }
}

/// A server's certificate.
pub fn server() -> Identity {
    Identity::issuer("cm1", VALID)
}

/// Telephones with a certificate of this issuer.
pub fn certified(issuer: &Identity) -> Clients {
    Clients::Certified {
        lsc_issuers: vec![issuer.der()],
        mic_issuers: Vec::new(),
        voicemail_roots: Vec::new(),
        expired_mics_until: None,
    }
}

pub fn await_state(serving: &Serving, state: &State) {
    let start = std::time::Instant::now();
    while serving.state() != *state {
        assert!(start.elapsed() < PATIENCE, "it is {:?}", serving.state());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A service and where it is.
pub struct Served {
    pub serving: Serving,
    pub address: SocketAddr,
}

impl Served {
    pub fn connection(&self) -> Connection {
        match self.serving.accept_within(PATIENCE) {
            Some(Event::Connected(connection)) => {
                connection.stream.set_read_timeout(Some(PATIENCE)).unwrap();
                connection
            }
            other => panic!("no connection: {other:?}"),
        }
    }

    pub fn refusal(&self) -> Refused {
        match self.serving.accept_within(PATIENCE) {
            Some(Event::Refused(refused)) => refused,
            other => panic!("no refusal: {other:?}"),
        }
    }
}

/// `openssl s_client`.
pub struct Phone {
    process: Child,
    pub input: Option<ChildStdin>,
    pub output: ChildStdout,
    pub errors: ChildStderr,
}

impl Phone {
    pub fn start(command: &mut Command) -> Self {
        let piped = || Stdio::piped();
        let mut process = command
            .stdin(piped())
            .stdout(piped())
            .stderr(piped())
            .spawn()
            .expect("openssl is there");
        Self {
            input: process.stdin.take(),
            output: process.stdout.take().unwrap(),
            errors: process.stderr.take().unwrap(),
            process,
        }
    }

    pub fn say(&mut self, text: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text).unwrap();
        input.flush().unwrap();
    }

    pub fn hears(&mut self, text: &[u8]) {
        let mut heard = vec![0; text.len()];
        self.output.read_exact(&mut heard).unwrap();
        assert_eq!(heard, text);
    }

    /// Waits until it ends; says what it complained about.
    pub fn end(mut self) -> String {
        let mut errors = String::new();
        self.errors.read_to_string(&mut errors).unwrap();
        self.process.wait().unwrap();
        errors
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Bytes go both ways.
pub fn talk(phone: &mut Phone, connection: &mut Connection) {
    phone.say(b"from the telephone\n");
    let mut heard = [0; 19];
    connection.stream.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"from the telephone\n");
    connection.stream.write_all(b"to the telephone\n").unwrap();
    phone.hears(b"to the telephone\n");
}

/// The kind and the device of a connection's client.
pub fn client(connection: &Connection) -> Option<(CertificateKind, &str)> {
    let client = connection.tls.client.as_ref()?;
    Some((client.kind, client.device.as_str()))
}
