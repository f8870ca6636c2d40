//! The other end: a CAPF service of the smallest kind.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use capf::Now;
use capf::codec::{KeySpec, SessionId};
use capf::server::{
    Answer, Assignment, AuthMode, AuthenticationString, Ended, Issuance, Lockout, LockoutRule,
    LookedUp, Operation, Outcome, Output, Place, Profile, Session, Settings, Ticket,
};
use pki::issue::{Template, Usage, issued, self_signed};
use pki::{Certificate, Hash, Identity, KeyKind, Name, PrivateKey};
use tftp::DeviceName;

pub const DEVICE: &str = "SEP00112233AABB";

pub fn device() -> DeviceName {
    DeviceName::parse(DEVICE).unwrap()
}

/// What one device is to do, and has done.
pub struct Office {
    pub authority: Identity,
    /// Its key: it is its own TLS server.
    pub key: PrivateKey,
    pub settings: Settings,
    pub operation: Operation,
    pub mode: AuthMode,
    pub string: AuthenticationString,
    pub lockout: Lockout,
    pub lsc: Option<Certificate>,
    pub shown: usize,
    pub sessions: u32,
    /// There is an operation for whoever comes.
    pub for_all: bool,
    /// Certificates that were installed.
    pub installed: usize,
    /// It has to wait once.
    pub busy: Option<Duration>,
    ticket: u64,
}

impl Office {
    pub fn new(operation: Operation, mode: AuthMode) -> Self {
        let key = PrivateKey::generate(KeyKind::Rsa1024);
        let template = template("CAPF-test", Usage::PhoneAuthority);
        let certificate = self_signed(&template, Hash::LegacySha1, &key).unwrap();
        let mut settings = Settings::default();
        settings.anchors.lsc = vec![certificate.clone()];
        Self {
            authority: Identity::new(certificate, key.clone()).unwrap(),
            key,
            settings,
            operation,
            mode,
            string: AuthenticationString::parse("1234567").unwrap(),
            lockout: Lockout::default(),
            lsc: None,
            shown: 0,
            sessions: 0,
            for_all: false,
            installed: 0,
            busy: None,
            ticket: 1,
        }
    }

    pub fn install(mode: AuthMode) -> Self {
        Self::new(Operation::Install(KeySpec::Rsa(512)), mode)
    }

    pub fn session(&mut self, now: Instant) -> Session {
        self.sessions += 1;
        let (settings, id) = (Arc::new(self.settings.clone()), SessionId(self.sessions));
        Session::start(at(now), settings, id, IpAddr::V4(Ipv4Addr::LOCALHOST), Profile::Current)
    }

    /// Carries out what a session wants; what it sends, and how it ended.
    pub fn serve(&mut self, now: Instant, session: &mut Session) -> (Vec<Vec<u8>>, Option<Ended>) {
        let (mut sent, mut ended) = (vec![], None);
        while let Some(output) = session.poll_output() {
            let answer = match output {
                Output::Send(bytes) => {
                    sent.push(bytes.to_vec());
                    continue;
                }
                Output::Event(_) => continue,
                Output::Close(how) => {
                    ended = Some(how);
                    continue;
                }
                Output::LookUp(_) => Answer::Device(match self.busy.take() {
                    Some(delay) => LookedUp::NotNow(delay),
                    None => LookedUp::Known(Box::new(self.assignment())),
                }),
                Output::CheckString(claim) => {
                    let (rule, string) = (LockoutRule::default(), Some(&self.string));
                    let wall = at(now).wall;
                    let place = Place::Elsewhere;
                    Answer::String(self.lockout.check(wall, rule, &claim, place, string))
                }
                Output::Issue(issue) => {
                    let template = template(issue.device().as_str(), Usage::Phone);
                    let key = issue.key().public_key();
                    let certificate = issued(&template, key, Hash::Sha256, &self.authority);
                    Answer::Certificate(Issuance::Ready(Box::new(certificate.unwrap())))
                }
                Output::Record(record) => {
                    let done = match record.outcome {
                        Outcome::Installed(certificate) => {
                            self.installed += 1;
                            self.lsc = Some(*certificate);
                            true
                        }
                        Outcome::Deleted => {
                            self.lsc = None;
                            true
                        }
                        Outcome::Shown(shown) => {
                            self.shown = shown.len();
                            true
                        }
                        _ => false,
                    };
                    if done && !self.for_all {
                        self.operation = Operation::None;
                        self.ticket += 1;
                    }
                    Answer::Recorded(Ok(()))
                }
            };
            session.handle_answer(at(now), answer);
        }
        (sent, ended)
    }

    fn assignment(&self) -> Assignment {
        Assignment {
            ticket: Ticket(self.ticket),
            operation: self.operation,
            mode: self.mode,
            complete_by: None,
            failed_attempts: 0,
            profile: Profile::Legacy,
            ready: None,
            withdrawn: vec![],
        }
    }
}

pub fn template(subject: &str, usage: Usage) -> Template {
    Template {
        subject: Name::common(subject),
        not_before: SystemTime::now() - Duration::from_secs(60),
        validity: Duration::from_secs(86_400),
        usage,
        alternative_names: vec![],
    }
}

pub fn at(instant: Instant) -> Now {
    Now { instant, wall: SystemTime::now() }
}
