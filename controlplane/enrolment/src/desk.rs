//! The answers to a session's questions, out of the store.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use capf::codec::{CertificateType, KeySpec};
use capf::server::{
    Assignment, AuthMode, AuthenticationString, CertificateRefusal, Ended, Failure, Issuance,
    Issue, Level, Lockout, LockoutRule, LookedUp, MatchedString, Operation, Outcome, Place,
    Profile, Record, Refusal, StringClaim, StringRefusal, Ticket,
};
use pki::certificate::hex;
use pki::{Certificate, PublicKey};
use store::{
    Author, Capf, CapfAuthMode, CapfOperation, CapfReason, CapfRequest, CapfResult, CapfStatus,
    CertificateRole, Change, DeviceName, PhoneCertificate, PhoneCertificateKind, Store,
};

use crate::issuer::{Issuer, Verdict};
use crate::trace::Trace;

/// When a phone shall come back while the database is away.
const STORE_AWAY: Duration = Duration::from_secs(60);

/// The address a phone is known to have: the one it fetches its files from.
pub type Home = dyn Fn(&DeviceName) -> Option<IpAddr> + Send + Sync;

/// Answers questions.
pub struct Desk {
    store: Arc<Store>,
    issuer: Box<dyn Issuer>,
    trace: Arc<Trace>,
    home: Box<Home>,
    rule: LockoutRule,
}

impl Desk {
    /// Answers out of `store`.
    pub fn new(
        store: Arc<Store>,
        issuer: Box<dyn Issuer>,
        trace: Arc<Trace>,
        home: Box<Home>,
    ) -> Self {
        Self { store, issuer, trace, home, rule: LockoutRule::default() }
    }

    /// Where the trace goes.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Writes the trace as loudly as the parameter says now.
    pub fn follow_trace_level(&self) {
        let level = self.store.read(|view| view.capf_parameter("capf.trace-level"));
        // While the database is away it stays as it was.
        let Ok(level) = level else { return };
        self.trace.set_level(match &*level.value {
            "detail" => Level::Detail,
            "alarm" => Level::Alarm,
            _ => Level::Notice,
        });
    }

    /// What is to be done with a device.
    pub fn look_up(&self, name: &capf::DeviceName) -> LookedUp {
        let Some(device) = known_name(name) else { return LookedUp::Unknown };
        let found = self.store.read(|view| {
            if view.find_device(&device)?.is_none() {
                return Ok(None);
            }
            let certificates = view.phone_certificates(&device)?;
            let request = view.capf_request(&device)?;
            Ok(Some((view.capf(&device)?, certificates, request)))
        });
        match found {
            Ok(Some((capf, certificates, request))) => {
                LookedUp::Known(Box::new(assignment(&capf, &certificates, request)))
            }
            Ok(None) => LookedUp::Unknown,
            Err(error) => {
                self.trace.note(&format!("{name}: {error}"));
                LookedUp::NotNow(STORE_AWAY)
            }
        }
    }

    /// Whether a string is the device's; wrong ones are counted before anybody is told.
    pub fn check_string(
        &self,
        claim: &StringClaim,
        now: SystemTime,
    ) -> Result<MatchedString, StringRefusal> {
        let Some(device) = known_name(&claim.device) else { return Err(StringRefusal::NoneValid) };
        let place = match (self.home)(&device) {
            Some(home) if home.to_canonical() == claim.from.to_canonical() => Place::Home,
            _ => Place::Elsewhere,
        };
        let author = author(claim.from);
        let checked = self.store.change(&author, now, |change| {
            let before: Lockout = change
                .capf_lockout(&device)?
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default();
            let capf = change.capf(&device)?;
            let expected = capf
                .auth_string
                .as_ref()
                .filter(|_| capf.operation != CapfOperation::None)
                .and_then(|digits| AuthenticationString::parse(digits.expose()).ok());
            let mut lockout = before.clone();
            let verdict = lockout.check(now, self.rule, claim, place, expected.as_ref());
            if lockout != before {
                let text = serde_json::to_string(&lockout).expect("it has no failing parts");
                let text = (!lockout.is_clear()).then_some(&*text);
                change.put_capf_lockout(&device, text)?;
            }
            Ok(verdict)
        });
        let verdict = match checked {
            Ok(changed) => changed.value,
            Err(error) => {
                self.trace.note(&format!("{device}: {error}"));
                Err(StringRefusal::NoneValid)
            }
        };
        if let Err(StringRefusal::NowLocked { failures }) = &verdict {
            let detail = format!("{device}: {failures} wrong authentication strings in a row");
            let _ = self.store.audit(&author, now, "capf-locked", &detail);
        }
        verdict
    }

