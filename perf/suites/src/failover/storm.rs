//! Telephones lose their centre, and what becomes of them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use phone::office::{Mute, Office, PhoneId, What};
use phone::station::Event;
use phone::traffic::register;

use super::branch::Branch;

/// So many register at the centre at the same time.
const AT_ONCE: usize = 50;
const PATIENCE: Duration = Duration::from_secs(180);
/// The place of the gateway among a phone's servers.
const GATEWAY: usize = 1;

/// How it went.
pub struct Survived {
    pub phones: usize,
    /// From the loss until the last phone knew of it.
    pub noticed: Duration,
    /// From the loss until the last phone was served by the gateway.
    pub served: Duration,
    /// Connections to the gateway that phones began.
    pub attempts: usize,
}

impl Survived {
    pub fn after_noticing(&self) -> Duration {
        self.served.saturating_sub(self.noticed)
    }
}

/// All phones register at the centre; then something happens to it, and they go to a gateway that
/// bears so many connections without registration.
pub fn after(
    branch: &Branch,
    half_open: Option<usize>,
    happens: impl FnOnce(&Branch) -> Result<()> + Send,
) -> Result<Survived> {
    branch.start_centre()?;
    let gateway = branch.start_gateway(half_open)?;
    let survived = branch.phones().enter(|| -> Result<Survived> {
        let (mut office, phones) = branch.office()?;
        let report = register(&mut office, &phones, AT_ONCE, PATIENCE)?;
        ensure!(report.missing == 0, "the centre does not serve all: {:?}", report.failures);
        let lost = Instant::now();
        happens(branch)?;
        let survived = watch(&mut office, phones.len(), lost)?;
        for phone in phones {
            office.power_off(phone);
        }
        Ok(survived)
    })?;
    drop(gateway);
    survived
}

fn watch(office: &mut Office<Mute>, phones: usize, lost: Instant) -> Result<Survived> {
    let end = lost + PATIENCE;
    let (mut noticed, mut served) = (lost, lost);
    let mut unaware: BTreeSet<PhoneId> = office.phones().collect();
    let mut unserved = unaware.clone();
    let mut attempts = 0;
    while !unserved.is_empty() {
        ensure!(Instant::now() < end, "{} phones are not served", unserved.len());
        office.turn(end)?;
        while let Some(happening) = office.next_happening() {
            match happening.what {
                What::Event(Event::Lost(_)) if unaware.remove(&happening.phone) => {
                    noticed = noticed.max(happening.at);
                }
                What::Event(Event::Connecting(GATEWAY)) => attempts += 1,
                What::Event(Event::Registered(GATEWAY)) => {
                    unserved.remove(&happening.phone);
                    served = served.max(happening.at);
                }
                _ => {}
            }
        }
    }
    let (noticed, served) = (noticed - lost, served - lost);
    Ok(Survived { phones, noticed, served, attempts })
}
