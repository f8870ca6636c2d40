//! Who may try a password, and when again.
//!
//! What is counted is the pair of account and address: whoever guesses an account's password locks
//! it for the address he guesses from and for no other, so that nobody can keep its owner out.
//! Beside that each address has a count of its own, for those who try many accounts.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Wrong passwords for an account from an address before it has to wait.
const PAIR_FAILURES: u32 = 5;
/// Wrong passwords from an address for whatever account.
const ADDRESS_FAILURES: u32 = 30;
/// First wait; each further wrong password doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(60);
/// Longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Failures are forgotten after so long without another.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// Most pairs and addresses that are remembered; those that failed longest ago go first.
const CAPACITY: usize = 10_000;
/// Longest name that is told apart.
const NAME: usize = 64;

/// Counts of wrong passwords.
#[derive(Default)]
pub struct Guard {
    pairs: Tallies<(IpAddr, String)>,
    addresses: Tallies<IpAddr>,
}

impl Guard {
    /// How long this address has to wait before it may try this account; `None`: now.
    pub fn wait(&self, account: &str, address: IpAddr, now: Instant) -> Option<Duration> {
        let address = network(address);
        let pair = self.pairs.wait(&(address, short(account)), now);
        pair.max(self.addresses.wait(&address, now))
    }

    /// A password was wrong.
    pub fn failed(&mut self, account: &str, address: IpAddr, now: Instant) {
        let address = network(address);
        self.pairs.failed((address, short(account)), PAIR_FAILURES, now);
        self.addresses.failed(address, ADDRESS_FAILURES, now);
    }

    /// A password was right.
    pub fn succeeded(&mut self, account: &str, address: IpAddr) {
        self.pairs.0.remove(&(network(address), short(account)));
    }
}

/// An address as strangers can choose it: whoever has an IPv6 address has its whole /64.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

fn short(account: &str) -> String {
    account.chars().take(NAME).collect()
}

struct Tallies<K>(HashMap<K, Tally>);

struct Tally {
    failures: u32,
    last: Instant,
    locked: Option<Instant>,
}

impl<K> Default for Tallies<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq + Clone> Tallies<K> {
    fn wait(&self, key: &K, now: Instant) -> Option<Duration> {
        let locked = self.0.get(key)?.locked?;
        locked.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }

    fn failed(&mut self, key: K, allowed: u32, now: Instant) {
        if self.0.len() >= CAPACITY && !self.0.contains_key(&key) {
            self.0.retain(|_, tally| now.duration_since(tally.last) < MEMORY);
            while self.0.len() >= CAPACITY {
                let oldest = self.0.iter().min_by_key(|(_, tally)| tally.last);
                let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
                self.0.remove(&oldest);
            }
        }
        let tally = self.0.entry(key).or_insert(Tally { failures: 0, last: now, locked: None });
        if now.duration_since(tally.last) >= MEMORY {
            tally.failures = 0;
        }
        tally.failures += 1;
        tally.last = now;
        if let Some(over) = tally.failures.checked_sub(allowed) {
            let wait = FIRST_WAIT.saturating_mul(1 << over.min(10)).min(LONGEST_WAIT);
            tally.locked = Some(now + wait);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

    #[test]
    fn who_guesses_locks_himself_out_and_nobody_else() {
        let start = Instant::now();
        let mut guard = Guard::default();
        for _ in 0..PAIR_FAILURES {
            assert_eq!(guard.wait("admin", AWAY, start), None);
            guard.failed("admin", AWAY, start);
        }
        assert_eq!(guard.wait("admin", AWAY, start), Some(FIRST_WAIT));
        assert_eq!(guard.wait("admin", HOME, start), None, "its owner is elsewhere");
        assert_eq!(guard.wait("bob", AWAY, start), None, "his colleague types his own password");
        assert_eq!(guard.wait("admin", AWAY, start + FIRST_WAIT), None);
        guard.failed("admin", AWAY, start + FIRST_WAIT);
        assert_eq!(guard.wait("admin", AWAY, start + FIRST_WAIT), Some(FIRST_WAIT * 2));
        guard.succeeded("admin", AWAY);
        assert_eq!(guard.wait("admin", AWAY, start), None);
    }

    #[test]
    fn who_tries_many_accounts_waits_too() {
        let now = Instant::now();
        let mut guard = Guard::default();
        for account in 0..ADDRESS_FAILURES {
            guard.failed(&account.to_string(), AWAY, now);
        }
        assert!(guard.wait("anybody", AWAY, now).is_some());
        assert_eq!(guard.wait("anybody", HOME, now), None);
    }

    #[test]
    fn all_addresses_of_a_network_are_one() {
        let now = Instant::now();
        let mut guard = Guard::default();
        for last in 0..u128::from(PAIR_FAILURES) {
            let address = Ipv6Addr::from_bits((0x2001_0db8 << 96) + last);
            guard.failed("admin", address.into(), now);
        }
        assert!(guard.wait("admin", "2001:db8::ffff".parse().unwrap(), now).is_some());
        assert!(guard.wait("admin", "2001:db8:0:1::1".parse().unwrap(), now).is_none());
    }

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let start = Instant::now();
        let mut guard = Guard::default();
        for number in 0..CAPACITY as u64 + 100 {
            let at = start + Duration::from_millis(number);
            guard.failed(&number.to_string(), IpAddr::from((number as u32).to_be_bytes()), at);
        }
        assert_eq!(guard.pairs.0.len(), CAPACITY);
        assert_eq!(guard.addresses.0.len(), CAPACITY);
    }
}
