//! Who is logged in to a provider.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use pki::certificate::hex;

/// How long a session lives without a request.
pub const IDLE: Duration = Duration::from_secs(30 * 60);
/// Most sessions at a time; a new one pushes the longest idle one out.
pub const MAX_SESSIONS: usize = 64;
/// Wrong passwords for a user before the next try must wait.
pub const FREE_TRIES: u32 = 5;
/// How long it must wait then.
pub const PENALTY: Duration = Duration::from_secs(30);

/// Somebody who logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seated {
    /// The administrator's name.
    pub user: String,
    /// The client's name for itself.
    pub client: String,
}

/// All sessions of a provider. Tokens are kept hashed.
#[derive(Debug, Default)]
pub struct Sessions {
    seated: HashMap<Vec<u8>, (Seated, SystemTime)>,
    failures: HashMap<String, (u32, SystemTime)>,
}

impl Sessions {
    /// Whether a password of this user may be tried now.
    pub fn may_try(&self, user: &str, now: SystemTime) -> bool {
        match self.failures.get(user) {
            Some((count, last)) if *count >= FREE_TRIES => elapsed(*last, now) >= PENALTY,
            _ => true,
        }
    }

    /// Notes a wrong password.
    pub fn failed(&mut self, user: &str, now: SystemTime) {
        // Names are strangers' input: forget old ones before remembering too many.
        if self.failures.len() >= MAX_SESSIONS {
            self.failures.retain(|_, (_, last)| elapsed(*last, now) < PENALTY);
        }
        if self.failures.len() < 16 * MAX_SESSIONS {
            let (count, last) = self.failures.entry(user.to_owned()).or_insert((0, now));
            (*count, *last) = (count.saturating_add(1), now);
        }
    }

    /// Begins a session and returns its token.
    pub fn begin(&mut self, seated: Seated, now: SystemTime) -> String {
        self.failures.remove(&seated.user);
        self.seated.retain(|_, (_, last)| elapsed(*last, now) < IDLE);
        if self.seated.len() >= MAX_SESSIONS {
            let oldest = self.seated.iter().min_by_key(|(_, (_, last))| *last);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.seated.remove(&oldest);
            }
        }
        let mut secret = [0; 32];
        openssl::rand::rand_bytes(&mut secret).expect("the system has random numbers");
        let token = hex(&secret);
        self.seated.insert(key(&token), (seated, now));
        token
    }

    /// Whose token this is.
    pub fn find(&mut self, token: &str, now: SystemTime) -> Option<Seated> {
        let (seated, last) = self.seated.get_mut(&key(token))?;
        if elapsed(*last, now) >= IDLE {
            self.seated.remove(&key(token));
            return None;
        }
        *last = now;
        Some(seated.clone())
    }

    /// Ends a session.
    pub fn end(&mut self, token: &str) {
        self.seated.remove(&key(token));
    }
}

/// Looking a hash up instead of the token keeps the time it takes from telling anything.
fn key(token: &str) -> Vec<u8> {
    pki::Hash::Sha256.of(token.as_bytes())
}

fn elapsed(since: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(since).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn seated(user: &str) -> Seated {
        Seated { user: user.into(), client: "c".into() }
    }

    #[test]
    fn sessions_end() {
        let mut sessions = Sessions::default();
        let token = sessions.begin(seated("a"), UNIX_EPOCH);
        let later = UNIX_EPOCH + IDLE - Duration::from_secs(1);
        assert_eq!(sessions.find(&token, later), Some(seated("a")));
        assert_eq!(sessions.find(&token, later + IDLE), None);
        let token = sessions.begin(seated("a"), UNIX_EPOCH);
        sessions.end(&token);
        assert_eq!(sessions.find(&token, UNIX_EPOCH), None);
        let first = sessions.begin(seated("first"), UNIX_EPOCH);
        for number in 1..=MAX_SESSIONS as u64 {
            sessions.begin(seated("next"), UNIX_EPOCH + Duration::from_millis(number));
        }
        assert_eq!(sessions.find(&first, UNIX_EPOCH), None);
        assert_eq!(sessions.seated.len(), MAX_SESSIONS);
    }

    #[test]
    fn guessing_takes_time() {
        let mut sessions = Sessions::default();
        for _ in 0..FREE_TRIES {
            assert!(sessions.may_try("a", UNIX_EPOCH));
            sessions.failed("a", UNIX_EPOCH);
        }
        assert!(!sessions.may_try("a", UNIX_EPOCH));
        assert!(sessions.may_try("b", UNIX_EPOCH));
        assert!(sessions.may_try("a", UNIX_EPOCH + PENALTY));
        sessions.begin(seated("a"), UNIX_EPOCH);
        assert!(sessions.may_try("a", UNIX_EPOCH));
        for name in 0..100_000 {
            sessions.failed(&name.to_string(), UNIX_EPOCH);
        }
        assert!(sessions.failures.len() <= 16 * MAX_SESSIONS);
    }
}
