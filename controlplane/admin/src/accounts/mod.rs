//! Who asks: names with passwords, sessions of browsers, tokens of programs.

pub mod guard;
pub mod permission;
pub mod session;

use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use store::{AdministratorRole, ApiTokenSecret, Author, Password, Store};

use guard::Guard;
use permission::Permission;
use session::{Secret, Sessions};

/// Passwords that are hashed at the same time: each takes 19 MB and a core for some ten
/// milliseconds.
const HASHING: usize = 2;
/// Longest wait for one's turn.
const HASHING_PATIENCE: Duration = Duration::from_secs(10);
/// Failed logins that are written to the audit log within [`NOTES_PER`]; others are only counted.
const NOTES: u32 = 100;
const NOTES_PER: Duration = Duration::from_secs(60);

/// Somebody who is known.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account.
    pub name: String,
    /// What it may do.
    pub role: AdministratorRole,
    /// How it is known.
    pub proof: Proof,
    /// Where it asks from.
    pub address: IpAddr,
}

/// How somebody is known.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A browser's session; its forms show this.
    Session {
        /// What they show.
        csrf: Secret,
    },
    /// A program's token, by its name.
    Token(String),
}

impl Person {
    /// Whether the account may do this.
    pub fn may(&self, permission: Permission) -> bool {
        permission.is_given_to(self.role)
    }

    /// As changes are recorded.
    pub fn author(&self) -> Author {
        let origin = match &self.proof {
            Proof::Session { .. } => format!("HTTPS {}", self.address),
            Proof::Token(name) => format!("HTTPS {} token {name}", self.address),
        };
        Author::new(&self.name, origin)
    }
}

/// Why nobody is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginFault {
    /// Name or password is wrong; which one is not told.
    Wrong,
    /// Too many were wrong: this address has to wait.
    Wait(Duration),
    /// Too many log in at the same time.
    Busy,
    /// The database does not answer.
    Store,
}

/// Accounts of this node.
pub struct Accounts {
    store: Arc<Store>,
    sessions: Mutex<Sessions>,
    guard: Mutex<Guard>,
    hashing: Turnstile,
    notes: Mutex<(Instant, u32)>,
}

impl Accounts {
    /// Those in the database.
    pub fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            sessions: Mutex::default(),
            guard: Mutex::default(),
            hashing: Turnstile::default(),
            notes: Mutex::new((Instant::now(), 0)),
        }
    }

    /// Logs in; returns what the browser shows from now on. Takes its time.
    pub fn login(
        &self,
        name: &str,
        password: Password,
        address: IpAddr,
    ) -> Result<Secret, LoginFault> {
        self.may_try(name, address)?;
        let hashing = self.begin_hashing().ok_or(LoginFault::Busy)?;
        // Others of this address may have been wrong while it waited for its turn.
        self.may_try(name, address)?;
        let known = self.store.authenticate(name, &password).map_err(|_| LoginFault::Store)?;
        let now = Instant::now();
        let account = match known {
            Some(known) => self.store.read(|view| view.account(&known.name)),
            None => Ok(None),
        };
        let Some((known, stamp)) = account.map_err(|_| LoginFault::Store)? else {
            lock(&self.guard).failed(name, address, now);
            drop(hashing);
            self.note(name, address, "login-refused", now);
            return Err(LoginFault::Wrong);
        };
        lock(&self.guard).succeeded(name, address);
        self.note(name, address, "login", now);
        Ok(lock(&self.sessions).begin(&known.name, stamp, now))
    }

    /// Ends a session.
    pub fn logout(&self, secret: &str) {
        lock(&self.sessions).end(secret);
    }

    /// Whose session this is. Who was removed since, or has another password, has none.
    pub fn of_session(&self, secret: &str, address: IpAddr) -> Option<Person> {
        let session = lock(&self.sessions).find(secret, Instant::now())?;
        let account = self.store.read(|view| view.account(&session.account)).ok()?;
        match account {
            Some((known, stamp)) if stamp == session.stamp => Some(Person {
                name: known.name,
                role: known.role,
                proof: Proof::Session { csrf: session.csrf },
                address,
            }),
            _ => {
                self.logout(secret);
                None
            }
        }
    }

    /// Whom this token acts for. It may do what both it and its owner may.
    pub fn of_token(&self, secret: &str, address: IpAddr, now: SystemTime) -> Option<Person> {
        if !secret.starts_with(ApiTokenSecret::PREFIX) {
            return None;
        }
        let (token, owner) = self
            .store
            .read(|view| {
                let Some(token) = view.api_token(secret)? else { return Ok(None) };
                let owner = view.account(&token.owner)?;
                Ok(owner.map(|(owner, _)| (token, owner)))
            })
            .ok()??;
        if token.expires.is_some_and(|expires| expires <= now) {
            return None;
        }
        use AdministratorRole::{Administrator, Auditor, Monitor, Operator};
        let role = match (owner.role, token.role) {
            (owner, token) if owner == token => token,
            (Administrator, lesser @ (Operator | Auditor)) => lesser,
            (Operator, Administrator) => Operator,
            (Operator, Auditor) | (Auditor, Administrator | Operator) => Auditor,
            // Everybody may look.
            _ => Monitor,
        };
        Some(Person { name: owner.name, role, proof: Proof::Token(token.name), address })
    }

    fn may_try(&self, name: &str, address: IpAddr) -> Result<(), LoginFault> {
        let wait = lock(&self.guard).wait(name, address, Instant::now());
        wait.map_or(Ok(()), |wait| Err(LoginFault::Wait(wait)))
    }

    /// Waits for its turn, if that comes soon.
    fn begin_hashing(&self) -> Option<Hashing<'_>> {
        let Turnstile { running, left } = &self.hashing;
        let full = |running: &mut usize| *running >= HASHING;
        let turn = left.wait_timeout_while(lock(running), HASHING_PATIENCE, full);
        let (mut running, _) = turn.unwrap_or_else(PoisonError::into_inner);
        (*running < HASHING).then(|| {
            *running += 1;
            Hashing(&self.hashing)
        })
    }

    /// Writes a login to the audit log. Strangers cannot fill it.
    fn note(&self, name: &str, address: IpAddr, action: &str, now: Instant) {
        if action != "login" {
            let mut notes = lock(&self.notes);
            if now.duration_since(notes.0) >= NOTES_PER {
                *notes = (now, 0);
            }
            notes.1 += 1;
            if notes.1 > NOTES {
                return;
            }
        }
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        let author = Author::new(shown, format!("HTTPS {address}"));
        // A replica cannot write; the publisher's log has its own logins.
        let _ = self.store.audit(&author, SystemTime::now(), action, "");
    }
}

#[derive(Default)]
struct Turnstile {
    running: Mutex<usize>,
    left: Condvar,
}

struct Hashing<'a>(&'a Turnstile);

impl Drop for Hashing<'_> {
    fn drop(&mut self) {
        *lock(&self.0.running) -= 1;
        self.0.left.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
