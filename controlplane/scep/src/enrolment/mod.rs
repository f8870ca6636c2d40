//! The way of one certificate, from request to issue (RFC 8894 §2.2, §3.3): asking, waiting,
//! polling, trying again. It does no I/O and has no clock.
//!
//! ```text
//! PKCSReq ──SUCCESS──────────────────────────────▶ issued
//!    │  └──PENDING──▶ wait ──▶ CertPoll ──SUCCESS──▶ issued
//!    │                 ▲          │ └─badCertId, badRequest──▶ PKCSReq once more
//!    │                 └─PENDING──┘
//!    ├──no answer──▶ wait 5 s, 15 s, 45 s ──▶ again
//!    ├──badMessageCheck, unknown signer, a page──▶ newer certificates ──▶ again, once
//!    └──FAILURE, anything else──▶ failed
//! ```

mod pending;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pki::{Certificate, Hash, Signer};
use zeroize::Zeroizing;

pub use self::pending::Pending;
use crate::algorithm::{Floor, Profile};
use crate::authority::{Authority, AuthorityFault};
use crate::fault::Fault;
use crate::issued::{self, Issued};
use crate::message::{self, BuildFault, MessageType, Nonce, TransactionId};
use crate::proxy::Proxy;
use crate::reply::{Expected, FailInfo, Refusal, Reply, printable};
use crate::request::{self, Challenge, Request};
use crate::server::{Operation, Server};
use crate::transport::{Answer, TransportFault};

/// Waits before a request without answer is made again.
pub const RETRIES: [Duration; 3] =
    [Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(45)];

/// How often an authority is asked about a request that waits for approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polling {
    /// Before the first poll; doubled each time.
    pub first: Duration,
    /// Longest time between polls.
    pub most: Duration,
    /// After this long the request fails: no longer than a phone waits.
    pub limit: Duration,
}

impl Default for Polling {
    /// 10 s, 20 s, 40 s, then every minute, for 10 minutes.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { first: seconds(10), most: seconds(60), limit: seconds(600) }
    }
}

/// What stands between a request and its certificate: the two sides and their terms.
#[derive(Clone, Debug)]
pub struct Link {
    /// This side.
    pub proxy: Arc<Proxy>,
    /// The other side.
    pub authority: Arc<Authority>,
    /// Where it is.
    pub server: Server,
    /// How requests are made.
    pub profile: Profile,
    /// What answers are believed.
    pub floor: Floor,
    /// How long to wait for approval.
    pub polling: Polling,
    /// Authorities whose certificates phones may get: each server of the cluster trusts them.
    pub trusted: Arc<[Certificate]>,
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// Time went on, or this is the beginning.
    Time,
    /// The answer to [`Action::Ask`].
    Answer(Result<Answer, TransportFault>),
    /// The answer to [`Action::Refresh`].
    Refreshed(Result<Arc<Authority>, Fault>),
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the server and come back with [`Input::Answer`].
    Ask(Operation),
    /// Get the authority's certificates anew and come back with [`Input::Refreshed`].
    Refresh,
    /// Come back at this time with [`Input::Time`].
    Wait(SystemTime),
}

/// What follows.
#[derive(Debug)]
pub enum Step {
    /// There is something to do.
    Next(Box<Enrolment>, Action),
    /// This is the end.
    Done(Result<Box<Issued>, Fault>),
}

/// A certificate on its way.
#[derive(Debug)]
pub struct Enrolment {
    request: Request,
    /// The signed PKCS#10 request: the same whenever it is sent again.
    pkcs10: Zeroizing<Vec<u8>>,
    transaction: TransactionId,
    link: Link,
    since: SystemTime,
    state: State,
    polls: u32,
    retries: usize,
    /// The authority's certificates were fetched anew.
    refreshed: bool,
    /// The server had forgotten the request, and got it again.
    repeated: bool,
    /// The server does not know polls: it is sent the request again instead.
    polls_by_request: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    ToSend { kind: MessageType, at: SystemTime },
    ExpectAnswer { kind: MessageType, nonce: Nonce, url: Option<usize> },
    ExpectAuthority { kind: MessageType },
}

