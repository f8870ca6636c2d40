//! A daemon in this process, and the command that asks it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::JoinHandle;
use std::time::SystemTime;

use controld::config::Config;
use controld::office::Office;
use controld::phones::Phones;
use controld::services::{Services, Sockets};
use controld::socket::{AdminSocket, Stopper};
use serde_json::Value;
use store::{Store, StoreUrl};
use tempfile::TempDir;

/// A daemon behind its socket, and the command that asks it.
pub struct Daemon {
    pub dir: TempDir,
    pub services: Arc<Services>,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            node: Some("cm1".into()),
            store: StoreUrl::Sqlite(dir.path().join("ringfence.db")),
            key_directory: dir.path().join("keys"),
            certificate_directory: dir.path().join("certs"),
            phone_directory: dir.path().join("phones"),
            admin_socket: dir.path().join("controld.sock"),
            tftp: Vec::new(),
            http: vec!["127.0.0.1:0".parse().unwrap()],
            ctl_provider: "127.0.0.1".parse().unwrap(),
            ..Config::default()
        };
        let socket = AdminSocket::bind(&config.admin_socket).unwrap();
        let stopper = socket.stopper();
        let store = Arc::new(Store::open(&config.store).unwrap());
        let phones = Phones::open(&config.phone_directory, Arc::clone(&store), "cm1").unwrap();
        let sockets = Sockets::open(&config).unwrap();
        let (phones, now) = (Arc::new(phones), SystemTime::now());
        let services = Services::new(Arc::clone(&store), config, sockets, phones, now);
        let services = Arc::new(services);
        let office = Office::new(store, "cm1".into(), Arc::clone(&services));
        let thread = std::thread::spawn(move || socket.run(&office));
        Self { dir, services, stopper, thread: Some(thread) }
    }

    /// One with a cluster in it, of which this node is the publisher.
    pub fn with_cluster() -> Self {
        let daemon = Self::start();
        let password = daemon.file("password", "correct horse\n");
        let init = "cluster init lab --address 127.0.0.1 --password-file";
        daemon.json(&format!("{init} {}", password.display()));
        daemon
    }

    /// Starts the services, the CTL Provider on a free port; the port.
    pub fn with_services(&self) -> u16 {
        self.json(&format!("param set tftp.file-location {}", self.path("tftp").display()));
        // Below the ports that the system gives out by itself. Other tests look for one too.
        static TRIES: AtomicU16 = AtomicU16::new(0);
        let start = (std::process::id() % 1_000) as u16 * 16;
        for _ in 0..1_000 {
            let port = 10_000 + (start + TRIES.fetch_add(1, Ordering::Relaxed)) % 20_000;
            self.json(&format!("param set ctl-provider.port {port}"));
            self.services.reconcile(SystemTime::now());
            match self.services.problems().as_slice() {
                [] => return port,
                [(_, why)] if why.contains("in use") => {}
                problems => panic!("{problems:?}"),
            }
        }
        panic!("no free port");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn run(&self, words: &str) -> Output {
        self.run_with(words, "")
    }

    /// Runs a command with something typed into it.
    pub fn run_with(&self, words: &str, typed: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ringfence"))
            .args(words.split_whitespace())
            .env("RINGFENCE_CONTROLD", self.path("controld.sock"))
            .env("RINGFENCE_TOKEN_HOME", self.path("token-home"))
            .env("RINGFENCE_CTL_CLIENT", self.path("ctl-client.json"))
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that does not ask ends without reading.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must end with 0, and reads its JSON.
    pub fn json(&self, words: &str) -> Value {
        let output = self.run(&format!("-o json {words}"));
        assert_eq!(output.status.code(), Some(0), "{words}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs a command that must end with `code`, and returns what it complains of.
    pub fn fails(&self, code: i32, words: &str) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(code), "{words}: {}", stderr(&output));
        stderr(&output)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
