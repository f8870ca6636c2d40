//! A phone gets, shows, renews and loses its certificate.

use std::time::{Duration, SystemTime};

use capf::codec::{CertificateType, Reason};
use capf::phone::{Conclusion, Credential};
use capf::server::AdmissionLimits;
use pki::{Certificate, PublicKey, export};
use ringfence_enrolment::issuer::{Issuer, OwnIssuer, Verdict};
use store::{
    CapfAuthMode, CapfOperation, CapfReason, CapfRequest, CapfStatus, DeviceName, KeySize, Model,
    PhoneCertificateKind,
};

use crate::phone::{Phone, existing};
use crate::site::{DEVICE, Site, YEAR, device};

const SUCCESS: Conclusion = Conclusion::Ended(Reason::SUCCESS);
const NOTHING: Conclusion = Conclusion::Ended(Reason::NO_ACTION);
const REFUSED: Conclusion = Conclusion::Refused(Reason::INVALID);

// R: CAPF-02, CAPF-03, CAPF-05, CAPF-10
#[test]
fn a_string_installs_once_and_the_inventory_has_the_certificate() {
    let site = Site::new(Model::M7960);
    let running = site.serve();
    let mut phone = Phone::new(&site);
    assert_eq!(phone.types(running.address(), "1234567"), NOTHING);
    site.order(CapfOperation::Install, CapfAuthMode::AuthenticationString);
    assert_eq!(site.capf().status, CapfStatus::Pending);
    assert_eq!(phone.types(running.address(), "1234567"), SUCCESS);

    let lsc = phone.lsc.clone().unwrap().certificate;
    assert!(lsc.is_issued_by(&site.own));
    let kept = site.store.read(|view| view.present_lsc(&device())).unwrap().unwrap();
    assert_eq!((&*kept.der, &kept.issued_by), (lsc.der(), &Some(site.own.fingerprint())));
    let capf = site.capf();
    assert_eq!((capf.operation, capf.status), (CapfOperation::None, CapfStatus::UpgradeSuccess));
    assert_eq!((capf.auth_string, capf.complete_by), (None, None));
    assert_eq!(capf.result.unwrap().reason, CapfReason::Success);

    // It is used up.
    assert_eq!(phone.types(running.address(), "1234567"), NOTHING);
    assert_eq!(phone.lsc.unwrap().certificate, lsc);
}

// R: LOG-01, CAPF-16
#[test]
fn the_trace_tells_everything_but_secrets() {
    let site = Site::new(Model::M7960);
    site.change(|change| change.set_parameter(None, "capf.trace-level", "detail"));
    site.order(CapfOperation::Install, CapfAuthMode::AuthenticationString);
    let running = site.serve();
    let mut phone = Phone::new(&site);
    assert_eq!(phone.types(running.address(), "7654321"), REFUSED);
    assert_eq!(phone.types(running.address(), "1234567"), SUCCESS);
    drop(running);
    let trace = site.trace();
    for expected in [DEVICE, "connection from 127.0.0.1", "wrong authentication string", "done"] {
        assert!(trace.contains(expected), "{expected}: {trace}");
    }
    assert!(!trace.contains("1234567") && !trace.contains("7654321"), "{trace}");
    let audit = site
        .store
        .read(|v| Ok(format!("{:?} {:?}", v.audit(None, 100)?, v.revisions(None, 100)?)))
        .unwrap();
    assert!(audit.contains("phone 127.0.0.1"), "{audit}");
    assert!(!audit.contains("1234567") && !audit.contains("7654321"), "{audit}");
}

// R: CAPF-06
#[test]
fn ten_wrong_strings_lock_over_a_restart() {
    let site = Site::new(Model::M7960);
    site.order(CapfOperation::Install, CapfAuthMode::AuthenticationString);
    let mut phone = Phone::new(&site);
    for half in 0..2 {
        let running = site.serve();
        for wrong in 0..5 {
            let digits = format!("{}", 10_000 + half * 10 + wrong);
            assert_eq!(phone.types(running.address(), &digits), REFUSED);
        }
    }
    let running = site.serve();
    // The right one comes too early.
    assert_eq!(phone.types(running.address(), "1234567"), REFUSED);
    site.wait_for(CapfReason::Locked);
    let audit = site.store.read(|view| view.audit(None, 100)).unwrap();
    assert_eq!(audit.iter().filter(|record| record.action == "capf-locked").count(), 1);
    // Strangers cannot lock a phone out of the place where it is known to be.
    *site.home.lock().unwrap() = Some([127, 0, 0, 1].into());
    assert_eq!(phone.types(running.address(), "1234567"), SUCCESS);
}

