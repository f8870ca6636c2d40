//! Certificates of an authority elsewhere, whose cryptography is OpenSSL's.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::SystemTime;

use ::scep::{Floor, Product};
use capf::codec::Reason;
use capf::phone::{Conclusion, Credential};
use capf::server::AdmissionLimits;
use pki::Certificate;
use ringfence_enrolment::authority::trust;
use ringfence_enrolment::issuer::{Issuer, ScepIssuer, Terms};
use store::{CapfAuthMode, CapfOperation, CapfReason, CapfStatus, CertificateRole, Model};

use crate::authority::{Answer, Authority};
use crate::phone::Phone;
use crate::site::{DEVICE, Site, YEAR, device};
use crate::support::vector;

/// A Microsoft authority that lets the first request wait and approves at the first reminder; its
/// port.
fn responder(days: u32) -> u16 {
    let mut ca = Authority::new();
    ca.days = days;
    let certificates = ca.certificates(&["ra-sign", "ca", "ra-enc"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut requested = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (line, body) = read(&mut stream);
            assert!(line.contains("/certsrv/mscep/mscep.dll"), "{line}");
            let answer = if line.contains("GetCACaps") {
                b"POSTPKIOperation\nSHA-256\nAES\n".to_vec()
            } else if line.contains("GetCACert") {
                certificates.clone()
            } else {
                let message = ca.open(&body, "ra-enc").unwrap();
                match &*message.kind {
                    "19" => {
                        requested = message.plain.clone();
                        ca.sign(&Answer::pending(&message))
                    }
                    _ => {
                        let issued = ca.issue(&requested);
                        ca.sign(&ca.success_with(&message, &[issued.der()]))
                    }
                }
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
            let _ = stream.write_all(&[head.as_bytes(), &answer].concat());
        }
    });
    port
}

/// The same authority with a web server that answers requests with a page for people; its port.
fn unwell() -> u16 {
    let certificates = Authority::new().certificates(&["ra-sign", "ca", "ra-enc"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (line, _) = read(&mut stream);
            let answer: &[u8] = match () {
                () if line.contains("GetCACaps") => b"SCEPStandard",
                () if line.contains("GetCACert") => &certificates,
                () => b"<html>The service is unavailable</html>",
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
            let _ = stream.write_all(&[head.as_bytes(), answer].concat());
        }
    });
    port
}

fn read(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0);
    }
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    (head.lines().next().unwrap().to_owned(), body)
}

fn terms(port: u16) -> Terms {
    let ca = Certificate::parse(vector("ca")).unwrap();
    Terms {
        product: Product::Microsoft,
        address: "127.0.0.1".into(),
        port: Some(port),
        fingerprint: ca.fingerprint(),
        floor: Floor::Modern,
        validity: YEAR,
        trusted: vec![ca],
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
    let ca = Certificate::parse(vector("ca")).unwrap();
    site.change(|change| trust(change, CertificateRole::LscIssuer, &ca));
    site.order(CapfOperation::Install, CapfAuthMode::NullString);
    let mut larger = site.capf();
    larger.key_size = store::KeySize::Rsa1024;
    site.change(|change| change.order_capf(&larger));
    // Its policy overrides the validity that is asked for.
    let port = responder(90);
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
    let desk = site.desk_with(issuer(&site, terms(unwell())).unwrap());
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
    let unconfirmed = Terms { fingerprint: String::new(), ..terms(1) };
    let told = issuer(&site, unconfirmed).err().unwrap();
    assert!(told.contains("capf.certificate-authority-fingerprint"), "{told}");
    let nowhere = Terms { address: String::new(), ..terms(1) };
    assert!(issuer(&site, nowhere).is_err());
    // Another authority than the confirmed one.
    let other = Terms { fingerprint: site.own.fingerprint(), ..terms(responder(365)) };
    site.order(CapfOperation::Install, CapfAuthMode::NullString);
    let desk = site.desk_with(issuer(&site, other).unwrap());
    let running = site.serve_with(desk, AdmissionLimits::default());
    let told = Phone::new(&site).session(running.address(), Credential::NullString);
    assert_eq!(told, Conclusion::Refused(Reason::INVALID));
    let capf = site.capf();
    assert_eq!((capf.operation, capf.status), (CapfOperation::Install, CapfStatus::UpgradeFailed));
    assert_eq!(capf.result.unwrap().reason, CapfReason::Authority);
}
