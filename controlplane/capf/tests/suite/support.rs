//! An office with its devices, a telephone with its flash, and a wire between the two.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use pki::issue::{Template, Usage, issued, self_signed};
use pki::{Certificate, Hash, Identity, KeyKind, Name, PrivateKey, Signer};
use ringfence_capf::codec::{
    Body, CertificateType, Decoder, KeySpec, Message, Password, SessionId,
};
use ringfence_capf::phone::{self, Conclusion, Credential, Holder, Holding, Manner};
use ringfence_capf::server::{
    Anchors, Answer, Assignment, AuthMode, AuthenticationString, Ended, Issuance, Lockout,
    LockoutRule, LookedUp, Operation, Outcome, Output, Place, Profile, Record, Session, Settings,
    Ticket,
};
use ringfence_capf::{DeviceName, Now};

pub const DEVICE: &str = "SEP001122334455";
pub const YEAR: Duration = Duration::from_secs(365 * 86_400);

pub fn device() -> DeviceName {
    DeviceName::parse(DEVICE).unwrap()
}

pub fn here() -> IpAddr {
    IpAddr::from([192, 0, 2, 55])
}

/// 24 November 2026: the recorded certificates are valid.
pub fn now() -> Now {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_500_000);
    Now { instant: Instant::now(), wall }
}

/// An authority whose certificate says so.
pub fn authority(name: &str) -> Identity {
    let key = PrivateKey::generate(KeyKind::Rsa1024);
    let template = template(name, Usage::Authority);
    let certificate = self_signed(&template, Hash::Sha256, &key).unwrap();
    Identity::new(certificate, key).unwrap()
}

pub fn template(subject: &str, usage: Usage) -> Template {
    Template {
        subject: Name::common(subject),
        not_before: now().wall - YEAR,
        validity: 3 * YEAR,
        usage,
        alternative_names: vec![],
    }
}

pub static CAPF: LazyLock<Identity> = LazyLock::new(|| authority("CAPF-91d43ef6"));
pub static MANUFACTURER: LazyLock<Identity> = LazyLock::new(|| authority("Test Manufacturing CA"));

/// A certificate with a fresh key.
pub fn holding(authority: &Identity, subject: &str, bits: u32) -> Holding {
    let key = PrivateKey::generate_legacy_rsa(bits).unwrap();
    let template = template(subject, Usage::Server);
    let certificate = issued(&template, key.public_key(), Hash::Sha256, authority).unwrap();
    Holding { certificate, key }
}

pub fn lsc() -> Holding {
    static LSC: LazyLock<Holding> = LazyLock::new(|| holding(&CAPF, DEVICE, 1024));
    LSC.clone()
}

pub fn mic() -> Holding {
    static MIC: LazyLock<Holding> =
        LazyLock::new(|| holding(&MANUFACTURER, &format!("CP-7970G-{DEVICE}"), 1024));
    MIC.clone()
}

pub fn settings() -> Settings {
    let mic = vec![MANUFACTURER.certificate().clone()];
    let anchors = Anchors { lsc: vec![CAPF.certificate().clone()], sudi: mic.clone(), mic };
    Settings { anchors, ..Settings::default() }
}

pub fn assignment(operation: Operation, mode: AuthMode) -> Assignment {
    Assignment {
        ticket: Ticket(7),
        operation,
        mode,
        complete_by: None,
        failed_attempts: 0,
        profile: Profile::Current,
        ready: None,
        withdrawn: vec![],
    }
}

pub fn install() -> Operation {
    Operation::Install(KeySpec::Rsa(512))
}

/// What an administrator sees of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Pending,
    Success,
    Failed,
}

/// A device in the store.
#[derive(Debug)]
pub struct Row {
    pub assignment: Assignment,
    pub string: Option<AuthenticationString>,
    pub lockout: Lockout,
    pub place: Place,
    pub status: Status,
    pub lsc: Option<Certificate>,
    pub shown: Vec<CertificateType>,
}

impl Row {
    pub fn of(assignment: Assignment) -> Self {
        Self {
            assignment,
            string: None,
            lockout: Lockout::default(),
            place: Place::Elsewhere,
            status: Status::Pending,
            lsc: None,
            shown: vec![],
        }
    }
}

