//! Whether the paths to call agents are covered, and since when.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use esp::{Cover, Ipsec};
use status::IpsecPath;
use tracing::{info, warn};

use super::flow;

/// How often it is looked at even if nothing happens.
const EVERY: Duration = Duration::from_secs(5);
/// Gaps that are shorter, as between an association and its successor, alarm nobody.
const PATIENCE: Duration = Duration::from_secs(2);

/// One path to a call agent that must be protected.
pub struct Path {
    name: String,
    ours: SocketAddr,
    agent: SocketAddr,
    state: State,
    /// Outbound associations so far: with each but the first, keys have changed.
    successions: u64,
    spi: Option<u32>,
    alarms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Covered {
        since: Instant,
    },
    /// `told`: the alarm has been given.
    Uncovered {
        since: Instant,
        why: String,
        told: bool,
    },
}

impl Path {
    /// Between these two; nothing is known about it yet.
    pub fn new(now: Instant, name: &str, ours: SocketAddr, agent: SocketAddr) -> Self {
        let state = State::Uncovered { since: now, why: "not looked at".into(), told: false };
        Self { name: name.into(), ours, agent, state, successions: 0, spi: None, alarms: 0 }
    }

    /// Looks at it, and gives alarm or all-clear.
    pub fn check(&mut self, now: Instant, ipsec: &Ipsec) {
        match ipsec.covers(now, &flow(self.ours, self.agent)) {
            Ok(cover) => self.covered(now, &cover),
            Err(gap) => self.uncovered(now, gap.to_string()),
        }
    }

    fn covered(&mut self, now: Instant, cover: &Cover) {
        if self.spi.replace(cover.outbound.spi) != Some(cover.outbound.spi) {
            self.successions += 1;
        }
        if let State::Uncovered { told, .. } = self.state {
            if told {
                info!(path = self.name, agent = %self.agent, "the path is covered again");
            }
            self.state = State::Covered { since: now };
        }
    }

    fn uncovered(&mut self, now: Instant, why: String) {
        match &mut self.state {
            State::Covered { .. } => {
                self.state = State::Uncovered { since: now, why, told: false };
            }
            State::Uncovered { since, why: before, told } => {
                *before = why;
                if !*told && now.saturating_duration_since(*since) >= PATIENCE {
                    *told = true;
                    self.alarms += 1;
                    warn!(
                        path = self.name, agent = %self.agent, reason = %before,
                        "ALARM: the path to the call agent is not covered by IPsec"
                    );
                }
            }
        }
    }

    /// When it wants to be looked at again.
    pub fn poll_timeout(&self, looked: Instant) -> Instant {
        match self.state {
            State::Uncovered { since, told: false, .. } => since + PATIENCE,
            _ => looked + EVERY,
        }
    }

    /// For operators.
    pub fn report(&self, now: Instant, ipsec: &Ipsec) -> IpsecPath {
        let (covered, since, reason) = match &self.state {
            State::Covered { since } => (true, since, None),
            State::Uncovered { since, why, .. } => (false, since, Some(why.clone())),
        };
        let cover = ipsec.covers(now, &flow(self.ours, self.agent)).ok();
        IpsecPath {
            name: self.name.clone(),
            local: self.ours,
            remote: self.agent,
            covered,
            reason,
            since_ms: now.saturating_duration_since(*since).as_millis() as u64,
            spi_in: cover.map(|cover| format!("{:08x}", cover.inbound.spi)),
            spi_out: cover.map(|cover| format!("{:08x}", cover.outbound.spi)),
            suite: cover.map(|cover| cover.outbound.suite.name().into()),
            rekeys: self.successions.saturating_sub(1),
            alarms: self.alarms,
            calls: Vec::new(),
        }
    }
}
