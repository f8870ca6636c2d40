//! Phones whose certificates are worth nothing any more.

use std::time::SystemTime;

use legacytls::client::Cell;
use messages::Explain;
use store::{
    DeviceSecurityMode, PhoneCertificate, PhoneCertificateKind, PhoneOrder, PhoneOrderKind,
};

use crate::phone::{M7960, M7970};
use crate::site::{ALICE, BOB, await_alarm};
use crate::tls::{ENCRYPTED, Holding, Process, TODAY, YESTERDAY, mixed};

/// As CAPF notes it.
fn noted(Holding(own, ..): &Holding, name: &str) -> PhoneCertificate {
    PhoneCertificate {
        device: name.parse().unwrap(),
        kind: PhoneCertificateKind::Lsc,
        subject: own.subject().to_string(),
        issuer: own.issuer().to_string(),
        serial: pki::certificate::hex(own.serial()),
        not_before: own.not_before(),
        not_after: own.not_after(),
        issued_by: None,
        noted_at: SystemTime::now(),
        present: true,
        revoked_at: None,
        der: own.der().to_vec(),
    }
}

// R: AUTH-05, AUTH-06
#[test]
fn a_certificate_that_was_replaced_or_revoked_does_not_register_any_more() {
    let (site, capf) = mixed(DeviceSecurityMode::Encrypted);
    let socket = site.dir.path().join("legacytls.sock");
    let _process = Process::start(&socket);
    let cell = Cell::at(&socket);
    let running = site.serve_with(|setup| setup.cell = Some(&cell));
    let (handle, to) = (running.handle(), running.secure_address());
    let [first, second] = [(); 2].map(|()| capf.issue(ALICE));
    // One that nobody has noted is as good as its issuer.
    let mut alice = site.phone(to, &first, TODAY, ALICE, M7970);
    alice.register();
    site.change(|change| change.put_phone_certificate(&noted(&first, ALICE)));
    alice = site.phone(to, &first, TODAY, ALICE, M7970);
    alice.register();
    // CAPF gives her another one: the first is worth nothing, whichever TLS it comes by.
    site.change(|change| change.put_phone_certificate(&noted(&second, ALICE)));
    for offer in [TODAY, YESTERDAY, ENCRYPTED] {
        let refusal = site.phone_in_time(to, &first, offer, ALICE, M7970).refusal();
        assert_eq!(refusal, "Security Error");
        alice = site.phone_in_time(to, &second, offer, ALICE, M7970);
        alice.register();
    }
    let alarm = await_alarm(handle, "CERTIFICATE_WITHDRAWN");
    assert_eq!(alarm.values()[0].1, ALICE);
    // An administrator revokes that one, too, and at another node: this one cuts her off.
    site.change(|change| {
        change.revoke_lsc(&ALICE.parse()?)?;
        let devices = vec![ALICE.to_owned()];
        let (kind, node) = (PhoneOrderKind::Cut, "cm2".to_owned());
        change.order_phones(&PhoneOrder { kind, node, devices })
    });
    while alice.hear().is_some() {}
    for offer in [TODAY, ENCRYPTED] {
        let again = site.phone_in_time(to, &second, offer, ALICE, M7970);
        assert_eq!(again.refusal(), "Security Error");
    }
    assert!(handle.registered().is_empty());
    // Bob's is another.
    site.phone(to, &capf.issue(BOB), TODAY, BOB, M7960).register();
}