/// How the issuer behaves.
#[derive(Clone, Debug, PartialEq)]
pub enum Mood {
    Issues,
    Silent,
    Pending(Duration),
    Refuses(&'static str),
    /// Certifies a key of its own.
    Errs,
}

/// Everything around a session: store, issuer, trace.
pub struct Office {
    pub settings: Arc<Settings>,
    pub rows: BTreeMap<DeviceName, Row>,
    pub busy: Option<Duration>,
    pub issuer: Mood,
    /// The store takes nothing.
    pub full: bool,
    pub issued: usize,
    pub records: Vec<String>,
    pub trace: Vec<String>,
    next: u32,
}

impl Office {
    pub fn of(assignment: Assignment) -> Self {
        Self::with(assignment, settings())
    }

    pub fn with(assignment: Assignment, settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            rows: BTreeMap::from([(device(), Row::of(assignment))]),
            busy: None,
            issuer: Mood::Issues,
            full: false,
            issued: 0,
            records: vec![],
            trace: vec![],
            next: 0,
        }
    }

    /// By string 1234567.
    pub fn with_string(operation: Operation) -> Self {
        let mut office = Self::of(assignment(operation, AuthMode::String));
        office.row().string = Some(AuthenticationString::parse("1234567").unwrap());
        office
    }

    pub fn row(&mut self) -> &mut Row {
        self.rows.get_mut(&device()).unwrap()
    }

    pub fn status(&mut self) -> Status {
        self.row().status
    }

    pub fn session(&mut self, now: Now) -> Session {
        self.session_as(now, Profile::Current)
    }

    pub fn session_as(&mut self, now: Now, profile: Profile) -> Session {
        self.next += 1;
        Session::start(now, self.settings.clone(), SessionId(self.next), here(), profile)
    }

    /// Carries out what a session wants; gives what it sends and how it ended.
    pub fn serve(&mut self, now: Now, session: &mut Session) -> (Vec<Vec<u8>>, Option<Ended>) {
        let (mut sent, mut ended) = (vec![], None);
        while let Some(output) = session.poll_output() {
            assert_eq!(ended, None, "Close is the last output");
            let answer = match output {
                Output::Send(bytes) => {
                    sent.push(bytes.to_vec());
                    None
                }
                Output::Event(trace) => {
                    self.trace.push(format!("{trace} {trace:?}"));
                    None
                }
                Output::Close(how) => {
                    ended = Some(how);
                    None
                }
                Output::LookUp(device) => Some(Answer::Device(self.look_up(&device))),
                Output::CheckString(claim) => {
                    let row = self.rows.get_mut(&claim.device).unwrap();
                    let (place, expected) = (row.place, row.string.as_ref());
                    let rule = LockoutRule::default();
                    let verdict = row.lockout.check(now.wall, rule, &claim, place, expected);
                    Some(Answer::String(verdict))
                }
                Output::Issue(issue) => {
                    self.issued += 1;
                    assert_eq!(issue.device(), issue.authenticated().device());
                    self.certify(&issue).map(Answer::Certificate)
                }
                Output::Record(record) => Some(Answer::Recorded(self.keep(record))),
            };
            if let Some(answer) = answer {
                session.handle_answer(now, answer);
            }
        }
        (sent, ended)
    }

    fn look_up(&self, device: &DeviceName) -> LookedUp {
        if let Some(delay) = self.busy {
            return LookedUp::NotNow(delay);
        }
        self.rows
            .get(device)
            .map_or(LookedUp::Unknown, |row| LookedUp::Known(Box::new(row.assignment.clone())))
    }

    fn certify(&self, issue: &ringfence_capf::server::Issue) -> Option<Issuance> {
        let template = template(issue.device().as_str(), Usage::Server);
        let key = issue.key().public_key();
        let certify = |key| Box::new(issued(&template, key, Hash::Sha256, &CAPF).unwrap());
        match &self.issuer {
            Mood::Issues => Some(Issuance::Ready(certify(key))),
            Mood::Silent => None,
            Mood::Pending(delay) => Some(Issuance::Pending(*delay)),
            Mood::Refuses(cause) => Some(Issuance::Refused((*cause).to_owned())),
            Mood::Errs => Some(Issuance::Ready(certify(lsc().key.public_key()))),
        }
    }

