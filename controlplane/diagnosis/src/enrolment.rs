//! CAPF: whether the phone has a certificate, whether others can verify it, and what CAPF still has
//! to do.

use pki::certificate::Certificate;
use store::{
    Capf, CapfAuthMode, CapfOperation, CapfReason, CapfStatus, EffectiveMode, PhoneCertificate,
    PhoneCertificateKind, Service,
};

use crate::finding::{Finding, Trouble};
use crate::records::Records;

pub(crate) fn look(records: &Records, findings: &mut Vec<Finding>) {
    let phone = records.phone.to_string();
    let operation = records.capf.as_ref().and_then(|capf| operation(capf, records));
    let lsc = records.lsc().and_then(|lsc| verification(lsc, records));
    let troubles = [no_certificate(records), operation, lsc].into_iter().flatten();
    findings.extend(troubles.map(|trouble| Finding { phone: phone.clone(), trouble }));
}

/// Whether it should be secure and has no certificate.
fn no_certificate(records: &Records) -> Option<Trouble> {
    let (device, mode) = records.device.as_ref()?;
    let seen = |c: &PhoneCertificate| c.kind == PhoneCertificateKind::Mic && c.present;
    let has_mic = device.model.has_mic() || records.certificates.iter().any(seen);
    let needs = *mode != EffectiveMode::NonSecure && !has_mic && records.lsc().is_none();
    needs
        .then(|| Trouble::NoCertificate { mode: mode.to_string(), model: device.model.to_string() })
}

/// What is waited for, or why the last operation failed.
fn operation(capf: &Capf, records: &Records) -> Option<Trouble> {
    let failed = |reason| {
        let detail = capf.result.as_ref().map(|result| result.detail.clone());
        Trouble::CapfFailed { reason, detail: detail.unwrap_or_default() }
    };
    let reason = capf.result.as_ref().map(|result| result.reason);
    if capf.operation == CapfOperation::None {
        let ended_badly = matches!(
            capf.status,
            CapfStatus::UpgradeFailed | CapfStatus::DeleteFailed | CapfStatus::TroubleshootFailed
        );
        return ended_badly.then(|| failed(reason.unwrap_or(CapfReason::Phone)));
    }
    if capf.is_expired(records.now) {
        return Some(failed(CapfReason::Expired));
    }
    if !records.runs(Service::Capf) {
        return Some(Trouble::CapfNotActive);
    }
    match reason {
        // What the last attempt ended with; results of earlier operations do not count.
        Some(
            reason @ (CapfReason::WrongString
            | CapfReason::Locked
            | CapfReason::Certificate
            | CapfReason::Key
            | CapfReason::Phone
            | CapfReason::AuthorityPending
            | CapfReason::Authority
            | CapfReason::Connection
            | CapfReason::Protocol),
        ) if capf.status == CapfStatus::Pending => Some(failed(reason)),
        _ if capf.auth_mode == CapfAuthMode::AuthenticationString => {
            Some(Trouble::CapfWaitsForUser)
        }
        _ => Some(Trouble::CapfWaitsForPhone),
    }
}

/// Why its LSC cannot be verified.
fn verification(lsc: &PhoneCertificate, records: &Records) -> Option<Trouble> {
    let trusted = |issuer: &store::Certificate| {
        let parsed = Certificate::parse(&lsc.der).ok().zip(Certificate::parse(&issuer.der).ok());
        parsed.is_some_and(|(lsc, issuer)| lsc.is_issued_by(&issuer))
    };
    if !records.lsc_issuers.iter().any(trusted) {
        return Some(Trouble::LscOtherIssuer { issuer: lsc.issuer.clone() });
    }
    if !records.has_capf_certificate {
        return Some(Trouble::CapfCertificateMissing { node: records.node.clone() });
    }
    let until = pki::check::day(lsc.not_after);
    (lsc.not_after < records.now).then_some(Trouble::LscExpired { until })
}