    /// A certificate for a phone's key.
    pub fn issue(&self, issue: &Issue, now: SystemTime) -> Issuance {
        let Some(device) = known_name(issue.device()) else {
            return Issuance::Refused("this is no device".into());
        };
        let verdict = self.issuer.issue(&device, issue.key().public_key(), now);
        match verdict {
            Verdict::Issued { certificate, notes } => {
                self.issued_otherwise(&device, &notes, now);
                Issuance::Ready(certificate)
            }
            Verdict::Refused(why) => Issuance::Refused(why),
            Verdict::Pending(request) => match self.keep_request(&request, now) {
                Ok(()) => Issuance::Pending(self.issuer.polling()),
                Err(error) => Issuance::Refused(error.to_string()),
            },
        }
    }

    /// Keeps what came of an operation.
    pub fn record(&self, record: &Record, from: IpAddr, now: SystemTime) -> Result<(), String> {
        let device = known_name(&record.device).ok_or("this is no device")?;
        if let Outcome::Shown(shown) = &record.outcome {
            for shown in shown {
                self.trace.keep(&device, shown);
            }
        }
        let kept = self.store.change(&author(from), now, |change| {
            let mut capf = change.capf(&device)?;
            if capf.operation == CapfOperation::None || capf.ticket != record.ticket.0 {
                return Ok(false);
            }
            apply(change, &mut capf, &record.outcome, now)?;
            Ok(true)
        });
        match kept {
            Ok(changed) if changed.value => Ok(()),
            Ok(_) => Err("the operation was changed meanwhile".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Notes why a phone was refused before its operation began, once until something else comes
    /// of it: strangers must not fill the history.
    pub fn ended(&self, name: &capf::DeviceName, ended: &Ended, from: IpAddr, now: SystemTime) {
        let Some((device, reason)) = known_name(name).zip(refused_for(ended)) else { return };
        let noted = self.store.read(|view| {
            let known = view.find_device(&device)?.is_some();
            let waits = view.capf_request(&device)?.is_some();
            Ok((known && (waits || reason != CapfReason::AuthorityPending), view.capf(&device)?))
        });
        let Ok((true, seen)) = noted else { return };
        if news(&seen, reason).is_none() {
            return;
        }
        let noted = self.store.change(&author(from), now, |change| {
            // Another connection of the phone may have told it meanwhile, or an operator may have
            // ordered something else.
            let capf = change.capf(&device)?;
            let Some(status) = news(&capf, reason).filter(|_| capf.ticket == seen.ticket) else {
                return Ok(());
            };
            let result = Some(CapfResult { at: now, reason, detail: ended.to_string() });
            change.note_capf(&Capf { status, result, ..capf })
        });
        if let Err(error) = noted {
            self.trace.note(&format!("{device}: {error}"));
        }
    }

    /// Ends the operations whose time is over. How many.
    pub fn expire(&self, now: SystemTime) -> store::Result<usize> {
        if self.store.read(|view| view.capf_expired(now))?.is_empty() {
            return Ok(0);
        }
        let ended = self.store.change(&Author::new("CAPF", "deadline"), now, |change| {
            let expired = change.capf_expired(now)?;
            for capf in &expired {
                let result = CapfResult {
                    at: now,
                    reason: CapfReason::Expired,
                    detail: Failure::Expired.to_string(),
                };
                let mut capf = capf.clone();
                capf.end(false, result);
                change.note_capf(&capf)?;
                change.remove_capf_request(&capf.device)?;
            }
            Ok(expired.len())
        })?;
        Ok(ended.value)
    }

    /// Asks the authority again for what is pending there.
    pub fn poll_authority(&self, now: SystemTime) -> store::Result<()> {
        for device in self.store.read(|view| view.capf_requests_open())? {
            let Some(request) = self.store.read(|view| view.capf_request(&device))? else {
                continue;
            };
            match self.issuer.resume(&request, now) {
                Verdict::Issued { certificate, notes } => {
                    self.issued_otherwise(&device, &notes, now);
                    self.trace.note(&format!("{device}: its certificate came; it waits for it"));
                    let certificate = Some(certificate.der().to_vec());
                    self.keep_request(&CapfRequest { certificate, ..request }, now)?;
                }
                Verdict::Pending(request) => self.keep_request(&request, now)?,
                Verdict::Refused(why) => self.refused_by_authority(&device, &why, now)?,
            }
        }
        Ok(())
    }

    /// How often [`Self::poll_authority`] is due.
    pub fn polling(&self) -> Duration {
        self.issuer.polling()
    }

    /// An authority's policy may override what was asked for: then it is told what was issued.
    fn issued_otherwise(&self, device: &DeviceName, notes: &[String], now: SystemTime) {
        if notes.is_empty() {
            return;
        }
        let detail = format!("{device}: {}", notes.join("; "));
        self.trace.note(&detail);
        let author = Author::new("CAPF", "certification authority");
        let _ = self.store.audit(&author, now, "capf-issued-otherwise", &detail);
    }

    fn keep_request(&self, request: &CapfRequest, now: SystemTime) -> store::Result<()> {
        let author = Author::new("CAPF", "certification authority");
        self.store.change(&author, now, |change| change.put_capf_request(request)).map(|_| ())
    }

    fn refused_by_authority(
        &self,
        device: &DeviceName,
        why: &str,
        now: SystemTime,
    ) -> store::Result<()> {
        self.trace.note(&format!("{device}: no certificate: {why}"));
        let author = Author::new("CAPF", "certification authority");
        let reason = CapfReason::Authority;
        let result = CapfResult { at: now, reason, detail: why.to_owned() };
        self.store.change(&author, now, |change| {
            change.remove_capf_request(device)?;
            let mut capf = change.capf(device)?;
            capf.status = CapfStatus::ended(capf.operation, false);
            capf.result = Some(result);
            change.note_capf(&capf)
        })?;
        Ok(())
    }
}

/// Names in the store are those of phones; others exist in the protocol only.
fn known_name(name: &capf::DeviceName) -> Option<DeviceName> {
    name.as_str().parse().ok()
}

/// The status that a refusal leads to, unless it is what was told last or nothing is ordered.
fn news(capf: &Capf, reason: CapfReason) -> Option<CapfStatus> {
    let status = match reason {
        CapfReason::AuthorityPending => CapfStatus::Pending,
        _ => CapfStatus::ended(capf.operation, false),
    };
    let told = capf.result.as_ref().is_some_and(|result| result.reason == reason);
    let known = told && capf.status == status;
    (capf.operation != CapfOperation::None && !known).then_some(status)
}

fn author(from: IpAddr) -> Author {
    Author::new("CAPF", format!("phone {}", from.to_canonical()))
}

fn assignment(
    capf: &Capf,
    certificates: &[PhoneCertificate],
    request: Option<CapfRequest>,
) -> Assignment {
    let lscs = certificates.iter().filter(|it| it.kind == PhoneCertificateKind::Lsc);
    let ready = request
        .filter(|request| is_of_size(request, capf))
        .and_then(|request| Certificate::parse(&request.certificate?).ok());
    Assignment {
        ticket: Ticket(capf.ticket),
        operation: match capf.operation {
            CapfOperation::None => Operation::None,
            CapfOperation::Install => Operation::Install(KeySpec::Rsa(capf.key_size.bits())),
            CapfOperation::Delete => Operation::Delete,
            CapfOperation::Troubleshoot => Operation::Troubleshoot,
        },
        mode: match capf.auth_mode {
            CapfAuthMode::AuthenticationString => AuthMode::String,
            CapfAuthMode::NullString => AuthMode::NullString,
            CapfAuthMode::ExistingLsc => AuthMode::ExistingLsc,
            CapfAuthMode::ExistingMic => AuthMode::ExistingMic,
        },
        complete_by: capf.complete_by,
        failed_attempts: capf.failed_attempts,
        // All our models may have loads that know neither KEY_TYPE nor SHA-2; those that know more
        // understand this too.
        profile: Profile::Legacy,
        ready,
        withdrawn: lscs
            .filter(|lsc| lsc.is_withdrawn())
            .map(PhoneCertificate::fingerprint)
            .collect(),
    }
}

/// A certificate that was asked for before the order changed to another key size is not delivered.
fn is_of_size(request: &CapfRequest, capf: &Capf) -> bool {
    PublicKey::from_spki(&request.public_key)
        .is_some_and(|key| key.bits() == u32::from(capf.key_size.bits()))
}

fn apply(
    change: &mut Change<'_>,
    capf: &mut Capf,
    outcome: &Outcome,
    now: SystemTime,
) -> store::Result<()> {
    let result = |reason, detail: String| CapfResult { at: now, reason, detail };
    let success = result(CapfReason::Success, String::new());
    let device = capf.device.clone();
    match outcome {
        Outcome::Installed(certificate) => {
            let issued_by = issuer_of(change, certificate)?;
            let lsc = PhoneCertificateKind::Lsc;
            change.put_phone_certificate(&noted(&device, lsc, certificate, issued_by, now))?;
            change.remove_capf_request(&device)?;
            capf.end(true, success);
        }
        Outcome::Deleted => {
            change.phone_certificate_gone(&device, PhoneCertificateKind::Lsc)?;
            capf.end(true, success);
        }
        Outcome::Shown(shown) => {
            // Another device's certificate is for the trace only.
            let own = capf::DeviceName::parse(device.as_str());
            let decoded = shown.iter().filter_map(|shown| {
                let certificate = shown.certificate.as_ref().ok()?;
                let name = certificate.subject().common_name()?;
                let own = own.as_ref().is_some_and(|own| own.owns(name));
                Some((kind(shown.kind)?, certificate)).filter(|_| own)
            });
            let mut told = Vec::new();
            for (kind, certificate) in decoded {
                let issued_by = issuer_of(change, certificate)?;
                change.put_phone_certificate(&noted(&device, kind, certificate, issued_by, now))?;
                told.push(format!("{kind} {}", hex(certificate.serial())));
            }
            if !shown.iter().any(|shown| shown.kind == CertificateType::LSC) {
                change.phone_certificate_gone(&device, PhoneCertificateKind::Lsc)?;
            }
            capf.end(true, result(CapfReason::Success, told.join(", ")));
        }
        Outcome::AttemptFailed(attempts) => {
            capf.failed_attempts = *attempts;
            let detail = format!("no key, {attempts} times");
            capf.result = Some(result(CapfReason::Key, detail));
        }
        Outcome::Failed(failure) => {
            let result = result(reason_of(failure), failure.to_string());
            if failure.is_final() {
                capf.end(false, result);
            } else {
                // A phone that has no certificate says so by refusing; it is asked again.
                capf.status = CapfStatus::ended(capf.operation, false);
                capf.result = Some(result);
            }
        }
    }
    change.note_capf(capf)
}

fn kind(kind: CertificateType) -> Option<PhoneCertificateKind> {
    match kind {
        CertificateType::LSC => Some(PhoneCertificateKind::Lsc),
        CertificateType::MIC => Some(PhoneCertificateKind::Mic),
        _ => None,
    }
}

/// Fingerprint of the trusted certificate that issued this one.
fn issuer_of(change: &mut Change<'_>, certificate: &Certificate) -> store::Result<Option<String>> {
    let roles = [CertificateRole::LscIssuer, CertificateRole::MicIssuer];
    let issuers = change.certificates()?.into_iter().filter(|entry| roles.contains(&entry.role));
    let mut parsed = issuers.filter_map(|entry| Certificate::parse(&entry.der).ok());
    Ok(parsed.find(|issuer| certificate.is_issued_by(issuer)).map(|issuer| issuer.fingerprint()))
}

/// A certificate as the inventory has it.
pub(crate) fn noted(
    device: &DeviceName,
    kind: PhoneCertificateKind,
    certificate: &Certificate,
    issued_by: Option<String>,
    now: SystemTime,
) -> PhoneCertificate {
    PhoneCertificate {
        device: device.clone(),
        kind,
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: hex(certificate.serial()),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        issued_by,
        noted_at: now,
        present: true,
        revoked_at: None,
        der: certificate.der().to_vec(),
    }
}

fn reason_of(failure: &Failure) -> CapfReason {
    match failure {
        Failure::Expired => CapfReason::Expired,
        Failure::KeyGeneration(_) => CapfReason::Key,
        Failure::Phone(_) | Failure::NothingShown => CapfReason::Phone,
        Failure::NotIssued(_) => CapfReason::Authority,
    }
}

/// Why a phone was refused whose operation waits on; `None` where it tells nothing about the phone.
fn refused_for(ended: &Ended) -> Option<CapfReason> {
    match ended {
        Ended::Refused(Refusal::String(StringRefusal::Wrong { .. })) => {
            Some(CapfReason::WrongString)
        }
        Ended::Refused(Refusal::String(
            StringRefusal::NowLocked { .. } | StringRefusal::Locked { .. },
        )) => Some(CapfReason::Locked),
        Ended::Refused(Refusal::Certificate(
            CertificateRefusal::NoCertificate
            | CertificateRefusal::Chain(_)
            | CertificateRefusal::Withdrawn,
        )) => Some(CapfReason::Certificate),
        Ended::RetryLater(_) => Some(CapfReason::AuthorityPending),
        _ => None,
    }
}