    fn keep(&mut self, record: Record) -> Result<(), String> {
        if self.full {
            return Err("the disk is full".to_owned());
        }
        self.records.push(format!("{:?}", record.outcome).split(['(', ' ']).next().unwrap().into());
        let row = self.rows.get_mut(&record.device).unwrap();
        if row.assignment.ticket != record.ticket || row.assignment.operation != record.operation {
            return Err("the operation was changed meanwhile".to_owned());
        }
        let mut done = true;
        row.status = Status::Success;
        match record.outcome {
            Outcome::Installed(certificate) => row.lsc = Some(*certificate),
            Outcome::Deleted => row.lsc = None,
            Outcome::Shown(shown) => row.shown = shown.iter().map(|it| it.kind).collect(),
            Outcome::AttemptFailed(attempts) => {
                row.assignment.failed_attempts = attempts;
                (row.status, done) = (Status::Pending, false);
            }
            Outcome::Failed(failure) => {
                (row.status, done) = (Status::Failed, failure.is_final());
            }
        }
        if done {
            row.assignment.operation = Operation::None;
            row.assignment.ticket = Ticket(row.assignment.ticket.0 + 1);
            row.string = None;
        }
        Ok(())
    }
}

/// A telephone: what its flash holds, and how it talks.
pub struct Telephone {
    pub lsc: Option<Holding>,
    pub mic: Option<Holding>,
    pub credential: Credential,
    pub manner: Manner,
    pub pending_key: Option<PrivateKey>,
    /// Makes keys of another kind than it is asked for, or none.
    pub makes: Option<Option<KeySpec>>,
    pub flash_fails: bool,
    /// Takes keys from here first.
    pub keys: VecDeque<PrivateKey>,
}

impl Telephone {
    pub fn new(credential: Credential) -> Self {
        Self {
            lsc: None,
            mic: None,
            credential,
            manner: Manner::default(),
            pending_key: None,
            makes: None,
            flash_fails: false,
            keys: VecDeque::new(),
        }
    }

    pub fn typed(digits: &str) -> Self {
        Self::new(Credential::String(Password::new(digits).unwrap()))
    }

    pub fn session(&self, now: Now) -> phone::Session {
        let holder = Holder { device: device(), lsc: self.lsc.clone(), mic: self.mic.clone() };
        phone::Session::start(now.instant, holder, self.credential.clone(), self.manner)
    }

    /// Carries out what a session wants; gives what it sends and how it ended.
    pub fn serve(
        &mut self,
        now: Now,
        session: &mut phone::Session,
    ) -> (Vec<Vec<u8>>, Option<Conclusion>) {
        let (mut sent, mut ended) = (vec![], None);
        while let Some(output) = session.poll_output() {
            assert_eq!(ended, None, "Close is the last output");
            let answer = match output {
                phone::Output::Send(bytes) => {
                    sent.push(bytes.to_vec());
                    None
                }
                phone::Output::Event(_) => None,
                phone::Output::Close(how) => {
                    ended = Some(how);
                    None
                }
                phone::Output::MakeKey(asked) => Some(phone::Answer::Key(self.make_key(asked))),
                phone::Output::Store(entry) => Some(phone::Answer::Stored(self.store(&entry.der))),
                phone::Output::Delete => Some(phone::Answer::Deleted(self.lsc.take().is_some())),
            };
            if let Some(answer) = answer {
                session.handle_answer(now.instant, answer);
            }
        }
        (sent, ended)
    }

    fn make_key(&mut self, asked: KeySpec) -> Option<Vec<u8>> {
        let key = match self.keys.pop_front() {
            Some(key) => key,
            None => generate(self.makes.unwrap_or(Some(asked))?),
        };
        let spki = key.public_key().spki().to_vec();
        self.pending_key = Some(key);
        Some(spki)
    }

