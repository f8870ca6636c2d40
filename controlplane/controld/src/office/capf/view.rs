use std::time::SystemTime;

use console::{CapfView, CertificateView, Secret};
use enrolment::order::write_deadline;
use jiff::tz::TimeZone;
use lang::{Language, Say};
use store::{AuthString, Capf, Device, PhoneCertificate};

/// What is told of a phone.
pub(super) fn shown(
    device: &Device,
    capf: &Capf,
    lsc: Option<&PhoneCertificate>,
    language: Language,
) -> CapfView {
    let result = capf.result.as_ref();
    CapfView {
        device: device.name.clone(),
        model: device.model,
        description: device.description.clone(),
        operation: capf.operation,
        auth_mode: capf.auth_mode,
        auth_string: capf.auth_string.as_ref().map(AuthString::expose).map(Secret::new),
        key_size: capf.key_size,
        complete_by: capf.complete_by.map(|by| write_deadline(by, &TimeZone::system())),
        status: capf.status,
        status_text: capf.status.say(language),
        reason: result.map(|result| result.reason),
        reason_text: result.map(|result| result.reason.say(language)),
        result_at: result.map(|result| rfc3339(result.at)),
        lsc: lsc.map(certificate),
    }
}

/// What is told of a phone's certificate.
pub(super) fn certificate(certificate: &PhoneCertificate) -> CertificateView {
    CertificateView {
        kind: certificate.kind,
        present: certificate.present,
        revoked: certificate.revoked_at.map(rfc3339),
        subject: certificate.subject.clone(),
        issuer: certificate.issuer.clone(),
        serial: certificate.serial.clone(),
        not_before: rfc3339(certificate.not_before),
        not_after: rfc3339(certificate.not_after),
        fingerprint: certificate.fingerprint(),
        issued_by: certificate.issued_by.clone(),
    }
}

/// A moment for machines and people, in UTC.
pub(in crate::office) fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}
