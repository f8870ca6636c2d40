//! The machine: one connection to a server.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use pki::SignError;

use super::{Answer, Conclusion, Credential, Event, Fault, Holder, Holding, Manner, Output};
use crate::codec::{
    AuthRes, Body, CertificateEntry, CertificateType, Command, Decoder, KeyAnswer, KeySpec,
    Message, Password, Reason, SessionId, Text, VERSION,
};
use crate::proof;

/// The phone's end of one connection.
#[derive(Debug)]
pub struct Session {
    holder: Holder,
    credential: Credential,
    manner: Manner,
    decoder: Decoder,
    state: State,
    /// As the server numbered it.
    id: SessionId,
    /// When the server has been silent for too long.
    timer: Option<Instant>,
    outputs: VecDeque<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    ExpectAuthReq,
    ExpectRequest,
    /// The outside makes a key.
    ExpectKey,
    /// The outside keeps a certificate.
    ExpectStored,
    /// The outside deletes one.
    ExpectDeleted,
    ExpectEnd,
    ExpectAborted,
    Over,
}

impl Session {
    /// A connection whose handshake is over.
    pub fn start(now: Instant, holder: Holder, credential: Credential, manner: Manner) -> Self {
        Self {
            holder,
            credential,
            manner,
            decoder: Decoder::default(),
            state: State::ExpectAuthReq,
            id: SessionId(0),
            timer: Some(now + manner.patience),
            outputs: VecDeque::new(),
        }
    }

