//! The stream of what is captured, for tools with a certificate that is known.
//!
//! A tool connects with TLS 1.3 and its certificate, sends a line of JSON that says which devices it
//! wants ([`Wish`]), and gets pcapng until it goes, or a line of JSON that says why not
//! ([`Refusal`]).

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use capture::conversation::{self, Conversation};
use capture::{Device, Record};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde::{Deserialize, Serialize};
use srst::tls::{Own, Seat, TlsFault, asking, knock};

/// Messages that may wait for a tool; one that is slower is cut off.
const QUEUE: usize = 4096;
/// Longest wait for a tool that shakes hands, asks or does not read.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether a silent tool is still there and still may.
const GLANCE: Duration = Duration::from_millis(500);
/// Longest wish.
const MAX_WISH: u64 = 64 * 1024;

/// What a tool wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Only these devices; none: all that are captured in real time.
    pub devices: Vec<String>,
}

/// Why a tool gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "refused")]
pub enum Refusal {
    /// Nobody has let a tool with this certificate in, or its owner may not capture any more.
    #[error("no tool with this certificate is allowed, or its owner may not capture calls")]
    NotAllowed,
    /// Too many are attached.
    #[error("as many tools are attached as may be")]
    Full,
    /// It does not say what it wants.
    #[error("the wish cannot be read")]
    Garbled,
}

/// Who may attach, and how many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Fingerprints of certificates with the names of tools.
    pub tools: Vec<(String, String)>,
    /// How many at a time.
    pub clients: usize,
}

/// The running stream; dropping it cuts all tools off.
pub struct Live {
    address: SocketAddr,
    inner: Arc<Inner>,
    acceptor: Option<JoinHandle<()>>,
}

/// Hears who attaches, and from where.
pub type Told = Box<dyn Fn(&str) + Send + Sync>;

struct Inner {
    stop: AtomicBool,
    allowed: Mutex<Allowed>,
    attached: Mutex<Vec<Attached>>,
    told: Told,
    /// Connections, also of those who have not shown who they are yet.
    open: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Attached {
    tool: String,
    devices: Vec<Device>,
    records: Sender<Arc<Record>>,
    /// Whose other end the tool's thread has.
    serving: Weak<()>,
}

/// Connections beyond those that may be attached: strangers have to show that they are some.
const STRANGERS: usize = 16;

/// Streams to whoever is allowed.
pub fn start(
    listener: TcpListener,
    own: &Own,
    allowed: Allowed,
    told: Told,
) -> Result<Live, TlsFault> {
    let failed = |error: io::Error| TlsFault(error.to_string());
    let config = asking(own)?;
    let address = listener.local_addr().map_err(failed)?;
    let inner = Arc::new(Inner {
        stop: AtomicBool::new(false),
        allowed: Mutex::new(allowed),
        attached: Mutex::default(),
        told,
        open: Arc::default(),
    });
    let serving = Arc::clone(&inner);
    let acceptor = thread::Builder::new()
        .name("capture-live".into())
        .spawn(move || serving.accept(&listener, &config))
        .map_err(failed)?;
    Ok(Live { address, inner, acceptor: Some(acceptor) })
}

impl Live {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets these attach from now on, and nobody else stay.
    pub fn allow(&self, allowed: Allowed) {
        *self.inner.allowed() = allowed;
    }

    /// The names of the tools that are attached.
    pub fn attached(&self) -> Vec<String> {
        self.inner.attached().iter().map(|tool| tool.tool.clone()).collect()
    }

