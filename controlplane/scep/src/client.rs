//! A client that blocks: for worker threads that have nothing else to do.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use pki::{Certificate, Signer};

use crate::algorithm::{Floor, Profile};
use crate::authority::{Authority, Pin};
use crate::enrolment::{Action, Enrolment, Input, Link, Pending, Polling, RETRIES, Step};
use crate::fault::Fault;
use crate::issued::Issued;
use crate::proxy::Proxy;
use crate::request::{Challenge, Request};
use crate::server::{Operation, Server};
use crate::survey;
use crate::transport::{Answer, Http, Transport, TransportFault};

/// Requests that may be under way at a time: an authority is not a web server.
pub const IN_FLIGHT: usize = 2;
/// What is known of an authority is asked for again after this time.
const KEEP: Duration = Duration::from_secs(24 * 3600);
/// It is asked for no more often while a certificate is about to expire.
const KEEP_EXPIRING: Duration = Duration::from_secs(3600);

/// A certificate authority and how to deal with it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it is.
    pub server: Server,
    /// Which authority an administrator confirmed; without one nothing is requested.
    pub pin: Option<Pin>,
    /// A password that it demands.
    pub challenge: Option<Challenge>,
    /// The weakest algorithms allowed.
    pub floor: Floor,
    /// How long to wait for approval.
    pub polling: Polling,
    /// Authorities that every server trusts which phones register with. A phone gets no certificate
    /// of another one: it would lose a working certificate for one that is refused.
    pub trusted: Vec<Certificate>,
}

/// A pause that a caller has to make.
#[derive(Debug)]
pub struct Pause<'a> {
    /// How long.
    pub span: Duration,
    /// What waits; `None` before there is a request.
    pub enrolment: Option<&'a Enrolment>,
}

impl Pause<'_> {
    /// The request, if it waits for approval: what has to be stored for [`Client::resume`], should
    /// this program end or not want to wait so long.
    pub fn pending(&self) -> Option<Pending> {
        self.enrolment.filter(|enrolment| enrolment.waits_for_approval()).map(Enrolment::pending)
    }
}

/// A SCEP client. Shared by threads.
pub struct Client {
    config: Config,
    trusted: Arc<[Certificate]>,
    proxy: Arc<Proxy>,
    transport: Box<dyn Transport>,
    known: Mutex<Option<Known>>,
    slots: Slots,
}

/// What is known of an authority.
#[derive(Clone)]
struct Known {
    authority: Arc<Authority>,
    profile: Profile,
    since: SystemTime,
}

impl Known {
    fn is_fresh(&self, now: SystemTime) -> bool {
        let age = now.duration_since(self.since).unwrap_or(KEEP);
        age < if now < self.authority.renew_by() { KEEP } else { KEEP_EXPIRING }
    }
}

impl Client {
    /// A client over HTTP.
    pub fn new(config: Config, proxy: Proxy) -> Self {
        Self::over(Box::new(Http::new()), config, proxy)
    }

    /// A client over another way.
    pub fn over(transport: Box<dyn Transport>, config: Config, proxy: Proxy) -> Self {
        let trusted = config.trusted.clone().into();
        let proxy = Arc::new(proxy);
        Self { config, trusted, proxy, transport, known: Mutex::new(None), slots: Slots::default() }
    }

    /// The authority as it is known, asking for it if need be.
    pub fn authority(&self) -> Result<Arc<Authority>, Fault> {
        Ok(self.known(SystemTime::now(), None)?.authority)
    }

