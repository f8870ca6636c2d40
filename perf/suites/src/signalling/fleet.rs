//! The telephones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use phone::connection::{Legacy, Modern, Server, Way};
use phone::office::{Mute, Office, PhoneId, Setup};
use phone::station::{Profile, Registration};
use phone::traffic::{CallPlan, CallReport, Pair, call, keep, register};
use phone::{Model, SecurityMode};

use super::site::{MODERN, Site, name, number};

/// So many register at the same time.
const AT_ONCE: usize = 100;
const PATIENCE: Duration = Duration::from_secs(600);
/// Pairs that call. A server bears so many messages of one phone, and no more.
pub(super) const PAIRS: usize = 400;
const HOLD: Duration = Duration::from_secs(1);
const CALLING: Duration = Duration::from_secs(15);

pub(super) struct Fleet {
    office: Office<Mute>,
    old: Vec<PhoneId>,
    modern: Vec<PhoneId>,
}

impl Fleet {
    pub fn new(site: &Site) -> Result<Self> {
        let server = Server::new(site.secure(), vec![site.certificate.der().to_vec()]);
        let servers: Arc<[_]> = vec![Arc::new(server)].into();
        let old = Legacy::manner(SecurityMode::Encrypted, None)?;
        let today = Modern::manner(SecurityMode::Encrypted, &servers, None);
        let mut office = Office::new(Mute::default())?;
        let (mut phones, mut identity) = (Vec::new(), site.identities()?);
        let old_ones = site.count - MODERN;
        for index in 0..site.count {
            let identity = identity(index)?;
            let way = match index < old_ones {
                true => Way::Legacy(Arc::new(Legacy::new(&old, &identity))),
                false => Way::Modern(Arc::new(Modern::new(&today, &identity)?)),
            };
            let mut profile = Profile::new(name(index), Model::M7970);
            profile.mode = SecurityMode::Encrypted;
            let servers = Arc::clone(&servers);
            phones.push(office.add(Setup { profile, servers, way, source: None }));
        }
        let modern = phones.split_off(old_ones);
        Ok(Self { office, old: phones, modern })
    }

    /// Some register; they leave afterwards.
    pub fn registrations_per_second(&mut self, count: usize) -> Result<f64> {
        let phones = self.old[..count].to_vec();
        self.rate(&phones)
    }

    /// The same for phones of today: with whole handshakes, and resumed.
    pub fn modern_registrations_per_second(&mut self) -> Result<(Vec<f64>, Vec<f64>)> {
        let phones = self.modern.clone();
        Ok((vec![self.rate(&phones)?], vec![self.rate(&phones)?]))
    }

    fn rate(&mut self, phones: &[PhoneId]) -> Result<f64> {
        let rate = self.register(phones)?;
        for phone in phones {
            self.office.stop(*phone);
        }
        let end = Instant::now() + PATIENCE;
        let away = |office: &Office<Mute>, phone| {
            office.station(phone).display().registration == Registration::None
        };
        while !phones.iter().all(|phone| away(&self.office, *phone)) {
            ensure!(Instant::now() < end, "the server does not let its phones go");
            self.office.turn(end)?;
        }
        while self.office.next_happening().is_some() {}
        Ok(rate)
    }

    pub fn register_all(&mut self) -> Result<()> {
        let phones = [&self.old[..], &self.modern].concat();
        self.register(&phones).map(drop)
    }

    fn register(&mut self, phones: &[PhoneId]) -> Result<f64> {
        let report = register(&mut self.office, phones, AT_ONCE, PATIENCE)?;
        ensure!(
            report.missing == 0,
            "{} phones are not served: {:?}",
            report.missing,
            report.failures
        );
        Ok(report.per_second())
    }

    /// How many lose their server meanwhile.
    pub fn keep(&mut self, time: Duration) -> Result<usize> {
        Ok(keep(&mut self.office, time)?.0)
    }

    /// Calls, so many in a second or as many as there can be.
    pub fn calls(&mut self, per_second: Option<f64>) -> Result<CallReport> {
        let pairs = (0..PAIRS.min(self.old.len() / 2)).map(|pair| Pair {
            caller: self.old[2 * pair],
            callee: self.old[2 * pair + 1],
            number: number(2 * pair + 1),
        });
        let plan = CallPlan {
            pairs: pairs.collect(),
            per_second,
            hold: HOLD,
            time: CALLING,
            patience: Duration::from_secs(10),
        };
        let report = call(&mut self.office, &plan)?;
        ensure!(report.failures.is_empty(), "calls failed: {:?}", report.failures);
        ensure!(report.encrypted == report.set_up.len(), "calls without a lock: {report:?}");
        Ok(report)
    }
}
