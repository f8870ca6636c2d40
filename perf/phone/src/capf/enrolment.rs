//! One phone on its way to a certificate, without sockets: its tries, its sessions, its flash.

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use capf::codec::{CertificateEntry, Command, KeySpec, Reason};
use capf::phone::{self, Answer, Conclusion, Credential, Holder, Holding, Manner, Session};
use pki::{Certificate, PrivateKey, Signer};
use tftp::DeviceName;
use zeroize::Zeroizing;

use super::{Attempt, Ladder, Memory, Next, Patience, Pending, Wallet};
use crate::FlashError;

/// What an enrolment wants done.
#[derive(Debug)]
pub enum Output {
    /// Connect to the server with this index, by TLS; then [`Enrolment::handle_connected`] or
    /// [`Enrolment::handle_unconnected`].
    Connect(usize),
    /// Write this.
    Send(Zeroizing<Vec<u8>>),
    /// Make a key at low priority; then [`Enrolment::handle_key`] with this number.
    MakeKey(u64, KeySpec),
    /// Close the connection.
    Disconnect,
    /// For those who watch.
    Notice(Notice),
    /// The last output.
    Finished(Verdict),
}

/// What the phone shows on its display, or would write into a log.
#[derive(Debug)]
pub enum Notice {
    /// It is on its way.
    Pending,
    /// A message came or goes.
    Message(phone::Event),
    /// It has stored a certificate.
    Stored(Box<Certificate>),
    /// It has deleted its LSC.
    Deleted,
    /// A try has failed.
    Failed(Attempt),
    /// Its flash does not take what it should keep.
    Flash(FlashError),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending => f.write_str("LSC: Pending"),
            Self::Message(event) => write!(f, "{event}"),
            Self::Stored(certificate) => write!(
                f,
                "LSC: stored, issued by {}, serial {}",
                certificate.issuer(),
                pki::certificate::hex(certificate.serial())
            ),
            Self::Deleted => f.write_str("LSC: deleted"),
            Self::Failed(attempt) => write!(f, "LSC: {attempt}"),
            Self::Flash(error) => write!(f, "{error}"),
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConnection => f.write_str("no connection to the CAPF server"),
            Self::Untrusted => f.write_str("the server's certificate is not in the CTL"),
            Self::Concluded(conclusion) => write!(f, "{conclusion}"),
        }
    }
}

/// How it all ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// In good order, and the LSC is another one now, or gone: the phone starts again.
    Updated,
    /// In good order: it has shown its certificates.
    Shown,
    /// In good order, and there was nothing to do.
    Unchanged,
    /// It did not come to an end; the last try.
    Failed(Attempt),
    /// The user pressed Stop.
    Stopped,
    /// The flash failed, before anything was begun.
    BrokenFlash,
}

impl Verdict {
    /// Whether it came to an end in good order.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Updated | Self::Shown | Self::Unchanged)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Updated => f.write_str("Success"),
            Self::Shown => f.write_str("Success: certificates shown"),
            Self::Unchanged => f.write_str("No pending operation"),
            Self::Failed(attempt) => write!(f, "Failed: {attempt}"),
            Self::Stopped => f.write_str("Stopped"),
            Self::BrokenFlash => f.write_str("Failed: the flash cannot be written"),
        }
    }
}

/// One phone on its way.
pub struct Enrolment<M> {
    device: capf::DeviceName,
    manner: Manner,
    wallet: Wallet,
    memory: M,
    ladder: Ladder,
    session: Option<Session>,
    /// The connection has been asked for.
    connecting: bool,
    /// Keys that have been asked for.
    keys_asked: u64,
    stopped: bool,
    finished: bool,
    /// The LSC it had in the beginning.
    before: Option<Certificate>,
    /// It has shown its certificates.
    shown: bool,
    last: Attempt,
    outputs: VecDeque<Output>,
}

impl<M: Memory> Enrolment<M> {
    /// A phone that begins, or goes on with what it had begun when its power failed.
    pub fn start(
        device: DeviceName,
        manner: Manner,
        patience: Patience,
        servers: usize,
        credential: Credential,
        wallet: Wallet,
        memory: M,
    ) -> Self {
        let name = capf::DeviceName::parse(&device.to_string());
        let mut enrolment = Self {
            device: name.expect("names of phones are names of devices"),
            manner,
            before: wallet.lsc.as_ref().map(|lsc| lsc.certificate.clone()),
            shown: false,
            memory,
            ladder: Ladder::new(servers, patience),
            session: None,
            connecting: false,
            keys_asked: 0,
            stopped: false,
            finished: false,
            last: Attempt::NoConnection,
            outputs: VecDeque::new(),
            wallet,
        };
        let key = enrolment.wallet.pending.take().and_then(|pending| pending.key);
        if enrolment.change(|wallet| wallet.pending = Some(Pending { credential, key })) {
            enrolment.say(Notice::Pending);
        } else {
            enrolment.finish(Verdict::BrokenFlash);
        }
        enrolment
    }

    /// The next thing to do, in order. `None`: wait.
    pub fn poll_output(&mut self, now: Instant) -> Option<Output> {
        self.drive(now);
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is due, if at all.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.session {
            Some(session) => session.poll_timeout(),
            None => self.ladder.due(),
        }
    }

    /// The handshake is over, and the server's certificate is the right one.
    pub fn handle_connected(&mut self, now: Instant) {
        let Some(pending) = &self.wallet.pending else { return };
        let Wallet { lsc, mic, .. } = self.wallet.clone();
        let holder = Holder { device: self.device.clone(), lsc, mic };
        let credential = pending.credential.clone();
        // A key for an earlier session is nobody's.
        self.keys_asked += 1;
        self.session = Some(Session::start(now, holder, credential, self.manner));
    }

