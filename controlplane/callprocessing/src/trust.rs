//! Whose certificates are good: the issuers in the database's inventory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use legacytls::certificate::{Issuers, Policy};
use legacytls::link::{Client, Clients, Der, Reason};
use store::{CertificateRole, View};

/// The issuers that are trusted at present.
pub struct Trust {
    lsc_issuers: Vec<Der>,
    mic_issuers: Vec<Der>,
    /// With the name of the voicemail server.
    voicemail_roots: Vec<(String, pki::Certificate)>,
    expired_mics_until: Option<u64>,
    policy: Policy,
}

impl PartialEq for Trust {
    fn eq(&self, other: &Self) -> bool {
        // Servers may have exchanged their names.
        let owners = |trust: &Self| -> Vec<String> {
            trust.voicemail_roots.iter().map(|(owner, _)| owner.clone()).collect()
        };
        self.clients() == other.clients() && owners(self) == owners(other)
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
        let roots = inventory.iter().filter(|entry| entry.role == CertificateRole::VoicemailRoot);
        let root = |entry: &store::Certificate| {
            Some((entry.owner.clone(), pki::Certificate::parse(&entry.der).ok()?))
        };
        let roots: Vec<_> = roots.filter_map(root).collect();
        let until = expired_mics_until
            .map(|until| until.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
        Self::new(lsc, mic, roots, until).map_err(|error| store::Error::Database(error.to_string()))
    }

    /// Trusts these issuers.
    fn new(
        lsc_issuers: Vec<Der>,
        mic_issuers: Vec<Der>,
        voicemail_roots: Vec<(String, pki::Certificate)>,
        expired_mics_until: Option<u64>,
    ) -> Result<Self, impl std::fmt::Display> {
        let voicemail = ders(&voicemail_roots);
        let issuers = Issuers { lsc: &lsc_issuers, mic: &mic_issuers, voicemail: &voicemail };
        Policy::new(&issuers, expired_mics_until).map(|policy| Self {
            lsc_issuers,
            mic_issuers,
            voicemail_roots,
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

    /// The root certificate of a voicemail server that has issued a certificate.
    pub(crate) fn voicemail_root(
        &self,
        server: &str,
        certificate: &[u8],
    ) -> Option<&pki::Certificate> {
        let certificate = pki::Certificate::parse(certificate).ok()?;
        let issued = |(owner, root): &&(String, pki::Certificate)| {
            owner == server && certificate.is_issued_by(root)
        };
        self.voicemail_roots.iter().find(issued).map(|(_, root)| root)
    }

    /// The same for the cell.
    pub(crate) fn clients(&self) -> Clients {
        Clients::Certified {
            lsc_issuers: self.lsc_issuers.clone(),
            mic_issuers: self.mic_issuers.clone(),
            voicemail_roots: ders(&self.voicemail_roots),
            expired_mics_until: self.expired_mics_until,
        }
    }
}

fn ders(roots: &[(String, pki::Certificate)]) -> Vec<Der> {
    roots.iter().map(|(_, root)| Der(root.der().to_vec())).collect()
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
