//! The data of CAPF 1.0.

use std::time::SystemTime;

use capf::codec::{CertificateType, Reason};
use capf::phone::{Conclusion, Holding};
use pki::issue::{Usage, issued};
use pki::{Hash, KeyKind, PrivateKey, Signer, export};
use ringfence_enrolment::import::{OldFile, read};
use store::{CapfAuthMode, CapfOperation, CapfReason, CapfStatus, KeySize, Model};

use crate::phone::{Phone, existing};
use crate::site::{DEVICE, Site, device, template};

fn file(name: &str, content: impl Into<Vec<u8>>) -> OldFile {
    OldFile { name: name.into(), content: content.into() }
}

// R: CAPF-20, MIG-01
#[test]
fn lscs_of_capf_1_0_stay_valid() {
    let site = Site::new(Model::M7960);
    // The maker of the site stands for the old CAPF: an authority that CAPF of today is not.
    let old = site.maker.certificate();
    let key = PrivateKey::generate(KeyKind::Rsa1024);
    let template = template(DEVICE, Usage::Server);
    let lsc = issued(&template, key.public_key(), Hash::LegacySha1, &site.maker).unwrap();
    let data = read(&[
        file("CAPF-40.0", export::pem(old)),
        file(&format!("{DEVICE}.0"), lsc.der()),
        file("CAPF.phone", "# phones\nSEP001122334455 installed\nSEP00112233FFFF,pending\n"),
        file("CAPF.config", "KeySize = 2048\nCertValidity=3\n"),
        file("readme.txt", "not ours"),
    ]);
    assert_eq!(data.faults, []);
    let apply = || {
        let now = SystemTime::now();
        site.store.change(&crate::site::author(), now, |change| data.apply(change, now)).unwrap()
    };
    let done = apply();
    let came = &done.value;
    assert_eq!((came.issuers, came.certificates, came.phones, came.parameters), (1, 1, 1, 2));
    assert_eq!(came.unknown, ["SEP00112233FFFF".parse().unwrap()]);
    let capf = site.capf();
    assert_eq!(capf.status, CapfStatus::UpgradeSuccess);
    assert_eq!(capf.result.unwrap().reason, CapfReason::Imported);
    assert_eq!(site.store.read(|v| v.default_key_size()).unwrap(), KeySize::Rsa2048);
    let kept = site.store.read(|v| v.present_lsc(&device())).unwrap().unwrap();
    assert_eq!(kept.issued_by, Some(old.fingerprint()));
    // A second time nothing changes.
    assert_eq!(apply().revision, None);

    // The phone authenticates with it.
    site.order(CapfOperation::Install, CapfAuthMode::ExistingLsc);
    let running = site.serve();
    let mut phone = Phone { lsc: Some(Holding { certificate: lsc, key }), ..Phone::new(&site) };
    let told = phone.session(running.address(), existing(CertificateType::LSC));
    assert_eq!(told, Conclusion::Ended(Reason::SUCCESS));
}

#[test]
fn what_cannot_be_read_is_named_by_file_and_line() {
    let site = Site::new(Model::M7960);
    let data = read(&[
        file("broken.0", "nonsense"),
        file("server.0", site.mic("www.example.com").0.der()),
        file("CAPF.phone", "SEP001122334455 lost\n\nlobby installed\n"),
        file("CAPF.config", "KeySize 2048\nColour = red\n"),
    ]);
    let told: Vec<_> = data.faults.iter().map(|f| (&*f.file, f.line)).collect();
    assert_eq!(
        told,
        [
            ("broken.0", 1),
            ("server.0", 1),
            ("CAPF.phone", 1),
            ("CAPF.phone", 3),
            ("CAPF.config", 1),
            ("CAPF.config", 2)
        ]
    );
}