// R: CAPF-02, CAPF-04
#[test]
fn existing_certificates_in_both_orders() {
    let site = Site::new(Model::M7970);
    let running = site.serve();
    let address = running.address();
    let mut phone = Phone::with_mic(&site);
    // By MIC, for want of an LSC.
    site.order(CapfOperation::Install, CapfAuthMode::ExistingLsc);
    assert_eq!(phone.session(address, existing(CertificateType::LSC)), SUCCESS);
    let first = phone.lsc.clone().unwrap();
    // By the LSC, which is replaced.
    site.order(CapfOperation::Install, CapfAuthMode::ExistingLsc);
    assert_eq!(phone.session(address, existing(CertificateType::LSC)), SUCCESS);
    // The replaced one proves nothing any more.
    site.order(CapfOperation::Install, CapfAuthMode::ExistingLsc);
    let mut thief = Phone { lsc: Some(first), mic: None, ..phone.clone() };
    assert_eq!(thief.session(address, existing(CertificateType::LSC)), REFUSED);
    site.wait_for(CapfReason::Certificate);
    assert_eq!(phone.session(address, existing(CertificateType::MIC)), SUCCESS);
    assert_eq!(site.store.read(|v| v.phone_certificates(&device())).unwrap().len(), 3);

    // The certificate of another phone.
    site.order(CapfOperation::Delete, CapfAuthMode::ExistingMic);
    let (certificate, key) = site.mic("CP-7970G-SEP001122334466");
    let holding = capf::phone::Holding { certificate, key };
    let mut other = Phone { lsc: None, mic: Some(holding), ..phone.clone() };
    assert_eq!(other.session(address, existing(CertificateType::MIC)), REFUSED);
    assert_eq!(phone.session(address, existing(CertificateType::MIC)), SUCCESS);
    assert!(phone.lsc.is_none() && phone.mic.is_some());
    assert_eq!(site.capf().status, CapfStatus::DeleteSuccess);
    assert_eq!(site.store.read(|v| v.present_lsc(&device())).unwrap(), None);
}

// R: CAPF-04
#[test]
fn a_phone_without_any_certificate_fails_where_one_is_asked_for() {
    let site = Site::new(Model::M7960);
    site.order(CapfOperation::Install, CapfAuthMode::ExistingMic);
    let running = site.serve();
    let mut phone = Phone::new(&site);
    for _ in 0..3 {
        assert_eq!(phone.session(running.address(), existing(CertificateType::MIC)), REFUSED);
    }
    drop(running);
    let capf = site.capf();
    assert_eq!(capf.status, CapfStatus::UpgradeFailed);
    assert_eq!(capf.result.unwrap().reason, CapfReason::Certificate);
    // It may try as often as it likes: the history tells it once.
    let log = site.store.read(|view| view.revisions(None, 100)).unwrap();
    let by_phone = log.iter().filter(|revision| revision.author.who == "CAPF");
    assert_eq!(by_phone.filter(|r| r.author.origin.contains("127.0.0.1")).count(), 1);
}

// R: CAPF-02
#[test]
fn troubleshooting_fetches_both_certificates_into_a_file_each() {
    let site = Site::new(Model::M7970);
    let running = site.serve();
    let mut phone = Phone::with_mic(&site);
    site.order(CapfOperation::Install, CapfAuthMode::NullString);
    assert_eq!(phone.session(running.address(), Credential::NullString), SUCCESS);
    site.order(CapfOperation::Troubleshoot, CapfAuthMode::NullString);
    assert_eq!(phone.session(running.address(), Credential::NullString), NOTHING);
    assert_eq!(site.capf().status, CapfStatus::TroubleshootSuccess);
    for (kind, holding) in [("LSC", &phone.lsc), ("MIC", &phone.mic)] {
        let file = site.dir.path().join(format!("trace/{DEVICE}-{kind}.pem"));
        let text = std::fs::read_to_string(file).unwrap();
        let der = export::read_pem(&text).unwrap().remove(0);
        assert_eq!(der, holding.as_ref().unwrap().certificate.der(), "{kind}");
    }
    let kept = site.store.read(|view| view.phone_certificates(&device())).unwrap();
    let mic = kept.iter().find(|kept| kept.kind == PhoneCertificateKind::Mic).unwrap();
    assert_eq!(mic.issued_by, Some(site.maker.certificate().fingerprint()));
    assert!(kept.iter().all(|kept| kept.present));
}