    /// There is no connection: [`Attempt::NoConnection`] or [`Attempt::Untrusted`].
    pub fn handle_unconnected(&mut self, now: Instant, why: Attempt) {
        self.tried(now, why);
    }

    /// Bytes from the server.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if let Some(session) = &mut self.session {
            session.handle_bytes(now, bytes);
        }
    }

    /// The server has closed the connection, or TLS has failed.
    pub fn handle_closed(&mut self) {
        if let Some(session) = &mut self.session {
            session.handle_closed();
        }
    }

    /// A key, or none. One that nobody waits for any more is dropped.
    pub fn handle_key(&mut self, now: Instant, number: u64, key: Option<PrivateKey>) {
        if number != self.keys_asked || self.session.is_none() {
            return;
        }
        let spki = key.as_ref().map(|key| key.public_key().spki().to_vec());
        let kept = self.change(|wallet| {
            if let Some(pending) = &mut wallet.pending {
                pending.key = key;
            }
        });
        if let Some(session) = &mut self.session {
            session.handle_answer(now, Answer::Key(spki.filter(|_| kept)));
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(session) = &mut self.session {
            session.handle_timeout(now);
        }
    }

    /// The user presses Stop.
    pub fn stop(&mut self, now: Instant) {
        self.stopped = true;
        match &mut self.session {
            Some(session) => session.stop(now),
            None => self.ladder.give_up(),
        }
    }

    /// What the phone has now.
    pub fn wallet(&self) -> &Wallet {
        &self.wallet
    }

    /// The phone's name.
    pub fn device(&self) -> &capf::DeviceName {
        &self.device
    }

    /// Carries out what the session wants and the ladder says, until both wait.
    fn drive(&mut self, now: Instant) {
        while let Some(output) = self.session.as_mut().and_then(Session::poll_output) {
            self.carry_out(now, output);
        }
        if self.session.is_some() || self.finished {
            return;
        }
        match self.ladder.next(now) {
            Next::Connect(_) if self.connecting => {}
            Next::Connect(server) => {
                self.connecting = true;
                self.outputs.push_back(Output::Connect(server));
            }
            Next::Wait(_) => {}
            Next::GiveUp if self.stopped => self.finish(Verdict::Stopped),
            Next::GiveUp => self.finish(Verdict::Failed(self.last.clone())),
            Next::Rest => {
                let now = self.wallet.lsc.as_ref().map(|lsc| &lsc.certificate);
                self.finish(match now == self.before.as_ref() {
                    false => Verdict::Updated,
                    true if self.shown => Verdict::Shown,
                    true => Verdict::Unchanged,
                });
            }
        }
    }

    fn carry_out(&mut self, now: Instant, output: phone::Output) {
        let answer = match output {
            phone::Output::Send(bytes) => return self.outputs.push_back(Output::Send(bytes)),
            phone::Output::Event(event) => {
                let sent = matches!(&event, phone::Event::Sent(message)
                    if message.body.command() == Command::FETCH_CERT_RES);
                self.shown |= sent;
                return self.say(Notice::Message(event));
            }
            phone::Output::MakeKey(spec) => {
                self.keys_asked += 1;
                return self.outputs.push_back(Output::MakeKey(self.keys_asked, spec));
            }
            phone::Output::Close(conclusion) => {
                self.session = None;
                self.outputs.push_back(Output::Disconnect);
                return self.tried(now, Attempt::Concluded(conclusion));
            }
            phone::Output::Store(entry) => Answer::Stored(self.store(&entry)),
            phone::Output::Delete => Answer::Deleted(self.delete()),
        };
        if let Some(session) = &mut self.session {
            session.handle_answer(now, answer);
        }
    }

    fn store(&mut self, entry: &CertificateEntry) -> bool {
        let Ok(certificate) = Certificate::parse(&entry.der) else { return false };
        let key = self.wallet.pending.as_ref().and_then(|pending| pending.key.clone());
        let Some(key) = key.filter(|key| key.public_key() == certificate.public_key()) else {
            return false;
        };
        let holding = Holding { certificate: certificate.clone(), key };
        let kept = self.change(|wallet| wallet.lsc = Some(holding));
        if kept {
            self.say(Notice::Stored(Box::new(certificate)));
        }
        kept
    }

    fn delete(&mut self) -> bool {
        let gone = self.wallet.lsc.is_some() && self.change(|wallet| wallet.lsc = None);
        if gone {
            self.say(Notice::Deleted);
        }
        gone
    }

    fn tried(&mut self, now: Instant, attempt: Attempt) {
        self.connecting = false;
        let orderly = Conclusion::Ended(Reason::SUCCESS);
        let idle = Conclusion::Ended(Reason::NO_ACTION);
        if ![orderly, idle].map(Attempt::Concluded).contains(&attempt) {
            self.say(Notice::Failed(attempt.clone()));
        }
        if self.stopped {
            self.ladder.give_up();
        } else {
            self.ladder.handle(now, &attempt);
        }
        self.last = attempt;
    }

    /// Changes the wallet in the flash, and only then here.
    fn change(&mut self, change: impl FnOnce(&mut Wallet)) -> bool {
        let mut after = self.wallet.clone();
        change(&mut after);
        match self.memory.keep(&self.wallet, &after) {
            Ok(()) => {
                self.wallet = after;
                true
            }
            Err(error) => {
                self.say(Notice::Flash(error));
                false
            }
        }
    }

    fn finish(&mut self, verdict: Verdict) {
        self.finished = true;
        self.change(|wallet| wallet.pending = None);
        self.outputs.push_back(Output::Finished(verdict));
    }

    fn say(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Notice(notice));
    }
}
