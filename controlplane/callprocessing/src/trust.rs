//! Whose certificates are good: the issuers in the database's inventory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use legacytls::certificate::Policy;
use legacytls::link::{Client, Clients, Der, Reason};
use store::{CertificateRole, View};

/// The issuers that are trusted at present.
pub struct Trust {
    lsc_issuers: Vec<Der>,
    mic_issuers: Vec<Der>,
    expired_mics_until: Option<u64>,
    policy: Policy,
}

impl PartialEq for Trust {
    fn eq(&self, other: &Self) -> bool {
        self.clients() == other.clients()
    }
}

impl Trust {
    /// What the database says. Certificates that cannot be used are left out. MICs that have ended
    /// are good until that moment.
    pub(crate) fn read(
        view: &mut View<'_>,
        expired_mics_until: Option<SystemTime>,
    ) -> store::Result<Self> {
        let inventory = view.certificates()?;
        let of = |role: CertificateRole| {
            let entries = inventory.iter().filter(move |entry| entry.role == role);
            let usable = entries.filter(|entry| pki::Certificate::parse(&entry.der).is_ok());
            usable.map(|entry| Der(entry.der.clone())).collect::<Vec<_>>()
        };
        let (lsc, mic) = (of(CertificateRole::LscIssuer), of(CertificateRole::MicIssuer));
        let until = expired_mics_until
            .map(|until| until.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
        Self::new(lsc, mic, until).map_err(|error| store::Error::Database(error.to_string()))
    }

    /// Trusts these issuers.
    fn new(
        lsc_issuers: Vec<Der>,
        mic_issuers: Vec<Der>,
        expired_mics_until: Option<u64>,
    ) -> Result<Self, impl std::fmt::Display> {
        Policy::new(&lsc_issuers, &mic_issuers, expired_mics_until).map(|policy| Self {
            lsc_issuers,
            mic_issuers,
            expired_mics_until,
            policy,
        })
    }

    /// Whose certificate it is, if it is good.
    pub(crate) fn judge(
        &self,
        certificate: &[u8],
        others: &[&[u8]],
        now: SystemTime,
    ) -> Result<Client, Reason> {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        self.policy.judge_der(certificate, others, now)
    }

    /// The same for the cell.
    pub(crate) fn clients(&self) -> Clients {
        Clients::Certified {
            lsc_issuers: self.lsc_issuers.clone(),
            mic_issuers: self.mic_issuers.clone(),
            expired_mics_until: self.expired_mics_until,
        }
    }
}

/// The trust in force, for those who verify and the one who follows the database.
#[derive(Clone)]
pub(crate) struct TrustInForce(Arc<Mutex<Arc<Trust>>>);

impl TrustInForce {
    pub(crate) fn new(trust: Trust) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(trust))))
    }

    pub(crate) fn now(&self) -> Arc<Trust> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, trust: Trust) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(trust);
    }
}
