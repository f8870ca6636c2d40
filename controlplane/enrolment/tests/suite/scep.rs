//! Certificates of an authority elsewhere, whose cryptography is OpenSSL's.

use std::net::TcpListener;
use std::time::{Duration, SystemTime};

use ::scep::{Floor, Product};
use capf::codec::Reason;
use capf::phone::{Conclusion, Credential};
use capf::server::AdmissionLimits;
use pki::Certificate;
use ringfence_authority::{Authority, page, reluctant, serve};
use ringfence_enrolment::authority::trust;
use ringfence_enrolment::issuer::{Issuer, ScepIssuer, Terms};
use store::{CapfAuthMode, CapfOperation, CapfReason, CapfStatus, CertificateRole, Model};

use crate::phone::Phone;
use crate::site::{DEVICE, Site, YEAR, device};

/// An authority of which the test knows the certificate, and the port that its web server gets.
fn authority() -> (Authority, TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (Authority::new(), listener, port)
}

/// A web server in front of it that answers requests with a page for people; its port.
fn unwell(ca: &Authority) -> u16 {
    let certificates = ca.certificates(&["ra-sign", "ca", "ra-enc"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = serve(listener, move |asked| {
        let answer: &[u8] = match asked.path() {
            path if path.contains("GetCACaps") => b"SCEPStandard",
            path if path.contains("GetCACert") => &certificates,
            _ => b"<html>The service is unavailable</html>",
        };
        page("200 OK", answer)
    });
    // It serves as long as there is somebody to be told what it was asked.
    std::mem::forget(asked);
    port
}

fn terms(ca: &Certificate, port: u16) -> Terms {
    Terms {
        product: Product::Microsoft,
        address: "127.0.0.1".into(),
        port: Some(port),
        fingerprint: ca.fingerprint(),
        floor: Floor::Modern,
        validity: YEAR,
        polling: Duration::from_secs(60),
        trusted: vec![ca.clone()],
    }
}

fn issuer(site: &Site, terms: Terms) -> Result<Box<dyn Issuer>, String> {
    let own = site.own.subject();
    let issuer = ScepIssuer::new(terms, &site.files.keys, own, SystemTime::now());
    Ok(Box::new(issuer.map_err(|fault| fault.to_string())?))
}

// R: CAPF-03, CAPF-14
#[test]
fn an_authority_elsewhere_approves_and_the_phone_gets_its_certificate() {
    let site = Site::new(Model::M7960);
    let (mut authority, listener, port) = authority();
    let ca = authority.certificate();
    site.change(|change| trust(change, CertificateRole::LscIssuer, &ca));
    site.order(CapfOperation::Install, CapfAuthMode::NullString);
    let mut larger = site.capf();
    larger.key_size = store::KeySize::Rsa1024;
    site.change(|change| change.order_capf(&larger));
    // Its policy overrides the validity that is asked for.
    authority.days = 90;
    let unwell = unwell(&authority);
    let _asked = reluctant(authority, listener);
    let terms = |port| terms(&ca, port);
    let running = site.serve_with(
        site.desk_with(issuer(&site, terms(port)).unwrap()),
        AdmissionLimits::default(),
    );
    let mut phone = Phone::new(&site);
    let told = phone.session(running.address(), Credential::NullString);
    assert!(matches!(told, Conclusion::RetryLater(Some(_))), "{told:?}");
    site.wait_for(CapfReason::AuthorityPending);
    assert!(site.store.read(|v| v.capf_request(&device())).unwrap().unwrap().certificate.is_none());
    drop(running);

    // An authority that is not well says nothing, so the request waits on.
    let request = || site.store.read(|view| view.capf_request(&device())).unwrap();
    let asked = request();
    let desk = site.desk_with(issuer(&site, terms(unwell)).unwrap());
    desk.poll_authority(SystemTime::now()).unwrap();
    assert_eq!(request(), asked);

    // After a restart it is reminded, and the phone comes back to its certificate.
    let desk = site.desk_with(issuer(&site, terms(port)).unwrap());
    desk.poll_authority(SystemTime::now()).unwrap();
    let audit = site.store.read(|view| view.audit(None, 100)).unwrap();
    let otherwise = audit.iter().find(|record| record.action == "capf-issued-otherwise");
    assert!(otherwise.unwrap().detail.contains("validity"), "{otherwise:?}");
    let running = site.serve_with(desk, AdmissionLimits::default());
    let told = phone.session(running.address(), Credential::NullString);
    assert_eq!(told, Conclusion::Ended(Reason::SUCCESS));
    let lsc = phone.lsc.unwrap().certificate;
    assert!(lsc.is_issued_by(&ca));
    assert_eq!(lsc.subject().common_name(), Some(DEVICE));
    assert_eq!(site.capf().status, CapfStatus::UpgradeSuccess);
    let kept = site.store.read(|view| view.present_lsc(&device())).unwrap().unwrap();
    assert_eq!(kept.issued_by, Some(ca.fingerprint()));
    assert_eq!(site.store.read(|view| view.capf_request(&device())).unwrap(), None);
}

#[test]
fn an_authority_that_is_away_or_unconfirmed_issues_nothing() {
    let site = Site::new(Model::M7960);
    let (authority, listener, port) = authority();
    let ca = authority.certificate();
    let unconfirmed = Terms { fingerprint: String::new(), ..terms(&ca, 1) };
    let told = issuer(&site, unconfirmed).err().unwrap();
    assert!(told.contains("capf.certificate-authority-fingerprint"), "{told}");
    let nowhere = Terms { address: String::new(), ..terms(&ca, 1) };
    assert!(issuer(&site, nowhere).is_err());
    // Another authority than the confirmed one.
    let _asked = reluctant(authority, listener);
    let other = Terms { fingerprint: site.own.fingerprint(), ..terms(&ca, port) };
    site.order(CapfOperation::Install, CapfAuthMode::NullString);
    let desk = site.desk_with(issuer(&site, other).unwrap());
    let running = site.serve_with(desk, AdmissionLimits::default());
    let told = Phone::new(&site).session(running.address(), Credential::NullString);
    assert_eq!(told, Conclusion::Refused(Reason::INVALID));
    let capf = site.capf();
    assert_eq!((capf.operation, capf.status), (CapfOperation::Install, CapfStatus::UpgradeFailed));
    assert_eq!(capf.result.unwrap().reason, CapfReason::Authority);
}
