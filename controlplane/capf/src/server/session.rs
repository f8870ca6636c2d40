//! The machine: one connection of one phone.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pki::Certificate;

use super::authenticated::Claim;
use super::state::{Claimant, Granted, State, Then};
use super::{
    Answer, Assignment, AuthMode, Authenticated, CheckedKey, Ended, Event, Failure, Issuance,
    Issue, LookedUp, Operation, Outcome, Output, Phase, Profile, ProvenCertificate, Record,
    Refusal, Settings, ShownCertificate, StringClaim, StringRefusal, Trace, WhenNotNow,
};
use crate::codec::{
    AuthRes, AuthType, Body, CertificateEntry, CertificateType, Command, Decoder, KeyAnswer,
    KeySpec, Message, Password, Reason, RetryDelay, SessionId, VERSION,
};
use crate::{DeviceName, Now};

/// The server's end of one connection. See [`super`] for how it is driven.
#[derive(Debug)]
pub struct Session {
    settings: Arc<Settings>,
    id: SessionId,
    from: IpAddr,
    profile: Profile,
    decoder: Decoder,
    state: State,
    /// When the state has lasted too long.
    timer: Instant,
    /// When the session has.
    end: Instant,
    device: Option<DeviceName>,
    outputs: VecDeque<Output>,
    /// Messages that came.
    received: u32,
    /// Whether the phone has said that it works on its key.
    at_work: bool,
    /// STATUS_REQ without an answer yet.
    status_asked: u32,
}

/// Messages of a phone that go into the trace. Whole sessions have about six, but a phone may say
/// any number of times that it is at work.
const TRACED: u32 = 64;

impl Session {
    /// A connection from `from` whose handshake is over. `profile` is how its first message is
    /// worded, before anybody knows who it is: [`Profile::Legacy`] if the last session of this
    /// address ended as [`Ended::Lost`] with `try_legacy`.
    pub fn start(
        now: Now,
        settings: Arc<Settings>,
        id: SessionId,
        from: IpAddr,
        profile: Profile,
    ) -> Self {
        let mut session = Self {
            id,
            from,
            profile,
            decoder: Decoder::default(),
            state: State::ExpectAuthRes,
            timer: now.instant + settings.timers.idle,
            end: now.instant + settings.timers.session,
            device: None,
            outputs: VecDeque::new(),
            received: 0,
            at_work: false,
            status_asked: 0,
            settings,
        };
        session.note(Event::Started(from));
        let auth_type = (profile == Profile::Current).then_some(AuthType::UNDECIDED);
        session.send(Body::AuthReq { version: Some(VERSION), auth_type });
        session
    }

    /// Its number.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The device the phone says it is.
    pub fn device(&self) -> Option<&DeviceName> {
        self.device.as_ref()
    }

    /// What it is doing.
    pub fn phase(&self) -> Phase {
        self.state.phase()
    }