    /// The next thing to do, in order. `None`: wait.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is due; `None` while the phone itself is at work, and when
    /// the session is over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timer
    }

    /// Bytes from the server, in pieces of any size.
    pub fn handle_bytes(&mut self, now: Instant, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.state != State::Over {
            let message = match self.decoder.read(&mut bytes) {
                Ok(None) => return,
                Ok(Some(frame)) => Message::read(&frame),
                Err(error) => Err(error),
            };
            match message {
                Ok(message) => self.handle_message(now, message),
                Err(error) => self.close(Conclusion::Fault(error.into())),
            }
        }
    }

    /// What came of something that was to be done.
    pub fn handle_answer(&mut self, now: Instant, answer: Answer) {
        let reason = |good: bool| if good { Reason::SUCCESS } else { Reason::INVALID };
        match (self.state, answer) {
            (State::ExpectKey, Answer::Key(Some(spki))) => {
                self.answer(now, State::ExpectRequest, Body::KeyGenRes(KeyAnswer::PublicKey(spki)));
            }
            (State::ExpectKey, Answer::Key(None)) => self.no_key(now),
            (State::ExpectStored, Answer::Stored(kept)) => {
                self.answer(now, State::ExpectEnd, Body::StoreCertRes(reason(kept)));
            }
            (State::ExpectDeleted, Answer::Deleted(gone)) => {
                self.answer(now, State::ExpectEnd, Body::DeleteCertRes(reason(gone)));
            }
            _ => {}
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.timer.is_some_and(|timer| timer <= now) {
            self.close(match self.state {
                State::ExpectAborted => Conclusion::Stopped,
                _ => Conclusion::Lost,
            });
        }
    }

    /// The server has closed the connection, or TLS has failed.
    pub fn handle_closed(&mut self) {
        match self.state {
            State::Over => {}
            State::ExpectAborted => self.close(Conclusion::Stopped),
            _ => self.close(Conclusion::Lost),
        }
    }

    /// The user presses Stop.
    pub fn stop(&mut self, now: Instant) {
        match self.state {
            State::Over | State::ExpectAborted => {}
            // There is no session to abort yet.
            State::ExpectAuthReq => self.close(Conclusion::Stopped),
            _ => self.answer(now, State::ExpectAborted, opaque(Command::ABORT_REQ)),
        }
    }

    fn handle_message(&mut self, now: Instant, message: Message) {
        let (session, body) = (message.session, message.body.clone());
        self.outputs.push_back(Output::Event(Event::Received(message)));
        if self.state == State::ExpectAuthReq {
            self.id = session;
        } else if session != self.id {
            return self.close(Conclusion::Fault(Fault::WrongSession(session)));
        }
        match (self.state, body) {
            (_, Body::EndSession { reason, .. }) => self.close(match reason {
                Reason::SUCCESS | Reason::NO_ACTION => Conclusion::Ended(reason),
                other => Conclusion::Refused(other),
            }),
            (_, Body::RetryLater(delay)) => {
                let seconds = delay.and_then(|delay| delay.as_seconds());
                let delay = seconds.map(|seconds| Duration::from_secs(seconds.into()));
                self.close(Conclusion::RetryLater(delay));
            }
            (State::ExpectAborted, Body::Opaque(Command::ABORT_RES, _)) => {
                self.close(Conclusion::Stopped);
            }
            (State::ExpectAborted, _) => {}
            (_, Body::Opaque(Command::ABORT_REQ, _)) => {
                self.send(opaque(Command::ABORT_RES));
                self.close(Conclusion::AbortedByServer);
            }
            (_, Body::Opaque(Command::STATUS_REQ, _)) => self.send(opaque(Command::STATUS_RES)),
            (State::ExpectAuthReq, Body::AuthReq { version: None | Some(VERSION), .. }) => {
                self.authenticate(now);
            }
            (State::ExpectAuthReq, Body::AuthReq { version: Some(other), .. }) => {
                self.close(Conclusion::Fault(Fault::Version(other)));
            }
            // After a key the server may ask for another one.
            (State::ExpectRequest | State::ExpectKey, Body::KeyGenReq { key, .. }) => {
                self.make_key(now, key);
            }
            (State::ExpectRequest, Body::StoreCertReq { kind, certificates }) => {
                let one = certificates.into_iter().find(|entry| entry.kind == kind);
                match one.filter(|entry| entry.kind == CertificateType::LSC) {
                    Some(entry) => {
                        self.work(State::ExpectStored, Output::Store(entry));
                    }
                    // Nobody stores another kind in a phone.
                    None => {
                        self.answer(now, State::ExpectEnd, Body::StoreCertRes(Reason::INVALID));
                    }
                }
            }
            (State::ExpectRequest, Body::DeleteCertReq) => {
                self.work(State::ExpectDeleted, Output::Delete);
            }
            (State::ExpectRequest, Body::FetchCertReq) => self.show(now),
            (_, body) => self.close(Conclusion::Fault(Fault::Unexpected(body.command()))),
        }
    }

    fn authenticate(&mut self, now: Instant) {
        match self.auth_res() {
            Ok(answer) => {
                self.answer(now, State::ExpectRequest, Body::AuthRes(Box::new(answer)));
            }
            Err(error) => self.close(Conclusion::Fault(Fault::CannotSign(error.to_string()))),
        }
    }

    fn auth_res(&self) -> Result<AuthRes, SignError> {
        let Manner { legacy, sudi, .. } = self.manner;
        let name = Text::new(self.holder.device.as_str()).expect("a device name is short");
        let mut answer = AuthRes {
            reason: Some(Reason::SUCCESS),
            version: (!legacy).then_some(VERSION),
            password: Some(Password::null()),
            device_name: Some(name.clone()),
            ..AuthRes::default()
        };
        match &self.credential {
            Credential::NullString => {}
            Credential::String(password) => answer.password = Some(password.clone()),
            Credential::Existing(preferred) => {
                // Without any certificate the server has to say that this fails.
                if let Some((kind, shown)) = self.holder.shown_first(*preferred) {
                    let (sha1, sha512) =
                        proof::prove_device(&name, &shown.certificate, &shown.key)?;
                    answer.certificates = vec![entry(kind, shown)];
                    answer.signed_data = Some(sha1);
                    answer.sha2_signed_data = sha512.filter(|_| !legacy);
                }
                if sudi
                    && !legacy
                    && let Some(Holding { certificate, key }) = &self.holder.mic
                {
                    answer.sudi = Some(proof::prove_session(self.id, certificate, key)?);
                }
            }
        }
        Ok(answer)
    }

    fn make_key(&mut self, now: Instant, key: KeySpec) {
        let makes = match key {
            KeySpec::Rsa(bits) => {
                KeySpec::RSA_SIZES.contains(&bits) && bits <= self.manner.longest_rsa
            }
            KeySpec::Ec(_) => self.manner.makes_ec,
        };
        if !makes {
            return self.no_key(now);
        }
        for _ in 0..self.manner.signs_of_life {
            self.send(Body::RequestInProgress(None));
        }
        self.work(State::ExpectKey, Output::MakeKey(key));
    }

    fn no_key(&mut self, now: Instant) {
        let failed = KeyAnswer::Failed(Some(Reason::INVALID));
        self.answer(now, State::ExpectRequest, Body::KeyGenRes(failed));
    }

    fn show(&mut self, now: Instant) {
        let lsc = self.holder.lsc.as_ref().map(|holding| entry(CertificateType::LSC, holding));
        let mic = self.holder.mic.as_ref().map(|holding| entry(CertificateType::MIC, holding));
        let certificates: Vec<_> = lsc.into_iter().chain(mic).collect();
        let reason = if certificates.is_empty() { Reason::INVALID } else { Reason::SUCCESS };
        self.answer(now, State::ExpectEnd, Body::FetchCertRes { reason, certificates });
    }

    /// The outside is to do something, and takes the time it needs.
    fn work(&mut self, state: State, output: Output) {
        (self.state, self.timer) = (state, None);
        self.outputs.push_back(output);
    }

    fn answer(&mut self, now: Instant, state: State, body: Body) {
        (self.state, self.timer) = (state, Some(now + self.manner.patience));
        self.send(body);
    }

    fn send(&mut self, body: Body) {
        let message = Message::new(self.id, body);
        match message.to_bytes() {
            Ok(bytes) => {
                self.outputs.push_back(Output::Event(Event::Sent(message)));
                self.outputs.push_back(Output::Send(bytes));
            }
            Err(error) => self.close(Conclusion::Fault(error.into())),
        }
    }

    fn close(&mut self, conclusion: Conclusion) {
        (self.state, self.timer) = (State::Over, None);
        self.outputs.push_back(Output::Close(conclusion));
    }
}

fn entry(kind: CertificateType, holding: &Holding) -> CertificateEntry {
    CertificateEntry { kind, der: holding.certificate.der().to_vec() }
}

/// A command whose body is not known: an empty one.
fn opaque(command: Command) -> Body {
    Body::Opaque(command, Vec::new())
}
