//! CAPF's own certificate: made, published, renewed.

use std::fs;
use std::time::SystemTime;

use capf::codec::{CertificateType, Reason};
use capf::phone::{Conclusion, Credential};
use cluster::required::Inventory;
use pki::export;
use ringfence_enrolment::authority;
use store::{CapfAuthMode, CapfOperation, CertificateRole, Model, Service};
use tlv::Role;

use crate::phone::{Phone, existing};
use crate::site::Site;

const SUCCESS: Conclusion = Conclusion::Ended(Reason::SUCCESS);

// R: CAPF-01, CTL-13
#[test]
fn its_certificate_is_in_the_files_and_in_the_inventory() {
    let site = Site::new(Model::M7970);
    let name = export::dot_zero_name(&site.own).unwrap();
    let der = fs::read(site.files.certificates.join("CAPF.cer")).unwrap();
    assert_eq!(der, site.own.der());
    let pem = fs::read_to_string(site.files.certificates.join(name)).unwrap();
    assert_eq!(export::read_pem(&pem).unwrap(), [site.own.der()]);
    let served = site.files.capf(SystemTime::now()).unwrap();
    assert_eq!(served.der(), site.own.der());
    let roles: Vec<_> = site
        .store
        .read(|view| view.certificates())
        .unwrap()
        .into_iter()
        .filter(|entry| entry.der == site.own.der())
        .map(|entry| entry.role)
        .collect();
    assert_eq!(roles, [CertificateRole::Capf, CertificateRole::LscIssuer]);
}

// R: CAPF-18, CTL-14
#[test]
fn after_a_renewal_old_lscs_hold_while_their_issuer_is_trusted() {
    let site = Site::new(Model::M7960);
    site.change(|change| {
        let mut me = change.node("cm1")?;
        me.services.push(Service::Capf);
        change.put_node(&me)
    });
    let running = site.serve();
    let mut phone = Phone::new(&site);
    site.order(CapfOperation::Install, CapfAuthMode::NullString);
    assert_eq!(phone.session(running.address(), Credential::NullString), SUCCESS);
    drop(running);
    let listed = |inventory: &Inventory| {
        let capf = inventory.servers.iter().find(|server| server.role == Role::Capf);
        capf.unwrap().certificate.clone().unwrap()
    };
    let before = Inventory::of_store(&site.store).unwrap();
    assert_eq!(listed(&before), site.own.der());

    let old = site.own.clone();
    let new = authority::renew(&site.files, &site.store, "cm1", SystemTime::now()).unwrap();
    let new = new.certificate().clone();
    assert_ne!(new.subject(), old.subject());
    // What a trust list must have now is another certificate: an update is required.
    assert_eq!(listed(&Inventory::of_store(&site.store).unwrap()), new.der());
    assert_ne!(before, Inventory::of_store(&site.store).unwrap());
    let kept = site.files.certificates.join(export::dot_zero_name(&old).unwrap());
    assert!(kept.exists(), "the copy is gone");

    // The old LSC still authenticates; the new one has the new issuer.
    let site = Site { own: new.clone(), ..site };
    let mut phone = Phone { lsc: phone.lsc.take(), ..Phone::new(&site) };
    let first = phone.clone();
    let running = site.serve();
    site.order(CapfOperation::Install, CapfAuthMode::ExistingLsc);
    assert_eq!(phone.session(running.address(), existing(CertificateType::LSC)), SUCCESS);
    assert!(phone.lsc.as_ref().unwrap().certificate.is_issued_by(&new));
    drop(running);

    // Until the old issuer is not trusted any more.
    site.change(|change| {
        let all = change.certificates()?;
        let old = all.iter().find(|e| e.role == CertificateRole::LscIssuer && e.der == old.der());
        change.remove_certificate(old.unwrap())
    });
    let anchors = site.store.read(authority::anchors).unwrap();
    let lsc = first.lsc.unwrap().certificate;
    assert!(!anchors.lsc.iter().any(|anchor| lsc.is_issued_by(anchor)));
}