// R: CAPF-12
#[test]
fn a_phone_that_dies_in_the_middle_comes_back_to_the_same_operation() {
    let site = Site::new(Model::M7960);
    site.order(CapfOperation::Install, CapfAuthMode::AuthenticationString);
    let running = site.serve();
    let mut phone = Phone { dies_before_storing: true, ..Phone::new(&site) };
    assert_eq!(phone.types(running.address(), "1234567"), Conclusion::Lost);
    // The service is killed and started again meanwhile.
    drop(running);
    assert_eq!(site.capf().operation, CapfOperation::Install);
    assert_eq!(site.store.read(|view| view.present_lsc(&device())).unwrap(), None);
    let running = site.serve();
    phone.dies_before_storing = false;
    assert_eq!(phone.types(running.address(), "1234567"), SUCCESS);
}

// R: CAPF-09
#[test]
fn an_operation_whose_time_is_over_fails_cleanly() {
    let site = Site::new(Model::M7960);
    site.order(CapfOperation::Install, CapfAuthMode::NullString);
    let mut late = site.capf();
    late.complete_by = Some(SystemTime::now() - Duration::from_secs(1));
    site.change(|change| change.order_capf(&late));
    let desk = site.desk();
    assert_eq!(desk.expire(SystemTime::now() - Duration::from_secs(5)).unwrap(), 0);
    assert_eq!(desk.expire(SystemTime::now()).unwrap(), 1);
    let capf = site.capf();
    assert_eq!((capf.operation, capf.status), (CapfOperation::None, CapfStatus::UpgradeFailed));
    assert_eq!(capf.result.unwrap().reason, CapfReason::Expired);

    let running = site.serve();
    let mut phone = Phone::new(&site);
    assert_eq!(phone.session(running.address(), Credential::NullString), NOTHING);
    assert!(phone.lsc.is_none());
    let mut stranger = Phone { name: "SEP00112233FFFF".into(), ..phone };
    let unknown = Conclusion::Refused(Reason::UNKNOWN_DEVICE);
    assert_eq!(stranger.session(running.address(), Credential::NullString), unknown);
    assert_eq!(site.store.read(|view| view.devices()).unwrap().len(), 1);
}

/// Needs approval once.
struct Slow(OwnIssuer);

impl Issuer for Slow {
    fn issue(&self, device: &DeviceName, key: &PublicKey, now: SystemTime) -> Verdict {
        Verdict::Pending(Box::new(CapfRequest {
            device: device.clone(),
            public_key: key.spki().to_vec(),
            transaction_id: "t1".into(),
            asked_at: now,
            request: Vec::new(),
            certificate: None,
        }))
    }

    fn resume(&self, request: &CapfRequest, now: SystemTime) -> Verdict {
        self.0.resume(request, now)
    }

    fn polling(&self) -> Duration {
        Duration::from_secs(3600)
    }
}

// R: CAPF-03
#[test]
fn a_certificate_that_needs_approval_waits_for_the_phone() {
    let site = Site::new(Model::M7960);
    site.order(CapfOperation::Install, CapfAuthMode::NullString);
    let slow = || Box::new(Slow(OwnIssuer::new(site.identity(), YEAR)));
    let mut phone = Phone::new(&site);
    let running = site.serve_with(site.desk_with(slow()), AdmissionLimits::default());
    let told = phone.session(running.address(), Credential::NullString);
    assert!(matches!(told, Conclusion::RetryLater(_)), "{told:?}");
    drop(running);
    let capf = site.capf();
    assert_eq!((capf.operation, capf.status), (CapfOperation::Install, CapfStatus::Pending));
    assert_eq!(capf.result.unwrap().reason, CapfReason::AuthorityPending);

    // Approved, and the service started anew.
    site.desk_with(slow()).poll_authority(SystemTime::now()).unwrap();
    let request = site.store.read(|view| view.capf_request(&device())).unwrap().unwrap();
    let approved = Certificate::parse(&request.certificate.unwrap()).unwrap();
    assert_eq!(approved.subject().common_name(), Some(DEVICE));
    let assignment = site.desk_with(slow()).look_up(&capf::DeviceName::parse(DEVICE).unwrap());
    let capf::server::LookedUp::Known(assignment) = assignment else { panic!() };
    assert_eq!(assignment.ready.as_ref(), Some(&approved));
    // Another key size makes another certificate necessary.
    let mut larger = site.capf();
    larger.key_size = KeySize::Rsa1024;
    site.change(|change| change.order_capf(&larger));
    let assignment = site.desk_with(slow()).look_up(&capf::DeviceName::parse(DEVICE).unwrap());
    let capf::server::LookedUp::Known(assignment) = assignment else { panic!() };
    assert!(assignment.ready.is_none());
}
