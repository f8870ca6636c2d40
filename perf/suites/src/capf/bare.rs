//! The least that an enrolment takes: a handshake, a signature, a commit.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow};
use openssl::ssl::Ssl;
use phone::capf::TlsManner;
use pki::{Hash, Identity, Signer};
use rusqlite::Connection;
use rustix::time::{ClockId, clock_gettime};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use super::site::Site;
use crate::cpu;

/// Clients that call at the same time, so that the server never waits for one.
const CLIENTS: usize = 4;
/// As long as what is signed of a phone's certificate.
const TO_BE_SIGNED: [u8; 600] = [0x30; 600];

/// What something took.
pub(super) struct Took {
    /// Of its processor.
    pub processor: Duration,
    /// By the clock.
    pub wall: Duration,
}

pub(super) struct Bare {
    identity: Identity,
    tls: Arc<ServerConfig>,
    database: Connection,
}

impl Bare {
    /// With CAPF's own key, and a database where CAPF's is.
    pub fn new(site: &Site) -> Result<Self> {
        let files = site.authority();
        let identity =
            files.open(SystemTime::now()).map_err(|fault| anyhow!("CAPF's key: {fault:?}"))?;
        let key = PrivateKeyDer::from_pem_file(files.key_file())?;
        let chain = vec![CertificateDer::from(identity.certificate().der().to_vec())];
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        let database = Connection::open(site.directory().join("bare.db"))?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        database.execute_batch("CREATE TABLE phone (certificate BLOB NOT NULL)")?;
        Ok(Self { identity, tls: Arc::new(tls), database })
    }

    /// Does it so many times on the processor that is measured.
    pub fn work(&mut self, times: usize) -> Result<Took> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let server = listener.local_addr()?;
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let calls = (client..times).step_by(CLIENTS).count();
                scope.spawn(move || call(server, calls));
            }
            let serve = || self.serve(&listener, times);
            scope.spawn(serve).join().expect("serving does not panic")
        })
    }

    fn serve(&mut self, listener: &TcpListener, times: usize) -> Result<Took> {
        cpu::bind_here(cpu::MEASURED)?;
        let (clock, processor) = (Instant::now(), processor_time());
        for _ in 0..times {
            let (stream, _) = listener.accept()?;
            self.serve_one(stream)?;
        }
        Ok(Took { processor: processor_time() - processor, wall: clock.elapsed() })
    }

    fn serve_one(&mut self, mut stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut connection = ServerConnection::new(Arc::clone(&self.tls))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).context("a handshake failed")?;
        }
        let signature = self.identity.sign(Hash::Sha256, &TO_BE_SIGNED)?;
        let commit = self.database.transaction()?;
        commit
            .prepare_cached("INSERT INTO phone (certificate) VALUES (?1)")?
            .execute([signature])?;
        commit.commit()?;
        connection.send_close_notify();
        connection.complete_io(&mut stream).map(drop).or_else(went_away)
    }
}

/// A client that has what it wants does not wait for our goodbye.
fn went_away(error: io::Error) -> Result<()> {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Ok(()),
        _ => Err(error.into()),
    }
}

/// As phones shake hands.
fn call(server: SocketAddr, times: usize) -> Result<()> {
    cpu::bind_here(cpu::OTHERS)?;
    let context = TlsManner::modern().context()?;
    for _ in 0..times {
        let stream = TcpStream::connect(server)?;
        let mut stream = Ssl::new(&context)?
            .connect(stream)
            .map_err(|error| anyhow!("a handshake failed: {error}"))?;
        // Nothing but the goodbye comes, behind signature and commit.
        let _ = stream.ssl_read(&mut [0]);
    }
    Ok(())
}

/// What this thread has had of its processor.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
