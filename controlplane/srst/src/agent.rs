//! The gateway's end: it reports to one centre after another until one answers, and stays with it.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};

use messages::{Explain, Message, srst};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::bundle::Signed;
use crate::link::{self, Answer, INTERVAL, MAX_FRAME, PATIENCE, Report};
use crate::tls::{self, Own, Pin};

/// A node of the centre, as a gateway is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CentreAddress {
    /// Where it waits for gateways.
    pub address: SocketAddr,
    /// SHA-256 of its certificate, in lower-case hexadecimal.
    pub fingerprint: String,
}

/// What a gateway hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The centre is there, and has nothing new.
    Good,
    /// The centre is there, and wants it to have this.
    Take(Box<Signed>),
    /// A node does not answer, or not as it should.
    Failed(CentreFault),
}

/// Why a node of the centre is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CentreFault {
    /// It does not answer.
    Away {
        /// Where.
        address: SocketAddr,
        /// What happened.
        detail: String,
    },
    /// It shows another certificate.
    Untrusted(Untrusted),
}

/// A node that shows another certificate than the gateway was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untrusted {
    /// Where.
    pub address: SocketAddr,
    /// SHA-256 of what it has shown.
    pub found: String,
}

impl CentreFault {
    /// What happened, in English, for details of messages.
    pub fn detail(&self) -> String {
        match self {
            Self::Away { address, detail } => format!("{address}: {detail}"),
            Self::Untrusted(Untrusted { address, found }) => {
                format!("{address}: it shows the certificate {found}")
            }
        }
    }
}

impl Explain for Untrusted {
    fn message(&self) -> &'static Message {
        &srst::SRST_CENTRE_UNTRUSTED
    }

    fn values(&self) -> Vec<(&'static str, String)> {
        vec![("address", self.address.to_string()), ("found", self.found.clone())]
    }
}

/// The running end; dropping it ends it within a few seconds.
pub struct Agent {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Reports to `centres`, in this order of preference. `report` says how the gateway is, `hear` is
/// told what comes of it; both are called from one thread.
pub fn start(
    own: Own,
    centres: Vec<CentreAddress>,
    mut report: impl FnMut() -> Report + Send + 'static,
    mut hear: impl FnMut(News) + Send + 'static,
) -> io::Result<Agent> {
    let (stop, stopped) = channel();
    // Whether it is to go on.
    let mut rest = move || stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout);
    let work = move || {
        let mut next = 0;
        while let Some(centre) = centres.get(next % centres.len().max(1)) {
            let talk = Talk { own: &own, centre, report: &mut report, hear: &mut hear };
            match talk.run(&mut rest) {
                Ended::Stopped => return,
                Ended::Failed => next += 1,
            }
            if next % centres.len() == 0 && !rest() {
                return;
            }
        }
    };
    let thread = thread::Builder::new().name("srst-agent".into()).spawn(work)?;
    Ok(Agent { stop: Some(stop), thread: Some(thread) })
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

enum Ended {
    Stopped,
    Failed,
}

/// With one node.
struct Talk<'a, R, H> {
    own: &'a Own,
    centre: &'a CentreAddress,
    report: &'a mut R,
    hear: &'a mut H,
}

impl<R: FnMut() -> Report, H: FnMut(News)> Talk<'_, R, H> {
    fn run(self, rest: &mut impl FnMut() -> bool) -> Ended {
        let address = self.centre.address;
        let pin = Pin::new(&self.centre.fingerprint);
        let fault = |error: &io::Error| match pin.refused() {
            Some(found) => CentreFault::Untrusted(Untrusted { address, found }),
            None => CentreFault::Away { address, detail: error.to_string() },
        };
        let mut stream = match connect(self.own, address, &pin) {
            Ok(stream) => stream,
            Err(error) => {
                (self.hear)(News::Failed(fault(&error)));
                return Ended::Failed;
            }
        };
        loop {
            let said = link::write(&mut stream, &(self.report)());
            let answer = said.and_then(|()| link::read::<Answer>(&mut stream, MAX_FRAME));
            match answer {
                Ok(Answer::Good) => (self.hear)(News::Good),
                Ok(Answer::Take(signed)) => (self.hear)(News::Take(signed)),
                Err(error) => {
                    (self.hear)(News::Failed(fault(&error)));
                    return Ended::Failed;
                }
            }
            if !rest() {
                return Ended::Stopped;
            }
        }
    }
}

fn connect(
    own: &Own,
    address: SocketAddr,
    pin: &Arc<Pin>,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let config = tls::calling(own, Arc::clone(pin)).map_err(io::Error::other)?;
    let name = ServerName::IpAddress(address.ip().into());
    let mut tls = ClientConnection::new(config, name).map_err(io::Error::other)?;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(tls, stream))
}