    /// The next thing to do, in order. `None`: wait.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is due; `None` when the session is over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.is_over()).then(|| self.timer.min(self.end))
    }

    /// Bytes from the phone, in pieces of any size.
    pub fn handle_bytes(&mut self, now: Now, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.is_over() {
            let message = match self.decoder.read(&mut bytes) {
                Ok(None) => return,
                Ok(Some(frame)) => Message::read(&frame),
                Err(error) => Err(error),
            };
            match message {
                Ok(message) => self.handle_message(now, message),
                Err(error) => self.refuse(error.into()),
            }
        }
    }

    /// An answer to its question.
    pub fn handle_answer(&mut self, now: Now, answer: Answer) {
        match (std::mem::replace(&mut self.state, State::Ended), answer) {
            (State::ExpectAssignment(claimant), Answer::Device(answer)) => {
                self.looked_up(now, *claimant, answer);
            }
            (State::ExpectStringVerdict(device, assignment), Answer::String(verdict)) => {
                let authenticated = verdict.and_then(|it| Authenticated::by_string(device, it));
                match authenticated {
                    Ok(authenticated) => self.dispatch(now, authenticated, *assignment),
                    Err(refusal) => self.refuse(refusal.into()),
                }
            }
            (State::ExpectCertificate(granted, key), Answer::Certificate(issuance)) => {
                self.issued(now, *granted, &key, issuance);
            }
            (State::ExpectRecorded(Then(reason, ended)), Answer::Recorded(kept)) => match kept {
                Ok(()) => self.finish(reason, ended),
                Err(cause) => self.refuse(Refusal::NotRecorded(cause)),
            },
            (State::ExpectAttemptRecorded(granted), Answer::Recorded(kept)) => match kept {
                Ok(()) => self.ask_for_key(now, *granted),
                Err(cause) => self.refuse(Refusal::NotRecorded(cause)),
            },
            (state, _) => self.state = state,
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.is_over() || now.instant < self.timer.min(self.end) {
            return;
        }
        let phase = self.phase();
        match std::mem::replace(&mut self.state, State::Ended) {
            State::ExpectKey(granted) if now.instant < self.end => {
                self.attempt_failed(now, *granted, None);
            }
            State::ExpectCertificate(..) if now.instant < self.end => {
                self.not_now(self.settings.timers.issue);
            }
            State::ExpectAssignment(_)
            | State::ExpectStringVerdict(..)
            | State::ExpectRecorded(_)
            | State::ExpectAttemptRecorded(_) => self.refuse(Refusal::NoAnswer(phase)),
            State::ExpectAborted => self.close(Ended::AbortedHere),
            _ => self.refuse(Refusal::TimedOut(phase)),
        }
    }

    /// The phone has closed the connection, or TLS has failed.
    pub fn handle_closed(&mut self) {
        if self.is_over() {
            return;
        }
        let (phase, asked) = (self.phase(), self.profile == Profile::Current);
        // A phone that works on the key has understood the request.
        let unread = match &self.state {
            State::ExpectAuthRes => !self.decoder.is_amid_frame(),
            State::ExpectKey(_) => !self.at_work,
            _ => false,
        };
        self.close(match self.state {
            State::ExpectAborted => Ended::AbortedHere,
            _ => Ended::Lost { phase, try_legacy: asked && unread },
        });
    }

    /// Gives up, for an administrator or a newer session of the same device. The operation stays
    /// pending.
    pub fn abort(&mut self, now: Now) {
        if self.is_over() || matches!(self.state, State::ExpectAborted) {
            return;
        }
        self.send(Body::Opaque(Command::ABORT_REQ, Vec::new()));
        self.expect(now, State::ExpectAborted, self.settings.timers.idle);
    }

    /// Asks the phone how far it is. The bodies of question and answer are not known; the answer
    /// goes into the trace, and shows at least that the phone is there.
    pub fn ask_status(&mut self) {
        if !self.is_over() {
            self.status_asked += 1;
            self.send(Body::Opaque(Command::STATUS_REQ, Vec::new()));
        }
    }

    fn handle_message(&mut self, now: Now, message: Message) {
        let session = message.session;
        self.received = self.received.saturating_add(1);
        if self.received <= TRACED {
            self.note(Event::Received(message.clone()));
        }
        let body = message.body;
        if session != self.id {
            return self.refuse(Refusal::WrongSession(session));
        }
        let (phase, command) = (self.phase(), body.command());
        match (std::mem::replace(&mut self.state, State::Ended), body) {
            (_, Body::Opaque(Command::ABORT_REQ, _)) => {
                self.send(Body::Opaque(Command::ABORT_RES, Vec::new()));
                self.close(Ended::AbortedByPhone);
            }
            (State::ExpectAborted, Body::Opaque(Command::ABORT_RES, _)) => {
                self.close(Ended::AbortedHere);
            }
            // What it sent before it read our ABORT_REQ.
            (state @ State::ExpectAborted, _) => self.state = state,
            (state, Body::Opaque(Command::STATUS_RES, _)) if self.status_asked > 0 => {
                self.status_asked -= 1;
                self.state = state;
            }
            (State::ExpectAuthRes, Body::AuthRes(answer)) => self.auth_res(now, *answer),
            (state, Body::RequestInProgress(_)) if state.phone_is_at_work() => {
                self.at_work = true;
                self.state = state;
            }
            (State::ExpectKey(granted), Body::KeyGenRes(answer)) => {
                self.key_gen_res(now, *granted, answer);
            }
            (State::ExpectStored(granted, certificate), Body::StoreCertRes(reason)) => {
                let outcome = done_if(reason, || Outcome::Installed(certificate));
                // The reference server says "success" here; the phone knows better.
                self.conclude(now, &granted, outcome, Reason::SUCCESS, Reason::INVALID);
            }
            (State::ExpectDeleted(granted), Body::DeleteCertRes(reason)) => {
                let outcome = done_if(reason, || Outcome::Deleted);
                self.conclude(now, &granted, outcome, Reason::SUCCESS, Reason::SUCCESS);
            }
            (State::ExpectShown(granted), Body::FetchCertRes { reason, certificates }) => {
                let outcome = match certificates.is_empty() {
                    true if reason == Reason::SUCCESS => Outcome::Failed(Failure::NothingShown),
                    _ => done_if(reason, || Outcome::Shown(self.shown(certificates))),
                };
                self.conclude(now, &granted, outcome, Reason::NO_ACTION, Reason::NO_ACTION);
            }
            _ => self.refuse(Refusal::Unexpected { command, phase }),
        }
    }

    fn auth_res(&mut self, now: Now, answer: AuthRes) {
        if answer.version.is_some_and(|version| version != VERSION) {
            return self.refuse(Refusal::Version(answer.version));
        }
        let Some(name) = answer.device_name.clone() else {
            return self.refuse(Refusal::DeviceName);
        };
        let device = name.as_str().and_then(DeviceName::parse);
        let served =
            |device: &DeviceName| self.settings.prefixes.iter().any(|it| it == device.prefix());
        let Some(device) = device.filter(served) else {
            return self.refuse(Refusal::DeviceName);
        };
        self.device = Some(device.clone());
        self.outputs.push_back(Output::LookUp(device.clone()));
        let claimant = Box::new(Claimant { device, name, answer });
        self.expect(now, State::ExpectAssignment(claimant), self.settings.timers.answer);
    }

    fn looked_up(&mut self, now: Now, claimant: Claimant, answer: LookedUp) {
        let assignment = match answer {
            LookedUp::Unknown => return self.refuse(Refusal::UnknownDevice),
            LookedUp::NotNow(delay) => return self.not_now(delay),
            LookedUp::Known(assignment) => assignment,
        };
        let legacy = [self.profile, assignment.profile].contains(&Profile::Legacy);
        if claimant.answer.version.is_none() && !legacy {
            return self.refuse(Refusal::Version(None));
        }
        // Nothing is to be had here, so nothing is to be proven, nor guessed.
        if assignment.operation == Operation::None {
            return self.finish(Reason::NO_ACTION, Ended::NothingScheduled);
        }
        let device = claimant.device.clone();
        if assignment.is_expired(now) {
            let then = Then(Reason::NO_ACTION, Ended::Failed(Failure::Expired));
            let outcome = Outcome::Failed(Failure::Expired);
            return self.record(now, device, &assignment, outcome, State::ExpectRecorded(then));
        }
        match assignment.mode {
            AuthMode::NullString => {
                self.dispatch(now, Authenticated::by_null_string(device), *assignment);
            }
            AuthMode::String => match claimant.answer.password {
                None => self.refuse(StringRefusal::Missing.into()),
                Some(password) => self.check_string(now, device, password, assignment),
            },
            AuthMode::ExistingLsc => {
                self.check_certificate(now, &claimant, CertificateType::LSC, *assignment);
            }
            AuthMode::ExistingMic => {
                self.check_certificate(now, &claimant, CertificateType::MIC, *assignment);
            }
        }
    }

    fn check_string(
        &mut self,
        now: Now,
        device: DeviceName,
        password: Password,
        assignment: Box<Assignment>,
    ) {
        let claim = StringClaim::new(device.clone(), self.from, password);
        self.outputs.push_back(Output::CheckString(claim));
        let state = State::ExpectStringVerdict(device, assignment);
        self.expect(now, state, self.settings.timers.answer);
    }

    fn check_certificate(
        &mut self,
        now: Now,
        claimant: &Claimant,
        preferred: CertificateType,
        assignment: Assignment,
    ) {
        let claim = Claim {
            session: self.id,
            device: &claimant.device,
            name: &claimant.name,
            answer: &claimant.answer,
        };
        let settings = &self.settings;
        match ProvenCertificate::check(&claim, preferred, &assignment, settings, now.wall) {
            Err(refusal) => self.refuse(refusal.into()),
            Ok(proven) => {
                if proven.kind() != preferred {
                    self.note(Event::FellBack { preferred, shown: proven.kind() });
                }
                let device = claimant.device.clone();
                self.dispatch(now, Authenticated::by_certificate(device, proven), assignment);
            }
        }
    }

    fn dispatch(&mut self, now: Now, authenticated: Authenticated, mut assignment: Assignment) {
        self.note(Event::Authenticated(authenticated.means().to_string()));
        let ready = assignment.ready.take();
        let granted = Granted { authenticated: Arc::new(authenticated), assignment };
        let idle = self.settings.timers.idle;
        match granted.assignment.operation {
            Operation::None => self.finish(Reason::NO_ACTION, Ended::NothingScheduled),
            Operation::Install(_) => match ready {
                Some(certificate) => self.deliver(now, granted, Box::new(certificate)),
                None => self.ask_for_key(now, granted),
            },
            Operation::Delete => {
                self.send(Body::DeleteCertReq);
                self.expect(now, State::ExpectDeleted(Box::new(granted)), idle);
            }
            Operation::Troubleshoot => {
                self.send(Body::FetchCertReq);
                self.expect(now, State::ExpectShown(Box::new(granted)), idle);
            }
        }
    }

    fn ask_for_key(&mut self, now: Now, granted: Granted) {
        let Operation::Install(key) = granted.assignment.operation else { return };
        let legacy = [self.profile, granted.assignment.profile].contains(&Profile::Legacy);
        let typed = !legacy || matches!(key, KeySpec::Ec(_));
        self.send(Body::KeyGenReq { key, typed });
        let limit = self.settings.timers.key_generation;
        self.expect(now, State::ExpectKey(Box::new(granted)), limit);
    }

    fn key_gen_res(&mut self, now: Now, granted: Granted, answer: KeyAnswer) {
        let Operation::Install(asked) = granted.assignment.operation else { return };
        let checked = match answer {
            KeyAnswer::Failed(reason) => Err(Refusal::KeyGeneration(reason)),
            KeyAnswer::PublicKey(spki) => CheckedKey::check(&spki, asked).map_err(Refusal::Key),
        };
        let key = match checked {
            Ok(key) => key,
            Err(refusal) => return self.attempt_failed(now, granted, Some(refusal)),
        };
        self.note(Event::KeyMade(asked));
        if granted.assignment.is_expired(now) {
            let outcome = Outcome::Failed(Failure::Expired);
            return self.conclude(now, &granted, outcome, Reason::SUCCESS, Reason::INVALID);
        }
        self.outputs.push_back(Output::Issue(Box::new(Issue {
            authenticated: granted.authenticated.clone(),
            key: key.clone(),
            ticket: granted.assignment.ticket,
        })));
        let state = State::ExpectCertificate(Box::new(granted), key);
        self.expect(now, state, self.settings.timers.issue);
    }

    /// Counts an attempt. After the last one the operation has failed; before, the key is asked
    /// for again, unless the phone has answered and is to be refused.
    fn attempt_failed(&mut self, now: Now, mut granted: Granted, refusal: Option<Refusal>) {
        granted.assignment.failed_attempts += 1;
        let attempts = granted.assignment.failed_attempts;
        if attempts >= self.settings.key_attempts {
            let outcome = Outcome::Failed(Failure::KeyGeneration(attempts));
            return self.conclude(now, &granted, outcome, Reason::SUCCESS, Reason::INVALID);
        }
        let device = granted.authenticated.device().clone();
        let assignment = granted.assignment.clone();
        let state = match refusal {
            None => State::ExpectAttemptRecorded(Box::new(granted)),
            Some(refusal) => State::ExpectRecorded(Then(refusal.reason(), Ended::Refused(refusal))),
        };
        self.record(now, device, &assignment, Outcome::AttemptFailed(attempts), state);
    }

    fn issued(&mut self, now: Now, granted: Granted, key: &CheckedKey, issuance: Issuance) {
        let failure = match issuance {
            Issuance::Ready(certificate) if certificate.public_key() == key.public_key() => {
                return self.deliver(now, granted, certificate);
            }
            Issuance::Ready(_) => "the certificate is for another key".to_owned(),
            Issuance::Pending(delay) => return self.not_now(delay),
            Issuance::Refused(cause) => cause,
        };
        let outcome = Outcome::Failed(Failure::NotIssued(failure));
        self.conclude(now, &granted, outcome, Reason::SUCCESS, Reason::INVALID);
    }

    fn deliver(&mut self, now: Now, granted: Granted, certificate: Box<Certificate>) {
        let entry =
            CertificateEntry { kind: CertificateType::LSC, der: certificate.der().to_vec() };
        let serial = pki::certificate::hex(certificate.serial());
        self.note(Event::Issued { serial, issuer: certificate.issuer().to_string() });
        let body = Body::StoreCertReq { kind: entry.kind, certificates: vec![entry] };
        let state = State::ExpectStored(Box::new(granted), certificate);
        self.expect(now, state, self.settings.timers.idle);
        self.send(body);
    }

    /// Keeps what came of the operation, and then ends the session with one of two reasons.
    fn conclude(
        &mut self,
        now: Now,
        granted: &Granted,
        outcome: Outcome,
        on_success: Reason,
        on_failure: Reason,
    ) {
        let then = match &outcome {
            Outcome::Failed(failure) => Then(on_failure, Ended::Failed(failure.clone())),
            _ => Then(on_success, Ended::Done),
        };
        let device = granted.authenticated.device().clone();
        self.record(now, device, &granted.assignment, outcome, State::ExpectRecorded(then));
    }

    fn record(
        &mut self,
        now: Now,
        device: DeviceName,
        assignment: &Assignment,
        outcome: Outcome,
        state: State,
    ) {
        let Assignment { ticket, operation, .. } = *assignment;
        self.outputs.push_back(Output::Record(Record { device, ticket, operation, outcome }));
        self.expect(now, state, self.settings.timers.answer);
    }

    fn shown(&mut self, entries: Vec<CertificateEntry>) -> Vec<ShownCertificate> {
        let decode = |CertificateEntry { kind, der }| {
            let certificate = Certificate::parse(&der);
            ShownCertificate { kind, der, certificate }
        };
        let shown: Vec<_> = entries.into_iter().map(decode).collect();
        shown.iter().for_each(|shown| self.note(Event::shown(shown)));
        shown
    }

    fn not_now(&mut self, delay: Duration) {
        self.note(Event::NotNow(delay));
        let seconds = u16::try_from(delay.as_secs()).unwrap_or(u16::MAX);
        self.send(match self.settings.when_not_now {
            WhenNotNow::RetryLater => Body::RetryLater(Some(RetryDelay::seconds(seconds))),
            WhenNotNow::EndSession => Body::EndSession { reason: Reason::NO_ACTION, info: None },
        });
        self.close(Ended::RetryLater(delay));
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.finish(refusal.reason(), Ended::Refused(refusal));
    }

    fn finish(&mut self, reason: Reason, ended: Ended) {
        self.send(Body::EndSession { reason, info: None });
        self.close(ended);
    }

    fn close(&mut self, ended: Ended) {
        self.note(Event::Ended(ended.clone()));
        self.outputs.push_back(Output::Close(ended));
        self.state = State::Ended;
    }

    fn send(&mut self, body: Body) {
        let message = Message::new(self.id, body);
        match message.to_bytes() {
            Ok(bytes) => {
                self.note(Event::Sent(message));
                self.outputs.push_back(Output::Send(bytes));
            }
            // Certificates only can be too long, so this does not come back here.
            Err(error) => self.refuse(error.into()),
        }
    }

    fn expect(&mut self, now: Now, state: State, limit: Duration) {
        self.state = state;
        self.timer = now.instant + limit;
    }

    fn note(&mut self, event: Event) {
        let trace = Trace { session: self.id, device: self.device.clone(), event };
        self.outputs.push_back(Output::Event(trace));
    }

    fn is_over(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

/// What an answer with a reason means.
fn done_if(reason: Reason, outcome: impl FnOnce() -> Outcome) -> Outcome {
    match reason {
        Reason::SUCCESS => outcome(),
        other => Outcome::Failed(Failure::Phone(other)),
    }
}