    fn store(&mut self, der: &[u8]) -> bool {
        let (Ok(certificate), Some(key)) = (Certificate::parse(der), self.pending_key.take())
        else {
            return false;
        };
        if self.flash_fails || certificate.public_key() != key.public_key() {
            return false;
        }
        self.lsc = Some(Holding { certificate, key });
        true
    }
}

pub fn generate(spec: KeySpec) -> PrivateKey {
    use ringfence_capf::codec::Curve;
    match spec {
        KeySpec::Rsa(bits) => PrivateKey::generate_legacy_rsa(bits.into()).unwrap(),
        KeySpec::Ec(Curve::P256) => PrivateKey::generate(KeyKind::EcP256),
        KeySpec::Ec(Curve::P384) => PrivateKey::generate(KeyKind::EcP384),
        KeySpec::Ec(Curve::P521) => PrivateKey::generate(KeyKind::EcP521),
    }
}

/// How bytes travel: in pieces of this size, until so many pieces were delivered.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    pub piece: usize,
    pub breaks_after: Option<usize>,
}

pub const WIRE: Wire = Wire { piece: usize::MAX, breaks_after: None };

/// How a conversation went.
#[derive(Debug)]
pub struct Talk {
    pub server: Ended,
    pub phone: Conclusion,
    /// What was said, by both.
    pub messages: Vec<Message>,
}

impl Talk {
    pub fn commands(&self) -> String {
        let names: Vec<_> =
            self.messages.iter().map(|message| message.body.command().0.to_string()).collect();
        names.join(" ")
    }

    pub fn last(&self) -> &Body {
        &self.messages.last().unwrap().body
    }
}

/// Lets the two talk until both are done. When nothing is under way, the clock goes to the next
/// timeout.
pub fn talk(office: &mut Office, phone: &mut Telephone, start: Now, wire: Wire) -> Talk {
    let (mut now, mut messages) = (start, vec![]);
    let mut sessions = (office.session(now), phone.session(now));
    let (server, telephone) = (&mut sessions.0, &mut sessions.1);
    let (mut ended, mut concluded): (Option<Ended>, Option<Conclusion>) = (None, None);
    let mut decoders = (Decoder::default(), Decoder::default());
    let mut delivered = 0;
    let mut under_way: VecDeque<(bool, Vec<u8>)> = VecDeque::new();
    while ended.is_none() || concluded.is_none() {
        let (from_server, how) = office.serve(now, server);
        ended = ended.or(how);
        let (from_phone, how) = phone.serve(now, telephone);
        concluded = concluded.or(how);
        for (to_phone, bytes) in from_server
            .into_iter()
            .map(|bytes| (true, bytes))
            .chain(from_phone.into_iter().map(|bytes| (false, bytes)))
        {
            let decoder = if to_phone { &mut decoders.0 } else { &mut decoders.1 };
            messages.extend(decode_all(decoder, &bytes));
            let pieces = bytes.chunks(wire.piece.min(bytes.len()));
            under_way.extend(pieces.map(|piece| (to_phone, piece.to_vec())));
        }
        if wire.breaks_after.is_some_and(|most| delivered >= most) {
            server.handle_closed();
            telephone.handle_closed();
            under_way.clear();
            continue;
        }
        delivered += 1;
        match under_way.pop_front() {
            Some((true, bytes)) => telephone.handle_bytes(now.instant, &bytes),
            Some((false, bytes)) => server.handle_bytes(now, &bytes),
            // Nothing more comes from one who has closed.
            None if ended.is_some() => telephone.handle_closed(),
            None if concluded.is_some() => server.handle_closed(),
            None => {
                let due = server.poll_timeout().into_iter().chain(telephone.poll_timeout()).min();
                let Some(due) = due else { continue };
                now = now.after(due.saturating_duration_since(now.instant));
                server.handle_timeout(now);
                telephone.handle_timeout(now.instant);
            }
        }
    }
    Talk { server: ended.unwrap(), phone: concluded.unwrap(), messages }
}

pub fn decode_all(decoder: &mut Decoder, mut bytes: &[u8]) -> Vec<Message> {
    let mut messages = vec![];
    while !bytes.is_empty() {
        if let Some(frame) = decoder.read(&mut bytes).unwrap() {
            messages.push(Message::read(&frame).unwrap());
        }
    }
    messages
}