    /// Sends a message to every tool that wants its device.
    pub fn send(&self, record: Record) {
        let record = Arc::new(record);
        self.inner.attached().retain(|tool| {
            let wanted = tool.devices.is_empty() || tool.devices.iter().any(|it| is(it, &record));
            // One that does not keep up is cut off, and knows it.
            !wanted || tool.records.try_send(Arc::clone(&record)).is_ok()
        });
    }
}

fn names(devices: &[Device]) -> String {
    let names: Vec<_> = devices.iter().map(ToString::to_string).collect();
    if names.is_empty() { "all devices".to_owned() } else { names.join(", ") }
}

fn is(device: &Device, record: &Record) -> bool {
    match device {
        Device::Phone(name) => *name == record.device,
        Device::Endpoint { .. } => device.is_endpoint(&record.device),
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.inner.stop.store(true, Ordering::Release);
        self.inner.attached().clear();
        knock(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Inner {
    fn accept(self: Arc<Self>, listener: &TcpListener, config: &Arc<ServerConfig>) {
        for stream in listener.incoming() {
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            let Ok(stream) = stream else {
                // Out of descriptors, mostly.
                thread::sleep(GLANCE);
                continue;
            };
            if self.open.load(Ordering::Acquire) >= self.allowed().clients + STRANGERS {
                continue;
            }
            let seat = Seat::take(&self.open);
            let (inner, config) = (Arc::clone(&self), Arc::clone(config));
            // Without a thread the tool is not served, and tries again.
            let _ = thread::Builder::new().name("capture-tool".into()).spawn(move || {
                let _seat = seat;
                let _ = inner.serve(stream, config);
            });
        }
    }

    fn serve(&self, stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut socket = &stream;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        let shown = tls.peer_certificates().and_then(|chain| chain.first());
        let fingerprint = shown.map(|der| pki::certificate::hex(&pki::Hash::Sha256.of(der)));
        let fingerprint = fingerprint.ok_or(io::ErrorKind::PermissionDenied)?;
        let mut tls = StreamOwned::new(tls, &stream);
        let Some(tool) = self.tool(&fingerprint) else {
            return refuse(&mut tls, Refusal::NotAllowed);
        };
        let mut line = String::new();
        BufReader::new((&mut tls).take(MAX_WISH)).read_line(&mut line)?;
        let wish = serde_json::from_str::<Wish>(&line).ok();
        let devices = wish.and_then(|wish| {
            wish.devices.iter().map(|device| device.parse().ok()).collect::<Option<Vec<_>>>()
        });
        let Some(devices) = devices else { return refuse(&mut tls, Refusal::Garbled) };
        let (sender, records) = bounded(QUEUE);
        let serving = Arc::new(());
        let words = format!("{tool} from {} for {}", stream.peer_addr()?, names(&devices));
        let attached =
            Attached { tool, devices, records: sender, serving: Arc::downgrade(&serving) };
        if !self.attach(attached) {
            return refuse(&mut tls, Refusal::Full);
        }
        (self.told)(&words);
        let streamed = self.stream(&fingerprint, &stream, tls, &records);
        drop(serving);
        self.attached().retain(Attached::is_served);
        streamed
    }

    fn attach(&self, new: Attached) -> bool {
        let most = self.allowed().clients;
        let mut attached = self.attached();
        attached.retain(Attached::is_served);
        let room = attached.len() < most;
        if room {
            attached.push(new);
        }
        room
    }

    fn stream(
        &self,
        fingerprint: &str,
        stream: &TcpStream,
        mut tls: StreamOwned<ServerConnection, &TcpStream>,
        records: &Receiver<Arc<Record>>,
    ) -> io::Result<()> {
        let mut conversation = Conversation::default();
        let mut writer = conversation::writer(&mut tls)?;
        writer.flush()?;
        while !self.stop.load(Ordering::Acquire) && self.tool(fingerprint).is_some() {
            match records.recv_timeout(GLANCE) {
                Ok(record) => {
                    conversation.write(&mut writer, &record)?;
                    writer.flush()?;
                }
                Err(RecvTimeoutError::Timeout) if has_gone(stream)? => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        drop(writer);
        tls.conn.send_close_notify();
        tls.flush()
    }

    /// The name of the tool with this certificate, if it is allowed.
    fn tool(&self, fingerprint: &str) -> Option<String> {
        let allowed = self.allowed();
        let tool = allowed.tools.iter().find(|(known, _)| known == fingerprint)?;
        Some(tool.1.clone())
    }

    fn allowed(&self) -> MutexGuard<'_, Allowed> {
        self.allowed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attached(&self) -> MutexGuard<'_, Vec<Attached>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attached {
    fn is_served(&self) -> bool {
        self.serving.strong_count() > 0
    }
}

/// Whether a tool has hung up: it has nothing to say any more, so whatever comes is its farewell.
fn has_gone(stream: &TcpStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false)?;
    Ok(!matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock))
}

fn refuse(tls: &mut impl Write, refusal: Refusal) -> io::Result<()> {
    let mut line = serde_json::to_vec(&refusal)?;
    line.push(b'\n');
    tls.write_all(&line)?;
    tls.flush()
}
