//! Who is logged in with a browser.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A session ends after so long without a request.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// And after so long in any case.
const LIFE: Duration = Duration::from_secs(12 * 3600);
/// Sessions of one account; the one unused longest goes for a new one.
const PER_ACCOUNT: usize = 16;

/// 256 bits of chance as text: what a browser shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    fn random() -> Self {
        let mut bytes = [0; 32];
        openssl::rand::rand_bytes(&mut bytes).expect("the system has random numbers");
        Self(Base64UrlUnpadded::encode_string(&bytes))
    }

    /// The text, for the browser.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is this text; takes as long either way.
    pub fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whose.
    pub account: String,
    /// What changes with the password.
    pub stamp: [u8; 32],
    /// What the pages of this session put into their forms.
    pub csrf: Secret,
    began: Instant,
    used: Instant,
}

/// All sessions, by the digest of what their browsers show: whoever reads this process's memory
/// later finds no cookie.
#[derive(Default)]
pub struct Sessions(HashMap<[u8; 32], Session>);

impl Sessions {
    /// Begins a session. What the browser showed before does not matter: nobody can have a session
    /// whose secret he chose.
    pub fn begin(&mut self, account: &str, stamp: [u8; 32], now: Instant) -> Secret {
        self.0.retain(|_, session| session.is_alive(now));
        let own = || self.0.iter().filter(|(_, session)| session.account == account);
        if own().count() >= PER_ACCOUNT {
            let oldest = own().min_by_key(|(_, session)| session.used).map(|(key, _)| *key);
            oldest.and_then(|oldest| self.0.remove(&oldest));
        }
        let secret = Secret::random();
        let csrf = Secret::random();
        let account = account.to_owned();
        self.0.insert(digest(&secret.0), Session { account, stamp, csrf, began: now, used: now });
        secret
    }

    /// The session that has this secret.
    pub fn find(&mut self, secret: &str, now: Instant) -> Option<Session> {
        let session = self.0.get_mut(&digest(secret)).filter(|session| session.is_alive(now))?;
        session.used = now;
        Some(session.clone())
    }

    /// Ends it.
    pub fn end(&mut self, secret: &str) {
        self.0.remove(&digest(secret));
    }
}

impl Session {
    fn is_alive(&self, now: Instant) -> bool {
        now.duration_since(self.used) < IDLE && now.duration_since(self.began) < LIFE
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
        let start = Instant::now();
        let mut sessions = Sessions::default();
        let secret = sessions.begin("alice", [0; 32], start);
        assert!(sessions.find("chosen by somebody", start).is_none());
        let mut now = start;
        while now < start + LIFE {
            assert!(sessions.find(secret.expose(), now).is_some());
            now += IDLE / 2;
        }
        assert!(sessions.find(secret.expose(), now).is_none());

        let secret = sessions.begin("alice", [0; 32], start);
        assert!(sessions.find(secret.expose(), start + IDLE).is_none());
        let secret = sessions.begin("alice", [0; 32], start);
        sessions.end(secret.expose());
        assert!(sessions.find(secret.expose(), start).is_none());
        assert_eq!(format!("{secret:?}"), "Secret");
    }

    #[test]
    fn an_account_has_so_many_sessions_and_others_have_theirs() {
        let start = Instant::now();
        let mut sessions = Sessions::default();
        let bob = sessions.begin("bob", [0; 32], start);
        let at = |n: usize| start + Duration::from_secs(n as u64);
        let all: Vec<_> =
            (1..=PER_ACCOUNT + 1).map(|n| sessions.begin("alice", [0; 32], at(n))).collect();
        assert!(sessions.find(all[0].expose(), at(20)).is_none());
        assert!(sessions.find(all[1].expose(), at(20)).is_some());
        assert!(sessions.find(bob.expose(), at(20)).is_some());
    }
}
