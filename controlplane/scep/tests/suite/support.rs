//! The parts of a test: the phone's request, the proxy, a driver with a clock of its own.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use messages::Explain;
use pki::{Certificate, KeyKind, Name, PrivateKey, Signer};
use ringfence_authority::Authority;
use ringfence_scep::algorithm::Profile;
use ringfence_scep::authority::{Authority as Known, Pin};
use ringfence_scep::capability::Capabilities;
use ringfence_scep::enrolment::{Action, Enrolment, Input, Link, Polling, Step};
use ringfence_scep::server::{Operation, Product, Server};
use ringfence_scep::transport::{Answer, TransportFault};
use ringfence_scep::{Challenge, Fault, Floor, Issued, Pending, Proxy, Purpose, Request};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");

/// A file of the test vectors.
pub fn vector(name: &str) -> &'static [u8] {
    fs::read(format!("{VECTORS}/{name}.der")).unwrap().leak()
}

/// The authority of the test vectors.
pub fn authority() -> Authority {
    Authority::of_files(VECTORS.as_ref())
}

pub fn certificate(name: &str) -> Certificate {
    Certificate::parse(vector(name)).unwrap()
}

pub fn proxy() -> Proxy {
    let key = PrivateKey::from_pkcs8(vector("proxy-key")).unwrap();
    Proxy::new(certificate("proxy"), key).unwrap()
}

/// A phone with a fresh key.
pub fn phone() -> Request {
    Request {
        subject: Name::common("SEP001122334455"),
        public_key: PrivateKey::generate(KeyKind::Rsa1024).public_key().clone(),
        purpose: Purpose::Phone,
        validity: Some(Duration::from_secs(365 * 24 * 3600)),
    }
}

pub fn pin() -> Pin {
    Pin::fingerprint(&certificate("ca").fingerprint()).unwrap()
}

pub fn generic() -> Server {
    Server::new(&Product::Generic { path: None }, "ca.example", None, "").unwrap()
}

/// Everything of a modern authority with separate registration certificates.
pub fn link() -> Link {
    link_with("SCEPStandard", Floor::Modern)
}

pub fn link_with(capabilities: &str, floor: Floor) -> Link {
    let offered = Capabilities::parse(capabilities.as_bytes());
    let certificates = Known::certificates(vector("getcacert")).unwrap();
    Link {
        proxy: Arc::new(proxy()),
        authority: Arc::new(Known::select(&certificates, Some(&pin()), SystemTime::now()).unwrap()),
        server: generic(),
        profile: Profile::choose(&offered, floor).unwrap(),
        floor,
        polling: Polling::default(),
        trusted: Arc::new([certificate("ca")]),
    }
}

/// What happened, for a test to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message was sent.
    Asked,
    /// The authority's certificates were asked for.
    Refreshed,
    /// Nothing for this long.
    Waited(Duration),
}

/// An enrolment and its clock.
pub struct Run {
    pub now: SystemTime,
    pub events: Vec<Event>,
    /// What was last stored.
    pub stored: Option<Pending>,
    pub refresh: Box<dyn FnMut() -> Result<Arc<Known>, Fault>>,
    /// After so many waits the service is restarted.
    pub stop_after_waits: Option<usize>,
}

impl Run {
    pub fn new() -> Self {
        Self {
            now: SystemTime::now(),
            events: Vec::new(),
            stored: None,
            refresh: Box::new(|| panic!("nothing was to be refreshed")),
            stop_after_waits: None,
        }
    }

    /// A new request to its end; the messages go to `answer`.
    pub fn enrol(
        &mut self,
        request: Request,
        link: Link,
        answer: impl FnMut(&[u8]) -> Result<Answer, TransportFault>,
    ) -> Result<Issued, Fault> {
        let challenge = Challenge::new("0123ABCD".to_owned());
        let signer = Arc::clone(&link.proxy);
        let start = Enrolment::start(request, Some(&challenge), &*signer, link, self.now);
        self.finish(start.unwrap(), answer).expect("it was not stopped")
    }

    /// Until the end, or `None` when it was stopped.
    pub fn finish(
        &mut self,
        enrolment: Box<Enrolment>,
        mut answer: impl FnMut(&[u8]) -> Result<Answer, TransportFault>,
    ) -> Option<Result<Issued, Fault>> {
        let mut step = enrolment.step(self.now, Input::Time);
        loop {
            let (enrolment, action) = match step {
                Step::Done(result) => return Some(result.map(|issued| *issued)),
                Step::Next(enrolment, action) => (enrolment, action),
            };
            let input = match action {
                Action::Ask(Operation::Post(message) | Operation::Get(message)) => {
                    self.events.push(Event::Asked);
                    Input::Answer(answer(&message))
                }
                Action::Ask(other) => panic!("{other:?}"),
                Action::Refresh => {
                    self.events.push(Event::Refreshed);
                    Input::Refreshed((self.refresh)())
                }
                Action::Wait(until) => {
                    self.events.push(Event::Waited(until.duration_since(self.now).unwrap()));
                    self.stored = Some(enrolment.pending());
                    let waits = self.events.iter().filter(|e| matches!(e, Event::Waited(_)));
                    if self.stop_after_waits == Some(waits.count()) {
                        return None;
                    }
                    self.now = until;
                    Input::Time
                }
            };
            step = enrolment.step(self.now, input);
        }
    }

    pub fn waits(&self) -> Vec<Duration> {
        let wait = |event: &Event| match event {
            Event::Waited(span) => Some(*span),
            _ => None,
        };
        self.events.iter().filter_map(wait).collect()
    }
}

pub fn ok(body: Vec<u8>) -> Result<Answer, TransportFault> {
    Ok(Answer { status: 200, body })
}

/// The id of the message that explains a failure.
pub fn id<T: std::fmt::Debug>(result: Result<T, Fault>) -> &'static str {
    result.expect_err("it must fail").message().id
}