impl Enrolment {
    /// A new request. `signer` signs the PKCS#10 inside: the holder of the request's key, or the
    /// proxy for a phone, which signs nothing.
    pub fn start(
        request: Request,
        challenge: Option<&Challenge>,
        signer: &dyn Signer,
        link: Link,
        now: SystemTime,
    ) -> Result<Box<Self>, Fault> {
        let hash = link.profile.digest.hash().unwrap_or(Hash::LegacySha1);
        let pkcs10 =
            request::signed(&request.info(challenge), signer, hash).map_err(Fault::Sign)?;
        let transaction = TransactionId::of(&request.public_key, link.profile.digest);
        let state = State::ToSend { kind: MessageType::PkcsReq, at: now };
        Ok(Box::new(Self::new(request, pkcs10, transaction, link, now, state)))
    }

    /// A request that waited for approval when it was stored.
    pub fn resume(stored: &Pending, link: Link, now: SystemTime) -> Result<Box<Self>, Fault> {
        let (request, transaction) = stored.request(&link).ok_or(Fault::CannotResume)?;
        let pkcs10 = Zeroizing::new(stored.pkcs10().ok_or(Fault::CannotResume)?);
        let state = State::ToSend { kind: MessageType::CertPoll, at: now };
        let mut resumed = Self::new(request, pkcs10, transaction, link, stored.since(), state);
        resumed.polls = stored.polls();
        Ok(Box::new(resumed))
    }

    fn new(
        request: Request,
        pkcs10: Zeroizing<Vec<u8>>,
        transaction: TransactionId,
        link: Link,
        since: SystemTime,
        state: State,
    ) -> Self {
        Self {
            request,
            pkcs10,
            transaction,
            link,
            since,
            state,
            polls: 0,
            retries: 0,
            refreshed: false,
            repeated: false,
            polls_by_request: false,
        }
    }

    /// What must be stored for [`Enrolment::resume`].
    pub fn pending(&self) -> Pending {
        Pending::of(self)
    }

    /// Whether the authority has taken the request, and somebody has to approve it. It stays so
    /// while the authority is out of reach.
    pub fn waits_for_approval(&self) -> bool {
        self.polls > 0
    }

    /// The authority that is asked.
    pub fn authority(&self) -> &Arc<Authority> {
        &self.link.authority
    }

    /// Takes in what happened. What does not fit the last action is taken for a lost answer: then
    /// the request is made again, which servers take for the same one.
    pub fn step(mut self: Box<Self>, now: SystemTime, input: Input) -> Step {
        match (self.state, input) {
            (State::ToSend { at, .. }, _) if now < at => Step::Next(self, Action::Wait(at)),
            (State::ExpectAnswer { kind, nonce, url }, Input::Answer(answer)) => {
                match self.read(nonce, url, answer, now) {
                    Ok(reply) => self.replied(kind, reply, now),
                    Err(fault) => self.failed(kind, fault, now),
                }
            }
            (State::ExpectAuthority { kind }, Input::Refreshed(Ok(authority))) => {
                self.link.authority = authority;
                self.send(kind)
            }
            (State::ExpectAuthority { .. }, Input::Refreshed(Err(fault))) => Step::Done(Err(fault)),
            (State::ExpectAuthority { .. }, _) => Step::Next(self, Action::Refresh),
            (State::ToSend { kind, .. } | State::ExpectAnswer { kind, .. }, _) => self.send(kind),
        }
    }

    /// A message with fresh nonce, key and vector.
    fn send(mut self: Box<Self>, kind: MessageType) -> Step {
        let Link { proxy, authority, profile, server, .. } = &self.link;
        let poll;
        let plain: &[u8] = match kind {
            MessageType::PkcsReq => &self.pkcs10,
            MessageType::CertPoll => {
                poll = message::issuer_and_subject(authority.ca().subject(), &self.request.subject);
                &poll
            }
        };
        let nonce = Nonce::random();
        let recipient = authority.recipient();
        let built =
            message::build(kind, &self.transaction, nonce, plain, recipient, proxy, *profile);
        let message = match built {
            Ok(message) => message,
            Err(BuildFault::Sign(fault)) => return Step::Done(Err(Fault::Sign(fault))),
            Err(BuildFault::Recipient) => {
                let kind = recipient.public_key().describe();
                return Step::Done(Err(AuthorityFault::Recipient(kind).into()));
            }
        };
        let (operation, url) = if profile.post {
            (Operation::Post(message), None)
        } else {
            let operation = Operation::Get(message);
            let length = server.url(&operation).len();
            (operation, Some(length))
        };
        self.state = State::ExpectAnswer { kind, nonce, url };
        Step::Next(self, Action::Ask(operation))
    }