    /// Gets a certificate: from a second to [`Polling::limit`].
    ///
    /// `signer` signs the request itself; without one the proxy does, which an authority has to
    /// permit. `pause` is called whenever there is nothing to do for a while; it sleeps, or breaks
    /// to give the request up.
    pub fn enrol(
        &self,
        request: Request,
        signer: Option<&dyn Signer>,
        mut pause: impl FnMut(Pause<'_>) -> ControlFlow<()>,
    ) -> Result<Issued, Fault> {
        let link = self.link(&mut pause)?;
        let signer = signer.unwrap_or(&*self.proxy);
        let challenge = self.config.challenge.as_ref();
        let now = SystemTime::now();
        self.run(Enrolment::start(request, challenge, signer, link, now)?, &mut pause)
    }

    /// Goes on with a request that waited for approval when it was stored.
    pub fn resume(
        &self,
        stored: &Pending,
        mut pause: impl FnMut(Pause<'_>) -> ControlFlow<()>,
    ) -> Result<Issued, Fault> {
        let link = self.link(&mut pause)?;
        self.run(Enrolment::resume(stored, link, SystemTime::now())?, &mut pause)
    }

    fn run(
        &self,
        enrolment: Box<Enrolment>,
        pause: &mut dyn FnMut(Pause<'_>) -> ControlFlow<()>,
    ) -> Result<Issued, Fault> {
        let mut step = enrolment.step(SystemTime::now(), Input::Time);
        loop {
            let (enrolment, action) = match step {
                Step::Done(result) => return result.map(|issued| *issued),
                Step::Next(enrolment, action) => (enrolment, action),
            };
            let input = match action {
                Action::Ask(operation) => Input::Answer(self.exchange(&operation)),
                Action::Refresh => {
                    let known = self.known(SystemTime::now(), Some(enrolment.authority()));
                    Input::Refreshed(known.map(|known| known.authority))
                }
                Action::Wait(until) => {
                    let span = until.duration_since(SystemTime::now()).unwrap_or_default();
                    let enrolment = Some(&*enrolment);
                    if pause(Pause { span, enrolment }).is_break() {
                        return Err(Fault::Abandoned);
                    }
                    Input::Time
                }
            };
            step = enrolment.step(SystemTime::now(), input);
        }
    }

    fn link(&self, pause: &mut dyn FnMut(Pause<'_>) -> ControlFlow<()>) -> Result<Link, Fault> {
        let mut retries = RETRIES.into_iter();
        let Known { authority, profile, .. } = loop {
            match (self.known(SystemTime::now(), None), retries.len()) {
                (Err(fault), 1..) if fault.is_passing() => {
                    let span = retries.next().unwrap_or_default();
                    if pause(Pause { span, enrolment: None }).is_break() {
                        return Err(Fault::Abandoned);
                    }
                }
                (known, _) => break known?,
            }
        };
        Ok(Link {
            proxy: Arc::clone(&self.proxy),
            authority,
            server: self.config.server.clone(),
            profile,
            floor: self.config.floor,
            polling: self.config.polling,
            trusted: Arc::clone(&self.trusted),
        })
    }

    /// What is known, and not `stale`. Who asks for it holds the lock, so that others wait for the
    /// same answer instead of asking too.
    fn known(&self, now: SystemTime, stale: Option<&Arc<Authority>>) -> Result<Known, Fault> {
        let mut known = lock(&self.known);
        if let Some(known) = &*known
            && known.is_fresh(now)
            && stale.is_none_or(|stale| !Arc::ptr_eq(stale, &known.authority))
        {
            return Ok(known.clone());
        }
        let (certificates, offered) =
            survey::look(&self.config.server, |operation| self.exchange(operation))?;
        let authority = Authority::select(&certificates, self.config.pin.as_ref(), now)?;
        let floor = self.config.floor;
        let profile =
            Profile::choose(&offered, floor).map_err(|offered| Fault::Offer { offered, floor })?;
        Ok(known.insert(Known { authority: Arc::new(authority), profile, since: now }).clone())
    }

    fn exchange(&self, operation: &Operation) -> Result<Answer, TransportFault> {
        let _slot = self.slots.take();
        self.transport.exchange(&self.config.server, operation)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.config.server.authority())
    }
}

/// A pause that sleeps, for callers whose requests are never given up.
pub fn sleep(pause: Pause<'_>) -> ControlFlow<()> {
    std::thread::sleep(pause.span);
    ControlFlow::Continue(())
}

/// Keeps requests to [`IN_FLIGHT`].
#[derive(Default)]
struct Slots {
    taken: Mutex<usize>,
    given_back: Condvar,
}

struct Slot<'a>(&'a Slots);

impl Slots {
    fn take(&self) -> Slot<'_> {
        let full = |taken: &mut usize| *taken >= IN_FLIGHT;
        let taken = self.given_back.wait_while(lock(&self.taken), full);
        *taken.unwrap_or_else(PoisonError::into_inner) += 1;
        Slot(self)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *lock(&self.0.taken) -= 1;
        self.0.given_back.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each of its holders leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
