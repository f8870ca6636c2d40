//! What takes its time: files by TFTP, certificates from CAPF. Each in a thread of its own, so that
//! the calls of others go on.

use std::sync::Arc;

use capf::codec::Password;
use capf::phone::Credential;
use crossbeam_channel::{Receiver, Sender, unbounded};
use mio::Waker;

use super::member::StartError;
use crate::capf::{Habits, Order, Plan, Stopper, Verdict, plan, resolve};
use crate::office::{Manners, PhoneId, Setup};
use crate::{Configuration, Phone, PhoneError};

/// Threads, and what comes of them.
pub(super) struct Background {
    waker: Arc<Waker>,
    done: (Sender<Done>, Receiver<Done>),
    /// Pressed when the crew goes home.
    stopper: Stopper,
}

pub(super) enum Job {
    Start(Starting),
    Enrol(Enrolling),
}

/// A start: files, and CAPF if that comes before registration.
pub(super) struct Starting {
    pub(super) phone: Arc<Phone>,
    pub(super) typed: Option<Password>,
    pub(super) habits: Habits,
    pub(super) manners: Manners,
}

/// CAPF, while the telephone is registered.
pub(super) struct Enrolling {
    pub(super) phone: Arc<Phone>,
    pub(super) credential: Credential,
    pub(super) habits: Habits,
}

pub(super) struct Done {
    pub(super) phone: PhoneId,
    /// What its display and its status page said meanwhile.
    pub(super) notices: Vec<String>,
    pub(super) result: JobResult,
}

pub(super) enum JobResult {
    /// How it can register, and what it has to do at CAPF afterwards.
    Started(Result<(Box<Setup>, Option<Credential>), StartError>),
    Enrolled(Result<Verdict, PhoneError>),
}

impl Background {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        Self { waker, done: unbounded(), stopper: Stopper::default() }
    }

    pub(super) fn begin(&self, phone: PhoneId, job: Job) {
        let (done, waker) = (self.done.0.clone(), Arc::clone(&self.waker));
        let stopper = self.stopper.clone();
        std::thread::spawn(move || {
            let mut notices = Vec::new();
            let result = match job {
                Job::Start(start) => JobResult::Started(start.run(&stopper, &mut notices)),
                Job::Enrol(enrol) => JobResult::Enrolled(enrol.run(&stopper, &mut notices)),
            };
            // The crew may have gone home.
            let _ = done.send(Done { phone, notices, result });
            let _ = waker.wake();
        });
    }

    pub(super) fn next_done(&self) -> Option<Done> {
        self.done.1.try_recv().ok()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

impl Starting {
    fn run(
        self,
        stopper: &Stopper,
        notices: &mut Vec<String>,
    ) -> Result<(Box<Setup>, Option<Credential>), StartError> {
        let mut report = self.phone.boot()?;
        let (installed, _) = self.phone.flash.read().map_err(PhoneError::Flash)?;
        let file = installed.configuration.as_deref();
        let configuration = file.and_then(|file| Configuration::parse(file).ok());
        let configuration = configuration.unwrap_or_default();
        let wallet = self.phone.flash.read_wallet().map_err(PhoneError::Flash)?;
        let mut later = None;
        match plan(&configuration, self.typed.as_ref(), wallet.pending.as_ref()) {
            Plan::Enrol(credential, Order::RegisterFirst) => later = Some(credential),
            Plan::Enrol(credential, Order::EnrolFirst) => {
                let servers = resolve(&configuration.capf_servers);
                let watch = |notice: &crate::capf::Notice| notices.push(notice.to_string());
                let verdict =
                    self.phone.enrol(credential, servers, &self.habits, stopper, watch)?;
                match verdict {
                    Verdict::Updated => report = self.phone.boot()?,
                    good if good.is_good() => {}
                    // It does not register before CAPF has ended.
                    bad => return Err(StartError::Capf(bad)),
                }
            }
            Plan::Nothing | Plan::AwaitString | Plan::NoServer => {}
        }
        notices.extend(report.events.iter().map(ToString::to_string));
        let Phone { identity, flash, .. } = &*self.phone;
        let (conclusion, events) = (&report.conclusion, &report.events);
        let setup = Setup::after_start(identity, flash, conclusion, events, &self.manners)?;
        Ok((Box::new(setup), later))
    }
}

impl Enrolling {
    fn run(self, stopper: &Stopper, notices: &mut Vec<String>) -> Result<Verdict, PhoneError> {
        let (installed, _) = self.phone.flash.read()?;
        let file = installed.configuration.as_deref();
        let configuration = file.and_then(|file| Configuration::parse(file).ok());
        let servers = resolve(&configuration.unwrap_or_default().capf_servers);
        let watch = |notice: &crate::capf::Notice| notices.push(notice.to_string());
        self.phone.enrol(self.credential, servers, &self.habits, stopper, watch)
    }
}