    fn read(
        &self,
        nonce: Nonce,
        url: Option<usize>,
        answer: Result<Answer, TransportFault>,
        now: SystemTime,
    ) -> Result<Reply, Fault> {
        let Link { proxy, authority, floor, server, .. } = &self.link;
        let body = success(server, url, answer)?;
        if body.first() != Some(&0x30) {
            let start = String::from_utf8_lossy(&body[..body.len().min(80)]);
            let server = server.authority().to_owned();
            return Err(Fault::NotScep { server, start: printable(&start) });
        }
        let expected = Expected {
            transaction: &self.transaction,
            nonce,
            proxy,
            authority,
            floor: *floor,
            now,
        };
        Reply::read(&body, &expected).map_err(|fault| Fault::Reply { fault, floor: *floor })
    }

    fn replied(mut self: Box<Self>, kind: MessageType, reply: Reply, now: SystemTime) -> Step {
        self.retries = 0;
        match reply {
            Reply::Success(came) => {
                let Link { authority, trusted, .. } = &self.link;
                let trusted = |issuer: &Certificate| trusted.contains(issuer);
                let issued = issued::check(&came, &self.request, authority, trusted, now);
                Step::Done(issued.map(Box::new).map_err(Fault::from))
            }
            Reply::Pending => self.wait_for_approval(now),
            Reply::Failure(refusal) => self.refused(kind, refusal, now),
        }
    }

    fn wait_for_approval(mut self: Box<Self>, now: SystemTime) -> Step {
        let Polling { first, most, limit } = self.link.polling;
        let waited = now.duration_since(self.since).unwrap_or_default();
        if waited >= limit {
            return Step::Done(Err(Fault::NotApproved(waited.as_secs())));
        }
        let span = first.saturating_mul(1 << self.polls.min(16)).min(most);
        let at = now + jittered(span).min(limit - waited);
        self.polls += 1;
        let kind = match self.polls_by_request {
            true => MessageType::PkcsReq,
            false => MessageType::CertPoll,
        };
        self.wait(kind, at)
    }

    fn refused(mut self: Box<Self>, kind: MessageType, refusal: Refusal, now: SystemTime) -> Step {
        match (kind, &refusal.info) {
            (MessageType::CertPoll, FailInfo::BadCertId) if !self.repeated => {
                self.repeated = true;
                self.send(MessageType::PkcsReq)
            }
            (MessageType::CertPoll, FailInfo::BadRequest) if !self.polls_by_request => {
                self.polls_by_request = true;
                self.send(MessageType::PkcsReq)
            }
            _ => {
                let profile = self.link.profile;
                self.failed(kind, Fault::Refused { refusal, profile }, now)
            }
        }
    }

    fn failed(mut self: Box<Self>, kind: MessageType, fault: Fault, now: SystemTime) -> Step {
        // A refusal of something that was accepted once is final.
        let is_final = kind == MessageType::CertPoll && matches!(fault, Fault::Refused { .. });
        if fault.is_passing() && self.retries < RETRIES.len() {
            let at = now + RETRIES[self.retries];
            self.retries += 1;
            return self.wait(kind, at);
        }
        if fault.wants_newer_authority() && !self.refreshed && !is_final {
            self.refreshed = true;
            self.state = State::ExpectAuthority { kind };
            return Step::Next(self, Action::Refresh);
        }
        Step::Done(Err(fault))
    }

    fn wait(mut self: Box<Self>, kind: MessageType, at: SystemTime) -> Step {
        self.state = State::ToSend { kind, at };
        Step::Next(self, Action::Wait(at))
    }
}

/// The body of an answer that HTTP calls a success.
pub(crate) fn success(
    server: &Server,
    url: Option<usize>,
    answer: Result<Answer, TransportFault>,
) -> Result<Vec<u8>, Fault> {
    let server = || server.authority().to_owned();
    match answer {
        Ok(Answer { status: 200, body }) => Ok(body),
        Ok(Answer { status, .. }) => Err(Fault::Status { server: server(), status, url }),
        Err(TransportFault::TooLarge) => Err(Fault::TooLarge { server: server() }),
        Err(TransportFault::Unreachable(detail)) => {
            Err(Fault::Unreachable { server: server(), detail: printable(&detail) })
        }
    }
}

/// Up to a fifth more or less, so that a thousand phones do not ask in step.
fn jittered(span: Duration) -> Duration {
    let mut random = [0];
    openssl::rand::rand_bytes(&mut random).expect("the system has random numbers");
    span.mul_f64(0.8 + 0.4 * f64::from(random[0]) / 255.0)
}
