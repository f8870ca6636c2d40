//! SRST references, their certificates, and what hangs on them.

use ringfence_store::{
    Action, Certificate, CertificateRole, Error, Invalid, Pool, Refusal, SrstReference,
};

use crate::database::{Database, NOW};

crate::over_both! {
    a_reference_is_kept_as_it_was_put,
    only_an_accepted_certificate_replaces_one,
    a_certificate_ends_with_its_reference,
    ports_are_digits_within_their_range,
}

fn branch() -> SrstReference {
    SrstReference { secure: true, ..SrstReference::new("branch", [192, 0, 2, 1].into()) }
}

fn certificate(der: &[u8]) -> Certificate {
    Certificate {
        role: CertificateRole::SrstGateway,
        owner: "branch".into(),
        subject: "CN=gw".into(),
        issuer: "CN=gw".into(),
        serial: "01".into(),
        not_before: NOW,
        not_after: NOW,
        der: der.to_vec(),
    }
}

fn der(db: &Database) -> Option<Vec<u8>> {
    db.store.read(|v| v.srst_certificate("branch")).unwrap().map(|it| it.der)
}

// R: SRST-01, SRST-07, GEN-20
fn a_reference_is_kept_as_it_was_put(db: &Database) {
    let unknown = Error::Unknown { object: "srst-reference", name: "branch".into() };
    let office = Pool { srst: Some("branch".into()), ..Pool::new("office") };
    assert_eq!(db.change(|c| c.put_pool(&office)).unwrap_err(), unknown);

    assert_eq!(db.change(|c| c.put_srst_reference(&branch())).unwrap().actions, []);
    assert_eq!(db.store.read(|v| v.srst_references()).unwrap(), [branch()]);
    db.change(|c| c.put_pool(&Pool::new("office"))).unwrap();
    let done = db.change(|c| c.put_pool(&office)).unwrap();
    assert_eq!(done.actions, [Action::ResetPool("office".into())]);
    assert_eq!(db.store.read(|v| v.pool("office")).unwrap(), office);

    let moved = SrstReference { address: [192, 0, 2, 2].into(), ..branch() };
    let done = db.change(|c| c.put_srst_reference(&moved)).unwrap();
    assert_eq!(done.actions, [Action::ResetDependents("branch".into())]);
    // Phones do not see where its certificate is shown.
    let elsewhere = SrstReference { provider_port: 3445, ..moved };
    let done = db.change(|c| c.put_srst_reference(&elsewhere)).unwrap();
    assert!(done.revision.is_some() && done.actions.is_empty(), "{done:?}");
}

// R: SRST-03, GEN-20
fn only_an_accepted_certificate_replaces_one(db: &Database) {
    let open = SrstReference { secure: false, ..branch() };
    db.change(|c| c.put_srst_reference(&open)).unwrap();
    let refused = db.change(|c| c.accept_srst_certificate("branch", &certificate(b"1")));
    assert_eq!(refused.unwrap_err(), Refusal::SrstNotSecure.into());

    db.change(|c| c.put_srst_reference(&branch())).unwrap();
    let accept = |der: &[u8]| {
        let certificate = certificate(der);
        db.change(|c| c.accept_srst_certificate("branch", &certificate)).unwrap()
    };
    assert_eq!(accept(b"1").actions, [Action::ResetDependents("branch".into())]);
    assert_eq!(accept(b"1").revision, None);
    // An ordinary update leaves it alone, whatever it says of it.
    let moved = SrstReference { address: [192, 0, 2, 2].into(), fetched_at: None, ..branch() };
    db.change(|c| c.put_srst_reference(&moved)).unwrap();
    let kept = db.store.read(|v| v.srst_reference("branch")).unwrap();
    assert_eq!((der(db), kept.fetched_at), (Some(b"1".to_vec()), Some(NOW)));
    accept(b"2");
    assert_eq!(der(db), Some(b"2".to_vec()));
}

// R: SRST-06
fn a_certificate_ends_with_its_reference(db: &Database) {
    let accepted = || {
        db.change(|c| {
            c.put_srst_reference(&branch())?;
            c.accept_srst_certificate("branch", &certificate(b"1"))
        })
        .unwrap();
        assert!(der(db).is_some());
    };
    accepted();
    let open = SrstReference { secure: false, ..branch() };
    let done = db.change(|c| c.put_srst_reference(&open)).unwrap();
    assert_eq!(done.actions, [Action::ResetDependents("branch".into())]);
    assert_eq!((der(db), db.store.read(|v| v.srst_references()).unwrap()), (None, vec![open]));

    accepted();
    db.change(|c| c.withdraw_srst_certificate("branch")).unwrap();
    assert_eq!((der(db), db.store.read(|v| v.srst_references()).unwrap()), (None, vec![branch()]));

    accepted();
    let office = Pool { srst: Some("branch".into()), ..Pool::new("office") };
    db.change(|c| c.put_pool(&office)).unwrap();
    let in_use = db.change(|c| c.remove_srst_reference("branch")).unwrap_err();
    assert!(matches!(&in_use, Error::InUse { by, .. } if by == "office"), "{in_use}");
    db.change(|c| c.put_pool(&Pool::new("office"))).unwrap();
    db.change(|c| c.remove_srst_reference("branch")).unwrap();
    assert_eq!((der(db), db.store.read(|v| v.srst_references()).unwrap()), (None, vec![]));
}

// R: SRST-01
fn ports_are_digits_within_their_range(db: &Database) {
    for port in [1024, 2445, 49151] {
        assert_eq!(SrstReference::parse_port(&port.to_string()), Ok(port));
    }
    for wrong in ["", "24x5", "+2445", " 2445", "２４４５"] {
        let error = SrstReference::parse_port(wrong).unwrap_err();
        assert_eq!(error.to_string(), "Port Numbers can only contain digits.", "{wrong:?}");
    }
    for wrong in ["1023", "49152", "65536", "99999999999999999999"] {
        let error = SrstReference::parse_port(wrong).unwrap_err();
        assert!(matches!(error, Error::Invalid(Invalid::Range { .. })), "{error}");
    }
    let refused = |reference: SrstReference| db.change(|c| c.put_srst_reference(&reference));
    assert!(refused(SrstReference { provider_port: 80, ..branch() }).is_err());
    // Phones would add 443 to it.
    assert!(refused(SrstReference { port: 49000, ..branch() }).is_err());
    assert!(refused(SrstReference { name: "a/b".into(), ..branch() }).is_err());
    assert!(refused(SrstReference { address: [0, 0, 0, 0].into(), ..branch() }).is_err());
}
